//! Where each task of a plan stands in a run, group by group. It decides nothing and shows all.

use super::{
    fix::{Fix, FixType},
    item::{Phase, Progress},
    plan::{Plan, Sprint, Task},
    queue::{self, Stand},
    reconcile::Strength,
    run::Run,
    workflow::Part,
};

/// The group of what is to be mended in finished tasks.
const FIXES: &str = "fixes";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    /// Part of it is done, or it is at work.
    Partial,
    Done,
    /// It waits for a person, or for something that does.
    Blocked,
    /// No part of this run, or asked for no more.
    Skipped,
}

impl State {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Partial => "partial",
            Self::Done => "done",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub title: String,
    pub state: State,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub task: String,
    pub title: String,
    pub state: State,
    /// Where it is, or why it is not.
    pub why: String,
    /// What a fix task is about, where somebody said it.
    pub of: Option<FixType>,
}

/// The tasks by their sprints, and within one by their groups; what is done once for all of it is last.
#[must_use]
pub fn board(plan: &Plan, run: &Run) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (sprint, task) in plan.tasks() {
        let name = match &task.group {
            Some(group) => format!("{}/{group}", sprint.id),
            None => sprint.id.to_string(),
        };
        let row = row(plan, run, sprint, task);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.rows.push(row),
            None => {
                let title = sprint.title.clone();
                groups.push(Group { name, title, state: State::Pending, rows: vec![row] });
            }
        }
    }
    let mends: Vec<Row> =
        run.taken_up.iter().chain(&run.fixes).map(|fix| mends(run, fix)).collect();
    if !mends.is_empty() {
        let (name, title) = (FIXES.to_owned(), "to be mended in finished tasks".to_owned());
        groups.push(Group { name, title, state: State::Pending, rows: mends });
    }
    for item in run.items.iter().filter(|item| run.part_of(&item.id) != Part::Items) {
        let (state, why) = of(run, item.id.as_str(), &item.progress);
        let (task, title) = (item.id.to_string(), "for all of it".to_owned());
        let rows = vec![Row { task: task.clone(), title: title.clone(), state, why, of: None }];
        groups.push(Group { name: task, title, state, rows });
    }
    for group in &mut groups {
        group.state = together(&group.rows);
    }
    groups
}

fn row(plan: &Plan, run: &Run, sprint: &Sprint, task: &Task) -> Row {
    let find = |id: &str| run.items.iter().find(|item| item.id.as_str() == id);
    let item = find(task.id.as_str()).or_else(|| find(sprint.id.as_str()));
    let (state, why) = match item {
        Some(item) => of(run, item.id.as_str(), &item.progress),
        None => match queue::said(plan).get(&task.id) {
            Some(said) => match said.stand() {
                Stand::Closed => (State::Done, format!("the plan says {said}")),
                Stand::Paused => (State::Blocked, format!("the plan says {said}")),
                Stand::Open => (State::Skipped, "no part of this run".to_owned()),
            },
            None => (State::Skipped, "no part of this run".to_owned()),
        },
    };
    let of = FixType::said(task);
    Row { task: task.id.to_string(), title: task.title.clone(), state, why, of }
}

/// Where a fix stands that was asked for since the run began.
fn mends(run: &Run, fix: &Fix) -> Row {
    let first = fix.finding.message.lines().next().unwrap_or_default();
    let (state, why) = match mended(run, fix) {
        Mended::Waits => (State::Pending, String::new()),
        Mended::AtWork => (State::Partial, String::new()),
        Mended::Paused => (State::Blocked, "its task is paused".to_owned()),
        Mended::Done => (State::Done, String::new()),
    };
    let about = if why.is_empty() { fix.about() } else { format!("{}; {why}", fix.about()) };
    Row { task: fix.name(), title: first.to_owned(), state, why: about, of: fix.of }
}

/// How far a fix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    Waits,
    AtWork,
    /// Its task waits for a person.
    Paused,
    Done,
}

/// How far a fix of this run is: as far as its task, once that was taken up again for it.
#[must_use]
pub fn mended(run: &Run, fix: &Fix) -> Mended {
    if run.fixes.contains(fix) {
        return Mended::Waits;
    }
    let item = run.items.iter().find(|item| item.id == fix.item);
    match item.map(|item| &item.progress) {
        Some(Progress::Done { .. } | Progress::Inferred { .. }) => Mended::Done,
        Some(Progress::Active(_)) => Mended::AtWork,
        Some(Progress::Paused(_)) => Mended::Paused,
        Some(Progress::Pending) | None => Mended::Waits,
    }
}

fn of(run: &Run, id: &str, progress: &Progress) -> (State, String) {
    match progress {
        Progress::Pending => {
            let waits = run.charter.after.iter().find(|(item, _)| item.as_str() == id);
            let paused = |other: &&super::id::ItemId| {
                run.items
                    .iter()
                    .any(|item| item.id == **other && matches!(item.progress, Progress::Paused(_)))
            };
            match waits.and_then(|(_, before)| before.iter().find(paused)) {
                Some(other) => (State::Blocked, format!("waits for {other}")),
                None => (State::Pending, String::new()),
            }
        }
        Progress::Active(active) => {
            let why = format!("{}, cycle {}", active.stage, active.cycle);
            let waits = matches!(active.phase, Phase::Waiting(_));
            (if waits { State::Blocked } else { State::Partial }, why)
        }
        Progress::Paused(active) => {
            let why = match &active.phase {
                Phase::Waiting(waiting) => waiting.why.clone().unwrap_or_default(),
                _ => "answered".to_owned(),
            };
            (State::Blocked, why)
        }
        Progress::Done { head, .. } => {
            let again = run.to_verify.iter().any(|item| item.as_str() == id);
            let mends = run.fixes.iter().any(|fix| fix.item.as_str() == id);
            match again || mends {
                true => (State::Partial, "to be looked at again".to_owned()),
                false => (State::Done, head.short().to_owned()),
            }
        }
        Progress::Inferred { strength: Strength::Superseded, .. } => {
            (State::Skipped, "superseded".to_owned())
        }
        Progress::Inferred { strength, .. } => {
            (State::Done, format!("inferred ({}), not judged", strength.word()))
        }
    }
}

/// What the rows of a group come to.
fn together(rows: &[Row]) -> State {
    let all = |states: &[State]| rows.iter().all(|row| states.contains(&row.state));
    let any = |state: State| rows.iter().any(|row| row.state == state);
    match () {
        () if all(&[State::Skipped]) => State::Skipped,
        () if all(&[State::Done, State::Skipped]) => State::Done,
        () if any(State::Partial) => State::Partial,
        () if any(State::Blocked) => State::Blocked,
        () if any(State::Done) => State::Partial,
        () => State::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_what_its_tasks_are() {
        for (states, expected) in [
            ("done done", "done"),
            ("done skipped", "done"),
            ("skipped skipped", "skipped"),
            ("done pending", "partial"),
            ("partial blocked", "partial"),
            ("done blocked", "blocked"),
            ("pending pending", "pending"),
        ] {
            let all = [State::Pending, State::Partial, State::Done, State::Blocked, State::Skipped];
            let state = |word: &str| all.into_iter().find(|state| state.word() == word).unwrap();
            let row = |word| Row {
                task: "t".into(),
                title: String::new(),
                state: state(word),
                why: String::new(),
                of: None,
            };
            let rows: Vec<Row> = states.split(' ').map(row).collect();
            assert_eq!(together(&rows).word(), expected, "{states}");
        }
    }
}
