//! Every way in which git can be told to keep index and files otherwise.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    fixture::{assert_same, checkpoint, commit, files, put, rollback, sound, state, to_and_fro},
    support::TestRepo,
};

fn change(repo: &TestRepo) {
    put(repo, b"in/a", b"2\n");
    put(repo, b"in/new", b"2\n");
    commit_what_is_there(repo);
    put(repo, b"in/a", b"3\n");
    let _ = fs::remove_file(repo.work.join("in/untracked"));
}

fn commit_what_is_there(repo: &TestRepo) {
    repo.git(&["add", "in"]);
    repo.git(&["commit", "--quiet", "-m", "change"]);
}

fn filled(init: &[&str]) -> TestRepo {
    let repo = TestRepo::with(init);
    for name in ["in/a", "in/b", "out/a", "out/deep/b"] {
        put(&repo, name.as_bytes(), b"1\n");
    }
    commit(&repo, "filled");
    repo
}

#[test]
fn every_format_of_refs_objects_and_index_goes_to_and_fro() {
    let formats: [(&[&str], &[&[&str]]); 8] = [
        (&["--ref-format=reftable"], &[]),
        (&["--object-format=sha256"], &[]),
        (&[], &[&["update-index", "--split-index"]]),
        (&[], &[&["config", "core.splitIndex", "true"], &["update-index", "--split-index"]]),
        (&[], &[&["sparse-checkout", "set", "--cone", "in"]]),
        (&[], &[&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]]),
        (&[], &[&["sparse-checkout", "set", "--no-cone", "/in/", "/README"]]),
        (&[], &[&["update-index", "--index-version", "4"], &["update-index", "--untracked-cache"]]),
    ];
    for (init, setup) in formats {
        let repo = filled(init);
        for words in setup {
            repo.git(words);
        }
        eprintln!("{init:?} {setup:?}");
        put(&repo, b"in/untracked", b"1\n");
        put(&repo, b"in/b", b"changed\n");
        to_and_fro(&repo, || change(&repo));
    }
}

#[test]
fn filters_and_line_ends_come_back_as_they_were() {
    let set: [(&[&[&str]], &str); 5] = [
        (&[&["config", "core.autocrlf", "true"]], ""),
        (&[&["config", "core.autocrlf", "input"]], ""),
        (&[], "* text=auto\n"),
        (&[], "*.dos text eol=crlf\n"),
        (
            &[
                &["config", "filter.up.clean", "tr a-z A-Z"],
                &["config", "filter.up.smudge", "tr A-Z a-z"],
                &["config", "filter.up.required", "true"],
            ],
            "in/* filter=up\n",
        ),
    ];
    for (settings, attributes) in set {
        let repo = filled(&[]);
        for words in settings {
            repo.git(words);
        }
        if !attributes.is_empty() {
            put(&repo, b".gitattributes", attributes.as_bytes());
        }
        put(&repo, b"in/x.dos", b"dos\r\nlines\r\n");
        put(&repo, b"in/x.bin", b"\0\r\n\n\r\n");
        commit(&repo, "files");
        fs::remove_dir_all(repo.work.join("in")).unwrap();
        repo.git(&["checkout", "--quiet", "--", "in"]);
        eprintln!("{settings:?} {attributes:?}");
        to_and_fro(&repo, || {
            put(&repo, b"in/x.bin", b"\0\n");
            put(&repo, b"in/a", b"2\n");
            repo.git(&["commit", "--quiet", "-am", "change"]);
            fs::remove_dir_all(repo.work.join("in")).unwrap();
            repo.git(&["checkout", "--quiet", "--", "in"]);
        });
    }
}

