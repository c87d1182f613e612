//! A range of history as data: each commit once, with what its message says, and what differs between
//! pairs of trees. Read in process, with the commit graph where there is one.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context as _, bail, ensure};
use gix::objs::{CommitRef, Find as _, Kind};

use super::{
    Repo,
    objects::{from_gix, to_gix},
    worktree::COMMIT_BYTES_MAX,
};
use crate::{
    domain::{
        id::Oid,
        reconcile::{
            content::{Change, Side},
            marks::Marks,
        },
    },
    process::command::ExitStatus,
};

/// The most commits of one range.
pub const COMMITS_MAX: usize = 1_000_000;
/// As many renames are looked for as git does by itself, whatever the user has set.
const RENAMES_MAX: &str = "-l1000";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    pub id: Oid,
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub marks: Marks,
}

/// A path as `git status` has it: its letters for the index and the work tree, and the path before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncommitted {
    pub index: u8,
    pub tree: u8,
    pub path: Vec<u8>,
    pub from: Option<Vec<u8>>,
}

impl Repo {
    /// Every commit that `tip` has and none of `hidden` has, newest first, with its message read.
    pub fn met(&self, tip: &Oid, hidden: &[Oid]) -> anyhow::Result<Vec<Met>> {
        let (mut found, mut buffer) = (Vec::new(), Vec::new());
        self.walk(tip, hidden, &mut |id| {
            let data = self.gix().objects.try_find(&id, &mut buffer);
            let data = data.map_err(|error| anyhow::anyhow!("commit `{id}`: {error}"))?;
            let data = data.with_context(|| format!("commit `{id}` is missing"))?;
            ensure!(data.kind == Kind::Commit, "object `{id}` is no commit");
            // A message beyond the bound is nobody's work to read.
            let message_max = usize::try_from(COMMIT_BYTES_MAX).unwrap_or(usize::MAX);
            let commit = CommitRef::from_bytes(data.data, self.gix().object_hash())
                .with_context(|| format!("commit `{id}` cannot be decoded"))?;
            let message = &commit.message[..commit.message.len().min(message_max)];
            found.push(Met {
                id: from_gix(&id),
                tree: from_gix(&commit.tree()),
                parents: commit.parents().map(|parent| from_gix(&parent)).collect(),
                marks: Marks::read(message),
            });
            Ok(())
        })?;
        Ok(found)
    }

    /// The commit that an object is, or that a tag leads to; nothing for a tree or a blob.
    pub fn peeled_to_commit(&self, id: &Oid) -> anyhow::Result<Option<Oid>> {
        match self.kind_of(id)?.as_str() {
            "commit" => Ok(Some(id.clone())),
            "tag" => {
                let object = self.gix().find_object(to_gix(id)?)?.peel_tags_to_end()?;
                Ok((object.kind == Kind::Commit).then(|| from_gix(&object.id)))
            }
            _ => Ok(None),
        }
    }

    /// The ids alone.
    pub fn ids_between(&self, tip: &Oid, hidden: &[Oid]) -> anyhow::Result<HashSet<Oid>> {
        let mut found = HashSet::new();
        self.walk(tip, hidden, &mut |id| {
            found.insert(from_gix(&id));
            Ok(())
        })?;
        Ok(found)
    }

    /// Whether `to` has `from` in its history. An error where it cannot be told.
    pub fn is_ancestor(&self, from: &Oid, to: &Oid) -> anyhow::Result<bool> {
        // What is behind a cut, or of another place than this repository's own objects, git knows better.
        match self.is_shallow() {
            false => self.leads_to(to, from).or_else(|_| self.is_ancestor_by_git(from, to)),
            true => self.is_ancestor_by_git(from, to),
        }
    }

    /// Whether a walk from `tip` comes by `goal`. Nothing that lies behind the goal is looked at.
    fn leads_to(&self, tip: &Oid, goal: &Oid) -> anyhow::Result<bool> {
        let behind = self.read_commit(goal, COMMIT_BYTES_MAX)?.parents;
        if tip == goal {
            return Ok(true);
        }
        let (goal, mut found) = (to_gix(goal)?, false);
        let walk = self.gix().rev_walk([to_gix(tip)?]);
        let hidden = behind.iter().map(to_gix).collect::<Result<Vec<_>, _>>()?;
        for (count, info) in walk.with_hidden(hidden).all()?.enumerate() {
            ensure!(count < COMMITS_MAX, "there are more than {COMMITS_MAX} commits");
            found = info?.id == goal;
            if found {
                break;
            }
        }
        Ok(found)
    }

