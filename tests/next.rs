//! A run that is driven by whoever asks: handed out step by step, beside the loop on the same journal.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{io::Write as _, process::Stdio};

use serde_json::{Value, json};
use support::{ONE_SPRINT, Ran, TestRepo};

fn next(repo: &TestRepo, words: &[&str]) -> Value {
    repo.run(&[&["next", "--json"], words].concat()).ends(0).json()
}

fn hand_in(repo: &TestRepo, words: &[&str], report: &str) -> Ran {
    let mut command = repo.program();
    command.args(["report", "--json"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // What is too long is not read to its end.
    let _ = child.stdin.take().unwrap().write_all(report.as_bytes());
    Ran::of(child.wait_with_output().unwrap())
}

fn report(verdict: Option<&str>) -> String {
    json!({ "format": 1, "summary": "done", "verdict": verdict }).to_string()
}

fn step(answer: &Value) -> String {
    let step = &answer["step"];
    format!("{} {} {} {}", step["item"], step["stage"], step["cycle"], step["duty"])
        .replace('"', "")
}

fn unset() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    // Nobody is called, so nobody has to be set.
    repo.git(&["config", "--file", "../gitconfig", "--unset", "run.agent"]);
    repo
}

#[test]
fn a_run_is_driven_step_by_step_to_its_end() {
    let repo = unset();
    repo.run(&["next"]).ends(2);
    let first = next(&repo, &["sprint-1", "--local"]);
    assert_eq!(step(&first), "sprint-1 implement 1 build");
    assert!(first["step"]["brief"].as_str().unwrap().contains("git run report --call 1"));
    assert_eq!(first["step"]["report_schema"]["type"], "object");
    // It is the same as long as nothing came of it.
    assert_eq!(next(&repo, &[]), first);
    assert_eq!(next(&repo, &["sprint-1"]), first);
    repo.write("work.txt", "done\n");
    let review = hand_in(&repo, &["--call", "1"], &report(None)).ends(0).json();
    assert_eq!(
        (step(&review), &review["recorded"]),
        ("sprint-1 review 1 judge".into(), &true.into())
    );
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "what was left is committed");
    let audit = hand_in(&repo, &["--call", "2"], &report(Some("pass"))).ends(0).json();
    assert_eq!(step(&audit), "sprint-1 audit 1 judge");
    let end = hand_in(&repo, &["--call", "3"], &report(Some("pass"))).ends(0).json();
    assert_eq!((&end["state"], &end["step"]), (&"JACKED_OUT".into(), &Value::Null));
    repo.run(&["verify"]).ends(0);
}

#[test]
fn a_report_is_taken_once_and_out_of_order_is_refused_with_the_reason() {
    let repo = unset();
    let refused = |words: &[&str], text: &str, code: i32, why: &str| {
        let before = repo.refs("refs/run/");
        let seq = repo.run(&["log", "--json"]).out.lines().count();
        let ran = hand_in(&repo, words, text).ends(code);
        assert!(ran.out.contains(why) || ran.err.contains(why), "{why}: {} {}", ran.out, ran.err);
        assert_eq!(
            (repo.refs("refs/run/"), repo.run(&["log", "--json"]).out.lines().count()),
            (before, seq)
        );
    };
    next(&repo, &["sprint-1", "--local"]);
    refused(&["--call", "2"], &report(None), 3, "call 1");
    refused(&[], "{", 1, "cannot be read");
    refused(&[], "{\"format\":9}", 1, "format 9");
    refused(&[], &"x".repeat(2 << 20), 1, "longer");
    repo.write("work.txt", "done\n");
    hand_in(&repo, &["--call", "1"], &report(None)).ends(0);
    let again = hand_in(&repo, &["--call", "1"], &report(None)).ends(0).json();
    assert_eq!(again["recorded"], false);
    refused(&["--call", "2"], &report(None), 1, "verdict");
    hand_in(&repo, &[], &report(Some("pass"))).ends(0);
    hand_in(&repo, &[], &report(Some("pass"))).ends(0);
    refused(&[], &report(Some("pass")), 3, "JACKED_OUT");
}

#[test]
fn findings_lead_back_and_a_judge_that_changes_the_tree_has_judged_nothing() {
    let repo = unset();
    next(&repo, &["sprint-1", "--local"]);
    repo.write("work.txt", "one\n");
    hand_in(&repo, &[], &report(None)).ends(0);
    let findings = json!({
        "format": 1, "summary": "no", "verdict": "revise",
        "findings": [{ "rule": "missing-test", "message": "write one" }],
    });
    let back = hand_in(&repo, &[], &findings.to_string()).ends(0).json();
    assert_eq!(step(&back), "sprint-1 implement 2 build");
    assert!(back["step"]["brief"].as_str().unwrap().contains("write one"));
    repo.write("work.txt", "two\n");
    hand_in(&repo, &[], &report(None)).ends(0);
    repo.write("work.txt", "a judge's\n");
    let again = hand_in(&repo, &[], &report(Some("pass"))).json();
    assert_ne!(step(&again), "sprint-1 audit 2 judge", "{again}");
}

