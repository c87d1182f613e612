//! Work trees of lanes: linked ones, outside of the repository's own tree, each with a note beside
//! git's files of it that says whose lane it is.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::Repo;
use crate::{
    domain::id::{ItemId, Oid, RunId},
    process::{command::ExitStatus, fault},
};

/// In the directory that git keeps for the work tree, where no agent's path leads.
const NOTE: &str = "git-run-lane";
const NOTE_BYTES_MAX: u64 = 8 * 1024;

/// A work tree that was made for a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneTree {
    pub run: RunId,
    pub item: ItemId,
    pub worktree: PathBuf,
    /// Git's directory for it.
    pub git_dir: PathBuf,
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    Tree(Oid),
    /// The paths at which both sides changed the same.
    Conflict(Vec<Vec<u8>>),
}

impl LaneTree {
    /// The name by which its processes are known.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.worktree)
    }

    /// The repository as it is seen from there.
    pub fn open(&self) -> anyhow::Result<Repo> {
        let named = std::fs::read_to_string(self.git_dir.join("gitdir")).unwrap_or_default();
        let there = Path::new(named.trim_end()).parent();
        ensure!(
            there.is_some_and(|there| self.git_dir.join(there) == self.worktree),
            "`{}` is not where git has it any more",
            self.worktree.display()
        );
        Ok(Repo::at(&self.git_dir)?)
    }
}

/// The last part of a lane's path, which is unique to it.
#[must_use]
pub fn name_of(worktree: &Path) -> String {
    worktree.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Repo {
    /// Makes one, at `base` and on no branch.
    pub fn add_lane(
        &self,
        run: &RunId,
        item: &ItemId,
        worktree: &Path,
        base: &Oid,
    ) -> anyhow::Result<LaneTree> {
        let shown = worktree.to_str().filter(|path| !path.contains('\n'));
        let shown =
            shown.context("git has no note for a path of such bytes; set `run.lane.dir`")?;
        let words = ["worktree", "add", "--quiet", "--detach", shown, base.as_str()];
        let done = self.git().repeatable(&words, &[])?;
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        ensure!(done.status == ExitStatus::Code(0), "git worktree add `{shown}`: {said}");
        let link = std::fs::read_to_string(worktree.join(".git"))?;
        let git_dir = link.trim_end().strip_prefix("gitdir: ").context("it has no `.git`")?;
        let git_dir = worktree.join(git_dir);
        let text = format!("{run}\n{item}\n{shown}\n");
        std::fs::write(git_dir.join(NOTE), text).context("cannot note whose lane it is")?;
        fault::point("lane-made");
        Ok(LaneTree {
            run: run.clone(),
            item: item.clone(),
            worktree: worktree.to_owned(),
            git_dir,
        })
    }

    /// Every one of this repository.
    pub fn lanes(&self) -> Vec<LaneTree> {
        let linked = self.common_dir().join("worktrees");
        let entries = std::fs::read_dir(linked).into_iter().flatten().flatten();
        let mut all: Vec<LaneTree> = entries.filter_map(|entry| note(&entry.path())).collect();
        all.sort_by(|a, b| a.worktree.cmp(&b.worktree));
        all
    }

    /// The lane that this work tree is.
    #[must_use]
    pub fn as_lane(&self) -> Option<LaneTree> {
        if self.git_dir() == self.common_dir() { None } else { note(self.git_dir()) }
    }

    /// Takes one away, with everything in it. Whoever asks has seen that nothing is lost.
    pub fn remove_lane(&self, lane: &LaneTree) -> anyhow::Result<()> {
        let shown = lane.worktree.display().to_string();
        fault::point("lane-removed");
        let done = self.git().repeatable(&["worktree", "remove", "--force", &shown], &[])?;
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        ensure!(done.status == ExitStatus::Code(0), "git worktree remove `{shown}`: {said}");
        Ok(())
    }

    /// `theirs`, which began at `base`, on top of `ours`: git's own merge of three trees.
    pub fn merged(&self, base: &Oid, ours: &Oid, theirs: &Oid) -> anyhow::Result<Merged> {
        let commit = self.write_commit(theirs, &[base], 0, "lane\n")?;
        let words = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
        let sides = [ours.as_str(), commit.as_str()];
        // Whatever a person likes to see: renames are not guessed, so that the same is the same.
        let settings = ["-c", "merge.renames=false", "-c", "merge.conflictStyle=merge"];
        let done = self.git().plumbing(&[&settings[..], &words, &sides].concat())?;
        let mut fields = done.stdout.split(|byte| *byte == 0);
        let tree =
            fields.next().and_then(|id| Oid::parse(std::str::from_utf8(id).ok()?.trim()).ok());
        match (done.status, tree) {
            (ExitStatus::Code(0), Some(tree)) => Ok(Merged::Tree(tree)),
            (ExitStatus::Code(1), Some(_)) => {
                let paths = fields.filter(|path| !path.is_empty()).map(<[u8]>::to_vec);
                Ok(Merged::Conflict(paths.collect()))
            }
            _ => {
                let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
                anyhow::bail!("git merge-tree: {said}")
            }
        }
    }

    /// Makes index and work tree this tree. git refuses where that would lose something.
    pub fn bring_in(&self, head: &Oid, tree: &Oid) -> anyhow::Result<()> {
        fault::point("before-bring-in");
        let words = ["read-tree", "-m", "-u", head.as_str(), tree.as_str()];
        let done = self.git().repeatable(&words, &[])?;
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        ensure!(done.status == ExitStatus::Code(0), "git read-tree: {said}");
        fault::point("after-bring-in");
        Ok(())
    }

    /// The same of these paths alone, whatever is there. Whoever asks has saved it.
    pub fn bring_in_again(&self, tree: &Oid, paths: &[Vec<u8>]) -> anyhow::Result<()> {
        let source = format!("--source={tree}");
        let words = ["restore", &source, "--staged", "--worktree"];
        let from = ["--pathspec-from-file=-", "--pathspec-file-nul"];
        let done = self.git().repeatable(&[&words[..], &from].concat(), &paths.join(&0))?;
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        ensure!(done.status == ExitStatus::Code(0), "git restore: {said}");
        Ok(())
    }

    /// Whether the index has exactly this tree.
    pub fn index_is(&self, tree: &Oid) -> anyhow::Result<bool> {
        let words = ["diff-index", "--cached", "--quiet", tree.as_str(), "--"];
        Ok(self.git().plumbing(&words)?.status == ExitStatus::Code(0))
    }
}

fn note(git_dir: &Path) -> Option<LaneTree> {
    let path = git_dir.join(NOTE);
    let short = std::fs::symlink_metadata(&path).is_ok_and(|about| about.len() <= NOTE_BYTES_MAX);
    let text = short.then(|| std::fs::read_to_string(&path).ok())??;
    let mut lines = text.lines();
    let run = RunId::parse(lines.next()?).ok()?;
    let item = ItemId::parse(lines.next()?).ok()?;
    let worktree = PathBuf::from(lines.next()?);
    Some(LaneTree { run, item, worktree, git_dir: git_dir.to_owned() })
}
