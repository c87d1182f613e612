//! The workflow `deliver`: a plan of the older tool, task by task, held to it by checks alone. The names
//! hold the rows of that tool's behaviour (§1.2) and of its faults (§2.2, §3.7) that they answer.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use serde_json::{Value, json};
use support::TestRepo;

/// Two tasks that build, the second behind the first, and two that stand for phases.
fn actions() -> Value {
    let scope = |file: &str| json!({"allow": ["src/"], "writes": [file]});
    let holds = |id: &str, file: &str| {
        let file = json!({"type": "file", "path": file});
        json!([{"id": id, "statement": "it is there", "verifications": [file]}])
    };
    json!({
        "version": 1, "workflow": "deliver",
        "tasks": [
            {"id": "split", "owner": "action-planner", "summary": "Split the work",
             "file_scope": {"allow": ["docs/"]},
             "acceptance_criteria": [{"id": "AC-0", "statement": "every part has an owner"}]},
            {"id": "cart", "owner": "implementor", "summary": "Count the items",
             "depends_on": ["split"], "file_scope": scope("src/cart"),
             "context": {"justification": "the sum is wrong", "code_pointers": [
                 {"path": "lib/sum", "pattern": "^total", "context_lines": 1}]},
             "acceptance_criteria": holds("AC-1", "src/cart")},
            {"id": "pay", "owner": "implementor", "summary": "Pay", "depends_on": ["cart"],
             "file_scope": scope("src/pay"), "acceptance_criteria": holds("AC-2", "src/pay")},
            {"id": "look", "owner": "quality-gate", "summary": "Look at it all",
             "file_scope": {"allow": ["src/"]},
             "acceptance_criteria": [{"id": "AC-3", "statement": "nothing is left open"}]}
        ],
        "parallel_execution": {"enabled": true, "groups": [
            {"group_id": "one", "execution_order": 1, "tasks": ["cart"]},
            {"group_id": "two", "execution_order": 2, "depends_on_groups": ["one"], "tasks": ["pay"]}
        ]}
    })
}

/// What a building agent does that keeps to its task and says so.
const BUILDS: &str = r#"
mkdir -p src; echo $calls > src/$GIT_RUN_ITEM; cp "$GIT_RUN_BRIEF" "$HOME/brief.$GIT_RUN_ITEM"
report '{"format":1,"files":["src/'$GIT_RUN_ITEM'"]}'
"#;

