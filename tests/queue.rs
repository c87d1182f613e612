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
        // A person is asked what the agent asked, and not told what the agent was told.
        let told = repo.run(&["status"]).ends(0).out;
        assert!(told.contains("waits     implement of T-001"), "{told}");
        assert!(!told.contains("Do the task below"), "{told}");
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
fn s15_a_rollback_takes_back_what_was_finished_later_wherever_it_stands_in_the_page() {
    let gap = r#"{"level":"L2","kind":"currency","text":"which currency?"}"#;
    let asks = format!(
        "if [ $GIT_RUN_ITEM = T-001 ] && ! grep -q euros \"$GIT_RUN_BRIEF\"; then report '{{\"format\":1,\"gaps\":[{gap}]}}'; exit 0; fi\n{BUILDS}"
    );
    let fails = format!(
        "[ $GIT_RUN_ITEM = T-002 ] && {{ report '{{\"format\":1,\"verdict\":\"fail\"}}'; exit 0; }}\n{VERIFIES}"
    );
    let repo = queued(PAGE, &asks, &fails);
    go(&repo, 5);
    repo.run(&["modify", "T-001", "-m", "euros", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(5);
    let progress = || {
        let status = repo.status();
        let of = |item: &Value| {
            let (id, is) = (item["id"].as_str().unwrap(), item["status"].as_str().unwrap());
            format!("{id}:{is}")
        };
        status["items"].as_array().unwrap().iter().map(of).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(progress(), "F-001:done T-001:done T-002:active T-003:done");
    // To where T-003 was about to be built, which was before T-001 was.
    let made = repo.run(&["checkpoint", "list", "--json"]).ends(0).json();
    let made = made["checkpoints"].as_array().unwrap().iter();
    let before = |one: &&Value| one["item"] == "T-003" && one["stage"] == "implement";
    let number = made.clone().find(before).unwrap()["number"].to_string();
    repo.run(&["rollback", "--to", &number]).ends(0);
    assert_eq!(progress(), "F-001:done T-001:pending T-002:pending T-003:active");
    repo.agent("verify", VERIFIES);
    repo.run(&["resume"]).ends(5);
    repo.run(&["modify", "T-001", "-m", "euros", "--as", "Ada"]).ends(0);
    let ran = repo.run(&["resume"]).ends(0);
    for item in ["F-001", "T-001", "T-002", "T-003"] {
        assert!(repo.work.join("src").join(item).exists(), "{item}: {}", ran.err);
    }
    assert_eq!(repo.git(&["log", "--format=%s", "--grep", "implement T-001"]).lines().count(), 1);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn s15_what_was_done_behind_others_is_delivered_as_well() {
    let gap = r#"{"level":"L2","kind":"currency","text":"which currency?"}"#;
    let asks = format!(
        "if [ $GIT_RUN_ITEM = T-001 ] && ! grep -q euros \"$GIT_RUN_BRIEF\"; then report '{{\"format\":1,\"gaps\":[{gap}]}}'; exit 0; fi\n{BUILDS}"
    );
    let repo = queued(PAGE, &asks, VERIFIES);
    repo.remote();
    let tip = |dir: &str| repo.git(&["-C", dir, "rev-parse", "refs/heads/feature/sprint-plan"]);
    let delivered = |said: &str| {
        assert_eq!(repo.status()["state"], "READY_FOR_HITL", "{said}");
        assert_eq!(repo.status()["gates"], serde_json::json!([]), "{said}");
        assert_eq!(tip("../remote.git"), tip("."), "{said}");
        repo.run(&["push"]).ends(0);
        repo.run(&["verify"]).ends(0);
    };
    repo.run(&["sprint-plan"]).ends(5);
    repo.run(&["modify", "T-001", "-m", "euros", "--as", "Ada"]).ends(0);
    // T-003, the last one of the page, was done while T-001 waited.
    let ran = repo.run(&["resume"]).ends(0);
    assert_eq!(lines(&repo, "verified"), ["F-001", "T-003", "T-001", "T-002"], "{}", ran.err);
    delivered(&ran.err);
    // Each commit is told of as that of the task which made it.
    let body = repo.run(&["pr", "--body-only"]).ends(0).out;
    let told = body.split("**T-003**").nth(1).unwrap().split("**").next().unwrap();
    assert!(told.contains("feat(T-003)") && !told.contains("feat(T-001)"), "{body}");
    // So it is of what was mended in one that is not the last; the text of the pull request, which lies
    // beside what the items left in the journal, is in nobody's way.
    repo.run(&["fix", "F-001", "-m", "it is still wrong"]).ends(0);
    let ran = repo.run(&["resume"]).ends(0);
    delivered(&ran.err);
}

/// T-001 leaves `first`, asks, and leaves `then` when it was answered. T-003 is done meanwhile.
fn asks_in_between(first: &str, then: &str) -> TestRepo {
    let gap = r#"{"level":"L2","kind":"currency","text":"which currency?"}"#;
    let builds = format!(
        r#"
mkdir -p src
if [ $GIT_RUN_ITEM = T-001 ] && ! grep -q euros "$GIT_RUN_BRIEF"; then
  {first}
  report '{{"format":1,"gaps":[{gap}]}}'
  exit 0
fi
{BUILDS}
[ $GIT_RUN_ITEM = T-001 ] && {{ {then}; }}
true
"#
    );
    let repo = queued(PAGE, &builds, VERIFIES);
    go(&repo, 5);
    assert_eq!(lines(&repo, "verified"), ["F-001", "T-003"]);
    repo.run(&["modify", "T-001", "-m", "euros", "--as", "Ada"]).ends(0);
    repo
}

#[test]
fn s15_what_others_committed_while_a_task_was_paused_is_not_held_against_it() {
    let repo = asks_in_between("echo begun > src/T-001", "echo more >> src/T-001");
    let subjects = repo.git(&["log", "--reverse", "--format=%s", "main.."]);
    let subjects: Vec<_> = subjects.lines().collect();
    assert!(subjects[1].contains("T-001") && subjects[2].contains("T-003"), "{subjects:?}");
    let ran = repo.run(&["resume"]).ends(0);
    repo.run(&["verify"]).ends(0);
    assert_eq!(lines(&repo, "verified")[2..], ["T-001", "T-002"], "{}", ran.err);
    // It was built once before it asked and once behind the answer: nobody sent it back.
    assert_eq!(repo.calls("implement"), 5);
}

#[test]
fn s15_what_a_paused_task_left_out_of_its_scope_is_held_against_it_before_and_behind_the_pause() {
    for (first, then) in [
        ("echo x > src/T-001; echo x > stray", "true"),
        ("echo x > src/T-001", "echo x > stray"),
        // A file that another task changed in between, and this one as well.
        ("echo x > src/T-001", "echo mine > src/T-003"),
    ] {
        let repo = asks_in_between(first, then);
        repo.git(&["config", "run.breaker.samefinding", "1"]);
        let ran = repo.run(&["resume"]).ends(4);
        let found = repo.status()["findings"].to_string();
        let path = if then.contains("T-003") { "src/T-003" } else { "stray" };
        assert!(found.contains(path), "{first} {then}: {found} {}", ran.err);
        assert!(!found.contains("src/F-001"), "{found}");
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

/// Six tasks that know nothing of each other.
fn six() -> String {
    let task = |n: u32| {
        format!("### T-00{n}: Task {n}\n\n- Files: `src/T-00{n}`\n\n- [ ] it holds {n}\n\n")
    };
    format!("# Six\n\n## Area: All\n\n{}", (1..=6).map(task).collect::<String>())
}

#[test]
fn s15_after_every_fifth_task_all_that_was_assumed_is_looked_over() {
    let gap = |kind: &str| format!(r#"{{"level":"L1","kind":"{kind}","text":"plain"}}"#);
    let builds = |gaps: &[String]| {
        let gaps = gaps.join(",");
        format!(
            "{BUILDS}\nreport '{{\"format\":1,\"files\":[\"src/'$GIT_RUN_ITEM'\"],\"gaps\":[{gaps}]}}'"
        )
    };
    // Three of one kind and one of another with each task: asked at once after the second task, and by
    // the look after the fifth, when there are fifteen of the one and five of the other.
    let gaps = [gap("error-format"), gap("error-format"), gap("error-format"), gap("naming")];
    let repo = queued(&six(), &builds(&gaps), VERIFIES);
    let halt = go(&repo, 5)["halt"].to_string();
    assert!(halt.contains("error-format"), "{halt}");
    assert_eq!(repo.calls("implement"), 2);
    repo.run(&["resume"]).ends(5);
    assert_eq!(repo.calls("implement"), 5);
    let halt = repo.status()["halt"].to_string();
    assert!(halt.contains("`naming` was assumed 5 times"), "{halt}");
    repo.run(&["resume"]).ends(5);
    // Nothing more was begun: the look came first.
    assert_eq!(repo.calls("implement"), 5);
    let status = repo.status();
    let halt = status["halt"].to_string();
    assert!(halt.contains("`error-format` 15 times") && !halt.contains("naming"), "{halt}");
    assert_eq!(status["scanned"]["finished"], 5);
    assert_eq!(status["scanned"]["promoted"][0]["count"], 15);
    let said = repo.run(&["status"]).ends(0).out;
    assert!(said.contains("error-format 15, naming 5  (looked over after 5 items)"), "{said}");
    let table = repo.run(&["show", "provenance"]).ends(0).out;
    assert!(table.contains("5 finished: to be decided: error-format 15 times"), "{table}");
    repo.run(&["resume"]).ends(0);
    repo.run(&["verify"]).ends(0);
    assert_eq!(repo.calls("implement"), 6);
}

#[test]
fn s15_how_often_it_is_looked_over_is_a_setting_and_a_bad_one_is_an_error() {
    let gap = r#"{"level":"L1","kind":"naming","text":"plain"}"#;
    let builds = format!(
        "{BUILDS}\nreport '{{\"format\":1,\"files\":[\"src/'$GIT_RUN_ITEM'\"],\"gaps\":[{gap}]}}'"
    );
    for bad in ["0", "-1", "many", "1001", ""] {
        let repo = queued(&six(), &builds, VERIFIES);
        repo.git(&["config", "run.assumptions.every", bad]);
        let ran = repo.run(&["sprint-plan", "--local"]).ends(1);
        assert!(ran.err.contains("run.assumptions.every"), "{bad}: {}", ran.err);
    }
    let repo = queued(&six(), &builds, VERIFIES);
    repo.git(&["config", "run.assumptions.every", "2"]);
    repo.run(&["T-001", "T-002", "T-003", "T-004", "--local"]).ends(0);
    // A look that finds nothing is told of as well.
    assert_eq!(repo.events().iter().filter(|kind| *kind == "assumptions-scanned").count(), 2);
    let log = repo.run(&["log"]).ends(0).out;
    assert!(
        log.contains("4 assumptions of 1 kind looked over after 4 items: no question"),
        "{log}"
    );
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

/// A run that is stopped while T-002 is built, so that T-001 is finished and the run is not.
fn stopped_in_pay() -> TestRepo {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    repo.git(&["config", "run.breaker.failures", "1"]);
    repo.agent(
        "implement",
        &format!("[ $GIT_RUN_ITEM = T-002 ] && [ ! -e $HOME/on ] && exit 1\n{BUILDS}"),
    );
    go(&repo, 4);
    std::fs::write(repo.root().join("on"), "").unwrap();
    repo
}

/// The row of a task on the board, and its state.
fn row(board: &Value, task: &str) -> Value {
    let groups = board["groups"].as_array().unwrap().iter();
    let mut rows = groups.flat_map(|group| group["tasks"].as_array().unwrap());
    rows.find(|row| row["task"] == task).cloned().unwrap_or_default()
}

#[test]
fn s15_a_fix_has_a_number_and_a_type_that_everybody_sees() {
    let repo = stopped_in_pay();
    // The page has an F-001 already.
    let words = ["fix", "T-001", "-m", "the sum is wrong", "--type", "regression", "--json"];
    let asked = repo.run(&words).ends(0).json();
    assert_eq!((&asked["fix"], &asked["type"]), (&"F-002".into(), &"regression".into()));
    // What it is taken for does not make it another one.
    let again = ["fix", "T-001", "-m", "The sum is WRONG", "--type", "design-gap"];
    repo.run(&again).ends(3);
    let asked = repo.run(&["fix", "T-001", "-m", "no limit", "--json"]).ends(0).json();
    assert_eq!((&asked["fix"], &asked["type"]), (&"F-003".into(), &Value::Null));

    let status = repo.status();
    assert_eq!(status["fixes"][0]["id"], "F-002");
    assert_eq!(status["fixes"][0]["type"], "regression");
    let said = repo.run(&["status"]).ends(0).out;
    assert!(said.contains("F-002 regression in T-001: the sum is wrong"), "{said}");
    let board = repo.run(&["show", "board", "--json"]).ends(0).json();
    let mends = row(&board, "F-002");
    assert_eq!((&mends["state"], &mends["type"]), (&"pending".into(), &"regression".into()));

    repo.run(&["resume", "--reset-ice"]).ends(0);
    repo.run(&["verify"]).ends(0);
    assert_eq!(repo.status()["fixes"], serde_json::json!([]));
    let board = repo.run(&["show", "board"]).ends(0).out;
    assert!(board.contains("done     F-002  the sum is wrong  regression in T-001"), "{board}");
    let told = std::fs::read_dir(repo.root()).unwrap().map(|e| e.unwrap().path());
    let mut told = told.filter(|path| path.to_string_lossy().contains("brief.T-001"));
    assert!(told.any(|path| std::fs::read_to_string(path).unwrap().contains("regression")));
    // A number is never given twice.
    let page = repo.run(&["log"]).ends(0).out;
    assert!(page.contains("to be mended (F-002, regression)"), "{page}");
}

#[test]
fn s15_a_fix_reopens_a_run_that_is_over_on_its_own_branch() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    let run = go(&repo, 0)["run"].clone();
    assert_eq!(repo.status()["state"], "JACKED_OUT");
    let before = repo.git(&["rev-parse", "feature/sprint-plan"]);
    repo.run(&["fix", "T-004", "-m", "it was no part of this run"]).ends(3);
    let words = ["fix", "T-001", "-m", "the sum is wrong", "--type", "regression"];
    let ran = repo.run(&words).ends(0);
    assert!(ran.out.contains("next: git run resume"), "{}", ran.out);
    let status = repo.status();
    assert_eq!((&status["run"], &status["state"]), (&run, &"HALTED".into()));
    repo.run(&["resume"]).ends(0);
    repo.run(&["verify"]).ends(0);
    assert_eq!(repo.status()["state"], "JACKED_OUT");
    // It stands behind what was there, and nothing else was done again but what it shook.
    let behind = format!("{}..feature/sprint-plan", before.trim());
    let subjects = repo.git(&["log", "--format=%s", &behind]);
    assert_eq!(subjects.trim(), "fix(T-001): answer the findings of cycle 1");
    assert_eq!(lines(&repo, "verified")[4..], ["T-001", "T-002"]);
}

#[test]
fn s15_what_is_mended_after_the_delivery_is_delivered_as_well() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    repo.remote();
    repo.run(&["sprint-plan"]).ends(0);
    assert_eq!(repo.status()["state"], "READY_FOR_HITL");
    let tip = |dir: &str| repo.git(&["-C", dir, "rev-parse", "refs/heads/feature/sprint-plan"]);
    let there = "../remote.git";
    let before = tip(there);
    repo.run(&["fix", "T-003", "-m", "nobody hears of it", "--type", "context-gap"]).ends(0);
    // What was passed before says nothing of what is to be mended.
    repo.run(&["push"]).ends(3);
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.status()["state"], "READY_FOR_HITL");
    assert_ne!(tip(there), before);
    assert_eq!(tip(there), tip("."));
}

#[test]
fn s15_what_is_part_of_the_base_already_is_no_more_mended_there() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    go(&repo, 0);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "merge it", "feature/sprint-plan"]);
    let ran = repo.run(&["fix", "T-001", "-m", "it's wrong"]).ends(3);
    assert!(ran.err.contains(r"git run --bug 'it'\''s wrong'"), "{}", ran.err);
    assert_eq!(repo.status()["state"], "JACKED_OUT");
}

#[test]
fn s15_a_run_is_not_reopened_beside_another_one_or_without_its_branch() {
    let repo = queued(PAGE, BUILDS, VERIFIES);
    let first = go(&repo, 0)["run"].as_str().unwrap().to_owned();
    repo.agent("implement", "exit 1");
    repo.git(&["config", "run.breaker.failures", "1"]);
    repo.git(&["checkout", "--quiet", "main"]);
    repo.run(&["T-003", "--local", "--again", "--branch", "feature/other"]).ends(4);
    let other = repo.status()["run"].as_str().unwrap().to_owned();
    let words = ["fix", "T-001", "-m", "wrong", "--run", &first];
    let ran = repo.run(&words).ends(6);
    assert!(ran.err.contains(&other), "{}", ran.err);
    repo.run(&["halt", "--force"]).ends(0);
    // The other one was given up, and mends nothing.
    repo.run(&["fix", "T-003", "-m", "wrong"]).ends(3);
    repo.git(&["branch", "--quiet", "-m", "feature/sprint-plan", "feature/moved"]);
    let ran = repo.run(&words).ends(1);
    assert!(ran.err.contains("git branch feature/sprint-plan "), "{}", ran.err);
    repo.git(&["branch", "--quiet", "-m", "feature/moved", "feature/sprint-plan"]);
    repo.run(&words).ends(0);
    assert_eq!(repo.status()["run"], first.as_str(), "it is the run of this work tree again");
    let ran = repo.run(&["resume"]);
    assert!(ran.err.contains("git switch feature/sprint-plan"), "{}", ran.err);
    repo.git(&["checkout", "--quiet", "feature/sprint-plan"]);
    repo.agent("implement", BUILDS);
    repo.run(&["resume"]).ends(0);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn s15_an_unknown_type_of_a_fix_is_a_usage_error_that_names_them_all() {
    let repo = stopped_in_pay();
    for word in ["bug", "", "REGRESSION", "regression;rm -rf ."] {
        let ran = repo.run(&["fix", "T-001", "-m", "x", "--type", word]).ends(2);
        for known in
            ["runtime-error", "regression", "integration-failure", "context-gap", "design-gap"]
        {
            assert!(ran.err.contains(known), "{word}: {}", ran.err);
        }
    }
    assert_eq!(repo.status()["fixes"], serde_json::json!([]));
}

#[test]
fn s15_fixes_go_into_the_page_and_the_page_is_a_plan_that_begins_with_them() {
    let repo = stopped_in_pay();
    let message = "the sum | is `wrong`\n## twice";
    let words = ["fix", "T-001", "-m", message, "--type", "runtime-error", "--path", "src/T-001"];
    repo.run(&words).ends(0);
    let run = repo.status()["run"].as_str().unwrap().to_owned();
    let page = repo.run(&["plan", "export", "--format", "tasks", "--run", &run]).ends(0).out;
    for line in ["### F-002: ", "- Status: pending\n- Type: runtime-error\n- Mends: T-001\n"] {
        assert!(page.contains(line), "{page}");
    }
    // The way back: what waits comes first.
    repo.write("TASKS.md", &page);
    repo.run(&["plan", "check", "TASKS.md"]).ends(0);
    let plan = repo.run(&["plan", "show", "TASKS.md", "--json"]).ends(0).json();
    let tasks = plan["sprint"].as_array().unwrap().last().unwrap()["task"].clone();
    assert_eq!(tasks[0]["id"], "F-002", "{tasks}");
    assert_eq!(tasks[0]["fix_type"], "runtime-error", "{tasks}");
    assert_eq!(tasks[0]["depends_on"], serde_json::json!(["T-001"]), "{tasks}");
    // A type that nobody knows is a fault with its line.
    repo.write("TASKS.md", &page.replace("runtime-error", "bad-luck"));
    let ran = repo.run(&["plan", "check", "TASKS.md"]).ends(1);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("bad-luck") && said.contains("integration-failure"), "{said}");
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
