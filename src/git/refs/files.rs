//! Refs as files, under git's own lock protocol: lock first, read under the lock, sync, rename.
//!
//! gix's transaction reads `packed-refs` before it locks and takes a global lock; this does neither.
//! It runs no `reference-transaction` hook: where there is one, git itself writes.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use super::{RefError, RefStore, part_of, program::ProgramRefs};
use crate::{
    domain::id::Oid,
    git::{objects::sync_dir, program::Git},
    process::{clock, fault},
};

/// How long a writer waits for another one's lock: longer than `LOCK_STALE`, so that a dead one's
/// lock is mended within one call.
const LOCK_WAIT: Duration = Duration::from_millis(2500);
const LOCK_PAUSE_MS_MAX: u64 = 20;
/// A lock of ours that nobody holds is looked at twice before it is taken for a dead one's.
const LOCK_STALE: Duration = Duration::from_millis(1000);
/// Refs that nobody but this program writes.
const OURS: [&str; 3] = ["refs/run/", "refs/notes/run", "refs/worktree/run"];
const REF_BYTES_MAX: u64 = 4096;
const SYMBOLIC_DEPTH_MAX: usize = 5;

#[derive(Debug)]
pub struct FileRefs {
    common_dir: PathBuf,
    git_dir: PathBuf,
}

enum Content {
    Id(Oid),
    Symbolic(String),
}

impl FileRefs {
    #[must_use]
    pub fn new(common_dir: PathBuf, git_dir: PathBuf) -> Self {
        Self { common_dir, git_dir }
    }

    /// Refs of one work tree live in its own directory, all others in the common one.
    fn path(&self, name: &str) -> PathBuf {
        let own = !name.starts_with("refs/")
            || name.starts_with("refs/worktree/")
            || name.starts_with("refs/bisect/");
        if own { self.git_dir.join(name) } else { self.common_dir.join(name) }
    }

    fn content(&self, name: &str) -> anyhow::Result<Option<Content>> {
        let path = self.path(name);
        let mut text = String::new();
        match File::open(&path).and_then(|file| file.take(REF_BYTES_MAX).read_to_string(&mut text))
        {
            Ok(_) => {}
            Err(error) if is_absent(&error) => return self.packed(name),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
            }
        }
        let text = text.trim_end();
        if let Some(target) = text.strip_prefix("ref:") {
            return Ok(Some(Content::Symbolic(target.trim_start().to_owned())));
        }
        let id = Oid::parse(text).with_context(|| format!("`{}` is no ref", path.display()))?;
        Ok(Some(Content::Id(id)))
    }

    fn packed(&self, name: &str) -> anyhow::Result<Option<Content>> {
        let packed = self.read_packed()?;
        let found = packed.as_deref().and_then(|text| {
            packed_lines(text).find(|(_, packed_name)| *packed_name == name).map(|(id, _)| id)
        });
        found.map(|id| Ok(Content::Id(Oid::parse(id)?))).transpose()
    }

    fn read_packed(&self) -> anyhow::Result<Option<String>> {
        match fs::read(self.common_dir.join("packed-refs")) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error).context("cannot read `packed-refs`"),
        }
    }

    fn replace(&self, name: &str, content: &str, expected: Option<&Oid>) -> Result<(), RefError> {
        let mut lock = self.locked(name, expected)?;
        lock.commit(&self.path(name), content).map_err(|error| failed(name, &error.into()))
    }

    /// The lock of a ref that is as expected.
    fn locked(&self, name: &str, expected: Option<&Oid>) -> Result<Lock, RefError> {
        let lock = Lock::take(name, &self.path(name))?;
        let found = self.read(name).map_err(|error| failed(name, &error))?;
        if found.as_ref() != expected {
            return Err(RefError::Stale {
                name: name.to_owned(),
                expected: expected.cloned(),
                found,
            });
        }
        fault::point("ref-locked");
        Ok(lock)
    }

    /// Of a ref that is never packed, so that there is one file to take away and no lock of git's own
    /// that would stay behind when git is killed.
    fn remove(&self, name: &str, expected: Option<&Oid>) -> Result<(), RefError> {
        let _lock = self.locked(name, expected)?;
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if !is_absent(&error) => return Err(failed(name, &error.into())),
            Ok(()) | Err(_) => {}
        }
        fault::point("ref-removed");
        sync_dir(path.parent().unwrap_or(&path)).map_err(|error| failed(name, &error.into()))
    }
}

fn failed(name: &str, why: &anyhow::Error) -> RefError {
    RefError::Failed { name: name.to_owned(), why: format!("{why:#}") }
}

impl RefStore for FileRefs {
    fn read(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        let mut name = name.to_owned();
        for _ in 0..SYMBOLIC_DEPTH_MAX {
            match self.content(&name)? {
                None => return Ok(None),
                Some(Content::Id(id)) => return Ok(Some(id)),
                Some(Content::Symbolic(target)) if is_safe(&target) => name = target,
                Some(Content::Symbolic(target)) => {
                    anyhow::bail!("`{name}` points to `{}`", target.escape_debug())
                }
            }
        }
        anyhow::bail!("`{name}` is a chain of more than {SYMBOLIC_DEPTH_MAX} symbolic refs")
    }

    fn read_symbolic(&self, name: &str) -> anyhow::Result<Option<String>> {
        Ok(match self.content(name)? {
            Some(Content::Symbolic(target)) => Some(target),
            Some(Content::Id(_)) | None => None,
        })
    }