fn delivering(plan: &Value, implement: &str, remediate: &str) -> TestRepo {
    let repo = TestRepo::new();
    repo.write("actions.json", &plan.to_string());
    repo.write("lib/sum", "a\nb\ntotal = 1\nc\nd\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "--quiet", "-m", "docs: the plan"]);
    repo.git(&["config", "run.plan", "actions.json"]);
    repo.git(&["config", "run.agent", "command"]);
    repo.git(&["config", "run.gate.quality.command", "all=true"]);
    repo.agent("implement", implement);
    repo.agent("remediate", remediate);
    repo
}

/// A run of the whole plan that is not pushed.
#[track_caller]
fn go(repo: &TestRepo, code: i32) -> Value {
    repo.run(&["sprint-plan", "--workflow", "deliver", "--local"]).ends(code);
    repo.run(&["verify"]).ends(0);
    repo.status()
}

fn items(status: &Value) -> Vec<&str> {
    status["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// The newest set of gates of an item, as JSON and as a page.
fn gates(repo: &TestRepo, item: &str, call: &str) -> (Value, String) {
    let of = |end: &str| {
        let path = format!("artifacts/{item}/{call}.gates.{end}");
        repo.run(&["show", &path]).ends(0).out
    };
    (serde_json::from_str(&of("json")).unwrap(), of("md"))
}

#[test]
fn s12_each_task_is_built_and_gated_and_all_of_it_is_approved() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    let status = go(&repo, 0);
    // What stands for a phase is what the run does anyway.
    assert_eq!(items(&status), ["cart", "pay", "closing"]);
    assert_eq!((repo.calls("implement"), repo.calls("remediate")), (2, 0));
    let subjects = repo.git(&["log", "--reverse", "--format=%s", "main.."]);
    assert_eq!(subjects, "feat(cart): implement cart\nfeat(pay): implement pay");
    let (set, page) = gates(&repo, "closing", "0005-gates");
    assert_eq!((&set["result"], &set["verdict"]), (&"pass".into(), &"APPROVE".into()));
    let evaluated: Vec<_> =
        set["reports"].as_array().unwrap().iter().map(|r| r["gate"].as_str().unwrap()).collect();
    assert_eq!(
        evaluated,
        [
            "validate-plan",
            "artifacts",
            "plan",
            "parallel",
            "scope",
            "secrets",
            "deletions",
            "quality",
            "docs",
            "compliance"
        ]
    );
    assert!(page.starts_with("# Gates: APPROVE\n"), "{page}");
    assert!(
        set["reports"].as_array().unwrap().iter().all(|report| report["definition"].is_string())
    );
}

/// Three tasks of one group, side by side.
fn grouped() -> Value {
    let task = |id: &str, file: &str| {
        json!({
            "id": id, "owner": "implementor", "summary": format!("Make {id}"),
            "file_scope": {"allow": ["src/"], "writes": [file]},
            "acceptance_criteria": [{"id": format!("AC-{id}"), "statement": "it is there",
                "verifications": [{"type": "file", "path": file}]}]
        })
    };
    json!({
        "version": 1, "workflow": "deliver",
        "tasks": [task("cart", "src/cart"), task("pay", "src/pay"), task("ship", "src/ship")],
        "parallel_execution": {"enabled": true, "groups": [
            {"group_id": "one", "execution_order": 1, "tasks": ["cart", "pay", "ship"]}
        ]}
    })
}

fn lanes(status: &Value) -> Vec<String> {
    let all = status["lanes"].as_array().unwrap().iter();
    all.map(|lane| format!("{} {}", lane["item"], lane["state"]).replace('"', "")).collect()
}

#[test]
fn s12_a_group_is_built_side_by_side_and_goes_through_every_gate() {
    let repo = delivering(&grouped(), BUILDS, "exit 1");
    repo.git(&["config", "run.parallel", "2"]);
    let status = go(&repo, 0);
    assert_eq!(lanes(&status), ["cart joined", "pay joined", "ship joined"]);
    assert_eq!((repo.calls("implement"), repo.calls("remediate")), (3, 0));
    let subjects = repo.git(&["log", "--reverse", "--format=%s", "main.."]);
    let expected = ["cart", "pay", "ship"].map(|id| format!("feat({id}): implement {id}"));
    assert_eq!(subjects, expected.join("\n"));
    // Each is held to its own commit, as if it had been built in its turn.
    for (item, call, from) in [
        ("cart", "0004-task", "main"),
        ("pay", "0005-task", "HEAD~2"),
        ("ship", "0006-task", "HEAD~1"),
    ] {
        let (set, _) = gates(&repo, item, call);
        assert_eq!(set["reports"][0]["range"]["from"], repo.git(&["rev-parse", from]), "{item}");
    }
    let (set, page) = gates(&repo, "closing", "0007-gates");
    assert_eq!(set["verdict"], "APPROVE", "{page}");
}

#[test]
fn a3_what_strays_in_its_lane_is_built_again_and_then_held_to_every_gate() {
    // `pay` leaves its scope, and `ship` writes in the file of `cart`; on the branch nobody does.
    let strays = format!(
        "{BUILDS}\n[ -n \"$GIT_RUN_LANE\" ] && case $GIT_RUN_ITEM in\n\
         pay) echo x > stray ;; ship) echo x >> src/cart ;; esac; true"
    );
    let repo = delivering(&grouped(), &strays, "exit 1");
    repo.git(&["config", "run.parallel", "3"]);
    let status = go(&repo, 0);
    assert_eq!(lanes(&status), ["cart joined", "pay dropped", "ship dropped"]);
    assert_eq!(repo.calls("implement"), 5);
    assert!(!repo.work.join("stray").exists());
    assert!(!repo.read("src/cart").contains('x'));
    let told = repo.told("text").join("\n");
    for part in [
        "pay: what its lane built is not taken (lane-scope)",
        "not taken (lane-same-file, lane-scope)",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let brief = std::fs::read_to_string(repo.root().join("brief.ship")).unwrap();
    assert!(brief.contains("lane-same-file src/cart"), "{brief}");
    let (set, page) = gates(&repo, "closing", "0009-gates");
    assert_eq!(set["verdict"], "APPROVE", "{page}");
}

#[test]
fn a4_a_lane_whose_report_names_no_files_is_not_approved() {
    // One that was taken, and one that was not: what that one said is no evidence of what came after it.
    let silent = "mkdir -p src; echo $calls > src/$GIT_RUN_ITEM\n\
        if [ -n \"$GIT_RUN_LANE\" ] && [ $GIT_RUN_ITEM = ship ]; then\n\
        echo x > stray; report '{\"format\":1,\"files\":[\"src/ship\"]}'\n\
        else report '{\"format\":1}'; fi";
    let repo = delivering(&grouped(), silent, "exit 1");
    repo.git(&["config", "run.parallel", "3"]);
    repo.git(&["config", "run.breaker.failures", "1"]);
    let status = go(&repo, 4);
    assert_eq!(lanes(&status), ["cart joined", "pay joined", "ship dropped"]);
    let (set, page) = gates(&repo, "closing", "0008-gates");
    assert_eq!(set["verdict"], "REJECT");
    for item in ["cart", "pay", "ship"] {
        assert!(set.to_string().contains(&format!("no report of `{item}`")), "{item}: {page}");
    }
}

#[test]
fn s12_a_task_gate_looks_at_the_tasks_own_commits_alone() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    go(&repo, 0);
    let start = repo.git(&["rev-parse", "main"]);
    let first = repo.git(&["rev-parse", "HEAD~1"]);
    let (cart, _) = gates(&repo, "cart", "0002-task");
    let (pay, _) = gates(&repo, "pay", "0004-task");
    assert_eq!(cart["reports"][0]["range"]["from"], start);
    assert_eq!(pay["reports"][0]["range"]["from"], first);
}

#[test]
fn s12_the_brief_holds_what_the_task_points_to_and_no_more() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    go(&repo, 0);
    let brief = std::fs::read_to_string(repo.root().join("brief.cart")).unwrap();
    assert!(brief.contains("the sum is wrong"), "{brief}");
    assert!(brief.contains("lib/sum:2") && brief.contains("total = 1"), "{brief}");
    let other = std::fs::read_to_string(repo.root().join("brief.pay")).unwrap();
    assert!(!other.contains("lib/sum"), "{other}");
}

#[test]
fn s12_a3_a_task_that_commits_outside_of_its_scope_is_sent_back() {
    let strays = r#"
mkdir -p src; echo $calls > src/$GIT_RUN_ITEM
[ $calls = 1 ] && echo x > stray && git add -A && git commit -qm mine
[ $calls = 2 ] && git rm -q stray
report '{"format":1,"files":["src/'$GIT_RUN_ITEM'","stray"]}'
"#;
    let repo = delivering(&actions(), strays, "exit 1");
    go(&repo, 0);
    assert_eq!(repo.calls("implement"), 3);
    let (set, _) = gates(&repo, "cart", "0002-task");
    assert_eq!(set["reports"][0]["findings"][0]["path"], "stray");
}

#[test]
fn a3_a_task_that_never_keeps_to_its_scope_halts_the_run() {
    let strays = "mkdir -p src; echo $calls > src/$GIT_RUN_ITEM; echo $calls > stray; report '{\"format\":1,\"files\":[\"stray\"]}'";
    let repo = delivering(&actions(), strays, "exit 1");
    let status = go(&repo, 4);
    assert_eq!(status["halt"]["cause"], "tries-used");
    // The first time, and twice more.
    assert_eq!(repo.calls("implement"), 3);
    assert_eq!(items(&status), ["cart", "pay", "closing"]);
}

#[test]
fn s12_what_the_gates_find_is_mended_and_they_look_again() {
    // The suite passes once somebody has mended it.
    let mends = r#"echo mended >> src/pay; report '{"format":1,"files":["src/pay"]}'"#;
    let repo = delivering(&actions(), BUILDS, mends);
    repo.git(&[
        "config",
        "--replace-all",
        "run.gate.quality.command",
        "all=grep -q mended src/pay",
    ]);
    go(&repo, 0);
    assert_eq!(repo.calls("remediate"), 1);
    let (first, _) = gates(&repo, "closing", "0005-gates");
    let (second, page) = gates(&repo, "closing", "0007-gates");
    assert_eq!((&first["verdict"], &second["verdict"]), (&"REJECT".into(), &"APPROVE".into()));
    assert!(page.contains("APPROVE"), "{page}");
    let kinds = repo.events();
    assert!(!kinds.contains(&"run-halted".to_owned()), "{kinds:?}");
}

#[test]
fn s12_after_two_remediations_the_run_halts_with_its_reports() {
    let repo = delivering(
        &actions(),
        BUILDS,
        "echo $calls >> src/pay; report '{\"format\":1,\"files\":[\"src/pay\"]}'",
    );
    repo.git(&["config", "--replace-all", "run.gate.quality.command", "all=false"]);
    let ran = repo.run(&["sprint-plan", "--workflow", "deliver", "--local"]).ends(4);
    // What was found stands where the run ended, and what can be done about it.
    assert!(ran.out.contains("findings  1 open") && ran.out.contains("`false`"), "{}", ran.out);
    assert!(ran.out.contains("git run override gates --reason"), "{}", ran.out);
    let status = repo.status();
    assert_eq!(status["halt"]["cause"], "tries-used");
    assert_eq!(repo.calls("remediate"), 2);
    for call in ["0005-gates", "0007-gates", "0009-gates"] {
        let (set, page) = gates(&repo, "closing", call);
        assert_eq!(set["verdict"], "REJECT", "{call}");
        assert!(page.starts_with("# Gates: REJECT\n"), "{page}");
    }
    // Nobody gets past it by asking again.
    repo.run(&["push"]).ends(3);
}

#[test]
fn a4_a8_no_commands_and_a_suite_that_is_only_skipped_never_approve() {
    // Without any command nothing begins: it would fail when all of it was built.
    let repo = delivering(&actions(), BUILDS, "exit 1");
    repo.git(&["config", "--unset-all", "run.gate.quality.command"]);
    for words in [&["--dry-run"][..], &["--local"]] {
        let ran = repo.run(&[&["sprint-plan", "--workflow", "deliver"], words].concat()).ends(1);
        assert!(ran.err.contains("git config --add run.gate.quality.command"), "{}", ran.err);
    }
    assert!(repo.refs("refs/run/").is_empty());
    for (set, why) in [
        (&[("command", "all=true"), ("requiresEnv", "all=NOT_SET_ANYWHERE")][..], "skipped"),
        (&[("command", "all=true"), ("requiresFile", "all=not/there")][..], "skipped"),
    ] {
        let repo = delivering(&actions(), BUILDS, "exit 1");
        repo.git(&["config", "--unset-all", "run.gate.quality.command"]);
        for (key, value) in set {
            repo.git(&["config", &format!("run.gate.quality.{key}"), value]);
        }
        repo.git(&["config", "run.breaker.failures", "1"]);
        let status = go(&repo, 4);
        assert_ne!(status["state"], "COMPLETE");
        let (gates, page) = gates(&repo, "closing", "0005-gates");
        assert_eq!(gates["verdict"], "REJECT", "{set:?}");
        assert!(page.contains(why), "{page}");
    }
}

#[test]
fn a4_without_a_plan_or_with_a_bad_one_nothing_begins() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    repo.git(&["config", "run.plan", "nowhere.json"]);
    repo.run(&["sprint-plan", "--workflow", "deliver", "--local"]).ends(1);
    // A6: a circle in who waits for whom.
    let mut circle = actions();
    circle["tasks"][1]["depends_on"] = json!(["pay"]);
    repo.write("actions.json", &circle.to_string());
    repo.git(&["commit", "--quiet", "-am", "docs: a circle"]);
    repo.git(&["config", "run.plan", "actions.json"]);
    let ran = repo.run(&["sprint-plan", "--workflow", "deliver", "--local"]).ends(1);
    assert!(ran.err.contains("circle"), "{}", ran.err);
    assert!(repo.refs("refs/run/").is_empty());
}

