//! A plan as the canonical JSON that is kept with a run: sorted keys, compact, and for each task
//! the digest that shows later whether someone touched it.

use std::collections::BTreeMap;

use super::{
    node::{json_list, json_table, json_text},
    schema::FORMAT,
};
use crate::domain::{
    criterion::{Criterion, Verification},
    finding::Severity,
    plan::{Extra, Plan, Sprint, Task},
    time::Span,
};

type Fields<'p> = BTreeMap<&'p str, String>;

/// The same plan gives the same text, and [`read`](super::read) gives the same plan back.
#[must_use]
pub fn to_json(plan: &Plan) -> String {
    let mut fields = unknown(&plan.extra);
    fields.insert("format", FORMAT.to_string());
    fields.insert("id", json_text(plan.id.as_str()));
    fields.insert("title", json_text(&plan.title));
    fields.insert("sprint", json_list(plan.sprints.iter().map(sprint)));
    json_table(&fields)
}

fn sprint(sprint: &Sprint) -> String {
    let mut fields = unknown(&sprint.extra);
    fields.insert("id", json_text(sprint.id.as_str()));
    fields.insert("title", json_text(&sprint.title));
    if let Some(goal) = &sprint.goal {
        fields.insert("goal", json_text(goal));
    }
    fields.insert("task", json_list(sprint.tasks.iter().map(task)));
    json_table(&fields)
}

fn task(task: &Task) -> String {
    let mut fields = unknown(&task.extra);
    fields.insert("id", json_text(task.id.as_str()));
    fields.insert("title", json_text(&task.title));
    let mut list = |key, texts: Vec<&str>| {
        if !texts.is_empty() {
            fields.insert(key, json_list(texts.into_iter().map(json_text)));
        }
    };
    list("writes", task.writes.iter().map(|scope| scope.as_str()).collect());
    list("depends_on", task.depends_on.iter().map(|id| id.as_str()).collect());
    if !task.acceptance.is_empty() {
        fields.insert("acceptance", json_list(task.acceptance.iter().map(criterion)));
    }
    if !task.from.is_empty() {
        let sources = task.from.iter().map(|source| json_text(&source.pinned()));
        fields.insert("from", json_list(sources));
    }
    for (key, label) in [("owner", &task.owner), ("group", &task.group)] {
        if let Some(label) = label {
            fields.insert(key, json_text(label));
        }
    }
    if !task.steps.is_empty() {
        let commands = |texts: &[String]| json_list(texts.iter().map(|text| json_text(text)));
        let stages = task.steps.iter();
        let stages: Fields<'_> =
            stages.map(|(stage, texts)| (stage.as_str(), commands(texts))).collect();
        fields.insert("steps", json_table(&stages));
    }
    fields.insert("spec", json_text(task.spec.as_str()));
    json_table(&fields)
}

/// What is only words stays a text.
fn criterion(criterion: &Criterion) -> String {
    if criterion.is_plain() {
        return json_text(&criterion.statement);
    }
    let mut fields = unknown(&criterion.extra);
    fields.insert("statement", json_text(&criterion.statement));
    if let Some(id) = &criterion.id {
        fields.insert("id", json_text(id.as_str()));
    }
    if criterion.severity != Severity::Medium {
        fields.insert("severity", json_text(criterion.severity.word()));
    }
    if !criterion.verifications.is_empty() {
        let checks = criterion.verifications.iter().map(verification);
        fields.insert("verifications", json_list(checks));
    }
    json_table(&fields)
}

fn verification(check: &Verification) -> String {
    let mut fields = Fields::new();
    match check {
        Verification::File { path } => {
            fields.insert("path", json_text(path.as_str()));
        }
        Verification::Grep { path, pattern } => {
            fields.insert("path", json_text(path.as_str()));
            fields.insert("pattern", json_text(pattern.as_str()));
        }
        Verification::Command { command, must_succeed, timeout } => {
            fields.insert("command", json_text(command));
            if !must_succeed {
                fields.insert("must_succeed", "false".to_owned());
            }
            if let Some(timeout) = timeout {
                fields.insert("timeout", json_text(&exactly(*timeout)));
            }
        }
        Verification::Lsp { said, skip } => {
            fields = unknown(said);
            fields.insert("skip", json_text(skip));
        }
    }
    fields.insert("type", json_text(check.kind()));
    json_table(&fields)
}

/// With nothing rounded, unlike what people are shown.
fn exactly(span: Span) -> String {
    let millis = span.millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

fn unknown(extra: &Extra) -> Fields<'_> {
    extra.iter().map(|(key, json)| (key.as_str(), json.clone())).collect()
}
