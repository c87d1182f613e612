//! The tasks of a run, group by group, and what a run that ends or halts leaves to whoever goes on.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::sanitise::one_line;
use crate::domain::{
    board::{Group, State},
    fix::FixType,
    tale::{because, counted},
    view::RunView,
};

#[must_use]
pub fn text(view: &RunView, groups: &[Group]) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    for group in groups {
        let line = format!("{}  {}: {}", group.name, group.title, group.state.word());
        let _ = writeln!(out, "{}", one_line(&line));
        for row in &group.rows {
            let line = format!("{:<8} {}  {}  {}", row.state.word(), row.task, row.title, row.why);
            let _ = writeln!(out, "  {}", one_line(line.trim_end()));
        }
    }
    let _ = writeln!(out, "next: {}  ({})", view.next.command, view.next.why);
    out
}

/// One line for each group.
#[must_use]
pub fn progress(view: &RunView, groups: &[Group]) -> String {
    let mut out = String::new();
    for group in groups {
        let done = group.rows.iter().filter(|row| row.state == State::Done).count();
        let (state, name) = (group.state.word(), &group.name);
        let line = format!("{state:<8} {name}  {done} of {}", counted(group.rows.len(), "task"));
        let _ = writeln!(out, "{}", one_line(&line));
    }
    let _ = writeln!(out, "next: {}  ({})", view.next.command, view.next.why);
    out
}

#[must_use]
pub fn json(view: &RunView, groups: &[Group]) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|group| {
            let row = |row: &crate::domain::board::Row| {
                let (state, why) = (row.state.word(), &row.why);
                let of = row.of.map(FixType::word);
                json!({ "task": row.task, "title": row.title, "state": state, "why": why, "type": of })
            };
            let tasks: Vec<Value> = group.rows.iter().map(row).collect();
            json!({ "group": group.name, "title": group.title, "state": group.state.word(), "tasks": tasks })
        })
        .collect();
    json!({
        "schema": "git-run/board/1",
        "run": view.run.charter.run.as_str(),
        "state": view.run.state.word(),
        "groups": groups,
        "assumed": view.run.assumed,
        "halt": view.run.halt.as_ref().map(because),
        "next": { "command": view.next.command, "why": view.next.why },
    })
}

/// What was done, assumed and paused, and what comes next: Markdown for whoever goes on.
#[must_use]
pub fn session(view: &RunView, groups: &[Group]) -> String {
    let run = &view.run;
    let mut out = format!("# Session of run {}: {}\n", run.charter.run, run.state.word());
    if let Some(cause) = &run.halt {
        let _ = writeln!(out, "\nHalted: {}", one_line(&because(cause)));
    }
    for (title, state) in [
        ("Done and verified", State::Done),
        ("At work", State::Partial),
        ("Paused", State::Blocked),
        ("Left", State::Pending),
    ] {
        let rows = groups.iter().flat_map(|group| &group.rows).filter(|row| row.state == state);
        let lines: Vec<String> = rows
            .map(|row| one_line(format!("- {} {}  {}", row.task, row.title, row.why).trim_end()))
            .collect();
        if !lines.is_empty() {
            let _ = writeln!(out, "\n## {title}\n\n{}", lines.join("\n"));
        }
    }
    if !run.assumed.is_empty() {
        let _ = writeln!(out, "\n## Assumed\n");
        for (kind, count) in &run.assumed {
            let _ = writeln!(out, "- {}: {count}", one_line(kind));
        }
    }
    let _ = writeln!(out, "\n## Next\n\n`{}`  {}", view.next.command, view.next.why);
    out
}
