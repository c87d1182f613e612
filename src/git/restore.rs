//! Moves branch, index and work tree to another state: with git's own checkout, through an index of
//! our own. It writes no file of the work tree itself, and decides nothing.

mod ignored;
mod in_the_way;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use gix::objs::tree::{EntryKind, EntryMode};

use super::{
    Repo,
    bulk::Bulk,
    objects::Entry,
    program::Git,
    snapshot::Snapshot,
    tree_edit::{self, Edits},
};
use crate::{
    domain::{
        checkpoint::{Progress, Record, Unmerged},
        event::RefMove,
        id::Oid,
        restore::{File, FilePlan},
    },
    process::fault,
};

pub use ignored::{Rules, ignored_by};
pub use in_the_way::in_the_way;

/// Rules for path names that hold on every file system, wherever this runs.
const STRICT: [&str; 4] = ["-c", "core.protectNTFS=true", "-c", "core.protectHFS=true"];
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Paths whose names tell git what it is in the middle of, and nothing else.
const PROGRESS: [&str; 7] = [
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "AUTO_MERGE",
    "SQUASH_MSG",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
];

/// A copy of the index that knows every file of the work tree as it was just saved.
#[derive(Debug)]
pub struct PrivateIndex {
    place: tempfile::TempDir,
    git: Git,
    /// The index as it was when it was copied.
    copied: Option<Vec<u8>>,
    git_dir: PathBuf,
}

