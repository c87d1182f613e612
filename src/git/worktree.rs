//! The user's work tree: what is not committed, commits with the user's own hooks, branches.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};

use super::Repo;
use crate::{
    domain::id::Oid,
    process::{command::ExitStatus, fault},
};

pub const COMMIT_BYTES_MAX: u64 = 1024 * 1024;

/// How a `git commit` ended.
#[derive(Debug)]
pub enum Committed {
    Done(Oid),
    /// A hook, a missing identity or a signing key said no; what it said.
    Refused(String),
    NothingToCommit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Untracked,
    Added,
    Changed,
    /// Deleted, and the index knows it.
    Removed,
}

impl Repo {
    /// Paths with changes that are not committed, but without untracked files that `leave_out` says stay out of every commit.
    pub fn uncommitted(&self, leave_out: fn(&[u8]) -> bool) -> anyhow::Result<Vec<Vec<u8>>> {
        let status = self.status()?;
        let counts =
            |(is, path): &(Standing, Vec<u8>)| !(*is == Standing::Untracked && leave_out(path));
        Ok(status.into_iter().filter(counts).map(|(_, path)| path).collect())
    }

    /// Files that no commit has yet, staged or not, of which `wanted` is true.
    pub fn uncommitted_new(&self, wanted: fn(&[u8]) -> bool) -> anyhow::Result<Vec<Vec<u8>>> {
        let status = self.status()?;
        Ok(status
            .into_iter()
            .filter(|(is, path)| {
                matches!(is, Standing::Untracked | Standing::Added) && wanted(path)
            })
            .map(|(_, path)| path)
            .collect())
    }

    fn status(&self) -> anyhow::Result<Vec<(Standing, Vec<u8>)>> {
        let args = [
            "status",
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=none",
        ];
        let out = self.git().output(&args)?;
        let entries = out.split(|byte| *byte == 0).filter(|entry| 3 < entry.len());
        let standing = |entry: &[u8]| match entry {
            [b'?', b'?', ..] => Standing::Untracked,
            [b'A', ..] => Standing::Added,
            [b'D', b' ', ..] => Standing::Removed,
            _ => Standing::Changed,
        };
        Ok(entries.map(|entry| (standing(entry), entry[3..].to_vec())).collect())
    }

    pub fn tree_of(&self, commit: &Oid) -> anyhow::Result<Oid> {
        Ok(self.read_commit(commit, COMMIT_BYTES_MAX)?.tree)
    }

    /// Commits everything but `left_out`, with the user's own hooks, as the user's own git would.
    pub fn commit_all(&self, message: &str, left_out: &[Vec<u8>]) -> anyhow::Result<Committed> {
        let git = self.git();
        fault::point("before-add");
        let staged = if left_out.is_empty() {
            git.repeatable(&["add", "--all", "--", "."], &[])?
        } else {
            // Whoever staged them: they stay in the work tree and leave the index.
            let words = ["rm", "--cached", "--force", "--quiet", "--ignore-unmatch"];
            let from = ["--pathspec-from-file=-", "--pathspec-file-nul"];
            let unstaged = git.repeatable(&[&words[..], &from].concat(), &left_out.join(&0))?;
            let mut wanted = self.status()?;
            wanted.retain(|(_, path)| !left_out.contains(path));
            if unstaged.status.success() && wanted.is_empty() {
                return Ok(Committed::NothingToCommit);
            }
            // What the index has deleted already is nowhere: git would say that nothing matches.
            wanted.retain(|(is, _)| *is != Standing::Removed);
            let paths = wanted.into_iter().map(|(_, path)| path).collect::<Vec<_>>().join(&0);
            // An empty list of paths is every path to git.
            if unstaged.status.success() && !paths.is_empty() {
                git.repeatable(&[&["add", "--all"][..], &from].concat(), &paths)?
            } else {
                unstaged
            }
        };
        if !staged.status.success() {
            return Ok(Committed::Refused(said(&staged.stdout, &staged.stderr)));
        }
        let before = self.head()?.commit;
        fault::point("before-commit");
        let words = ["commit", "--quiet", "--no-edit", "--cleanup=verbatim", "-m", message];
        let mut committed = git.porcelain(&words, &[])?;
        // A Ctrl-C that reached git as well: unlike the rest, a commit must not be made twice.
        if matches!(committed.status, ExitStatus::Signal(_)) && self.head()?.commit == before {
            committed = git.porcelain(&words, &[])?;
        }
        fault::point("after-commit");
        let after = self.head()?.commit;
        match (committed.status.success(), after) {
            (_, Some(after)) if Some(&after) != before.as_ref() => Ok(Committed::Done(after)),
            (false, _) if git.plumbing(&["diff", "--cached", "--quiet"])?.status.success() => {
                Ok(Committed::NothingToCommit)
            }
            _ => Ok(Committed::Refused(said(&committed.stdout, &committed.stderr))),
        }
    }

    /// Stands on `branch`, which exists. git refuses where that would lose something.
    pub fn switch_to(&self, branch: &str) -> anyhow::Result<()> {
        fault::point("before-switch");
        let finished = self.git().repeatable(&["switch", "--no-guess", "--quiet", branch], &[])?;
        if !finished.status.success() {
            bail!("git switch {branch}: {}", said(&finished.stdout, &finished.stderr));
        }
        Ok(())
    }

    /// Why a commit could not be made here, before anything depends on it.
    pub fn identity_problem(&self) -> anyhow::Result<Option<String>> {
        let finished = self.git().porcelain(&["var", "GIT_COMMITTER_IDENT"], &[])?;
        Ok((!finished.status.success()).then(|| said(&finished.stdout, &finished.stderr)))
    }