    fn is_ancestor_by_git(&self, from: &Oid, to: &Oid) -> anyhow::Result<bool> {
        let words = ["merge-base", "--is-ancestor", from.as_str(), to.as_str()];
        match self.git().plumbing(&words)?.status {
            ExitStatus::Code(0) => Ok(true),
            ExitStatus::Code(1) => Ok(false),
            ExitStatus::Code(_) | ExitStatus::Signal(_) => {
                bail!("it cannot be told whether {} is in {}", from.short(), to.short())
            }
        }
    }

    /// The ids along first parents, down to where `end` is.
    pub fn first_parents(&self, tip: &Oid, end: &Oid) -> anyhow::Result<HashSet<Oid>> {
        let range = format!("{end}..{tip}");
        let out = self.git().output(&["rev-list", "--first-parent", &range, "--"])?;
        Ok(std::str::from_utf8(&out)?.lines().map(Oid::parse).collect::<Result<_, _>>()?)
    }

    fn walk(
        &self,
        tip: &Oid,
        hidden: &[Oid],
        each: &mut dyn FnMut(gix::ObjectId) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let hidden = hidden.iter().map(to_gix).collect::<Result<Vec<_>, _>>()?;
        let walk = self.gix().rev_walk([to_gix(tip)?]).with_hidden(hidden);
        let walk = walk.all().with_context(|| format!("the history of {}", tip.short()))?;
        for (count, info) in walk.enumerate() {
            ensure!(count < COMMITS_MAX, "there are more than {COMMITS_MAX} commits");
            each(info.with_context(|| format!("the history of {}", tip.short()))?.id)?;
        }
        Ok(())
    }

    /// What differs between the trees of each pair, with renames. One process for all of them.
    pub fn differences(&self, pairs: &[(Oid, Oid)]) -> anyhow::Result<Vec<Vec<Change>>> {
        let differ: Vec<_> = pairs.iter().filter(|(from, to)| from != to).collect();
        if differ.is_empty() {
            return Ok(vec![Vec::new(); pairs.len()]);
        }
        let input: String = differ.iter().map(|(from, to)| format!("{from} {to}\n")).collect();
        let words = ["diff-tree", "--stdin", "-r", "-z", "--raw", "-M", RENAMES_MAX];
        let words = [&words[..], &["--no-ext-diff", "--full-index"]].concat();
        let out = self.git().answer(&words, input.as_bytes()).context("comparing trees")?;
        let mut found = parse(&out)?;
        Ok(pairs.iter().map(|pair| found.remove(pair).unwrap_or_default()).collect())
    }

    /// What is not committed, untracked files one by one.
    pub fn standing(&self) -> anyhow::Result<Vec<Uncommitted>> {
        let words = [
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--renames",
            "--ignore-submodules=none",
        ];
        let out = self.git().output(&words)?;
        let mut fields = out.split(|byte| *byte == 0);
        let mut found = Vec::new();
        while let Some(field) = fields.next().filter(|field| 3 < field.len()) {
            let (index, tree) = (field[0], field[1]);
            let from = [index, tree].iter().any(|letter| matches!(letter, b'R' | b'C'));
            let from = if from { fields.next().map(<[u8]>::to_vec) } else { None };
            found.push(Uncommitted { index, tree, path: field[3..].to_vec(), from });
        }
        Ok(found)
    }

    /// The patch id of each of these commits, as git computes it; merges have none.
    pub fn patch_ids(&self, commits: &[Oid]) -> anyhow::Result<Vec<(String, Oid)>> {
        let input: String = commits.iter().map(|id| format!("{id}\n")).collect();
        let words = ["diff-tree", "--stdin", "-p", "--no-ext-diff", "--no-textconv"];
        let patches = self.git().answer(&words, input.as_bytes())?;
        self.named_patches(&patches)
    }