#[test]
fn a4_a_task_that_leaves_no_evidence_is_not_approved() {
    // The work is there, and no report says which files it is.
    let silent = "mkdir -p src; echo $calls > src/$GIT_RUN_ITEM; report '{\"format\":1}'";
    let repo = delivering(&actions(), silent, "exit 1");
    repo.git(&["config", "run.breaker.failures", "1"]);
    go(&repo, 4);
    let (set, page) = gates(&repo, "closing", "0005-gates");
    assert_eq!(set["verdict"], "REJECT");
    assert!(page.contains("no report of"), "{page}");
}

#[test]
fn a5_paths_with_letters_of_other_scripts_are_in_their_scope() {
    let mut plan = actions();
    plan["tasks"][2]["file_scope"]["writes"] = json!(["src/é.py", "src/pay"]);
    let builds = format!(
        "{BUILDS}\n[ $GIT_RUN_ITEM = pay ] && echo x > src/é.py && report '{{\"format\":1,\"files\":[\"src/pay\",\"src/é.py\"]}}'; true"
    );
    let repo = delivering(&plan, &builds, "exit 1");
    go(&repo, 0);
}

#[test]
fn s12_what_the_plan_needs_is_looked_at_before_anything_begins() {
    let tool = |check: &str, required: bool| json!({"tools": [{"name": "wheel", "check": check, "required": required}]});
    for (needs, expected) in [
        (tool("false", true), Some("`wheel`")),
        (tool("no-such-program-anywhere", true), Some("`wheel`")),
        (
            json!({"tools": [{"name": "no-such-program-anywhere"}]}),
            Some("`no-such-program-anywhere`"),
        ),
        (json!({"tools": [{"check": "true"}]}), Some("has no name")),
        (
            json!({"env_vars": [{"name": "NOT_SET_ANYWHERE", "required": true}]}),
            Some("`NOT_SET_ANYWHERE`"),
        ),
        (
            json!({"env_vars": [{"name": "NOT_SET_ANYWHERE", "affects_tasks": ["pay"]}]}),
            Some("`NOT_SET_ANYWHERE`"),
        ),
        (json!({"files": ["Cargo.toml"]}), Some("`Cargo.toml`")),
        (json!({"files": ["../actions.json"]}), Some("`../actions.json`")),
        (json!({"files": [{"path": "Cargo.toml"}]}), Some("`Cargo.toml`")),
        (json!({"files": [{"path": "Cargo.toml", "required": false}]}), None),
        (tool("false", false), None),
        (tool("true", true), None),
        (json!({"env_vars": [{"name": "NOT_SET_ANYWHERE", "affects_tasks": ["look"]}]}), None),
        (json!({"files": ["lib/sum"]}), None),
    ] {
        let mut plan = actions();
        plan["prerequisites"] = needs.clone();
        let repo = delivering(&plan, BUILDS, "exit 1");
        let words = ["sprint-plan", "--workflow", "deliver", "--local", "--dry-run"];
        match expected {
            None => {
                repo.run(&words).ends(0);
            }
            Some(part) => {
                let ran = repo.run(&words[..4]).ends(1);
                assert!(ran.err.contains(part), "{needs}: {}", ran.err);
                assert!(repo.refs("refs/run/").is_empty(), "{needs}");
                assert_eq!(repo.calls("implement"), 0);
            }
        }
    }
}

