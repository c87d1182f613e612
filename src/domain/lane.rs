//! Lanes: tasks of one group that are built side by side, ahead of their turn. Which may be, and what
//! follows from what they left.
//!
//! A run has one item at work, lanes or not: what a lane built is brought in when its item's turn comes.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    event::{ProcessMark, StageEnd},
    finding::{FINDINGS_MAX, Finding, Severity},
    id::{ItemId, Oid, StageId},
    item::{Active, Progress},
    outcome::{Failure, Outcome},
    plan::Scope,
    run::{Breaker, Run},
    step,
    time::Timestamp,
    workflow::{Duty, Need, StageShape},
};

/// The most that work side by side, whatever somebody asks for.
pub const PARALLEL_MAX: u32 = 8;
/// Lanes that a run remembers; beyond it the oldest that nobody waits for is forgotten.
pub const LANES_KEPT_MAX: usize = 64;

/// What both sides changed.
pub const CONFLICT: &str = "lane-conflict";
/// What is outside of the files that the task may change.
pub const SCOPE: &str = "lane-scope";
/// What another lane changed as well.
pub const SAME_FILE: &str = "lane-same-file";

/// Which items may be built side by side: fixed at the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups {
    /// How many at once; less than two is none.
    pub parallel: u32,
    /// In the order of the plan, each of two items or more.
    pub items: Vec<Vec<ItemId>>,
}

impl Groups {
    #[must_use]
    pub fn is_on(&self) -> bool {
        2 <= self.parallel && !self.items.is_empty()
    }
}

/// What is written down when an agent begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStart {
    pub item: ItemId,
    pub stage: StageId,
    pub agent: String,
    /// The commit that it was shown.
    pub base: Oid,
    pub worktree: String,
    /// None where the agent could not be started.
    pub process: Option<ProcessMark>,
}

/// What has come of it: as of a stage, in a work tree of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneEnd {
    pub item: ItemId,
    /// `head` is the tip; `tree` the work tree as it was left, untracked files included.
    pub end: StageEnd,
    /// None where it could not be saved; then the work tree stays.
    pub saved: Option<Saved>,
}

/// The checkpoint that holds tip, index and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    pub number: u64,
    pub commit: Oid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    pub item: ItemId,
    pub stage: StageId,
    pub agent: String,
    pub base: Oid,
    pub worktree: String,
    pub process: Option<ProcessMark>,
    pub phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    Working,
    /// It left this, and its item's turn has not come.
    Ended(Left),
    /// What it built is being brought in: the tree that the work tree has then.
    Joining {
        left: Left,
        tree: Oid,
    },
    /// Its work is a commit of the run's.
    Joined(Left),
    /// Its item is built by its agent once more.
    Dropped {
        why: String,
        left: Left,
    },
}

/// What there is of a lane that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub built: bool,
    /// By request; then it may begin once more.
    pub stopped: bool,
    pub tree: Oid,
    pub saved: Option<Saved>,
    pub papers: Vec<super::event::PaperRef>,
}

impl Lane {
    #[must_use]
    pub fn begun(start: &LaneStart) -> Self {
        let LaneStart { item, stage, agent, base, worktree, process } = start.clone();
        Self { item, stage, agent, base, worktree, process, phase: Phase::Working }
    }

    pub(super) fn end(&mut self, of: &LaneEnd) {
        let left = Left {
            built: of.end.outcome == Outcome::Built && of.saved.is_some(),
            stopped: of.end.outcome == Outcome::Stopped,
            tree: of.end.tree.clone(),
            saved: of.saved.clone(),
            papers: of.end.papers.clone(),
        };
        self.phase = if left.built || left.stopped {
            Phase::Ended(left)
        } else {
            Phase::Dropped { why: told(&of.end.outcome), left }
        };
    }

    pub(super) fn drop(&mut self, why: &str) {
        match &self.phase {
            Phase::Working | Phase::Joined(_) | Phase::Dropped { .. } => {}
            Phase::Ended(left) | Phase::Joining { left, .. } => {
                self.phase = Phase::Dropped { why: why.to_owned(), left: left.clone() };
            }
        }
    }

    #[must_use]
    pub fn left(&self) -> Option<&Left> {
        match &self.phase {
            Phase::Working => None,
            Phase::Ended(left)
            | Phase::Joining { left, .. }
            | Phase::Joined(left)
            | Phase::Dropped { left, .. } => Some(left),
        }
    }

    /// Whether what it left is waited for by nobody any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Joined(_) | Phase::Dropped { .. })
    }

    /// Whether its item has use for what it does or left, as it is.
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        !self.is_over() && !self.may_be_followed()
    }

    #[must_use]
    pub fn is_joining(&self) -> bool {
        matches!(self.phase, Phase::Joining { .. })
    }

    #[must_use]
    pub fn is_working(&self) -> bool {
        self.phase == Phase::Working
    }

    /// Whether its item may have a new one.
    fn may_be_followed(&self) -> bool {
        matches!(&self.phase, Phase::Ended(left) if left.stopped)
    }

    #[must_use]
    pub fn word(&self) -> &'static str {
        match &self.phase {
            Phase::Working => "working",
            Phase::Ended(left) if left.built => "built",
            Phase::Ended(_) => "stopped",
            Phase::Joining { .. } => "joining",
            Phase::Joined(_) => "joined",
            Phase::Dropped { .. } => "dropped",
        }
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Built => "it could not be saved".to_owned(),
        Outcome::Failed { failure, detail } => format!("no result ({}): {detail}", failure.word()),
        Outcome::Blocked { why } => format!("it needs an answer: {why}"),
        Outcome::Held { .. } => "the agent asks to be called later".to_owned(),
        Outcome::Unavailable { why } => format!("no agent: {why}"),
        Outcome::Stopped => "stopped".to_owned(),
        Outcome::Judged(_) => "a judge has no lane".to_owned(),
    }
}

