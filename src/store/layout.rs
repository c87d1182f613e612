//! Where things stand below `refs/`. Every name here is for ever.

use crate::domain::{
    id::{Oid, RemoteId, RunId},
    share::Part,
};

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

/// What was fetched of runs. It never leaves this repository, and nothing here is taken for one's own.
pub const FETCHED: &str = "refs/run-remote/";

/// A part of a run as a remote had it when it was asked last.
#[must_use]
pub fn fetched(remote: &RemoteId, run: &RunId, part: Part) -> String {
    format!("{FETCHED}{remote}/{run}/{}", part.word())
}

/// What a remote has in a journal's place that does not verify.
#[must_use]
pub fn quarantined(remote: &RemoteId, run: &RunId) -> String {
    format!("{FETCHED}{remote}/{run}/quarantined")
}

const REWRITTEN: &str = "rewritten-";

/// Where a journal is kept that the remote has replaced by another one.
#[must_use]
pub fn rewritten(remote: &RemoteId, run: &RunId, old: &Oid) -> String {
    format!("{FETCHED}{remote}/{run}/{REWRITTEN}{old}")
}

/// What a name below `FETCHED` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched {
    Part(Part),
    Quarantined,
    Rewritten,
}

#[must_use]
pub fn of_fetched(name: &str) -> Option<(RemoteId, RunId, Fetched)> {
    let mut words = name.strip_prefix(FETCHED)?.split('/');
    let (remote, run, leaf) = (words.next()?, words.next()?, words.next()?);
    let what = match (leaf, words.next()) {
        (_, Some(_)) => return None,
        ("quarantined", None) => Fetched::Quarantined,
        (leaf, None) if leaf.starts_with(REWRITTEN) => Fetched::Rewritten,
        (leaf, None) => Fetched::Part(Part::parse(leaf)?),
    };
    Some((RemoteId::parse(remote).ok()?, RunId::parse(run).ok()?, what))
}