impl PrivateIndex {
    /// Brings a copy of the index to the tree of the snapshot, with the files' times in it. An error
    /// when files have changed since.
    pub fn of(repo: &Repo, bulk: &Bulk<'_>, now: &Snapshot) -> anyhow::Result<Self> {
        let place = bulk.private_dir()?;
        let index = repo.git_dir().join("index");
        let copied = match fs::read(&index) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("cannot read the index"),
        };
        let path = place.path().join("index");
        if let Some(bytes) = &copied {
            fs::write(&path, bytes)?;
            keep_time(&index, &path)?;
        }
        let this = Self { place, git: bulk.git(), copied, git_dir: repo.git_dir().to_owned() };
        this.catch_up(now)?;
        let tree = this.run(&["write-tree"], &[])?;
        let tree = String::from_utf8_lossy(&tree).trim().to_owned();
        ensure!(
            tree == now.tree.as_str(),
            "files change while they are looked at; try again when nobody writes here"
        );
        Ok(this)
    }

    fn catch_up(&self, now: &Snapshot) -> anyhow::Result<()> {
        let record = &now.record;
        for (word, paths) in [
            ("--no-assume-unchanged", &record.assume_unchanged),
            ("--no-skip-worktree", &record.skip_worktree),
        ] {
            if !paths.is_empty() {
                self.run(&["update-index", word, "-z", "--stdin"], &paths.join(&0))?;
            }
        }
        // What is gone may stand behind a link by now, where git would not look for it.
        if !now.gone.is_empty() {
            self.run(&["update-index", "--force-remove", "-z", "--stdin"], &now.gone.join(&0))?;
        }
        if !now.saved.is_empty() {
            let words = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
            let words = [&["-c", "core.safecrlf=false"], &words[..]].concat();
            self.run(&words, &now.saved.join(&0))?;
        }
        // A path that is not merged and has no file that was saved is in no tree.
        let saved: BTreeSet<&[u8]> = now.saved.iter().map(Vec::as_slice).collect();
        let sides = record.unmerged.iter().map(|side| side.path.as_slice());
        let rest: Vec<&[u8]> = sides.filter(|path| !saved.contains(path)).collect();
        if !rest.is_empty() {
            self.run(&["update-index", "--force-remove", "-z", "--stdin"], &rest.join(&0))?;
        }
        // git moves no file whose times it does not know, though it has the very content.
        self.refresh();
        Ok(())
    }

    /// It says by its exit code that files differ from the index, as some may.
    fn refresh(&self) {
        let refreshed = self.run(&["update-index", "-q", "--unmerged", "--refresh"], &[]);
        drop(refreshed);
    }

    /// Whether git would move the files so, without moving any.
    pub fn try_move(&self, now: &Oid, then: &Oid) -> anyhow::Result<()> {
        self.read_tree(&["--dry-run", "-m", "-u", now.as_str(), then.as_str()])
    }

    /// Moves the files. What was changed since it was saved makes git refuse.
    pub fn move_files(&self, now: &Oid, then: &Oid) -> anyhow::Result<()> {
        if now != then {
            fault::point("before-files");
            self.read_tree(&["-m", "-u", now.as_str(), then.as_str()])?;
            fault::point("after-files");
        }
        Ok(())
    }

    fn read_tree(&self, words: &[&str]) -> anyhow::Result<()> {
        let command = ["read-tree", "--no-recurse-submodules"];
        self.run(&[&STRICT[..], &command, words].concat(), &[]).map(drop)
    }

    /// Makes it the index of the work tree: `tree`, and what a tree cannot say. The entries keep what
    /// they know about the files.
    pub fn install(&self, tree: &Oid, record: &Record) -> anyhow::Result<()> {
        // No file is touched, so none need be as the index has it: what was left alone is not.
        self.read_tree(&["--reset", tree.as_str()])?;
        if !record.unmerged.is_empty() {
            self.run(&["update-index", "-z", "--index-info"], &sides(&record.unmerged))?;
        }
        let top = self.git.worktree();
        let on_disk = |path: &&Vec<u8>| top.is_some_and(|top| is_file(top, path));
        let later: Vec<_> = record.intent_to_add.iter().filter(on_disk).cloned().collect();
        if !later.is_empty() {
            let from = ["--pathspec-from-file=-", "--pathspec-file-nul"];
            let words = ["add", "--force", "--intent-to-add"];
            self.run(&[&words[..], &from].concat(), &later.join(&0))?;
        }
        self.refresh();
        for (word, paths) in [
            ("--assume-unchanged", &record.assume_unchanged),
            ("--skip-worktree", &record.skip_worktree),
        ] {
            if !paths.is_empty() {
                self.run(&["update-index", word, "-z", "--stdin"], &paths.join(&0))?;
            }
        }
        self.put_in_place()
    }

    /// git's own protocol: whoever has `index.lock` may write `index`. The lock appears complete, so
    /// that one which a dead process left is known by its other name.
    fn put_in_place(&self) -> anyhow::Result<()> {
        let (index, lock) = (self.git_dir.join("index"), self.git_dir.join("index.lock"));
        let ours = ours(&self.git_dir);
        sweep(&self.git_dir);
        let now = fs::read(&index).ok();
        ensure!(
            now == self.copied,
            "the index was changed by somebody else meanwhile; run the same command again"
        );
        let private = self.place.path().join("index");
        fs::copy(&private, &ours)
            .and_then(|_| keep_time(&private, &ours))
            .and_then(|()| fs::File::open(&ours)?.sync_all())
            .with_context(|| format!("cannot write `{}`", ours.display()))?;
        fault::point("before-index-lock");
        if let Err(error) = fs::hard_link(&ours, &lock) {
            let _ = fs::remove_file(&ours);
            if error.kind() == io::ErrorKind::AlreadyExists {
                bail!(
                    "another git process holds `{}`; run the same command again when it has ended, or remove that file when none runs",
                    lock.display()
                );
            }
            return Err(error).with_context(|| format!("cannot make `{}`", lock.display()));
        }
        fault::point("index-locked");
        fs::rename(&lock, &index).context("cannot replace the index")?;
        fault::point("index-in-place");
        let _ = fs::remove_file(&ours);
        super::objects::sync_dir(&self.git_dir)?;
        Ok(())
    }

    fn run(&self, words: &[&str], stdin: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.git.feed(words, stdin, Some(&self.place.path().join("index")))
    }
}

/// Whether a file or a link stands there, and not behind a link.
fn is_file(top: &Path, path: &[u8]) -> bool {
    let about = |path: &[u8]| fs::symlink_metadata(top.join(OsStr::from_bytes(path)));
    let mut above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    above.all(|(at, _)| about(&path[..at]).is_ok_and(|about| about.is_dir()))
        && about(path).is_ok_and(|about| !about.is_dir())
}

/// A file that is as old as the index may have changed since without a trace: git looks into it. A
/// younger copy would make it look unchanged.
fn keep_time(from: &Path, to: &Path) -> io::Result<()> {
    fs::File::options().append(true).open(to)?.set_modified(fs::metadata(from)?.modified()?)
}

