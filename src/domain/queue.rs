//! Which task comes next, and which must be looked at again. It orders and marks; it never works.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use super::{
    id::TaskId,
    plan::{Plan, Task},
};

/// How many assumptions of one kind are one too many: then somebody must decide.
pub const ASSUMPTIONS_MAX: usize = 5;

/// Where a task stands, in the words of TASKS.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    Pending,
    InProgress,
    Done,
    /// Done by somebody else.
    DoneExternal,
    Skipped,
    Blocked,
    /// Somebody else takes care of it.
    ExternallyManaged,
    SatisfiedExternally,
    NeedsReVerification,
    /// What it came from is gone.
    Superseded,
}

/// What a status means for the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// There is work left.
    Open,
    /// Nothing is left, and what waits for it can go on.
    Closed,
    /// Nobody may work on it now, and what waits for it waits.
    Paused,
}

impl Status {
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::InProgress,
        Self::Done,
        Self::DoneExternal,
        Self::Skipped,
        Self::Blocked,
        Self::ExternallyManaged,
        Self::SatisfiedExternally,
        Self::NeedsReVerification,
        Self::Superseded,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::DoneExternal => "done (external)",
            Self::Skipped => "skipped",
            Self::Blocked => "blocked",
            Self::ExternallyManaged => "externally-managed",
            Self::SatisfiedExternally => "satisfied-externally",
            Self::NeedsReVerification => "needs-re-verification",
            Self::Superseded => "superseded",
        }
    }

    /// Case, and whether words are joined by a space, `-` or `_`, do not count.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let folded = |text: &str| {
            let plain = text.chars().filter(char::is_ascii_alphanumeric);
            plain.map(|c| c.to_ascii_lowercase()).collect::<String>()
        };
        let said = folded(text);
        Self::ALL.into_iter().find(|status| folded(status.word()) == said)
    }

    #[must_use]
    pub fn stand(self) -> Stand {
        match self {
            Self::Pending | Self::InProgress | Self::NeedsReVerification => Stand::Open,
            Self::Done
            | Self::DoneExternal
            | Self::Skipped
            | Self::SatisfiedExternally
            | Self::Superseded => Stand::Closed,
            Self::Blocked | Self::ExternallyManaged => Stand::Paused,
        }
    }

    /// Whether its files are this run's own finished work, so that a change of them matters.
    #[must_use]
    pub fn is_verified(self) -> bool {
        match self {
            Self::Done => true,
            Self::Pending
            | Self::InProgress
            | Self::DoneExternal
            | Self::Skipped
            | Self::Blocked
            | Self::ExternallyManaged
            | Self::SatisfiedExternally
            | Self::NeedsReVerification
            | Self::Superseded => false,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a task is for, as its name tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `F-012`: it mends what went wrong, and comes before everything else.
    Fix,
    /// `T-012T`: it tests what `T-012` built.
    Test,
    Work,
}

impl Kind {
    #[must_use]
    pub fn of(id: &TaskId) -> Self {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = id.as_str();
        if id.strip_prefix("F-").is_some_and(digits) {
            return Self::Fix;
        }
        let test = id.strip_prefix("T-").and_then(|rest| rest.strip_suffix('T'));
        if test.is_some_and(digits) { Self::Test } else { Self::Work }
    }
}

/// Where each task stands; one that is not there is pending.
pub type States = BTreeMap<TaskId, Status>;

/// What a plan itself says of its tasks.
#[must_use]
pub fn said(plan: &Plan) -> States {
    let own = |text: &String| Status::parse(text.trim_matches('"'));
    let tasks = plan.tasks().map(|(_, task)| task);
    tasks
        .filter_map(|task| Some((task.id.clone(), task.extra.get("status").and_then(own)?)))
        .collect()
}

/// The open tasks in the order in which they are to be done: fix tasks first, then front to back,
/// each behind what it waits for. What is paused, what waits for it and what waits in a circle is
/// left out. What a fix task waits for comes before it.
#[must_use]
pub fn order(plan: &Plan, states: &States) -> Vec<TaskId> {
    let graph = Graph::of(plan);
    let stand = |at: usize| status(states, &graph.tasks[at].id).stand();
    let mut open: Vec<usize> = graph
        .waits
        .iter()
        .map(|waits| waits.iter().filter(|&&at| stand(at) != Stand::Closed).count())
        .collect();
    let mut urgent = vec![false; graph.tasks.len()];
    let is_fix = |at: &usize| Kind::of(&graph.tasks[*at].id) == Kind::Fix;
    let fixes = (0..graph.tasks.len()).filter(|at| stand(*at) == Stand::Open).filter(is_fix);
    graph.reach(fixes, &graph.waits).into_iter().for_each(|at| urgent[at] = true);
    let ready_at = |at: usize| (!urgent[at], at);
    let mut ready: BTreeSet<(bool, usize)> = (0..graph.tasks.len())
        .filter(|&at| open[at] == 0 && stand(at) == Stand::Open)
        .map(ready_at)
        .collect();
    let mut order = Vec::new();
    while let Some((_, at)) = ready.pop_first() {
        order.push(graph.tasks[at].id.clone());
        for &follower in &graph.followers[at] {
            open[follower] -= 1;
            if open[follower] == 0 && stand(follower) == Stand::Open {
                ready.insert(ready_at(follower));
            }
        }
    }
    order
}

/// What changed: a task was redone, or files were touched by anybody.
#[derive(Debug, Clone, Copy)]
pub enum Changed<'c> {
    Task(&'c TaskId),
    Files(&'c [String]),
}

/// The tasks to be verified again: those whose files overlap with what changed, and everything
/// that waits for one of them or for the changed task, each once, in the order of the plan. The
/// changed task itself is not among them.
#[must_use]
pub fn cascade(plan: &Plan, changed: Changed<'_>) -> Vec<TaskId> {
    let graph = Graph::of(plan);
    let own = match changed {
        Changed::Task(id) => graph.tasks.iter().position(|task| task.id == *id),
        Changed::Files(_) => None,
    };
    if matches!(changed, Changed::Task(_)) && own.is_none() {
        return Vec::new();
    }
    let touched = |at: &usize| match changed {
        Changed::Files(files) => touches(graph.tasks[*at], files),
        Changed::Task(_) => {
            own == Some(*at) || own.is_some_and(|own| overlap(graph.tasks[own], graph.tasks[*at]))
        }
    };
    let roots: Vec<usize> = (0..graph.tasks.len()).filter(touched).collect();
    let reached = graph.reach(roots.into_iter(), &graph.followers);
    let others = reached.into_iter().filter(|&at| Some(at) != own);
    others.map(|at| graph.tasks[at].id.clone()).collect()
}

/// The finished tasks whose files overlap with those of `task`: worth a look after it changed them.
#[must_use]
pub fn spot_check(plan: &Plan, states: &States, task: &TaskId) -> Vec<TaskId> {
    let tasks: Vec<&Task> = plan.tasks().map(|(_, task)| task).collect();
    let Some(own) = tasks.iter().find(|known| known.id == *task) else { return Vec::new() };
    let others = tasks.iter().filter(|other| other.id != *task);
    let finished = others.filter(|other| status(states, &other.id).is_verified());
    finished.filter(|other| overlap(own, other)).map(|other| other.id.clone()).collect()
}

/// How much the plan left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Patched on the spot.
    L0,
    /// Assumed, and flagged.
    L1,
    /// Nobody but a person can say: the task waits, and no other.
    L2,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub task: TaskId,
    pub level: Level,
    /// What the assumption is about, like `error-format`.
    pub kind: String,
}

/// What the gaps mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gaps {
    /// The tasks that wait for a person.
    pub paused: BTreeSet<TaskId>,
    /// Kinds of assumptions that were made so often that somebody must decide them.
    pub promoted: BTreeSet<String>,
}

