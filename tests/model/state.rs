//! Everything that a checkpoint has to know, as a person with `ls`, `cat` and `git` sees it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::Path,
};

use super::op::bytes;
use crate::support::{TestRepo, text};

#[derive(Clone, PartialEq, Eq)]
pub enum File {
    Plain(Vec<u8>),
    Executable(Vec<u8>),
    Link(Vec<u8>),
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(bytes) => write!(f, "{:?}", text(bytes)),
            Self::Executable(bytes) => write!(f, "+x {:?}", text(bytes)),
            Self::Link(to) => write!(f, "-> {:?}", text(to)),
        }
    }
}

const NO_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

pub type Files = BTreeMap<Vec<u8>, File>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub head: Option<String>,
    /// `git ls-files --stage -z`, line by line, but for what is to be added later.
    pub index: Vec<Vec<u8>>,
    /// The paths of the index whose content is to be added later. One that is not there is none.
    pub later: BTreeSet<Vec<u8>>,
    /// Every file of the work tree.
    pub files: Files,
    /// The paths among them that are not tracked, and ignored.
    pub ignored: BTreeSet<Vec<u8>>,
}

impl State {
    pub fn of(repo: &TestRepo) -> Self {
        let head = repo.try_git(&["rev-parse", "--verify", "--quiet", "HEAD"]);
        let mut files = Files::new();
        walk(&repo.work, &repo.work, &mut |path, about| {
            files.insert(path.to_vec(), file(&repo.work, path, about));
        });
        let ignored = ["ls-files", "--others", "--ignored", "--exclude-standard", "-z"];
        let mut index = lines(repo, &["ls-files", "--stage", "-z"]);
        let invisible = "--ita-invisible-in-index";
        let with_content = ["diff-index", "--cached", invisible, "--name-only", "-z", NO_TREE];
        let with_content: BTreeSet<_> = lines(repo, &with_content).into_iter().collect();
        let mut later: BTreeSet<_> = index.iter().map(|line| path_of(line).to_vec()).collect();
        later.retain(|path| !with_content.contains(path) && files.contains_key(path));
        index.retain(|line| with_content.contains(path_of(line)));
        Self {
            head: head.status.success().then(|| text(&head.stdout).trim().to_owned()),
            index,
            later,
            ignored: lines(repo, &ignored).into_iter().collect(),
            files,
        }
    }

    /// What a checkpoint has of the files.
    pub fn saved(&self) -> Files {
        let saved = self.files.iter().filter(|(path, _)| !self.ignored.contains(*path));
        saved.map(|(path, file)| (path.clone(), file.clone())).collect()
    }

    /// Whether it is in the index, with content.
    pub fn tracks(&self, path: &[u8]) -> bool {
        self.index.iter().any(|line| path_of(line) == path)
    }

    /// What is to be added later when these files are there.
    pub fn later_beside(&self, files: &Files) -> BTreeSet<Vec<u8>> {
        self.later.iter().filter(|path| files.contains_key(*path)).cloned().collect()
    }

    /// Whether a rollback from one to the other would be seen by nobody.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.head, &self.index, &self.later) == (&other.head, &other.index, &other.later)
            && self.saved() == other.saved()
    }
}

/// Of a line of the index.
fn path_of(line: &[u8]) -> &[u8] {
    line.splitn(2, |byte| *byte == b'\t').nth(1).unwrap()
}

/// What a checkpoint must not touch: the index and every file, with all times.
pub fn traces(repo: &TestRepo) -> BTreeMap<Vec<u8>, String> {
    let mut all = BTreeMap::new();
    let mut see = |path: &[u8], about: &fs::Metadata| {
        let times = (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec());
        all.insert(path.to_vec(), format!("{} {:o} {times:?}", about.ino(), about.mode()));
    };
    walk(&repo.work, &repo.work, &mut see);
    if let Ok(about) = fs::metadata(repo.work.join(".git/index")) {
        see(b".git/index", &about);
    }
    all
}

fn walk(top: &Path, at: &Path, see: &mut dyn FnMut(&[u8], &fs::Metadata)) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let about = path.symlink_metadata().unwrap();
        if path == top.join(".git") {
        } else if about.is_dir() {
            walk(top, &path, see);
        } else {
            see(&bytes(path.strip_prefix(top).unwrap()), &about);
        }
    }
}

fn file(top: &Path, path: &[u8], about: &fs::Metadata) -> File {
    let full = top.join(std::ffi::OsStr::from_bytes(path));
    if about.is_symlink() {
        return File::Link(bytes(&fs::read_link(full).unwrap()));
    }
    let content = fs::read(full).unwrap();
    if about.permissions().mode() & 0o100 == 0 {
        File::Plain(content)
    } else {
        File::Executable(content)
    }
}

fn lines(repo: &TestRepo, words: &[&str]) -> Vec<Vec<u8>> {
    // Looking must not be seen.
    let mut command = repo.command("git");
    let output = command.env("GIT_OPTIONAL_LOCKS", "0").args(words).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", text(&output.stderr));
    let lines = output.stdout.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    lines.map(<[u8]>::to_vec).collect()
}
