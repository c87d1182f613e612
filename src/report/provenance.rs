//! The provenance of a run as a table: for terminals, as Markdown, and for machines.

use serde_json::{Value, json};

use super::sanitise::one_line;
use crate::domain::{provenance::Row, run::Run, time::Timestamp};

type Clock<'a> = &'a dyn Fn(Timestamp) -> String;

const HEADS: [&str; 8] =
    ["stage", "cycle", "by", "started", "finished", "duration", "artifacts", "outcome"];

#[must_use]
pub fn text(rows: &[Row], time: Clock<'_>) -> String {
    let cells: Vec<[String; 8]> = rows.iter().map(|row| cells(row, time)).collect();
    let mut width = HEADS.map(str::len);
    for row in &cells {
        for (width, cell) in width.iter_mut().zip(row).take(6) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: [&str; 8]| {
        let [stage, cycle, by, started, finished, took, artifacts, outcome] = row;
        let [a, b, c, d, e, f, ..] = width;
        let head = format!(
            "{stage:<a$}  {cycle:<b$}  {by:<c$}  {started:<d$}  {finished:<e$}  {took:<f$}  {outcome}"
        );
        let mut text = format!("{}\n", one_line(head.trim_end()));
        for artifact in artifacts.split(", ").filter(|path| path.contains('/')) {
            text.push_str(&format!("    {}\n", one_line(artifact)));
        }
        text
    };
    let mut out = line(HEADS);
    for row in &cells {
        out.push_str(&line(row.each_ref().map(String::as_str)));
    }
    out
}

#[must_use]
pub fn markdown(run: &Run, rows: &[Row], time: Clock<'_>) -> String {
    let bar = |cells: &[String]| {
        let cells: Vec<_> = cells.iter().map(|cell| one_line(cell).replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let (id, workflow) = (&run.charter.run, &run.charter.workflow);
    let mut out = format!("# Provenance of run {id} ({workflow}, {})\n\n", run.state.word());
    out.push_str(&bar(&HEADS.map(str::to_owned)));
    out.push_str(&bar(&HEADS.map(|_| "---".to_owned())));
    for row in rows {
        out.push_str(&bar(&cells(row, time)));
    }
    out
}

#[must_use]
pub fn json(run: &Run, rows: &[Row], time: Clock<'_>) -> Value {
    let row = |row: &Row| {
        json!({
            "item": row.item.as_ref().map(|item| item.as_str()),
            "stage": row.stage.as_str(),
            "lane": row.lane,
            "cycle": row.cycle,
            "attempt": row.attempt,
            "by": row.by,
            "started": row.started.map(time),
            "finished": row.finished.map(time),
            "took_ms": row.took.map(|took| took.millis()),
            "artifacts": row.artifacts,
            "commit": row.commit.as_ref().map(|commit| commit.as_str()),
            "outcome": row.outcome,
        })
    };
    json!({
        "schema": "git-run/provenance/1",
        "run": run.charter.run.as_str(),
        "workflow": run.charter.workflow.as_str(),
        "flow": run.charter.flow,
        "state": run.state.word(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn cells(row: &Row, time: Clock<'_>) -> [String; 8] {
    let none = || "-".to_owned();
    let item = row.item.as_ref().map_or(String::new(), |item| format!(" of {item}"));
    let lane = if row.lane { " (lane)" } else { "" };
    let cycle = match (row.cycle, row.attempt) {
        (0, _) => none(),
        (cycle, 0 | 1) => cycle.to_string(),
        (cycle, attempt) => format!("{cycle}.{attempt}"),
    };
    let artifacts = if row.artifacts.is_empty() { none() } else { row.artifacts.join(", ") };
    [
        format!("{}{item}{lane}", row.stage),
        cycle,
        if row.by.is_empty() { none() } else { row.by.clone() },
        row.started.map_or_else(none, time),
        row.finished.map_or_else(none, time),
        row.took.map_or_else(none, |took| took.to_string()),
        artifacts,
        row.outcome.clone(),
    ]
}
