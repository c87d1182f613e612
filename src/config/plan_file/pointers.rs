//! What the `context` of a task points to, as far as it is understood.

use super::{
    json,
    node::{Node, Value},
};
use crate::domain::{
    context::{CONTEXT_LINES_MAX, MATCHES_MAX, POINTERS_MAX, Pointer, TaskContext},
    criterion::{FilePath, Pattern},
    plan::Task,
};

const CONTEXT_LINES: usize = 3;
const MATCHES: usize = 5;

/// Nothing where the task has none. What is not sound is left out: an import would have said so.
#[must_use]
pub fn task_context(task: &Task) -> Option<TaskContext> {
    let root = json::parse(task.extra.get("context")?).ok()?;
    let pointers = list(&root, "code_pointers").iter().filter_map(pointer);
    Some(TaskContext {
        documents: [texts(&root, "doc_ids"), texts(&root, "doc_sections")].concat(),
        pointers: pointers.take(POINTERS_MAX).collect(),
        justification: field(&root, "justification").and_then(text).map(str::to_owned),
    })
}

/// The ids of the documents that a task names.
#[must_use]
pub fn doc_ids(task: &Task) -> Vec<String> {
    let root = task.extra.get("context").and_then(|said| json::parse(said).ok());
    root.map(|root| texts(&root, "doc_ids")).unwrap_or_default()
}

fn pointer(node: &Node) -> Option<Pointer> {
    let pattern = match field(node, "pattern") {
        Some(pattern) => Some(Pattern::parse(text(pattern)?).ok()?),
        None => None,
    };
    Some(Pointer {
        path: FilePath::parse(text(field(node, "path")?)?).ok()?,
        pattern,
        context_lines: count(node, "context_lines", CONTEXT_LINES).min(CONTEXT_LINES_MAX),
        matches_max: count(node, "max_matches", MATCHES).min(MATCHES_MAX),
    })
}

pub(super) fn field<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Table(fields) = &node.value else { return None };
    let found = fields.iter().find(|field| field.key.value == key).map(|field| &field.node);
    found.filter(|node| !matches!(node.value, Value::Null))
}

pub(super) fn text(node: &Node) -> Option<&str> {
    if let Value::Text(text) = &node.value { Some(text) } else { None }
}

pub(super) fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    match field(node, key).map(|node| &node.value) {
        Some(Value::List(items)) => items,
        Some(_) | None => &[],
    }
}

pub(super) fn texts(node: &Node, key: &str) -> Vec<String> {
    list(node, key).iter().filter_map(text).map(str::to_owned).collect()
}

fn count(node: &Node, key: &str, default: usize) -> usize {
    match field(node, key).map(|node| &node.value) {
        Some(Value::Number(number)) => number.parse().unwrap_or(default),
        Some(_) | None => default,
    }
}
