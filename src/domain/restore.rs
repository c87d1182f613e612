//! What happens to each file when a checkpoint is restored, and when it may not be restored at all.
//!
//! The one rule: what is not saved elsewhere is not touched, and is named.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    checkpoint::{Checkpoint, Progress},
    id::Oid,
};

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub mode: u32,
    pub id: Oid,
}

/// The mode of a commit of another repository.
pub const SUBMODULE: u32 = 0o160_000;

/// A path where the work tree is not as the checkpoint has it. One of the two sides is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: Vec<u8>,
    pub now: Option<File>,
    pub then: Option<File>,
}

/// What else is known about paths that differ.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Left out of what was just saved: there is no other copy.
    pub unsaved: BTreeSet<Vec<u8>>,
    /// Left out of the checkpoint: it was there then, and nobody knows with which bytes.
    pub unknown_then: BTreeSet<Vec<u8>>,
    /// Not tracked then, and ignored by the rules of the checkpoint.
    pub ignored_then: BTreeSet<Vec<u8>>,
    /// Something that was not saved stands where a file would be written, or on the way to it.
    pub in_the_way: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Why a path stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Unsaved,
    UnknownThen,
    IgnoredThen,
    InTheWay { of: Vec<u8> },
    Submodule,
}

impl Kept {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unsaved => "not-saved",
            Self::UnknownThen => "left-out-then",
            Self::IgnoredThen => "ignored-then",
            Self::InTheWay { .. } => "in-the-way",
            Self::Submodule => "submodule",
        }
    }
}

/// What will be done to the files of the work tree. Every other file is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePlan {
    pub write: Vec<(Vec<u8>, File)>,
    pub remove: Vec<Vec<u8>>,
    pub keep: Vec<(Vec<u8>, Kept)>,
}

#[must_use]
pub fn plan(changes: &[Change], facts: &Facts) -> FilePlan {
    let mut plan = FilePlan::default();
    for change in changes {
        let path = change.path.clone();
        match (kept(change, facts), &change.then) {
            (Some(why), _) => plan.keep.push((path, why)),
            (None, Some(file)) => plan.write.push((path, file.clone())),
            (None, None) => plan.remove.push(path),
        }
    }
    plan
}

fn kept(change: &Change, facts: &Facts) -> Option<Kept> {
    let path = &change.path;
    let is_submodule = |file: &Option<File>| file.as_ref().is_some_and(|f| f.mode == SUBMODULE);
    if facts.unsaved.contains(path) {
        return Some(Kept::Unsaved);
    }
    if let Some(of) = facts.in_the_way.get(path) {
        return Some(Kept::InTheWay { of: of.clone() });
    }
    if is_submodule(&change.now) || is_submodule(&change.then) {
        return Some(Kept::Submodule);
    }
    // What the checkpoint's tree has there instead was never in the work tree.
    if facts.unknown_then.contains(path) {
        return Some(Kept::UnknownThen);
    }
    if change.then.is_some() {
        return None;
    }
    if facts.ignored_then.contains(path) { Some(Kept::IgnoredThen) } else { None }
}

/// Where HEAD is, and what git is in the middle of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub branch: Option<String>,
    pub head: Option<Oid>,
    pub progress: Progress,
}

/// Why a checkpoint is not restored, and what to do first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("checkpoint {number} was made on `{then}`, and `{now}` is checked out")]
    OtherBranch { number: u64, then: String, now: String },
    #[error("checkpoint {number} was made on `{then}`, and HEAD is detached")]
    Detached { number: u64, then: String },
    #[error("checkpoint {number} was made with HEAD detached, and `{now}` is checked out")]
    Attached { number: u64, now: String },
    #[error("{} is in progress here, and it was not so at checkpoint {number}", .kinds.join(", "))]
    InProgress { number: u64, kinds: Vec<String> },
    #[error("checkpoint {number} was made in the middle of {}, which cannot be put back", .kinds.join(", "))]
    WasInProgress { number: u64, kinds: Vec<String> },
    #[error("checkpoint {number} holds the path `{}`, which no checkpoint of ours can hold", .path.escape_debug())]
    BadPath { number: u64, path: String },
}

/// Whether branch, index and files may go back to where the checkpoint has them.
pub fn may_restore(
    checkpoint: &Checkpoint,
    then: &Progress,
    now: &Standing,
) -> Result<(), Refused> {
    let number = checkpoint.number;
    match (&checkpoint.branch, &now.branch) {
        (Some(then), Some(now)) if then != now => {
            return Err(Refused::OtherBranch { number, then: then.clone(), now: now.clone() });
        }
        (Some(then), None) => return Err(Refused::Detached { number, then: then.clone() }),
        (None, Some(now)) => return Err(Refused::Attached { number, now: now.clone() }),
        (Some(_), Some(_)) | (None, None) => {}
    }
    if *then == now.progress {
        return Ok(());
    }
    // A merge is a few files. A rebase owns branches and a list of what is still to be done.
    if !now.progress.is_plain() {
        return Err(Refused::InProgress { number, kinds: now.progress.kinds.clone() });
    }
    if !then.is_plain() {
        return Err(Refused::WasInProgress { number, kinds: then.kinds.clone() });
    }
    Ok(())
}

/// A path that a work tree can have: nothing that leads out of it or into git's own files. git looks
/// at it once more, with the rules of other file systems.
#[must_use]
pub fn is_safe_path(path: &[u8]) -> bool {
    !path.is_empty()
        && !path.contains(&0)
        && path.split(|byte| *byte == b'/').all(|part| {
            !part.is_empty()
                && part != b"."
                && part != b".."
                && !part.eq_ignore_ascii_case(b".git")
                && !part.eq_ignore_ascii_case(b"git~1")
        })
}

#[cfg(test)]
mod tests;
