//! `git run hook <name>`: what git's hooks call (and agents': `tool_hook`). Judges, and then becomes the hook that was there before.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::ice::{denial::Denial, ledger::Layer, push_line::INPUT_BYTES_MAX},
    git::Repo,
    guard::{fence, hooks, judged, ledger},
    process::{
        env,
        replace::{Successor, become_it},
    },
};

/// Everything that is not a clear yes is a no: git goes on only after 0.
pub(super) fn run(
    ui: &mut Ui,
    opened: Result<Repo, Fail>,
    words: &[OsString],
) -> Result<Exit, Fail> {
    let is_gits = words.first().is_some_and(|word| fence::HOOKS.iter().any(|hook| word == hook));
    if !is_gits {
        return super::tool_hook::run(ui, super::tool_hook::client(words)?);
    }
    let repo = &match opened {
        Ok(repo) => repo,
        Err(_) if judged::is_elsewhere_unopened() => return Ok(Exit::Done),
        Err(fail) => return Err(fail),
    };
    let Some((name, args)) = words.split_first() else {
        return Err(Fail::new(Exit::Usage, "which hook?"));
    };
    let name = name.to_string_lossy().into_owned();
    let reads = matches!(name.as_str(), "pre-push" | "reference-transaction");
    let input = if reads { Some(read()?) } else { None };
    let told = input.as_deref().unwrap_or_default();
    let word = |at: usize| args.get(at).map(|word| word.to_string_lossy().into_owned());
    let verdict = match name.as_str() {
        "pre-push" => {
            let (remote, url) = (word(0).unwrap_or_default(), word(1).unwrap_or_default());
            judged::pre_push(repo, &remote, &url, told)
        }
        "reference-transaction" => judged::transaction(repo, &word(0).unwrap_or_default(), told),
        "pre-commit" | "pre-merge-commit" | "pre-rebase" => judged::on_this_branch(repo),
        _ => Ok(()),
    };
    if let Err(denial) = verdict {
        ledger::refused(repo, Layer::of_hook(&name), &denial, &ledger::asked_of_parent());
        return Ok(refuse(ui, &name, &denial));
    }
    match chained(repo, &name)? {
        Some(program) => go_on(&program, args, input),
        None => Ok(Exit::Done),
    }
}

/// What was refused, why, and what may be done instead.
pub(super) fn refuse(ui: &mut Ui, what: &str, denial: &Denial) -> Exit {
    ui.tell(&format!("ICE: {what} refused: {} [{}]", denial.reason, denial.rule));
    if let Some(next) = &denial.next {
        ui.tell(&format!("hint: {next}"));
    }
    Exit::Failed
}

fn read() -> Result<Vec<u8>, Fail> {
    let mut input = Vec::new();
    let most = INPUT_BYTES_MAX as u64 + 1;
    io::stdin()
        .take(most)
        .read_to_end(&mut input)
        .map_err(|error| Fail::new(Exit::Failed, format!("cannot read what git says: {error}")))?;
    Ok(input)
}

/// Inside of a fence the hooks of the repository are where its environment says.
fn chained(repo: &Repo, name: &str) -> Result<Option<PathBuf>, Fail> {
    let directory = match env::var(fence::HOOKS_BEHIND) {
        Some(directory) if fence::here().is_some() => PathBuf::from(directory),
        Some(_) | None => hooks::others(repo)?,
    };
    Ok(hooks::chained_in(&directory, name))
}

fn go_on(program: &Path, args: &[OsString], input: Option<Vec<u8>>) -> Result<Exit, Fail> {
    let failed = |error: io::Error| {
        Fail::new(Exit::Failed, format!("cannot run `{}`: {error}", program.display()))
    };
    let stdin = match input {
        None => None,
        Some(input) => {
            let mut file: File = tempfile::tempfile().map_err(failed)?;
            file.write_all(&input).and_then(|()| file.rewind()).map_err(failed)?;
            Some(file)
        }
    };
    let error = become_it(Successor { program, called: None, args, env: None, stdin });
    Err(failed(error))
}
