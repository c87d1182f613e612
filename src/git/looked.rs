//! The work tree as a tree that can be compared with any other. Nothing of it is written into the repository.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};

use super::{Repo, bulk::Bulk, repo::Head, snapshot::Rules, worktree::COMMIT_BYTES_MAX};
use crate::domain::{
    check::change::{Change, Commit},
    checkpoint::{LeftOut, Submodule},
    id::Oid,
    reconcile::marks::Marks,
    restore::File,
};

/// Of one range.
pub const COMMITS_MAX: usize = 20_000;
/// What is not committed, in all; what is beyond it is left out, and said to be.
const TOTAL_BYTES_MAX: u64 = 1024 * 1024 * 1024;
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

pub struct Looked<'r> {
    repo: &'r Repo,
    bulk: Bulk<'r>,
    pub head: Head,
    pub tree: Oid,
    /// What the tree has not: too large, or what people keep secrets in.
    pub left_out: Vec<LeftOut>,
    pub submodules: Vec<Submodule>,
    /// Paths of which the index has several versions.
    pub unmerged: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Looked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looked").field("tree", &self.tree).finish_non_exhaustive()
    }
}

impl Repo {
    /// HEAD with everything that is not committed, but what `secret` says stays out of every commit.
    pub fn look_at_work(&self, secret: fn(&[u8]) -> bool) -> anyhow::Result<Looked<'_>> {
        let mut bulk = Bulk::scratch(self)?;
        let rules = Rules {
            file_bytes_max: FILE_BYTES_MAX,
            total_bytes_max: TOTAL_BYTES_MAX,
            secret,
            include: Vec::new(),
        };
        let snapshot = self.snapshot(&rules, &[], &mut bulk)?;
        bulk.written()?;
        let (left_out, submodules) = (snapshot.record.left_out, snapshot.record.submodules);
        let unmerged = snapshot.record.unmerged.into_iter().map(|entry| entry.path).collect();
        Ok(Looked {
            repo: self,
            bulk,
            head: snapshot.head,
            tree: snapshot.tree,
            left_out,
            submodules,
            unmerged,
        })
    }

    /// A commit alone, where there is no work tree or it is another branch's.
    pub fn look_at_commit(&self, commit: &Oid) -> anyhow::Result<Looked<'_>> {
        let tree = self.tree_of(commit)?;
        let head = Head { branch: None, commit: Some(commit.clone()) };
        let (left_out, submodules, unmerged) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Looked {
            repo: self,
            bulk: Bulk::scratch(self)?,
            head,
            tree,
            left_out,
            submodules,
            unmerged,
        })
    }
}

impl Looked<'_> {
    /// Every path whose file is not the same in both trees.
    pub fn compare(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<Change>> {
        self.bulk.compare(from, to).context("comparing trees")
    }

    /// The commits that `tip` has and `from` has not, newest first, each with what it changed itself: a
    /// merge changed what is as in none of its parents.
    pub fn commits(&self, from: &Oid, tip: &Oid) -> anyhow::Result<Vec<Commit>> {
        let met = self.repo.met(tip, std::slice::from_ref(from))?;
        ensure!(met.len() <= COMMITS_MAX, "there are more than {COMMITS_MAX} commits");
        let mut found = Vec::with_capacity(met.len());
        for commit in met {
            let mut sides = Vec::new();
            for parent in &commit.parents {
                sides.push(self.compare(&self.repo.tree_of(parent)?, &commit.tree)?);
            }
            let mut own = match sides.pop() {
                Some(side) => side,
                None => self.compare(&self.repo.no_tree(), &commit.tree)?,
            };
            own.retain(|change| {
                sides.iter().all(|side| side.iter().any(|other| other.path == change.path))
            });
            let message =
                self.repo.read_commit(&commit.id, COMMIT_BYTES_MAX).map(|read| read.message);
            found.push(Commit {
                marks: message.as_deref().map(Marks::read).unwrap_or_default(),
                message: message.unwrap_or_default(),
                is_merge: 1 < commit.parents.len(),
                id: commit.id,
                changes: own,
            });
        }
        Ok(found)
    }

    /// Lines that were added and taken away; what is binary has none.
    pub fn lines_between(&self, from: &Oid, to: &Oid) -> anyhow::Result<u64> {
        let words = [
            "diff-tree",
            "-r",
            "-z",
            "--numstat",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
        ];
        let out =
            self.bulk.git().output(&[&words[..], &[from.as_str(), to.as_str(), "--"]].concat())?;
        let mut lines = 0u64;
        for record in out.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
            let mut fields = record.splitn(3, |byte| *byte == b'\t');
            let mut number =
                || -> Option<u64> { std::str::from_utf8(fields.next()?).ok()?.parse().ok() };
            let (added, removed) = (number().unwrap_or(0), number().unwrap_or(0));
            lines = lines.saturating_add(added).saturating_add(removed);
        }
        Ok(lines)
    }

    /// Every path of a tree, with its file.
    pub fn files_of(&self, tree: &Oid) -> anyhow::Result<BTreeMap<Vec<u8>, File>> {
        let all = self.compare(&self.repo.no_tree(), tree)?.into_iter();
        Ok(all.filter_map(|change| Some((change.path, change.is?))).collect())
    }

    /// What a tree has at a path, when it is a file.
    pub fn file_of(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<Option<File>> {
        self.bulk.file_of(tree, path)
    }

    pub fn blob(&self, id: &Oid, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
        match self.bulk.own_blob(id, bytes_max)? {
            Some(data) => Ok(data),
            None => self.repo.read_blob(id, bytes_max),
        }
    }
}
