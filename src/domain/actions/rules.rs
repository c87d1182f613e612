//! What each task must be, whatever groups there are, and whom it may wait for.

use std::collections::{HashMap, HashSet};

use super::{Action, Actions, OWNERS, fault};
use crate::domain::{
    circle::circles,
    near,
    plan::{BadScope, Scope},
    plan_check::{Fault, quoted, verification_faults},
};

/// How many unknown names are worth a look for what was meant.
const SUGGESTIONS_MAX: usize = 50;

pub(super) fn check(actions: &Actions, faults: &mut Vec<Fault>) {
    let mut seats: HashMap<&str, usize> = HashMap::new();
    for (at, action) in actions.tasks.iter().enumerate() {
        let id = &action.task.id;
        if let Some(first) = seats.get(id.value.as_str()) {
            let there = &actions.tasks[*first];
            let what = format!("Duplicate task id {}: `{}` has it", quoted(&id.value), there.path);
            faults.push(fault(id.line, &format!("{}.id", action.path), &what, "give it its own"));
        }
        seats.entry(&id.value).or_insert(at);
        owner(action, faults);
        writes(action, faults);
        criteria(actions, action, faults);
        if actions.strict.stories && action.is_code() && !action.has_stories {
            let path = format!("{}.user_story_ids", action.path);
            faults.push(fault(id.line, &path, "a code task names no user story", "name one"));
        }
    }
    waits(actions, &seats, faults);
}

fn owner(action: &Action, faults: &mut Vec<Fault>) {
    let said = &action.owner;
    if OWNERS.contains(&said.value.as_str()) {
        return;
    }
    let what = format!("{} is no owner", quoted(&said.value));
    let fix = match near::nearest(&said.value, OWNERS) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("say one of `{}`", OWNERS.join("`, `")),
    };
    faults.push(fault(said.line, &format!("{}.owner", action.path), &what, fix));
}

fn writes(action: &Action, faults: &mut Vec<Fault>) {
    let mut seen = HashSet::new();
    for (at, text) in action.task.writes.iter().enumerate() {
        let path = format!("{}.file_scope.writes[{at}]", action.path);
        let bad = match Scope::parse(&text.value) {
            Err(BadScope::Glob(said)) => Some(format!("Globs are forbidden in writes: `{said}`")),
            Err(bad) => Some(bad.to_string()),
            Ok(_) if !seen.insert(text.value.as_str()) => {
                Some(format!("Duplicate write scope {}", quoted(&text.value)))
            }
            Ok(_) => None,
        };
        if let Some(what) = bad {
            let fix = "write a file like `src/main.rs`, or a directory like `src/`";
            faults.push(fault(text.line, &path, &what, fix));
        }
    }
}

fn criteria(actions: &Actions, action: &Action, faults: &mut Vec<Fault>) {
    let (own, mut verified) = (quoted(&action.task.id.value), false);
    for (at, criterion) in action.task.acceptance.iter().enumerate() {
        for (nth, said) in criterion.verifications.iter().enumerate() {
            verified = true;
            let path = format!("{}.acceptance_criteria[{at}].verifications[{nth}]", action.path);
            let found = verification_faults(&own, said).into_iter();
            faults.extend(found.map(|f| fault(f.line, &path, &f.what, f.fix)));
        }
    }
    if actions.strict.verifications && action.is_code() && !verified {
        let path = format!("{}.acceptance_criteria", action.path);
        let what = "a code task has no verification";
        faults.push(fault(action.task.id.line, &path, what, "add one that a machine can make"));
    }
}

/// Who waits for whom: everyone exists, nobody waits for himself, and there is an order.
fn waits(actions: &Actions, seats: &HashMap<&str, usize>, faults: &mut Vec<Fault>) {
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); actions.tasks.len()];
    let mut suggested = 0;
    for (from, action) in actions.tasks.iter().enumerate() {
        let mut seen = HashSet::new();
        for (at, name) in action.task.depends_on.iter().enumerate() {
            let path = format!("{}.depends_on[{at}]", action.path);
            let told = quoted(&name.value);
            if !seen.insert(name.value.as_str()) {
                let what = format!("{told} is there twice");
                faults.push(fault(name.line, &path, &what, "name it once"));
                continue;
            }
            match seats.get(name.value.as_str()) {
                Some(&to) => edges[from].push(to),
                None => {
                    suggested += 1;
                    let known = actions.tasks.iter().map(|task| task.task.id.value.as_str());
                    let meant =
                        (suggested <= SUGGESTIONS_MAX).then(|| near::nearest(&name.value, known));
                    let fix = match meant.flatten() {
                        Some(meant) => format!("did you mean {}?", quoted(meant)),
                        None => "name a task of this plan, or remove it".to_owned(),
                    };
                    let what = format!("there is no task {told}");
                    faults.push(fault(name.line, &path, &what, fix));
                }
            }
        }
        tests_first(actions, action, &edges[from], faults);
    }
    for circle in circles(&edges) {
        let first = &actions.tasks[circle[0]];
        let next = circle.get(1).unwrap_or(&circle[0]);
        let next = &actions.tasks[*next].task.id.value;
        let waits = first.task.depends_on.iter();
        let at = waits.enumerate().find(|(_, name)| name.value == *next);
        let (at, line) = at.map_or((0, first.task.id.line), |(at, name)| (at, name.line));
        faults.push(fault(
            line,
            &format!("{}.depends_on[{at}]", first.path),
            &format!("dependencies go in a circle: {}", told(actions, &circle)),
            "remove one of these dependencies",
        ));
    }
}

/// The circle as an arrow from name to name, cut in the middle where it is long.
fn told(actions: &Actions, circle: &[usize]) -> String {
    const SHOWN_MAX: usize = 12;
    let name = |at: &usize| quoted(&actions.tasks[*at].task.id.value);
    let mut names: Vec<String> = circle.iter().take(SHOWN_MAX).map(name).collect();
    if SHOWN_MAX < circle.len() {
        names.push(format!("… ({} more)", circle.len() - SHOWN_MAX));
    }
    names.extend(circle.first().map(name));
    names.join(" → ")
}

fn tests_first(actions: &Actions, action: &Action, waits: &[usize], faults: &mut Vec<Fault>) {
    if actions.strict.tests_first
        && action.builds()
        && !waits.iter().any(|&at| actions.tasks[at].tests())
    {
        let what = "strategy=tdd: an implementor depends on no tests task";
        let path = format!("{}.depends_on", action.path);
        let fix = "name the task of a `tests-builder` that comes first";
        faults.push(fault(action.task.id.line, &path, what, fix));
    }
}
