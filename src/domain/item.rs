//! Where one item stands in its workflow, and the counters that its breaker reads.

mod way;

use std::collections::BTreeMap;

use super::{
    event::{ProcessMark, Trip},
    finding::Finding,
    id::{Digest, ItemId, Oid, StageId},
    limits::Limits,
    outcome::Verdict,
    reconcile::Strength,
    time::Timestamp,
    workflow::StageShape,
};

/// Fingerprints that are counted for one item; beyond it the oldest news is no longer told apart.
pub const FINGERPRINTS_MAX: usize = 2000;
/// Cycles that are kept for showing.
pub const CYCLES_KEPT_MAX: usize = 50;
/// Parts of the branch that are kept apart from an item's own; beyond it all of it is held to be its own.
pub const ASIDES_MAX: usize = 50;
/// Answers of a person that one item keeps.
pub const ANSWERS_MAX: usize = 50;
/// The rule of the finding that a person's word is.
pub const PERSON: &str = "person";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: ItemId,
    pub progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Pending,
    Active(Box<Active>),
    /// It waits for a person, or was answered and waits for its turn; the others go on.
    Paused(Box<Active>),
    Done {
        head: Oid,
        tree: Oid,
        cycles: u32,
        at: Timestamp,
    },
    /// Taken to be finished, and judged by nobody: where the branch stood then.
    Inferred {
        strength: Strength,
        head: Oid,
        tree: Oid,
        cycles: u32,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    pub started: Oid,
    /// Where the branch stood when it was begun again after it had been finished.
    pub since: Option<Oid>,
    pub cycle: u32,
    pub stage: StageId,
    /// How often this stage was begun in this cycle.
    pub attempt: u32,
    pub phase: Phase,
    /// Where the item stood when an earlier judge was called again: what is built before it is built.
    pub reopened_from: Option<StageId>,
    /// A commit that was announced and whose outcome is not known yet.
    pub committing: Option<Committing>,
    /// The last commit was refused, so that nobody tries the same again at once.
    pub refused: bool,
    /// Which judge passed which tree.
    pub passed: Vec<Evidence>,
    pub findings: Vec<Finding>,
    pub counters: Counters,
    pub cycles: Vec<CycleRecord>,
    /// The agents that built, so that nobody judges the own work where that is forbidden.
    pub builders: Vec<String>,
    /// Stages that this item passes over.
    pub skipped: Vec<StageId>,
    /// What a person answered, for everybody who works on it from then on.
    pub answers: Vec<String>,
    /// Where others worked while it waited for a person, after it had committed something: oldest first.
    pub asides: Vec<Aside>,
}

/// A part of the branch that is nobody's work but others', between two parts of an item's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where the branch stood when the item made room for them.
    pub from: Oid,
    /// Where it stood when the item went on; nothing as long as it waits.
    pub to: Option<Oid>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The stage may begin.
    Ready,
    /// Announced; until its end is recorded, what it did is unknown.
    Working(Box<Working>),
    /// Ended, with something in the work tree that is not committed yet.
    Uncommitted { then: Then },
    /// A person's word is waited for.
    Waiting(Box<Waiting>),
    /// The last stage was passed.
    Passed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What the word is asked for; nothing for an item that is paused while the others go on.
    pub at: Option<(Oid, Oid)>,
    pub until: Option<Timestamp>,
    /// Why a person is needed, where that is not what the stage is for.
    pub why: Option<String>,
    /// Since when; nothing only until the event that began it is applied.
    pub since: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Working {
    pub head: Oid,
    pub tree: Oid,
    pub agent: String,
    pub since: Timestamp,
    pub process: Option<ProcessMark>,
}

/// The agent of a stage that was handed out by `git run next`: whoever asked does it. Who says a name
/// has it behind a colon.
pub const HANDED: &str = "next";
/// The agent of a stage that this program does itself.
pub const OURS: &str = "gates";
/// The built-in agent: it does what the plan says for this very stage, and so has no mind of its own
/// that could be the same one twice.
pub const STEPS: &str = "steps";