/// What is asked for and not understood, where it stands, and what is said of it.
fn not_understood() -> Vec<(&'static str, Value, &'static str)> {
    let needs = |said: Value, what| ("prerequisites", said, what);
    let skip = |said: Value, what| ("skip_if", said, what);
    vec![
        needs(json!("git"), "`prerequisites` is a text, not an object"),
        needs(json!({"tools": "git"}), "`prerequisites.tools` is a text, not a list"),
        needs(json!({"tols": []}), "`prerequisites.tols` is none of"),
        needs(json!({"tools": [{"name": "x", "check": ""}]}), "`prerequisites.tools[0].check`"),
        needs(json!({"tools": [{"name": "x", "required": "no"}]}), "neither `true` nor `false`"),
        needs(json!({"env_vars": [{"nme": "X"}]}), "`prerequisites.env_vars[0]` has no name"),
        needs(json!({"env_vars": [{"name": "X", "affects_tasks": "pay"}]}), "no list of texts"),
        needs(json!({"files": [{"file": "a"}]}), "`prerequisites.files[0]` has no path"),
        skip(json!({"fil": "lib/sum"}), "names not one of `file`, `env` and `command`"),
        skip(json!({"file": "lib/sum", "env": "HOME"}), "names not one of"),
        skip(json!({"command": ""}), "has an empty `command`"),
        skip(json!({"file": "../sum"}), "cannot look there"),
        skip(json!({"file": "/etc/passwd"}), "cannot look there"),
        skip(json!({"env": 7}), "is a number, not a text"),
        skip(json!(7), "is a number, not a text or an object"),
        skip(json!([]), "is a list, not a text or an object"),
    ]
}

