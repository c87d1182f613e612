//! What an agent is told: the goal, the tasks, the open findings, the rules and how to report.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::domain::{
    criterion::Criterion,
    event::{PaperRef, StageStart},
    finding::{Finding, Severity},
    id::ItemId,
    plan::{Plan, Sprint, Task},
    workflow::{Duty, Need, Stage},
};

pub struct Brief<'a> {
    pub plan: &'a Plan,
    pub sprint: &'a Sprint,
    pub tasks: &'a [&'a Task],
    pub stage: &'a Stage,
    pub start: &'a StageStart,
    pub findings: &'a [Finding],
    /// Why nothing came of the attempt before this one.
    pub last: Option<&'a str>,
    /// What a person answered.
    pub answers: &'a [String],
    pub branch: &'a str,
    pub range_start: &'a str,
    /// Whether it is about all items of the run, and not only about the one at work.
    pub whole: bool,
    /// What was handed in so far, by earlier stages or at the start.
    pub papers: &'a [PaperRef],
    /// What tasks point to in the code, by their ids.
    pub contexts: &'a BTreeMap<String, String>,
    /// The command that takes the report, where no file waits for it.
    pub hand_in: Option<&'a str>,
    /// The items that are built at the same time.
    pub beside: &'a [ItemId],
}

impl std::fmt::Debug for Brief<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brief").field("start", self.start).finish_non_exhaustive()
    }
}

#[must_use]
pub fn text(brief: &Brief<'_>) -> String {
    let mut out = String::new();
    let Brief { plan, sprint, stage, start, .. } = brief;
    line(&mut out, &format!("# {}: {} (cycle {})", start.item, stage.id(), start.cycle));
    line(&mut out, &format!("\nPlan: {}. {}: {}.", plan.title, sprint.id, sprint.title));
    if let Some(goal) = &sprint.goal {
        line(&mut out, &goal_text(goal));
    }
    line(&mut out, &format!("\n## What to do\n\n{}", stage.ask.trim()));
    line(&mut out, "\n## Tasks");
    for task in brief.tasks {
        task_text(&mut out, task);
        if let Some(context) = brief.contexts.get(task.id.as_str()) {
            context_text(&mut out, context);
        }
    }
    if !brief.answers.is_empty() {
        line(&mut out, "\n## What a person answered\n");
        brief.answers.iter().for_each(|said| line(&mut out, &format!("- {}", within(said))));
    }
    findings_text(&mut out, brief);
    if let Some(why) = brief.last.filter(|why| !why.trim().is_empty()) {
        line(
            &mut out,
            &format!("\n## Last time\n\n- it was tried before, without a result: {}", within(why)),
        );
    }
    line(&mut out, "\n## Where");
    if brief.beside.is_empty() {
        line(&mut out, &format!("\n- branch `{}`, at {}", brief.branch, start.head));
    } else {
        line(
            &mut out,
            &format!(
                "\n- a work tree of your own on no branch, at {}; what you leave is brought onto `{}`",
                start.head, brief.branch
            ),
        );
        let others: Vec<_> = brief.beside.iter().map(|item| format!("`{item}`")).collect();
        line(
            &mut out,
            &format!(
                "- {} at work at the same time, each in its own: change only what your task may change",
                others.join(", ")
            ),
        );
    }
    let of = if brief.whole { "run" } else { "item" };
    line(
        &mut out,
        &format!("- the work of this {of} so far: `git diff {} HEAD`", brief.range_start),
    );
    rules_text(&mut out, brief);
    out
}

fn task_text(out: &mut String, task: &Task) {
    line(out, &format!("\n### {} {}", task.id, task.title));
    if !task.acceptance.is_empty() {
        line(out, "\nAccepted when:");
        task.acceptance.iter().for_each(|said| criterion(out, said));
    }
    if !task.from.is_empty() {
        let sources: Vec<_> = task.from.iter().map(|source| format!("`{source}`")).collect();
        let sources = sources.join(", ");
        line(
            out,
            &format!("\nFrom: {sources}. What is written here counts, whatever stands there now."),
        );
    }
    if !task.writes.is_empty() {
        let scopes: Vec<_> =
            task.writes.iter().map(|scope| format!("`{}`", scope.as_str())).collect();
        line(out, &format!("\nMay change: {}", scopes.join(", ")));
    }
    if !task.depends_on.is_empty() {
        let ids: Vec<_> = task.depends_on.iter().map(ToString::to_string).collect();
        line(out, &format!("\nAfter: {}", ids.join(", ")));
    }
}

/// As text of the repository that it is, and no part of what is asked for.
fn context_text(out: &mut String, context: &str) {
    let ticks = context.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(ticks.max(2) + 1);
    line(out, &format!("\nWhat it points to:\n\n{fence}text\n{}\n{fence}", context.trim_end()));
}

