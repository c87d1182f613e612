//! The workflow `queue`: tasks from front to back, each criterion with its evidence. The names hold the
//! rows of the older tool's behaviour (§1.5) that they answer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use serde_json::Value;
use support::TestRepo;

/// Three tasks in a row of two and one alone, and a fix task at the end of the page.
const PAGE: &str = "\
# Shop

## Area: Cart

### T-001: Count

- Status: pending
- Files: `src/T-001`, `src/shared`

- [ ] the sum is right
- [ ] an empty cart is 0

### T-002: Pay

- Depends on: T-001
- Files: `src/T-002`

- [ ] it is paid once

### T-003: Tell

- Files: `src/T-003`, `src/shared`

- [ ] somebody hears of it

### T-004: Old

- Status: done
- Files: `src/T-004`

### F-001: Mend the sum

- Files: `src/F-001`

- [ ] it is mended
";

const BUILDS: &str = r#"
mkdir -p src; echo $calls > src/$GIT_RUN_ITEM; cp "$GIT_RUN_BRIEF" "$HOME/brief.$GIT_RUN_ITEM.$calls"
report '{"format":1,"files":["src/'$GIT_RUN_ITEM'"]}'
"#;

/// Names each criterion that the brief shows, with what shows it.
const VERIFIES: &str = r#"
claims=$(sed -n '/^Accepted when/,/^$/s/^- \(.*\)/{"criterion":"\1","met":true,"evidence":"seen in src"},/p' "$GIT_RUN_BRIEF" | tr -d '\n')
echo $GIT_RUN_ITEM >> "$HOME/verified"
report '{"format":1,"verdict":"pass","criteria":['"${claims%,}"']}'
"#;