#[test]
fn what_a_plan_asks_for_and_nobody_understands_is_refused_and_not_passed_over() {
    for (key, said, what) in not_understood() {
        let mut plan = actions();
        let holder = if key == "skip_if" { &mut plan["tasks"][1] } else { &mut plan };
        holder[key] = said.clone();
        let repo = delivering(&plan, BUILDS, "exit 1");
        let ran = repo.run(&["sprint-plan", "--workflow", "deliver", "--local"]).ends(1);
        assert!(ran.err.contains(what), "{said}: {}", ran.err);
        let checked = repo.run(&["plan", "check"]).ends(1);
        assert!(checked.err.contains(what) && checked.err.contains("fix: "), "{}", checked.err);
        assert!(repo.refs("refs/run/").is_empty(), "{said}");
        assert_eq!(repo.calls("implement"), 0);
    }
}

#[test]
fn a_start_refuses_it_in_a_plan_of_our_own_as_well() {
    let task = "[[sprint.task]]\nid = \"T-1\"\ntitle = \"x\"\n";
    let plan = "format = 1\nid = \"p\"\ntitle = \"p\"\n";
    let sprint = "[[sprint]]\nid = \"s-1\"\ntitle = \"s\"\n";
    for (text, what) in [
        (format!("{plan}{sprint}{task}skip_if = {{ comand = \"true\" }}\n"), "names not one of"),
        (format!("{plan}prerequisites = {{ tools = \"git\" }}\n{sprint}{task}"), "not a list"),
    ] {
        let repo = TestRepo::new();
        repo.plan(&text);
        let ran = repo.run(&["s-1", "--local"]).ends(1);
        assert!(ran.err.contains(what), "{}", ran.err);
        assert!(repo.refs("refs/run/").is_empty());
    }
}

