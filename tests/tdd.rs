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

const USUAL: [(&str, &str); 6] = [
    ("explore", "printf '## Options\\na, b\\n## Choice\\na\\n' > \"$GIT_RUN_OUTPUT/options.md\""),
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

fn hand_in(repo: &TestRepo, words: &[&str], report: &Value) -> Ran {
    let mut command = repo.program();
    command.args(["report", "--json"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(report.to_string().as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn f3_nobody_reviews_what_they_built() {
    // One command line for both: refused before anything begins.
    let repo = scripted(&[]);
    let same = repo.git(&["config", "run.build.command"]);
    repo.git(&["config", "run.review.command", &same]);
    let ran = repo.run(&["sprint-1", "--local", "--flow", "quick"]).ends(1);
    assert!(ran.err.contains("`review` may not be done by whoever builds"), "{}", ran.err);
    assert!(repo.refs("refs/run/").is_empty());
}

#[test]
fn f3_nor_by_hand_whoever_they_say_they_are() {
    let repo = scripted(&[]);
    let start = ["next", "--json", "sprint-1", "--local", "--workflow", "tdd", "--flow", "quick"];
    let ran = repo.run(&start).ends(3);
    assert!(ran.err.contains("without a name"), "{}", ran.err);
    let next = |who: &str, code: i32| repo.run(&["next", "--json", "--as", who]).ends(code);
    let first = next("Bob", 0).json();
    assert_eq!(
        (&first["step"]["stage"], &first["step"]["agent"]),
        (&"tests".into(), &"next:Bob".into())
    );
    // It is Bob's until he has reported on it.
    next("Eve", 6);
    repo.write("test.sh", "test \"$(sh hello.sh)\" = hello\n");
    let done = json!({ "format": 1 });
    let build = hand_in(&repo, &[], &done).ends(0).json();
    // What is a gate is looked at by the program, and handed to nobody.
    assert_eq!(build["step"]["stage"], "build");
    told(&repo, "sprint-1: red by gates");
    repo.write("hello.sh", "echo hello\n");
    let refactor = hand_in(&repo, &[], &done).ends(0).json();
    assert_eq!(refactor["step"]["stage"], "refactor");
    repo.write("hello.sh", "echo hello # simple\n");
    let taken = hand_in(&repo, &[], &done).ends(0).json();
    assert_eq!((&taken["recorded"], &taken["step"]), (&true.into(), &Value::Null));
    assert_eq!(taken["next"]["command"], "git run next --as '<their name>'");
    for own in ["Bob", "bob", " BOB "] {
        let ran = next(own, 3);
        assert!(ran.err.contains("has built it, and so may not do `review`"), "{}", ran.err);
        assert!(ran.err.contains("git run next --as"), "{}", ran.err);
    }
    repo.run(&["next"]).ends(3);
    assert_eq!(next("Eve", 0).json()["step"]["stage"], "review");
    let end = hand_in(&repo, &[], &json!({ "format": 1, "verdict": "pass" })).ends(0).json();
    assert_eq!(end["state"], "JACKED_OUT");
    assert!(outcomes(&repo).contains(&"finalize pass".to_owned()));
    repo.run(&["verify"]).ends(0);
}

#[test]
fn f3_approvals_are_asked_for_and_cannot_be_talked_around() {
    let brief = format!("cp \"$GIT_RUN_BRIEF\" \"$HOME/brief.$calls\"; {DESIGNED}");
    let repo = scripted(&[("design", &brief)]);
    repo.run(&["sprint-1", "--local", "--flow", "standard"]).ends(5);
    repo.run(&["modify", "--as", "Ada", "-m", "say what happens without a name"]).ends(0);
    repo.run(&["resume"]).ends(5);
    let second = fs::read_to_string(repo.root().join("brief.2")).unwrap();
    assert!(second.contains("say what happens without a name"), "{second}");
    assert_eq!(waits(&repo), ["approve-design of sprint-1"]);
    repo.run(&["reject", "--as", "Ada", "-m", "no"]).ends(0);
    is(&repo, ("HALTED", "rejected"));
    repo.run(&["push"]).ends(3);
    assert_eq!(repo.calls("tests"), 0);
}

#[test]
fn f3_aura_a_contract_weaker_than_the_plan_does_not_pass_but_by_a_person() {
    let weak = DESIGNED.replace("- exits with 0\\n", "- ~~exits with 0~~\\n");
    let repo = scripted(&[("design", &weak)]);
    repo.run(&["sprint-1", "--local", "--flow", "standard"]).ends(5);
    assert_eq!(waits(&repo), ["contract of sprint-1"]);
    assert_eq!(repo.calls("design"), 3);
    let said = repo.run(&["status"]).ends(0).out;
    assert!(said.contains("exits with 0") && said.contains("/contract.md"), "{said}");
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["approve-design of sprint-1"]);
    assert!(outcomes(&repo).iter().any(|row| row == "contract approved"));
}

#[test]
fn f1_there_is_one_set_of_thresholds_and_a_hand_over_when_it_is_reached() {
    let usage = r#"report '{"format":1,"usage":{"input_tokens":86,"output_tokens":0}}'"#;
    let tests = format!("{}; {usage}", USUAL[2].1);
    let repo = scripted(&[("tests", &tests)]);
    let words = ["sprint-1", "--local", "--flow", "quick", "--budget-tokens", "100"];
    let _ = repo.run(&words);
    let kept = repo.git(&["ls-tree", "-r", "--name-only", &repo.journal(), "artifacts/hand-over/"]);
    let first = kept.lines().next().unwrap_or_default();
    let text = repo.run(&["show", first]).ends(0).out;
    // It is written for the run that there is, and names commands that there are.
    assert!(text.contains("sprint-1") && text.contains("14 of 100 tokens"), "{text}");
    assert!(text.contains("next: git run "), "{text}");
    told(&repo, "budget hand-over: 86 of 100 tokens");
}

#[test]
fn f2_nothing_is_committed_past_a_hook_on_a_protected_branch_or_with_a_secret() {
    let repo = scripted(&[(
        "build",
        "echo 'echo hello' > hello.sh; echo KEY=1 > prod.env; echo KEY=1 > .env",
    )]);
    repo.hook("pre-commit", "echo ran >> \"$HOME/hooked\"");
    let main = repo.git(&["rev-parse", "main"]);
    let ran = repo.run(&["sprint-1", "--local", "--flow", "quick", "--branch", "main"]).ends(3);
    assert!(ran.err.contains("a run never works on such a branch"), "{}", ran.err);
    repo.run(&["sprint-1", "--local", "--flow", "quick"]).ends(0);
    assert_eq!(repo.git(&["rev-parse", "main"]), main);
    assert!(!repo.git(&["ls-tree", "-r", "--name-only", "HEAD"]).contains(".env"));
    let hooked = fs::read_to_string(repo.root().join("hooked")).unwrap();
    assert_eq!(hooked.lines().count(), 3, "every commit goes through the hook");
    // And a stage can be taken back: there is a checkpoint before each.
    repo.run(&["rollback", "--to", "1"]).ends(0);
    assert!(!repo.work.join("hello.sh").exists());
}

#[test]
fn f4_two_sessions_do_not_claim_the_same_work() {
    let repo = scripted(&[(
        "tests",
        "touch \"$HOME/at-work\"; sleep 3; echo 'grep -q hello hello.sh' > test.sh",
    )]);
    let first = repo.begin(&["sprint-1", "--local", "--flow", "quick"]);
    repo.await_file("at-work");
    repo.run(&["sprint-1", "--local", "--flow", "quick"]).ends(6);
    repo.run(&["next", "--as", "Eve"]).ends(6);
    first.ended().ends(0);
    assert_eq!(repo.calls("tests"), 1);
}

#[test]
fn aura_the_size_of_the_work_chooses_the_flow() {
    let repo = scripted(&[]);
    let dry = |repo: &TestRepo, words: &[&str]| {
        repo.run(&[&["sprint-1", "--dry-run", "--json"], words].concat()).ends(0).json()
    };
    let chosen = dry(&repo, &[]);
    assert_eq!(chosen["flow"], "quick");
    assert_eq!(chosen["size"], json!({ "tasks": 1, "files": 2, "criteria": 2, "unscoped": 0 }));
    let left_out = chosen["left_out"].as_array().unwrap();
    assert!(left_out.iter().any(|one| one["stage"] == "design"), "{chosen}");
    assert_eq!(dry(&repo, &["--flow", "deep"])["size"], Value::Null);
    let text = repo.run(&["sprint-1", "--dry-run"]).ends(0).out;
    assert!(
        text.contains("flow    quick, by the size of the work: 1 task, 2 write scopes, 2 criteria"),
        "{text}"
    );
    repo.run(&["sprint-1", "--dry-run", "--flow", "huge"]).ends(2);
    repo.plan(&PLAN.replace("writes = [\"hello.sh\", \"test.sh\"]\n", ""));
    assert_eq!(dry(&repo, &[])["flow"], "standard", "nobody says how much it changes");
    // What was chosen is kept with the run.
    repo.run(&["sprint-1", "--local"]).ends(5);
    assert_eq!(repo.status()["flow"], "standard");
}

#[test]
fn aura_deep_looks_for_more_than_one_way() {
    let repo = scripted(&[]);
    repo.agent("design", &format!("cp \"$GIT_RUN_INPUT/options.md\" \"$HOME/read\"; {DESIGNED}"));
    repo.run(&["sprint-1", "--local", "--flow", "deep"]).ends(5);
    assert!(fs::read_to_string(repo.root().join("read")).unwrap().contains("a, b"));
}

#[test]
fn aura_fast_track_begins_with_a_whole_specification() {
    let build = "cp \"$GIT_RUN_BRIEF\" \"$HOME/brief\"; cp \"$GIT_RUN_INPUT/spec.md\" \"$HOME/read\"; echo 'echo hello' > hello.sh";
    let repo = scripted(&[("build", build)]);
    repo.run(&["sprint-1", "--local", "--flow", "fast-track"]).ends(2);
    let spec = repo.root().join("spec.md");
    fs::write(&spec, SPEC.replace("## API\nx\n", "").replace("## Test Plan\nx\n", "")).unwrap();
    let ran = repo.run(&["sprint-1", "--local", "--fast-track", "../spec.md"]).ends(2);
    assert!(ran.err.contains("no sections `API`, `Test Plan`"), "{}", ran.err);
    assert!(repo.refs("refs/run/").is_empty());
    fs::write(&spec, SPEC).unwrap();
    repo.run(&["sprint-1", "--local", "--fast-track", "../spec.md"]).ends(0);
    assert_eq!(fs::read_to_string(repo.root().join("read")).unwrap(), SPEC);
    let brief = fs::read_to_string(repo.root().join("brief")).unwrap();
    assert!(brief.contains("- `$GIT_RUN_INPUT/spec.md`"), "{brief}");
    let rows = outcomes(&repo);
    assert!(
        rows.contains(&"design left out: not part of the flow `fast-track`".to_owned()),
        "{rows:?}"
    );
}

#[test]
fn aura_a_scaffold_is_laid_out_and_does_not_count_as_done() {
    for (script, part) in [
        (":", "is still the template"),
        (
            "cat \"$GIT_RUN_OUTPUT/design.md\" > \"$HOME/laid\"; sed -i 's/^## Overview$/## Overview\\n\\nx/' \"$GIT_RUN_OUTPUT/design.md\"",
            "the section `Interfaces` of `design.md`",
        ),
    ] {
        let repo = scripted(&[("design", script)]);
        repo.git(&["config", "run.breaker.failures", "1"]);
        repo.run(&["sprint-1", "--local", "--flow", "standard"]).ends(4);
        told(&repo, part);
    }
}
