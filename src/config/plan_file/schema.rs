//! The fields of a plan in TOML and JSON. What it cannot place is kept; what it cannot believe is
//! a fault and gets a stand-in, so that the rest of the file is still looked at.

use super::{
    fields::{Fields, texts},
    node::{Field, Node, Value},
};
use crate::domain::plan_check::{
    Draft, DraftCriterion, DraftSprint, DraftSteps, DraftTask, DraftVerification, Fault, Located,
    Text, quoted,
};

/// The version of the format that is written, and the newest that is read.
pub(super) const FORMAT: u32 = 1;

const PLAN: &[&str] = &["format", "id", "title", "sprint"];
const SPRINT: &[&str] = &["id", "title", "goal", "task"];
const TASK: &[&str] = &[
    "id",
    "title",
    "acceptance",
    "writes",
    "depends_on",
    "from",
    "owner",
    "group",
    "steps",
    "spec",
];
const CRITERION: &[&str] = &["id", "statement", "severity", "verifications"];
const VERIFICATION: &[&str] =
    &["type", "path", "pattern", "command", "must_succeed", "timeout", "skip"];
/// What a language server is to be asked is not ours to understand.
const LSP: &[&str] = &["type", "skip"];

/// The draft with what is wrong so far; no draft when the file is of another version.
pub(super) fn draft(default_id: &str, root: &Node) -> (Option<Draft>, Vec<Fault>) {
    let mut faults = Vec::new();
    let Some(fields) = Fields::open("the plan", root, PLAN, &mut faults) else {
        return (None, faults);
    };
    if !is_ours(&fields, &mut faults) {
        return (None, faults);
    }
    let line = fields.line;
    let id = fields.text("id", &mut faults).unwrap_or(Located::new(line, default_id));
    let title = fields.text("title", &mut faults);
    let title = title.unwrap_or_else(|| Located { line: id.line, value: id.value.clone() });
    let sprints = fields.list("sprint", &mut faults);
    let sprints = (1..).zip(sprints).filter_map(|(n, node)| sprint(n, node, &mut faults));
    let sprints = sprints.collect();
    (Some(Draft { id, title, sprints, extra: fields.extra() }), faults)
}

/// Whether this version may read on.
fn is_ours(fields: &Fields<'_>, faults: &mut Vec<Fault>) -> bool {
    let Some(node) = fields.get("format") else {
        let what = "the plan does not say its `format`";
        let fix = format!("write `format = {FORMAT}` first (in JSON: `\"format\": {FORMAT}`)");
        faults.push(Fault::new(fields.line, what, fix));
        return true;
    };
    let Value::Number(said) = &node.value else {
        let what = format!("`format` is {}, not a number", node.kind());
        faults.push(Fault::new(node.line, what, format!("write `{FORMAT}`")));
        return true;
    };
    match said.parse::<u32>() {
        Ok(FORMAT) => true,
        Ok(newer) if FORMAT < newer => {
            let what = format!("the plan is of format {newer}, and this `git run` reads {FORMAT}");
            *faults = vec![Fault::new(node.line, what, "install a newer `git-run`")];
            false
        }
        _ => {
            let what = format!("there is no format {}", quoted(said));
            faults.push(Fault::new(node.line, what, format!("write `{FORMAT}`")));
            true
        }
    }
}

fn sprint(number: usize, node: &Node, faults: &mut Vec<Fault>) -> Option<DraftSprint> {
    let fields = Fields::open("a sprint", node, SPRINT, faults)?;
    let default = || Located::new(fields.line, format!("sprint-{number}"));
    let id = fields.text("id", faults).unwrap_or_else(default);
    let title = fields.text("title", faults);
    let title = title.unwrap_or_else(|| Located { line: id.line, value: id.value.clone() });
    let goal = fields.text("goal", faults);
    let tasks = fields.list("task", faults);
    let tasks = tasks.iter().filter_map(|node| task(node, faults)).collect();
    Some(DraftSprint { id, title, goal, tasks, extra: fields.extra() })
}

