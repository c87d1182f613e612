//! A run belongs to one work tree: from others it is explained, and wherever its directory goes it is known.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, path::Path};

use support::{ONE_SPRINT, Ran, TestRepo};

fn halting() -> String {
    ONE_SPRINT.replace("test -f done.txt", "test -f never.txt")
}

fn at(repo: &TestRepo, dir: &Path, words: &[&str]) -> Ran {
    Ran::of(repo.program().current_dir(dir).args(words).output().unwrap())
}

fn scene() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(&halting());
    repo
}

/// A linked work tree with a halted run.
fn linked(repo: &TestRepo, name: &str) -> (std::path::PathBuf, String) {
    let dir = repo.work.parent().unwrap().join(name);
    repo.git(&["worktree", "add", "--quiet", "--detach", dir.to_str().unwrap(), "main"]);
    let branch = format!("work-{name}");
    let ran = at(repo, &dir, &["sprint-1", "--local", "--branch", &branch]);
    assert!(matches!(ran.code, Some(4 | 5)), "{}", ran.err);
    let status = at(repo, &dir, &["status", "--json"]).ends(0).json();
    (dir, status["run"].as_str().unwrap().to_owned())
}

#[test]
fn cwf_runs_of_several_work_trees_do_not_see_each_others_position() {
    let repo = scene();
    let (one, run_one) = linked(&repo, "one");
    let (two, run_two) = linked(&repo, "two");
    assert_ne!(run_one, run_two);
    for (dir, run) in [(&one, &run_one), (&two, &run_two), (&one, &run_one)] {
        let status = at(&repo, dir, &["status", "--json"]).ends(0).json();
        assert_eq!(status["run"], run.as_str());
        assert_eq!(status["worktree"], dir.to_str().unwrap());
    }
    assert!(at(&repo, &repo.work, &["status"]).ends(0).out.contains("no run in this work tree"));
    let told = at(&repo, &two, &["resume", &run_one, "--reset-ice"]).ends(1);
    assert!(told.err.contains("belongs to the work tree"), "{}", told.err);
    let told = at(&repo, &two, &["adopt", &run_one]);
    assert_ne!(told.code, Some(0), "{}", told.out);
}

#[test]
fn a_work_tree_that_was_moved_by_git_or_by_hand_is_known_again() {
    let repo = scene();
    let (one, run) = linked(&repo, "one");
    let moved = one.with_file_name("moved");
    repo.git(&["worktree", "move", one.to_str().unwrap(), moved.to_str().unwrap()]);
    let status = at(&repo, &moved, &["status", "--json"]).ends(0);
    assert_eq!(status.json()["run"], run.as_str());
    assert!(status.err.contains("note: this work tree was"), "{}", status.err);
    let gone_on = at(&repo, &moved, &["resume", "--reset-ice"]);
    assert!(!gone_on.err.contains("belongs to"), "{}", gone_on.err);
    at(&repo, &moved, &["checkpoint"]).ends(0);
    at(&repo, &moved, &["rollback", "--to", "1"]).ends(0);
    // A new one where the old one was is another one.
    repo.git(&["worktree", "add", "--quiet", "--detach", one.to_str().unwrap(), "main"]);
    let status = at(&repo, &one, &["status", "--json"]).ends(0).json();
    assert_eq!(status["run"], serde_json::Value::Null, "{status}");
    assert_eq!(at(&repo, &moved, &["status", "--json"]).ends(0).json()["run"], run.as_str());
}

#[test]
fn a_repository_that_was_renamed_keeps_its_run() {
    let repo = scene();
    let ran = repo.run(&["sprint-1", "--local"]);
    assert!(matches!(ran.code, Some(4 | 5)), "{}", ran.err);
    let run = repo.journal().split('/').nth(2).unwrap().to_owned();
    let moved = repo.work.with_file_name("renamed");
    fs::rename(&repo.work, &moved).unwrap();
    let status = at(&repo, &moved, &["status", "--json"]).ends(0);
    assert_eq!(status.json()["run"], run.as_str());
    let gone_on = at(&repo, &moved, &["resume", "--reset-ice"]);
    assert!(!gone_on.err.contains("belongs to"), "{}", gone_on.err);
    // A copy is not the one that it was copied from.
    support::copy(&moved, &repo.work);
    let told = at(&repo, &repo.work, &["resume", "--reset-ice"]);
    assert!(matches!(told.code, Some(4 | 5)), "{}", told.err);
}

#[test]
fn the_run_of_a_work_tree_that_was_removed_can_be_taken_over() {
    let repo = scene();
    let (one, run) = linked(&repo, "one");
    repo.git(&["worktree", "remove", "--force", one.to_str().unwrap()]);
    let told = repo.run(&["resume", &run, "--reset-ice"]).ends(1);
    assert!(told.err.contains("is gone") && told.err.contains("git run adopt"), "{}", told.err);
    let told = repo.run(&["adopt", &run]).ends(0);
    assert!(told.out.contains("git switch work-one"), "{}", told.out);
    repo.git(&["switch", "--quiet", "work-one"]);
    assert_eq!(repo.run(&["status", "--json"]).ends(0).json()["run"], run.as_str());
    let gone_on = repo.run(&["resume", "--reset-ice"]);
    assert!(matches!(gone_on.code, Some(4 | 5)), "{}", gone_on.err);
    repo.run(&["verify"]).ends(0);
}