impl Working {
    /// Whether no process of ours does it.
    #[must_use]
    pub fn is_handed(&self) -> bool {
        is_handed(&self.agent)
    }
}

/// The agent of a stage that was handed to somebody of this name.
#[must_use]
pub fn handed_to(who: Option<&str>) -> String {
    who.map_or_else(|| HANDED.to_owned(), |name| format!("{HANDED}:{name}"))
}

/// Whether an agent of this name was called by nobody.
#[must_use]
pub fn is_handed(agent: &str) -> bool {
    let behind = agent.strip_prefix(HANDED);
    behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(':'))
}

/// Where an item goes when what a stage left is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    Again,
    Next,
    /// Nowhere, until a person has answered.
    Pause {
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committing {
    pub parent: Oid,
    pub subject: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub stage: StageId,
    pub head: Oid,
    pub tree: Oid,
    pub agent: String,
    pub verdict: Verdict,
}

/// What the breaker reads. A person's reset clears it; nothing else does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// What the last stage without a result said of itself.
    pub last_failure: Option<String>,
    /// In how many cycles each finding was reported.
    pub seen: BTreeMap<Digest, u32>,
    pub failures: u32,
    /// The tree with which the present cycle began.
    pub cycle_tree: Option<Oid>,
    pub unchanged: u32,
    /// The fewest open findings so far, and for how many cycles there was no new low.
    pub fewest: Option<u32>,
    pub since_fewest: u32,
    /// Cycles that were spent, and judges that were called again.
    pub spent: u32,
    /// How often each stage with a limit of its own sent back.
    pub sent_back: BTreeMap<StageId, u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleRecord {
    pub cycle: u32,
    pub stage: StageId,
    pub findings: u32,
    pub changed: bool,
}

impl Item {
    /// Where the branch stood when its judges had passed it, and when that was.
    #[must_use]
    pub fn done_at(&self) -> Option<(&Oid, Timestamp)> {
        match &self.progress {
            Progress::Done { head, at, .. } => Some((head, *at)),
            Progress::Pending
            | Progress::Active(_)
            | Progress::Paused(_)
            | Progress::Inferred { .. } => None,
        }
    }

    /// The stage is next, in a new cycle and on this tree. `started` is where the work of an item
    /// begins that is not at work.
    pub(super) fn begin_again(&mut self, stage: &StageId, started: Oid, head: &Oid, tree: &Oid) {
        let cycle = match &mut self.progress {
            Progress::Active(active) => return active.begin_again(stage, tree),
            Progress::Paused(active) => {
                active.begin_again(stage, tree);
                self.progress = Progress::Active(active.clone());
                return;
            }
            Progress::Done { cycles, .. } | Progress::Inferred { cycles, .. } => {
                cycles.saturating_add(1)
            }
            Progress::Pending => 1,
        };
        let since = matches!(self.progress, Progress::Done { .. }).then(|| head.clone());
        let fresh = Active::new(stage, started, tree.clone());
        self.progress = Progress::Active(Box::new(Active { cycle, since, ..fresh }));
    }
}

impl Active {
    #[must_use]
    pub fn new(first: &StageId, head: Oid, tree: Oid) -> Self {
        Self {
            started: head,
            since: None,
            cycle: 1,
            stage: first.clone(),
            attempt: 1,
            phase: Phase::Ready,
            reopened_from: None,
            committing: None,
            refused: false,
            passed: Vec::new(),
            findings: Vec::new(),
            counters: Counters { cycle_tree: Some(tree), ..Counters::default() },
            cycles: Vec::new(),
            builders: Vec::new(),
            skipped: Vec::new(),
            answers: Vec::new(),
            asides: Vec::new(),
        }
    }

    /// Where the work begins that it is held to now: what was finished before was held to it then.
    #[must_use]
    pub fn from(&self) -> &Oid {
        self.since.as_ref().unwrap_or(&self.started)
    }

    /// It makes room for the others: what they commit meanwhile is not held against it. Where nothing of
    /// its own was committed yet, its work begins where the branch stands when it goes on; else
    /// `aside` keeps what is theirs apart.
    pub(super) fn park(&mut self, head: &Oid, aside: bool) {
        self.asides.retain(|aside| aside.to.is_some());
        if aside && self.from() != head && self.asides.len() < ASIDES_MAX {
            self.asides.push(Aside { from: head.clone(), to: None });
        }
        if self.from() == head {
            self.started = head.clone();
            self.since = Some(head.clone());
        } else if self.since.as_ref() == Some(&self.started) {
            self.since = None;
        }
    }

    pub(super) fn unpark(&mut self, head: &Oid) {
        if self.since.as_ref() == Some(&self.started) {
            self.started = head.clone();
            self.since = None;
        }
        if let Some(last) = self.asides.last_mut() {
            last.to.get_or_insert_with(|| head.clone());
        }
        self.asides.retain(|aside| aside.to.as_ref() != Some(&aside.from));
    }

    /// Whether this agent may do that stage: where it is said, nobody judges the own work. A name is the
    /// same one however it is spelled.
    #[must_use]
    pub fn may_do(&self, shape: &StageShape, agent: &str) -> bool {
        let agent_plain = agent.to_lowercase();
        let same = self.builders.iter().any(|builder| builder.to_lowercase() == agent_plain);
        !shape.apart || agent == STEPS || !same
    }

    /// The findings with which the last cycle ended, those included that are not kept; nothing when
    /// no cycle has ended yet.
    #[must_use]
    pub fn open(&self) -> Option<u32> {
        self.cycles.last().map(|cycle| cycle.findings)
    }

    /// The first judge whose pass was for another tree than the present one.
    #[must_use]
    pub fn stale_judge<'a>(&self, stages: &'a [StageShape], tree: &Oid) -> Option<&'a StageId> {
        let part = stages.iter().find(|shape| shape.id == self.stage).map(|shape| shape.part);
        stages
            .iter()
            .filter(|shape| Some(shape.part) == part && shape.stands())
            .filter(|shape| !self.skipped.contains(&shape.id))
            .find(|shape| !self.passed.iter().any(|e| e.stage == shape.id && e.tree == *tree))
            .map(|shape| &shape.id)
    }
}

