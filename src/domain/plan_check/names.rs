//! Which names a plan may give: one name, one thing, and no name of a command.

use std::collections::HashMap;

use super::{
    draft::{Draft, Text},
    fault::{Fault, quoted},
};
use crate::domain::id::{ItemId, TaskId};

/// Words that `git run` understands itself, so that no sprint and no task may be called so.
pub const RESERVED: &[&str] = &[
    "start",
    "halt",
    "resume",
    "approve",
    "reject",
    "modify",
    "override",
    "next",
    "report",
    "status",
    "list",
    "log",
    "show",
    "watch",
    "summary",
    "checkpoint",
    "rollback",
    "undo",
    "redo",
    "restore",
    "deleted",
    "plan",
    "workflow",
    "gate",
    "reconcile",
    "verify",
    "audit",
    "init",
    "doctor",
    "hooks",
    "ice",
    "push",
    "pr",
    "sync",
    "worker",
    "lease",
    "adopt",
    "archive",
    "gc",
    "config",
    "schema",
    "completions",
    "man",
    "mcp",
    "hook",
    "demo",
    "help",
    "sprint-plan",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sprint,
    Task,
}

struct Taken<'d> {
    kind: Kind,
    name: &'d Text,
}

pub(super) fn check(draft: &Draft, faults: &mut Vec<Fault>) {
    let sprints = draft.sprints.iter().map(|sprint| (Kind::Sprint, &sprint.id));
    let tasks = draft.sprints.iter().flat_map(|sprint| &sprint.tasks);
    let tasks = tasks.map(|task| (Kind::Task, &task.id));
    let mut taken: HashMap<String, Taken<'_>> = HashMap::new();
    for (kind, name) in sprints.chain(tasks) {
        if let Some(fault) = alone(kind, name) {
            faults.push(fault);
            continue;
        }
        let folded = name.value.to_ascii_lowercase();
        if let Some(first) = taken.get(&folded) {
            faults.push(collision(kind, name, first));
        } else {
            taken.insert(folded, Taken { kind, name });
        }
    }
}

/// What is wrong with a name whatever the others are.
fn alone(kind: Kind, name: &Text) -> Option<Fault> {
    let parsed = match kind {
        Kind::Sprint => ItemId::parse(&name.value).err(),
        Kind::Task => TaskId::parse(&name.value).err(),
    };
    let example = match kind {
        Kind::Sprint => "sprint-1",
        Kind::Task => "T-001",
    };
    if let Some(bad) = parsed {
        return Some(Fault::new(name.line, bad.to_string(), format!("name it like `{example}`")));
    }
    RESERVED.iter().any(|word| word.eq_ignore_ascii_case(&name.value)).then(|| {
        let (word, noun) = (quoted(&name.value), kind.noun());
        Fault::new(
            name.line,
            format!("the {noun} {word} is named like a command of `git run`"),
            format!("name it like `{example}`"),
        )
    })
}

fn collision(kind: Kind, name: &Text, first: &Taken<'_>) -> Fault {
    let (own, other, line) = (quoted(&name.value), quoted(&first.name.value), first.name.line);
    let what = if kind != first.kind {
        format!("{own} names both a sprint (line {line}) and a task")
    } else if name.value == first.name.value {
        format!("the {} {own} is already there, on line {line}", kind.noun())
    } else {
        format!("the {} {own} differs from {other} on line {line} by case alone", kind.noun())
    };
    Fault::new(name.line, what, "give it a name of its own")
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Sprint => "sprint",
            Self::Task => "task",
        }
    }
}
