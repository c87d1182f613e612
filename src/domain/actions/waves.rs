//! Groups with an order become sprints, one after the other. What is in no group stands where its
//! dependencies and the order of the file put it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Action, Actions};
use crate::domain::{
    plan::Extra,
    plan_check::{DraftSprint, DraftTask, Located},
};

pub(super) fn sprints(actions: &Actions) -> Vec<DraftSprint> {
    let waves = waves(actions);
    let groups = groups_of(actions);
    let mut tasks: BTreeMap<usize, Vec<DraftTask>> = BTreeMap::new();
    for (action, wave) in actions.tasks.iter().zip(&waves) {
        let mut task = action.task.clone();
        task.owner = Some(action.owner.clone());
        let group = groups.get(action.task.id.value.as_str());
        task.group = group.map(|&at| actions.groups()[at].id.clone());
        tasks.entry(*wave).or_default().push(task);
    }
    (1..).zip(tasks.into_values()).map(|(number, tasks)| sprint(number, tasks)).collect()
}

fn sprint(number: usize, tasks: Vec<DraftTask>) -> DraftSprint {
    let line = tasks.first().map_or(1, |task| task.id.line);
    let groups: BTreeSet<&str> =
        tasks.iter().filter_map(|task| task.group.as_ref()).map(|g| g.value.as_str()).collect();
    let title = match groups.len() {
        0 => format!("Wave {number}"),
        1..=5 => format!("Wave {number}: {}", groups.into_iter().collect::<Vec<_>>().join(", ")),
        many => format!("Wave {number}: {many} groups"),
    };
    DraftSprint {
        id: Located::new(line, format!("sprint-{number}")),
        title: Located::new(line, title),
        goal: None,
        tasks,
        extra: Extra::new(),
    }
}

fn groups_of(actions: &Actions) -> HashMap<&str, usize> {
    let groups = actions.groups().iter().enumerate().rev();
    groups.flat_map(|(at, group)| group.tasks.iter().map(move |t| (t.value.as_str(), at))).collect()
}

/// For each task the number of its wave. Not before what it waits for, not behind what waits for
/// it, and where that leaves a choice, behind everything that stands before it in the file.
fn waves(actions: &Actions) -> Vec<usize> {
    let orders: BTreeSet<u32> = actions.groups().iter().map(|group| group.order.value).collect();
    let rank: HashMap<u32, usize> = (0..).zip(&orders).map(|(at, order)| (*order, at)).collect();
    let groups = groups_of(actions);
    let fixed: Vec<Option<usize>> = actions
        .tasks
        .iter()
        .map(|action| groups.get(action.task.id.value.as_str()))
        .map(|at| at.and_then(|&at| rank.get(&actions.groups()[at].order.value)).copied())
        .collect();
    let edges = edges(&actions.tasks);
    let order = order(&edges);
    let last = orders.len().saturating_sub(1);
    let mut upper: Vec<usize> = fixed.iter().map(|wave| wave.unwrap_or(last)).collect();
    for &at in order.iter().rev() {
        for &before in &edges[at] {
            if fixed[before].is_none() {
                upper[before] = upper[before].min(upper[at]);
            }
        }
    }
    let mut behind = 0;
    let wish: Vec<usize> = fixed
        .iter()
        .map(|wave| {
            behind = behind.max(wave.unwrap_or(0));
            behind
        })
        .collect();
    let mut waves = vec![0; fixed.len()];
    for &at in &order {
        let lower = edges[at].iter().map(|&before| waves[before]).max().unwrap_or(0);
        waves[at] = fixed[at].unwrap_or_else(|| wish[at].min(upper[at]).max(lower));
    }
    waves
}

fn edges(tasks: &[Action]) -> Vec<Vec<usize>> {
    let seats: HashMap<&str, usize> = tasks
        .iter()
        .enumerate()
        .rev()
        .map(|(at, action)| (action.task.id.value.as_str(), at))
        .collect();
    let waits = |action: &Action| {
        let names = action.task.depends_on.iter();
        names.filter_map(|name| seats.get(name.value.as_str()).copied()).collect()
    };
    tasks.iter().map(waits).collect()
}

/// Each task behind what it waits for; those of a circle last, in the order of the file.
fn order(edges: &[Vec<usize>]) -> Vec<usize> {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
    let mut open: Vec<usize> = edges.iter().map(Vec::len).collect();
    for (at, before) in edges.iter().enumerate() {
        before.iter().for_each(|&before| followers[before].push(at));
    }
    let mut ready: BTreeSet<usize> = (0..edges.len()).filter(|&at| open[at] == 0).collect();
    let (mut order, mut placed) = (Vec::new(), vec![false; edges.len()]);
    while let Some(at) = ready.pop_first() {
        order.push(at);
        placed[at] = true;
        for &follower in &followers[at] {
            open[follower] -= 1;
            if open[follower] == 0 {
                ready.insert(follower);
            }
        }
    }
    order.extend((0..edges.len()).filter(|&at| !placed[at]));
    order
}
