//! A runner that is killed while tasks are built side by side: nothing that any of them left is lost,
//! nobody goes on in its work tree, and the next command goes on without anybody mending anything.
//!
//! `GIT_RUN_TESTS=long` sweeps every single point.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use support::{
    lanes::{FOUR, PLAIN, TWO, holds, lanes, scene, trees, words},
    scripted::{eventually, works},
};

/// How long everybody's `cargo test` sweeps.
const TIME: Duration = Duration::from_secs(35);
const THREADS: usize = 2;

#[test]
fn a_runner_that_is_killed_loses_nothing_and_leaves_nobody() {
    let script = "echo $$ > \"$HOME/pid.$GIT_RUN_ITEM\"; d=$(echo $GIT_RUN_ITEM | tr A-Z a-z); mkdir -p $d\n\
        if lane; then echo half > $d/made; echo un > $d/un; git add $d/made\n\
        touch \"$HOME/at.$GIT_RUN_ITEM\"; sleep 60; fi; echo whole > $d/made";
    let repo = scene(&TWO, script);
    let words = words(&repo, 2);
    let working = repo.begin(&words.iter().map(String::as_str).collect::<Vec<_>>());
    repo.await_file("at.A");
    repo.await_file("at.B");
    working.signal("-KILL");
    let _ = working.ended();
    let gone = |item: &str| {
        let pid = fs::read_to_string(repo.root().join(format!("pid.{item}"))).unwrap();
        eventually("the end of an agent", || !works(&pid));
    };
    gone("A");
    gone("B");
    let left = trees(&repo);
    assert_eq!(left.len(), 2);
    let told = repo.run(&["status"]).ends(0).out;
    assert!(told.contains("lane      A in doubt"), "{told}");
    assert!(!told.contains("(git run gc)"), "{told}");
    // What came of them is for the run to tell: nobody tidies them up before.
    let told = repo.run(&["gc"]).ends(0).out;
    assert!(told.contains("is not written down yet") || told.contains("at work in it"), "{told}");
    assert_eq!(trees(&repo), left);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The supervisors may need a moment to see that nobody is there any more.
    eventually("a run that goes on", || {
        let ran = repo.run(&words);
        assert!(ran.code == Some(0) || ran.err.contains("still at work"), "{}", ran.err);
        ran.code == Some(0)
    });
    assert_eq!(lanes(&repo), "A:dropped B:dropped");
    for (path, line) in [("a/made", "half"), ("b/made", "half"), ("a/un", "un"), ("b/un", "un")] {
        holds(&repo, path, line);
    }
    assert_eq!(trees(&repo), Vec::<PathBuf>::new());
    assert_eq!((repo.read("a/made"), repo.read("b/made")), ("whole\n".into(), "whole\n".into()));
    repo.run(&["verify"]).ends(0);
}

/// The points of a whole run, by their names.
fn points() -> Vec<String> {
    let repo = scene(&FOUR[..3], PLAIN);
    let log = repo.root().join("points");
    let counted = repo
        .program()
        .args(words(&repo, 2))
        .env("GIT_RUN_CRASH_AT", "0")
        .env("GIT_RUN_CRASH_LOG", &log)
        .output()
        .unwrap();
    assert!(counted.status.success(), "{}", support::text(&counted.stderr));
    fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect()
}

/// Three tasks, two at once, killed there; then gone on with as anybody would.
fn killed_at(point: usize) {
    let repo = scene(&FOUR[..3], PLAIN);
    let own = words(&repo, 2);
    let crash =
        repo.program().args(&own).env("GIT_RUN_CRASH_AT", point.to_string()).output().unwrap();
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    if !crash.status.success() {
        eventually("a run that goes on", || {
            let ran = repo.run(&own);
            let waits = ran.err.contains("still at work") || ran.err.contains("is at work");
            assert!(ran.code == Some(0) || waits, "point {point}: {}", ran.err);
            ran.code == Some(0)
        });
    }
    assert_eq!(repo.status()["state"], "JACKED_OUT", "point {point}");
    for (item, path) in [("A", "a/made"), ("B", "b/made"), ("C", "c/made")] {
        assert_eq!(repo.read(path), format!("{item}\n"), "point {point}");
    }
    let log = repo.git(&["log", "--reverse", "--format=%s", "main..feature/sprint-1"]);
    let expected = ["A", "B", "C"].map(|item| format!("feat({item}): implement {item}"));
    assert_eq!(log, expected.join("\n"), "point {point}");
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "point {point}");
    // Each has a lane of its own at most once, and each of those came to an end.
    let lanes = lanes(&repo);
    assert!(
        lanes.split_whitespace().all(|lane| lane.ends_with("joined") || lane.ends_with("dropped")),
        "{lanes}"
    );
    repo.run(&["verify"]).ends(0);
    repo.run(&["gc"]).ends(0);
    assert_eq!(trees(&repo), Vec::<PathBuf>::new(), "point {point}");
    repo.git(&["fsck", "--strict", "--no-dangling"]);
}

#[test]
fn a_runner_that_is_killed_at_any_write_ends_as_if_it_had_not_been() {
    let names = points();
    for name in ["lane-made", "lane-removed", "before-bring-in", "after-bring-in"] {
        assert!(
            names.iter().any(|known| known.ends_with(name)),
            "{name} was not reached: {names:?}"
        );
    }
    let count = names.len();
    // A stride that has no divisor in common with the number comes to every point, and is everywhere
    // early: where time is up, what was looked at is spread over the whole run.
    let shares =
        |a: usize, b: usize| (2..=a.min(b)).any(|by| a.is_multiple_of(by) && b.is_multiple_of(by));
    let stride = (count * 5 / 13..).find(|stride| *stride != 0 && !shares(*stride, count)).unwrap();
    let (began, next) = (Instant::now(), AtomicUsize::new(0));
    thread::scope(|scope| {
        let sweep = || {
            while support::long() || began.elapsed() < TIME {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if count <= at {
                    return;
                }
                killed_at(1 + at * stride % count);
            }
        };
        (0..THREADS).for_each(|_| drop(scope.spawn(sweep)));
    });
    let seen = next.load(Ordering::Relaxed).min(count);
    println!("{seen} of {count} points");
    assert!(20 <= seen, "only {seen} of {count} points");
}
