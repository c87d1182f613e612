//! A checkpoint is restored where it was made, whatever happened to the branch since.

use crate::{
    fixture::{assert_same, checkpoint, commit, put, rollback, sound, state, to_and_fro},
    support::TestRepo,
};

#[test]
fn on_another_branch_it_is_refused_with_the_way_out_and_nothing_changes() {
    let repo = TestRepo::new();
    put(&repo, b"new", b"1\n");
    let on_main = checkpoint(&repo);
    repo.git(&["switch", "--quiet", "--detach"]);
    let detached = checkpoint(&repo);
    let refused = |number: u64, says: &str| {
        put(&repo, b"new", b"2\n");
        let (before, refs) = (state(&repo), repo.git(&["for-each-ref"]));
        let ran = repo.run(&["rollback", "--to", &number.to_string()]);
        assert!(ran.code != Some(0) && ran.err.contains(says), "{ran:?}");
        assert_same(&state(&repo), &before, "refused");
        assert_eq!(repo.git(&["for-each-ref"]), refs);
    };
    refused(on_main, "git switch main");
    repo.git(&["switch", "--quiet", "-c", "topic"]);
    refused(on_main, "git switch main");
    refused(detached, "git switch --detach");
    repo.git(&["switch", "--quiet", "main"]);
    rollback(&repo, on_main);
    assert_eq!(repo.read("new"), "1\n");
    // Single files come from anywhere.
    put(&repo, b"new", b"3\n");
    repo.run(&["restore", &format!("new@{detached}")]).ends(0);
    assert_eq!(repo.read("new"), "1\n");
}

#[test]
fn whatever_happened_to_the_branch_it_goes_back_and_the_commits_stay_reachable() {
    let ways: [(&str, &[&[&str]]); 4] = [
        (
            "more commits",
            &[
                &["commit", "--quiet", "--allow-empty", "-m", "x"],
                &["commit", "--quiet", "--allow-empty", "-m", "y"],
            ],
        ),
        ("amended", &[&["commit", "--quiet", "--amend", "-m", "amended"]]),
        ("reset", &[&["reset", "--quiet", "--hard", "HEAD~1"]]),
        ("rebased", &[&["rebase", "--quiet", "--onto", "HEAD~2", "HEAD~1"]]),
    ];
    for (what, commands) in ways {
        let repo = TestRepo::new();
        for name in ["a", "b"] {
            put(&repo, name.as_bytes(), b"1\n");
            commit(&repo, name);
        }
        put(&repo, b"untracked", b"1\n");
        let head = repo.git(&["rev-parse", "HEAD"]);
        let mut after = String::new();
        to_and_fro(&repo, || {
            for command in commands {
                repo.git(command);
            }
            after = repo.git(&["rev-parse", "HEAD"]);
        });
        rollback(&repo, 1);
        repo.git(&["reflog", "expire", "--expire=now", "--all"]);
        repo.git(&["gc", "--quiet", "--prune=now"]);
        for commit in [&head, &after] {
            repo.git(&["cat-file", "-e", commit]);
        }
        repo.run(&["undo"]).ends(0);
        assert_eq!(repo.git(&["rev-parse", "HEAD"]), after, "{what}");
        sound(&repo);
    }
}

#[test]
fn undo_does_not_take_back_commits_that_came_after() {
    let repo = TestRepo::new();
    put(&repo, b"new", b"1\n");
    let number = checkpoint(&repo);
    put(&repo, b"new", b"2\n");
    rollback(&repo, number);
    commit(&repo, "kept");
    let before = state(&repo);
    let ran = repo.run(&["undo"]).ends(1);
    assert!(ran.err.contains("git run rollback --to 2"), "{ran:?}");
    assert_same(&state(&repo), &before, "refused");
    repo.run(&["rollback", "--to", "2"]).ends(0);
    assert_eq!(repo.read("new"), "2\n");
}

#[test]
fn an_unborn_branch_is_gone_back_to_and_left_again() {
    let repo = TestRepo::empty(&[]);
    put(&repo, b"a", b"1\n");
    put(&repo, b"staged", b"1\n");
    repo.git(&["add", "staged"]);
    to_and_fro(&repo, || {
        commit(&repo, "first");
        put(&repo, b"a", b"2\n");
    });
    // Also from nothing at all.
    let repo = TestRepo::empty(&[]);
    to_and_fro(&repo, || {
        put(&repo, b"a", b"1\n");
        commit(&repo, "first");
    });
}

#[test]
fn the_same_without_a_number_means_the_checkpoint_that_somebody_took() {
    let repo = TestRepo::new();
    put(&repo, b"a", b"1\n");
    checkpoint(&repo);
    put(&repo, b"a", b"2\n");
    repo.run(&["rollback"]).ends(0);
    assert_eq!(repo.read("a"), "1\n");
    // What was saved before the rollback is no checkpoint to go back to without being named.
    let ran = repo.run(&["rollback"]).ends(0);
    assert!(ran.out.contains("nothing to do"), "{ran:?}");
    assert_eq!(repo.read("a"), "1\n");
}