#[must_use]
pub fn gaps(found: &[Gap]) -> Gaps {
    let mut gaps = Gaps::default();
    let mut assumed: BTreeMap<&str, usize> = BTreeMap::new();
    for gap in found {
        match gap.level {
            Level::L0 => {}
            Level::L1 => *assumed.entry(&gap.kind).or_default() += 1,
            Level::L2 => {
                gaps.paused.insert(gap.task.clone());
            }
        }
    }
    let often = assumed.into_iter().filter(|(_, count)| ASSUMPTIONS_MAX <= *count);
    gaps.promoted = often.map(|(kind, _)| kind.to_owned()).collect();
    gaps
}

/// The states with the paused tasks blocked; what is closed stays closed.
#[must_use]
pub fn paused(states: &States, gaps: &Gaps) -> States {
    let mut states = states.clone();
    for task in &gaps.paused {
        if status(&states, task).stand() == Stand::Open {
            states.insert(task.clone(), Status::Blocked);
        }
    }
    states
}

fn status(states: &States, id: &TaskId) -> Status {
    states.get(id).copied().unwrap_or(Status::Pending)
}

fn overlap(one: &Task, other: &Task) -> bool {
    one.writes.iter().any(|scope| other.writes.iter().any(|there| there.overlaps(scope)))
}

fn touches(task: &Task, files: &[String]) -> bool {
    task.writes.iter().any(|own| files.iter().any(|file| own.holds(file)))
}

/// Who waits for whom, by the places of the tasks in the plan.
struct Graph<'p> {
    tasks: Vec<&'p Task>,
    waits: Vec<Vec<usize>>,
    followers: Vec<Vec<usize>>,
}

impl<'p> Graph<'p> {
    fn of(plan: &'p Plan) -> Self {
        let tasks: Vec<&Task> = plan.tasks().map(|(_, task)| task).collect();
        let seats: HashMap<&TaskId, usize> =
            tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect();
        let mut followers = vec![Vec::new(); tasks.len()];
        let mut waits = Vec::new();
        for (at, task) in tasks.iter().enumerate() {
            let before: BTreeSet<usize> =
                task.depends_on.iter().filter_map(|id| seats.get(id).copied()).collect();
            before.iter().for_each(|&before| followers[before].push(at));
            waits.push(before.into_iter().collect());
        }
        Self { tasks, waits, followers }
    }

    /// Everything that can be come to from the roots, with them, in the order of the plan.
    fn reach(&self, roots: impl Iterator<Item = usize>, edges: &[Vec<usize>]) -> BTreeSet<usize> {
        let mut open: Vec<usize> = roots.collect();
        let mut reached = BTreeSet::new();
        while let Some(at) = open.pop() {
            if reached.insert(at) {
                open.extend(&edges[at]);
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests;
