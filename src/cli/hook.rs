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
    domain::ice::{
        denial::Denial,
        ledger::Layer,
        push_line::INPUT_BYTES_MAX,
        tool::{PRE_COMPACT, STOP},
    },
    git::Repo,
    guard::{fence, hooks, judged, ledger, local, scope, server},
    process::{
        env,
        replace::{Successor, become_it},
    },
};

/// As many refused refs of one push as anybody reads about.
const REFUSALS_SHOWN_MAX: usize = 5;

/// Everything that is not a clear yes is a no: git goes on only after 0.
pub(super) fn run(
    ui: &mut Ui,
    opened: Result<Repo, Fail>,
    words: &[OsString],
) -> Result<Exit, Fail> {
    let is_one_of =
        |names: &[&str]| words.first().is_some_and(|word| names.iter().any(|name| word == name));
    let on_server = is_one_of(&hooks::SERVER);
    if !on_server && !is_one_of(&fence::HOOKS) {
        if words.get(1).is_some_and(|word| word == PRE_COMPACT) {
            return Ok(super::compact_hook::run(ui, words));
        }
        if words.get(1).is_some_and(|word| word == STOP) {
            return Ok(super::stop_hook::run(ui, words));
        }
        return super::tool_hook::run(ui, super::tool_hook::client(words)?);
    }
    let opened = if on_server { receiving() } else { opened };
    let repo = &match opened {
        Ok(repo) => repo,
        Err(_) if !on_server && scope::is_elsewhere_unopened() => return Ok(Exit::Done),
        Err(fail) => return Err(fail),
    };
    let Some((name, args)) = words.split_first() else {
        return Err(Fail::new(Exit::Usage, "which hook?"));
    };
    let name = name.to_string_lossy().into_owned();
    let reads = matches!(name.as_str(), "pre-push" | "reference-transaction" | "pre-receive");
    let input = if reads { Some(read()?) } else { None };
    let told = input.as_deref().unwrap_or_default();
    let word = |at: usize| args.get(at).map(|word| word.to_string_lossy().into_owned());
    let verdict = match name.as_str() {
        "pre-receive" => received(ui, server::receive(&receiving()?.with_incoming()?, told)),
        "update" if hooks::judges_whole_pushes(repo)? => Ok(()),
        "update" => {
            let [name, old, new] = [word(0), word(1), word(2)].map(Option::unwrap_or_default);
            received(ui, server::receive(repo, format!("{old} {new} {name}\n").as_bytes()))
        }
        "pre-push" => {
            let (remote, url) = (word(0).unwrap_or_default(), word(1).unwrap_or_default());
            judged::pre_push(repo, &remote, &url, told)
        }
        "reference-transaction" => local::transaction(repo, &word(0).unwrap_or_default(), told),
        "pre-commit" | "pre-merge-commit" | "pre-rebase" => local::on_this_branch(repo),
        _ => Ok(()),
    };
    if let Err(denial) = verdict {
        // On a server git lets nobody write before it has taken the push.
        if !on_server {
            ledger::refused(repo, Layer::of_hook(&name), &denial, &ledger::asked_of_parent());
        }
        return Ok(refuse(ui, &name, &denial));
    }
    match chained(repo, &name)? {
        Some(program) => go_on(&program, args, input),
        None => Ok(Exit::Done),
    }
}

/// The repository that takes a push: git calls its hooks there, with a work tree and without.
fn receiving() -> Result<Repo, Fail> {
    // The names that git tells are not those of the refs then.
    if env::text("GIT_NAMESPACE").is_some() {
        return Err(Fail::new(Exit::Failed, "a push into a namespace cannot be judged"));
    }
    let git_dir = env::var("GIT_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let git_dir = git_dir.canonicalize().unwrap_or(git_dir);
    Ok(Repo::at(&git_dir)?)
}

/// The last no of a push; those before it are told here.
fn received(ui: &mut Ui, judged: anyhow::Result<Vec<server::Judged>>) -> Result<(), Denial> {
    let judged = judged.map_err(|error| Denial::new("unknown", format!("{error:#}")))?;
    let mut denials = judged.into_iter().filter_map(|judged| judged.verdict.err());
    let Some(mut last) = denials.next() else { return Ok(()) };
    for denial in denials.take(REFUSALS_SHOWN_MAX - 1) {
        refuse(ui, "push", &std::mem::replace(&mut last, denial));
    }
    Err(last)
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
        // The server's hooks are never behind the fence of whoever pushes.
        Some(directory) if fence::here().is_some() && !hooks::SERVER.contains(&name) => {
            PathBuf::from(directory)
        }
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