    /// Whether git takes `name` for a branch's name.
    pub fn is_branch_name(&self, name: &str) -> anyhow::Result<bool> {
        Ok(self.git().plumbing(&["check-ref-format", "--branch", name])?.status.success())
    }

    /// The other work tree, if any, that stands on this branch.
    pub fn stands_elsewhere(&self, full: &str) -> anyhow::Result<Option<String>> {
        let out = self.git().output(&["worktree", "list", "--porcelain", "-z"])?;
        let own = self.identity();
        let text = String::from_utf8_lossy(&out).into_owned();
        let record = text.split("\0\0").find(|record| {
            record.split('\0').any(|line| line.strip_prefix("branch ") == Some(full))
                && record.split('\0').next() != Some(&format!("worktree {own}"))
        });
        let dir = record.and_then(|record| record.split('\0').next());
        Ok(dir.and_then(|line| line.strip_prefix("worktree ")).map(str::to_owned))
    }

    /// Where a ref of the kind that each work tree has for itself stands in the other ones, with the
    /// directory of each.
    pub fn in_other_worktrees(&self, name: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let mut places = vec![("main-worktree".to_owned(), self.common_dir().to_owned())];
        let linked = self.common_dir().join("worktrees");
        for entry in std::fs::read_dir(&linked).into_iter().flatten() {
            let entry = entry?;
            if let Some(id) = entry.file_name().to_str() {
                places.push((format!("worktrees/{id}"), entry.path()));
            }
        }
        let own = self.git_dir().canonicalize()?;
        let mut found = Vec::new();
        for (place, dir) in places {
            if dir.canonicalize().is_ok_and(|dir| dir == own) {
                continue;
            }
            let full = format!("{place}/{name}");
            let out = self.git().plumbing(&["rev-parse", "--verify", "--quiet", &full])?;
            let Ok(id) = Oid::parse(String::from_utf8_lossy(&out.stdout).trim()) else { continue };
            let named = std::fs::read_to_string(dir.join("gitdir")).unwrap_or_default();
            let top = named.trim_end().strip_suffix("/.git").unwrap_or(&place).to_owned();
            found.push((top, id));
        }
        Ok(found)
    }

    /// How many commits `to` has that `from` has not, and whether `from` is still among its ancestors.
    pub fn survey(&self, from: &Oid, to: &Oid) -> anyhow::Result<(u32, bool)> {
        let git = self.git();
        let count = git.output(&["rev-list", "--count", &format!("{from}..{to}")]);
        let count = count.ok().and_then(|out| String::from_utf8_lossy(&out).trim().parse().ok());
        // What is not there any more is nobody's ancestor.
        Ok((count.unwrap_or(0), self.is_ancestor(from, to).unwrap_or(false)))
    }

    /// The last commit that both have; nothing where they have none in common.
    pub fn merge_base(&self, one: &Oid, other: &Oid) -> anyhow::Result<Option<Oid>> {
        let done = self.git().plumbing(&["merge-base", one.as_str(), other.as_str()])?;
        match done.status {
            ExitStatus::Code(0) => {
                Ok(Some(Oid::parse(String::from_utf8_lossy(&done.stdout).trim())?))
            }
            ExitStatus::Code(1) => Ok(None),
            ExitStatus::Code(_) | ExitStatus::Signal(_) => {
                bail!("it cannot be told where {} and {} parted", one.short(), other.short())
            }
        }
    }

    /// The commits that `tip` has and none of `known` has, newest first, and at most `most` of them.
    pub fn commits_beyond(&self, tip: &Oid, known: &[Oid], most: u32) -> anyhow::Result<Vec<Oid>> {
        let mut input = format!("{tip}\n");
        known.iter().for_each(|known| input.push_str(&format!("^{known}\n")));
        let count = format!("--max-count={most}");
        listed(&self.git().answer(&["rev-list", &count, "--stdin"], input.as_bytes())?)
    }

    /// The commits that `tip` has and that were made on top of another one.
    pub fn commits_on_top(&self, of: &Oid, tip: &Oid) -> anyhow::Result<Vec<Oid>> {
        listed(&self.git().output(&["rev-list", "--ancestry-path", &format!("{of}..{tip}")])?)
    }

    /// The trailers of a commit, by key in lower case; the last one of a key counts.
    pub fn trailers(&self, commit: &Oid) -> anyhow::Result<(BTreeMap<String, String>, Vec<Oid>)> {
        let commit =
            self.read_commit(commit, COMMIT_BYTES_MAX).context("reading the commit at HEAD")?;
        let text = String::from_utf8_lossy(&commit.message);
        let last = text.trim_end().rsplit("\n\n").next().unwrap_or_default();
        let trailers = last.lines().filter_map(|line| line.split_once(": "));
        let trailers = trailers.map(|(key, value)| (key.to_lowercase(), value.trim().to_owned()));
        Ok((trailers.collect(), commit.parents))
    }
}

fn listed(out: &[u8]) -> anyhow::Result<Vec<Oid>> {
    Ok(std::str::from_utf8(out)?.lines().map(Oid::parse).collect::<Result<_, _>>()?)
}

/// What a program said, on either channel, for a message of a few lines.
fn said(stdout: &[u8], stderr: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(stderr).trim().to_owned();
    if text.is_empty() {
        text = String::from_utf8_lossy(stdout).trim().to_owned();
    }
    text
}
