//! The workflow `tdd`, with what the older tool promised and where it failed: each row of it by its name,
//! on real repositories, with real processes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, io::Write as _, process::Stdio};

use serde_json::{Value, json};
use support::{Ran, TestRepo};

const PLAN: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "Say hello"
acceptance = ["prints hello", "exits with 0"]
writes = ["hello.sh", "test.sh"]
"#;

const DESIGNED: &str = r#"
printf '# Design\n## Overview\nx\n## Interfaces\nx\n## Risks\nx\n## Tests\nx\n' > "$GIT_RUN_OUTPUT/design.md"
printf '# Sprint contract\n## Criteria\n- prints hello, shown by test.sh\n- exits with 0\n' > "$GIT_RUN_OUTPUT/contract.md"
"#;

const USUAL: [(&str, &str); 5] = [
    ("design", DESIGNED),
    ("tests", r#"echo 'test "$(sh hello.sh)" = hello' > test.sh"#),
    ("build", "echo 'echo hello' > hello.sh"),
    ("refactor", "echo '# simple' >> hello.sh"),
    ("review", "pass"),
];

const SPEC: &str = "# Spec\n## Overview\nx\n## Requirements\nx\n## Acceptance Criteria\nx\n## Technical Design\nx\n\
    ## API\nx\n## Test Plan\nx\n";

/// A repository whose agents are scripts; those that are not named do their work and pass.
fn scripted(stages: &[(&str, &str)]) -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(PLAN);
    repo.git(&["config", "run.agent", "command"]);
    repo.git(&["config", "run.workflow", "tdd"]);
    repo.git(&["config", "run.gate.tests.command", "sh test.sh"]);
    repo.git(&["config", "run.gate.coverage.command", "echo 91%"]);
    for (stage, usual) in USUAL {
        let own = stages.iter().find(|(named, _)| *named == stage);
        repo.agent(stage, own.map_or(usual, |(_, script)| script));
    }
    repo
}

/// A run in the flow `quick`: no design, and no person.
fn quick(stages: &[(&str, &str)], code: i32) -> TestRepo {
    let repo = scripted(stages);
    repo.run(&["sprint-1", "--local", "--flow", "quick"]).ends(code);
    repo
}

fn state(repo: &TestRepo) -> (String, String) {
    let status = repo.status();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    (text(&status["state"]), text(&status["halt"]["cause"]))
}

#[track_caller]
fn is(repo: &TestRepo, wanted: (&str, &str)) {
    let found = state(repo);
    assert_eq!((found.0.as_str(), found.1.as_str()), wanted, "{:#?}", repo.told("text"));
}

#[track_caller]
fn told(repo: &TestRepo, part: &str) {
    let all = repo.told("text").join("\n");
    assert!(all.contains(part), "`{part}` is not in\n{all}");
}

fn waits(repo: &TestRepo) -> Vec<String> {
    let waits = repo.status()["waits"].clone();
    let gate = |one: &Value| one["gate"].as_str().unwrap().to_owned();
    waits.as_array().unwrap().iter().map(gate).collect()
}

fn approved(repo: &TestRepo, code: i32) {
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(code);
}

/// `stage outcome`, for each row of the provenance.
fn outcomes(repo: &TestRepo) -> Vec<String> {
    let told = repo.run(&["show", "provenance", "--json"]).ends(0).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = told["rows"].as_array().unwrap().clone();
    rows.iter().map(|row| text(&row["stage"]) + " " + &text(&row["outcome"])).collect()
}

#[test]
fn aura_five_phases_with_their_gates_to_the_end() {
    let repo = scripted(&[]);
    repo.run(&["sprint-1", "--local", "--flow", "standard"]).ends(5);
    assert_eq!(waits(&repo), ["approve-design of sprint-1"]);
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["approve-build of sprint-1"]);
    approved(&repo, 0);
    let rows = outcomes(&repo);
    for row in [
        "design done",
        "contract pass",
        "approve-design approved",
        "tests done",
        "red pass",
        "build done",
        "green pass",
        "approve-build approved",
        "refactor done",
        "review pass",
        "finalize pass",
    ] {
        assert!(rows.contains(&row.to_owned()), "{row}: {rows:?}");
    }
    repo.run(&["verify"]).ends(0);
    // Each phase is a commit of its own.
    let subjects = repo.git(&["log", "--format=%(trailers:key=Run-Stage,valueonly)", "main.."]);
    let stages: Vec<_> = subjects.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(stages, ["refactor", "build", "tests"]);
}

#[test]
fn aura_tests_that_pass_already_are_sent_back() {
    let repo = quick(
        &[(
            "tests",
            "[ $calls = 1 ] && echo true > test.sh || echo 'grep -q hello hello.sh' > test.sh",
        )],
        0,
    );
    assert_eq!((repo.calls("tests"), repo.calls("build")), (2, 1));
    told(&repo, "verdict revise");
}

#[test]
fn aura_tests_that_cannot_start_or_do_not_end_are_not_red() {
    for (key, value) in [
        ("run.gate.tests.command", "no-such-program-here"),
        ("run.gate.tests.command", "kill -9 $$"),
        ("run.gate.tests.command", "test -x hello.sh || exit 126"),
    ] {
        let repo = scripted(&[]);
        repo.git(&["config", key, value]);
        repo.run(&["sprint-1", "--local", "--flow", "quick"]).ends(4);
        assert_eq!(repo.calls("build"), 0, "{value}");
        is(&repo, ("HALTED", "breaker"));
    }
    let repo = scripted(&[]);
    repo.git(&["config", "run.gate.tests.command", "sleep 60"]);
    repo.git(&["config", "run.gate.tests.timeout", "1s"]);
    repo.git(&["config", "run.maxCycles", "1"]);
    repo.run(&["sprint-1", "--local", "--flow", "quick"]).ends(4);
    assert_eq!(repo.calls("build"), 0);
}

#[test]
fn aura_tests_that_fail_block_the_build() {
    let wrong = "[ $calls = 1 ] && echo 'echo helo' > hello.sh || echo 'echo hello' > hello.sh";
    let repo = quick(&[("build", wrong)], 0);
    assert_eq!(repo.calls("build"), 2);
    // One that never passes is stopped, and is no pass.
    let repo = quick(&[("build", "echo \"echo $calls\" > hello.sh")], 4);
    is(&repo, ("HALTED", "breaker"));
    assert_eq!(repo.calls("review"), 0);
}

#[test]
fn aura_coverage_below_the_floor_does_not_finish() {
    for (command, min) in [("echo 79%", None), ("echo 91%", Some("95")), ("echo fine", None)] {
        let repo = scripted(&[]);
        repo.git(&["config", "run.gate.coverage.command", command]);
        if let Some(min) = min {
            repo.git(&["config", "run.gate.coverage.min", min]);
        }
        repo.run(&["sprint-1", "--local", "--flow", "quick"]).ends(5);
        assert_eq!(waits(&repo), ["finalize of sprint-1"], "{command}");
        repo.run(&["push"]).ends(3);
    }
}
