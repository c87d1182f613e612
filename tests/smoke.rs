//! The whole path once, as a user walks it.

mod support;

use support::{ONE_SPRINT, TestRepo};

#[test]
fn a_sprint_is_run_from_the_plan_to_its_end() {
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