fn queued(page: &str, implement: &str, verify: &str) -> TestRepo {
    let repo = TestRepo::new();
    repo.write("TASKS.md", page);
    repo.write("check", "true\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "--quiet", "-m", "docs: the tasks"]);
    for (key, value) in [
        ("run.plan", "TASKS.md"),
        ("run.agent", "command"),
        ("run.workflow", "queue"),
        ("run.gate.tests.command", "sh check"),
    ] {
        repo.git(&["config", key, value]);
    }
    repo.agent("implement", implement);
    repo.agent("verify", verify);
    repo.agent("mend", "exit 1");
    repo
}

#[track_caller]
fn go(repo: &TestRepo, code: i32) -> Value {
    let ran = repo.run(&["sprint-plan", "--local"]).ends(code);
    repo.run(&["verify"]).ends(0);
    let mut status = repo.status();
    status["said"] = ran.err.into();
    status
}

fn items(status: &Value) -> Vec<&str> {
    status["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn lines(repo: &TestRepo, file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repo.root().join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn brief(repo: &TestRepo, name: &str) -> String {
    std::fs::read_to_string(repo.root().join(name)).unwrap()
}

#[test]
fn s15_fix_tasks_come_first_and_each_task_is_one_commit() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    // The gate of the plan has no verification in a page; the criteria were verified by a judge.
    repo.git(&["config", "run.gate.plan.strict", "false"]);
    let status = go(&repo, 0);
    // What is done is not done again.
    assert_eq!(items(&status)[..4], ["F-001", "T-001", "T-002", "T-003"]);
    let subjects = repo.git(&["log", "--reverse", "--format=%s", "main.."]);
    let expected: Vec<_> = ["F-001", "T-001", "T-002", "T-003"]
        .map(|task| format!("feat({task}): implement {task}"))
        .to_vec();
    assert_eq!(subjects.lines().collect::<Vec<_>>(), expected);
    assert_eq!(lines(&repo, "verified"), ["F-001", "T-001", "T-002", "T-003"]);
}

#[test]
fn s15_a_criterion_that_is_not_named_or_has_no_evidence_was_not_judged() {
    for (claims, why) in [
        ("", "nothing is said of the criterion `the sum is right`"),
        (r#"{"criterion":"the sum is right","met":true,"evidence":"a"}"#, "`an empty cart is 0`"),
        (
            r#"{"criterion":"the sum is right","met":true,"evidence":" "},{"criterion":"an empty cart is 0","met":true,"evidence":"a"}"#,
            "no evidence is named for the criterion `the sum is right`",
        ),
    ] {
        let verify = format!(r#"report '{{"format":1,"verdict":"pass","criteria":[{claims}]}}'"#);
        let repo = queued(PAGE, BUILDS, &verify);
        repo.git(&["config", "run.breaker.failures", "1"]);
        repo.run(&["T-001", "--local"]).ends(4);
        let told = repo.told("text").join("\n");
        assert!(told.contains("(incomplete)") && told.contains(why), "{claims}: {told}");
    }
}

#[test]
fn s15_a_criterion_that_does_not_hold_sends_back() {
    let verify = r#"
[ $calls = 1 ] && met=false || met=true
report '{"format":1,"verdict":"pass","criteria":[{"criterion":"it is paid once","met":'$met',"evidence":"paid twice in src/T-002"}]}'
"#;
    let repo = queued(PAGE, BUILDS, verify);
    repo.run(&["T-002", "--local"]).ends(0);
    assert_eq!(repo.calls("implement"), 2);
    let brief = brief(&repo, "brief.T-002.2");
    assert!(brief.contains("criterion-not-met") && brief.contains("paid twice"), "{brief}");
}

#[test]
fn s15_done_tasks_whose_files_others_changed_are_verified_again_once() {
    // T-003 changes a file that T-001 owns as well, and T-002 waits for T-001.
    let builds = format!(
        "{BUILDS}\n[ $GIT_RUN_ITEM = T-003 ] && echo x > src/shared && report '{{\"format\":1,\"files\":[\"src/shared\"]}}'; true"
    );
    let repo = queued(PAGE, &builds, VERIFIES);
    let status = go(&repo, 0);
    assert_eq!(
        lines(&repo, "verified"),
        ["F-001", "T-001", "T-002", "T-003", "T-001", "T-002"],
        "{}",
        status["said"]
    );
    let again: Vec<_> = repo.events().into_iter().filter(|e| e == "items-reverified").collect();
    assert_eq!(again.len(), 1);
    assert_eq!(repo.calls("implement"), 4);
}

#[test]
fn s15_what_only_a_person_can_say_pauses_its_task_alone() {
    let asks = format!(
        "if [ $GIT_RUN_ITEM = T-001 ] && ! grep -q euros \"$GIT_RUN_BRIEF\"; then report '{{\"format\":1,\"gaps\":[{{\"level\":\"L2\",\"kind\":\"currency\",\"text\":\"which currency?\"}}]}}'; exit 0; fi\n{BUILDS}"
    );
    for word in ["approve", "modify"] {
        let repo = queued(PAGE, &asks, VERIFIES);
        let status = go(&repo, 5);
        // T-002 waits for it, T-003 does not.
        assert_eq!(lines(&repo, "verified"), ["F-001", "T-003"], "{}", status["said"]);
        let halt = status["halt"].to_string();
        assert!(halt.contains("T-001") && halt.contains("which currency?"), "{halt}");
        // What the session came to stands in the journal, for people and for machines.
        let kept =
            repo.git(&["ls-tree", "-r", "--name-only", &repo.journal(), "artifacts/session/"]);
        let kept: Vec<_> = kept.lines().collect();
        let [json, page] = kept.as_slice() else { panic!("{kept:?}") };
        let page = repo.run(&["show", page]).ends(0).out;
        assert!(page.contains("## Paused\n\n- T-001 Count  which currency?"), "{page}");
        assert!(page.contains("- T-002 Pay  waits for T-001"), "{page}");
        let whole = repo.run(&["show", json]).ends(0).json();
        assert_eq!(whole["schema"], "git-run/board/1");
        repo.run(&[word, "T-001", "-m", "euros", "--as", "Ada"]).ends(0);
        let ran = repo.run(&["resume"]).ends(0);
        assert_eq!(lines(&repo, "verified")[2..], ["T-001", "T-002"], "{}", ran.err);
    }
}

#[test]
fn s15_assumptions_of_one_kind_are_promoted_to_a_question() {
    let gap = r#"{"level":"L1","kind":"error-format","text":"plain text"}"#;
    let builds = format!(
        "{BUILDS}\nreport '{{\"format\":1,\"files\":[\"src/'$GIT_RUN_ITEM'\"],\"gaps\":[{gap},{gap}]}}'"
    );
    let repo = queued(PAGE, &builds, VERIFIES);
    let status = go(&repo, 5);
    let halt = status["halt"].to_string();
    assert!(halt.contains("error-format") && halt.contains("5 times"), "{halt}");
    assert_eq!(repo.calls("implement"), 3);
    // A person lets it stand, and is not asked again.
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.status()["assumed"]["error-format"], 8);
}

#[test]
fn s15_a_fix_comes_before_what_was_not_begun_and_once() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    repo.git(&["config", "run.breaker.failures", "1"]);
    // The run is stopped while T-002 is built.
    repo.agent(
        "implement",
        &format!("[ $GIT_RUN_ITEM = T-002 ] && [ ! -e $HOME/on ] && exit 1\n{BUILDS}"),
    );
    go(&repo, 4);
    repo.run(&["fix", "T-001", "-m", "the sum is wrong"]).ends(0);
    repo.run(&["fix", "T-001", "-m", "The  sum is wrong"]).ends(3);
    for (task, code) in [("T-003", 3), ("T-999", 3)] {
        repo.run(&["fix", task, "-m", "x"]).ends(code);
    }
    std::fs::write(repo.root().join("on"), "").unwrap();
    let ran = repo.run(&["resume", "--reset-ice"]).ends(0);
    assert_eq!(lines(&repo, "verified")[2..5], ["T-002", "T-001", "T-002"], "{}", ran.err);
    let said = std::fs::read_dir(repo.root()).unwrap().map(|e| e.unwrap().path());
    let told = said.filter(|path| path.to_string_lossy().contains("brief.T-001"));
    assert!(
        told.map(|path| std::fs::read_to_string(path).unwrap())
            .any(|b| b.contains("the sum is wrong"))
    );
}

#[test]
fn s15_what_the_run_did_goes_back_into_the_page() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    let run = go(&repo, 0)["run"].as_str().unwrap().to_owned();
    let page = repo.run(&["plan", "export", "--format", "tasks", "--run", &run]).ends(0).out;
    for line in ["### T-001: Count\n\n- Status: done\n", "- [x] the sum is right"] {
        assert!(page.contains(line), "{page}");
    }
    assert!(!page.contains("pending"), "{page}");
}

