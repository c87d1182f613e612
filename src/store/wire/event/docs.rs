//! The data of each event as it is written. Nothing in here is ever renamed.

use serde::{Deserialize, Serialize};

use super::super::{
    Text,
    charter::{DocumentDoc, PaperDoc},
    deletion::DeletionDoc,
};
use crate::domain::{
    deletion::Deleted,
    drift::Follows,
    event::{
        Adoption, Answer, Answered, Approval, Asked, Cause, Delivery, GateOverride, Home,
        Inference, Place, PlanSynced, ProcessMark, Reconciled, RefMove, Rollback, RollbackKind,
        StageEnd, StageStart, SyncedItem, SyncedTask, Trip, Usage, Word, Work,
    },
    finding::{Finding, Severity},
    fix::{Fix, FixId, FixType},
    gate::Gate,
    id::{Digest, ItemId, Oid, StageId, TaskId},
    limits::BudgetLevel,
    outcome::{Failure, Outcome, Verdict},
    reconcile::Strength,
    run::assumed::{Promoted, Scan},
    time::{Span, Timestamp},
};

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct Nothing {}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct LeaseDoc {
    pub(in crate::store::wire) generation: u64,
    pub(in crate::store::wire) holder: ProcessDoc,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store::wire) struct ProcessDoc {
    pub(in crate::store::wire) pid: u32,
    pub(in crate::store::wire) start: u64,
    pub(in crate::store::wire) boot: String,
    pub(in crate::store::wire) host: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ProcessStartedDoc {
    pub(in crate::store::wire) process: ProcessDoc,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct IntentDoc {
    pub(in crate::store::wire) purpose: String,
    pub(in crate::store::wire) moves: Vec<MoveDoc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store::wire) struct MoveDoc {
    #[serde(rename = "ref")]
    pub(in crate::store::wire) name: String,
    pub(in crate::store::wire) old: Option<Text<Oid>>,
    pub(in crate::store::wire) new: Option<Text<Oid>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct SettledDoc {
    pub(in crate::store::wire) conflicts: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct PlaceDoc {
    pub(in crate::store::wire) head: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ItemPlaceDoc {
    pub(in crate::store::wire) item: Text<ItemId>,
    pub(in crate::store::wire) head: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct StageStartDoc {
    pub(in crate::store::wire) item: Text<ItemId>,
    pub(in crate::store::wire) stage: Text<StageId>,
    pub(in crate::store::wire) cycle: u32,
    pub(in crate::store::wire) attempt: u32,
    pub(in crate::store::wire) agent: String,
    pub(in crate::store::wire) head: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct StageEndDoc {
    pub(in crate::store::wire) outcome: OutcomeDoc,
    pub(in crate::store::wire) head: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
    pub(in crate::store::wire) clean: bool,
    #[serde(default)]
    pub(in crate::store::wire) findings: Vec<FindingDoc>,
    #[serde(default)]
    pub(in crate::store::wire) findings_dropped: u32,
    #[serde(default)]
    pub(in crate::store::wire) summary: String,
    pub(in crate::store::wire) took_ms: u64,
    #[serde(default)]
    pub(in crate::store::wire) usage: UsageDoc,
    #[serde(default)]
    pub(in crate::store::wire) report: Option<String>,
    #[serde(default)]
    pub(in crate::store::wire) transcript: Option<Text<Digest>>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store::wire) papers: Vec<PaperDoc>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store::wire) assumed: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ItemsDoc {
    pub(in crate::store::wire) items: Vec<Text<ItemId>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ScanDoc {
    finished: u32,
    assumed: u32,
    kinds: u32,
    promoted: Vec<PromotedDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PromotedDoc {
    kind: String,
    count: u32,
}

impl From<&Scan> for ScanDoc {
    fn from(scan: &Scan) -> Self {
        let promoted = |one: &Promoted| PromotedDoc { kind: one.kind.clone(), count: one.count };
        Self {
            finished: scan.finished,
            assumed: scan.assumed,
            kinds: scan.kinds,
            promoted: scan.promoted.iter().map(promoted).collect(),
        }
    }
}

impl From<ScanDoc> for Scan {
    fn from(doc: ScanDoc) -> Self {
        let promoted = |one: PromotedDoc| Promoted { kind: one.kind, count: one.count };
        Self {
            finished: doc.finished,
            assumed: doc.assumed,
            kinds: doc.kinds,
            promoted: doc.promoted.into_iter().map(promoted).collect(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct FixDoc {
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Text<FixId>>,
    /// Since format 5.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    of: Option<Text<FixType>>,
    item: Text<ItemId>,
    finding: FindingDoc,
}

impl From<&Fix> for FixDoc {
    fn from(fix: &Fix) -> Self {
        Self {
            id: fix.id.map(Text),
            of: fix.of.map(Text),
            item: Text(fix.item.clone()),
            finding: (&fix.finding).into(),
        }
    }
}

impl From<FixDoc> for Fix {
    fn from(doc: FixDoc) -> Self {
        Self {
            id: doc.id.map(|id| id.0),
            of: doc.of.map(|of| of.0),
            item: doc.item.0,
            finding: doc.finding.into(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct AskedDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
    head: Text<Oid>,
    tree: Text<Oid>,
    until: Option<Text<Timestamp>>,
}

impl From<&Asked> for AskedDoc {
    fn from(asked: &Asked) -> Self {
        Self {
            item: Text(asked.item.clone()),
            stage: Text(asked.stage.clone()),
            head: Text(asked.head.clone()),
            tree: Text(asked.tree.clone()),
            until: asked.until.map(Text),
        }
    }
}

impl From<AskedDoc> for Asked {
    fn from(doc: AskedDoc) -> Self {
        Self {
            item: doc.item.0,
            stage: doc.stage.0,
            head: doc.head.0,
            tree: doc.tree.0,
            until: doc.until.map(|at| at.0),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ApprovalDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
    head: Text<Oid>,
    tree: Text<Oid>,
    word: Text<Word>,
    #[serde(default)]
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skip: Option<Text<StageId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
}

impl From<&Approval> for ApprovalDoc {
    fn from(of: &Approval) -> Self {
        Self {
            item: Text(of.item.clone()),
            stage: Text(of.stage.clone()),
            head: Text(of.head.clone()),
            tree: Text(of.tree.clone()),
            word: Text(of.word),
            text: of.text.clone(),
            skip: of.skip.clone().map(Text),
            signed: of.signed.clone(),
        }
    }
}

impl From<ApprovalDoc> for Approval {
    fn from(doc: ApprovalDoc) -> Self {
        Self {
            item: doc.item.0,
            stage: doc.stage.0,
            head: doc.head.0,
            tree: doc.tree.0,
            word: doc.word.0,
            text: doc.text,
            skip: doc.skip.map(|id| id.0),
            signed: doc.signed,
        }
    }
}

/// A stage of an item that was passed over, or is done again, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct StageWhyDoc {
    pub(in crate::store::wire) item: Text<ItemId>,
    pub(in crate::store::wire) stage: Text<StageId>,
    pub(in crate::store::wire) why: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::store::wire) enum OutcomeDoc {
    Built,
    Judged {
        verdict: Text<Verdict>,
    },
    Failed {
        failure: Text<Failure>,
        detail: String,
    },
    Held {
        until: Text<Timestamp>,
    },
    Unavailable {
        why: String,
    },
    Stopped,
    /// Since format 4.
    Blocked {
        why: String,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::store::wire) struct FindingDoc {
    pub(in crate::store::wire) rule: String,
    pub(in crate::store::wire) severity: Text<Severity>,
    pub(in crate::store::wire) path: Option<String>,
    pub(in crate::store::wire) line: Option<u32>,
    pub(in crate::store::wire) message: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::store::wire) struct UsageDoc {
    pub(in crate::store::wire) input_tokens: u64,
    pub(in crate::store::wire) output_tokens: u64,
    pub(in crate::store::wire) cost_micros: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct WhyDoc {
    pub(in crate::store::wire) why: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ReopenedDoc {
    pub(in crate::store::wire) item: Text<ItemId>,
    pub(in crate::store::wire) stage: Text<StageId>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct CommitDoc {
    pub(in crate::store::wire) parent: Text<Oid>,
    pub(in crate::store::wire) subject: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct WorkDoc {
    pub(in crate::store::wire) commit: Text<Oid>,
    pub(in crate::store::wire) parent: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
    pub(in crate::store::wire) subject: String,
    #[serde(default)]
    pub(in crate::store::wire) left_out: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store::wire) deleted: Vec<DeletionDoc>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(in crate::store::wire) deleted_more: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct SeenDoc {
    pub(in crate::store::wire) from: Text<Oid>,
    pub(in crate::store::wire) to: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
    pub(in crate::store::wire) commits: u32,
    pub(in crate::store::wire) rewritten: bool,
    pub(in crate::store::wire) clean: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::store::wire) deleted: Vec<DeletionDoc>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(in crate::store::wire) deleted_more: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct HaltRequestDoc {
    pub(in crate::store::wire) reason: String,
    pub(in crate::store::wire) force: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct HaltedDoc {
    pub(in crate::store::wire) cause: CauseDoc,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::store::wire) enum CauseDoc {
    Asked {
        reason: String,
    },
    Interrupted,
    Breaker {
        trip: Text<Trip>,
    },
    Budget {
        what: String,
    },
    FailVerdict {
        stage: Text<StageId>,
    },
    AgentUnavailable {
        why: String,
    },
    PersonNeeded {
        why: String,
    },
    /// Since format 4, as all below it.
    Approval {
        item: Text<ItemId>,
        stage: Text<StageId>,
    },
    Rejected {
        item: Text<ItemId>,
        stage: Text<StageId>,
        why: String,
    },
    TriesUsed {
        item: Text<ItemId>,
        stage: Text<StageId>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct BreakerDoc {
    pub(in crate::store::wire) trip: Text<Trip>,
    pub(in crate::store::wire) evidence: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct BudgetDoc {
    pub(in crate::store::wire) level: Text<BudgetLevel>,
    pub(in crate::store::wire) what: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct UntilDoc {
    pub(in crate::store::wire) until: Text<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct DeliveryStartDoc {
    pub(in crate::store::wire) remote: String,
    pub(in crate::store::wire) branch: String,
    pub(in crate::store::wire) commit: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct DeliveryEndDoc {
    pub(in crate::store::wire) outcome: DeliveryDoc,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::store::wire) enum DeliveryDoc {
    Pushed { remote: String, branch: String, commit: Text<Oid> },
    Skipped { why: String },
    Refused { why: String },
    Failed { why: String },
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct RemarkDoc {
    pub(in crate::store::wire) text: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct CheckpointDoc {
    pub(in crate::store::wire) number: u64,
    pub(in crate::store::wire) commit: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
    pub(in crate::store::wire) why: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct RollbackDoc {
    pub(in crate::store::wire) how: Text<RollbackKind>,
    pub(in crate::store::wire) to: u64,
    pub(in crate::store::wire) commit: Text<Oid>,
    pub(in crate::store::wire) saved: u64,
    pub(in crate::store::wire) head: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
    pub(in crate::store::wire) place: RollbackPlaceDoc,
    pub(in crate::store::wire) report: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(in crate::store::wire) enum RollbackPlaceDoc {
    Unknown,
    Start,
    At { item: Text<ItemId>, stage: Text<StageId> },
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct GateOverriddenDoc {
    pub(in crate::store::wire) item: Text<ItemId>,
    pub(in crate::store::wire) stage: Text<StageId>,
    pub(in crate::store::wire) commit: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
    pub(in crate::store::wire) reason: String,
    pub(in crate::store::wire) signed: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ProposalDoc {
    pub(in crate::store::wire) title: String,
    pub(in crate::store::wire) path: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ProposedDoc {
    pub(in crate::store::wire) url: String,
    pub(in crate::store::wire) made: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct AdoptedDoc {
    worktree: String,
    clone: String,
    from: Option<String>,
    reason: Option<String>,
}

impl From<&Adoption> for AdoptedDoc {
    fn from(adoption: &Adoption) -> Self {
        let Adoption { home, from, reason } = adoption.clone();
        Self { worktree: home.worktree, clone: home.clone, from, reason }
    }
}

impl From<AdoptedDoc> for Adoption {
    fn from(doc: AdoptedDoc) -> Self {
        let home = Home { worktree: doc.worktree, clone: doc.clone };
        Self { home, from: doc.from, reason: doc.reason }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ReconciledDoc {
    base: String,
    head: Text<Oid>,
    tree: Text<Oid>,
    items: Vec<InferenceDoc>,
    answers: Vec<AnsweredDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct InferenceDoc {
    item: Text<ItemId>,
    evidence: Text<Strength>,
    commits: Vec<Text<Oid>>,
    /// Always true: for readers that look at this alone.
    inferred: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnsweredDoc {
    item: Text<ItemId>,
    answer: Text<Answer>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct PlanSyncedDoc {
    plan: String,
    plan_digest: Text<Digest>,
    documents: Vec<DocumentDoc>,
    tasks: Vec<SyncedTaskDoc>,
    items: Vec<SyncedItemDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SyncedTaskDoc {
    task: Text<TaskId>,
    follows: Text<Follows>,
    old: Text<Digest>,
    new: Option<Text<Digest>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SyncedItemDoc {
    item: Text<ItemId>,
    follows: Text<Follows>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(in crate::store::wire) fn is_zero(count: &u64) -> bool {
    *count == 0
}

pub(in crate::store::wire) fn deleted(kept: Vec<DeletionDoc>, more: u64) -> Deleted {
    Deleted { kept: kept.into_iter().map(Into::into).collect(), more }
}

impl From<&GateOverride> for GateOverriddenDoc {
    fn from(of: &GateOverride) -> Self {
        Self {
            item: Text(of.gate.item.clone()),
            stage: Text(of.gate.stage.clone()),
            commit: Text(of.commit.clone()),
            tree: Text(of.tree.clone()),
            reason: of.reason.clone(),
            signed: of.signed.clone(),
        }
    }
}

impl From<GateOverriddenDoc> for GateOverride {
    fn from(doc: GateOverriddenDoc) -> Self {
        Self {
            gate: Gate { item: doc.item.0, stage: doc.stage.0 },
            commit: doc.commit.0,
            tree: doc.tree.0,
            reason: doc.reason,
            signed: doc.signed,
        }
    }
}

impl From<&Reconciled> for ReconciledDoc {
    fn from(of: &Reconciled) -> Self {
        let inference = |one: &Inference| InferenceDoc {
            item: Text(one.item.clone()),
            evidence: Text(one.strength),
            commits: one.commits.iter().cloned().map(Text).collect(),
            inferred: true,
        };
        let answered =
            |one: &Answered| AnsweredDoc { item: Text(one.item.clone()), answer: Text(one.answer) };
        Self {
            base: of.base.clone(),
            head: Text(of.head.clone()),
            tree: Text(of.tree.clone()),
            items: of.items.iter().map(inference).collect(),
            answers: of.answers.iter().map(answered).collect(),
        }
    }
}

impl From<ReconciledDoc> for Reconciled {
    fn from(doc: ReconciledDoc) -> Self {
        let inference = |one: InferenceDoc| Inference {
            item: one.item.0,
            strength: one.evidence.0,
            commits: one.commits.into_iter().map(|id| id.0).collect(),
        };
        let answered = |one: AnsweredDoc| Answered { item: one.item.0, answer: one.answer.0 };
        Self {
            base: doc.base,
            head: doc.head.0,
            tree: doc.tree.0,
            items: doc.items.into_iter().map(inference).collect(),
            answers: doc.answers.into_iter().map(answered).collect(),
        }
    }
}

impl From<&PlanSynced> for PlanSyncedDoc {
    fn from(of: &PlanSynced) -> Self {
        let task = |one: &SyncedTask| SyncedTaskDoc {
            task: Text(one.task.clone()),
            follows: Text(one.follows),
            old: Text(one.old.clone()),
            new: one.new.clone().map(Text),
        };
        let item = |one: &SyncedItem| SyncedItemDoc {
            item: Text(one.item.clone()),
            follows: Text(one.follows),
        };
        Self {
            plan: of.path.clone(),
            plan_digest: Text(of.plan_digest.clone()),
            documents: of.documents.iter().map(Into::into).collect(),
            tasks: of.tasks.iter().map(task).collect(),
            items: of.items.iter().map(item).collect(),
        }
    }
}

impl From<PlanSyncedDoc> for PlanSynced {
    fn from(doc: PlanSyncedDoc) -> Self {
        let task = |one: SyncedTaskDoc| SyncedTask {
            task: one.task.0,
            follows: one.follows.0,
            old: one.old.0,
            new: one.new.map(|new| new.0),
        };
        let item = |one: SyncedItemDoc| SyncedItem { item: one.item.0, follows: one.follows.0 };
        Self {
            path: doc.plan,
            plan_digest: doc.plan_digest.0,
            documents: doc.documents.into_iter().map(Into::into).collect(),
            tasks: doc.tasks.into_iter().map(task).collect(),
            items: doc.items.into_iter().map(item).collect(),
        }
    }
}

impl From<&ProcessMark> for ProcessDoc {
    fn from(mark: &ProcessMark) -> Self {
        Self { pid: mark.pid, start: mark.start, boot: mark.boot.clone(), host: mark.host.clone() }
    }
}

impl From<ProcessDoc> for ProcessMark {
    fn from(doc: ProcessDoc) -> Self {
        Self { pid: doc.pid, start: doc.start, boot: doc.boot, host: doc.host }
    }
}

impl From<&RefMove> for MoveDoc {
    fn from(of: &RefMove) -> Self {
        Self { name: of.name.clone(), old: of.old.clone().map(Text), new: of.new.clone().map(Text) }
    }
}

impl From<MoveDoc> for RefMove {
    fn from(doc: MoveDoc) -> Self {
        Self { name: doc.name, old: doc.old.map(|id| id.0), new: doc.new.map(|id| id.0) }
    }
}

impl From<&StageStart> for StageStartDoc {
    fn from(start: &StageStart) -> Self {
        Self {
            item: Text(start.item.clone()),
            stage: Text(start.stage.clone()),
            cycle: start.cycle,
            attempt: start.attempt,
            agent: start.agent.clone(),
            head: Text(start.head.clone()),
            tree: Text(start.tree.clone()),
        }
    }
}

impl From<StageStartDoc> for StageStart {
    fn from(doc: StageStartDoc) -> Self {
        Self {
            item: doc.item.0,
            stage: doc.stage.0,
            cycle: doc.cycle,
            attempt: doc.attempt,
            agent: doc.agent,
            head: doc.head.0,
            tree: doc.tree.0,
        }
    }
}

impl From<&StageEnd> for StageEndDoc {
    fn from(end: &StageEnd) -> Self {
        Self {
            outcome: (&end.outcome).into(),
            head: Text(end.head.clone()),
            tree: Text(end.tree.clone()),
            clean: end.clean,
            findings: end.findings.iter().map(Into::into).collect(),
            findings_dropped: end.findings_dropped,
            summary: end.summary.clone(),
            took_ms: end.took.millis(),
            usage: end.usage.into(),
            report: end.report.clone(),
            transcript: end.transcript.clone().map(Text),
            papers: end.papers.iter().map(Into::into).collect(),
            assumed: end.assumed.clone(),
        }
    }
}

impl From<StageEndDoc> for StageEnd {
    fn from(doc: StageEndDoc) -> Self {
        Self {
            outcome: doc.outcome.into(),
            head: doc.head.0,
            tree: doc.tree.0,
            clean: doc.clean,
            findings: doc.findings.into_iter().map(Into::into).collect(),
            findings_dropped: doc.findings_dropped,
            summary: doc.summary,
            took: Span::from_millis(doc.took_ms),
            usage: doc.usage.into(),
            report: doc.report,
            transcript: doc.transcript.map(|digest| digest.0),
            papers: doc.papers.into_iter().map(Into::into).collect(),
            assumed: doc.assumed,
        }
    }
}

impl From<&Outcome> for OutcomeDoc {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Built => Self::Built,
            Outcome::Judged(verdict) => Self::Judged { verdict: Text(*verdict) },
            Outcome::Failed { failure, detail } => {
                Self::Failed { failure: Text(*failure), detail: detail.clone() }
            }
            Outcome::Held { until } => Self::Held { until: Text(*until) },
            Outcome::Unavailable { why } => Self::Unavailable { why: why.clone() },
            Outcome::Stopped => Self::Stopped,
            Outcome::Blocked { why } => Self::Blocked { why: why.clone() },
        }
    }
}

impl From<OutcomeDoc> for Outcome {
    fn from(doc: OutcomeDoc) -> Self {
        match doc {
            OutcomeDoc::Built => Self::Built,
            OutcomeDoc::Judged { verdict } => Self::Judged(verdict.0),
            OutcomeDoc::Failed { failure, detail } => Self::Failed { failure: failure.0, detail },
            OutcomeDoc::Held { until } => Self::Held { until: until.0 },
            OutcomeDoc::Unavailable { why } => Self::Unavailable { why },
            OutcomeDoc::Stopped => Self::Stopped,
            OutcomeDoc::Blocked { why } => Self::Blocked { why },
        }
    }
}

impl From<&Finding> for FindingDoc {
    fn from(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.clone(),
            severity: Text(finding.severity),
            path: finding.path.clone(),
            line: finding.line,
            message: finding.message.clone(),
        }
    }
}

impl From<FindingDoc> for Finding {
    fn from(doc: FindingDoc) -> Self {
        Self {
            rule: doc.rule,
            severity: doc.severity.0,
            path: doc.path,
            line: doc.line,
            message: doc.message,
        }
    }
}

impl From<Usage> for UsageDoc {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_micros: usage.cost,
        }
    }
}

impl From<UsageDoc> for Usage {
    fn from(doc: UsageDoc) -> Self {
        Self {
            input_tokens: doc.input_tokens,
            output_tokens: doc.output_tokens,
            cost: doc.cost_micros,
        }
    }
}

impl From<&Work> for WorkDoc {
    fn from(work: &Work) -> Self {
        Self {
            commit: Text(work.commit.clone()),
            parent: Text(work.parent.clone()),
            tree: Text(work.tree.clone()),
            subject: work.subject.clone(),
            left_out: work.left_out.clone(),
            deleted: work.deleted.kept.iter().map(Into::into).collect(),
            deleted_more: work.deleted.more,
        }
    }
}

impl From<WorkDoc> for Work {
    fn from(doc: WorkDoc) -> Self {
        Self {
            commit: doc.commit.0,
            parent: doc.parent.0,
            tree: doc.tree.0,
            subject: doc.subject,
            left_out: doc.left_out,
            deleted: deleted(doc.deleted, doc.deleted_more),
        }
    }
}

impl From<&Cause> for CauseDoc {
    fn from(cause: &Cause) -> Self {
        match cause.clone() {
            Cause::Asked { reason } => Self::Asked { reason },
            Cause::Interrupted => Self::Interrupted,
            Cause::Breaker { trip } => Self::Breaker { trip: Text(trip) },
            Cause::Budget { what } => Self::Budget { what },
            Cause::FailVerdict { stage } => Self::FailVerdict { stage: Text(stage) },
            Cause::AgentUnavailable { why } => Self::AgentUnavailable { why },
            Cause::PersonNeeded { why } => Self::PersonNeeded { why },
            Cause::Approval { item, stage } => {
                Self::Approval { item: Text(item), stage: Text(stage) }
            }
            Cause::Rejected { item, stage, why } => {
                Self::Rejected { item: Text(item), stage: Text(stage), why }
            }
            Cause::TriesUsed { item, stage } => {
                Self::TriesUsed { item: Text(item), stage: Text(stage) }
            }
        }
    }
}

impl From<CauseDoc> for Cause {
    fn from(doc: CauseDoc) -> Self {
        match doc {
            CauseDoc::Asked { reason } => Self::Asked { reason },
            CauseDoc::Interrupted => Self::Interrupted,
            CauseDoc::Breaker { trip } => Self::Breaker { trip: trip.0 },
            CauseDoc::Budget { what } => Self::Budget { what },
            CauseDoc::FailVerdict { stage } => Self::FailVerdict { stage: stage.0 },
            CauseDoc::AgentUnavailable { why } => Self::AgentUnavailable { why },
            CauseDoc::PersonNeeded { why } => Self::PersonNeeded { why },
            CauseDoc::Approval { item, stage } => Self::Approval { item: item.0, stage: stage.0 },
            CauseDoc::Rejected { item, stage, why } => {
                Self::Rejected { item: item.0, stage: stage.0, why }
            }
            CauseDoc::TriesUsed { item, stage } => Self::TriesUsed { item: item.0, stage: stage.0 },
        }
    }
}

impl From<&Delivery> for DeliveryDoc {
    fn from(delivery: &Delivery) -> Self {
        match delivery.clone() {
            Delivery::Pushed { remote, branch, commit } => {
                Self::Pushed { remote, branch, commit: Text(commit) }
            }
            Delivery::Skipped { why } => Self::Skipped { why },
            Delivery::Refused { why } => Self::Refused { why },
            Delivery::Failed { why } => Self::Failed { why },
        }
    }
}

impl From<DeliveryDoc> for Delivery {
    fn from(doc: DeliveryDoc) -> Self {
        match doc {
            DeliveryDoc::Pushed { remote, branch, commit } => {
                Self::Pushed { remote, branch, commit: commit.0 }
            }
            DeliveryDoc::Skipped { why } => Self::Skipped { why },
            DeliveryDoc::Refused { why } => Self::Refused { why },
            DeliveryDoc::Failed { why } => Self::Failed { why },
        }
    }
}

impl From<&Rollback> for RollbackDoc {
    fn from(back: &Rollback) -> Self {
        Self {
            how: Text(back.how),
            to: back.to,
            commit: Text(back.commit.clone()),
            saved: back.saved,
            head: Text(back.head.clone()),
            tree: Text(back.tree.clone()),
            place: match back.place.clone() {
                Place::Unknown => RollbackPlaceDoc::Unknown,
                Place::Start => RollbackPlaceDoc::Start,
                Place::At { item, stage } => {
                    RollbackPlaceDoc::At { item: Text(item), stage: Text(stage) }
                }
            },
            report: back.report.clone(),
        }
    }
}

impl From<RollbackDoc> for Rollback {
    fn from(doc: RollbackDoc) -> Self {
        Self {
            how: doc.how.0,
            to: doc.to,
            commit: doc.commit.0,
            saved: doc.saved,
            head: doc.head.0,
            tree: doc.tree.0,
            place: match doc.place {
                RollbackPlaceDoc::Unknown => Place::Unknown,
                RollbackPlaceDoc::Start => Place::Start,
                RollbackPlaceDoc::At { item, stage } => Place::At { item: item.0, stage: stage.0 },
            },
            report: doc.report,
        }
    }
}
