//! Everything that can happen to a run: a closed set of facts, each in the past tense.
//!
//! How events are written down is decided in `store::wire`, not here.

use std::collections::BTreeMap;

use super::{
    deletion::Deleted,
    drift::Follows,
    finding::Finding,
    fix::Fix,
    gate::Gate,
    id::{Digest, ItemId, Oid, PlanId, RunId, StageId, TaskId},
    lane::{Groups, LaneEnd, LaneStart},
    limits::{BudgetLevel, Limits, Micros},
    outcome::Outcome,
    reconcile::Strength,
    run::assumed::Scan,
    source::Document,
    time::{Span, Timestamp},
    workflow::StageShape,
};

/// An event as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// 1, 2, 3 … without a gap.
    pub seq: u64,
    /// For people. Order comes from the chain.
    pub at: Timestamp,
    pub lamport: u64,
    pub actor: Actor,
    /// The generation of the lease under which it was written; a smaller one is a ghost's.
    pub lease: u64,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actor {
    pub person: String,
    pub agent: Option<String>,
    pub host: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    RunCreated(Box<Charter>),
    LeaseTaken {
        generation: u64,
        holder: ProcessMark,
    },
    JackInBegan,
    IntentDeclared {
        purpose: String,
        moves: Vec<RefMove>,
    },
    IntentSettled {
        conflicts: Vec<String>,
    },
    RunStarted {
        head: Oid,
        tree: Oid,
    },
    ItemStarted {
        item: ItemId,
        head: Oid,
        tree: Oid,
    },
    StageStarted(StageStart),
    ProcessStarted {
        mark: ProcessMark,
    },
    StageEnded(Box<StageEnd>),
    /// The runner died while the stage ran, and its processes are seen to be gone.
    StageLost {
        why: String,
    },
    /// Judges that had passed an older tree judge again.
    ItemReopened {
        item: ItemId,
        stage: StageId,
    },
    CommitAnnounced {
        parent: Oid,
        subject: String,
    },
    CommitRefused {
        why: String,
    },
    WorkCommitted(Work),
    /// Commits that somebody else made on the run's branch.
    WorkSeen {
        from: Oid,
        to: Oid,
        tree: Oid,
        commits: u32,
        rewritten: bool,
        clean: bool,
        deleted: Deleted,
    },
    ItemFinished {
        item: ItemId,
        head: Oid,
        tree: Oid,
    },
    HaltRequested {
        reason: String,
        force: bool,
    },
    RunHalted {
        cause: Cause,
    },
    RunResumed,
    BreakerOpened {
        trip: Trip,
        evidence: String,
    },
    BreakerReset,
    BreakerClosed,
    BudgetReached {
        level: BudgetLevel,
        what: String,
    },
    CallsHeld {
        until: Timestamp,
    },
    RunCompleted {
        head: Oid,
        tree: Oid,
    },
    DeliveryStarted {
        remote: String,
        branch: String,
        commit: Oid,
    },
    DeliveryEnded {
        outcome: Delivery,
    },
    RunClosed {
        why: String,
    },
    Remarked {
        text: String,
    },
    /// A checkpoint is kept, by whomever: what is in the work tree can be had back.
    CheckpointMade {
        number: u64,
        commit: Oid,
        tree: Oid,
        why: String,
    },
    RolledBack(Box<Rollback>),
    /// A person answers for a gate, of this commit and no other.
    GateOverridden(Box<GateOverride>),
    PullRequestWritten {
        title: String,
        /// The artifact that holds its text.
        path: String,
    },
    PullRequestOpened {
        url: String,
        /// Made now; else one that was there was brought up to date.
        made: bool,
    },
    /// A person took the run over, from another machine or from a work tree that is another one.
    RunAdopted(Box<Adoption>),
    /// A person's word is waited for, on what stands here.
    ApprovalAsked(Box<Asked>),
    /// A person's word.
    ApprovalGiven(Box<Approval>),
    /// A stage was passed over, and why.
    StageSkipped {
        item: ItemId,
        stage: StageId,
        why: String,
    },
    /// A person lets an item be done again from a stage on, and all that follows it.
    StageReopened {
        item: ItemId,
        stage: StageId,
        why: String,
    },
    /// Finished items whose files were changed since are verified again.
    ItemsReverified {
        items: Vec<ItemId>,
    },
    /// All that was assumed was looked over, after so many finished items.
    AssumptionsScanned(Scan),
    /// Something is to be mended in a finished item.
    FixAsked(Box<Fix>),
    /// What was found to be finished without the journal, and what a person said of outside changes.
    Reconciled(Box<Reconciled>),
    /// What the plan and its sections say now became what the run is asked for.
    PlanSynced(Box<PlanSynced>),
    /// A task of a group is built ahead of its turn, beside others, in a work tree of its own.
    LaneStarted(Box<LaneStart>),
    LaneEnded(Box<LaneEnd>),
    /// What it built is brought onto the branch, as this tree.
    LaneJoined {
        item: ItemId,
        head: Oid,
        tree: Oid,
    },
    /// What it built is not taken, and the item is built by its agent once more.
    LaneDropped {
        item: ItemId,
        why: String,
        findings: Vec<Finding>,
    },
    /// Written by a newer version. Such a journal is shown and never written to.
    Newer {
        kind: String,
    },
}