#[test]
fn the_loop_and_whoever_drives_by_hand_alternate_on_one_run() {
    let repo = TestRepo::scripted(&[]);
    let first = next(&repo, &["sprint-1", "--local"]);
    assert_eq!(step(&first), "sprint-1 implement 1 build");
    let status = repo.run(&["status"]).ends(0).out;
    assert!(status.contains("handed out") && status.contains("git run report"), "{status}");
    // The loop takes over; what was handed out counts no more.
    repo.run(&["resume"]).ends(0);
    let late = hand_in(&repo, &["--call", "1"], &report(None)).ends(3);
    assert!(late.err.contains("JACKED_OUT") || late.out.contains("JACKED_OUT"), "{}", late.err);
    repo.run(&["verify"]).ends(0);

    // And the other way round: the loop begins, is halted, and a person goes on.
    let repo = TestRepo::scripted(&[("review", "git run halt --reason lunch >/dev/null; pass")]);
    let _ = repo.run(&["sprint-1", "--local"]);
    assert_eq!(repo.status()["state"], "HALTED");
    let hint = repo.run(&["next"]).ends(5);
    assert!(hint.err.contains("git run next --resume"), "{}", hint.err);
    let mut agent = repo.program();
    agent.env("CLAUDECODE", "1").args(["next", "--resume"]);
    Ran::of(agent.output().unwrap()).ends(3);
    let step = next(&repo, &["--resume"]);
    assert_eq!(step["step"]["stage"], "audit", "{step}");
    let end = hand_in(&repo, &[], &report(Some("pass"))).ends(0).json();
    assert_eq!(end["state"], "JACKED_OUT");
}

#[test]
fn one_that_is_held_is_handed_out_to_nobody() {
    let repo = TestRepo::scripted(&[(
        "implement",
        "git run next > ../next.out 2>&1; echo $? > ../next.code; echo work > work.txt",
    )]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let code = std::fs::read_to_string(repo.root().join("next.code")).unwrap();
    let said = std::fs::read_to_string(repo.root().join("next.out")).unwrap();
    assert_eq!(code.trim(), "6", "{said}");
}

#[test]
fn a_lost_context_is_found_again_within_so_many_tokens() {
    let repo = TestRepo::scripted(&[("review", "revise $calls"), ("audit", "pass")]);
    let _ = repo.run(&["sprint-1", "--local", "--max-cycles", "2"]);
    repo.write("being-written.txt", "x\n");
    let whole = repo.run(&["status", "--for-agent", "--budget", "4000"]).ends(0).out;
    for key in [
        "run: ",
        "goal: ",
        "halted: ",
        "branch: ",
        "file: being-written.txt",
        "left: ",
        "undo: ",
        "next: ",
    ] {
        assert!(whole.contains(key), "{key} in\n{whole}");
    }
    assert_eq!(whole, repo.run(&["status", "--for-agent", "--budget", "4000"]).ends(0).out);
    for budget in [0, 20, 60, 200, 1000] {
        let text =
            repo.run(&["status", "--for-agent", "--budget", &budget.to_string()]).ends(0).out;
        assert!(text.len() <= (budget * 3).max(60), "{budget}: {text}");
        assert!(text.lines().last().unwrap().starts_with("next: "), "{text}");
        let twin = ["status", "--for-agent", "--json", "--budget", &budget.to_string()];
        let twin = repo.run(&twin).ends(0).json();
        let lines = twin["lines"].as_array().unwrap();
        let again: String = lines
            .iter()
            .map(|line| {
                format!("{}: {}\n", line["key"].as_str().unwrap(), line["text"].as_str().unwrap())
            })
            .collect();
        assert_eq!(again, text);
        assert_eq!(
            twin["left_out"].as_u64().unwrap() as usize + lines.len(),
            whole.lines().count()
        );
    }
    // The same was kept with the event that halted it.
    let kept = repo.git(&["ls-tree", "-r", "--name-only", &repo.journal(), "artifacts/hand-over/"]);
    assert_eq!(kept.lines().count(), 1, "{kept}");
    let text = repo.run(&["show", kept.trim()]).ends(0).out;
    assert!(text.contains("halted: ") && text.contains("next: git run resume"), "{text}");
    repo.run(&["verify"]).ends(0);
}

#[test]
fn whoever_goes_on_finds_a_hand_over_when_a_budget_is_nearly_used_up() {
    let usage = r#"{"format":1,"usage":{"input_tokens":86,"output_tokens":0}}"#;
    let implement = format!("echo work > work.txt; report '{usage}'");
    let repo = TestRepo::scripted(&[("implement", &implement)]);
    let _ = repo.run(&["sprint-1", "--local", "--budget-tokens", "100"]);
    let tree = ["ls-tree", "-r", "--name-only", &repo.journal(), "artifacts/hand-over/"];
    let kept = repo.git(&tree);
    let first = kept.lines().next().unwrap_or_default();
    assert!(!first.is_empty(), "{}", repo.run(&["log"]).out);
    let text = repo.run(&["show", first]).ends(0).out;
    assert!(text.contains("left: ") && text.contains("14 of 100 tokens"), "{text}");
}
