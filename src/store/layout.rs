//! Where things stand below `refs/`. Every name here is for ever.

use crate::domain::id::RunId;

pub const RUNS: &str = "refs/run/";
pub const NOTES: &str = "refs/notes/run";
/// Which run belongs to this work tree.
pub const HERE: &str = "refs/worktree/run";

#[must_use]
pub fn journal(run: &RunId) -> String {
    format!("{RUNS}{run}/journal")
}

#[must_use]
pub fn lease(run: &RunId) -> String {
    format!("{RUNS}{run}/lease")
}

#[must_use]
pub fn transcripts(run: &RunId) -> String {
    format!("{RUNS}{run}/transcripts")
}

#[must_use]
pub fn checkpoints(owner: &RunId) -> String {
    format!("{RUNS}{owner}/checkpoints")
}

#[must_use]
pub fn verdicts(owner: &RunId) -> String {
    format!("{RUNS}{owner}/verdicts")
}

/// Where a chain that cannot be gone on with is put, so that nothing of it is lost.
#[must_use]
pub fn aside(chain: &str) -> String {
    format!("{}-aside", chain.strip_suffix("/checkpoints").unwrap_or(chain)) + "/checkpoints"
}

/// The operation that is changing branch, index or files of this work tree.
pub const OPERATION: &str = "refs/worktree/run-operation";

/// The run that a journal's ref belongs to; nothing for any other ref.
#[must_use]
pub fn run_of_journal(name: &str) -> Option<RunId> {
    let (run, leaf) = name.strip_prefix(RUNS)?.split_once('/')?;
    if leaf == "journal" { RunId::parse(run).ok() } else { None }
}
