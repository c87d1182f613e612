//! The tables of attacks and of legitimate commands, replayed: each line is run for real inside of
//! `git run ice exec`, and what it may not change is looked at before and after.
//!
//! `fence`: held by the agent's environment and `git run hooks install`. `server`: only the hooks of
//! the server hold it, and they do. `judge`: nothing sees it once it runs, and the judge of command
//! lines does before; so it is asked, and the line is not run.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests start processes, and may panic"
)]

#[path = "attacks/scene.rs"]
mod scene;
mod support;

use std::time::Instant;

use scene::Scene;

/// The hooks are not taken out where there are none.
const HARMLESS_MAX: usize = 1;

/// Layer or effect, and the line.
fn rows(table: &'static str) -> Vec<(&'static str, String)> {
    let rows = table.lines().skip(1).map(|row| row.split_once('\t').unwrap());
    rows.map(|(first, line)| (first, line.replace("\\n", "\n").replace("\\\n", "\\n"))).collect()
}

fn attacks(layer: &str) -> Vec<String> {
    let rows = rows(include_str!("attacks/attacks.tsv")).into_iter();
    rows.filter(|(of, _)| *of == layer).map(|(_, line)| line).collect()
}

/// What each line has changed that it may not.
fn replay(scene: &mut Scene, lines: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in lines {
        let ran = scene.as_agent(line);
        for harm in scene.harm() {
            wrong.push(format!("{line}\n    {harm}\n    {:?} {}", ran.code, ran.err.trim()));
        }
    }
    wrong
}

#[track_caller]
fn none(wrong: &[String], of: usize, begun: Instant) {
    assert!(wrong.is_empty(), "{} of {of}:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{of} rows in {:?}", begun.elapsed());
}

#[test]
fn the_fence_holds() {
    let begun = Instant::now();
    let lines = attacks("fence");
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = lines.chunks(lines.len().div_ceil(2));
        let working: Vec<_> =
            halves.map(|half| scope.spawn(|| replay(&mut Scene::new(false), half))).collect();
        working.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    none(&wrong, lines.len(), begun);
}

#[test]
fn the_server_holds_what_the_fence_does_not() {
    let begun = Instant::now();
    let lines = attacks("server");
    none(&replay(&mut Scene::new(true), &lines), lines.len(), begun);
}

#[test]
fn the_judge_denies_what_nobody_sees_once_it_runs() {
    let begun = Instant::now();
    let scene = Scene::new(false);
    let lines = attacks("judge");
    let passed: Vec<String> = lines.iter().filter(|line| scene.is_allowed(line)).cloned().collect();
    none(&passed, lines.len(), begun);
}

#[test]
fn what_is_legitimate_goes_through() {
    let begun = Instant::now();
    let mut scene = Scene::new(true);
    let mut wrong = Vec::new();
    let rows = rows(include_str!("attacks/legitimate.tsv"));
    for (effect, line) in &rows {
        let branch = format!("refs/heads/{effect}");
        let before = scene.at_remote(&branch);
        let ran = scene.as_agent(line);
        let moved = *effect == "-" || scene.at_remote(&branch) != before;
        if ran.code != Some(0) || !moved {
            wrong.push(format!("{line}\n    {:?} {}", ran.code, ran.err.trim()));
        }
        let harm = scene.harm();
        wrong.extend(harm.iter().map(|harm| format!("{line}\n    {harm}")));
    }
    none(&wrong, rows.len(), begun);
}

/// An attack that does nothing anyway proves nothing. What a fake of a program, a check of git's own or
/// another attack's absence makes harmless is counted, and not more than that.
#[test]
fn without_any_layer_the_attacks_do_harm() {
    if !support::long() {
        return;
    }
    let mut scene = Scene::open();
    let mut harmless = Vec::new();
    let lines = [attacks("fence"), attacks("server")].concat();
    for line in &lines {
        let ran = scene.as_agent(line);
        if scene.harm().is_empty() {
            harmless.push(format!("{line}\n    {:?} {}", ran.code, ran.err.trim()));
        }
    }
    assert!(harmless.len() <= HARMLESS_MAX, "{}:\n{}", harmless.len(), harmless.join("\n"));
}

#[test]
fn there_are_as_many_rows_as_the_documentation_says() {
    let count = |layer| attacks(layer).len();
    let legitimate = rows(include_str!("attacks/legitimate.tsv")).len();
    let said = format!(
        "{} attacks on the fence, {} that only the server holds, {} that only the judge sees, and {legitimate} legitimate",
        count("fence"),
        count("server"),
        count("judge"),
    );
    assert!(include_str!("../docs/ICE.md").replace('\n', " ").contains(&said), "{said}");
}
