//! A task of `actions.json` as a task of ours.

use super::cursor::{Cursor, Reader};
use crate::{
    config::plan_file::{
        fields::Fields,
        node::{Node, Value, json_list, json_table},
        prerequisites,
        schema::steps,
    },
    domain::{
        actions::Action,
        finding::Severity,
        plan::Extra,
        plan_check::{DraftCriterion, DraftTask, DraftVerification, Located, Text},
    },
};

/// What becomes a field of ours, and so is no extra.
const TASK: &[&str] = &[
    "id",
    "owner",
    "summary",
    "title",
    "depends_on",
    "file_scope",
    "acceptance_criteria",
    "steps",
];
/// Fields of ours that mean something else here, or nothing.
const FOREIGN: [(&str, &str); 5] = [
    ("from", "context"),
    ("acceptance", "acceptance_criteria"),
    ("writes", "file_scope.writes"),
    ("group", "parallel_execution.groups"),
    ("spec", "context"),
];
const CRITERION: &[&str] = &["id", "statement", "severity", "verifications"];
const VERIFICATION: &[&str] =
    &["type", "path", "pattern", "command", "must_succeed", "timeout", "skip"];

pub(super) fn task(said: &Cursor<'_>, reader: &mut Reader) -> Option<Action> {
    let said = said.table(reader)?;
    let id = said.required("id", reader);
    let owner = said.required("owner", reader);
    said.hint("title", "summary", reader);
    FOREIGN.iter().for_each(|(key, meant)| said.hint(key, meant, reader));
    let title = match said.text("title", reader) {
        Some(title) if said.field("summary").is_none() => title,
        Some(_) | None => said.required("summary", reader),
    };
    let mut task = DraftTask::bare(id, title);
    task.depends_on = said.texts("depends_on", reader);
    task.extra = said.rest(TASK);
    if let Some(fields) = Fields::open("a task", said.node, TASK, &mut Vec::new()) {
        task.steps = steps(&fields, &mut reader.faults);
    }
    scope(&said, &mut task, reader);
    pointers(&said, reader);
    if let (Some(text), Some(at)) = (task.extra.get("skip_if"), said.field("skip_if"))
        && let Err(what) = prerequisites::condition(text)
    {
        let what = what.replacen("skip_if", &at.path, 1);
        reader.flaw(
            at.line(),
            what,
            "write `{\"file\": \"src/a.rs\"}`, or with `env` or `command`",
        );
    }
    let criteria = said.list("acceptance_criteria", reader);
    if criteria.is_empty() {
        let path = said.beneath("acceptance_criteria");
        reader.fault(said.line(), &path, "there are none", "say at least one thing that must hold");
    }
    task.acceptance = criteria.iter().filter_map(|said| criterion(said, reader)).collect();
    let has_stories = !said.texts("user_story_ids", reader).is_empty();
    Some(Action { path: said.path, task, owner, has_stories })
}

fn scope(said: &Cursor<'_>, task: &mut DraftTask, reader: &mut Reader) {
    let scope = said.field("file_scope").and_then(|scope| scope.table(reader));
    let Some(scope) = scope else {
        if said.field("file_scope").is_none() {
            let fix = "write `\"file_scope\": {\"allow\": [\"src/\"], \"writes\": [\"src/a.rs\"]}`";
            reader.fault(said.line(), &said.beneath("file_scope"), "it is missing", fix);
        }
        return;
    };
    task.writes = scope.texts("writes", reader);
    let allow = scope.texts("allow", reader);
    if allow.is_empty() && scope.field("reads").is_some() {
        scope.hint("reads", "allow", reader);
    } else if allow.is_empty() {
        let path = scope.beneath("allow");
        reader.fault(scope.line(), &path, "there is nothing", "say what the task may look at");
    }
    scope.texts("deny", reader);
    let rest = scope.rest(&["writes"]);
    if !rest.is_empty() {
        task.extra.insert("file_scope".to_owned(), object(&rest));
    }
}

/// What the context of a task points to must be sound; it is kept as it is.
fn pointers(said: &Cursor<'_>, reader: &mut Reader) {
    let Some(context) = said.field("context").and_then(|said| said.table(reader)) else { return };
    for pointer in context.list("code_pointers", reader) {
        let Some(pointer) = pointer.table(reader) else { continue };
        let place = pointer.required("path", reader);
        if let Err(bad) = crate::domain::criterion::FilePath::parse(&place.value) {
            let fix = "write a path like `src/main.rs`";
            reader.fault(place.line, &pointer.beneath("path"), &bad.to_string(), fix);
        }
        let pattern = pointer.text("pattern", reader);
        let parsed = pattern.map(|p| (p.line, crate::domain::criterion::Pattern::parse(&p.value)));
        if let Some((line, Err(bad))) = parsed {
            let what = bad.to_string().replace('\n', " ");
            reader.fault(line, &pointer.beneath("pattern"), &what, "say it more plainly");
        }
        for key in ["context_lines", "max_matches"] {
            let zero = |said: &Cursor<'_>| matches!(&said.node.value, Value::Number(n) if n == "0");
            if pointer.field(key).is_some_and(|said| !zero(&said)) {
                pointer.count(key, reader);
            }
        }
    }
}

