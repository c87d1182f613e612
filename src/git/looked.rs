//! The work tree as a tree that can be compared with any other. Nothing of it is written into the repository.

use std::collections::{BTreeMap, BTreeSet};

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
    /// What differs between the trees of each pair, path by path. One process for all of them.
    pub fn compared(&self, pairs: &[(Oid, Oid)]) -> anyhow::Result<Vec<Vec<Change>>> {
        // git answers as often as it is asked, so the same is asked once.
        let differ: BTreeSet<_> = pairs.iter().filter(|(from, to)| from != to).collect();
        if differ.is_empty() {
            return Ok(vec![Vec::new(); pairs.len()]);
        }
        let input: String = differ.iter().map(|(from, to)| format!("{from} {to}\n")).collect();
        let words = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--full-index"];
        let words = [&words[..], &["--no-ext-diff", "--ignore-submodules=none"]].concat();
        let out = self.bulk.git().answer(&words, input.as_bytes()).context("comparing trees")?;
        let found = parse(&out)?;
        Ok(pairs.iter().map(|pair| found.get(pair).cloned().unwrap_or_default()).collect())
    }

    /// The commits that `tip` has and `from` has not, newest first, each with what it changed itself: a
    /// merge changed what is as in none of its parents.
    pub fn commits(&self, from: &Oid, tip: &Oid) -> anyhow::Result<Vec<Commit>> {
        let met = self.repo.met(tip, std::slice::from_ref(from))?;
        ensure!(met.len() <= COMMITS_MAX, "there are more than {COMMITS_MAX} commits");
        let mut pairs = Vec::new();
        for commit in &met {
            for parent in &commit.parents {
                pairs.push((self.repo.tree_of(parent)?, commit.tree.clone()));
            }
            if commit.parents.is_empty() {
                pairs.push((self.repo.no_tree(), commit.tree.clone()));
            }
        }
        let mut changes = self.compared(&pairs)?.into_iter();
        let mut found = Vec::with_capacity(met.len());
        for commit in met {
            let parents = commit.parents.len().max(1);
            let mut sides: Vec<_> = changes.by_ref().take(parents).collect();
            let mut own = sides.pop().unwrap_or_default();
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
    pub fn files_of(&self, tree: &Oid) -> anyhow::Result<Vec<(Vec<u8>, File)>> {
        let out = self.bulk.git().output(&["ls-tree", "-r", "-z", "--full-tree", tree.as_str()])?;
        let records = out.split(|byte| *byte == 0).filter(|record| !record.is_empty());
        records
            .map(|record| {
                let tab =
                    record.iter().position(|byte| *byte == b'\t').context("it has no path")?;
                let head = std::str::from_utf8(&record[..tab])?;
                let [mode, _, id] = head.split(' ').collect::<Vec<_>>()[..] else {
                    anyhow::bail!("git wrote an odd entry");
                };
                let mode = u32::from_str_radix(mode, 8).context("git wrote a mode that is none")?;
                Ok((record[tab + 1..].to_vec(), File { mode, id: Oid::parse(id)? }))
            })
            .collect()
    }

    pub fn blob(&self, id: &Oid, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
        match self.bulk.own_blob(id, bytes_max)? {
            Some(data) => Ok(data),
            None => self.repo.read_blob(id, bytes_max),
        }
    }
}

type Pairs = BTreeMap<(Oid, Oid), Vec<Change>>;

/// `<id> <id>LF`, and then for each path `:<mode> <mode> <id> <id> <letter>`, zero, path, zero.
fn parse(out: &[u8]) -> anyhow::Result<Pairs> {
    let mut found = Pairs::new();
    let mut pair = None;
    let mut fields = out.split(|byte| *byte == 0);
    while let Some(mut field) = fields.next().filter(|field| !field.is_empty()) {
        // Trees may differ in nothing that is a file, and then a pair is all there is.
        while !field.is_empty() && !field.starts_with(b":") {
            let end = field.iter().position(|byte| *byte == b'\n').context("a pair has no end")?;
            let text = std::str::from_utf8(&field[..end])?;
            let (from, to) = text.split_once(' ').context("a pair has one id")?;
            pair = Some((Oid::parse(from)?, Oid::parse(to)?));
            field = &field[end + 1..];
        }
        if field.is_empty() {
            continue;
        }
        let header = std::str::from_utf8(&field[1..])?;
        let [old_mode, new_mode, old, new, _] = header.split(' ').collect::<Vec<_>>()[..] else {
            anyhow::bail!("git wrote an odd header");
        };
        let path = fields.next().context("a change has no path")?.to_vec();
        let change = Change { path, was: file(old_mode, old)?, is: file(new_mode, new)? };
        let pair = pair.clone().context("git wrote a change before its pair")?;
        found.entry(pair).or_default().push(change);
    }
    Ok(found)
}

fn file(mode: &str, id: &str) -> anyhow::Result<Option<File>> {
    let mode = u32::from_str_radix(mode, 8).context("git wrote a mode that is none")?;
    Ok(if mode == 0 { None } else { Some(File { mode, id: Oid::parse(id)? }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_their_changes_are_read_byte_by_byte() {
        let id = |digit: &str| digit.repeat(40);
        let (a, b, null) = (id("a"), id("b"), id("0"));
        let mut out = format!("{a} {b}\n:100644 160000 {a} {b} T").into_bytes();
        out.extend_from_slice(b"\0\xff:\n x\0");
        out.extend_from_slice(format!(":000000 100755 {null} {b} A\0n\0{b} {a}\n").as_bytes());
        let found = parse(&out).unwrap();
        let (a, b) = (Oid::parse(&a).unwrap(), Oid::parse(&b).unwrap());
        let side = |mode: u32, id: &Oid| Some(File { mode, id: id.clone() });
        assert_eq!(
            found[&(a.clone(), b.clone())],
            [
                Change {
                    path: b"\xff:\n x".to_vec(),
                    was: side(0o100_644, &a),
                    is: side(0o160_000, &b)
                },
                Change { path: b"n".to_vec(), was: None, is: side(0o100_755, &b) },
            ]
        );
        assert_eq!(found.len(), 1);
        for bad in
            ["x", ":100644", &format!("{a} {b}\n:1 1 {a} {b} M"), &format!(":1 1 {a} {b} M\0p\0")]
        {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