/// What a run is and was asked to do: fixed for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    pub run: RunId,
    /// What was typed: `sprint-1`, `sprint-plan`, a task.
    pub target: String,
    pub plan: PlanId,
    pub plan_digest: Digest,
    pub workflow: PlanId,
    pub stages: Vec<StageShape>,
    pub items: Vec<ItemId>,
    pub base: String,
    /// The branch of the run before it in a series: where its pull request goes as long as that is open.
    pub onto: Option<String>,
    pub start: Oid,
    pub branch: String,
    pub worktree: String,
    pub push: PushMode,
    pub limits: Limits,
    /// The way through the workflow, where it has several.
    pub flow: Option<String>,
    /// Which items come after which others, where the order alone does not say it.
    pub after: BTreeMap<ItemId, Vec<ItemId>>,
    /// What was handed in at the start.
    pub papers: Vec<PaperRef>,
    /// The plan's file, and those whose sections its tasks come from, as they were.
    pub documents: Vec<Document>,
    /// What may be built side by side.
    pub groups: Groups,
    /// After how many finished items all that was assumed is looked over; nothing in older runs.
    pub scan_every: Option<u32>,
}

impl Charter {
    /// Whether the fold keeps others' work apart from that of an item that waited: a run that an older
    /// version began goes on as it began.
    #[must_use]
    pub fn tells_asides(&self) -> bool {
        self.scan_every.is_some()
    }
}

/// A document in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperRef {
    pub name: String,
    /// The artifact that holds it.
    pub path: String,
    pub digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub item: ItemId,
    pub stage: StageId,
    pub head: Oid,
    pub tree: Oid,
    /// After it, no answer counts.
    pub until: Option<Timestamp>,
}

/// It holds for this tree and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub item: ItemId,
    pub stage: StageId,
    pub head: Oid,
    pub tree: Oid,
    pub word: Word,
    pub text: String,
    /// An optional stage that is left out as well.
    pub skip: Option<StageId>,
    /// The artifact that holds the statement as it was signed.
    pub signed: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Approve,
    Reject,
    /// Back to the building stage, with what is to be changed.
    Modify,
}

impl Word {
    pub const ALL: [Self; 3] = [Self::Approve, Self::Reject, Self::Modify];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Modify => "modify",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// The strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PushMode {
    Local,
    Prompt,
    Auto,
}

impl PushMode {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Prompt => "prompt",
            Self::Auto => "auto",
        }
    }

    /// The one of both that pushes less by itself.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        self.min(other)
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Local, Self::Prompt, Self::Auto].into_iter().find(|mode| mode.word() == word)
    }
}

/// A process as it can be known again after a crash. Pids are used twice; this is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessMark {
    pub pid: u32,
    /// In the kernel's ticks since boot; 0 where the kernel does not tell.
    pub start: u64,
    pub boot: String,
    pub host: String,
}

