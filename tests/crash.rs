//! Killed at every write, and at any time: nothing acknowledged is lost, nothing is done twice, and
//! the next command goes on without anybody mending anything.
//!
//! `GIT_RUN_TESTS=long` sweeps every single point and kills 500 times at random.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests, which read the environment by themselves"
)]

mod support;

use std::{
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use support::{Ran, TestRepo, text};

/// Two cycles: review finds something in the first one. Every step leaves a line outside of the repository.
const PLAN: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "Make done.txt"
[sprint.task.steps]
implement = ["echo implement >> \"$HOME/steps\"; echo half > done.txt"]
fix = ["echo fix >> \"$HOME/steps\"; echo done > done.txt"]
review = ["echo review >> \"$HOME/steps\"; grep -q done done.txt"]
audit = ["echo audit >> \"$HOME/steps\"; test -f done.txt"]
"#;

fn long() -> bool {
    std::env::var("GIT_RUN_TESTS").is_ok_and(|tests| tests == "long")
}

fn planned() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(PLAN);
    repo
}

/// Starts the run and lets it die; what it had told by then, and whether it died.
fn started(repo: &TestRepo, crash_at: usize) -> (Vec<String>, bool) {
    let output = repo
        .program()
        .args(["sprint-1", "--local"])
        .env("GIT_RUN_CRASH_AT", crash_at.to_string())
        .output()
        .unwrap();
    let died = output.status.signal() == Some(9);
    assert!(died || output.status.success(), "{}", text(&output.stderr));
    (told(&text(&output.stderr)), died)
}

/// The events that were acknowledged: each is told after it is durable.
fn told(err: &str) -> Vec<String> {
    let is_event = |line: &&str| !line.starts_with("going on") && !line.starts_with("note: ");
    err.lines().filter(is_event).map(str::to_owned).collect()
}

/// Everything that must hold after a death, and after going on from it.
fn holds(repo: &TestRepo, told: &[String], what: &str) {
    repo.git(&["fsck", "--strict", "--no-dangling"]);
    repo.run(&["status"]).ends(0);
    let log = repo.run(&["log"]).ends(0).out;
    for line in told {
        assert!(log.contains(line.as_str()), "{what}: lost: {line}\n{log}");
    }
    // Going on is the same command again; a run that had ended needs no going on.
    if repo.run(&["status", "--json"]).ends(0).json()["state"] != "JACKED_OUT" {
        repo.run(&["sprint-1", "--local"]).ends(0);
    }
    let status = repo.run(&["status", "--json"]).ends(0).json();
    assert_eq!(status["state"], "JACKED_OUT", "{what}: {status}");
    assert_eq!(repo.read("done.txt"), "done\n", "{what}");
    repo.run(&["verify"]).ends(0);
    repo.git(&["fsck", "--strict", "--no-dangling"]);
    let subjects = repo.git(&["log", "--reverse", "--format=%s", "main..feature/sprint-1"]);
    let works: Vec<_> = subjects.lines().filter(|subject| !subject.starts_with("wip")).collect();
    let expected =
        ["feat(sprint-1): implement sprint-1", "fix(sprint-1): answer the findings of cycle 1"];
    assert_eq!(works, expected, "{what}: work was committed twice or not at all");
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "{what}: the tree is not clean");
    for commit in repo.git(&["rev-list", "main..feature/sprint-1"]).lines() {
        let note = repo.git(&["notes", "--ref=run", "show", commit]);
        assert_eq!(note.lines().count(), 1, "{what}: {note}");
    }
    let locks = repo.git(&["for-each-ref", "--format=%(refname)", "refs/run"]);
    assert!(!locks.contains(".lock"), "{locks}");
}

#[test]
fn loa_112_a_run_that_is_killed_at_any_write_ends_as_if_it_had_not_been() {
    let whole = planned();
    let log = whole.root().join("points");
    let output = whole
        .program()
        .args(["sprint-1", "--local"])
        .env("GIT_RUN_CRASH_AT", "0")
        .env("GIT_RUN_CRASH_LOG", &log)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let points = std::fs::read_to_string(&log).unwrap().lines().count();
    assert!(100 < points, "only {points} points: the sweep would prove little");
    let step = if long() { 1 } else { points.div_ceil(48) };
    let next = AtomicUsize::new(1);
    let deaths = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(step, Ordering::SeqCst);
                    if points < at {
                        return;
                    }
                    let repo = planned();
                    let (told, died) = started(&repo, at);
                    assert!(died, "point {at} of {points} was not met");
                    deaths.fetch_add(1, Ordering::SeqCst);
                    holds(&repo, &told, &format!("killed at point {at} of {points}"));
                }
            });
        }
    });
    assert_eq!(
        deaths.load(Ordering::SeqCst),
        points.div_ceil(step),
        "the sweep must reach every point"
    );
}

#[test]
fn a_run_that_is_killed_again_and_again_at_any_time_still_gets_to_its_end() {
    let rounds = if long() { 500 } else { 40 };
    let next = AtomicUsize::new(0);
    let deaths = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::SeqCst) < rounds {
                    deaths.fetch_add(killed_at_random(), Ordering::SeqCst);
                }
            });
        }
    });
    let deaths = deaths.load(Ordering::SeqCst);
    assert!(rounds / 2 < deaths, "only {deaths} deaths in {rounds} rounds prove little");
}

/// Kills the run once or twice, and lets it end. How often it really died.
fn killed_at_random() -> usize {
    let repo = planned();
    let (mut lines, mut deaths) = (Vec::new(), 0);
    for _ in 0..2 {
        let mut child = repo
            .program()
            .args(["sprint-1", "--local"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(random(350)));
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        lines.extend(told(&text(&output.stderr)));
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.signal(), Some(9), "{}", text(&output.stderr));
        deaths += 1;
        // The agent's supervisor notices the death by itself; a resume in between is refused, not wrong.
        wait_until_free(&repo);
    }
    // What was cut in the middle of a line was not told.
    let told: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let (cut, whole): (Vec<_>, Vec<_>) = told.into_iter().partition(|line| line.len() < 8);
    drop(cut);
    holds(&repo, &whole, "killed at random");
    deaths
}

/// Until the stage that was at work is seen to be gone.
fn wait_until_free(repo: &TestRepo) {
    for _ in 0..100 {
        let ran: Ran = repo.run(&["status", "--porcelain"]).ends(0);
        if ran.out.contains("held no") || ran.out.starts_with("run -") {
            thread::sleep(Duration::from_millis(60));
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn random(max: u64) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) % max
}