fn criterion(out: &mut String, criterion: &Criterion) {
    let mut marks = Vec::new();
    marks.extend(criterion.id.as_ref().map(ToString::to_string));
    if criterion.severity != Severity::Medium {
        marks.push(criterion.severity.to_string());
    }
    let marks = if marks.is_empty() { String::new() } else { format!("[{}] ", marks.join(", ")) };
    line(out, &format!("- {marks}{}", criterion.statement));
    criterion.verifications.iter().for_each(|check| line(out, &format!("  - checked: {check}")));
}

fn findings_text(out: &mut String, brief: &Brief<'_>) {
    if brief.findings.is_empty() {
        return;
    }
    line(out, "\n## Open findings\n");
    for finding in brief.findings {
        let place = match (&finding.path, finding.line) {
            (Some(path), Some(at)) => format!(" {path}:{at}"),
            (Some(path), None) => format!(" {path}"),
            (None, _) => String::new(),
        };
        line(
            out,
            &format!(
                "- [{}] {}{place}: {}",
                finding.severity,
                finding.rule,
                within(&finding.message)
            ),
        );
    }
}

/// Somebody's words of several lines are quoted: a heading or a rule in them is none of ours. An issue
/// may have been written by anybody.
fn goal_text(goal: &str) -> String {
    if !goal.trim().contains(['\n', '\r']) {
        return format!("Goal: {}", goal.trim());
    }
    let goal = goal.replace("\r\n", "\n");
    let lines = goal.trim().split(['\n', '\r']);
    let quoted: Vec<_> = lines.map(|line| format!("> {line}").trim_end().to_owned()).collect();
    format!("Goal, in the words of whoever wrote it:\n\n{}", quoted.join("\n"))
}

/// Further lines stand below their point, where they are part of it.
fn within(text: &str) -> String {
    text.trim_end().split(['\n', '\r']).collect::<Vec<_>>().join("\n  ")
}

fn rules_text(out: &mut String, brief: &Brief<'_>) {
    let (stage, hand_in) = (brief.stage, brief.hand_in);
    line(out, "\n## Rules\n");
    match stage.shape.duty {
        Duty::Build => {
            line(
                out,
                "- Change files in this work tree. You need not commit: what you leave is committed.",
            );
            line(out, "- Do not push, merge, or change other branches.");
        }
        Duty::Write => {
            line(out, "- Write papers only, and leave the work tree as it is.");
        }
        Duty::Judge | Duty::Gate | Duty::Human => {
            line(out, "- Look only. A judge that changes the tree has judged nothing.");
            line(out, "- A verdict is required: `pass`, `conditional`, `revise` or `fail`.");
        }
    }
    if stage.criteria {
        line(
            out,
            "- Name each acceptance criterion in `criteria`, by its id or its words, with what shows it; one that is not named, or without evidence, was not judged:",
        );
        line(
            out,
            r#"  "criteria": [{"criterion": "AC-1", "met": true, "evidence": "src/a.rs:7, cargo test cart"}]"#,
        );
    }
    papers_text(out, brief);
    line(out, "\n## Report\n");
    line(
        out,
        &match hand_in {
            Some(command) => {
                format!("Hand in a JSON object on standard input, with `{command}`:\n")
            }
            None => {
                "Write a JSON object to the file that the variable GIT_RUN_REPORT names:\n".into()
            }
        },
    );
    line(out, "```json");
    line(out, r#"{"format": 1, "summary": "…", "verdict": "pass", "findings": ["#);
    line(
        out,
        r#"  {"rule": "missing-test", "severity": "medium", "path": "src/a.rs", "line": 7, "message": "…"}"#,
    );
    line(out, r#"], "usage": {"input_tokens": 0, "output_tokens": 0}, "cost": 0.0}"#);
    line(out, "```");
}

/// What there is to read, and what is to be handed in beside the report.
fn papers_text(out: &mut String, brief: &Brief<'_>) {
    let (stage, hand_in) = (brief.stage, brief.hand_in);
    let is_file = |need: &Need| match need {
        Need::File(path) => Some(format!("- `{path}`")),
        Need::Paper(_) => None,
    };
    let mut read: Vec<String> = stage.shape.needs.iter().filter_map(is_file).collect();
    let mut named: Vec<&str> = Vec::new();
    for paper in brief.papers {
        let first = !named.contains(&paper.name.as_str());
        named.push(&paper.name);
        // Who was called by nobody has no directory of its own.
        read.push(match (hand_in, first) {
            (None, true) => format!("- `$GIT_RUN_INPUT/{}`", paper.name),
            _ => format!("- `git run show {}`", paper.path),
        });
    }
    if !read.is_empty() {
        line(out, &format!("\n## To read\n\n{}", read.join("\n")));
    }
    if stage.makes.is_empty() {
        return;
    }
    line(out, "\n## To hand in\n");
    for paper in &stage.makes {
        let place = match hand_in {
            Some(_) => format!("`{}`, as a text in the report's `papers`", paper.name),
            None => format!("`$GIT_RUN_OUTPUT/{}`", paper.name),
        };
        let sections = match paper.sections.is_empty() {
            true => String::new(),
            false => format!(", with the sections {}", paper.sections.join(", ")),
        };
        line(out, &format!("- {place}{sections}"));
    }
}

fn line(out: &mut String, text: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(out, "{text}");
}
