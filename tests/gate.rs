//! Deterministic gates: what each finds in real repositories, and that nothing but evidence opens one. The
//! names hold the rows of the older tools' behaviour (A1 to A10, §3.7) that they answer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use git_run::{
    domain::{
        check::{command::Expect, name::Check, policy::Policy},
        id::{Oid, RunId},
    },
    gates::script::{self, Asked},
    report::gate,
};
use serde_json::Value;
use support::{Ran, TestRepo};

const TOKEN: &str = "ghp_abcDEF0123456789abcdefg";

/// One sprint of one task that may write `src/`.
const PLAN: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "Make it"
writes = ["src/"]
[[sprint.task.acceptance]]
statement = "there is a file"
verifications = [{ type = "file", path = "src/a" }]
"#;

/// On `feature`, with the plan on `main` and nothing changed since.
fn planned(plan: &str) -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(plan);
    repo.git(&["switch", "--quiet", "-c", "feature"]);
    repo
}

#[track_caller]
fn sh(repo: &TestRepo, script: &str) {
    let script = format!("set -e\n{script}");
    Ran::of(repo.command("sh").args(["-c", &script]).output().unwrap()).ends(0);
}

fn commit(repo: &TestRepo, script: &str) {
    sh(repo, &format!("{script}\ngit add -A; git commit -qm 'feat: work'"));
}

/// The report of one gate.
#[track_caller]
fn gate_of(repo: &TestRepo, name: &str) -> Value {
    let set = repo.run(&["gate", name, "--json"]).json();
    assert_eq!(set["schema"], "git-run/gates/1", "{set}");
    set["reports"][0].clone()
}

#[track_caller]
fn result(repo: &TestRepo, name: &str) -> String {
    gate_of(repo, name)["result"].as_str().unwrap().to_owned()
}

fn found(report: &Value, key: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter_map(|of| of[key].as_str()).map(str::to_owned).collect()
}

#[test]
fn s12_a3_changed_files_out_of_scope_stay_found_after_the_commit() {
    let repo = planned(PLAN);
    sh(&repo, "mkdir src; echo x > src/a; echo x > outside");
    for state in ["untracked", "staged", "committed", "committed, and on a clean tree"] {
        let report = gate_of(&repo, "scope");
        assert_eq!(
            (&report["result"], found(&report, "path")),
            (&"fail".into(), vec!["outside".to_owned()]),
            "{state}"
        );
        match state {
            "untracked" => sh(&repo, "git add -A"),
            "staged" => sh(&repo, "git commit -qm work"),
            _ => {}
        }
    }
    repo.run(&["gate", "scope"]).ends(3);
    commit(&repo, "git rm -q outside");
    repo.run(&["gate", "scope"]).ends(0);
}

#[test]
fn a3_the_range_of_a_run_begins_where_the_run_was_built_on() {
    let repo = TestRepo::scripted(&[(
        "implement",
        "mkdir -p src; echo w > src/a; echo x > outside; git add -A; git commit -qm mine; echo y > src/b",
    )]);
    repo.write("plan.toml", PLAN);
    repo.git(&["commit", "--quiet", "-am", "docs: scopes"]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let start = repo.git(&["rev-parse", "main"]);
    let report = gate_of(&repo, "scope");
    assert_eq!(found(&report, "path"), ["outside"]);
    assert_eq!(report["range"]["from"], start.as_str());
    assert_eq!(report["head"], repo.git(&["rev-parse", "HEAD"]).as_str());
    assert_eq!(report["tree"], repo.git(&["rev-parse", "HEAD^{tree}"]).as_str());
    // A base that moved on since changes nothing: the range is the run's.
    repo.git(&["branch", "--force", "main", "HEAD"]);
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["outside"]);
    // The plan that counts is the frozen one, whatever the work tree has.
    sh(&repo, "git rm -q plan.toml; git commit -qm 'no plan'");
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["outside", "plan.toml"]);
    repo.run(&["gate", "parallel"]).ends(3);
}

#[test]
fn a4_no_plan_no_commands_and_no_evidence_are_failures() {
    let repo = TestRepo::new();
    repo.git(&["switch", "--quiet", "-c", "feature"]);
    commit(&repo, "echo x > a");
    for name in [
        "validate-plan",
        "task-contexts",
        "scope",
        "parallel",
        "plan",
        "quality",
        "tests",
        "coverage",
        "artifacts",
    ] {
        let ran = repo.run(&["gate", name]).ends(3);
        assert!(ran.out.starts_with("✗ "), "{name}: {}", ran.out);
    }
    let ran = repo.run(&["gate"]).ends(3);
    assert!(ran.out.ends_with("REJECT\n") && ran.out.contains("✗ quality"), "{}", ran.out);
    // Nothing changed at all: nothing to look at, so nothing is proven.
    let repo = planned(PLAN);
    for name in ["scope", "parallel", "plan"] {
        repo.run(&["gate", name]).ends(3);
    }
}

#[test]
fn a5_paths_are_what_they_are_and_not_what_git_makes_of_them() {
    let repo = planned(PLAN);
    commit(
        &repo,
        r#"mkdir src; echo x > src/é.py; printf x > "$(printf 'src/a\nb\377')"; echo x > 'src/a"b|c'; echo x > 'src/ '"#,
    );
    assert_eq!(result(&repo, "scope"), "pass");
    assert_eq!(result(&repo, "parallel"), "pass");
    commit(
        &repo,
        r#"echo x > é.py; printf x > "$(printf 'x\ny')"; echo x > -rf; echo x > ':(top)'"#,
    );
    let report = gate_of(&repo, "scope");
    assert_eq!(found(&report, "path"), ["-rf", ":(top)", "x\ny", "é.py"]);
    let ran = repo.run(&["gate", "scope"]).ends(3);
    assert_eq!(ran.out.lines().count(), 5, "{}", ran.out);
}

