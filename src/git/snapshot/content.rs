//! The files that are to be stored: which ones, which ones not, and how they become objects.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use gix::objs::tree::{EntryKind, EntryMode};
use gix::validate::path::component;
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        Repo,
        bulk::Bulk,
        objects::Entry,
        scan::{Changed, Scan},
    },
    Found, Rules,
    hidden::Hidden,
    is_submodule, left,
};
use crate::domain::checkpoint::{LeftOut, LeftOutReason};

const CHUNK_BYTES: usize = 256 * 1024;
/// Settings that would make `update-index` refuse or sync each object by itself.
const BY_GIT: [&str; 4] = ["-c", "core.safecrlf=false", "-c", "core.fsyncMethod=batch"];

/// Paths whose content no tree of ours has yet.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) files: Vec<Changed>,
    /// Tracked files that are gone.
    pub(super) missing: Vec<Vec<u8>>,
}

impl Wanted {
    pub(super) fn new(repo: &Repo, scan: &Scan, hidden: &Hidden) -> Self {
        let mut wanted = Self { files: scan.changed.clone(), missing: Vec::new() };
        for path in &scan.untracked {
            wanted.add(repo, path);
        }
        for path in hidden.paths() {
            if is_behind_link(repo, path) {
                wanted.missing.push(path.clone());
            } else if fs::symlink_metadata(full(repo, path)).is_ok() {
                wanted.add(repo, path);
            } else if hidden.assume_unchanged.contains(path) {
                wanted.missing.push(path.clone());
            }
        }
        wanted
    }

    fn add(&mut self, repo: &Repo, path: &[u8]) {
        let Ok(about) = fs::symlink_metadata(full(repo, path)) else { return };
        if let Some(kind) = kind_of(repo, &about) {
            self.files.push(Changed { path: path.to_vec(), kind, index: None });
        }
    }

    /// Ignored files that somebody named.
    pub(super) fn include(&mut self, repo: &Repo, patterns: &[String]) -> anyhow::Result<()> {
        if patterns.is_empty() {
            return Ok(());
        }
        let words = ["ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--"];
        let globs = patterns.iter().map(|pattern| format!(":(top,glob){pattern}"));
        let words: Vec<String> = words.into_iter().map(str::to_owned).chain(globs).collect();
        let found = repo.git().with_patterns(&words)?;
        for path in found.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
            if !path.ends_with(b"/") {
                self.add(repo, path);
            }
        }
        Ok(())
    }

    /// Takes out what is too large, secret or unreadable.
    pub(super) fn leave_out(
        &mut self,
        repo: &Repo,
        rules: &Rules,
        known: &[LeftOut],
    ) -> Vec<LeftOut> {
        let mut out = Vec::new();
        let mut sizes = Vec::new();
        self.files.retain(|file| {
            let Ok(about) = fs::symlink_metadata(full(repo, &file.path)) else { return true };
            // A pipe or a socket is never opened: that would wait for ever.
            if !about.is_file() && !about.is_symlink() && !about.is_dir() {
                out.push(left(&file.path, LeftOutReason::Unreadable, 0));
                return false;
            }
            let reason = if !is_git_path(&file.path) {
                Some(LeftOutReason::Name)
            } else if is_submodule(file) || !about.is_file() {
                None
            } else if (rules.secret)(&file.path) {
                Some(LeftOutReason::Secret)
            } else if rules.file_bytes_max < about.len() {
                Some(LeftOutReason::Large)
            } else if is_unreadable(&full(repo, &file.path)) {
                Some(LeftOutReason::Unreadable)
            } else {
                sizes.push((about.len(), file.path.clone()));
                None
            };
            out.extend(reason.map(|reason| describe(repo, &file.path, reason, &about, known)));
            reason.is_none()
        });
        let mut total: u64 = sizes.iter().map(|(size, _)| size).sum();
        sizes.sort_unstable();
        let mut beyond = BTreeSet::new();
        while rules.total_bytes_max < total
            && let Some((size, path)) = sizes.pop()
        {
            total -= size;
            if let Ok(about) = fs::symlink_metadata(full(repo, &path)) {
                out.push(describe(repo, &path, LeftOutReason::Large, &about, known));
            }
            beyond.insert(path);
        }
        self.files.retain(|file| !beyond.contains(&file.path));
        out
    }
}

/// A repository inside of ours: git itself would not look into it either.
pub(super) fn nested(repo: &Repo, path: &[u8]) -> LeftOut {
    let head = Repo::at(&full(repo, path).join(".git")).ok().and_then(|inner| inner.head().ok());
    let hash = head.and_then(|head| head.commit).map(|commit| commit.to_string());
    LeftOut { hash, ..left(path, LeftOutReason::Repository, 0) }
}

fn describe(
    repo: &Repo,
    path: &[u8],
    reason: LeftOutReason,
    about: &Metadata,
    known: &[LeftOut],
) -> LeftOut {
    let changed = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
    let this = LeftOut { changed, ..left(path, reason, about.len()) };
    let same = |old: &&LeftOut| {
        (&old.path, old.size, old.changed) == (&this.path, this.size, this.changed)
    };
    let hash = match known.iter().find(same) {
        Some(old) => old.hash.clone(),
        None => sha256(&full(repo, path)).ok(),
    };
    LeftOut { hash, ..this }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            n => hasher.update(&chunk[..n]),
        }
    }
}

