//! Starting, halting and going on: what the older tool of sprints promised about it (§1.1.3, §3.4), and
//! what went wrong there (D3, D4, D10).

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, time::Duration};

use serde_json::Value;
use support::{Ran, TestRepo, scripted::PLAN};

const FAILS: &str = r#"report '{"format":1,"verdict":"fail"}'"#;

fn policy(repo: &TestRepo) -> Value {
    serde_json::from_str(&repo.run(&["show", "policy"]).ends(0).out).unwrap()
}

fn state(repo: &TestRepo) -> String {
    repo.status()["state"].as_str().unwrap().to_owned()
}

#[test]
fn loa_113_what_is_said_at_the_start_is_what_the_run_keeps() {
    let hours = |n: u64| Value::from(n * 3600 * 1000);
    for (words, key, expected) in [
        (&["--local"][..], "cycles_max", Value::from(20)),
        (&["--local"], "run_time_max_ms", hours(8)),
        (&["--local", "--max-cycles", "7"], "cycles_max", Value::from(7)),
        (&["--local", "--timeout", "3"], "run_time_max_ms", hours(3)),
        (&["--local", "--timeout", "90m"], "run_time_max_ms", Value::from(90 * 60 * 1000)),
    ] {
        let repo = TestRepo::scripted(&[]);
        repo.run(&[&["sprint-1"], words].concat()).ends(0);
        assert_eq!(policy(&repo)["limits"][key], expected, "{words:?}");
    }
    for (words, push) in
        [(&["--local"][..], "local"), (&["--confirm-push"], "prompt"), (&[][..], "auto")]
    {
        let repo = TestRepo::scripted(&[]);
        repo.run(&[&["sprint-1"], words].concat()).ends(0);
        assert_eq!(policy(&repo)["push"], push, "{words:?}");
        assert_eq!(repo.status()["branch"], "feature/sprint-1");
    }
    let repo = TestRepo::scripted(&[]);
    repo.run(&["sprint-1", "--local", "--branch", "topic/own"]).ends(0);
    assert_eq!(repo.git(&["symbolic-ref", "--short", "HEAD"]), "topic/own");
    for words in [
        &["--max-cycles", "0"][..],
        &["--max-cycles", "many"],
        &["--timeout", "0"],
        &["--timeout", "soon"],
        &["--timeout"],
        &["--local", "--confirm-push"],
        &["--no-such-flag"],
    ] {
        let ran = repo.run(&[&["sprint-1", "--again"], words].concat()).ends(2);
        assert!(!ran.err.is_empty(), "{words:?}");
    }
}

#[test]
fn loa_113_a_halt_says_why_and_twice_is_once() {
    let repo = TestRepo::scripted(&[]);
    let none = repo.run(&["halt"]).ends(1);
    assert!(none.err.contains("no run"), "{}", none.err);
    repo.run(&["next", "sprint-1", "--local"]).ends(0);
    repo.write("work.txt", "half\n");
    repo.run(&["halt"]).ends(0);
    assert_eq!(state(&repo), "HALTED");
    assert!(repo.status()["halt"]["reason"].as_str().unwrap().contains("manual halt"));
    assert_eq!(repo.read("work.txt"), "half\n");
    let events = repo.events().len();
    repo.run(&["halt", "--reason", "again"]).ends(0);
    assert_eq!(repo.events().len(), events, "what is halted is halted");
    repo.run(&["halt", "--force"]).ends(0);
    let over = repo.run(&["halt"]).ends(1);
    assert!(over.err.contains("JACKED_OUT"), "{}", over.err);
}

#[test]
fn loa_113_loa_34_only_what_is_halted_goes_on_and_on_its_own_branch() {
    let repo = TestRepo::scripted(&[("audit", FAILS)]);
    assert!(repo.run(&["resume"]).ends(1).err.contains("no run"));
    repo.run(&["sprint-1", "--local"]).ends(5);
    assert_eq!(state(&repo), "HALTED");
    // Another branch is checked out: nothing is built on it, and it is said how to go back.
    repo.git(&["switch", "--quiet", "main"]);
    let main = repo.git(&["rev-parse", "main"]);
    let ran = repo.run(&["resume"]).ends(5);
    let why = repo.status()["halt"]["reason"].as_str().unwrap().to_owned();
    assert!(why.contains("git switch feature/sprint-1"), "{why}{}", ran.err);
    assert_eq!((repo.calls("audit"), repo.git(&["rev-parse", "main"])), (1, main));
    repo.git(&["switch", "--quiet", "feature/sprint-1"]);
    repo.agent("audit", "pass");
    repo.run(&["resume"]).ends(0);
    // At the stage where it was: what was built and reviewed is neither built nor reviewed again.
    assert_eq!((repo.calls("implement"), repo.calls("review"), repo.calls("audit")), (1, 1, 2));
    let ran = repo.run(&["resume"]).ends(1);
    assert!(ran.err.contains("JACKED_OUT"), "{}", ran.err);
}

