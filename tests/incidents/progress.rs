//! In the middle of a merge, a cherry-pick, a revert, a rebase, a bisect.

use std::fs;

use crate::{
    fixture::{assert_same, checkpoint, commit, put, rollback, sound, state},
    support::TestRepo,
};

/// `side` and `main` do not agree on `a`; a rename of `r` went two ways; `d` was deleted and changed.
fn divided() -> TestRepo {
    let repo = TestRepo::new();
    for name in ["a", "d", "r"] {
        put(&repo, name.as_bytes(), format!("{name}\nline\nline\nline\n").as_bytes());
    }
    commit(&repo, "base");
    repo.git(&["switch", "--quiet", "-c", "side"]);
    put(&repo, b"a", b"side\n");
    repo.git(&["rm", "--quiet", "d"]);
    repo.git(&["mv", "r", "r-side"]);
    commit(&repo, "side");
    repo.git(&["switch", "--quiet", "main"]);
    put(&repo, b"a", b"main\n");
    put(&repo, b"d", b"d\nline\nline\nmain\n");
    repo.git(&["mv", "r", "r-main"]);
    commit(&repo, "main");
    repo
}

fn said(repo: &TestRepo) -> Vec<(String, Option<String>)> {
    let names =
        ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "CHERRY_PICK_HEAD", "REVERT_HEAD", "AUTO_MERGE"];
    let read = |name: &str| fs::read_to_string(repo.work.join(".git").join(name)).ok();
    names.iter().map(|name| ((*name).to_owned(), read(name))).collect()
}

#[test]
fn a_merge_with_conflicts_is_put_back_with_all_its_sides() {
    let ends: [(&str, &[&[&str]]); 3] = [
        ("aborted", &[&["merge", "--abort"]]),
        ("finished", &[&["add", "--all"], &["commit", "--quiet", "--no-edit"]]),
        ("reset", &[&["reset", "--quiet", "--hard"]]),
    ];
    let begins: [&[&str]; 3] =
        [&["merge", "side"], &["cherry-pick", "side"], &["revert", "--no-edit", "HEAD~1"]];
    for begin in begins {
        for (what, end) in ends {
            let end: Vec<Vec<&str>> = end
                .iter()
                .map(|words| {
                    words
                        .iter()
                        .map(|word| if *word == "merge" { begin[0] } else { *word })
                        .collect()
                })
                .collect();
            let repo = divided();
            assert!(!repo.try_git(begin).status.success(), "{begin:?}");
            // Half of it is solved already.
            put(&repo, b"solved", b"1\n");
            repo.git(&["add", "solved"]);
            let (then, files) = (state(&repo), said(&repo));
            let number = checkpoint(&repo);
            for words in end {
                repo.git(&words);
            }
            let (now, none) = (state(&repo), said(&repo));
            let what = format!("{begin:?} {what}");
            rollback(&repo, number);
            assert_same(&state(&repo), &then, &what);
            assert_eq!(said(&repo), files, "{what}");
            repo.run(&["undo"]).ends(0);
            assert_same(&state(&repo), &now, &what);
            assert_eq!(said(&repo), none, "{what}");
            sound(&repo);
        }
    }
}

#[test]
fn a_rebase_and_a_bisect_are_saved_within_and_not_jumped_out_of() {
    let repo = divided();
    let outside = checkpoint(&repo);
    assert!(!repo.try_git(&["rebase", "side"]).status.success());
    let inside = checkpoint(&repo);
    let then = state(&repo);
    let ran = repo.run(&["rollback", "--to", &outside.to_string()]);
    assert!(ran.code != Some(0) && !ran.err.contains("panicked"), "{ran:?}");
    assert_same(&state(&repo), &then, "refused");
    put(&repo, b"a", b"a try\n");
    rollback(&repo, inside);
    assert_same(&state(&repo), &then, "within");
    repo.git(&["rebase", "--abort"]);
    rollback(&repo, outside);
    let ran = repo.run(&["rollback", "--to", &inside.to_string()]);
    assert!(ran.code != Some(0), "{ran:?}");

    let before = repo.git(&["rev-list", "--max-parents=0", "HEAD"]);
    repo.git(&["bisect", "start", "HEAD", &before]);
    put(&repo, b"new", b"1\n");
    let inside = checkpoint(&repo);
    let then = state(&repo);
    put(&repo, b"new", b"2\n");
    rollback(&repo, inside);
    assert_same(&state(&repo), &then, "within a bisect");
    let ran = repo.run(&["rollback", "--to", &outside.to_string()]);
    assert!(ran.code != Some(0) && ran.err.contains("hint:"), "{ran:?}");
    repo.git(&["bisect", "reset"]);
    rollback(&repo, outside);
    sound(&repo);
}