#[test]
fn s15_a_task_comes_from_its_section_and_its_drift_is_seen() {
    let page =
        PAGE.replace("- Depends on: T-001\n", "- Depends on: T-001\n- Spec: docs/spec.md#pay\n");
    let repo = queued(&page, BUILDS, VERIFIES);
    repo.write("docs/spec.md", "# Spec\n\n## Pay\n\nOnce.\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "--quiet", "-m", "docs: the spec"]);
    let asks = format!("[ $GIT_RUN_ITEM = T-002 ] && exit 1\n{BUILDS}");
    repo.agent("implement", &asks);
    go(&repo, 4);
    assert_eq!(repo.status()["drift"], Value::Null);
    repo.write("docs/spec.md", "# Spec\n\n## Pay\n\nTwice.\n");
    assert_eq!(repo.status()["drift"]["tasks"], 1);
}

#[test]
fn s15_the_suite_comes_last_where_it_is_asked_for() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    repo.git(&["config", "run.suite.enabled", "true"]);
    let status = go(&repo, 0);
    assert_eq!(items(&status).last(), Some(&"closing"));
    // A suite that does not pass is mended, and then all is looked at again.
    let repo = queued(PAGE, BUILDS, VERIFIES);
    repo.git(&["config", "run.suite.enabled", "true"]);
    repo.git(&["config", "run.gate.tests.command", "grep -q mended src/T-003"]);
    repo.agent(
        "mend",
        "echo mended >> src/T-003; report '{\"format\":1,\"files\":[\"src/T-003\"]}'",
    );
    let status = go(&repo, 0);
    assert_eq!(repo.calls("mend"), 1);
    assert_eq!(lines(&repo, "verified")[4..], ["T-003"], "{}", status["said"]);
}

#[test]
fn s15_three_tries_to_mend_a_task_and_then_a_person_is_asked() {
    let never = r#"report '{"format":1,"verdict":"pass","criteria":[{"criterion":"it is paid once","met":false,"evidence":"paid '$calls' times"}]}'"#;
    let repo = queued(PAGE, BUILDS, never);
    for (key, value) in [("run.breaker.plateau", "99"), ("run.breaker.sameFinding", "99")] {
        repo.git(&["config", key, value]);
    }
    let ran = repo.run(&["T-002", "--local"]);
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    assert_eq!((repo.calls("implement"), repo.calls("verify")), (4, 4));
    let waits = repo.status()["waits"].clone();
    assert_eq!(waits[0]["gate"], "verify of T-002");
    repo.run(&["approve", "--as", "Ada", "-m", "good enough"]).ends(0);
}

/// What the suite had mended is in a task's own file: that task is verified again, and when it is built
/// anew, what was done once for all of it has not seen that, and is done once more.
#[test]
fn s15_what_closes_the_run_sends_a_task_back_and_is_done_again_behind_it() {
    let verify = format!(
        "if [ $GIT_RUN_ITEM = T-003 ] && [ ! -e $HOME/told ] && grep -q mended src/T-003; then touch $HOME/told; \
         report '{{\"format\":1,\"verdict\":\"pass\",\"criteria\":[{{\"criterion\":\"somebody hears of it\",\"met\":false,\"evidence\":\"src/T-003\"}}]}}'; \
         else {VERIFIES}\nfi"
    );
    let repo = queued(PAGE, BUILDS, &verify);
    repo.git(&["config", "run.suite.enabled", "true"]);
    repo.git(&["config", "run.gate.tests.command", "grep -q mended src/T-003"]);
    repo.agent(
        "mend",
        "echo mended >> src/T-003; report '{\"format\":1,\"files\":[\"src/T-003\"]}'",
    );
    go(&repo, 0);
    let stages: Vec<_> = repo
        .recorded("stage-started")
        .iter()
        .map(|start| {
            format!("{} {}", start["item"].as_str().unwrap(), start["stage"].as_str().unwrap())
        })
        .collect();
    let first = stages.iter().position(|stage| stage == "closing suite").unwrap();
    assert_eq!(
        stages[first..],
        [
            "closing suite",
            "closing mend",
            "closing suite",
            "T-003 verify",
            "T-003 implement",
            "T-003 verify",
            "T-003 checks",
            "closing suite",
            "closing mend",
            "closing suite",
            "T-003 verify",
            "T-003 checks",
        ]
    );
    let board = repo.run(&["show", "board", "--json"]).ends(0).json();
    assert!(!board.to_string().contains("pending"), "{board}");
}
