//! `actions.json`, version 1: what it says, field by field, each with its path. What it has and
//! we do not know is kept. The rules are the domain's.

mod cursor;
mod task;

use std::collections::HashSet;

use self::cursor::{Cursor, Reader};
use super::{
    node::{Field, Node, Value},
    prerequisites,
};
use crate::domain::{
    actions::{Actions, Group, Parallel, Strict, draft as drafted, judge},
    plan_check::{Draft, Fault, Located, check},
};

const PREREQUISITES_FIX: &str = "write `{\"tools\": [{\"name\": \"git\"}], \"env_vars\": [{\"name\": \"HOME\"}], \"files\": [\"a.rs\"]}`";
const WORKFLOWS: [&str; 4] = ["deliver", "triage", "review", "ideate"];

/// Whether a JSON file is an `actions.json` and no plan of ours.
pub(super) fn is_actions(root: &Node) -> bool {
    let Value::Table(fields) = &root.value else { return false };
    let has = |key: &str| fields.iter().any(|field: &Field| field.key.value == key);
    let ours = has("format") || has("sprint");
    !ours && (has("tasks") || has("parallel_execution"))
}

/// The draft, and everything that the rules of `actions.json` find.
pub(super) fn draft(default_id: &str, root: &Node) -> (Option<Draft>, Vec<Fault>) {
    let mut reader = Reader::default();
    let root = Cursor::root(root);
    let actions = actions(default_id, &root, &mut reader);
    let mut faults = reader.faults;
    faults.extend(judge(&actions));
    let draft = drafted(actions);
    if faults.is_empty() {
        return (Some(draft), faults);
    }
    // What the rules of every plan say of a line that has a fault already is its echo.
    let lines: HashSet<u32> = faults.iter().map(|fault| fault.line).collect();
    let more = check(&draft).err().unwrap_or_default();
    faults.extend(more.into_iter().filter(|fault| !lines.contains(&fault.line)));
    (None, faults)
}

fn actions(default_id: &str, root: &Cursor<'_>, reader: &mut Reader) -> Actions {
    version(root, reader);
    if let Some(workflow) = root.text("workflow", reader)
        && !WORKFLOWS.contains(&workflow.value.as_str())
    {
        let fix = format!("say one of `{}`", WORKFLOWS.join("`, `"));
        reader.fault(workflow.line, "workflow", "there is no such workflow", fix);
    }
    let items = root.list("tasks", reader);
    if items.is_empty() {
        reader.fault(root.line(), "tasks", "there are none", "add at least one task");
    }
    let tasks = items.iter().filter_map(|item| task::task(item, reader)).collect();
    for (key, meant) in [("format", "version"), ("sprint", "tasks")] {
        root.hint(key, meant, reader);
    }
    let id = root.text("id", reader);
    let id = id.unwrap_or_else(|| Located::new(root.line(), default_id));
    let title = root.text("title", reader).unwrap_or_else(|| id.clone());
    let mut extra = root.rest(&["version", "id", "tasks", "title", "parallel_execution"]);
    if let (Some(said), Some(at)) = (extra.get("prerequisites"), root.field("prerequisites"))
        && let Err(what) = prerequisites::needs(said)
    {
        reader.flaw(at.line(), what, PREREQUISITES_FIX);
    }
    extra.insert("actions_version".to_owned(), "1".to_owned());
    let parallel = root.field("parallel_execution");
    let parallel = parallel.and_then(|said| {
        if let Some(table) = said.table(reader) {
            extra.insert("parallel_execution".to_owned(), task::without_members(said.node));
            return Some(parallel_execution(&table, reader));
        }
        None
    });
    Actions { id, title, strict: strict(root, reader), tasks, parallel, extra }
}

fn version(root: &Cursor<'_>, reader: &mut Reader) {
    let said = root.field("version");
    let line = said.as_ref().map_or(root.line(), Cursor::line);
    match said.as_ref().map(|said| &said.node.value) {
        Some(Value::Number(number)) if number == "1" => {}
        Some(_) => reader.fault(line, "version", "it is not 1", "this `git run` reads version 1"),
        None => reader.fault(line, "version", "it is missing", "write `\"version\": 1`"),
    }
}

fn strict(root: &Cursor<'_>, reader: &mut Reader) -> Strict {
    let mut yes = |key| root.truth(key, reader).is_some_and(|said| said.value);
    Strict {
        verifications: yes("require_verifications_for_code_tasks"),
        stories: yes("require_user_stories"),
        // Both places are in use; what is asked for in either counts.
        tests_first: [Some(root.clone()), root.field("parallel_execution")]
            .into_iter()
            .flatten()
            .filter_map(|place| place.text("strategy", reader))
            .any(|said| said.value == "tdd"),
    }
}

fn parallel_execution(said: &Cursor<'_>, reader: &mut Reader) -> Parallel {
    let enabled = said.truth("enabled", reader);
    if said.field("enabled").is_none() {
        let path = "parallel_execution.enabled";
        reader.fault(said.line(), path, "it is missing", "say `true` or `false`");
    }
    if said.field("max_concurrent_agents").is_some() {
        said.count("max_concurrent_agents", reader);
    }
    let groups = said.list("groups", reader);
    let groups = groups.iter().filter_map(|group| self::group(group, reader)).collect();
    Parallel { line: said.line(), enabled: enabled.is_some_and(|said| said.value), groups }
}

fn group(said: &Cursor<'_>, reader: &mut Reader) -> Option<Group> {
    let said = said.table(reader)?;
    Some(Group {
        id: said.required("group_id", reader),
        order: said.count("execution_order", reader),
        depends_on: said.texts("depends_on_groups", reader),
        tasks: said.texts("tasks", reader),
        path: said.path,
    })
}