#[test]
fn s12_each_command_of_the_plan_is_run_once_for_a_start() {
    let mut plan = actions();
    let looks = |what: &str, end: &str| format!("echo {what} >> \"$HOME/looked\"; {end}");
    plan["prerequisites"] = json!({"tools": [
        {"name": "wheel", "check": looks("wheel", "true"), "required": true},
        {"name": "axle", "check": looks("axle", "true"), "required": true},
    ]});
    plan["tasks"][1]["skip_if"] = json!({"command": looks("skip", "false")});
    let repo = delivering(&plan, BUILDS, "exit 1");
    let looked = || std::fs::read_to_string(repo.root().join("looked")).unwrap_or_default();
    repo.run(&["sprint-plan", "--workflow", "deliver", "--local", "--dry-run"]).ends(0);
    assert_eq!(looked(), "skip\nwheel\naxle\n");
    std::fs::write(repo.root().join("looked"), "").unwrap();
    go(&repo, 0);
    assert_eq!(looked(), "skip\nwheel\naxle\n");
    // The next start looks anew.
    repo.git(&["checkout", "--quiet", "main"]);
    repo.run(&["sprint-plan", "--workflow", "deliver", "--local", "--again", "--branch", "b"]);
    assert_eq!(looked().lines().count(), 6);
}

