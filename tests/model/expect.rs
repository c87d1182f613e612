//! What an operation has to leave behind, worked out from two states alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    io::Write as _,
    os::unix::ffi::OsStrExt as _,
    process::Stdio,
};

use super::state::{File, Files, State};
use crate::support::TestRepo;

/// How much of the work tree it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Everything,
    /// Branch and index.
    NoFiles,
    /// What was brought back is taken away again, or the other way round.
    Path(Vec<u8>),
    /// Files come back, and none goes.
    Bring(Vec<u8>),
}

impl Scope {
    pub fn moves_head(&self) -> bool {
        matches!(self, Self::Everything | Self::NoFiles)
    }

    pub fn covers(&self, path: &[u8]) -> bool {
        match self {
            Self::Everything => true,
            Self::NoFiles => false,
            Self::Path(top) | Self::Bring(top) => is_below(path, top) || path == top,
        }
    }

    fn takes_away(&self) -> bool {
        matches!(self, Self::Everything | Self::Path(_))
    }
}

/// The files afterwards, and why some are not as the checkpoint has them.
#[derive(Debug, PartialEq, Eq)]
pub struct Expected {
    pub files: Files,
    pub kept: BTreeMap<Vec<u8>, &'static str>,
}

pub fn is_below(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

pub fn expect(repo: &TestRepo, now: &State, then: &State, scope: &Scope) -> Expected {
    let (saved_now, saved_then) = (now.saved(), then.saved());
    let mut expected = Expected { files: now.files.clone(), kept: BTreeMap::new() };
    let gone: BTreeSet<&Vec<u8>> = saved_now
        .keys()
        .filter(|path| scope.takes_away() && scope.covers(path) && !saved_then.contains_key(*path))
        .collect();
    let hidden = hidden_by(repo, &saved_then, &gone);
    for path in gone {
        if hidden.contains(path) && !then.tracks(path) {
            expected.kept.insert(path.clone(), "ignored-then");
        } else {
            expected.files.remove(path);
        }
    }
    let stays: Vec<Vec<u8>> = expected.files.keys().cloned().collect();
    for (path, file) in saved_then {
        if !scope.covers(&path) || saved_now.get(&path) == Some(&file) {
            continue;
        }
        let in_the_way = now.ignored.contains(&path)
            || stays.iter().any(|other| is_below(other, &path) || is_below(&path, other));
        if in_the_way {
            expected.kept.insert(path, "in-the-way");
        } else {
            expected.files.insert(path, file);
        }
    }
    expected
}

/// Which of the paths the `.gitignore` files among `files` hide.
fn hidden_by(repo: &TestRepo, files: &Files, paths: &BTreeSet<&Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let rules = files.iter().filter(|(path, file)| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap();
        name == b".gitignore" && !matches!(file, File::Link(_))
    });
    let place = tempfile::tempdir().unwrap();
    let mut any = false;
    for (path, file) in rules {
        let full = place.path().join(OsStr::from_bytes(path));
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        let (File::Plain(text) | File::Executable(text) | File::Link(text)) = file;
        fs::write(full, text).unwrap();
        any = true;
    }
    if !any || paths.is_empty() {
        return BTreeSet::new();
    }
    let asked: Vec<Vec<u8>> = paths.iter().map(|path| [b"./", path.as_slice()].concat()).collect();
    let mut child = repo
        .command("git")
        .current_dir(place.path())
        .env("GIT_DIR", repo.work.join(".git"))
        .env("GIT_WORK_TREE", place.path())
        .env("GIT_INDEX_FILE", place.path().join("none"))
        .args(["check-ignore", "--no-index", "-z", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&asked.join(&0)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "{output:?}");
    let found = output.stdout.split(|byte| *byte == 0).filter_map(|path| path.strip_prefix(b"./"));
    found.map(<[u8]>::to_vec).collect()
}