#[test]
fn a6_a_cycle_in_the_plan_is_no_sound_plan() {
    let cycle = PLAN.replace("writes", "depends_on = [\"T-2\"]\nwrites")
        + "[[sprint.task]]\nid = \"T-2\"\ntitle = \"Two\"\nwrites = [\"b/\"]\ndepends_on = [\"T-1\"]\n";
    let repo = planned(&cycle);
    let ran = repo.run(&["gate", "validate-plan"]).ends(3);
    assert!(ran.out.contains("the plan has faults"), "{}", ran.out);
    repo.run(&["gate", "scope"]).ends(3);
}

#[test]
fn s37_a_sound_plan_passes_and_globs_and_doubled_tasks_do_not() {
    assert_eq!(result(&planned(PLAN), "validate-plan"), "pass");
    assert_eq!(result(&planned(PLAN), "task-contexts"), "pass");
    let doubled = "[[sprint.task]]\nid = \"T-1\"\ntitle = \"Again\"\n";
    for (bad, said) in
        [(PLAN.replace("src/\"]", "src/*.rs\"]"), "glob"), (format!("{PLAN}{doubled}"), "T-1")]
    {
        let report = gate_of(&planned(&bad), "validate-plan");
        assert_eq!(report["result"], "fail");
        assert!(report["why"].as_str().unwrap().contains(said), "{report}");
    }
}

fn quality(repo: &TestRepo, key: &str, value: &str) {
    repo.git(&["config", "--add", &format!("run.gate.quality.{key}"), value]);
}

#[test]
fn s12_a8_what_is_skipped_is_said_and_a_suite_of_skipped_commands_fails() {
    let repo = planned(PLAN);
    quality(&repo, "command", "e2e=true");
    quality(&repo, "requiresEnv", "e2e=NO_SUCH_VARIABLE");
    let report = gate_of(&repo, "quality");
    assert_eq!(report["result"], "fail");
    assert!(report["why"].as_str().unwrap().contains("`NO_SUCH_VARIABLE` is not set"), "{report}");
    quality(&repo, "command", "lint=echo fine");
    let report = gate_of(&repo, "quality");
    assert_eq!(
        (&report["result"], &report["why"]),
        (&"pass".into(), &"1 command succeeded, 1 skipped".into())
    );
    assert_eq!(found(&report, "severity"), ["info"]);
    quality(&repo, "command", "files=true");
    quality(&repo, "requiresFile", "files=no/such");
    assert_eq!(found(&gate_of(&repo, "quality"), "rule"), ["skipped", "skipped"]);
    quality(&repo, "command", "bad=echo broken >&2; exit 4");
    let report = gate_of(&repo, "quality");
    assert_eq!(report["why"], "1 command failed");
    let evidence = &report["evidence"][1];
    assert_eq!((&evidence["exit"], &evidence["tail"]), (&4.into(), &"broken\n".into()));
    assert_eq!(evidence["tree"], report["tree"]);
    assert!(evidence["versions"]["git-run"].is_string());
    quality(&repo, "command", "bad=no-such-program-at-all");
    assert_eq!(result(&repo, "quality"), "unknown");
    repo.run(&["gate", "quality"]).ends(1);
}