/// What `git run gate --from-phase` evaluated, phase by phase, as its answer has it.
fn evaluated(set: &Value) -> Vec<&str> {
    let reports = set["reports"].as_array().unwrap().iter();
    reports.map(|report| report["gate"].as_str().unwrap()).collect()
}

#[test]
fn s12_from_each_phase_on_a_finished_run_is_looked_at_again() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    go(&repo, 0);
    for (phase, first, last) in [
        ("validate_plan", "validate-plan", "compliance"),
        ("validate-plan", "validate-plan", "compliance"),
        ("task_contexts", "task-contexts", "compliance"),
        ("checkpoint", "secrets", "compliance"),
        ("gates", "secrets", "compliance"),
    ] {
        let ran = repo.run(&["gate", "--from-phase", phase, "--json"]).ends(0);
        let set = ran.json();
        let gates = evaluated(&set);
        assert!(gates.contains(&first) && gates.last() == Some(&last), "{phase}: {gates:?}");
        assert_eq!(set["verdict"], "APPROVE", "{phase}");
        let has_plan = gates.contains(&"validate-plan");
        assert_eq!(has_plan, phase.starts_with("validate"), "{phase}: {gates:?}");
    }
    let ran = repo.run(&["gate", "--from-phase", "progress"]).ends(0);
    assert!(ran.out.contains("JACKED_OUT") && !ran.out.contains("✓"), "{}", ran.out);
    let ran = repo.run(&["gate", "--from-phase", "no_such_phase"]).ends(2);
    for phase in ["validate-plan", "task-contexts", "checkpoint", "gates", "progress"] {
        assert!(ran.err.contains(phase), "{phase}: {}", ran.err);
    }
    repo.run(&["gate", "scope", "--from-phase", "gates"]).ends(2);
}

#[test]
fn s12_from_a_phase_on_inside_of_a_run_its_frozen_plan_and_its_whole_range_count() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    repo.agent("implement", &format!("[ $GIT_RUN_ITEM = pay ] && exit 1\n{BUILDS}"));
    go(&repo, 4);
    // What the plan says since counts for nothing, and what is not there yet does not pass.
    repo.git(&["config", "run.plan", "nowhere.json"]);
    let ran = repo.run(&["gate", "--from-phase", "validate_plan", "--json"]).ends(3);
    let set = ran.json();
    let gates = evaluated(&set);
    assert_eq!(set["reports"][0]["result"], "pass", "{set}");
    let stopped = set["reports"].as_array().unwrap().last().unwrap();
    assert_eq!(stopped["result"], "fail", "up to the first that does not pass: {gates:?}");
    assert!(!gates.contains(&"compliance"), "{gates:?}");
    let words = ["gate", "--from-phase", "validate_plan", "--continue-on-fail", "--json"];
    let set = repo.run(&words).ends(3).json();
    assert!(gates.len() < evaluated(&set).len() && set["verdict"] == "REJECT", "{set}");
    let ran = repo.run(&["gate", "--from-phase", "gates", "--continue-on-fail"]).ends(3);
    assert!(ran.out.contains("next: git run resume"), "{}", ran.out);
    let state = repo.status();
    assert_eq!(state["state"], "HALTED", "looking changes nothing");
    repo.run(&["verify"]).ends(0);
}

