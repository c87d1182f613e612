//! The whole path once, as a user walks it.

mod support;

use support::{ONE_SPRINT, TestRepo};

#[test]
fn loa_113_cwf_a_sprint_is_run_from_the_plan_to_its_end() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let status = repo.run(&["status", "--json"]).ends(0).json();
    assert_eq!(status["state"], "JACKED_OUT");
    assert_eq!(repo.git(&["log", "-1", "--format=%s"]), "feat(sprint-1): implement sprint-1");
    assert_eq!(repo.git(&["branch", "--show-current"]), "feature/sprint-1");
    repo.run(&["verify"]).ends(0);
    repo.git(&["fsck", "--strict"]);
}

#[test]
fn a_run_packs_the_loose_objects_when_git_itself_would() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.git(&["config", "gc.auto", "1"]);
    // One object in the directory that is looked into stands for many.
    let found = (0..).map(|n| format!("{n}\n")).find(|text| {
        repo.write("sample", text);
        repo.git(&["hash-object", "sample"]).starts_with("17")
    });
    repo.git(&["hash-object", "-w", "sample"]);
    assert!(found.is_some());
    std::fs::remove_file(repo.work.join("sample")).unwrap();
    repo.run(&["sprint-1", "--local"]).ends(0);
    let packs = std::fs::read_dir(repo.work.join(".git/objects/pack")).unwrap().count();
    assert!(0 < packs, "nothing was packed");
    repo.run(&["verify"]).ends(0);
}