#[test]
fn loa_33_d3_findings_that_alternate_or_change_a_number_open_the_breaker() {
    let two =
        r#"[ $((calls % 2)) = 0 ] && revise 'the sum is wrong' || revise 'no test for nothing'"#;
    let dated = r#"revise "line $calls at 2024-01-0$calls 10:0$calls:00 is unused""#;
    for (review, most) in [(two, 5), (dated, 3)] {
        let repo =
            TestRepo::scripted(&[("implement", "echo $calls > work.txt"), ("review", review)]);
        repo.git(&["config", "run.breaker.plateau", "99"]);
        repo.run(&["sprint-1", "--local"]).ends(4);
        let why = repo.status()["breaker"].to_string();
        assert!(why.contains("the same finding was reported in 3"), "{why}");
        assert_eq!(repo.calls("review"), most, "{review}");
        // A second trip is written beside the first, and takes nothing of it away.
        repo.run(&["resume", "--reset-ice"]).ends(4);
        assert_eq!(repo.recorded("breaker-opened").len(), 2);
        let told = repo.run(&["log"]).ends(0).out;
        assert_eq!(told.matches("breaker opened").count(), 2, "{told}");
    }
}

#[test]
fn loa_114_d3_time_that_it_stood_still_is_no_time_that_it_ran() {
    let repo = TestRepo::scripted(&[("audit", FAILS)]);
    repo.run(&["sprint-1", "--local", "--timeout", "4s"]).ends(5);
    std::thread::sleep(Duration::from_millis(4200));
    repo.agent("audit", "pass");
    // Without --reset-ice, which is for a breaker that opened.
    repo.run(&["resume"]).ends(0);
    let ran = repo.status()["elapsed_ms"].as_u64().unwrap();
    assert!(ran < 4000, "{ran}");
}

#[test]
fn d4_a_halt_sends_nothing_asks_no_forge_and_takes_no_secret_along() {
    for words in [&["sprint-1", "--local"][..], &["sprint-1"]] {
        let slow = "echo work > work.txt; echo KEY=1 > .env; touch \"$HOME/begun\"; sleep 60";
        let repo = TestRepo::scripted(&[("implement", slow)]);
        repo.remote();
        let bin = repo.root().join("bin");
        fs::create_dir(&bin).unwrap();
        repo.script(&bin.join("gh"), "#!/bin/sh\necho \"$@\" >> \"$HOME/forge\"\n");
        let working = repo.begin(words);
        repo.await_file("begun");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let halt = repo.program().env("PATH", path).args(["halt", "--force"]).output().unwrap();
        Ran::of(halt).ends(0);
        working.ended().ends(5);
        assert_eq!(state(&repo), "HALTED");
        assert_eq!(repo.remote_refs(), ["refs/heads/main"], "{words:?}");
        assert!(!repo.root().join("forge").exists());
        let kept = repo.git(&["ls-tree", "-r", "--name-only", "HEAD"]);
        assert!(kept.contains("work.txt") && !kept.contains(".env"), "{kept}");
        assert_eq!(repo.read(".env"), "KEY=1\n");
    }
}

#[test]
fn d10_nothing_is_held_when_a_start_is_over_however_it_ended() {
    let repo = TestRepo::scripted(&[("implement", "touch \"$HOME/begun\"; sleep 60")]);
    // Refused before anything began, twice; then killed; then gone on with; then anew.
    repo.git(&["config", "run.enabled", "false"]);
    repo.run(&["sprint-1", "--local"]).ends(1);
    repo.run(&["sprint-1", "--local"]).ends(1);
    repo.git(&["config", "--unset", "run.enabled"]);
    repo.run(&["sprint-1", "--local", "--branch", "main"]).ends(3);
    let working = repo.begin(&["sprint-1", "--local"]);
    repo.await_file("begun");
    working.signal("-KILL");
    working.ended();
    assert_eq!(repo.status()["held"], false);
    repo.agent("implement", "echo work > work.txt");
    repo.run(&["resume"]).ends(0);
    assert_eq!((state(&repo).as_str(), &repo.status()["held"]), ("JACKED_OUT", &false.into()));
    repo.git(&["switch", "--quiet", "main"]);
    repo.plan(&PLAN.replace("Make it", "Make it twice"));
    repo.run(&["sprint-1", "--local", "--again", "--branch", "feature/two"]).ends(0);
}

#[test]
fn loa_33_a_breaker_begins_closed_with_the_limits_that_were_asked_for() {
    let repo = TestRepo::scripted(&[("implement", FAILS)]);
    repo.run(&["sprint-1", "--local", "--max-cycles", "10", "--timeout", "12"]).ends(5);
    let status = repo.status();
    assert_eq!((&status["breaker"]["state"], &status["calls"]), (&"closed".into(), &1.into()));
    assert_eq!(status["timeout_ms"], 12 * 3600 * 1000);
    assert_eq!(policy(&repo)["limits"]["cycles_max"], 10);
}

#[test]
fn loa_114_d4_a_breaker_that_opens_sends_nothing() {
    let repo = TestRepo::scripted(&[("review", "revise same"), ("implement", "echo $calls > w")]);
    repo.remote();
    repo.run(&["sprint-1"]).ends(4);
    assert_eq!(state(&repo), "HALTED");
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "what was built is committed");
}