    /// The patch id of everything between two trees.
    pub fn patch_id_between(&self, from: &Oid, to: &Oid) -> anyhow::Result<Option<String>> {
        let words =
            ["diff-tree", "-p", "--no-ext-diff", "--no-textconv", from.as_str(), to.as_str()];
        let patch = self.git().output(&words)?;
        let named = [format!("commit {to}\n\n").as_bytes(), &patch[..]].concat();
        Ok(self.named_patches(&named)?.into_iter().next().map(|(patch, _)| patch))
    }

    fn named_patches(&self, patches: &[u8]) -> anyhow::Result<Vec<(String, Oid)>> {
        let out = self.git().answer(&["patch-id", "--stable"], patches)?;
        let lines = std::str::from_utf8(&out)?.lines();
        let pairs = lines.filter_map(|line| line.split_once(' '));
        pairs.map(|(patch, id)| Ok((patch.to_owned(), Oid::parse(id)?))).collect()
    }
}

type Pairs = BTreeMap<(Oid, Oid), Vec<Change>>;

/// `<id> <id>LF`, and then for each file `:<mode> <mode> <id> <id> <letter>`, zero, path, zero; a rename
/// has two paths.
fn parse(out: &[u8]) -> anyhow::Result<Pairs> {
    let mut found = Pairs::new();
    let mut pair = None;
    let mut fields = out.split(|byte| *byte == 0);
    while let Some(mut field) = fields.next().filter(|field| !field.is_empty()) {
        while !field.starts_with(b":") {
            let end = field.iter().position(|byte| *byte == b'\n').context("a pair has no end")?;
            let text = std::str::from_utf8(&field[..end])?;
            let (from, to) = text.split_once(' ').context("a pair has one id")?;
            pair = Some((Oid::parse(from)?, Oid::parse(to)?));
            field = &field[end + 1..];
        }
        let header = std::str::from_utf8(&field[1..])?;
        let [old_mode, new_mode, old, new, letter] = header.split(' ').collect::<Vec<_>>()[..]
        else {
            anyhow::bail!("git wrote an odd header");
        };
        let first = fields.next().context("a change has no path")?;
        let second = match letter.starts_with(['R', 'C']) {
            true => fields.next().context("a rename has one path")?,
            false => first,
        };
        let side = |mode: &str, id: &str, path: &[u8]| -> anyhow::Result<Option<Side>> {
            let none = mode.bytes().all(|digit| digit == b'0');
            Ok(if none { None } else { Some(Side { path: path.to_vec(), blob: Oid::parse(id)? }) })
        };
        let change = Change { from: side(old_mode, old, first)?, to: side(new_mode, new, second)? };
        let pair = pair.clone().context("git wrote a change before its pair")?;
        found.entry(pair).or_default().push(change);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_their_changes_are_read_byte_by_byte() {
        let id = |digit: &str| digit.repeat(40);
        let (a, b, null) = (id("a"), id("b"), id("0"));
        let mut out = format!("{a} {b}\n:100644 100644 {a} {b} M").into_bytes();
        out.extend_from_slice(b"\0\xff:\n x\0");
        out.extend_from_slice(format!(":000000 100644 {null} {b} A\0n\0").as_bytes());
        out.extend_from_slice(format!("{b} {a}\n:100644 100644 {b} {a} R090\0x\0y\0").as_bytes());
        let found = parse(&out).unwrap();
        let (a, b) = (Oid::parse(&a).unwrap(), Oid::parse(&b).unwrap());
        let side = |path: &[u8], blob: &Oid| Some(Side { path: path.to_vec(), blob: blob.clone() });
        assert_eq!(
            found[&(a.clone(), b.clone())],
            [
                Change { from: side(b"\xff:\n x", &a), to: side(b"\xff:\n x", &b) },
                Change { from: None, to: side(b"n", &b) },
            ]
        );
        assert_eq!(
            found[&(b.clone(), a.clone())],
            [Change { from: side(b"x", &b), to: side(b"y", &a) }]
        );
        for bad in
            ["x", ":100644", &format!("{a} {b}\n:1 1 {a} {b} M"), &format!(":1 1 {a} {b} M\0p\0")]
        {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
