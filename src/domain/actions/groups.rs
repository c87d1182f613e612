//! What may run side by side: every code task in one group, no file in two hands, and an order
//! that agrees with who waits for whom.

use std::collections::{HashMap, HashSet};

use super::{Action, Actions, Group, fault};
use crate::domain::plan_check::{DraftTask, Fault, Shared, quoted, shared};

pub(super) fn check(actions: &Actions, faults: &mut Vec<Fault>) {
    let Some(parallel) = &actions.parallel else {
        let what = "it is missing";
        let fix = "write `\"parallel_execution\": {\"enabled\": false}`, or name the groups";
        return faults.push(fault(1, "parallel_execution", what, fix));
    };
    if !parallel.enabled {
        return;
    }
    if parallel.groups.is_empty() {
        let what = "parallel execution is on, and there are no groups";
        let fix = "name at least one group, or say `\"enabled\": false`";
        faults.push(fault(parallel.line, "parallel_execution.groups", what, fix));
    }
    let tasks: HashMap<&str, &Action> =
        actions.tasks.iter().rev().map(|task| (task.task.id.value.as_str(), task)).collect();
    let mut seat: HashMap<&str, usize> = HashMap::new();
    for (at, group) in parallel.groups.iter().enumerate() {
        members(at, group, &parallel.groups, &tasks, &mut seat, faults);
        overlaps(group, &tasks, faults);
        if actions.strict.tests_first {
            mixed(group, &tasks, faults);
        }
    }
    orders(&parallel.groups, faults);
    for action in actions.tasks.iter().filter(|action| action.is_code()) {
        let (id, path) = (&action.task.id, &action.path);
        if !seat.contains_key(id.value.as_str()) && !parallel.groups.is_empty() {
            let what = format!("the code task {} is in no group", quoted(&id.value));
            let fix = "put it into exactly one of `parallel_execution.groups`";
            faults.push(fault(id.line, path, &what, fix));
        }
        if action.task.writes.is_empty() {
            let what = "a code task has no `writes`, and parallel execution is on";
            let fix = "list the files and directories that it may change";
            faults.push(fault(id.line, &format!("{path}.file_scope.writes"), what, fix));
        }
        agree(action, parallel.groups.as_slice(), &seat, faults);
    }
}

fn members<'a>(
    at: usize,
    group: &'a Group,
    groups: &[Group],
    tasks: &HashMap<&str, &Action>,
    seat: &mut HashMap<&'a str, usize>,
    faults: &mut Vec<Fault>,
) {
    if group.tasks.is_empty() {
        let path = format!("{}.tasks", group.path);
        faults.push(fault(group.id.line, &path, "the group has no tasks", "remove the group"));
    }
    for (nth, name) in group.tasks.iter().enumerate() {
        let (path, told) = (format!("{}.tasks[{nth}]", group.path), quoted(&name.value));
        let (what, fix) = match (tasks.get(name.value.as_str()), seat.get(name.value.as_str())) {
            (None, _) => (format!("there is no task {told}"), "name a task of this plan"),
            (Some(_), Some(&first)) => {
                let there = quoted(&groups[first].id.value);
                (format!("{told} is already in the group {there}"), "keep it in one group")
            }
            (Some(task), None) if !task.is_code() => (
                format!("{told} is no code task: its owner is {}", quoted(&task.owner.value)),
                "groups hold tasks of `implementor` and `tests-builder`",
            ),
            (Some(_), None) => {
                seat.insert(&name.value, at);
                continue;
            }
        };
        faults.push(fault(name.line, &path, &what, fix));
    }
}

/// Two tasks of a group that could touch the same file.
fn overlaps(group: &Group, tasks: &HashMap<&str, &Action>, faults: &mut Vec<Fault>) {
    let mut seen = HashSet::new();
    let known: Vec<&Action> = group
        .tasks
        .iter()
        .filter(|name| seen.insert(name.value.as_str()))
        .filter_map(|name| tasks.get(name.value.as_str()).copied())
        .collect();
    let drafts: Vec<&DraftTask> = known.iter().map(|action| &action.task).collect();
    for Shared { task, write, first } in shared(&drafts) {
        let text = &drafts[task].writes[write];
        let what = format!(
            "{} overlaps with what {} writes in the group {}",
            quoted(&text.value),
            quoted(&drafts[first].id.value),
            quoted(&group.id.value)
        );
        let path = format!("{}.file_scope.writes[{write}]", known[task].path);
        let fix = "give each its own files, or take one out of the group";
        faults.push(fault(text.line, &path, &what, fix));
    }
}

fn mixed(group: &Group, tasks: &HashMap<&str, &Action>, faults: &mut Vec<Fault>) {
    let known = || group.tasks.iter().filter_map(|name| tasks.get(name.value.as_str()));
    if known().any(|task| task.tests()) && known().any(|task| task.builds()) {
        let what = "strategy=tdd: tests and implementation are mixed in one group";
        let fix = "split it: the tests first, with a lower `execution_order`";
        faults.push(fault(group.id.line, &format!("{}.tasks", group.path), what, fix));
    }
}

/// Groups wait for groups of a lower order.
fn orders(groups: &[Group], faults: &mut Vec<Fault>) {
    let mut by_name: HashMap<&str, &Group> = HashMap::new();
    for group in groups {
        if let Some(first) = by_name.get(group.id.value.as_str()) {
            let what = format!("{} has the same name", quoted(&first.path));
            let path = format!("{}.group_id", group.path);
            faults.push(fault(group.id.line, &path, &what, "give it its own"));
        }
        by_name.entry(&group.id.value).or_insert(group);
    }
    for group in groups {
        for (nth, name) in group.depends_on.iter().enumerate() {
            let path = format!("{}.depends_on_groups[{nth}]", group.path);
            let told = quoted(&name.value);
            let what = match by_name.get(name.value.as_str()) {
                None => format!("there is no group {told}"),
                Some(other) if group.order.value <= other.order.value => format!(
                    "{told} has the execution_order {}, and must have less than {}",
                    other.order.value, group.order.value
                ),
                Some(_) => continue,
            };
            faults.push(fault(name.line, &path, &what, "let it wait for an earlier group"));
        }
    }
}

/// What a task waits for is in an earlier group.
fn agree(action: &Action, groups: &[Group], seat: &HashMap<&str, usize>, faults: &mut Vec<Fault>) {
    let own = seat.get(action.task.id.value.as_str()).map(|&at| &groups[at]);
    let Some(own) = own else { return };
    for (nth, name) in action.task.depends_on.iter().enumerate() {
        let Some(other) = seat.get(name.value.as_str()).map(|&at| &groups[at]) else { continue };
        if other.order.value < own.order.value {
            continue;
        }
        let what = if other.path == own.path {
            format!("{} is in the same group {}", quoted(&name.value), quoted(&own.id.value))
        } else {
            format!(
                "{} is in the group {} with the execution_order {}, which is not before {} of {}",
                quoted(&name.value),
                quoted(&other.id.value),
                other.order.value,
                own.order.value,
                quoted(&own.id.value)
            )
        };
        let path = format!("{}.depends_on[{nth}]", action.path);
        faults.push(fault(name.line, &path, &what, "move one of them into another group"));
    }
}
