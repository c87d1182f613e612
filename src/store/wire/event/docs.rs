//! The data of each event as it is written. Nothing in here is ever renamed.

mod people;

pub(in crate::store::wire) use people::{
    AdoptedDoc, ApprovalDoc, AskedDoc, FixDoc, GateOverriddenDoc, PlanSyncedDoc, ReconciledDoc,
    ScanDoc,
};
use serde::{Deserialize, Serialize};

use super::super::{Text, charter::PaperDoc, deletion::DeletionDoc};
use crate::domain::{
    deletion::Deleted,
    event::{
        Cause, Delivery, Place, ProcessMark, RefMove, Rollback, RollbackKind, StageEnd, StageStart,
        Trip, Usage, Work,
    },
    finding::{Finding, Severity},
    id::{Digest, ItemId, Oid, StageId},
    limits::BudgetLevel,
    outcome::{Failure, Outcome, Verdict},
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
pub(in crate::store::wire) struct ProposalDoc {
    pub(in crate::store::wire) title: String,
    pub(in crate::store::wire) path: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ProposedDoc {
    pub(in crate::store::wire) url: String,
    pub(in crate::store::wire) made: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(in crate::store::wire) fn is_zero(count: &u64) -> bool {
    *count == 0
}

pub(in crate::store::wire) fn deleted(kept: Vec<DeletionDoc>, more: u64) -> Deleted {
    Deleted { kept: kept.into_iter().map(Into::into).collect(), more }
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