/// Whether git would take it into an index, by the rules of every file system.
fn is_git_path(path: &[u8]) -> bool {
    let options =
        component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
    let mut parts = path.split(|byte| *byte == b'/');
    parts.all(|part| gix::validate::path::component(part.into(), None, options).is_ok())
}

/// Whether a directory on the way is a link: what is behind it is not of this work tree.
fn is_behind_link(repo: &Repo, path: &[u8]) -> bool {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    ends.map(|(at, _)| full(repo, &path[..at]))
        .any(|above| fs::symlink_metadata(above).is_ok_and(|about| about.is_symlink()))
}

fn is_unreadable(path: &Path) -> bool {
    File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// Writes the content of the files and says what is at their paths then.
pub(super) fn store(
    repo: &Repo,
    bulk: &mut Bulk<'_>,
    files: &[Changed],
    scan: &Scan,
) -> anyhow::Result<Found> {
    let filtered = may_be_filtered(repo, files, scan);
    let (by_git, plain): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| filtered || is_submodule(file));
    let mut found = by_git_itself(bulk, &by_git)?;
    for file in plain {
        let entry = match read(&full(repo, &file.path), file.kind) {
            Ok(content) => Some(Entry { kind: file.kind, id: bulk.blob(content)? }),
            // It went away since it was seen.
            Err(error) if is_gone(&error) => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", shown(&file.path)));
            }
        };
        found.insert(file.path.clone(), entry);
    }
    Ok(found)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read(path: &Path, kind: EntryKind) -> io::Result<Vec<u8>> {
    // Where links cannot be made, git keeps one as a file that holds its target.
    if kind == EntryKind::Link && fs::symlink_metadata(path)?.is_symlink() {
        return Ok(fs::read_link(path)?.into_os_string().into_vec());
    }
    fs::read(path)
}

/// Whether any attribute or setting could change bytes on their way into an object.
fn may_be_filtered(repo: &Repo, files: &[Changed], scan: &Scan) -> bool {
    let config = repo.gix().config_snapshot();
    let said =
        |key: &str| config.string(key).is_some_and(|value| !value.eq_ignore_ascii_case(b"false"));
    if ["core.autocrlf", "core.attributesFile", "attr.tree", "core.sparseCheckout"]
        .into_iter()
        .any(said)
        || attribute_files(repo).iter().any(|file| file.exists())
    {
        return true;
    }
    let is_attributes = |path: &[u8]| path.ends_with(b".gitattributes");
    let staged = scan.staged.keys().chain(&scan.removed);
    if staged.chain(&scan.untracked).any(|path| is_attributes(path)) {
        return true;
    }
    let mut directories: BTreeSet<&[u8]> = BTreeSet::from([b"".as_slice()]);
    for file in files {
        let ends = file.path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        directories.extend(ends.map(|(at, _)| &file.path[..at]));
    }
    directories
        .into_iter()
        .any(|directory| fs::symlink_metadata(full(repo, directory).join(".gitattributes")).is_ok())
}

/// Where attributes stand outside of the work tree.
fn attribute_files(repo: &Repo) -> Vec<PathBuf> {
    let mut files = vec![repo.common_dir().join("info").join("attributes")];
    files
        .extend(crate::process::env::config_home().map(|home| home.join("git").join("attributes")));
    let systems = ["/etc", "/usr/local/etc", "/opt/homebrew/etc"];
    files.extend(systems.map(|etc| Path::new(etc).join("gitattributes")));
    files
}

/// Lets git read the files, with all filters, into an index that holds nothing else.
fn by_git_itself(bulk: &Bulk<'_>, files: &[&Changed]) -> anyhow::Result<Found> {
    if files.is_empty() {
        return Ok(Found::new());
    }
    let git = bulk.git();
    let place = bulk.private_dir()?;
    let index = place.path().join("index");
    let mut seed = Vec::new();
    for file in files {
        let Some(entry) = &file.index else { continue };
        let mode: EntryMode = entry.kind.into();
        seed.extend_from_slice(format!("{:06o} {}\t", mode.value(), entry.id).as_bytes());
        seed.extend_from_slice(&file.path);
        seed.push(0);
    }
    // Whether line ends are converted may depend on what the index has.
    if !seed.is_empty() {
        git.feed(&["update-index", "-z", "--index-info"], &seed, Some(&index))?;
    }
    let paths: Vec<&[u8]> = files.iter().map(|file| file.path.as_slice()).collect();
    let words = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
    git.feed(&[&BY_GIT[..], &words].concat(), &paths.join(&0), Some(&index))?;
    let listed = git.feed(&["ls-files", "--stage", "-z"], &[], Some(&index))?;
    let mut found: Found = paths.iter().map(|path| (path.to_vec(), None)).collect();
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let (entry, path) = super::super::scan::staged_line(line)?;
        found.insert(path, Some(entry));
    }
    Ok(found)
}

fn kind_of(repo: &Repo, about: &Metadata) -> Option<EntryKind> {
    let modes = repo.setting_bool("core.fileMode").ok().flatten().unwrap_or(true);
    let executable = modes && about.permissions().mode() & 0o100 != 0;
    if about.is_symlink() {
        Some(EntryKind::Link)
    } else if about.is_file() {
        Some(if executable { EntryKind::BlobExecutable } else { EntryKind::Blob })
    } else {
        None
    }
}

fn full(repo: &Repo, path: &[u8]) -> PathBuf {
    repo.worktree().unwrap_or_else(|| repo.git_dir()).join(OsStr::from_bytes(path))
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).escape_debug().to_string()
}
