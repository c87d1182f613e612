//! One run as the fold over its journal. `apply` is total: every pair of state and event gives the
//! next state or a refusal that names both.

pub mod again;
pub mod assumed;
mod clock;
pub mod gates;
mod lanes;
mod reconciled;
mod rollback;
pub mod synced;
mod turn;
mod words;
mod work;

pub use words::Waits;

use std::collections::{BTreeMap, VecDeque};

use assumed::Scan;
use synced::Synced;

use super::{
    event::{
        Cause, Charter, Delivery, Envelope, Event, Home, PaperRef, ProcessMark, RefMove, Trip,
        Usage,
    },
    fix::Fix,
    gate::Override,
    id::{ItemId, Oid},
    item::{Active, Item, Phase, Progress},
    lane::Lane,
    limits::BudgetLevel,
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Ready,
    JackIn,
    Running,
    Complete,
    Halted,
    ReadyForHitl,
    JackedOut,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::JackIn,
        Self::Running,
        Self::Complete,
        Self::Halted,
        Self::ReadyForHitl,
        Self::JackedOut,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::JackIn => "JACK_IN",
            Self::Running => "RUNNING",
            Self::Complete => "COMPLETE",
            Self::Halted => "HALTED",
            Self::ReadyForHitl => "READY_FOR_HITL",
            Self::JackedOut => "JACKED_OUT",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether a process could still do something for it.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            Self::Ready | Self::JackIn | Self::Running | Self::Complete | Self::Halted => false,
            Self::ReadyForHitl | Self::JackedOut => true,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub charter: Charter,
    pub state: State,
    pub seq: u64,
    pub lamport: u64,
    /// The newest time that any event carries; it never goes backwards.
    pub at: Timestamp,
    pub began: Timestamp,
    /// What the clock said when the last event was written.
    pub clock: Timestamp,
    /// The run's own time: it goes on as clocks go on, and stands still when one is set back.
    pub steady: Timestamp,
    /// Up to where, in the run's own time, it is counted what it ran.
    pub counted: Timestamp,
    pub generation: u64,
    pub holder: Option<ProcessMark>,
    /// Where the run's branch stood when the journal last said so.
    pub head: Oid,
    pub tree: Option<Oid>,
    pub items: Vec<Item>,
    pub breaker: Breaker,
    pub usage: Usage,
    pub budget: BudgetLevel,
    /// When agents were called last, oldest first, in the run's own time.
    pub calls: VecDeque<Timestamp>,
    pub calls_total: u64,
    /// In the run's own time.
    pub held_until: Option<Timestamp>,
    /// Time spent running, in all and since the breaker was last reset.
    pub ran: Span,
    pub ran_since_reset: Span,
    pub commits: u32,
    pub halt_request: Option<HaltRequest>,
    pub halt: Option<Cause>,
    /// Why the run must halt as soon as what a stage left is safe.
    pub stop: Option<Cause>,
    pub intent: Option<Vec<RefMove>>,
    pub delivery: Option<Delivery>,
    pub delivering: bool,
    /// What a person answered for, at the commit where the run stands.
    pub overrides: Vec<Override>,
    pub pull_request: Option<PullRequest>,
    /// Where it was taken to; nothing as long as it is where it began.
    pub home: Option<Home>,
    /// The newest of each paper that an item handed in.
    pub papers: Vec<HeldPaper>,
    /// The newest checkpoint that the journal tells of.
    pub checkpoint: Option<u64>,
    /// Where the branch stood when it was reconciled, until the run stands elsewhere.
    pub reconciled: Option<Oid>,
    /// What a person took over of what the documents say since.
    pub synced: Option<Synced>,
    /// Finished items that wait for their judges because what they ask for is another thing now.
    pub to_verify: Vec<ItemId>,
    /// What is to be mended in finished items.
    pub fixes: Vec<Fix>,
    /// What of it, of those with a number, was given to a builder: the newest ones.
    pub taken_up: Vec<Fix>,
    /// How often something of each kind was assumed.
    pub assumed: BTreeMap<String, u32>,
    /// How often it was, of each kind, when somebody was asked about it.
    pub asked: BTreeMap<String, u32>,
    /// The last look over all that was assumed.
    pub scanned: Option<Scan>,
    /// Tasks that were built ahead of their turn, oldest first.
    pub lanes: Vec<Lane>,
    /// An event of a newer version was met: this journal may be read and not written.
    pub newer: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaltRequest {
    pub reason: String,
    pub force: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPaper {
    pub item: ItemId,
    pub paper: PaperRef,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    pub title: String,
    /// Where the forge has it; nothing as long as only its text is written.
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breaker {
    Closed,
    Open {
        trip: Trip,
        evidence: String,
    },
    /// One cycle is tried: it must pass, or end with fewer open findings than `open`.
    HalfOpen {
        cycle: u32,
        open: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("`{event}` cannot happen while the run is {state}{}{why}", if .why.is_empty() { "" } else { ": " })]
    WrongState { event: String, state: &'static str, why: String },
    #[error("event {found} does not follow event {last}")]
    Gap { last: u64, found: u64 },
    #[error("`{event}` was written under lease {found}, but lease {held} was taken since")]
    Fenced { event: String, found: u64, held: u64 },
    #[error("a journal begins with `run-created`, not with `{event}`")]
    NotABeginning { event: String },
}

impl Run {
    /// The run after the first event of its journal.
    pub fn begin(first: &Envelope) -> Result<Self, Refusal> {
        let Event::RunCreated(charter) = &first.event else {
            return Err(Refusal::NotABeginning { event: first.event.kind().to_owned() });
        };
        if first.seq != 1 {
            return Err(Refusal::Gap { last: 0, found: first.seq });
        }
        if charter.items.is_empty() || charter.stages.is_empty() {
            return Err(Refusal::NotABeginning { event: "run-created without work".into() });
        }
        let items =
            charter.items.iter().map(|id| Item { id: id.clone(), progress: Progress::Pending });
        Ok(Self {
            state: State::Ready,
            seq: 1,
            lamport: first.lamport,
            at: first.at,
            began: first.at,
            clock: first.at,
            steady: first.at,
            counted: first.at,
            generation: 0,
            holder: None,
            head: charter.start.clone(),
            tree: None,
            items: items.collect(),
            breaker: Breaker::Closed,
            usage: Usage::default(),
            budget: BudgetLevel::Fine,
            calls: VecDeque::new(),
            calls_total: 0,
            held_until: None,
            ran: Span::ZERO,
            ran_since_reset: Span::ZERO,
            commits: 0,
            halt_request: None,
            halt: None,
            stop: None,
            intent: None,
            delivery: None,
            delivering: false,
            overrides: Vec::new(),
            pull_request: None,
            home: None,
            papers: Vec::new(),
            checkpoint: None,
            reconciled: None,
            synced: None,
            to_verify: Vec::new(),
            fixes: Vec::new(),
            taken_up: Vec::new(),
            assumed: BTreeMap::new(),
            asked: BTreeMap::new(),
            scanned: None,
            lanes: Vec::new(),
            newer: false,
            charter: (**charter).clone(),
        })
    }

    /// The fold. The run is unchanged when the event is refused.
    pub fn apply(&mut self, envelope: &Envelope) -> Result<(), Refusal> {
        let event = &envelope.event;
        if Some(envelope.seq) != self.seq.checked_add(1) {
            return Err(Refusal::Gap { last: self.seq, found: envelope.seq });
        }
        let taking = matches!(event, Event::LeaseTaken { .. });
        if !taking && envelope.lease < self.generation {
            let (found, held) = (envelope.lease, self.generation);
            return Err(Refusal::Fenced { event: event.kind().to_owned(), found, held });
        }
        let steady = self.own_time(envelope.at);
        // The time between a crash and the next holder is nobody's, whatever others write in it.
        let ran = if self.state == State::Running && !taking && !by_anybody(event) {
            steady.since(self.counted)
        } else {
            Span::ZERO
        };
        self.transition(envelope)?;
        self.mend_next();
        self.verify_next();
        self.note_waits(envelope.at);
        self.ran = self.ran.plus(ran);
        self.ran_since_reset = self.ran_since_reset.plus(ran);
        if !by_anybody(event) {
            self.counted = steady;
        }
        (self.clock, self.steady) = (envelope.at, steady);
        self.seq = envelope.seq;
        self.lamport = self.lamport.max(envelope.lamport);
        self.at = self.at.max(envelope.at);
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    fn transition(&mut self, envelope: &Envelope) -> Result<(), Refusal> {
        use State::{Complete, Halted, JackIn, JackedOut, Ready, ReadyForHitl, Running};
        let (event, at) = (&envelope.event, envelope.at);
        match (self.state, event) {
            (_, Event::Newer { .. }) => self.newer = true,
            (_, Event::Remarked { .. }) => {}
            // Whoever takes it over has answered for nothing yet.
            (_, Event::RunAdopted(adoption)) => {
                self.home = Some(adoption.home.clone());
                self.overrides.clear();
            }
            // Of two that were made at once, either can be written down first.
            (_, Event::CheckpointMade { number, .. }) => {
                self.checkpoint = self.checkpoint.max(Some(*number));
            }
            (_, Event::RolledBack(back)) => return self.roll_back(event, back),
            (
                Ready | JackIn | Running | Complete | Halted,
                Event::LeaseTaken { generation, holder },
            ) => {
                return self.take_lease(*generation, holder, event);
            }
            (Ready, Event::JackInBegan) => self.state = JackIn,
            (JackIn | Running | Complete | Halted, Event::IntentDeclared { moves, .. })
                if self.intent.is_none() =>
            {
                self.intent = Some(moves.clone());
            }
            (JackIn | Running | Complete | Halted, Event::IntentSettled { .. })
                if self.intent.is_some() =>
            {
                self.intent = None;
            }
            (JackIn, Event::RunStarted { head, tree }) if self.intent.is_none() => {
                self.stand_at(head, tree);
                self.state = Running;
            }
            (Ready | JackIn | Running, Event::HaltRequested { reason, force }) => {
                let force =
                    *force || self.halt_request.as_ref().is_some_and(|request| request.force);
                self.halt_request = Some(HaltRequest { reason: reason.clone(), force });
            }
            (Ready | JackIn | Running, Event::RunHalted { cause }) => self.halt(cause),
            (Complete, Event::RunResumed) if !self.delivering => self.delivery = None,
            (Halted, Event::RunResumed) if !matches!(self.breaker, Breaker::Open { .. }) => {
                self.resume()
            }
            (Running | Halted, Event::BreakerReset) => self.reset_breaker(),
            (Running, Event::BreakerOpened { trip, evidence }) => {
                self.breaker = Breaker::Open { trip: *trip, evidence: evidence.clone() };
            }
            (Running, Event::BreakerClosed) if matches!(self.breaker, Breaker::HalfOpen { .. }) => {
                self.breaker = Breaker::Closed
            }
            (Running, Event::BudgetReached { level, .. }) => self.budget = *level,
            (Running, Event::CallsHeld { until }) => self.hold(*until, at),
            // A halt that was asked for in the last moment comes before the delivery.
            (Running, Event::RunCompleted { head, tree })
                if self.all_done() && self.halt_request.is_none() =>
            {
                self.stand_at(head, tree);
                self.state = Complete;
            }
            (Complete | Halted | ReadyForHitl | JackedOut, Event::DeliveryStarted { .. }) => {
                self.delivering = true;
            }
            (Complete | Halted | ReadyForHitl | JackedOut, Event::DeliveryEnded { outcome }) => {
                self.deliver(outcome);
            }
            (Complete | Halted | ReadyForHitl | JackedOut, Event::GateOverridden(of)) => {
                return self.override_gate(envelope, of);
            }
            (
                Complete | Halted | ReadyForHitl | JackedOut,
                Event::PullRequestWritten { .. } | Event::PullRequestOpened { .. },
            ) => return self.propose(event),
            (Running | Halted, Event::ApprovalGiven(of)) => return self.approve(envelope, of),
            (
                Halted | Complete | ReadyForHitl | JackedOut,
                Event::StageReopened { item, stage, .. },
            ) => {
                return self.reopen_stage(event, item, stage);
            }
            (Running, Event::AssumptionsScanned(of)) => return self.scan(event, of),
            (Running, Event::ItemsReverified { items }) => return self.reverify(event, items),
            (Running | Halted | Complete | ReadyForHitl | JackedOut, Event::FixAsked(fix)) => {
                return self.ask_fix(event, fix);
            }
            (_, Event::PlanSynced(of)) => return self.sync_plan(envelope, event, of),
            (_, Event::Reconciled(of)) => return self.reconcile(event, of, at),
            (Complete | Halted, Event::RunClosed { .. }) => self.state = JackedOut,
            (Running, _) => return self.work(event, at),
            // Halted while its runner was dead: only a stage that is seen to be gone can be rolled back.
            (Halted, Event::StageLost { .. } | Event::LaneEnded(_)) => return self.work(event, at),
            (Ready | JackIn | Complete | Halted | ReadyForHitl | JackedOut, _) => {
                return Err(self.refuse(event, ""));
            }
        }
        Ok(())
    }

    /// What began to wait for a person with this event.
    fn note_waits(&mut self, at: Timestamp) {
        for item in &mut self.items {
            if let Progress::Active(active) | Progress::Paused(active) = &mut item.progress
                && let Phase::Waiting(waiting) = &mut active.phase
            {
                waiting.since.get_or_insert(at);
            }
        }
    }

    fn take_lease(
        &mut self,
        generation: u64,
        holder: &ProcessMark,
        event: &Event,
    ) -> Result<(), Refusal> {
        if Some(generation) != self.generation.checked_add(1) {
            return Err(self.refuse(event, &format!("lease {} is the last one", self.generation)));
        }
        self.generation = generation;
        self.holder = Some(holder.clone());
        Ok(())
    }

    fn halt(&mut self, cause: &Cause) {
        self.state = State::Halted;
        self.halt = Some(cause.clone());
        self.halt_request = None;
        self.stop = None;
        self.held_until = None;
    }

    fn resume(&mut self) {
        // A run that never got through its jack-in goes through it again.
        self.state = if self.tree.is_some() { State::Running } else { State::JackIn };
        self.halt = None;
        self.halt_request = None;
        // What was said of a run that stood still, and what left it then, is not what it ends with.
        (self.delivery, self.delivering) = (None, false);
        self.overrides.clear();
        if let Some(active) = self.active_mut() {
            active.refused = false;
        }
    }

    /// A person's decision: the counters begin anew, and one cycle is tried.
    fn reset_breaker(&mut self) {
        self.ran_since_reset = Span::ZERO;
        let tree = self.tree.clone();
        if let Some(active) = self.active_mut() {
            active.counters = super::item::Counters { cycle_tree: tree, ..Default::default() };
        }
        if matches!(self.breaker, Breaker::Open { .. }) {
            self.breaker = self.trial();
        }
    }

    /// The present cycle as the one that is tried. Where nothing was judged before, every verdict is
    /// better than that.
    fn trial(&self) -> Breaker {
        let (cycle, open) = self.active().map_or((1, None), |active| (active.cycle, active.open()));
        Breaker::HalfOpen { cycle, open: open.unwrap_or(u32::MAX) }
    }

    fn stand_at(&mut self, head: &Oid, tree: &Oid) {
        if self.head != *head {
            self.overrides.clear();
            self.reconciled = None;
        }
        self.head = head.clone();
        self.tree = Some(tree.clone());
    }

    /// The work tree that it belongs to, by its path on its machine.
    #[must_use]
    pub fn worktree(&self) -> &str {
        self.home.as_ref().map_or(&self.charter.worktree, |home| &home.worktree)
    }

    /// Whether it was not taken to another clone than this one.
    #[must_use]
    pub fn is_at_home(&self, clone: Option<&str>) -> bool {
        self.home.as_ref().is_none_or(|home| Some(home.clone.as_str()) == clone)
    }

    fn active_mut(&mut self) -> Option<&mut Active> {
        self.items.iter_mut().find_map(|item| match &mut item.progress {
            Progress::Active(active) => Some(&mut **active),
            Progress::Pending
            | Progress::Paused(_)
            | Progress::Done { .. }
            | Progress::Inferred { .. } => None,
        })
    }

    fn active_for(&mut self, event: &Event) -> Result<&mut Active, Refusal> {
        let refusal = self.refuse(event, "no item is at work");
        self.active_mut().ok_or(refusal)
    }

    fn refuse(&self, event: &Event, why: &str) -> Refusal {
        Refusal::WrongState {
            event: event.kind().to_owned(),
            state: self.state.word(),
            why: why.to_owned(),
        }
    }
}

/// Whether somebody who does not hold the run can write it: then it is no sign of life.
fn by_anybody(event: &Event) -> bool {
    matches!(
        event,
        Event::HaltRequested { .. }
            | Event::Remarked { .. }
            | Event::CheckpointMade { .. }
            | Event::RunAdopted(_)
            | Event::ApprovalGiven(_)
            | Event::FixAsked(_)
    )
}

#[cfg(test)]
mod tests;