#[test]
fn a8_a_verification_has_an_end_and_its_evidence_is_whole() {
    let plan = |verify: &str| PLAN.replace("{ type = \"file\", path = \"src/a\" }", verify);
    let repo = planned(&plan(r#"{ type = "command", command = "sleep 60", timeout = "1s" }"#));
    let began = Instant::now();
    let report = gate_of(&repo, "plan");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(
        (&report["result"], &report["evidence"][0]["end"]),
        (&"unknown".into(), &"timed-out".into())
    );
    let repo = planned(&plan(r#"{ type = "command", command = "seq 100000" }"#));
    let report = gate_of(&repo, "plan");
    let evidence = &report["evidence"][0];
    let whole = support::text(
        &repo.command("sh").args(["-c", "seq 100000 | sha256sum"]).output().unwrap().stdout,
    );
    assert_eq!(evidence["output_digest"], whole.split(' ').next().unwrap());
    let tail = evidence["tail"].as_str().unwrap();
    assert!(tail.len() <= 8 * 1024 && tail.ends_with("99999\n100000\n"), "{}", tail.len());
}

#[test]
fn s12_plan_adherence_looks_at_files_lines_and_commands() {
    let all = r#"{ type = "file", path = "src/a" }, { type = "grep", path = "src/a", pattern = "^two$" }, { type = "command", command = "test -s src/a" }, { type = "command", command = "false", must_succeed = false }"#;
    let repo = planned(&PLAN.replace("{ type = \"file\", path = \"src/a\" }", all));
    commit(&repo, "mkdir src; printf 'one\\ntwo\\n' > src/a");
    let report = gate_of(&repo, "plan");
    assert_eq!(report["result"], "pass", "{report}");
    assert_eq!(report["evidence"].as_array().unwrap().len(), 2);
    for (broken, rule) in [
        ("printf 'one\\nxtwo\\n' > src/a", "not-met"),
        ("rm src/a; ln -s /etc/passwd src/a", "not-met"),
        (
            "rm -f src/a; echo a > .git/info/exclude; printf 'one\\ntwo\\n' > src/a; git rm -q --cached src/a",
            "not-met",
        ),
    ] {
        sh(&repo, broken);
        let report = gate_of(&repo, "plan");
        assert_eq!(report["result"], "fail", "{broken}: {report}");
        assert!(found(&report, "rule").iter().all(|of| of == rule));
    }
    let repo = planned(&PLAN.replace(
        "{ type = \"file\", path = \"src/a\" }",
        r#"{ type = "command", command = "true", must_succeed = false }"#,
    ));
    assert_eq!(result(&repo, "plan"), "fail");
    let repo = planned(&PLAN.replace(
        "{ type = \"file\", path = \"src/a\" }",
        r#"{ type = "command", command = "no-such-program", must_succeed = false }"#,
    ));
    assert_eq!(result(&repo, "plan"), "unknown");
}

#[test]
fn a9_a_criterion_without_verification_is_a_remark_and_with_strict_a_failure() {
    let more = format!(
        "{PLAN}\n[[sprint.task.acceptance]]\nstatement = \"it is nice\"\nseverity = \"low\"\n"
    );
    let repo = planned(&more);
    commit(&repo, "mkdir src; echo x > src/a");
    let report = gate_of(&repo, "plan");
    assert_eq!(
        (&report["result"], found(&report, "severity")),
        (&"pass".into(), vec!["info".to_owned()])
    );
    repo.git(&["config", "run.gate.plan.strict", "true"]);
    let report = gate_of(&repo, "plan");
    assert_eq!(
        (&report["result"], found(&report, "severity")),
        (&"fail".into(), vec!["low".to_owned()])
    );
    repo.git(&["config", "run.gate.plan.strict", "maybe"]);
    let ran = repo.run(&["gate", "plan"]).ends(1);
    assert!(ran.err.contains("run.gate.plan.strict"), "{}", ran.err);
}

#[test]
fn a10_every_gate_of_the_older_tool_has_its_name_here() {
    let repo = planned(PLAN);
    for name in [
        "validate_actions",
        "build_task_contexts",
        "changed_files",
        "plan_adherence",
        "parallel_conformance",
        "validate_task_artifacts",
        "quality",
        "docs_gate",
        "compliance",
    ] {
        let code = repo.run(&["gate", name]).code;
        assert!(matches!(code, Some(0 | 1 | 3)), "{name}: {code:?}");
    }
    repo.run(&["gate", "no-such-gate"]).ends(2);
    let ran = repo.run(&["gate", "scop"]).ends(2);
    assert!(ran.err.contains("did you mean `scope`?"), "{}", ran.err);
    assert!(repo.run(&["gate", "--list"]).ends(0).out.contains("* scope"));
}

#[test]
fn s12_from_a_phase_on_everything_is_done_up_to_the_first_failure() {
    let repo = planned(PLAN);
    commit(&repo, "mkdir src; echo x > src/a");
    repo.git(&["config", "run.gate.quality.command", "lint=true"]);
    let ran = repo.run(&["gate", "--from-phase", "validate-plan"]).ends(0);
    for line in ["✓ validate-plan", "✓ task-contexts", "✓ scope", "✓ quality", "APPROVE"] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    assert!(repo.run(&["checkpoint", "list"]).ends(0).out.contains("gates"));
    sh(&repo, "echo x > outside");
    let ran = repo.run(&["gate", "--from-phase", "gates"]).ends(3);
    assert!(ran.out.contains("✗ scope") && !ran.out.contains("quality"), "{}", ran.out);
    let ran = repo.run(&["gate", "--from-phase", "gates", "--continue-on-fail"]).ends(3);
    assert!(ran.out.contains("✓ quality") && ran.out.contains("REJECT"), "{}", ran.out);
    repo.run(&["gate", "--from-phase", "progress"]).ends(0);
}

#[test]
fn what_is_no_secret_where_somebody_said_so_is_a_remark() {
    let repo = planned(PLAN);
    commit(&repo, &format!("mkdir -p tests/keys; echo {TOKEN} > tests/keys/a"));
    assert_eq!(result(&repo, "secrets"), "fail");
    repo.git(&["config", "--add", "run.gate.secrets.allow", "tests/keys/"]);
    let report = gate_of(&repo, "secrets");
    assert_eq!(
        (&report["result"], &report["findings"][0]["severity"]),
        (&"pass".into(), &"info".into())
    );
    // There and nowhere else, letter by letter, and never in a message.
    for script in [
        format!("mkdir -p Tests/keys; echo {TOKEN}1 > Tests/keys/b"),
        format!("echo {TOKEN}2 > tests/keysmith"),
        format!("echo {TOKEN}3 > tests/b"),
    ] {
        sh(&repo, &script);
        assert_eq!(result(&repo, "secrets"), "fail", "{script}");
        repo.git(&["clean", "--quiet", "-fd"]);
    }
    assert_eq!(result(&repo, "secrets"), "pass");
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", &format!("uses {TOKEN}")]);
    assert_eq!(result(&repo, "secrets"), "fail");
    for bad in [".", "/", "", "./", "*", "../x", "/etc"] {
        repo.git(&["config", "--replace-all", "run.gate.secrets.allow", bad]);
        let ran = repo.run(&["gate", "secrets"]).ends(1);
        assert!(ran.err.contains("run.gate.secrets.allow"), "{bad}: {}", ran.err);
    }
}

#[test]
fn secrets_are_found_wherever_in_the_range_they_came_in() {
    let repo = planned(PLAN);
    commit(&repo, &format!("mkdir src; echo {TOKEN} > src/a"));
    commit(&repo, "echo gone > src/a");
    let report = gate_of(&repo, "secrets");
    assert_eq!(
        (&report["result"], found(&report, "path")),
        (&"fail".into(), vec!["src/a".to_owned()])
    );
    assert!(!report.to_string().contains(TOKEN), "a report never says what it found");
    // What was there before the range is nobody's addition, also where its file changes.
    let repo = TestRepo::new();
    sh(
        &repo,
        &format!("echo {TOKEN} > old; git add old; git commit -qm old; git switch -qc feature"),
    );
    commit(&repo, "echo more >> old");
    assert_eq!(result(&repo, "secrets"), "pass");
    // By name, in a binary, through a link's target, in a message, and before any commit.
    for (script, path) in [
        ("echo x > .env.local; git add -f .env.local; git commit -qm e", ".env.local"),
        (&format!("printf 'a\\0{TOKEN}\\0' > bin; git add bin; git commit -qm b"), "bin"),
        (&format!("ln -s {TOKEN} link; git add link; git commit -qm l"), "link"),
        (&format!("echo {TOKEN} > new"), "new"),
    ] {
        let repo = planned(PLAN);
        sh(&repo, script);
        assert_eq!(found(&gate_of(&repo, "secrets"), "path"), [path], "{script}");
    }
    let repo = planned(PLAN);
    sh(&repo, &format!("git commit -q --allow-empty -m 'uses {TOKEN}'"));
    assert_eq!(result(&repo, "secrets"), "fail");
}

#[test]
fn merges_are_judged_by_what_they_bring_and_by_what_they_make_themselves() {
    let repo = planned(PLAN);
    commit(&repo, "mkdir src; echo x > src/a");
    sh(
        &repo,
        &format!(
            "git switch -qc side main; echo {TOKEN} > sly; git add sly; git commit -qm s; git rm -q sly; git commit -qm t"
        ),
    );
    sh(&repo, "git switch -q feature; git merge -q --no-edit side");
    assert_eq!(result(&repo, "scope"), "pass");
    assert_eq!(found(&gate_of(&repo, "secrets"), "path"), ["sly"]);
    // A merge that adds what neither of its parents has.
    sh(
        &repo,
        "git switch -qc other main; mkdir src; echo y > src/b; git add src; git commit -qm o; git switch -q feature",
    );
    sh(
        &repo,
        "git merge -q --no-commit --no-ff other; echo evil > evil; git add evil; git commit -qm merged",
    );
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["evil"]);
    assert_eq!(found(&gate_of(&repo, "parallel"), "path"), ["evil"]);
}

#[test]
fn deletions_outside_of_the_scopes_are_listed() {
    let repo = planned(PLAN);
    sh(
        &repo,
        "git switch -q main; mkdir src; echo x > src/x; echo y > y; git add -A; git commit -qm base; git switch -q feature; git merge -q main",
    );
    commit(&repo, "git rm -q src/x");
    assert_eq!(result(&repo, "deletions"), "pass");
    sh(&repo, "rm y");
    let report = gate_of(&repo, "deletions");
    assert_eq!((&report["result"], found(&report, "path")), (&"fail".into(), vec!["y".to_owned()]));
}

#[test]
fn the_size_has_its_bounds_and_none_is_a_skip() {
    let repo = planned(PLAN);
    commit(&repo, "seq 10 > a; seq 5 > b; printf 'a\\0b' > c");
    assert_eq!(result(&repo, "diff-size"), "skipped");
    let set =
        |key: &str, value: &str| repo.git(&["config", &format!("run.gate.diff-size.{key}"), value]);
    set("maxFiles", "3");
    set("maxLines", "15");
    assert_eq!(result(&repo, "diff-size"), "pass");
    sh(&repo, "echo x >> a");
    assert_eq!(result(&repo, "diff-size"), "fail");
    set("maxLines", "16");
    assert_eq!(result(&repo, "diff-size"), "pass");
    set("maxFiles", "2");
    assert_eq!(result(&repo, "diff-size"), "fail");
    set("maxFiles", "many");
    let ran = repo.run(&["gate", "diff-size"]).ends(1);
    assert!(ran.err.contains("run.gate.diff-size.maxFiles"), "{}", ran.err);
}

#[test]
fn what_is_protected_is_not_touched() {
    let repo = planned(PLAN);
    repo.git(&["config", "run.protectedPath", ".github/"]);
    commit(&repo, "mkdir src; echo x > src/a");
    assert_eq!(result(&repo, "protected-paths"), "pass");
    for path in [".github/x/y.yml", ".gitrun.toml"] {
        repo.write(path, "x");
        assert_eq!(found(&gate_of(&repo, "protected-paths"), "path"), [path]);
        fs::remove_file(repo.work.join(path)).unwrap();
    }
}

#[test]
fn a_plan_without_scopes_is_unknown_and_no_pass() {
    let repo = planned(&PLAN.replace("writes = [\"src/\"]", ""));
    commit(&repo, "mkdir src; echo x > src/a");
    for name in ["scope", "parallel"] {
        assert_eq!(result(&repo, name), "unknown");
        repo.run(&["gate", name]).ends(1);
    }
}

#[test]
fn s12_tasks_side_by_side_keep_to_their_own_files() {
    let group = "group = \"g\"\n";
    let two = format!(
        "{}[[sprint.task]]\nid = \"T-2\"\ntitle = \"Two\"\nwrites = [\"lib/\"]\n{group}",
        PLAN.replace("writes", &format!("{group}writes"))
    );
    let by = |task: &str, what: &str| {
        format!("{what}; git add -A; git commit -qm 'feat: x\n\nRun: r\nRun-Item: {task}\n'")
    };
    let repo = planned(&two);
    sh(&repo, &by("T-1", "mkdir src; echo x > src/a"));
    sh(&repo, &by("T-2", "mkdir lib; echo x > lib/a"));
    assert_eq!(result(&repo, "parallel"), "pass");
    sh(&repo, &by("T-2", "echo y > src/a"));
    let report = gate_of(&repo, "parallel");
    let mut rules = found(&report, "rule");
    rules.sort();
    assert_eq!(rules, ["outside-own-scope", "same-file"], "{report}");
    assert_eq!(result(&repo, "scope"), "pass", "all of it lies in some scope");
    sh(&repo, "echo z > nobody");
    assert!(found(&gate_of(&repo, "parallel"), "rule").contains(&"nobodys-change".to_owned()));
}

fn tests_are(repo: &TestRepo, command: &str) {
    repo.git(&["config", "run.gate.tests.command", command]);
}

#[test]
fn tests_that_must_fail_have_to_fail_by_themselves() {
    let repo = planned(PLAN);
    for (command, green, red) in [
        ("true", "pass", "fail"),
        ("exit 1", "fail", "pass"),
        ("no-such-program", "unknown", "unknown"),
        ("./README", "unknown", "unknown"),
        ("kill -9 $$", "fail", "unknown"),
        ("exit 139", "fail", "unknown"),
        ("sleep 30", "unknown", "unknown"),
    ] {
        tests_are(&repo, command);
        repo.git(&[
            "config",
            "run.gate.tests.timeout",
            if command == "sleep 30" { "1s" } else { "1m" },
        ]);
        assert_eq!(result(&repo, "tests"), green, "{command}");
        let set = repo.run(&["gate", "tests", "--expect", "tests=fail", "--json"]).json();
        assert_eq!(set["reports"][0]["result"], red, "{command}");
    }
    repo.git(&["config", "run.gate.tests.expect", "fail"]);
    tests_are(&repo, "exit 1");
    assert_eq!(result(&repo, "tests"), "pass");
    repo.git(&["config", "run.gate.tests.expect", "red"]);
    repo.run(&["gate", "tests"]).ends(1);
}

#[test]
fn aura_coverage_is_what_the_command_prints() {
    let repo = planned(PLAN);
    let set =
        |key: &str, value: &str| repo.git(&["config", &format!("run.gate.coverage.{key}"), value]);
    for (command, expected) in [
        ("echo TOTAL 85.5%", "pass"),
        ("echo 79.99", "fail"),
        ("echo fine", "unknown"),
        ("echo 90%; exit 1", "fail"),
    ] {
        set("command", command);
        assert_eq!(result(&repo, "coverage"), expected, "{command}");
    }
    set("command", "echo 85%");
    set("min", "90");
    assert_eq!(result(&repo, "coverage"), "fail");
    set("min", "a lot");
    repo.run(&["gate", "coverage"]).ends(1);
}

#[test]
fn s12_documents_do_not_link_to_nowhere() {
    let repo = planned(PLAN);
    // Nobody manages any; that alone is no pass either.
    assert_eq!(result(&repo, "docs"), "skipped");
    repo.run(&["gate", "docs"]).ends(1);
    repo.git(&["config", "run.gate.docs.dir", "docs/"]);
    assert_eq!(result(&repo, "docs"), "fail", "the directory is missing");
    sh(&repo, "mkdir docs; echo x > 'docs/a b.md'");
    repo.write(
        "docs/é.md",
        "[r](../README) [a](a%20b.md#x) [w](https://x.org/y) [top](/plan.toml) [d](.)\n",
    );
    assert_eq!(result(&repo, "docs"), "pass");
    repo.write(
        "docs/bad.md",
        "fine\n\n![x](img/none.png) [o](../../etc/passwd)\n\n```\n[code](none)\n```\n",
    );
    let report = gate_of(&repo, "docs");
    assert_eq!((&report["result"], found(&report, "path").len()), (&"fail".into(), 2), "{report}");
    assert_eq!(report["findings"][0]["line"], 3);
}

#[test]
fn s12_documents_are_those_that_the_registry_names_and_no_others() {
    let repo = planned(PLAN);
    repo.git(&["config", "run.gate.docs.registry", "docs/registry.json"]);
    let rules = |repo: &TestRepo| {
        let report = gate_of(repo, "docs");
        (report["result"].as_str().unwrap().to_owned(), found(&report, "rule"))
    };
    // It is set, so it has to be there.
    assert_eq!(rules(&repo), ("fail".into(), vec!["bad-registry".into()]));
    assert!(repo.run(&["gate", "--list"]).ends(0).out.contains("* docs"));
    let doc = |id: &str, path: &str| {
        format!(r#"{{"id":"{id}","path":"{path}","type":"guide","tier":1,"when":["always"]}}"#)
    };
    let registry = |docs: &[String]| {
        sh(&repo, "mkdir -p docs");
        let text = format!(r#"{{"version":1,"docs":[{}]}}"#, docs.join(","));
        repo.write("docs/registry.json", &text);
    };
    repo.write("docs/a.md", "[b](b.md)\n");
    repo.write("docs/b.md", "b\n");
    registry(&[doc("a", "docs/a.md"), doc("b", "docs/b.md")]);
    assert_eq!(rules(&repo), ("pass".into(), vec![]));
    repo.git(&["config", "run.gate.docs.dir", "docs/"]);
    assert_eq!(rules(&repo), ("pass".into(), vec![]));
    repo.write("docs/c.md", "[b](gone.md)\n");
    let (result, found) = rules(&repo);
    assert_eq!((result.as_str(), found.len()), ("fail", 2), "{found:?}");
    assert!(found.contains(&"orphan-document".into()) && found.contains(&"broken-link".into()));
    repo.write("docs/c.md", "c\n");
    registry(&[doc("a", "docs/a.md"), doc("b", "docs/b.md"), doc("c", "docs/gone.md")]);
    let (_, found) = rules(&repo);
    assert_eq!(found, ["missing-document", "orphan-document"]);
    // A registry that is not sound names nothing, and passes nothing.
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"docs":{}}"#,
        r#"{"version":2,"docs":[]}"#,
        r#"{"docs":[1]}"#,
        r#"{"docs":[{"id":"a","path":"docs/a.md","type":"guide","tier":1}]}"#,
        r#"{"docs":[{"id":"a","path":"docs/a.md","type":"guide","when":"now"}]}"#,
        r#"{"docs":[{"id":" ","path":"docs/a.md","type":"guide","tier":1,"when":"now"}]}"#,
        r#"{"docs":[{"id":"a","path":"../a.md","type":"guide","tier":1,"when":"now"}]}"#,
        r#"{"docs":[{"id":"a","path":"/etc/passwd","type":"guide","tier":1,"when":"now"}]}"#,
    ] {
        repo.write("docs/registry.json", bad);
        let (result, found) = rules(&repo);
        assert_eq!((result.as_str(), found[0].as_str()), ("fail", "bad-registry"), "{bad}");
    }
    // Nothing is read through a link.
    sh(&repo, "rm docs/registry.json && ln -s /etc/passwd docs/registry.json");
    assert_eq!(rules(&repo).0, "fail");
    for bad in ["", "../r.json", "/r.json", "docs/", "*.json"] {
        repo.git(&["config", "run.gate.docs.registry", bad]);
        let ran = repo.run(&["gate", "docs"]).ends(1);
        assert!(ran.err.contains("run.gate.docs.registry"), "{bad}: {}", ran.err);
    }
}

#[test]
fn s12_finished_items_leave_reports_that_name_their_files() {
    let with = |report: &str| {
        let repo = TestRepo::scripted(&[(
            "implement",
            &format!("mkdir -p src; echo w > src/a; report '{report}'"),
        )]);
        repo.run(&["sprint-1", "--local"]).ends(0);
        repo
    };
    let repo = with(r#"{"format":1,"summary":"s","files":["src/a"]}"#);
    assert_eq!(result(&repo, "artifacts"), "pass");
    let repo = with(r#"{"format":1,"summary":"s","files":["src/b"]}"#);
    assert_eq!(found(&gate_of(&repo, "artifacts"), "path"), ["src/a"]);
    let repo = with(r#"{"format":1,"summary":"s"}"#);
    assert_eq!(found(&gate_of(&repo, "artifacts"), "rule"), ["no-artifact"]);
    let repo = TestRepo::new();
    repo.plan(support::ONE_SPRINT);
    repo.run(&["sprint-1", "--local"]).ends(0);
    assert_eq!(result(&repo, "artifacts"), "pass", "the agent `steps` names what it changed");
}

#[test]
fn a_gate_that_is_stopped_says_so() {
    let repo = planned(PLAN);
    repo.git(&["config", "run.gate.slow.command", "sleep 60"]);
    let mut words = repo.command("timeout");
    words.args(["--preserve-status", "-s", "INT", "2", support::PROGRAM, "gate", "slow"]);
    let ran = Ran::of(words.output().unwrap()).ends(130);
    assert!(ran.out.starts_with("? slow"), "{}", ran.out);
}

#[test]
fn a_command_that_changes_the_tree_proves_nothing_and_nothing_is_run_after_it() {
    let repo = planned(PLAN);
    commit(&repo, "mkdir src; echo x > src/a; echo built > .gitignore");
    repo.git(&["config", "run.gate.a.command", "echo x > built"]);
    repo.git(&["config", "run.gate.b.command", "echo y > src/a"]);
    repo.git(&["config", "run.gate.c.command", "true"]);
    let set = repo.run(&["gate", "a", "b", "c", "--json"]).ends(1).json();
    let results: Vec<_> = set["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["pass", "unknown", "unknown"], "{set}");
    assert_eq!(found(&set["reports"][1], "rule"), ["tree-changed"]);
    sh(&repo, "git checkout -q src/a");
    repo.git(&["config", "run.gate.b.command", "git commit -q --allow-empty -m sly"]);
    let set = repo.run(&["gate", "b", "--json"]).ends(1).json();
    assert_eq!(set["reports"][0]["result"], "unknown", "a commit changes what is judged");
}

#[test]
fn a_command_is_bounded_in_everything() {
    let repo = planned(PLAN);
    repo.git(&["config", "run.gate.flood.command", "yes"]);
    let report = gate_of(&repo, "flood");
    assert_eq!(
        (&report["result"], &report["evidence"][0]["end"]),
        (&"unknown".into(), &"flooded".into())
    );
    assert!(report.to_string().len() < 100_000);
    // What it leaves running is ended, and does not keep us waiting.
    let mark = repo.root().join("alive");
    let daemon =
        format!("(setsid sh -c 'sleep 3; touch {}' >/dev/null 2>&1 &) ; echo ok", mark.display());
    repo.git(&["config", "run.gate.daemon.command", &daemon]);
    assert_eq!(result(&repo, "daemon"), "pass");
    std::thread::sleep(Duration::from_secs(4));
    assert!(!mark.exists(), "a daemon outlived its gate");
    // It is not told what agents are told, and a secret that it prints is not kept.
    let prints =
        format!("echo {TOKEN}; env | grep -c '^GIT_RUN_\\(REPORT\\|BRIEF\\|STAGE\\)'; true");
    repo.git(&["config", "run.gate.prints.command", &prints]);
    let report = gate_of(&repo, "prints");
    assert_eq!(report["evidence"][0]["tail"], "[redacted]\n0\n");
    assert!(!report.to_string().contains(TOKEN));
}

#[test]
fn settings_that_are_none_are_errors_and_never_allow_anything() {
    let repo = planned(PLAN);
    for (key, value) in [
        ("run.gate.tests.bogus", "x"),
        ("run.gate.scope.command", "true"),
        ("run.gate.Upper.command", "true"),
        ("run.gate.x.timeout", "1m"),
        ("run.gate.x.command", " "),
        ("run.gate.quality.command", "no id"),
        ("run.gate.quality.requiresEnv", "none=X"),
        ("run.protectedPath", "../x"),
        ("run.protectedPath", "*.toml"),
        ("run.gate.docs.dir", "/etc"),
    ] {
        repo.git(&["config", key, value]);
        let ran = repo.run(&["gate", "secrets"]).ends(1);
        assert!(ran.err.to_lowercase().contains(&key[..8].to_lowercase()), "{key}: {}", ran.err);
        repo.git(&["config", "--unset-all", key]);
    }
    repo.run(&["gate", "secrets"]).ends(0);
}

#[test]
fn odd_repositories_are_judged_or_refused_and_never_passed_over() {
    // A detached HEAD is judged by where it left the base.
    let repo = planned(PLAN);
    commit(&repo, "mkdir src; echo x > src/a; echo x > outside");
    repo.git(&["switch", "--quiet", "--detach"]);
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["outside"]);
    // A history that is cut off has no such place.
    let url = format!("file://{}", repo.work.display());
    repo.git(&["clone", "--quiet", "--depth=1", "--branch=feature", &url, "../shallow"]);
    repo.git(&["-C", "../shallow", "config", "run.baseBranch", "main"]);
    repo.run(&["-C", "../shallow", "gate", "scope"]).ends(1);
    // A bare repository has no plan, but commits all the same.
    repo.git(&["clone", "--quiet", "--bare", &url, "../bare"]);
    repo.git(&["--git-dir=../bare", "symbolic-ref", "HEAD", "refs/heads/feature"]);
    repo.run(&["--git-dir", "../bare", "gate", "secrets"]).ends(0);
    repo.run(&["--git-dir", "../bare", "gate", "scope"]).ends(3);
    repo.git(&["config", "run.gate.x.command", "true"]);
    repo.git(&["--git-dir=../bare", "config", "run.gate.x.command", "true"]);
    repo.run(&["--git-dir", "../bare", "gate", "x"]).ends(1);
    // Without a commit there is no range.
    let empty = TestRepo::empty(&[]);
    empty.run(&["gate", "secrets"]).ends(1);
    // In the middle of a merge there is no one tree.
    let repo = planned(PLAN);
    commit(
        &repo,
        "mkdir src; echo x > src/a; git switch -qc other main; mkdir -p src; echo y > src/a",
    );
    commit(&repo, "git switch -q feature; mkdir -p src; echo x > src/a");
    sh(&repo, "! git merge -q other");
    assert_eq!(result(&repo, "scope"), "unknown");
    // What a replacement or a setting hides from git is not hidden here.
    let repo = planned(PLAN);
    commit(&repo, "mkdir src; echo x > src/a; echo x > outside");
    sh(
        &repo,
        "git replace HEAD HEAD~1; git config diff.external false; git config diff.renames copies",
    );
    sh(
        &repo,
        "git config diff.ignoreSubmodules all; git config status.showUntrackedFiles no; echo x > too",
    );
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["outside", "too"]);
    // A pipe in the work tree keeps nobody waiting.
    sh(&repo, "mkfifo src/pipe");
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["outside", "too"]);
    // A repository in the repository is nothing that can be looked into.
    let repo = planned(PLAN);
    sh(
        &repo,
        "mkdir src; echo x > src/a; git init -q src/inner; git -C src/inner commit -q --allow-empty -m x",
    );
    assert_eq!(result(&repo, "scope"), "unknown");
}

#[test]
fn a_submodule_is_a_path_like_any_other_and_what_changes_inside_counts() {
    let repo = planned(PLAN);
    sh(&repo, "git init -q ../sub; git -C ../sub commit -q --allow-empty -m s");
    sh(
        &repo,
        "git -c protocol.file.allow=always submodule --quiet add ../sub outside; git commit -qm sub",
    );
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), [".gitmodules", "outside"]);
    assert_eq!(result(&repo, "secrets"), "pass");
    sh(&repo, "git branch -f main; echo x > outside/new");
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["outside"]);
}

#[test]
fn what_git_was_told_not_to_see_is_seen() {
    let repo = planned(PLAN);
    sh(&repo, "git update-index --assume-unchanged README; echo changed > README");
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["README"]);
    sh(
        &repo,
        "git update-index --no-assume-unchanged README; git update-index --skip-worktree README",
    );
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["README"]);
    // A directory that was made a link leads out of the tree, and is itself the change.
    let repo = planned(PLAN);
    symlink("/etc", repo.work.join("src")).unwrap();
    assert_eq!(found(&gate_of(&repo, "scope"), "path"), ["src"]);
}

