//! Whether tasks that ran side by side kept to their own files.
//!
//! Commits say by their trailers whose work they are; what says nothing belongs to whoever may write there.
//! What was taken back since is not held against anybody.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    super::{
        finding::Severity,
        plan::{Plan, Task},
        tale::counted,
    },
    Judged,
    change::{Change, Commit},
    finding,
    paths::NOTHING,
};

/// `changes` is what differs over the whole range, the work tree included.
#[must_use]
pub fn judge(plan: &Plan, commits: &[Commit], changes: &[Change], run: Option<&str>) -> Judged {
    let tasks: Vec<&Task> = plan.tasks().map(|(_, task)| task).collect();
    if tasks.iter().all(|task| task.writes.is_empty()) {
        return Judged::unknown("no task says what it may write, so no file is anybody's");
    }
    if changes.is_empty() {
        return Judged::fail(NOTHING);
    }
    let standing: HashSet<&[u8]> = changes.iter().map(|change| change.path.as_slice()).collect();
    let mut findings = Vec::new();
    let mut by_path: BTreeMap<&[u8], BTreeSet<&str>> = BTreeMap::new();
    let mut owned: HashSet<&[u8]> = HashSet::new();
    for commit in commits {
        let Some(item) = commit.item(run) else { continue };
        let whose = tasks_of(plan, item);
        if whose.is_empty() {
            continue;
        }
        for path in commit.changes.iter().map(|change| change.path.as_slice()) {
            if !standing.contains(path) {
                continue;
            }
            owned.insert(path);
            by_path.entry(path).or_default().insert(item);
            if !whose.iter().any(|task| holds(task, path)) {
                let message = format!(
                    "`{item}` changed it in {}, and may not write there",
                    commit.id.short()
                );
                findings.push(finding("outside-own-scope", Severity::High, Some(path), message));
            }
        }
    }
    for (path, items) in &by_path {
        if let Some((one, other)) = side_by_side(&tasks, items) {
            let message = format!("`{one}` and `{other}` are of one group, and both changed it");
            findings.push(finding("same-file", Severity::High, Some(path), message));
        }
    }
    for change in changes {
        let known = owned.contains(change.path.as_slice());
        if !known && !tasks.iter().any(|task| holds(task, &change.path)) {
            let message = "it changed, and no task can have done it".to_owned();
            findings.push(finding("nobodys-change", Severity::High, Some(&change.path), message));
        }
    }
    findings.dedup();
    Judged::by_findings(
        findings,
        |wrong| format!("{} by whom it should not be", counted(wrong, "change")),
        format!("{} changed, each by a task that may", counted(changes.len(), "path")),
    )
}

/// The task of this name, or those of the sprint.
fn tasks_of<'p>(plan: &'p Plan, item: &str) -> Vec<&'p Task> {
    let sprint = plan.sprints.iter().find(|sprint| sprint.id.as_str() == item);
    match sprint {
        Some(sprint) => sprint.tasks.iter().collect(),
        None => {
            plan.tasks().map(|(_, task)| task).filter(|task| task.id.as_str() == item).collect()
        }
    }
}

fn holds(task: &Task, path: &[u8]) -> bool {
    task.writes.iter().any(|scope| scope.holds_bytes(path))
}

/// Two of the items that are tasks of the same group.
fn side_by_side<'i>(tasks: &[&Task], items: &BTreeSet<&'i str>) -> Option<(&'i str, &'i str)> {
    let group = |item: &str| {
        let task = tasks.iter().find(|task| task.id.as_str() == item)?;
        task.group.as_deref()
    };
    let mut seen: BTreeMap<&str, &'i str> = BTreeMap::new();
    items.iter().find_map(|item| seen.insert(group(item)?, item).map(|other| (other, *item)))
}
