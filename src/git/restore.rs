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
    thread,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail, ensure};
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
        restore::{File, FilePlan, is_safe_path},
    },
    process::fault,
};

pub use ignored::{Rules, ignored_by};
pub use in_the_way::in_the_way;

/// Rules for path names that hold on every file system, wherever this runs.
const STRICT: [&str; 4] = ["-c", "core.protectNTFS=true", "-c", "core.protectHFS=true"];
/// Older than this, and held by nobody, a lock counts as a dead one's.
const DEAD_LOCK_AGE: Duration = Duration::from_millis(1100);
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
/// Those among them without which git is in the middle of nothing.
const SIGNS: [&str; 3] = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"];

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
            as_old_as(&path, &repo.git_dir().join("index"))?;
        }
        let this = Self { place, git: bulk.git(), copied, git_dir: repo.git_dir().to_owned() };
        this.catch_up(now)?;
        let tree = this.run(&["write-tree"], &[])?;
        let tree = Oid::parse(String::from_utf8_lossy(&tree).trim())?;
        if let Some(change) = super::tree_diff::changes(&this.git, &tree, &now.tree)?.first() {
            bail!(
                "`{}` changes while it is looked at; try again when nobody writes here",
                String::from_utf8_lossy(&change.path).escape_debug()
            );
        }
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
        // What is gone goes first: a link may stand where its directory was.
        let gone = &["update-index", "--force-remove", "-z", "--stdin"];
        if !now.removed.is_empty() {
            self.run(gone, &now.removed.join(&0))?;
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
            self.run(gone, &rest.join(&0))?;
        }
        self.refresh();
        Ok(())
    }

    /// Files that are the same, but were touched or copied, are known as such. It says by its exit code
    /// that others differ, as some may.
    fn refresh(&self) {
        let words = ["update-index", "-q", "--unmerged", "--ignore-missing", "--refresh"];
        drop(self.run(&words, &[]));
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

    /// Whether git would take this for an index, in a copy that is thrown away.
    pub fn try_install(&self, tree: &Oid, record: &Record) -> anyhow::Result<()> {
        let sides = record.unmerged.iter().map(|side| &side.path);
        let marked = [&record.intent_to_add, &record.assume_unchanged, &record.skip_worktree];
        for path in sides.chain(marked.into_iter().flatten()) {
            let shown = String::from_utf8_lossy(path);
            ensure!(is_safe_path(path), "its index has the path `{}`", shown.escape_debug());
        }
        let trial = self.place.path().join("trial");
        let index = self.place.path().join("index");
        if index.exists() {
            fs::copy(index, &trial)?;
        }
        self.arrange(&trial, tree, record)
    }

    fn arrange(&self, index: &Path, tree: &Oid, record: &Record) -> anyhow::Result<()> {
        // Files that were left alone need not be as the index has them.
        let words = ["read-tree", "--no-recurse-submodules", "-i", "-m", tree.as_str()];
        self.git.feed(&[&STRICT[..], &words].concat(), &[], Some(index))?;
        if !record.unmerged.is_empty() {
            let words = [&STRICT[..], &["update-index", "-z", "--index-info"]].concat();
            self.git.feed(&words, &sides(&record.unmerged), Some(index))?;
        }
        Ok(())
    }

    /// Makes it the index of the work tree: `tree`, and what a tree cannot say. The entries keep what
    /// they know about the files.
    pub fn install(&self, tree: &Oid, record: &Record) -> anyhow::Result<()> {
        self.arrange(&self.place.path().join("index"), tree, record)?;
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
            if paths.is_empty() {
                continue;
            }
            // A path that was only meant to be added is not there when its file is not.
            let listed = self.run(&["ls-files", "-z"], &[])?;
            let there: BTreeSet<&[u8]> = listed.split(|byte| *byte == 0).collect();
            let paths: Vec<&[u8]> =
                paths.iter().map(Vec::as_slice).filter(|path| there.contains(path)).collect();
            self.run(&["update-index", word, "-z", "--stdin"], &paths.join(&0))?;
        }
        self.put_in_place()
    }

    /// git's own protocol: whoever has `index.lock` may write `index`. The lock appears complete, so
    /// that one which a dead process left is known by its other name.
    fn put_in_place(&self) -> anyhow::Result<()> {
        let (index, lock) = (self.git_dir.join("index"), self.git_dir.join("index.lock"));
        let ours = ours(&self.git_dir);
        sweep(&self.git_dir, true)?;
        let now = fs::read(&index).ok();
        ensure!(
            now == self.copied,
            "the index was changed by somebody else meanwhile; run the same command again"
        );
        fs::copy(self.place.path().join("index"), &ours)
            .and_then(|_| as_old_as(&ours, &self.place.path().join("index")))
            .and_then(|()| fs::File::open(&ours)?.sync_all())
            .with_context(|| format!("cannot write `{}`", ours.display()))?;
        fault::point("before-index-lock");
        if let Err(error) = fs::hard_link(&ours, &lock) {
            let _ = fs::remove_file(&ours);
            if error.kind() == io::ErrorKind::AlreadyExists {
                return Err(locked(&lock));
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

/// git looks into files that are not older than the index: in a younger copy, a change within the
/// same tick of the clock would not be seen.
fn as_old_as(copy: &Path, original: &Path) -> io::Result<()> {
    let changed = fs::metadata(original)?.modified()?;
    fs::File::options().write(true).open(copy)?.set_modified(changed)
}

/// The other name of the lock that we make.
fn ours(git_dir: &Path) -> PathBuf {
    git_dir.join("git-run").join("index.new")
}

fn locked(lock: &Path) -> anyhow::Error {
    anyhow!(
        "another git process holds `{}`; run the same command again when it has ended, or remove that file when none runs",
        lock.display()
    )
}

/// Removes the lock of an operation of ours that was killed. Only one runs in a work tree. When the
/// index is wanted, somebody else's lock is an error.
pub fn sweep(git_dir: &Path, wants_index: bool) -> anyhow::Result<()> {
    let (lock, ours) = (git_dir.join("index.lock"), ours(git_dir));
    if let (Ok(lock_is), Ok(ours_is)) = (fs::metadata(&lock), fs::metadata(&ours))
        && (lock_is.dev(), lock_is.ino()) == (ours_is.dev(), ours_is.ino())
    {
        let _ = fs::remove_file(&lock);
    }
    let _ = fs::remove_file(&ours);
    if wants_index && fs::symlink_metadata(&lock).is_ok() {
        return Err(locked(&lock));
    }
    Ok(())
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
    ///
    /// After an operation that died, a lock which outlives the wait is that of its dead git.
    pub fn move_branch(
        &self,
        step: &RefMove,
        because: &str,
        after_death: bool,
    ) -> anyhow::Result<()> {
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
        let mut moved = self.git().feed(&words, &[], None);
        if moved.is_err() && after_death {
            thread::sleep(DEAD_LOCK_AGE);
            for name in [step.name.as_str(), "HEAD", "packed-refs"] {
                self.refs().mend(name);
            }
            moved = self.git().feed(&words, &[], None);
        }
        fault::point("after-branch");
        // Failed does not mean not done.
        if self.refs().read(&step.name)? == step.new {
            return Ok(());
        }
        moved.map(drop)
    }

    /// Removes the locks that a killed git left on the branch that it had moved already. Whoever comes
    /// after a death would else meet them later, when nobody remembers the death any more.
    pub fn mend_after_death(&self) -> anyhow::Result<()> {
        let branch = self.refs().read_symbolic("HEAD")?;
        let names = [branch.as_deref().unwrap_or("HEAD"), "HEAD", "packed-refs"];
        let is_locked = |name: &&str| {
            let lock = format!("{name}.lock");
            self.git_dir().join(&lock).exists() || self.common_dir().join(&lock).exists()
        };
        if names.iter().any(is_locked) {
            thread::sleep(DEAD_LOCK_AGE);
            names.iter().for_each(|name| self.refs().mend(name));
        }
        Ok(())
    }

    /// Puts back what git was in the middle of: a few files of its own directory.
    pub fn restore_progress(&self, now: &Progress, then: &Progress) -> anyhow::Result<()> {
        if now == then {
            return Ok(());
        }
        // Killed in between, it is still in progress, so that whoever comes next does the rest.
        let is_sign = |file: &&(String, Oid)| SIGNS.contains(&file.0.as_str());
        let (signs, rest): (Vec<_>, Vec<_>) = now.files.iter().partition(is_sign);
        for (name, _) in rest.into_iter().chain(signs) {
            if !then.files.iter().any(|(other, _)| other == name) {
                fault::point("no-progress-file");
                fs::remove_file(self.progress_file(name)?)
                    .or_else(|error| match error.kind() {
                        io::ErrorKind::NotFound => Ok(()),
                        _ => Err(error),
                    })
                    .with_context(|| format!("cannot remove `{name}`"))?;
            }
        }
        let (signs, rest): (Vec<_>, Vec<_>) = then.files.iter().partition(is_sign);
        for (name, blob) in signs.into_iter().chain(rest) {
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