#[test]
fn s12_from_a_phase_on_without_a_plan_or_a_run_nothing_is_approved() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    for phase in ["validate_plan", "task_contexts"] {
        repo.git(&["config", "run.plan", "nowhere.json"]);
        let ran = repo.run(&["gate", "--from-phase", phase]).ends(3);
        assert!(ran.out.contains("✗") && !ran.out.contains("APPROVE"), "{}", ran.out);
        // What fails before the checkpoint needs none.
        let listed = repo.run(&["checkpoint", "list", "--json"]).ends(0).json();
        assert_eq!(listed["checkpoints"], json!([]), "{phase}");
    }
    repo.git(&["config", "run.plan", "actions.json"]);
    // Nothing was done yet, so nothing is there to be approved.
    let ran = repo.run(&["gate", "--from-phase", "gates", "--continue-on-fail"]).ends(3);
    assert!(ran.out.contains("REJECT"), "{}", ran.out);
    let ran = repo.run(&["gate", "--from-phase", "progress"]);
    assert!(matches!(ran.code, Some(0 | 1)), "{:?} {}", ran.code, ran.err);
    repo.run(&["gate", "--from-phase", "gates", "--run", "20200101-000000-0000000000"]).ends(1);
}

#[test]
fn s12_documents_that_tasks_name_are_in_the_registry() {
    let registry = json!({"version": 1, "docs": [
        {"id": "spec", "path": "docs/spec.md", "type": "spec", "tier": 1, "when": "always"}
    ]});
    for (id, code) in [("spec", 0), ("lore", 4)] {
        let mut plan = actions();
        plan["tasks"][1]["context"]["doc_ids"] = json!([id]);
        let repo = delivering(&plan, BUILDS, "report '{\"format\":1}'");
        repo.write("docs/spec.md", "# Spec\n");
        repo.write("docs/registry.json", &registry.to_string());
        repo.git(&["add", "-A"]);
        repo.git(&["commit", "--quiet", "-m", "docs: the registry"]);
        repo.git(&["config", "run.gate.docs.registry", "docs/registry.json"]);
        repo.git(&["config", "run.breaker.failures", "1"]);
        go(&repo, code);
        let (set, page) = gates(&repo, "closing", "0005-gates");
        let docs = set["reports"].as_array().unwrap().iter().find(|of| of["gate"] == "docs");
        let expected = if code == 0 { "pass" } else { "fail" };
        assert_eq!(docs.unwrap()["result"], expected, "{page}");
        assert_eq!(set.to_string().contains("names the document `lore`"), code != 0, "{page}");
    }
}

#[test]
fn s12_a_task_whose_condition_holds_is_not_done() {
    let mut plan = actions();
    plan["tasks"][1]["skip_if"] = json!({"file": "lib/sum"});
    let repo = delivering(&plan, BUILDS, "exit 1");
    assert_eq!(items(&go(&repo, 0)), ["pay", "closing"]);
    // A bare text is for people; nothing here can tell whether it holds.
    plan["tasks"][1]["skip_if"] = json!("the sum is right already");
    let repo = delivering(&plan, BUILDS, "exit 1");
    assert_eq!(items(&go(&repo, 0)), ["cart", "pay", "closing"]);
}

#[test]
fn s12_the_board_shows_each_group_and_what_comes_next() {
    let repo = delivering(&actions(), BUILDS, "exit 1");
    repo.agent("implement", &format!("[ $GIT_RUN_ITEM = pay ] && exit 1\n{BUILDS}"));
    go(&repo, 4);
    let board = repo.run(&["show", "board", "--json"]).ends(0).json();
    assert_eq!(board["schema"], "git-run/board/1");
    let states: Vec<String> = board["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["tasks"].as_array().unwrap().clone())
        .map(|row| format!("{} {}", row["task"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect();
    for row in ["split skipped", "cart done", "pay partial", "look skipped", "closing pending"] {
        assert!(states.contains(&row.to_owned()), "{row}: {states:?}");
    }
    let next = board["next"]["command"].as_str().unwrap();
    for what in ["board", "progress"] {
        let said = repo.run(&["show", what]).ends(0).out;
        assert!(said.ends_with(")\n") && said.contains(&format!("next: {next}")), "{said}");
    }
    repo.agent("implement", BUILDS);
    repo.run(&["resume", "--reset-ice"]).ends(0);
    let board = repo.run(&["show", "progress"]).ends(0).out;
    assert!(board.contains("done     closing  1 of 1 task"), "{board}");
}
