//! What a plan needs of the machine before anything begins, and when a task is not to be done.

use super::{
    json,
    node::{Node, Value},
    pointers::{field, list, text, texts},
};
use crate::domain::{
    plan::{Plan, Task},
    prerequisite::{EnvVar, Prerequisites, SkipIf, Tool},
};

/// Nothing where the plan says none. What cannot be read is an error: nobody knows what it asks for.
pub fn prerequisites(plan: &Plan) -> Result<Prerequisites, String> {
    let Some(said) = plan.extra.get("prerequisites") else { return Ok(Prerequisites::default()) };
    let root = json::parse(said).map_err(|_| "`prerequisites` cannot be read".to_owned())?;
    let all = |key: &str| list(&root, key).iter().enumerate();
    let named = |key: &str, at: usize, node: &Node| {
        let bare = text(node).or_else(|| field(node, "name").and_then(text));
        bare.map(str::to_owned).ok_or(format!("`prerequisites.{key}[{at}]` has no name"))
    };
    let mut found = Prerequisites { files: texts(&root, "files"), ..Prerequisites::default() };
    for (at, node) in all("tools") {
        found.tools.push(Tool {
            name: named("tools", at, node)?,
            check: field(node, "check").and_then(text).map(str::to_owned),
            required: is_required(node),
        });
    }
    for (at, node) in all("env_vars") {
        found.env_vars.push(EnvVar {
            name: named("env_vars", at, node)?,
            required: is_required(node),
            tasks: texts(node, "affects_tasks"),
        });
    }
    Ok(found)
}

fn is_required(node: &Node) -> bool {
    !matches!(field(node, "required").map(|said| &said.value), Some(Value::Bool(false)))
}

/// When a task is not to be done: `{"file": …}`, `{"env": …}` or `{"command": …}`. A bare text is for
/// people, and nothing here can tell whether it holds.
#[must_use]
pub fn skip_if(task: &Task) -> Option<SkipIf> {
    let root = json::parse(task.extra.get("skip_if")?).ok()?;
    let said = |key: &str| field(&root, key).and_then(text).map(str::to_owned);
    said("file")
        .map(SkipIf::File)
        .or_else(|| said("env").map(SkipIf::Env))
        .or_else(|| said("command").map(SkipIf::Command))
}