/// One ref of an operation that moves several. Null ids are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefMove {
    pub name: String,
    pub old: Option<Oid>,
    pub new: Option<Oid>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageStart {
    pub item: ItemId,
    pub stage: StageId,
    pub cycle: u32,
    pub attempt: u32,
    pub agent: String,
    /// What the agent is shown: a judge's verdict holds for this tree and no other.
    pub head: Oid,
    pub tree: Oid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageEnd {
    pub outcome: Outcome,
    pub head: Oid,
    pub tree: Oid,
    /// Whether the work tree holds nothing that is not committed.
    pub clean: bool,
    pub findings: Vec<Finding>,
    /// Findings that the agent reported beyond those kept here.
    pub findings_dropped: u32,
    pub summary: String,
    pub took: Span,
    pub usage: Usage,
    /// The artifact that holds the whole report, and the digest of what the agent said.
    pub report: Option<String>,
    pub transcript: Option<Digest>,
    pub papers: Vec<PaperRef>,
    /// The kinds of what was assumed, once for each time.
    pub assumed: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost: Micros,
}

impl Usage {
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost: self.cost.saturating_add(other.cost),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    pub commit: Oid,
    pub parent: Oid,
    pub tree: Oid,
    pub subject: String,
    /// Files that matched a secret's name and so were not committed.
    pub left_out: Vec<String>,
    pub deleted: Deleted,
}

/// The branch and the work tree are again what a checkpoint holds. It is written under a lease that
/// was taken for it: the time since a crash is nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    pub how: RollbackKind,
    /// The checkpoint that was restored, and its commit.
    pub to: u64,
    pub commit: Oid,
    /// The checkpoint that holds what was there before.
    pub saved: u64,
    /// Where the branch stands now.
    pub head: Oid,
    pub tree: Oid,
    pub place: Place,
    /// The artifact that tells what became of every file.
    pub report: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    pub home: Home,
    /// The remote it was fetched from; nothing where only the work tree is another one.
    pub from: Option<String>,
    /// Why it was taken although somebody else seemed to hold it.
    pub reason: Option<String>,
}

/// Where a run is at home: the work tree, and the clone, by a name that nobody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub worktree: String,
    pub clone: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateOverride {
    pub gate: Gate,
    pub commit: Oid,
    pub tree: Oid,
    pub reason: String,
    /// The artifact that holds the statement as it was signed.
    pub signed: Option<String>,
}

/// Seen from here, with the branch at `head`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    pub base: String,
    pub head: Oid,
    pub tree: Oid,
    pub items: Vec<Inference>,
    pub answers: Vec<Answered>,
}

/// An item that is taken to be finished, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    pub item: ItemId,
    pub strength: Strength,
    pub commits: Vec<Oid>,
}

/// A person took over what the documents say. The plan is an artifact, and the one before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSynced {
    pub path: String,
    pub plan_digest: Digest,
    pub documents: Vec<Document>,
    pub tasks: Vec<SyncedTask>,
    /// What the items come to: judged again, or asked for no more.
    pub items: Vec<SyncedItem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncedTask {
    pub task: TaskId,
    pub follows: Follows,
    /// What it asked for; and what it asks for now, unless nothing.
    pub old: Digest,
    pub new: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncedItem {
    pub item: ItemId,
    pub follows: Follows,
}

/// What a person says of an item whose files others changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub item: ItemId,
    pub answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The judges look at it again.
    ReVerify,
    Trust,
    /// Somebody else takes care of it.
    ExternallyManaged,
}

impl Answer {
    pub const ALL: [Self; 3] = [Self::ReVerify, Self::Trust, Self::ExternallyManaged];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ReVerify => "re-verify",
            Self::Trust => "trust",
            Self::ExternallyManaged => "externally-managed",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.word() == word)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollbackKind {
    Rollback,
    Undo,
    Redo,
}

impl RollbackKind {
    pub const ALL: [Self; 3] = [Self::Rollback, Self::Undo, Self::Redo];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Undo => "undo",
            Self::Redo => "redo",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Where the run stood when a checkpoint was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The checkpoint is not of this run.
    Unknown,
    /// No item was at work yet.
    Start,
    At {
        item: ItemId,
        stage: StageId,
    },
}

