//! What no checkpoint, rollback or undo may touch: stashes, the index of others, times, hooks.

use std::{
    collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, os::unix::fs::PermissionsExt as _,
    path::Path,
};

use crate::{
    fixture::{checkpoint, commit, put, rollback, sound, state, to_and_fro},
    support::TestRepo,
};

const HOOKS: [&str; 12] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "pre-commit",
    "prepare-commit-msg",
];

/// Hooks that write down that they ran, and fail.
pub fn hooks(repo: &TestRepo, names: &[&str]) -> std::path::PathBuf {
    let log = repo.root().join("hooks-ran");
    for name in names {
        let hook = repo.work.join(".git/hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        let text = format!("#!/bin/sh\necho {name} >> '{}'\nexit 1\n", log.display());
        fs::write(&hook, text).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }
    log
}

fn times(dir: &Path, all: &mut BTreeMap<String, (i64, i64, u64)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") {
            continue;
        }
        let about = fs::symlink_metadata(&path).unwrap();
        if about.is_dir() {
            times(&path, all);
        }
        let value = (about.mtime(), about.mtime_nsec(), about.ino());
        all.insert(path.to_string_lossy().into_owned(), value);
    }
}

#[test]
fn a_checkpoint_touches_neither_files_nor_index_nor_reflog_and_runs_no_hook() {
    let repo = TestRepo::new();
    put(&repo, b"src/a", b"a\n");
    put(&repo, b"staged", b"1\n");
    commit(&repo, "more");
    put(&repo, b"src/a", b"changed\n");
    put(&repo, b"staged", b"2\n");
    repo.git(&["add", "staged"]);
    put(&repo, b"new/file", b"new\n");
    let log = hooks(&repo, &HOOKS);
    let git = repo.work.join(".git");
    let seen = || {
        let mut all = BTreeMap::new();
        times(&repo.work, &mut all);
        let about = fs::metadata(git.join("index")).unwrap();
        (
            all,
            fs::read(git.join("index")).unwrap(),
            (about.mtime(), about.mtime_nsec(), about.ino()),
            fs::read(git.join("logs/HEAD")).unwrap(),
            fs::read(git.join("logs/refs/heads/main")).unwrap(),
        )
    };
    let before = seen();
    // Nobody's name is needed.
    fs::write(
        repo.root().join("gitconfig"),
        "[user]\n\tuseConfigOnly = true\n[run]\n\tenabled = true\n",
    )
    .unwrap();
    repo.run(&["checkpoint", "-m", "one"]).ends(0);
    repo.run(&["checkpoint", "list"]).ends(0);
    repo.run(&["checkpoint", "diff", "1"]).ends(0);
    repo.run(&["rollback", "--to", "1", "-n"]).ends(0);
    assert!(seen() == before, "something was touched");
    assert!(!log.exists(), "hooks ran: {}", fs::read_to_string(&log).unwrap());
    // What moves files runs no hook either; a ref's own hook is asked, and may say no.
    put(&repo, b"src/a", b"again\n");
    repo.run(&["rollback", "--to", "1"]).ends(0);
    repo.run(&["undo"]).ends(0);
    repo.run(&["redo"]).ends(0);
    assert_eq!(repo.read("src/a"), "changed\n");
    assert!(!log.exists(), "hooks ran: {}", fs::read_to_string(&log).unwrap());
}

#[test]
fn files_that_are_as_they_should_be_keep_their_times() {
    let repo = TestRepo::new();
    put(&repo, b"same", b"same\n");
    put(&repo, b"new-and-same", b"same\n");
    repo.git(&["add", "same"]);
    repo.git(&["commit", "--quiet", "-m", "more"]);
    put(&repo, b"README", b"1\n");
    let number = checkpoint(&repo);
    let of = |name: &str| {
        let about = fs::metadata(repo.work.join(name)).unwrap();
        (about.mtime(), about.mtime_nsec(), about.ino())
    };
    let before = (of("same"), of("new-and-same"));
    put(&repo, b"README", b"2\n");
    commit(&repo, "again");
    rollback(&repo, number);
    assert_eq!((of("same"), of("new-and-same")), before);
}

#[test]
fn files_that_were_only_touched_or_copied_do_not_keep_a_rollback_from_its_work() {
    let repo = TestRepo::new();
    put(&repo, b"same", b"1\n");
    commit(&repo, "1");
    checkpoint(&repo);
    put(&repo, b"same", b"2\n");
    commit(&repo, "2");
    let now = state(&repo);
    fs::copy(repo.work.join("same"), repo.work.join("copy")).unwrap();
    fs::rename(repo.work.join("copy"), repo.work.join("same")).unwrap();
    rollback(&repo, 1);
    assert_eq!(repo.read("same"), "1\n");
    repo.run(&["undo"]).ends(0);
    assert_eq!(state(&repo), now);
}

#[test]
fn stashes_of_this_and_of_another_work_tree_stay_as_they_are() {
    let repo = TestRepo::new();
    put(&repo, b"README", b"stashed\n");
    repo.git(&["stash", "push", "--quiet", "-m", "own"]);
    let other = repo.root().join("other");
    repo.git(&["worktree", "add", "--quiet", other.to_str().unwrap()]);
    fs::write(other.join("README"), "elsewhere\n").unwrap();
    repo.git(&["-C", other.to_str().unwrap(), "stash", "push", "--quiet", "-m", "elsewhere"]);
    let git = repo.work.join(".git");
    let seen = || {
        (fs::read(git.join("refs/stash")).unwrap(), fs::read(git.join("logs/refs/stash")).unwrap())
    };
    let before = seen();
    to_and_fro(&repo, || {
        put(&repo, b"README", b"now\n");
        commit(&repo, "more");
        put(&repo, b"README", b"later\n");
    });
    assert_eq!(seen(), before);
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    repo.git(&["stash", "pop", "--quiet", "--index", "stash@{1}"]);
}

#[test]
fn work_trees_have_chains_and_numbers_of_their_own() {
    let repo = TestRepo::new();
    let other = repo.root().join("other");
    repo.git(&["worktree", "add", "--quiet", other.to_str().unwrap()]);
    let there = |words: &[&str]| {
        crate::support::Ran::of(repo.program().current_dir(&other).args(words).output().unwrap())
    };
    put(&repo, b"new", b"here\n");
    fs::write(other.join("new"), "there\n").unwrap();
    assert_eq!(checkpoint(&repo), 1);
    assert_eq!(checkpoint(&repo), 2);
    assert_eq!(there(&["checkpoint", "--json"]).ends(0).json()["number"], 1);
    fs::write(other.join("new"), "changed\n").unwrap();
    let here = state(&repo);
    there(&["rollback", "--to", "1"]).ends(0);
    assert_eq!(fs::read_to_string(other.join("new")).unwrap(), "there\n");
    assert_eq!(state(&repo), here);
    assert_eq!(repo.run(&["checkpoint", "list", "--porcelain"]).ends(0).out.lines().count(), 2);
    repo.run(&["undo"]).ends(1);
    there(&["undo"]).ends(0);
    assert_eq!(fs::read_to_string(other.join("new")).unwrap(), "changed\n");
    sound(&repo);
}
