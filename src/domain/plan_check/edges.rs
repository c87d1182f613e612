//! Whether the tasks can be done in some order: who waits for whom. It never chooses the order.

use std::collections::{HashMap, HashSet};

use super::{
    draft::{Draft, DraftTask, Text},
    fault::{Fault, quoted},
    texts::single_spaced,
};
use crate::domain::{circle::circles, id::TaskId, near};

/// How many unknown names are worth a look for what was meant: each is compared with every task.
const SUGGESTIONS_MAX: usize = 50;

const UNKNOWN_FIX: &str = "name a task of this plan, or remove it";

struct Seat<'d> {
    sprint: usize,
    task: &'d DraftTask,
}

/// From one task to another that it waits for, both within one sprint.
struct Edge {
    to: usize,
    line: u32,
}

pub(super) fn check(draft: &Draft, faults: &mut Vec<Fault>) {
    let seats = seats(draft);
    let mut by_name = HashMap::new();
    for (index, seat) in seats.iter().enumerate() {
        by_name.entry(seat.task.id.value.as_str()).or_insert(index);
    }
    let mut edges: Vec<Vec<Edge>> = seats.iter().map(|_| Vec::new()).collect();
    let mut suggested = 0;
    for (from, seat) in seats.iter().enumerate() {
        let mut seen = HashSet::new();
        for name in &seat.task.depends_on {
            if !seen.insert(name.value.as_str()) {
                faults.push(repeated(seat.task, name));
                continue;
            }
            let Some(&to) = by_name.get(name.value.as_str()) else {
                suggested += 1;
                faults.push(unknown(seat.task, name, &seats, suggested));
                continue;
            };
            match unsound(draft, seat, &seats[to], name) {
                Some(fault) => faults.push(fault),
                None if seat.sprint == seats[to].sprint => {
                    edges[from].push(Edge { to, line: name.line });
                }
                None => {}
            }
        }
    }
    let waits: Vec<Vec<usize>> =
        edges.iter().map(|list| list.iter().map(|edge| edge.to).collect()).collect();
    faults.extend(circles(&waits).iter().map(|cycle| told(cycle, &seats, &edges)));
}

fn seats(draft: &Draft) -> Vec<Seat<'_>> {
    let sprints = draft.sprints.iter().enumerate();
    sprints
        .flat_map(|(sprint, said)| said.tasks.iter().map(move |task| Seat { sprint, task }))
        .collect()
}

fn repeated(task: &DraftTask, name: &Text) -> Fault {
    let (own, other) = (quoted(&task.id.value), quoted(&name.value));
    Fault::new(name.line, format!("{own} depends on {other} twice"), "name it once")
}

fn unknown(task: &DraftTask, name: &Text, seats: &[Seat<'_>], suggested: usize) -> Fault {
    if let Err(bad) = TaskId::parse(&name.value) {
        return Fault::new(name.line, bad.to_string(), UNKNOWN_FIX);
    }
    let (own, other) = (quoted(&task.id.value), quoted(&name.value));
    let others = seats.iter().map(|seat| seat.task.id.value.as_str());
    let others = others.filter(|id| *id != task.id.value);
    let meant = (suggested <= SUGGESTIONS_MAX).then(|| near::nearest(&name.value, others));
    Fault::new(
        name.line,
        format!("{own} depends on {other}, which is no task of this plan"),
        match meant.flatten() {
            Some(meant) => format!("did you mean {}?", quoted(meant)),
            None => UNKNOWN_FIX.to_owned(),
        },
    )
}

/// What is wrong with one dependency, whatever the others are.
fn unsound(draft: &Draft, from: &Seat<'_>, to: &Seat<'_>, name: &Text) -> Option<Fault> {
    let (own, other) = (quoted(&from.task.id.value), quoted(&to.task.id.value));
    if std::ptr::eq(from.task, to.task) {
        let what = format!("{own} depends on itself");
        return Some(Fault::new(name.line, what, "remove it"));
    }
    if from.sprint < to.sprint {
        let later = quoted(&draft.sprints[to.sprint].id.value);
        let what = format!("{own} depends on {other} of the later sprint {later}");
        let fix = format!("move {own} behind it, or {other} into an earlier sprint");
        return Some(Fault::new(name.line, what, fix));
    }
    let group = |seat: &Seat<'_>| seat.task.group.as_ref().map(|g| single_spaced(&g.value));
    let own_group = group(from)?;
    let together = from.sprint == to.sprint && group(to).as_ref() == Some(&own_group);
    together.then(|| {
        let group = quoted(&own_group);
        Fault::new(
            name.line,
            format!("{own} depends on {other} of its own parallel group {group}"),
            "take one of them out of the group",
        )
    })
}

fn told(cycle: &[usize], seats: &[Seat<'_>], edges: &[Vec<Edge>]) -> Fault {
    let (first, second) = (cycle[0], cycle[1 % cycle.len()]);
    let line = edges[first].iter().find(|edge| edge.to == second).map_or(1, |edge| edge.line);
    let mut names: Vec<&str> = cycle.iter().map(|&at| seats[at].task.id.value.as_str()).collect();
    names.push(names[0]);
    Fault::new(
        line,
        format!("dependencies go in a circle: `{}`", names.join(" → ")),
        "remove one of these dependencies",
    )
}
