//! What an agent would do to the refs and branches of this repository itself, judged before git does it.

use std::path::Path;

use super::{
    bound::{here, protection},
    fence,
    judged::told,
    scope::{is_elsewhere, who},
};
use crate::{
    domain::{
        ice::{
            denial::Denial,
            judge::{Who, branch_is_free},
            name::{Protection, unfit},
            push_line::{TransactionLine, Value, parse_transaction},
        },
        id::Oid,
    },
    git::Repo,
};

/// Refs of which only this program moves any.
const OURS: [&str; 4] = ["refs/run/", "refs/notes/run", "refs/worktree/run", "refs/run-remote/"];

/// Refs that an agent would move in this repository, before git moves them.
pub fn transaction(repo: &Repo, state: &str, input: &[u8]) -> Result<(), Denial> {
    // Nothing is decided any more, or not yet.
    if state != "prepared" || who() == Who::Person || is_elsewhere(repo).unwrap_or(false) {
        return Ok(());
    }
    let lines =
        parse_transaction(input).map_err(|garbled| Denial::new("garbled", garbled.to_string()))?;
    let (settings, bound) = here(repo).map_err(told)?;
    let protection = protection(&settings, bound.as_ref(), Vec::new());
    for line in &lines {
        local(repo, line, &protection)?;
    }
    Ok(())
}

fn local(repo: &Repo, line: &TransactionLine, protection: &Protection) -> Result<(), Denial> {
    let name = line.name.as_str();
    let own = OURS.iter().any(|own| match own.strip_suffix('/') {
        Some(_) => name.starts_with(own),
        None => {
            name == *own
                || name.starts_with(&format!("{own}-"))
                || name.starts_with(&format!("{own}/"))
        }
    });
    let now = repo.refs().read(name).map_err(told)?;
    if is_packing(repo, line, now.as_ref()) {
        return Ok(());
    }
    if own {
        return Err(Denial::new("run-state", format!("`{name}` is written by git-run alone")));
    }
    if name == fence::STASH && line.new == Value::Zero && fence::holds_stash(repo) {
        return Err(Denial::new("unsaved", "what was stashed before the agent came would be lost"));
    }
    if name.starts_with("refs/replace/") {
        return Err(Denial::new("replace", "a replaced object hides what really is there"));
    }
    if name.starts_with("refs/tags/") {
        // A new one is harmless here; it is pushing it that starts a release.
        let new = now.is_none() && matches!(line.new, Value::Object(_));
        let what = format!("`{name}` exists: a person moves and deletes tags");
        return if new { Ok(()) } else { Err(Denial::new("tag", what)) };
    }
    if name == "HEAD" && repo.worktree().is_none() && matches!(line.new, Value::Symbolic(_)) {
        return Err(Denial::new("symref", "a person says which branch is a remote's default"));
    }
    let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(()) };
    if let Some(why) = unfit(branch) {
        return Err(Denial::new("name", format!("`{}` is no name: {why}", branch.escape_debug())));
    }
    match &line.new {
        Value::Symbolic(_) => {
            Err(Denial::new("symref", format!("`{branch}` would be another name of a branch")))
        }
        Value::Zero => Err(Denial::new("delete", format!("`{branch}` would be deleted"))
            .next("a person deletes and renames branches")),
        Value::Object(new) => match branch_is_free(branch, protection) {
            Ok(()) => Ok(()),
            Err(_) if catches_up(repo, branch, now.as_ref(), new) => Ok(()),
            Err(denial) => Err(denial),
        },
    }
}

/// A protected branch may become what the remote's has been seen to be.
fn catches_up(repo: &Repo, branch: &str, now: Option<&Oid>, new: &Oid) -> bool {
    let Ok(remotes) = repo.refs().list("refs/remotes/") else { return false };
    let ahead = now.is_none_or(|now| repo.survey(now, new).is_ok_and(|(_, forward)| forward));
    ahead
        && remotes.iter().any(|(name, there)| {
            name.strip_prefix("refs/remotes/")
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(_, theirs)| theirs == branch)
                && repo.survey(new, there).is_ok_and(|(_, contains)| contains)
        })
}

/// `git pack-refs` looks like writing what is there, and then like deleting it.
fn is_packing(repo: &Repo, line: &TransactionLine, now: Option<&Oid>) -> bool {
    match (&line.new, now) {
        (Value::Object(new), Some(now)) if new == now => true,
        (Value::Zero, Some(now)) => {
            let common = repo.common_dir();
            let deleting = common.join("packed-refs.lock").exists();
            !deleting && packed(common, &line.name).as_deref() == Some(now.as_str())
        }
        _ => false,
    }
}

fn packed(common: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(common.join("packed-refs")).ok()?;
    text.lines().find_map(|line| {
        let (id, found) = line.split_once(' ')?;
        (found == name).then(|| id.to_owned())
    })
}

/// A commit, merge or rebase on the branch that is checked out.
pub fn on_this_branch(repo: &Repo) -> Result<(), Denial> {
    if who() == Who::Person || is_elsewhere(repo).unwrap_or(false) {
        return Ok(());
    }
    let Some(branch) = repo.head().map_err(told)?.branch else { return Ok(()) };
    let (settings, bound) = here(repo).map_err(told)?;
    branch_is_free(&branch, &protection(&settings, bound.as_ref(), Vec::new()))
}
