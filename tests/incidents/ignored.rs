//! Ignored files are somebody else's: they are in no checkpoint, and nothing is written over them.

use std::{fs, os::unix::fs::symlink};

use crate::{
    fixture::{checkpoint, commit, put, rollback, sound, state, to_and_fro},
    support::TestRepo,
};

#[test]
fn what_only_the_old_rules_hide_stays_and_is_named() {
    let repo = TestRepo::new();
    put(&repo, b".gitignore", b"build/\n");
    commit(&repo, "rules");
    put(&repo, b"build/cache", b"precious\n");
    let number = checkpoint(&repo);
    // Now the directory is not hidden any more: it is saved, and would be removed.
    put(&repo, b".gitignore", b"");
    put(&repo, b"build/more", b"more\n");
    put(&repo, b"build/sub/deep", b"deep\n");
    let ran = rollback(&repo, number);
    for name in ["build/cache", "build/more", "build/sub/deep"] {
        assert!(repo.work.join(name).exists(), "{name} was removed");
        assert!(ran.err.contains(name), "{name} is not named: {ran:?}");
    }
    assert_eq!(repo.read(".gitignore"), "build/\n");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    repo.run(&["undo"]).ends(0);
    assert_eq!(repo.read(".gitignore"), "");
    assert_eq!(repo.read("build/cache"), "precious\n");
}

#[test]
fn what_only_the_new_rules_hide_stays_too() {
    let repo = TestRepo::new();
    put(&repo, b"data/old", b"old\n");
    let number = checkpoint(&repo);
    put(&repo, b".gitignore", b"data/\n");
    put(&repo, b"data/new", b"new and ignored\n");
    put(&repo, b"data/old", b"changed while ignored\n");
    let ran = rollback(&repo, number);
    assert_eq!(repo.read("data/new"), "new and ignored\n");
    // The checkpoint has it, but what stands there now was saved nowhere.
    assert_eq!(repo.read("data/old"), "changed while ignored\n");
    assert!(ran.err.contains("data/old"), "{ran:?}");
    assert!(!repo.work.join(".gitignore").exists());
    repo.run(&["undo"]).ends(0);
    assert_eq!(repo.read("data/old"), "changed while ignored\n");
    assert_eq!(repo.read(".gitignore"), "data/\n");
}

#[test]
fn an_ignored_file_in_the_way_of_a_file_or_a_directory_is_left_alone() {
    let repo = TestRepo::new();
    put(&repo, b"a", b"file then\n");
    put(&repo, b"b/inner", b"in a directory then\n");
    put(&repo, b"c", b"file then\n");
    put(&repo, b"free", b"1\n");
    let number = checkpoint(&repo);
    for name in ["a", "c", "free"] {
        fs::remove_file(repo.work.join(name)).unwrap();
    }
    fs::remove_dir_all(repo.work.join("b")).unwrap();
    put(&repo, b".git/info/exclude", b"/a\n/b\n*.ign\n");
    put(&repo, b"a", b"ignored a\n");
    put(&repo, b"b", b"ignored b\n");
    // A directory where a file was, with something ignored inside.
    put(&repo, b"c/tracked", b"untracked\n");
    put(&repo, b"c/x.ign", b"ignored in c\n");
    let ran = rollback(&repo, number);
    assert_eq!(repo.read("a"), "ignored a\n");
    assert_eq!(repo.read("b"), "ignored b\n");
    assert_eq!(repo.read("c/x.ign"), "ignored in c\n");
    assert_eq!(repo.read("free"), "1\n");
    for name in ["a", "b", "c/x.ign"] {
        assert!(ran.err.contains(name), "{name} is not named: {ran:?}");
    }
    repo.run(&["undo"]).ends(0);
    assert_eq!(repo.read("c/tracked"), "untracked\n");
    assert_eq!(repo.read("c/x.ign"), "ignored in c\n");
    sound(&repo);
}

