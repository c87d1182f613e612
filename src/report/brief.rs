//! What an agent is told: the goal, the tasks, the open findings, the rules and how to report.

use std::fmt::Write as _;

use crate::domain::{
    event::StageStart,
    finding::Finding,
    plan::{Plan, Sprint, Task},
    workflow::{Duty, Stage},
};

pub struct Brief<'a> {
    pub plan: &'a Plan,
    pub sprint: &'a Sprint,
    pub tasks: &'a [&'a Task],
    pub stage: &'a Stage,
    pub start: &'a StageStart,
    pub findings: &'a [Finding],
    pub branch: &'a str,
    pub range_start: &'a str,
    /// The command that takes the report, where no file waits for it.
    pub hand_in: Option<&'a str>,
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
    line(&mut out, &format!("# {}: {} (cycle {})", start.item, stage.id, start.cycle));
    line(&mut out, &format!("\nPlan: {}. {}: {}.", plan.title, sprint.id, sprint.title));
    if let Some(goal) = &sprint.goal {
        line(&mut out, &format!("Goal: {goal}"));
    }
    line(&mut out, &format!("\n## What to do\n\n{}", stage.ask.trim()));
    line(&mut out, "\n## Tasks");
    for task in brief.tasks {
        task_text(&mut out, task);
    }
    findings_text(&mut out, brief);
    line(&mut out, "\n## Where");
    line(&mut out, &format!("\n- branch `{}`, at {}", brief.branch, start.head));
    line(
        &mut out,
        &format!("- the work of this item so far: `git diff {} HEAD`", brief.range_start),
    );
    rules_text(&mut out, stage, brief.hand_in);
    out
}

fn task_text(out: &mut String, task: &Task) {
    line(out, &format!("\n### {} {}", task.id, task.title));
    if !task.acceptance.is_empty() {
        line(out, "\nAccepted when:");
        task.acceptance.iter().for_each(|criterion| line(out, &format!("- {criterion}")));
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
            &format!("- [{}] {}{place}: {}", finding.severity, finding.rule, finding.message),
        );
    }
}

fn rules_text(out: &mut String, stage: &Stage, hand_in: Option<&str>) {
    line(out, "\n## Rules\n");
    match stage.duty {
        Duty::Build => {
            line(
                out,
                "- Change files in this work tree. You need not commit: what you leave is committed.",
            );
            line(out, "- Do not push, merge, or change other branches.");
        }
        Duty::Judge { .. } => {
            line(out, "- Look only. A judge that changes the tree has judged nothing.");
            line(out, "- A verdict is required: `pass`, `conditional`, `revise` or `fail`.");
        }
    }
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

fn line(out: &mut String, text: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(out, "{text}");
}
