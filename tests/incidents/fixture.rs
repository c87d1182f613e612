//! What a work tree is, byte for byte, and a few words for going to and fro.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::support::{Ran, TestRepo, text};

/// Everything that a rollback is about. Times are not among it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub files: Files,
    pub head: String,
    pub index: String,
    pub status: String,
}

/// By path: what it is, and its bytes or the target of the link.
pub type Files = BTreeMap<Vec<u8>, (String, Vec<u8>)>;

pub fn state(repo: &TestRepo) -> State {
    state_of(repo, &repo.work)
}

pub fn state_of(repo: &TestRepo, work: &Path) -> State {
    let git = |words: &[&str]| {
        let mut all = vec!["-C", work.to_str().unwrap(), "--no-optional-locks"];
        all.extend(words);
        text(&repo.try_git(&all).stdout)
    };
    State {
        files: files(work),
        head: git(&["symbolic-ref", "--quiet", "HEAD"]) + &git(&["rev-parse", "--verify", "HEAD"]),
        index: git(&["ls-files", "--stage", "-v", "-z"]),
        status: git(&["status", "--porcelain=v2", "-z", "--untracked-files=all"]),
    }
}

pub fn files(top: &Path) -> Files {
    let mut all = Files::new();
    walk(top, b"", &mut all);
    all
}

fn walk(dir: &Path, before: &[u8], all: &mut Files) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if before.is_empty() && name == ".git" {
            continue;
        }
        let path = [before, name.as_bytes()].concat();
        let about = fs::symlink_metadata(entry.path()).unwrap();
        if about.is_dir() {
            walk(&entry.path(), &[&path, b"/".as_slice()].concat(), all);
        } else if about.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            all.insert(path, ("link".into(), target.as_os_str().as_bytes().to_vec()));
        } else if about.is_file() {
            let kind = if about.permissions().mode() & 0o100 == 0 { "file" } else { "program" };
            all.insert(path, (kind.into(), fs::read(entry.path()).unwrap_or_default()));
        } else {
            all.insert(path, (format!("special {:o}", about.mode() & 0o170_000), Vec::new()));
        }
    }
}

/// The first few paths that are not the same, so that a failure can be read.
pub fn difference(a: &Files, b: &Files) -> String {
    let paths = a.keys().chain(b.keys()).filter(|path| a.get(*path) != b.get(*path));
    paths.take(8).map(|p| format!("`{}` ", p.escape_ascii())).collect()
}

#[track_caller]
pub fn assert_same(now: &State, then: &State, what: &str) {
    assert_eq!(now.files, then.files, "{what}: {}", difference(&now.files, &then.files));
    assert_eq!(now.head, then.head, "{what}: HEAD");
    assert_eq!(now.index, then.index, "{what}: the index");
    assert_eq!(now.status, then.status, "{what}: git status");
}

/// Takes a checkpoint; its number.
#[track_caller]
pub fn checkpoint(repo: &TestRepo) -> u64 {
    repo.run(&["checkpoint", "--json"]).ends(0).json()["number"].as_u64().unwrap()
}

#[track_caller]
pub fn rollback(repo: &TestRepo, to: u64) -> Ran {
    repo.run(&["rollback", "--to", &to.to_string()]).ends(0)
}

/// Takes a checkpoint, lets `change` do something, goes back, forth and back again. Each time
/// everything must be as it was.
#[track_caller]
pub fn to_and_fro(repo: &TestRepo, change: impl FnOnce()) {
    let then = state(repo);
    let number = checkpoint(repo);
    assert_same(&state(repo), &then, "a checkpoint changes nothing");
    change();
    let now = state(repo);
    rollback(repo, number);
    assert_same(&state(repo), &then, "after the rollback");
    let again = rollback(repo, number);
    assert!(again.out.contains("nothing to do"), "{again:?}");
    repo.run(&["undo"]).ends(0);
    assert_same(&state(repo), &now, "after the undo");
    repo.run(&["redo"]).ends(0);
    assert_same(&state(repo), &then, "after the redo");
    repo.run(&["undo"]).ends(0);
    assert_same(&state(repo), &now, "after the undo of the redo");
    sound(repo);
}

#[track_caller]
pub fn sound(repo: &TestRepo) {
    repo.git(&["fsck", "--strict", "--no-dangling"]);
    assert!(!repo.work.join(".git/index.lock").exists(), "index.lock is left");
}

pub fn path(repo: &TestRepo, name: &[u8]) -> PathBuf {
    repo.work.join(OsStr::from_bytes(name))
}

pub fn put(repo: &TestRepo, name: &[u8], content: &[u8]) {
    let path = path(repo, name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub fn commit(repo: &TestRepo, message: &str) {
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
}

/// Whether any object of the repository has this content.
pub fn is_stored(repo: &TestRepo, content: &[u8]) -> bool {
    let file = repo.root().join("probe");
    fs::write(&file, content).unwrap();
    let id = repo.git(&["hash-object", "--no-filters", file.to_str().unwrap()]);
    repo.try_git(&["cat-file", "-e", &id]).status.success()
}
