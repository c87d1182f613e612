//! `git run ice exec -- <command>`: any program in the environment that agents get. And the programs
//! that such an environment holds under the names of others.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::ice::{
        denial::Denial,
        ledger::Layer,
        shell::{self, Step},
    },
    git::Repo,
    guard::{
        facts,
        fence::{Fence, stashed_inside, writes_aside},
        ledger, scope,
    },
    process::{
        env,
        replace::{Successor, become_it, wait_for},
    },
    report::verdict,
};

/// Runs it, and ends as it ended.
pub(super) fn exec(repo: &Repo, words: &[OsString]) -> Result<Exit, Fail> {
    let Some((program, args)) = words.split_first() else {
        return Err(Fail::new(Exit::Usage, "which command?").hint("git run ice exec -- <command>"));
    };
    let fence = Fence::around(repo)?;
    let inside = fence.environment(env::vars());
    let successor = Successor {
        program: Path::new(program),
        called: None,
        args,
        env: Some(inside),
        stdin: None,
    };
    let code = wait_for(successor).map_err(|error| {
        Fail::new(Exit::Failed, format!("cannot run `{}`: {error}", program.to_string_lossy()))
    })?;
    Ok(Exit::Passed(code))
}

/// Judges what is asked of a program whose name we have here, and becomes the one that is really called
/// so. What a hook will see as well is judged twice: here the answer says what to do instead.
pub(super) fn stand_in(ui: &mut Ui, name: &str, args: &[OsString]) -> Exit {
    let words: Vec<String> = args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let line = words.join(" ");
    let free = |repo: &Repo| scope::is_scratch_here(repo) || takes_out_its_own(repo, &words);
    let free = name == "git" && Repo::discover(&place(&words)).is_ok_and(|repo| free(&repo));
    if !free {
        let ask = &mut |directory: &str| facts::gather(directory, &line);
        let steps = if name == "git" {
            shell::git_words(&words, ask)
        } else {
            let all = std::iter::once(name).chain(words.iter().map(String::as_str));
            shell::line(&shell_words::join(all), ask)
        };
        let refused = |ui: &mut Ui, denial: &Denial, said: &str| {
            if let Ok(repo) = Repo::discover(&place(&words)) {
                ledger::refused(&repo, Layer::Program, denial, &format!("{name} {line}"));
            }
            for line in said.lines() {
                ui.tell(&format!("ICE: {line}"));
            }
            Exit::Refused
        };
        if let Some(denial) = steps.iter().find_map(|step| step.verdict.as_ref().err()) {
            return refused(ui, denial, &verdict::text(&steps));
        }
        let aside = |repo: Repo| writes_aside(&repo).err();
        if let Some(denial) = Repo::discover(Path::new(".")).ok().and_then(aside) {
            let said =
                verdict::text(&[Step { command: line.clone(), verdict: Err(denial.clone()) }]);
            return refused(ui, &denial, &said);
        }
    }
    real(ui, name, args)
}

/// `git stash pop` of what was stashed inside of the fence. On its own a command does not say so.
fn takes_out_its_own(repo: &Repo, words: &[String]) -> bool {
    let plain = |word: &String| ["-q", "--quiet", "--index"].contains(&word.as_str());
    match words {
        [stash, pop, rest @ ..] if stash == "stash" && pop == "pop" => {
            rest.iter().all(plain) && stashed_inside(repo)
        }
        _ => false,
    }
}

/// Where such a command would work, as far as its first words say.
fn place(words: &[String]) -> PathBuf {
    match words {
        [option, directory, ..] if option == "-C" => PathBuf::from(directory),
        _ => PathBuf::from("."),
    }
}

fn real(ui: &mut Ui, name: &str, args: &[OsString]) -> Exit {
    let Some(program) = env::foreign_program(name) else {
        ui.tell(&format!("{name}: not found"));
        return Exit::Passed(127);
    };
    let called = Some(name.as_ref());
    let error = become_it(Successor { program: &program, called, args, env: None, stdin: None });
    ui.tell(&format!("{name}: {error}"));
    Exit::Passed(126)
}
