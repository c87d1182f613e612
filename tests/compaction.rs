//! `git run hook <agent> pre-compact`: what is kept before an agent forgets, and that it never stands in
//! the agent's way.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, io::Write as _, process::Stdio};

use support::{ONE_SPRINT, Ran, TestRepo};

fn told(repo: &TestRepo, agent: &str, input: &str) -> Ran {
    let mut command = repo.program();
    // The hook goes where the agent says that it works.
    command.current_dir(repo.root()).args(["hook", agent, "pre-compact"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::of(child.wait_with_output().unwrap()).ends(0)
}

/// What Claude Code sends.
fn claude(repo: &TestRepo) -> Ran {
    let cwd = repo.work.display();
    let said = format!(
        r#"{{"session_id":"0679c82c","transcript_path":"/t.jsonl","cwd":"{cwd}","hook_event_name":"PreCompact","trigger":"auto","custom_instructions":""}}"#
    );
    told(repo, "claude", &said)
}

/// A step of the run is handed out, as to an agent in its own session.
fn at_work() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.run(&["start", "sprint-1", "--dry-run"]).ends(0);
    let ran = repo.run(&["next", "sprint-1", "--local", "--json"]).ends(0);
    assert_eq!(ran.json()["step"]["stage"], "implement");
    repo
}

fn hand_overs(repo: &TestRepo) -> Vec<String> {
    let journal = repo.journal();
    let out = repo.git(&["ls-tree", "-r", "--name-only", &journal, "artifacts/hand-over/"]);
    out.lines().map(str::to_owned).collect()
}

#[test]
fn loa_118_f1_cwf_the_hand_over_is_kept_once_and_again_when_something_else_is_to_be_said() {
    let repo = at_work();
    let ran = claude(&repo);
    assert!(ran.out.starts_with("Keep this in the summary: the work here is run "), "{}", ran.out);
    assert!(ran.out.contains("\nposition: sprint-1 implement cycle 1 attempt 1, handed out\n"));
    assert_eq!(ran.err, "");
    let kept = hand_overs(&repo);
    assert_eq!(kept.len(), 1);
    let text = repo.git(&["show", &format!("{}:{}", repo.journal(), kept[0])]);
    assert!(text.contains("goal: sprint-1 of P"), "{text}");
    let tip = repo.git(&["rev-parse", &repo.journal()]);
    assert_eq!(claude(&repo).out, ran.out);
    assert_eq!(repo.git(&["rev-parse", &repo.journal()]), tip, "the same is kept once");
    repo.write("done.txt", "done\n");
    assert!(claude(&repo).out.contains("file: done.txt"));
    assert_eq!(hand_overs(&repo).len(), 2);
    let log = repo.run(&["log"]).ends(0).out;
    assert_eq!(log.matches("claude is about to compact its context").count(), 2, "{log}");
    // The step that was handed out is still the one that is reported on.
    let report = repo.root().join("report.json");
    fs::write(&report, r#"{"format":1,"summary":"done"}"#).unwrap();
    repo.run(&["report", "--file", report.to_str().unwrap()]).ends(0);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn f1_each_agent_is_answered_in_its_own_format() {
    let repo = at_work();
    let cwd = format!(r#"{{"cwd":"{}"}}"#, repo.work.display());
    for agent in ["codex", "gemini"] {
        let said = told(&repo, agent, &cwd).json();
        assert!(said["systemMessage"].as_str().unwrap().contains("status --for-agent"));
    }
    assert!(told(&repo, "opencode", &cwd).out.contains("status --for-agent"));
}

#[test]
fn nothing_is_said_or_written_where_no_run_is_under_way() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    let ran = claude(&repo);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    repo.run(&["sprint-1", "--local", "--quiet"]).ends(0);
    let tip = repo.git(&["rev-parse", &repo.journal()]);
    repo.run(&["halt", "--force"]);
    let now = repo.git(&["rev-parse", &repo.journal()]);
    let ran = claude(&repo);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{tip}");
    assert_eq!(repo.git(&["rev-parse", &repo.journal()]), now);
    // And outside of any repository.
    let ran = told(&repo, "claude", r#"{"cwd":"/"}"#);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn whatever_goes_wrong_is_one_line_and_never_a_no() {
    let repo = at_work();
    let ran = told(&repo, "nobody", "{}");
    assert_eq!(ran.err, "no hand-over was kept: the agents are claude, codex, gemini, opencode\n");
    for odd in ["", "not json", r#"{"cwd":7}"#, r#"{"cwd":"/nowhere/at/all"}"#] {
        assert_eq!(told(&repo, "claude", odd).err, "", "{odd}");
    }
    // A journal that cannot be read.
    let journal = repo.journal();
    let blob = repo.git(&["hash-object", "-w", "README"]);
    let path = repo.work.join(".git").join(&journal);
    fs::write(&path, format!("{blob}\n")).unwrap();
    let ran = claude(&repo);
    assert!(ran.err.lines().count() <= 1, "{}", ran.err);
}