#[test]
fn marks_of_the_index_come_back() {
    let repo = filled(&[]);
    put(&repo, b"later", b"1\n");
    repo.git(&["add", "--intent-to-add", "later"]);
    repo.git(&["update-index", "--assume-unchanged", "in/a"]);
    repo.git(&["update-index", "--skip-worktree", "in/b"]);
    put(&repo, b"in/a", b"local\n");
    put(&repo, b"in/b", b"local\n");
    to_and_fro(&repo, || {
        repo.git(&["update-index", "--no-assume-unchanged", "in/a"]);
        repo.git(&["update-index", "--no-skip-worktree", "in/b"]);
        put(&repo, b"later", b"2\n");
        put(&repo, b"in/b", b"other\n");
        commit(&repo, "all");
        repo.git(&["update-index", "--skip-worktree", "out/a"]);
    });
}

#[test]
fn modes_that_are_not_looked_at_stay_as_they_are() {
    let repo = filled(&[]);
    repo.git(&["config", "core.fileMode", "false"]);
    fs::set_permissions(repo.work.join("in/a"), fs::Permissions::from_mode(0o755)).unwrap();
    put(&repo, b"in/b", b"2\n");
    let before = files(&repo.work);
    let number = checkpoint(&repo);
    put(&repo, b"in/b", b"3\n");
    rollback(&repo, number);
    assert_eq!(files(&repo.work), before);
}

fn submodule(repo: &TestRepo) {
    let lib = repo.root().join("lib");
    let lib = lib.to_str().unwrap();
    repo.git(&["init", "--quiet", lib]);
    for message in ["one", "two"] {
        repo.git(&["-C", lib, "commit", "--quiet", "--allow-empty", "-m", message]);
    }
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", lib, "sub"]);
    commit(repo, "submodule");
}

#[test]
fn what_is_in_a_submodule_or_another_repository_is_never_touched() {
    let repo = filled(&[]);
    let before = checkpoint(&repo);
    submodule(&repo);
    let clean = checkpoint(&repo);
    let sub = repo.work.join("sub");
    let sub = sub.to_str().unwrap();
    repo.git(&["-C", sub, "checkout", "--quiet", "HEAD~1"]);
    put(&repo, b"sub/untracked", b"inside\n");
    repo.git(&["init", "--quiet", repo.work.join("nested").to_str().unwrap()]);
    put(&repo, b"nested/file", b"nested\n");
    let nested = repo.work.join("nested");
    repo.git(&["-C", nested.to_str().unwrap(), "add", "file"]);
    repo.git(&["-C", nested.to_str().unwrap(), "commit", "--quiet", "-m", "inner"]);
    put(&repo, b"in/a", b"2\n");
    let moved = repo.git(&["-C", sub, "rev-parse", "HEAD"]);
    let inner = repo.git(&["-C", nested.to_str().unwrap(), "rev-parse", "HEAD"]);
    let now = state(&repo);
    checkpoint(&repo);
    for to in [clean, before] {
        let ran = rollback(&repo, to);
        assert!(ran.err.contains("sub"), "{ran:?}");
        assert_eq!(repo.read("sub/untracked"), "inside\n");
        assert_eq!(repo.git(&["-C", sub, "rev-parse", "HEAD"]), moved);
        assert_eq!(repo.git(&["-C", nested.to_str().unwrap(), "rev-parse", "HEAD"]), inner);
        assert_eq!(
            (repo.read("in/a"), repo.read("nested/file")),
            ("1\n".into(), "nested\n".into())
        );
        repo.run(&["undo"]).ends(0);
        assert_same(&state(&repo), &now, "undone");
    }
    sound(&repo);
}

#[test]
fn nothing_is_written_into_a_submodule_where_a_directory_was() {
    let repo = filled(&[]);
    put(&repo, b"sub/file", b"plain\n");
    let number = checkpoint(&repo);
    fs::remove_dir_all(repo.work.join("sub")).unwrap();
    submodule(&repo);
    let ran = rollback(&repo, number);
    assert!(ran.err.contains("sub"), "{ran:?}");
    assert!(!repo.work.join("sub/file").exists());
    assert!(repo.work.join("sub/.git").exists());
    repo.run(&["undo"]).ends(0);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}