#[test]
fn s12_compliance_approves_only_when_everything_passed_for_this_very_tree() {
    let repo = planned(PLAN);
    commit(&repo, "mkdir src; echo x > src/a");
    tests_are(&repo, "test -f src/a");
    let ran = repo.run(&["gate", "compliance"]).ends(0);
    assert!(ran.out.ends_with("APPROVE\n"), "{}", ran.out);
    let out = repo.root().join("out");
    let set = repo.run(&["gate", "--json", "--out", out.to_str().unwrap()]).ends(0).json();
    assert_eq!((&set["verdict"], &set["result"]), (&"APPROVE".into(), &"pass".into()));
    for name in ["scope.json", "scope.md", "compliance.json", "gates.json", "gates.md"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    // Where nothing can be written, that is all that is said.
    let file = out.join("scope.md");
    let ran = repo.run(&["gate", "--json", "--out", file.to_str().unwrap()]).ends(1).json();
    assert!(ran["error"].as_str().unwrap().contains("cannot write into"), "{ran}");
    for report in set["reports"].as_array().unwrap() {
        assert_eq!(gate::json(&gate::read(report).unwrap()), *report, "it can be read again");
    }
    let ran = repo.run(&["gate", "--md"]).ends(0);
    assert!(ran.out.starts_with("# Gates: APPROVE\n"), "{}", ran.out);
    tests_are(&repo, "test -f src/b");
    let ran = repo.run(&["gate"]).ends(3);
    assert!(ran.out.ends_with("REJECT\n"), "{}", ran.out);
}

#[test]
fn reading_gates_write_nothing() {
    let repo = planned(PLAN);
    commit(&repo, "mkdir src; echo x > src/a");
    sh(&repo, "echo y > src/b; git add src/b; echo z > src/c");
    let before = repo.everything();
    for name in
        ["secrets", "deletions", "scope", "parallel", "plan", "protected-paths", "validate-plan"]
    {
        repo.run(&["gate", name]).ends(0);
    }
    assert_eq!(repo.everything(), before);
}

/// Evaluates gates as the engine does: in a process of their own, from a script.
fn executed<'e>(
    repo: &TestRepo,
    ask: impl FnOnce(&mut Asked<'e>),
) -> (Option<i32>, Option<Value>, Value) {
    let status = repo.status();
    let run = RunId::parse(status["run"].as_str().unwrap()).unwrap();
    let from = Oid::parse(&repo.git(&["rev-parse", "main"])).unwrap();
    let (report, file) = (repo.root().join("report.json"), repo.root().join("script.json"));
    let _ = fs::remove_file(&report);
    let kept: &'static _ =
        Box::leak(Box::new((run, from, report, Policy::default(), BTreeMap::new())));
    let (run, from, report, policy, expect) = kept;
    let mut asked = Asked {
        again: false,
        verified: false,
        run,
        from,
        asides: &[],
        gates: &[Check::Secrets, Check::Scope],
        items: &[],
        expect,
        policy,
        papers: Box::leak(Box::default()),
        report,
    };
    ask(&mut asked);
    fs::write(&file, script::script(&asked).to_json()).unwrap();
    let ran = Ran::of(repo.program().arg("execute-gates").arg(&file).output().unwrap());
    let read = |path: &std::path::Path| {
        fs::read_to_string(path).ok().map(|text| serde_json::from_str::<Value>(&text).unwrap())
    };
    (ran.code, read(report), read(&script::beside(report)).unwrap_or_default())
}

#[test]
fn the_engine_gets_a_report_as_from_any_agent_with_the_evidence_beside_it() {
    let repo = TestRepo::scripted(&[("implement", "mkdir -p src; echo w > src/a")]);
    repo.write("plan.toml", PLAN);
    repo.git(&["commit", "--quiet", "-am", "docs: scopes"]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let (code, report, set) = executed(&repo, |_| {});
    let report = report.unwrap();
    assert_eq!((code, &report["verdict"]), (Some(0), &"pass".into()), "{set}");
    assert_eq!(set["reports"].as_array().unwrap().len(), 2);
    // The plan is the frozen one, and the policy the script's: neither file nor setting here counts.
    sh(&repo, "sed -i 's,src/,outside/,' plan.toml; git config run.gate.tests.command true");
    let own = git_run::domain::check::policy::Command {
        command: "exit 1".to_owned(),
        timeout: git_run::domain::time::Span::from_secs(60),
        expect: Expect::Pass,
        versions: Vec::new(),
    };
    let policy = Policy { commands: [("tests".to_owned(), own)].into(), ..Policy::default() };
    let gates = [Check::Scope, Check::Tests, Check::Compliance];
    let (code, report, set) =
        executed(&repo, |asked| (asked.policy, asked.gates) = (&policy, &gates));
    let report = report.unwrap();
    assert_eq!((code, &report["verdict"]), (Some(0), &"revise".into()));
    let rules: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["scope/outside-scope", "tests/command-failed"], "{report}");
    // Tests that must fail.
    sh(&repo, "git checkout -q plan.toml");
    let expect = BTreeMap::from([("tests".to_owned(), Expect::Fail)]);
    let gates = [Check::Tests];
    let (_, report, _) = executed(&repo, |asked| {
        (asked.policy, asked.gates, asked.expect) = (&policy, &gates, &expect)
    });
    assert_eq!(report.unwrap()["verdict"], "pass");
    drop(set);
}

#[test]
fn a_script_that_cannot_be_read_or_names_nothing_leaves_no_report() {
    let repo = TestRepo::scripted(&[]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let (code, report, _) = executed(&repo, |asked| asked.gates = &[]);
    assert_eq!((code, report), (Some(1), None));
    let file = repo.root().join("script.json");
    for text in ["", "{}", "[]"] {
        fs::write(&file, text).unwrap();
        Ran::of(repo.program().arg("execute-gates").arg(&file).output().unwrap()).ends(1);
    }
    Ran::of(repo.program().arg("execute-gates").output().unwrap()).ends(1);
}