    fn list(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let mut found = std::collections::BTreeMap::new();
        if let Some(text) = self.read_packed()? {
            for (id, name) in packed_lines(&text).filter(|(_, name)| name.starts_with(prefix)) {
                found.insert(name.to_owned(), Oid::parse(id)?);
            }
        }
        let mut names = Vec::new();
        walk(&self.path(prefix.trim_end_matches('/')), prefix.trim_end_matches('/'), &mut names)
            .with_context(|| format!("cannot list `{prefix}`"))?;
        for name in names {
            if let Some(id) = self.read(&name)? {
                found.insert(name, id);
            }
        }
        Ok(found.into_iter().collect())
    }

    fn list_leaf(&self, prefix: &str, leaf: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let mut found = std::collections::BTreeMap::new();
        if let Some(text) = self.read_packed()? {
            let ours =
                packed_lines(&text).filter(|(_, name)| part_of(name, prefix, leaf).is_some());
            for (id, name) in ours {
                found.insert(name.to_owned(), Oid::parse(id)?);
            }
        }
        let entries = match fs::read_dir(self.path(prefix.trim_end_matches('/'))) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(found.into_iter().collect()),
            Err(error) => return Err(error).with_context(|| format!("cannot list `{prefix}`")),
        };
        for entry in entries {
            let Some(part) = entry?.file_name().to_str().map(str::to_owned) else { continue };
            let name = format!("{prefix}{part}/{leaf}");
            // Only what is a file of its own: what is packed is known already.
            if is_safe(&name)
                && self.path(&name).is_file()
                && let Some(id) = self.read(&name)?
            {
                found.insert(name, id);
            }
        }
        Ok(found.into_iter().collect())
    }

    fn compare_and_swap(
        &self,
        name: &str,
        expected: Option<&Oid>,
        new: Option<&Oid>,
    ) -> Result<(), RefError> {
        match new {
            Some(new) => self.replace(name, &format!("{new}\n"), expected),
            None if name.starts_with("refs/worktree/") => self.remove(name, expected),
            // A deletion must also take the ref out of `packed-refs`: git knows how.
            None => ProgramRefs::new(Git::at(&self.git_dir, None))
                .compare_and_swap(name, expected, None),
        }
    }

    fn mend(&self, name: &str) {
        mend(&lock_path(&self.path(name)));
    }
}

/// `<ref>.lock`, and a lock of the kernel's on it, so that a dead writer's can be told from a live one's.
struct Lock {
    path: PathBuf,
    file: Option<File>,
}

impl Lock {
    fn take(name: &str, path: &Path) -> Result<Self, RefError> {
        let lock_path = lock_path(path);
        let begun = clock::monotonic();
        loop {
            match create(&lock_path) {
                Ok(file) => return Ok(Self { path: lock_path, file: Some(file) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let why = format!("`{}`: {error}", lock_path.display());
                    return Err(RefError::Failed { name: name.to_owned(), why });
                }
            }
            if OURS.iter().any(|ours| name.starts_with(ours)) {
                mend(&lock_path);
            }
            if LOCK_WAIT < begun.elapsed() {
                return Err(RefError::Locked {
                    name: name.to_owned(),
                    lock: lock_path.display().to_string(),
                });
            }
            std::thread::sleep(Duration::from_millis(1 + clock::jitter(LOCK_PAUSE_MS_MAX)));
        }
    }

    fn commit(&mut self, path: &Path, content: &str) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fault::point("ref-written");
        fs::rename(&self.path, path)?;
        self.file = None;
        fault::point("ref-renamed");
        sync_dir(path.parent().unwrap_or(path))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.file.is_some() {
            // It could only stay behind; the next writer mends it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    lock.into()
}

/// The lock file, held for as long as it is open. One that was taken away before it could be held
/// counts as somebody else's.
fn create(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).open(path);
    let file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_dirs(path.parent().unwrap_or(path))?;
            open()?
        }
        other => other?,
    };
    // It waits for a moment at most: only who looks whether it is a dead one's can hold it now.
    // Where the file system has no such locks, a dead one's lock is reported and not mended.
    let held = file.lock().is_ok();
    if held
        && !fs::metadata(path)
            .is_ok_and(|now| file.metadata().is_ok_and(|own| same_file(&own, &now)))
    {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    Ok(file)
}

/// Makes the directories of a ref, each of them durable before anything is put into it.
fn make_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        make_dirs(parent)?;
        match fs::create_dir(dir) {
            Ok(()) => sync_dir(parent)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes the lock of a writer that is dead: old, and no longer locked by anybody.
fn mend(path: &Path) {
    let stale = || -> io::Result<bool> {
        let file = File::open(path)?;
        let age = clock::age(file.metadata()?.modified()?);
        if age < LOCK_STALE {
            return Ok(false);
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Somebody else may have mended it and locked anew: the name must still mean this file.
        if same_file(&file.metadata()?, &fs::metadata(path)?) {
            tracing::info!(lock = %path.display(), "removed the lock of a writer that is dead");
            fs::remove_file(path)?;
        }
        Ok(true)
    };
    if let Err(error) = stale() {
        tracing::debug!(lock = %path.display(), %error, "a lock could not be looked at");
    }
}

#[cfg(unix)]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}

fn walk(dir: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let full = format!("{prefix}/{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &full, names)?;
        } else if !name.ends_with(".lock") && is_safe(&full) {
            names.push(full);
        }
    }
    Ok(())
}

/// The lines of `packed-refs`: id and name. Peeled lines and the header are left out.
fn packed_lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter(|line| !line.starts_with(['#', '^']))
        .filter_map(|line| line.split_once(' '))
}

fn is_safe(name: &str) -> bool {
    name.starts_with("refs/")
        && name.split('/').all(|part| !part.is_empty() && part != ".." && part != ".")
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}
