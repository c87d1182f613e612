//! Whether tasks that run side by side can keep out of each other's files.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    draft::{DraftSprint, DraftTask},
    fault::{Fault, is_deceptive, quoted},
    texts::single_spaced,
};
use crate::domain::plan::Scope;

/// The longest path that a task may name.
pub const SCOPE_BYTES_MAX: usize = 1024;

/// The scopes of one task that can be believed.
pub(super) fn parsed(task: &DraftTask, faults: &mut Vec<Fault>) -> Vec<Scope> {
    let own = quoted(&task.id.value);
    let mut seen = HashSet::new();
    let mut scopes = Vec::new();
    for text in &task.writes {
        let path = quoted(&text.value);
        if SCOPE_BYTES_MAX < text.value.len() {
            let what = format!("the path {path} of {own} is longer than {SCOPE_BYTES_MAX} bytes");
            faults.push(Fault::new(text.line, what, "name the directory instead"));
            continue;
        }
        if text.value.chars().any(is_deceptive) {
            let what = format!("the path {path} of {own} holds an invisible character");
            faults.push(Fault::new(text.line, what, "remove it"));
            continue;
        }
        // Scopes are compared by `/` alone: the other separator would hide an overlap.
        if text.value.contains('\\') {
            let what = format!("the path {path} of {own} has a backslash");
            faults.push(Fault::new(text.line, what, "write `/` between directories"));
            continue;
        }
        match Scope::parse(&text.value) {
            Err(bad) => {
                let fix = "write a path like `src/main.rs`, or a directory like `src/`";
                faults.push(Fault::new(text.line, bad.to_string(), fix));
            }
            Ok(_) if !seen.insert(text.value.as_str()) => {
                let what = format!("{own} writes {path} twice");
                faults.push(Fault::new(text.line, what, "name it once"));
            }
            Ok(scope) => scopes.push(scope),
        }
    }
    scopes
}

/// What stands in the way of running the groups of a sprint.
pub(super) fn check_groups(sprint: &DraftSprint, faults: &mut Vec<Fault>) {
    let mut groups: BTreeMap<String, Vec<&DraftTask>> = BTreeMap::new();
    for task in &sprint.tasks {
        if let Some(group) = &task.group {
            groups.entry(single_spaced(&group.value)).or_default().push(task);
        }
    }
    for (group, tasks) in groups {
        for task in tasks.iter().filter(|task| task.writes.is_empty()) {
            let own = quoted(&task.id.value);
            faults.push(Fault::new(
                task.id.line,
                format!("{own} is in the parallel group {} and has no `writes`", quoted(&group)),
                "list the files and directories that it may change",
            ));
        }
        check_group(&group, &tasks, faults);
    }
}

/// Where each path of the earlier tasks was first named, by folded path without a final `/`.
#[derive(Default)]
struct Map<'d> {
    named: HashMap<&'d str, usize>,
    dirs: HashMap<&'d str, usize>,
    beneath: HashMap<&'d str, usize>,
}

/// One fault for every path that an earlier task of the group could touch too.
fn check_group(group: &str, tasks: &[&DraftTask], faults: &mut Vec<Fault>) {
    for Shared { task, write, first } in shared(tasks) {
        let (task, first) = (tasks[task], tasks[first]);
        let (own, other) = (quoted(&task.id.value), quoted(&first.id.value));
        let (path, group) = (quoted(&task.writes[write].value), quoted(group));
        faults.push(Fault::new(
            task.writes[write].line,
            format!("{own} and {other} of the parallel group {group} both write {path}"),
            "give each its own files, or take one out of the group",
        ));
    }
}

/// A path that two tasks could touch, by the places of the tasks and of the later one's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    pub task: usize,
    pub write: usize,
    pub first: usize,
}

/// Every path that an earlier one of the tasks could touch too. Maps, because comparing all pairs of
/// a long list would take minutes.
#[must_use]
pub fn shared(tasks: &[&DraftTask]) -> Vec<Shared> {
    let folded: Vec<Vec<String>> = tasks.iter().map(|task| folded(task)).collect();
    let (mut map, mut found) = (Map::default(), Vec::new());
    for (task, paths) in folded.iter().enumerate() {
        for (write, path) in paths.iter().enumerate() {
            let first = map.first_to_touch(path);
            found.extend(first.map(|first| Shared { task, write, first }));
        }
        paths.iter().for_each(|path| map.add(path, task));
    }
    found
}

/// As `Scope::overlaps` folds them; what is no scope has its own fault and touches nothing here.
fn folded(task: &DraftTask) -> Vec<String> {
    let good = |path: &str| path.len() <= SCOPE_BYTES_MAX && Scope::parse(path).is_ok();
    let paths = task.writes.iter().map(|text| text.value.as_str());
    paths.map(|path| if good(path) { path.to_lowercase() } else { String::new() }).collect()
}

impl<'d> Map<'d> {
    fn first_to_touch(&self, path: &str) -> Option<usize> {
        let (plain, is_dir) = parts(path);
        let above = parents(plain).filter_map(|dir| self.dirs.get(dir));
        let below = is_dir.then(|| self.beneath.get(plain)).flatten();
        above.chain(below).chain(self.named.get(plain)).min().copied()
    }

    fn add(&mut self, path: &'d str, task: usize) {
        let (plain, is_dir) = parts(path);
        if plain.is_empty() {
            return;
        }
        self.named.entry(plain).or_insert(task);
        if is_dir {
            self.dirs.entry(plain).or_insert(task);
        }
        for dir in parents(plain) {
            self.beneath.entry(dir).or_insert(task);
        }
    }
}

fn parts(path: &str) -> (&str, bool) {
    path.strip_suffix('/').map_or((path, false), |dir| (dir, true))
}

fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}