fn task(node: &Node, faults: &mut Vec<Fault>) -> Option<DraftTask> {
    let fields = Fields::open("a task", node, TASK, faults)?;
    let id = required(&fields, "id", "T-001", faults);
    let title = required(&fields, "title", "what is to be done", faults);
    Some(DraftTask {
        id,
        title,
        acceptance: acceptance(&fields, faults),
        writes: fields.texts("writes", faults),
        depends_on: fields.texts("depends_on", faults),
        from: fields.texts("from", faults),
        owner: fields.text("owner", faults),
        group: fields.text("group", faults),
        steps: steps(&fields, faults),
        spec: fields.text("spec", faults),
        extra: fields.extra(),
    })
}

/// Each a text, or a table that says more than a text.
fn acceptance(fields: &Fields<'_>, faults: &mut Vec<Fault>) -> Vec<DraftCriterion> {
    let Some(node) = fields.get("acceptance") else { return Vec::new() };
    match &node.value {
        Value::List(items) => items.iter().filter_map(|item| criterion(item, faults)).collect(),
        _ => {
            // It is no list, and this says so.
            texts("acceptance", fields.what, node, faults);
            Vec::new()
        }
    }
}

fn criterion(node: &Node, faults: &mut Vec<Fault>) -> Option<DraftCriterion> {
    match &node.value {
        Value::Text(text) => Some(DraftCriterion::plain(Located::new(node.line, text.as_str()))),
        Value::Table(_) => {
            let fields = Fields::open("a criterion", node, CRITERION, faults)?;
            let statement = required(&fields, "statement", "what must be so", faults);
            let checks = fields.list("verifications", faults);
            Some(DraftCriterion {
                statement,
                id: fields.text("id", faults),
                severity: fields.text("severity", faults),
                verifications: checks.iter().filter_map(|n| verification(n, faults)).collect(),
                extra: fields.extra(),
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
            let what = format!("`acceptance` of a task holds {}, not a text", node.kind());
            faults.push(Fault::new(node.line, what, "put it in double quotes"));
            None
        }
    }
}

fn verification(node: &Node, faults: &mut Vec<Fault>) -> Option<DraftVerification> {
    let known = if is_lsp(node) { LSP } else { VERIFICATION };
    let fields = Fields::open("a verification", node, known, faults)?;
    let kind = required(&fields, "type", "file", faults);
    let mut text = |key| if known.contains(&key) { fields.text(key, faults) } else { None };
    Some(DraftVerification {
        path: text("path"),
        pattern: text("pattern"),
        command: text("command"),
        timeout: text("timeout"),
        skip: text("skip"),
        kind,
        must_succeed: fields.truth("must_succeed", faults),
        extra: fields.extra(),
    })
}

fn is_lsp(node: &Node) -> bool {
    let Value::Table(fields) = &node.value else { return false };
    let is = |field: &Field| {
        field.key.value == "type" && matches!(&field.node.value, Value::Text(t) if t == "lsp")
    };
    fields.iter().any(is)
}

/// A name that nobody wrote, for a task that already has its fault.
fn required(fields: &Fields<'_>, key: &str, example: &str, faults: &mut Vec<Fault>) -> Text {
    if fields.get(key).is_none() {
        let what = format!("{} has no `{key}`", fields.what);
        faults.push(Fault::new(fields.line, what, format!("write `{key} = \"{example}\"`")));
    }
    let stand_in = || Located::new(fields.line, format!("line-{}", fields.line));
    fields.text(key, faults).unwrap_or_else(stand_in)
}

pub(super) fn steps(fields: &Fields<'_>, faults: &mut Vec<Fault>) -> Vec<DraftSteps> {
    let Some(node) = fields.get("steps") else { return Vec::new() };
    let Value::Table(stages) = &node.value else {
        let what = format!("`steps` of a task is {}, not a table of lists", node.kind());
        let fix = "write `steps = { implement = [\"make\"] }`";
        faults.push(Fault::new(node.line, what, fix));
        return Vec::new();
    };
    let stage = |field: &Field| DraftSteps {
        stage: field.key.clone(),
        commands: texts(&field.key.value, "the steps of a task", &field.node, faults),
    };
    stages.iter().map(stage).collect()
}
