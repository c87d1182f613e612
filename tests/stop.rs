//! `git run hook <agent> stop`: an agent that was handed a step is kept once, and nobody else is.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{io::Write as _, process::Stdio};

use serde_json::{Value, json};
use support::{ONE_SPRINT, Ran, TestRepo};

fn told(repo: &TestRepo, agent: &str, input: &str) -> Ran {
    let mut command = repo.program();
    command.current_dir(repo.root()).args(["hook", agent, "stop"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::of(child.wait_with_output().unwrap()).ends(0)
}

/// What Claude Code sends, with more.
fn claude(repo: &TestRepo, more: &Value) -> Ran {
    let mut said = json!({
        "session_id": "0679c82c", "transcript_path": "/t.jsonl", "cwd": repo.work,
        "hook_event_name": "Stop", "stop_hook_active": false,
    });
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    told(repo, "claude", &said.to_string())
}

#[track_caller]
fn silent(ran: &Ran) {
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

/// A step of the run is handed out, as to an agent in its own session.
fn at_work() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.run(&["next", "sprint-1", "--local", "--json"]).ends(0);
    repo
}

#[test]
fn loa_35_loa_118_an_agent_with_a_step_of_its_own_is_kept_once() {
    let repo = at_work();
    let tip = repo.git(&["rev-parse", &repo.journal()]);
    let said = claude(&repo, &json!({})).json();
    assert_eq!(said["decision"], "block");
    let reason = said["reason"].as_str().unwrap();
    for part in ["sprint-1 implement (cycle 1)", "git run report", "git run halt"] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert!(!reason.contains("background"), "{reason}");
    // Once it was told, it goes: nobody is kept for ever.
    silent(&claude(&repo, &json!({ "stop_hook_active": true })));
    for agent in ["codex", "gemini", "opencode"] {
        let ran = told(&repo, agent, &json!({ "cwd": repo.work }).to_string());
        assert!(ran.out.contains("git run report"), "{agent}: {}", ran.out);
    }
    assert_eq!(repo.git(&["rev-parse", &repo.journal()]), tip, "asking writes nothing");
}

#[test]
fn loa_35_tasks_in_the_background_are_named_where_a_step_is_handed_out() {
    let repo = at_work();
    let tasks = json!({ "background_tasks": ["t-1", { "id": "t-2" }, 7] });
    let said = claude(&repo, &tasks).json();
    assert!(said["reason"].as_str().unwrap().contains("background: t-1, t-2."), "{said}");
    for none in [json!([]), json!("t-1"), json!(null)] {
        let said = claude(&repo, &json!({ "background_tasks": none })).json();
        assert!(!said["reason"].as_str().unwrap().contains("background"), "{said}");
    }
    // Without a run they are nobody's business here.
    silent(&claude(&TestRepo::new(), &tasks));
}

#[test]
fn loa_35_nobody_else_is_kept() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    silent(&claude(&repo, &json!({})));
    silent(&told(&repo, "claude", r#"{"cwd":"/"}"#));
    repo.run(&["sprint-1", "--local", "--quiet"]).ends(0);
    silent(&claude(&repo, &json!({})));
    // Halted, by whoever was handed the step.
    let repo = at_work();
    repo.run(&["halt", "--force", "--reason", "lunch"]).ends(0);
    silent(&claude(&repo, &json!({})));
    // What cannot be read keeps nobody, and neither does who is nobody's agent.
    let repo = at_work();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let much = format!(r#"{{"cwd":"{}","x":"{}"}}"#, repo.work.display(), "y".repeat(2_000_000));
    for odd in
        ["", "garbage", "[]", "7", r#"{"cwd":7}"#, r#"{"cwd":"/nowhere/at/all"}"#, &deep, &much]
    {
        silent(&told(&repo, "claude", odd));
    }
    // One that cannot be written to is not waited for, and a journal that is none is one line.
    let line = format!("echo '{{}}' | '{}' hook claude stop > /dev/full", support::PROGRAM);
    Ran::of(repo.command("sh").args(["-c", &line]).output().unwrap()).ends(0);
    let blob = repo.git(&["hash-object", "-w", "README"]);
    std::fs::write(repo.work.join(".git").join(repo.journal()), format!("{blob}\n")).unwrap();
    let ran = claude(&repo, &json!({}));
    assert!(ran.out.is_empty() && ran.err.lines().count() <= 1, "{}", ran.err);
    let repo = at_work();
    let ran = told(&repo, "nobody", "{}");
    assert_eq!((ran.out.as_str(), ran.err.lines().count()), ("", 1));
    // An agent that the loop called is the loop's.
    let asks = format!(
        "echo '{{}}' | '{}' hook claude stop > \"$HOME/said\"; echo work > work.txt",
        support::PROGRAM
    );
    let repo = TestRepo::scripted(&[("implement", &asks)]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    assert_eq!(std::fs::read_to_string(repo.root().join("said")).unwrap(), "");
}