#[test]
fn an_ignored_link_in_the_way_is_neither_followed_nor_replaced() {
    let repo = TestRepo::new();
    let outside = repo.root().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("inner"), "outside\n").unwrap();
    put(&repo, b"dir/inner", b"inside\n");
    put(&repo, b"dir/other", b"inside\n");
    let number = checkpoint(&repo);
    fs::remove_dir_all(repo.work.join("dir")).unwrap();
    put(&repo, b".git/info/exclude", b"/dir\n");
    symlink(&outside, repo.work.join("dir")).unwrap();
    let ran = rollback(&repo, number);
    assert!(ran.err.contains("dir/inner"), "{ran:?}");
    assert_eq!(fs::read_to_string(outside.join("inner")).unwrap(), "outside\n");
    assert!(!outside.join("other").exists());
    assert!(repo.work.join("dir").is_symlink());
}

#[test]
fn ignored_files_that_are_wanted_are_saved_and_brought_back() {
    let repo = TestRepo::new();
    put(&repo, b".gitignore", b"*.db\n*.log\n");
    commit(&repo, "rules");
    repo.git(&["config", "run.checkpoint.include", "data/*.db"]);
    put(&repo, b"data/one.db", b"1\n");
    put(&repo, b"data/x.log", b"log\n");
    let number = checkpoint(&repo);
    put(&repo, b"data/one.db", b"2\n");
    put(&repo, b"data/x.log", b"log 2\n");
    rollback(&repo, number);
    assert_eq!(
        (repo.read("data/one.db"), repo.read("data/x.log")),
        ("1\n".into(), "log 2\n".into())
    );
    repo.run(&["undo"]).ends(0);
    assert_eq!(repo.read("data/one.db"), "2\n");
    fs::remove_file(repo.work.join("data/one.db")).unwrap();
    repo.run(&["restore", "data/one.db@1"]).ends(0);
    assert_eq!(repo.read("data/one.db"), "1\n");
    // Wanted no more: what stands there is saved nowhere, and stays.
    repo.git(&["config", "--unset", "run.checkpoint.include"]);
    put(&repo, b"data/one.db", b"3\n");
    rollback(&repo, number);
    assert_eq!(repo.read("data/one.db"), "3\n");
}

#[test]
fn a_file_becomes_a_directory_and_a_directory_a_file() {
    let repo = TestRepo::new();
    put(&repo, b"tracked-file", b"1\n");
    put(&repo, b"tracked-dir/a", b"1\n");
    commit(&repo, "more");
    put(&repo, b"new-file", b"1\n");
    put(&repo, b"new-dir/a/b", b"1\n");
    to_and_fro(&repo, || {
        for name in ["tracked-file", "new-file"] {
            fs::remove_file(repo.work.join(name)).unwrap();
            put(&repo, format!("{name}/inside/deep").as_bytes(), b"2\n");
        }
        for name in ["tracked-dir", "new-dir"] {
            fs::remove_dir_all(repo.work.join(name)).unwrap();
            put(&repo, name.as_bytes(), b"2\n");
        }
    });
}

#[test]
fn single_paths_come_back_where_nothing_has_to_go_for_them() {
    let repo = TestRepo::new();
    put(&repo, b"dir/a", b"1\n");
    put(&repo, b"file", b"1\n");
    checkpoint(&repo);
    fs::remove_dir_all(repo.work.join("dir")).unwrap();
    fs::remove_file(repo.work.join("file")).unwrap();
    put(&repo, b"dir", b"a file\n");
    put(&repo, b"file/x", b"a directory\n");
    let before = state(&repo);
    for name in ["dir@1", "dir/a@1", "file@1"] {
        let ran = repo.run(&["restore", name]);
        // Either nothing happens and it is said, or what was there can be had back.
        assert!([0, 1].contains(&ran.code.unwrap()), "{ran:?}");
        if ran.code == Some(0) {
            repo.run(&["undo"]).ends(0);
        }
        assert_eq!(state(&repo), before, "{name}");
    }
    fs::remove_file(repo.work.join("dir")).unwrap();
    put(&repo, b"dir/later", b"later\n");
    repo.run(&["restore", "dir@1"]).ends(0);
    assert_eq!((repo.read("dir/a"), repo.read("dir/later")), ("1\n".into(), "later\n".into()));
    assert!(repo.run(&["restore", "dir@1"]).ends(0).out.contains("nothing to do"));
    repo.run(&["undo"]).ends(0);
    assert!(!repo.work.join("dir/a").exists());
    assert_eq!(repo.read("dir/later"), "later\n");
}