impl Counters {
    /// The limit that is reached, with what shows it.
    #[must_use]
    pub fn tripped(&self, limits: &Limits) -> Option<(Trip, String)> {
        let most_seen = self.seen.values().copied().max().unwrap_or(0);
        let rows = [
            (
                Trip::SameFinding,
                most_seen,
                limits.same_finding_max,
                "the same finding was reported in",
            ),
            (
                Trip::NoProgress,
                self.unchanged,
                limits.no_progress_max,
                "the tree stayed as it was for",
            ),
            (
                Trip::Plateau,
                self.since_fewest,
                limits.plateau_max,
                "the open findings did not fall for",
            ),
            (Trip::CycleLimit, self.spent, limits.cycles_max, "the item has used up"),
        ];
        if limits.failures_in_a_row_max <= self.failures {
            let mut evidence =
                format!("a stage ended without a result {} times in a row", self.failures);
            if let Some(last) = self.last_failure.as_deref().and_then(|last| last.lines().next()) {
                evidence.push_str(&format!(", at last because: {last}"));
            }
            return Some((Trip::Failures, evidence));
        }
        rows.into_iter().find(|(_, count, max, _)| max <= count).map(|(trip, count, max, what)| {
            (trip, format!("{what} {count} of at most {max} cycles"))
        })
    }
}

#[cfg(test)]
mod tests;
