//! What a plan needs of the machine before anything begins, and when a task is not to be done. What is
//! not understood is an error and never passed over: nobody knows what it asks for.

use super::{
    json,
    node::{Node, Value},
    pointers::{field, text},
};
use crate::domain::{
    criterion::FilePath,
    plan::{Plan, Task},
    prerequisite::{EnvVar, Prerequisites, SkipIf, Tool},
};

const KINDS: [&str; 3] = ["tools", "env_vars", "files"];
const CONDITIONS: [&str; 3] = ["file", "env", "command"];

/// Nothing where the plan says none.
pub fn prerequisites(plan: &Plan) -> Result<Prerequisites, String> {
    plan.extra.get("prerequisites").map_or_else(|| Ok(Prerequisites::default()), |said| needs(said))
}

/// When a task is not to be done: `{"file": …}`, `{"env": …}` or `{"command": …}`. A bare text is for
/// people, and nothing here can tell whether it holds.
pub fn skip_if(task: &Task) -> Result<Option<SkipIf>, String> {
    let said = task.extra.get("skip_if").map_or(Ok(None), |said| condition(said));
    said.map_err(|what| format!("{what} (`{}`)", task.id))
}

/// The `prerequisites` of a plan, as JSON.
pub(super) fn needs(said: &str) -> Result<Prerequisites, String> {
    let root = json::parse(said).map_err(|_| "`prerequisites` cannot be read".to_owned())?;
    let Value::Table(kinds) = &root.value else {
        return Err(format!("`prerequisites` is {}, not an object", root.kind()));
    };
    if let Some(other) = kinds.iter().find(|kind| !KINDS.contains(&kind.key.value.as_str())) {
        let key = other.key.value.escape_debug();
        return Err(format!("`prerequisites.{key}` is none of `{}`", KINDS.join("`, `")));
    }
    let mut found = Prerequisites::default();
    for (place, node) in entries(&root, "tools")? {
        found.tools.push(Tool {
            name: named(&place, node, "name")?,
            check: word(&place, node, "check")?,
            required: is_required(&place, node)?,
        });
    }
    for (place, node) in entries(&root, "env_vars")? {
        found.env_vars.push(EnvVar {
            name: named(&place, node, "name")?,
            required: is_required(&place, node)?,
            tasks: words(&place, node, "affects_tasks")?,
        });
    }
    for (place, node) in entries(&root, "files")? {
        let file = named(&place, node, "path")?;
        if is_required(&place, node)? {
            found.files.push(file);
        }
    }
    Ok(found)
}

/// The `skip_if` of a task, as JSON.
pub(super) fn condition(said: &str) -> Result<Option<SkipIf>, String> {
    let wrong = |what: &str| Err(format!("`skip_if` {what}"));
    let Ok(root) = json::parse(said) else { return wrong("cannot be read") };
    match &root.value {
        Value::Null | Value::Text(_) => return Ok(None),
        Value::Table(_) => {}
        Value::Bool(_) | Value::Number(_) | Value::List(_) => {
            return wrong(&format!("is {}, not a text or an object", root.kind()));
        }
    }
    let mut said = CONDITIONS.iter().filter_map(|key| Some((*key, field(&root, key)?)));
    let (Some((key, node)), None) = (said.next(), said.next()) else {
        return wrong("names not one of `file`, `env` and `command`");
    };
    let value = match text(node) {
        Some(text) if !text.trim().is_empty() => text.to_owned(),
        Some(_) => return wrong(&format!("has an empty `{key}`")),
        None => return wrong(&format!("has a `{key}` that is {}, not a text", node.kind())),
    };
    match key {
        "file" => match FilePath::parse(&value) {
            Ok(_) => Ok(Some(SkipIf::File(value))),
            Err(bad) => wrong(&format!("cannot look there: {bad}")),
        },
        "env" => Ok(Some(SkipIf::Env(value))),
        _ => Ok(Some(SkipIf::Command(value))),
    }
}

fn entries<'n>(root: &'n Node, key: &str) -> Result<Vec<(String, &'n Node)>, String> {
    let place = |at: usize| format!("prerequisites.{key}[{at}]");
    match field(root, key).map(|node| (&node.value, node)) {
        None => Ok(Vec::new()),
        Some((Value::List(items), _)) => {
            Ok(items.iter().enumerate().map(|(at, node)| (place(at), node)).collect())
        }
        Some((_, node)) => Err(format!("`prerequisites.{key}` is {}, not a list", node.kind())),
    }
}

/// A bare text, or the field of this key.
fn named(place: &str, node: &Node, key: &str) -> Result<String, String> {
    let bare = text(node).or_else(|| field(node, key).and_then(text));
    let bare = bare.filter(|name| !name.trim().is_empty());
    bare.map(str::to_owned).ok_or(format!("`{place}` has no {key}"))
}

fn word(place: &str, node: &Node, key: &str) -> Result<Option<String>, String> {
    match field(node, key).map(text) {
        None => Ok(None),
        Some(Some(said)) if !said.trim().is_empty() => Ok(Some(said.to_owned())),
        Some(_) => Err(format!("`{place}.{key}` is no text that says something")),
    }
}

fn words(place: &str, node: &Node, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{place}.{key}` is no list of texts");
    let Some(said) = field(node, key) else { return Ok(Vec::new()) };
    let Value::List(items) = &said.value else { return Err(wrong()) };
    items.iter().map(|item| text(item).map(str::to_owned).ok_or_else(wrong)).collect()
}

fn is_required(place: &str, node: &Node) -> Result<bool, String> {
    match field(node, "required").map(|said| &said.value) {
        None => Ok(true),
        Some(Value::Bool(said)) => Ok(*said),
        Some(_) => Err(format!("`{place}.required` is neither `true` nor `false`")),
    }
}
