//! The red team of the workflow `sprint`: its own breaker, its threshold, what it does without a design.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use support::TestRepo;

fn finding(severity: &str) -> String {
    format!(
        r#"report '{{"format":1,"verdict":"revise","findings":[{{"rule":"r","severity":"{severity}","path":"a","message":"odd '$calls'"}}]}}'"#
    )
}

/// A sprint whose red team is on.
fn repo(red_team: &str, design: bool) -> TestRepo {
    let repo = TestRepo::scripted(&[("audit", "pass")]);
    if design {
        repo.write("docs/design.md", "# Design\n");
        repo.git(&["add", "."]);
        repo.git(&["commit", "--quiet", "--message=design"]);
    }
    repo.git(&["config", "run.red-team.enabled", "true"]);
    repo.agent("red-team", red_team);
    repo.agent("repair", "echo $calls >> repaired.txt");
    repo
}

fn stages(repo: &TestRepo) -> Vec<String> {
    let started = repo.recorded("stage-started");
    started.iter().map(|data| data["stage"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn loa_113_the_red_team_looks_once_at_all_of_it_and_is_off_by_itself() {
    let repo = repo("pass", true);
    repo.run(&["sprint-1", "--local"]).ends(0);
    assert_eq!(stages(&repo), ["implement", "review", "audit", "red-team"]);
    let other = TestRepo::scripted(&[]);
    other.run(&["sprint-1", "--local"]).ends(0);
    assert_eq!(stages(&other), ["implement", "review", "audit"]);
}

#[test]
fn loa_113_what_it_finds_is_repaired_at_most_twice_and_then_goes_on_with_it_written_down() {
    let repo = repo(&finding("high"), true);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let walked =
        ["implement", "review", "audit", "red-team", "repair", "red-team", "repair", "red-team"];
    assert_eq!(stages(&repo), walked);
    assert_eq!(repo.read("repaired.txt"), "1\n2\n");
    let status = repo.run(&["status", "--json"]).ends(0).json();
    assert_eq!(status["gates"], serde_json::json!([]), "{status}");
    // It is no pass that nobody sees.
    let log = repo.run(&["log"]).ends(0).out;
    assert!(log.contains("verdict revise with 1 finding"), "{log}");
    repo.run(&["verify"]).ends(0);
}

#[test]
fn loa_113_below_the_threshold_nothing_is_repaired() {
    let repo = repo(&finding("medium"), true);
    repo.run(&["sprint-1", "--local"]).ends(0);
    assert_eq!(stages(&repo), ["implement", "review", "audit", "red-team"]);
}

#[test]
fn loa_113_without_a_design_it_is_passed_over_or_halts_as_the_setting_says() {
    let repo = repo("pass", false);
    repo.run(&["sprint-1", "--local"]).ends(0);
    assert_eq!(stages(&repo), ["implement", "review", "audit"]);
    let skipped = repo.recorded("stage-skipped");
    assert!(skipped[0]["why"].as_str().unwrap().contains("docs/design.md"), "{skipped:?}");

    let strict = self::repo("pass", false);
    strict.git(&["config", "run.red-team.missing", "halt"]);
    strict.run(&["sprint-1", "--local"]).ends(5);
    let status = strict.run(&["status"]).ends(0).out;
    assert!(status.contains("docs/design.md"), "{status}");
    // The design is where the setting says.
    strict.write("README.md", "# It\n");
    let moved = self::repo("pass", false);
    moved.git(&["config", "run.red-team.missing", "halt"]);
    moved.git(&["config", "run.red-team.file", "plan.toml"]);
    moved.run(&["sprint-1", "--local"]).ends(0);
    assert!(stages(&moved).contains(&"red-team".to_owned()));
}

#[test]
fn loa_113_a_setting_may_lower_the_tries_and_never_raise_them() {
    let repo = repo(&finding("high"), true);
    repo.git(&["config", "run.red-team.tries", "1"]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    assert_eq!(stages(&repo).iter().filter(|stage| *stage == "repair").count(), 1);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["config", "run.red-team.tries", "9"]);
    repo.run(&["sprint-1", "--local", "--again", "--branch", "feature/two"]).ends(0);
    assert_eq!(stages(&repo).iter().filter(|stage| *stage == "repair").count(), 2);
}

#[test]
fn loa_116_d5_an_audit_that_belongs_to_the_workflow_is_not_dangerous_and_d7_a_block_is_no_zero() {
    let repo = TestRepo::scripted(&[]);
    repo.write(
        "w.toml",
        "format = 2\nname = \"w\"\n[[stage]]\nid = \"implement\"\nduty = \"build\"\n[[stage]]\nid = \"review\"\nduty = \"judge\"\nback_to = \"implement\"\ndanger = \"critical\"\n",
    );
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=w"]);
    let ran = repo.run(&["sprint-1", "--local", "--workflow", "./w.toml", "--allow-high"]).ends(3);
    assert!(ran.err.contains("critical danger"), "{}", ran.err);
    repo.write("w.toml", &repo.read("w.toml").replace("critical", "high"));
    repo.git(&["commit", "--quiet", "--all", "--message=high"]);
    repo.run(&["sprint-1", "--local", "--workflow", "./w.toml"]).ends(3);
    repo.run(&["sprint-1", "--local", "--workflow", "./w.toml", "--allow-high"]).ends(0);
    repo.write("w.toml", &repo.read("w.toml").replace("\"high\"", "\"unheard-of\""));
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=odd"]);
    let ran = repo.run(&["sprint-1", "--local", "--workflow", "./w.toml", "--again"]).ends(1);
    assert!(ran.err.contains("safe, moderate, high or critical"), "{}", ran.err);
    assert!(ran.err.contains("w.toml:"), "{}", ran.err);
}
