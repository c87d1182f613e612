//! The work tree, untracked files included, as objects: index and files are read, and never written.
//!
//! Files go through the filters that `git add` would use. What stays out is named in the record.

mod content;
mod hidden;
mod progress;

use std::collections::BTreeMap;

use anyhow::bail;
use gix::objs::tree::EntryKind;

use super::{
    Repo,
    bulk::Bulk,
    objects::Entry,
    repo::Head,
    scan::{Changed, Scan},
    tree_edit::{self, Edits},
};
use crate::domain::{
    checkpoint::{Counts, LeftOut, LeftOutReason, Progress, Record},
    id::Oid,
};

/// How often a snapshot begins anew because HEAD moved under it.
const TRIES_MAX: u32 = 5;

/// What stays out of a snapshot, and what comes in although it is ignored.
#[derive(Debug, Clone)]
pub struct Rules {
    /// A larger file is left out.
    pub file_bytes_max: u64,
    /// The largest files are left out until what is new fits.
    pub total_bytes_max: u64,
    pub secret: fn(&[u8]) -> bool,
    /// Patterns of ignored files that are wanted all the same.
    pub include: Vec<String>,
}

#[derive(Debug)]
pub struct Snapshot {
    pub head: Head,
    /// The index as a tree.
    pub index: Oid,
    pub tree: Oid,
    pub record: Record,
    pub counts: Counts,
    /// Every path whose file is not as the index has it, and whose content is in `tree`.
    pub saved: Vec<Vec<u8>>,
    /// Every path that the index has, and the work tree has not.
    pub removed: Vec<Vec<u8>>,
    /// Sorted.
    pub untracked: Vec<Vec<u8>>,
}

impl Repo {
    /// Everything that is not ignored, as it is now. `known` is what was left out last time: what did
    /// not change since is not hashed again.
    pub fn snapshot(
        &self,
        rules: &Rules,
        known: &[LeftOut],
        bulk: &mut Bulk<'_>,
    ) -> anyhow::Result<Snapshot> {
        for _ in 0..TRIES_MAX {
            let head = self.head()?;
            let scan = self.scan()?;
            if self.head()? == head {
                return take(self, head, scan, rules, known, bulk);
            }
        }
        bail!("HEAD moves all the time; try again when nobody commits here");
    }
}

fn take(
    repo: &Repo,
    head: Head,
    scan: Scan,
    rules: &Rules,
    known: &[LeftOut],
    bulk: &mut Bulk<'_>,
) -> anyhow::Result<Snapshot> {
    let head_tree = head.commit.as_ref().map(|commit| repo.tree_of(commit)).transpose()?;
    let index = tree_edit::edit(bulk, head_tree.as_ref(), &scan.staged)?;
    let hidden = hidden::find(repo)?;
    let mut wanted = content::Wanted::new(repo, &scan, &hidden);
    wanted.include(repo, &rules.include)?;
    let mut left_out = wanted.leave_out(repo, rules, known);
    left_out.extend(scan.nested.iter().map(|path| content::nested(repo, path)));
    let counts = Counts {
        changed: (scan.changed.len() + scan.removed.len()) as u64,
        untracked: scan.untracked.len() as u64,
        left_out: left_out.len() as u64,
    };
    let missing = wanted.missing.iter().chain(&scan.removed);
    let mut edits: Edits = missing.map(|path| (path.clone(), None)).collect();
    edits.extend(content::store(repo, bulk, &wanted.files, &scan)?);
    let tree = tree_edit::edit(bulk, Some(&index), &edits)?;
    let (saved, removed): (Vec<_>, Vec<_>) =
        edits.into_iter().partition(|(_, entry)| entry.is_some());
    let paths = |edits: Vec<(Vec<u8>, _)>| edits.into_iter().map(|(path, _)| path).collect();
    let (saved, removed) = (paths(saved), paths(removed));
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    let record = Record {
        left_out,
        submodules: scan.submodules,
        unmerged: scan.unmerged,
        intent_to_add: scan.intent_to_add,
        assume_unchanged: hidden.assume_unchanged,
        skip_worktree: hidden.skip_worktree,
        progress: progress::read(repo, bulk)?,
    };
    let mut untracked = scan.untracked;
    untracked.sort_unstable();
    Ok(Snapshot { head, index, tree, record, counts, saved, removed, untracked })
}

/// What git is in the middle of.
pub fn in_progress(repo: &Repo, bulk: &mut Bulk<'_>) -> anyhow::Result<Progress> {
    progress::read(repo, bulk)
}

/// By which path what is; used while files are looked at.
type Found = BTreeMap<Vec<u8>, Option<Entry>>;

fn left(path: &[u8], reason: LeftOutReason, size: u64) -> LeftOut {
    LeftOut { path: path.to_vec(), reason, size, changed: 0, hash: None }
}

/// A submodule is a commit and no file.
fn is_submodule(file: &Changed) -> bool {
    file.kind == EntryKind::Commit
}
