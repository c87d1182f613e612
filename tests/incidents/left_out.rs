//! What is too large or secret is in no object, is named, and survives everything.

use std::fs;

use crate::{
    fixture::{checkpoint, commit, files, is_stored, put, rollback, sound},
    support::TestRepo,
};

const SECRET: &[u8] = b"PASSWORD=correct horse battery staple\n";

#[test]
fn secrets_are_named_and_stay_where_they_are_and_are_stored_nowhere() {
    let repo = TestRepo::new();
    put(&repo, b".env", SECRET);
    put(&repo, b"keys/server.pem", b"pem\n");
    put(&repo, b"new", b"1\n");
    let ran = repo.run(&["checkpoint"]).ends(0);
    let show = repo.run(&["checkpoint", "show", "1"]).ends(0);
    let json = repo.run(&["checkpoint", "show", "1", "--json"]).ends(0);
    for text in [&ran.err, &show.out, &json.out] {
        assert!(text.contains(".env") && text.contains("keys/server.pem"), "{text}");
    }
    assert!(json.out.contains("\"size\":38") || json.out.contains("\"size\": 38"), "{}", json.out);
    assert!(json.out.contains("sha256") || json.out.contains("\"hash\""), "{}", json.out);
    put(&repo, b"new", b"2\n");
    commit_but_secrets(&repo);
    rollback(&repo, 1);
    assert_eq!(fs::read(repo.work.join(".env")).unwrap(), SECRET);
    put(&repo, b".env", b"other\n");
    repo.run(&["undo"]).ends(0);
    assert_eq!(repo.read(".env"), "other\n");
    fs::remove_file(repo.work.join(".env")).unwrap();
    repo.run(&["redo"]).ends(0);
    assert!(!repo.work.join(".env").exists());
    assert!(repo.run(&["restore", ".env@1"]).ends(1).err.contains(".env"));
    assert!(
        !is_stored(&repo, SECRET) && !is_stored(&repo, b"other\n") && !is_stored(&repo, b"pem\n")
    );
    sound(&repo);
}

fn commit_but_secrets(repo: &TestRepo) {
    repo.git(&["add", "new"]);
    repo.git(&["commit", "--quiet", "-m", "new"]);
}

#[test]
fn a_large_file_stays_as_it_is_wherever_one_goes() {
    let repo = TestRepo::new();
    repo.git(&["config", "run.checkpoint.maxFileSize", "1k"]);
    put(&repo, b"data", b"small\n");
    put(&repo, b"dir/data", b"small\n");
    commit(&repo, "1");
    put(&repo, b"untracked", "u".repeat(2000).as_bytes());
    put(&repo, b"free", b"1\n");
    let first = checkpoint(&repo);
    put(&repo, b"data", b"small and other\n");
    repo.git(&["commit", "--quiet", "-am", "2"]);
    // Tracked, modified, too large to be saved.
    let large = "x".repeat(4000);
    put(&repo, b"data", large.as_bytes());
    put(&repo, b"dir/data", large.as_bytes());
    put(&repo, b"free", b"2\n");
    let before = files(&repo.work);
    let ran = rollback(&repo, first);
    assert!(ran.err.contains("leave alone: data"), "{ran:?}");
    assert_eq!((repo.read("data"), repo.read("dir/data")), (large.clone(), large.clone()));
    assert_eq!(repo.read("free"), "1\n");
    repo.run(&["undo"]).ends(0);
    assert_eq!(files(&repo.work), before);
    assert!(!is_stored(&repo, large.as_bytes()));
    // A file where its directory is: the large one is in the way.
    repo.git(&["stash", "push", "--quiet", "--include-untracked"]);
    fs::remove_dir_all(repo.work.join("dir")).unwrap();
    put(&repo, b"dir", b"a file\n");
    let second = checkpoint(&repo);
    fs::remove_file(repo.work.join("dir")).unwrap();
    put(&repo, b"dir/data", large.as_bytes());
    let ran = rollback(&repo, second);
    assert!(ran.err.contains("dir"), "{ran:?}");
    assert_eq!(repo.read("dir/data"), large);
    sound(&repo);
}

#[test]
fn what_does_not_fit_together_is_left_out_beginning_with_the_largest() {
    let repo = TestRepo::new();
    repo.git(&["config", "run.checkpoint.maxTotalSize", "3k"]);
    for (name, size) in [("a", 1000), ("b", 2500), ("c", 1500)] {
        put(&repo, name.as_bytes(), name.repeat(size).as_bytes());
    }
    let ran = repo.run(&["checkpoint"]).ends(0);
    assert!(ran.err.contains('b') && !is_stored(&repo, "b".repeat(2500).as_bytes()), "{ran:?}");
    let before = files(&repo.work);
    put(&repo, b"a", b"changed\n");
    rollback(&repo, 1);
    assert_eq!(files(&repo.work), before);
}