/// Why a run stopped before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Asked {
        reason: String,
    },
    Interrupted,
    Breaker {
        trip: Trip,
    },
    Budget {
        what: String,
    },
    /// A judge said fail: that is never tried again by itself.
    FailVerdict {
        stage: StageId,
    },
    AgentUnavailable {
        why: String,
    },
    PersonNeeded {
        why: String,
    },
    /// A person's word is waited for.
    Approval {
        item: ItemId,
        stage: StageId,
    },
    /// A person said no.
    Rejected {
        item: ItemId,
        stage: StageId,
        why: String,
    },
    /// A stage sent back as often as it may.
    TriesUsed {
        item: ItemId,
        stage: StageId,
    },
}

/// What opened the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trip {
    SameFinding,
    NoProgress,
    Plateau,
    Failures,
    CycleLimit,
    TimeLimit,
    TrialFailed,
}

impl Trip {
    pub const ALL: [Self; 7] = [
        Self::SameFinding,
        Self::NoProgress,
        Self::Plateau,
        Self::Failures,
        Self::CycleLimit,
        Self::TimeLimit,
        Self::TrialFailed,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SameFinding => "same-finding",
            Self::NoProgress => "no-progress",
            Self::Plateau => "plateau",
            Self::Failures => "failures",
            Self::CycleLimit => "cycle-limit",
            Self::TimeLimit => "time-limit",
            Self::TrialFailed => "trial-failed",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trip| trip.word() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Pushed { remote: String, branch: String, commit: Oid },
    Skipped { why: String },
    Refused { why: String },
    Failed { why: String },
}

impl Event {
    /// The event's name, as the journal spells it. Such a name is never changed.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::RunCreated(_) => "run-created",
            Self::LeaseTaken { .. } => "lease-taken",
            Self::JackInBegan => "jack-in-began",
            Self::IntentDeclared { .. } => "intent-declared",
            Self::IntentSettled { .. } => "intent-settled",
            Self::RunStarted { .. } => "run-started",
            Self::ItemStarted { .. } => "item-started",
            Self::StageStarted(_) => "stage-started",
            Self::ProcessStarted { .. } => "process-started",
            Self::StageEnded(_) => "stage-ended",
            Self::StageLost { .. } => "stage-lost",
            Self::ItemReopened { .. } => "item-reopened",
            Self::CommitAnnounced { .. } => "commit-announced",
            Self::CommitRefused { .. } => "commit-refused",
            Self::WorkCommitted(_) => "work-committed",
            Self::WorkSeen { .. } => "work-seen",
            Self::ItemFinished { .. } => "item-finished",
            Self::HaltRequested { .. } => "halt-requested",
            Self::RunHalted { .. } => "run-halted",
            Self::RunResumed => "run-resumed",
            Self::BreakerOpened { .. } => "breaker-opened",
            Self::BreakerReset => "breaker-reset",
            Self::BreakerClosed => "breaker-closed",
            Self::BudgetReached { .. } => "budget-reached",
            Self::CallsHeld { .. } => "calls-held",
            Self::RunCompleted { .. } => "run-completed",
            Self::DeliveryStarted { .. } => "delivery-started",
            Self::DeliveryEnded { .. } => "delivery-ended",
            Self::RunClosed { .. } => "run-closed",
            Self::Remarked { .. } => "remarked",
            Self::CheckpointMade { .. } => "checkpoint-made",
            Self::RolledBack(_) => "rolled-back",
            Self::GateOverridden(_) => "gate-overridden",
            Self::PullRequestWritten { .. } => "pull-request-written",
            Self::PullRequestOpened { .. } => "pull-request-opened",
            Self::RunAdopted(_) => "run-adopted",
            Self::ApprovalAsked(_) => "approval-asked",
            Self::ApprovalGiven(_) => "approval-given",
            Self::StageSkipped { .. } => "stage-skipped",
            Self::StageReopened { .. } => "stage-reopened",
            Self::ItemsReverified { .. } => "items-reverified",
            Self::AssumptionsScanned(_) => "assumptions-scanned",
            Self::FixAsked(_) => "fix-asked",
            Self::Reconciled(_) => "reconciled",
            Self::PlanSynced(_) => "plan-synced",
            Self::LaneStarted(_) => "lane-started",
            Self::LaneEnded(_) => "lane-ended",
            Self::LaneJoined { .. } => "lane-joined",
            Self::LaneDropped { .. } => "lane-dropped",
            Self::Newer { kind } => kind,
        }
    }
}
