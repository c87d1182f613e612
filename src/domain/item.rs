//! Where one item stands in its workflow, and the counters that its breaker reads.

use std::collections::BTreeMap;

use super::{
    event::{Approval, Asked, ProcessMark, StageEnd, StageStart, Trip, Word},
    finding::{Finding, Severity},
    id::{Digest, ItemId, Oid, StageId},
    limits::Limits,
    outcome::{Outcome, Verdict},
    reconcile::Strength,
    time::Timestamp,
    workflow::{Duty, Exhausted, StageShape},
};

/// Fingerprints that are counted for one item; beyond it the oldest news is no longer told apart.
pub const FINGERPRINTS_MAX: usize = 2000;
/// Cycles that are kept for showing.
pub const CYCLES_KEPT_MAX: usize = 50;
/// Parts of the branch that are kept apart from an item's own; beyond it all of it is held to be its own.
pub const ASIDES_MAX: usize = 50;
/// Answers of a person that one item keeps.
pub const ANSWERS_MAX: usize = 50;
/// The rule of the finding that a refused commit is.
const COMMIT_REFUSED: &str = "commit-refused";
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

    pub(super) fn begin(&mut self, start: &StageStart, shape: &StageShape, at: Timestamp) {
        if shape.duty == Duty::Build && !self.builders.contains(&start.agent) {
            self.builders.push(start.agent.clone());
        }
        self.phase = Phase::Working(Box::new(Working {
            head: start.head.clone(),
            tree: start.tree.clone(),
            agent: start.agent.clone(),
            since: at,
            process: None,
        }));
    }

    /// Whether this agent may do that stage: where it is said, nobody judges the own work. A name is the
    /// same one however it is spelled.
    #[must_use]
    pub fn may_do(&self, shape: &StageShape, agent: &str) -> bool {
        let agent_plain = agent.to_lowercase();
        let same = self.builders.iter().any(|builder| builder.to_lowercase() == agent_plain);
        !shape.apart || agent == STEPS || !same
    }

    /// The stage ended: where to from here? Yes where it may not send back any more, and so
    /// stops the run.
    pub(super) fn end(
        &mut self,
        working: &Working,
        end: &StageEnd,
        shape: &StageShape,
        stages: &[StageShape],
    ) -> bool {
        let mut stop = false;
        let then = match &end.outcome {
            Outcome::Built if shape.duty == Duty::Build => Then::Next,
            Outcome::Built => {
                self.pass(working, end, shape, Verdict::Pass);
                Then::Next
            }
            Outcome::Judged(verdict @ (Verdict::Pass | Verdict::Conditional)) => {
                self.pass(working, end, shape, *verdict);
                Then::Next
            }
            Outcome::Judged(Verdict::Revise) => {
                self.counters.failures = 0;
                match self.after_revise(working, end, shape) {
                    Revised::SentBack => return false,
                    Revised::GoesOn => Then::Next,
                    Revised::Stops => {
                        stop = true;
                        Then::Again
                    }
                    Revised::Asks(waiting) => {
                        self.phase = Phase::Waiting(Box::new(waiting));
                        return false;
                    }
                }
            }
            Outcome::Blocked { why } => Then::Pause { why: why.clone() },
            Outcome::Failed { detail, .. } => {
                self.counters.failures = self.counters.failures.saturating_add(1);
                self.counters.last_failure = Some(detail.clone());
                Then::Again
            }
            // A person who looks at why it halted finds it here.
            Outcome::Judged(Verdict::Fail) => {
                self.findings.clone_from(&end.findings);
                Then::Again
            }
            Outcome::Held { .. } | Outcome::Unavailable { .. } | Outcome::Stopped => Then::Again,
        };
        if end.clean {
            self.go(&then, stages);
        } else {
            self.phase = Phase::Uncommitted { then };
        }
        stop
    }

    /// What a verdict that asks for more leads to: back, as long as the stage may send back.
    fn after_revise(&mut self, working: &Working, end: &StageEnd, shape: &StageShape) -> Revised {
        let used = self.counters.sent_back.get(&shape.id).copied().unwrap_or(0);
        let exhausted = match shape.tries {
            Some(tries) if tries.max <= used => tries.then,
            // It has nowhere to send back to, so a person decides.
            _ if shape.back_to.is_none() => Exhausted::Person,
            _ => {
                self.send_back(end, shape);
                return Revised::SentBack;
            }
        };
        self.findings.clone_from(&end.findings);
        match exhausted {
            Exhausted::GoOn => {
                self.pass(working, end, shape, Verdict::Conditional);
                Revised::GoesOn
            }
            Exhausted::Halt => Revised::Stops,
            Exhausted::Person => Revised::Asks(Waiting {
                at: Some((end.head.clone(), end.tree.clone())),
                until: None,
                why: Some(match used {
                    0 => "it did not pass, and sends nothing back".to_owned(),
                    1 => "it sent back once, and still does not pass".to_owned(),
                    used => format!("it sent back {used} times, and still does not pass"),
                }),
                since: None,
            }),
        }
    }

    /// A person's word is waited for.
    pub(super) fn ask(&mut self, asked: &Asked) {
        self.phase = Phase::Waiting(Box::new(Waiting {
            at: Some((asked.head.clone(), asked.tree.clone())),
            until: asked.until,
            why: match &self.phase {
                Phase::Waiting(waiting) => waiting.why.clone(),
                _ => None,
            },
            since: None,
        }));
    }

    /// A person's word on the stage at which the item waits.
    pub(super) fn answer(
        &mut self,
        of: &Approval,
        person: &str,
        shape: &StageShape,
        stages: &[StageShape],
    ) {
        let Phase::Waiting(waiting) = &self.phase else { return };
        match (of.word, waiting.at.is_some()) {
            (Word::Reject, _) => {}
            (Word::Approve, true) => {
                let verdict =
                    if shape.duty == Duty::Human { Verdict::Pass } else { Verdict::Conditional };
                self.passed.retain(|evidence| evidence.stage != shape.id);
                self.passed.push(Evidence {
                    stage: shape.id.clone(),
                    head: of.head.clone(),
                    tree: of.tree.clone(),
                    agent: person.to_owned(),
                    verdict,
                });
                self.findings.clear();
                self.skipped.extend(of.skip.clone());
                self.go(&Then::Next, stages);
            }
            // The same stage again, with what the person said.
            (Word::Approve | Word::Modify, false) => {
                self.findings = vec![said(&of.text)];
                if self.answers.len() < ANSWERS_MAX && !of.text.is_empty() {
                    self.answers.push(of.text.clone());
                }
                self.go(&Then::Again, stages);
            }
            (Word::Modify, true) => {
                let findings = vec![said(&of.text)];
                self.back(&of.tree, findings, 0, shape);
            }
        }
    }

    pub(super) fn skip(&mut self, stage: &StageId, stages: &[StageShape]) {
        self.skipped.push(stage.clone());
        self.go(&Then::Next, stages);
    }

    /// From this stage on nothing counts as passed any more.
    pub(super) fn forget_from(&mut self, stage: &StageId, stages: &[StageShape]) {
        let at = |id: &StageId| stages.iter().position(|shape| shape.id == *id);
        let from = at(stage);
        self.passed.retain(|evidence| at(&evidence.stage) < from);
        self.skipped.retain(|skipped| at(skipped) < from);
    }

    pub(super) fn go(&mut self, then: &Then, stages: &[StageShape]) {
        self.phase = Phase::Ready;
        match then {
            Then::Again => self.attempt = self.attempt.saturating_add(1),
            Then::Next => {
                // Only now: what was built, but cannot be committed, is no result.
                self.counters.failures = 0;
                match self.after(stages) {
                    Some(next) => self.enter(&next.id.clone()),
                    None => self.phase = Phase::Passed,
                }
            }
            Then::Pause { why } => {
                let why = Some(why.clone());
                self.phase =
                    Phase::Waiting(Box::new(Waiting { at: None, until: None, why, since: None }));
            }
        }
    }

    /// The stage after the present one; an item that was reopened is not built again on its way.
    fn after<'a>(&mut self, stages: &'a [StageShape]) -> Option<&'a StageShape> {
        let at = |id: &StageId| stages.iter().position(|shape| shape.id == *id);
        let (here, from) =
            (at(&self.stage)?, self.reopened_from.as_ref().and_then(at).unwrap_or(0));
        let part = stages[here].part;
        let mut rest = stages.iter().enumerate().skip(here + 1);
        let next = rest.find(|(at, shape)| {
            let taken =
                shape.part == part && shape.is_walked() && !self.skipped.contains(&shape.id);
            taken && (from <= *at || shape.stands())
        });
        if next.is_none_or(|(at, _)| from <= at) {
            self.reopened_from = None;
        }
        next.map(|(_, shape)| shape)
    }

    /// A judge judges again. That uses up a cycle, so that it cannot go on for ever.
    pub(super) fn reopen(&mut self, stage: &StageId) {
        self.reopened_from.get_or_insert_with(|| self.stage.clone());
        self.counters.spent = self.counters.spent.saturating_add(1);
        self.enter(stage);
    }

    pub(super) fn enter(&mut self, stage: &StageId) {
        self.stage = stage.clone();
        self.attempt = 1;
        self.phase = Phase::Ready;
    }

    /// What it has used up, what was found and which tree was passed stays.
    fn begin_again(&mut self, stage: &StageId, tree: &Oid) {
        self.cycle = self.cycle.saturating_add(1);
        self.counters.cycle_tree = Some(tree.clone());
        self.reopened_from = None;
        // It does not wait any more, and nobody said where the others' work ends.
        self.asides.retain(|aside| aside.to.is_some());
        self.enter(stage);
    }

    /// What the stage left may be gone, so that it is done once more.
    pub(super) fn unsettle(&mut self) {
        if matches!(self.phase, Phase::Uncommitted { .. } | Phase::Passed | Phase::Waiting(_)) {
            self.phase = Phase::Ready;
            self.attempt = self.attempt.saturating_add(1);
        }
    }

    /// What was left cannot be committed: that is a finding for the builder, who tries again.
    pub(super) fn refuse_commit(&mut self, why: &str) {
        self.refused = true;
        self.counters.failures = self.counters.failures.saturating_add(1);
        self.counters.last_failure = Some(format!("the commit was refused: {why}"));
        let finding = Finding {
            rule: COMMIT_REFUSED.into(),
            severity: Severity::High,
            path: None,
            line: None,
            message: why.to_owned(),
        };
        self.findings.retain(|finding| finding.rule != COMMIT_REFUSED);
        self.findings.insert(0, finding.bounded());
        if matches!(self.phase, Phase::Uncommitted { .. }) {
            self.phase = Phase::Ready;
            self.attempt = self.attempt.saturating_add(1);
        }
    }

    pub(super) fn commit_done(&mut self) {
        self.refused = false;
        self.findings.retain(|finding| finding.rule != COMMIT_REFUSED);
    }

    fn pass(&mut self, working: &Working, end: &StageEnd, shape: &StageShape, verdict: Verdict) {
        self.passed.retain(|evidence| evidence.stage != shape.id);
        self.passed.push(Evidence {
            stage: shape.id.clone(),
            head: working.head.clone(),
            tree: working.tree.clone(),
            agent: working.agent.clone(),
            verdict,
        });
        self.findings.clone_from(&end.findings);
    }

    /// Findings: the cycle is over, and the next one begins where the judge says.
    fn send_back(&mut self, end: &StageEnd, shape: &StageShape) {
        self.back(&end.tree, end.findings.clone(), end.findings_dropped, shape);
    }

    fn back(&mut self, tree: &Oid, findings: Vec<Finding>, dropped: u32, shape: &StageShape) {
        let open = u32::try_from(findings.len()).unwrap_or(u32::MAX).saturating_add(dropped);
        let mut fingerprints: Vec<Digest> = findings.iter().map(Finding::fingerprint).collect();
        fingerprints.sort();
        fingerprints.dedup();
        let counters = &mut self.counters;
        for fingerprint in fingerprints {
            if counters.seen.len() < FINGERPRINTS_MAX || counters.seen.contains_key(&fingerprint) {
                *counters.seen.entry(fingerprint).or_default() += 1;
            }
        }
        let changed = counters.cycle_tree.as_ref() != Some(tree);
        counters.unchanged = if changed { 0 } else { counters.unchanged.saturating_add(1) };
        counters.cycle_tree = Some(tree.clone());
        counters.spent = counters.spent.saturating_add(1);
        if shape.tries.is_some() {
            *counters.sent_back.entry(shape.id.clone()).or_default() += 1;
        }
        match counters.fewest {
            Some(fewest) if fewest <= open => {
                counters.since_fewest = counters.since_fewest.saturating_add(1)
            }
            _ => (counters.fewest, counters.since_fewest) = (Some(open), 0),
        }
        self.cycles.push(CycleRecord {
            cycle: self.cycle,
            stage: shape.id.clone(),
            findings: open,
            changed,
        });
        if CYCLES_KEPT_MAX < self.cycles.len() {
            self.cycles.remove(0);
        }
        self.findings = findings;
        self.cycle = self.cycle.saturating_add(1);
        self.reopened_from = None;
        let back_to = shape.back_to.clone().unwrap_or_else(|| self.stage.clone());
        self.enter(&back_to);
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

/// What a verdict that asks for more has led to.
enum Revised {
    SentBack,
    GoesOn,
    Stops,
    Asks(Waiting),
}

/// A person's word, as a finding for whoever builds.
fn said(text: &str) -> Finding {
    let (rule, message) = (PERSON.to_owned(), text.to_owned());
    Finding { rule, severity: Severity::High, path: None, line: None, message }.bounded()
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