/// The outcome of a lane of which nobody heard any more.
#[must_use]
pub fn lost(why: &str) -> Outcome {
    Outcome::Failed { failure: Failure::Killed, detail: why.to_owned() }
}

/// The stage that a lane does ahead: the first one of its item, when that builds and has what it needs.
#[must_use]
pub fn ahead<'r>(run: &'r Run, item: &ItemId) -> Option<&'r StageShape> {
    let shape = run.first_stage(item)?;
    let has = |need: &Need| matches!(need, Need::Paper(name) if run.paper(item, name).is_some());
    (shape.duty == Duty::Build && shape.needs.iter().all(has)).then_some(shape)
}

/// The items that are to be built side by side now, in the order of the plan: as many of one group as
/// may begin, each when there is room for it. Never one alone.
#[must_use]
pub fn due(run: &Run, now: Timestamp) -> Vec<ItemId> {
    let next = run.next_item().filter(|item| item.progress == Progress::Pending);
    let Some(next) = next.filter(|_| is_open(run, now)) else { return Vec::new() };
    let Some(group) = run.charter.groups.items.iter().find(|group| group.contains(&next.id)) else {
        return Vec::new();
    };
    let waiting = run.lanes.iter().filter(|lane| lane.is_waited_for()).count();
    let most = LANES_KEPT_MAX.saturating_sub(waiting).min(run.calls_left(now) as usize);
    let due: Vec<ItemId> =
        group.iter().filter(|item| may_begin(run, item)).take(most).cloned().collect();
    if due.len() < 2 || !due.contains(&next.id) { Vec::new() } else { due }
}

/// The first of those that are due for which there is room now, whoever is at work already. Each limit
/// is looked at anew: what has ended meanwhile may have used it up.
#[must_use]
pub fn next<'i>(run: &Run, due: &'i [ItemId], now: Timestamp) -> Option<&'i ItemId> {
    let working = run.lanes.iter().filter(|lane| lane.is_working()).count();
    let room = working < at_once(run) && is_open(run, now) && !step::is_spent(run);
    due.iter().find(|item| room && may_begin(run, item))
}

/// How many may be at work at the same time.
pub(super) fn at_once(run: &Run) -> usize {
    run.charter.groups.parallel.min(PARALLEL_MAX) as usize
}

/// Whether anything may be begun ahead at all.
fn is_open(run: &Run, now: Timestamp) -> bool {
    run.charter.groups.is_on()
        && run.active().is_none()
        && run.halt_request.is_none()
        && run.stop.is_none()
        && run.breaker == Breaker::Closed
        && run.ran_by(now) < run.charter.limits.run_time_max
        && run.next_call_at(now).is_none()
}

/// Whether a lane may be begun for the item.
pub(super) fn may_begin(run: &Run, id: &ItemId) -> bool {
    let pending = run
        .items
        .iter()
        .any(|item| item.id == *id && item.progress == Progress::Pending && run.may_start(id));
    let free = run.lanes.iter().all(|lane| lane.item != *id || lane.may_be_followed());
    pending && free && ahead(run, id).is_some()
}

/// The lane whose work is to be brought in instead of calling the item's agent.
#[must_use]
pub fn to_join<'r>(run: &'r Run, item: &ItemId, active: &Active) -> Option<&'r Lane> {
    run.lanes.iter().find(|lane| {
        let built = matches!(&lane.phase, Phase::Ended(left) if left.built);
        built && lane.item == *item && lane.stage == active.stage && active.cycle == 1
    })
}

/// The tree that is being brought in for the item.
#[must_use]
pub fn joining<'r>(run: &'r Run, item: &ItemId) -> Option<&'r Oid> {
    run.lanes.iter().find_map(|lane| match &lane.phase {
        Phase::Joining { tree, .. } if lane.item == *item => Some(tree),
        _ => None,
    })
}

/// Paths of a lane that its task may not change.
#[must_use]
pub fn outside(changed: &[Vec<u8>], writes: &[Scope]) -> Vec<Finding> {
    let strays = changed.iter().filter(|path| !writes.iter().any(|scope| scope.holds_bytes(path)));
    bounded(strays.map(|path| {
        finding(SCOPE, Some(path), "the task may not change this file; leave it as it is")
    }))
}

/// Paths that an earlier item's lane from the same commit changed as well.
#[must_use]
pub fn shared(changed: &[Vec<u8>], earlier: &BTreeMap<ItemId, BTreeSet<Vec<u8>>>) -> Vec<Finding> {
    bounded(changed.iter().filter_map(|path| {
        let (item, _) = earlier.iter().find(|(_, paths)| paths.contains(path))?;
        let message = format!("{item}, built at the same time, changed this file as well");
        Some(finding(SAME_FILE, Some(path), &message))
    }))
}

/// Paths at which its work does not fit what is on the branch by now.
#[must_use]
pub fn conflicts(paths: &[Vec<u8>]) -> Vec<Finding> {
    bounded(paths.iter().map(|path| {
        finding(CONFLICT, Some(path), "what was built ahead does not fit what the branch has here")
    }))
}

/// The same where it is no file that is in the way.
#[must_use]
pub fn misfit(why: &str) -> Finding {
    finding(CONFLICT, None, why)
}

fn bounded(all: impl Iterator<Item = Finding>) -> Vec<Finding> {
    all.take(FINDINGS_MAX).collect()
}

fn finding(rule: &str, path: Option<&Vec<u8>>, message: &str) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity: Severity::High,
        path: path.map(|path| String::from_utf8_lossy(path).into_owned()),
        line: None,
        message: message.to_owned(),
    }
    .bounded()
}

#[cfg(test)]
mod tests;