fn criterion(said: &Cursor<'_>, reader: &mut Reader) -> Option<DraftCriterion> {
    let said = said.table(reader)?;
    let checks = said.list("verifications", reader);
    let checks: Vec<Cursor<'_>> = checks.iter().filter_map(|said| said.table(reader)).collect();
    let mut extra = said.rest(CRITERION);
    let notes: Vec<Extra> = checks
        .iter()
        .map(|said| if is_lsp(said) { Extra::new() } else { said.rest(VERIFICATION) })
        .collect();
    if notes.iter().any(|notes| !notes.is_empty()) {
        extra.insert("verification_notes".to_owned(), json_list(notes.iter().map(object)));
    }
    let id = said.required("id", reader);
    let severity = said.text("severity", reader);
    let is_none = |word: &&Text| {
        Severity::parse(&word.value).is_none_or(|severity| severity == Severity::Info)
    };
    if let Some(word) = severity.as_ref().filter(is_none) {
        let fix = "say `critical`, `high`, `medium` or `low`";
        reader.fault(word.line, &said.beneath("severity"), "there is no such severity", fix);
    }
    Some(DraftCriterion {
        id: Some(id),
        statement: said.required("statement", reader),
        severity,
        verifications: checks.iter().map(|said| verification(said, reader)).collect(),
        extra,
    })
}

fn verification(said: &Cursor<'_>, reader: &mut Reader) -> DraftVerification {
    let kind = said.required("type", reader);
    if is_lsp(said) {
        let skip = skip(said, reader);
        let extra = said.rest(&["type", "skip"]);
        return DraftVerification { skip, extra, ..DraftVerification::bare(kind) };
    }
    DraftVerification {
        path: said.text("path", reader),
        pattern: said.text("pattern", reader),
        command: said.text("command", reader),
        must_succeed: said.truth("must_succeed", reader),
        timeout: timeout(said, reader),
        skip: said.text("skip", reader),
        ..DraftVerification::bare(kind)
    }
}

fn is_lsp(said: &Cursor<'_>) -> bool {
    said.field("type").is_some_and(|kind| matches!(&kind.node.value, Value::Text(t) if t == "lsp"))
}

/// A reason, or the plain mark that it may be skipped.
fn skip(said: &Cursor<'_>, reader: &mut Reader) -> Option<Text> {
    let marked = |line| Located::new(line, "the plan says so");
    let mode =
        said.field("mode").filter(|m| matches!(&m.node.value, Value::Text(t) if t == "skip"));
    match said.field("skip") {
        Some(mark) => match &mark.node.value {
            Value::Bool(true) => Some(marked(mark.line())),
            Value::Bool(false) => None,
            _ => said.text("skip", reader),
        },
        None => mode.map(|mode| marked(mode.line())),
    }
}

/// A text with its unit, or a number of seconds.
fn timeout(said: &Cursor<'_>, reader: &mut Reader) -> Option<Text> {
    let field = said.field("timeout")?;
    match &field.node.value {
        Value::Number(number) => Some(Located::new(field.line(), format!("{number}s"))),
        _ => said.text("timeout", reader),
    }
}

/// The parallel execution, but for who is in which group: the tasks say that.
pub(super) fn without_members(said: &Node) -> String {
    let Value::Table(fields) = &said.value else { return said.canonical().into_owned() };
    let group = |node: &Node| {
        let at = Cursor::root(node);
        let rest = at.rest(&["tasks"]);
        if rest.is_empty() { node.canonical().into_owned() } else { object(&rest) }
    };
    let value = |key: &str, node: &Node| match &node.value {
        Value::List(groups) if key == "groups" => json_list(groups.iter().map(group)),
        _ => node.canonical().into_owned(),
    };
    let pairs = fields.iter().map(|f| (f.key.value.clone(), value(&f.key.value, &f.node)));
    object(&pairs.collect())
}

fn object(extra: &Extra) -> String {
    json_table(&extra.iter().map(|(key, value)| (key.as_str(), value)).collect())
}