/// The other name of the lock that we make.
fn ours(git_dir: &Path) -> PathBuf {
    git_dir.join("git-run").join("index.new")
}

/// Removes the lock of an operation of ours that was killed. Only one runs in a work tree.
pub fn sweep(git_dir: &Path) {
    let (lock, ours) = (git_dir.join("index.lock"), ours(git_dir));
    if let (Ok(lock_is), Ok(ours_is)) = (fs::metadata(&lock), fs::metadata(&ours))
        && (lock_is.dev(), lock_is.ino()) == (ours_is.dev(), ours_is.ino())
    {
        let _ = fs::remove_file(&lock);
    }
    let _ = fs::remove_file(&ours);
}

/// The tree that the work tree has after the plan.
pub fn tree_after(bulk: &mut Bulk<'_>, now: &Oid, plan: &FilePlan) -> anyhow::Result<Oid> {
    let mut edits: Edits = plan.remove.iter().map(|path| (path.clone(), None)).collect();
    for (path, file) in &plan.write {
        edits.insert(path.clone(), Some(entry(file)?));
    }
    tree_edit::edit(bulk, Some(now), &edits)
}

fn entry(file: &File) -> anyhow::Result<Entry> {
    let kind = EntryMode::try_from(file.mode).ok().map(|mode| mode.kind());
    let kind = kind.filter(|kind| *kind != EntryKind::Tree).context("it has no mode of a file")?;
    Ok(Entry { kind, id: file.id.clone() })
}

fn sides(unmerged: &[Unmerged]) -> Vec<u8> {
    let mut lines = Vec::new();
    for side in unmerged {
        lines.extend_from_slice(
            format!("{:06o} {} {}\t", side.mode, side.id, side.stage).as_bytes(),
        );
        lines.extend_from_slice(&side.path);
        lines.push(0);
    }
    lines
}

impl Repo {
    /// Moves the branch at HEAD, or HEAD itself when it is detached, and says so in the reflog. Safe to
    /// be done again.
    pub fn move_branch(&self, step: &RefMove, because: &str) -> anyhow::Result<()> {
        if self.refs().read(&step.name)? == step.new {
            return Ok(());
        }
        fault::point("before-branch");
        let null = "0".repeat(self.no_tree().as_str().len());
        let id = |id: &Option<Oid>| id.as_ref().map_or(null.clone(), ToString::to_string);
        let mut words = vec!["update-ref".to_owned(), "-m".to_owned(), because.to_owned()];
        if step.name == "HEAD" {
            words.push("--no-deref".to_owned());
        }
        match &step.new {
            Some(new) => words.extend([step.name.clone(), new.to_string(), id(&step.old)]),
            None => words.extend(["-d".to_owned(), step.name.clone(), id(&step.old)]),
        }
        let moved = self.git().feed(&words, &[], None);
        fault::point("after-branch");
        // Failed does not mean not done.
        if self.refs().read(&step.name)? == step.new {
            return Ok(());
        }
        moved.map(drop)
    }

    /// Puts back what git was in the middle of: a few files of its own directory.
    pub fn restore_progress(&self, now: &Progress, then: &Progress) -> anyhow::Result<()> {
        if now == then {
            return Ok(());
        }
        for (name, _) in &now.files {
            if !then.files.iter().any(|(other, _)| other == name) {
                fs::remove_file(self.progress_file(name)?)
                    .or_else(|error| match error.kind() {
                        io::ErrorKind::NotFound => Ok(()),
                        _ => Err(error),
                    })
                    .with_context(|| format!("cannot remove `{name}`"))?;
            }
        }
        for (name, blob) in &then.files {
            let path = self.progress_file(name)?;
            let content = self.read_blob(blob, FILE_BYTES_MAX)?;
            fault::point("progress-file");
            let mut file = tempfile::NamedTempFile::new_in(self.git_dir())?;
            io::Write::write_all(&mut file, &content)?;
            file.persist(&path).with_context(|| format!("cannot write `{name}`"))?;
        }
        Ok(())
    }

    fn progress_file(&self, name: &str) -> anyhow::Result<PathBuf> {
        ensure!(PROGRESS.contains(&name), "`{}` is no file of a merge", name.escape_debug());
        Ok(self.git_dir().join(name))
    }
}
