//! `state.json`: the fold up to here. Derived from the events, and verifiable against them.

mod item;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::item::ItemDoc;
use super::{
    DecodeError, FORMAT, Text, canonical,
    charter::{CharterDoc, DocumentDoc, PaperDoc},
    event::{CauseDoc, DeliveryDoc, FixDoc, MoveDoc, ProcessDoc, ScanDoc, UsageDoc},
    garbled,
    lane::LaneDoc,
};
use crate::domain::{
    event::{Home, Trip},
    gate::{Gate, Override},
    id::{Digest, ItemId, Oid, StageId},
    item::Progress,
    limits::BudgetLevel,
    run::{Breaker, HaltRequest, HeldPaper, PullRequest, Run, State, synced::Synced},
    time::{Span, Timestamp},
};

pub const STATE_BYTES_MAX: u64 = 4 * 1024 * 1024;
const WHAT: &str = "a state";

#[derive(Debug, Serialize, Deserialize)]
struct RunDoc {
    format: u32,
    charter: CharterDoc,
    state: Text<State>,
    seq: u64,
    lamport: u64,
    at: Text<Timestamp>,
    began: Text<Timestamp>,
    clock: Text<Timestamp>,
    steady: Text<Timestamp>,
    counted: Text<Timestamp>,
    lease: u64,
    holder: Option<ProcessDoc>,
    head: Text<Oid>,
    tree: Option<Text<Oid>>,
    items: Vec<ItemDoc>,
    breaker: BreakerDoc,
    usage: UsageDoc,
    budget: Text<BudgetLevel>,
    calls: Vec<Text<Timestamp>>,
    calls_total: u64,
    held_until: Option<Text<Timestamp>>,
    ran_ms: u64,
    ran_since_reset_ms: u64,
    commits: u32,
    halt_request: Option<HaltRequestDoc>,
    halt: Option<CauseDoc>,
    stop: Option<CauseDoc>,
    intent: Option<Vec<MoveDoc>>,
    delivery: Option<DeliveryDoc>,
    delivering: bool,
    /// Since format 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checkpoint: Option<u64>,
    /// Since format 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<OverrideDoc>,
    /// Since format 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pull_request: Option<PullRequestDoc>,
    /// Since format 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home: Option<HomeDoc>,
    /// Since format 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reconciled: Option<Text<Oid>>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    papers: Vec<HeldPaperDoc>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    synced: Option<SyncedDoc>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    to_verify: Vec<Text<ItemId>>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<FixDoc>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taken_up: Vec<FixDoc>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    assumed: BTreeMap<String, u32>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    asked: BTreeMap<String, u32>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scanned: Option<ScanDoc>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lanes: Vec<LaneDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HeldPaperDoc {
    item: Text<ItemId>,
    #[serde(flatten)]
    paper: PaperDoc,
}

#[derive(Debug, Serialize, Deserialize)]
struct SyncedDoc {
    plan: String,
    plan_digest: Text<Digest>,
    documents: Vec<DocumentDoc>,
    person: String,
    at: Text<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HomeDoc {
    worktree: String,
    clone: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct OverrideDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
    commit: Text<Oid>,
    tree: Text<Oid>,
    reason: String,
    person: String,
    at: Text<Timestamp>,
    signed: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PullRequestDoc {
    title: String,
    url: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct HaltRequestDoc {
    reason: String,
    force: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum BreakerDoc {
    Closed,
    Open { trip: Text<Trip>, evidence: String },
    HalfOpen { cycle: u32, open: u32 },
}

#[must_use]
pub fn encode(run: &Run) -> String {
    encode_as(run, FORMAT)
}

/// The state as a version up to the present one writes it: what is recorded is compared to the byte.
#[must_use]
pub fn encode_as(run: &Run, format: u32) -> String {
    canonical(&RunDoc { format, ..run.into() })
}

/// The version that a recorded state says it is of.
pub fn format_of(text: &[u8]) -> Result<u32, DecodeError> {
    #[derive(Deserialize)]
    struct FormatDoc {
        format: u32,
    }
    serde_json::from_slice(text).map(|doc: FormatDoc| doc.format).map_err(garbled(WHAT))
}

pub fn decode(text: &[u8]) -> Result<Run, DecodeError> {
    let format = format_of(text)?;
    let doc = match serde_json::from_slice::<RunDoc>(text) {
        Ok(doc) => doc,
        Err(_) if FORMAT < format => {
            return Err(DecodeError::Newer { what: WHAT, found: format });
        }
        Err(error) => return Err(garbled(WHAT)(error)),
    };
    // A newer one is shown as far as it is understood.
    let run = doc.read().map(|run| Run { newer: FORMAT < format, ..run });
    run.ok_or(DecodeError::Garbled { what: WHAT, why: "it contradicts itself".into() })
}

impl From<&Run> for RunDoc {
    fn from(run: &Run) -> Self {
        let intent = run.intent.as_ref().map(|moves| moves.iter().map(Into::into).collect());
        Self {
            format: FORMAT,
            charter: (&run.charter).into(),
            state: Text(run.state),
            seq: run.seq,
            lamport: run.lamport,
            at: Text(run.at),
            began: Text(run.began),
            clock: Text(run.clock),
            steady: Text(run.steady),
            counted: Text(run.counted),
            lease: run.generation,
            holder: run.holder.as_ref().map(Into::into),
            head: Text(run.head.clone()),
            tree: run.tree.clone().map(Text),
            items: run.items.iter().map(Into::into).collect(),
            breaker: (&run.breaker).into(),
            usage: run.usage.into(),
            budget: Text(run.budget),
            calls: run.calls.iter().copied().map(Text).collect(),
            calls_total: run.calls_total,
            held_until: run.held_until.map(Text),
            ran_ms: run.ran.millis(),
            ran_since_reset_ms: run.ran_since_reset.millis(),
            commits: run.commits,
            halt_request: run.halt_request.as_ref().map(|request| HaltRequestDoc {
                reason: request.reason.clone(),
                force: request.force,
            }),
            halt: run.halt.as_ref().map(Into::into),
            stop: run.stop.as_ref().map(Into::into),
            intent,
            delivery: run.delivery.as_ref().map(Into::into),
            delivering: run.delivering,
            checkpoint: run.checkpoint,
            reconciled: run.reconciled.clone().map(Text),
            papers: run
                .papers
                .iter()
                .map(|held| HeldPaperDoc {
                    item: Text(held.item.clone()),
                    paper: (&held.paper).into(),
                })
                .collect(),
            synced: run.synced.as_ref().map(Into::into),
            to_verify: run.to_verify.iter().cloned().map(Text).collect(),
            fixes: run.fixes.iter().map(Into::into).collect(),
            taken_up: run.taken_up.iter().map(Into::into).collect(),
            assumed: run.assumed.clone(),
            asked: run.asked.clone(),
            scanned: run.scanned.as_ref().map(Into::into),
            lanes: run.lanes.iter().map(Into::into).collect(),
            overrides: run.overrides.iter().map(Into::into).collect(),
            pull_request: run.pull_request.as_ref().map(|request| PullRequestDoc {
                title: request.title.clone(),
                url: request.url.clone(),
            }),
            home: run
                .home
                .as_ref()
                .map(|home| HomeDoc { worktree: home.worktree.clone(), clone: home.clone.clone() }),
        }
    }
}

impl RunDoc {
    /// The run, unless the document could not have been written: at most one item is at work, and it
    /// stands at a stage of its workflow.
    fn read(self) -> Option<Run> {
        let run = Run {
            charter: self.charter.into(),
            state: self.state.0,
            seq: self.seq,
            lamport: self.lamport,
            at: self.at.0,
            began: self.began.0,
            clock: self.clock.0,
            steady: self.steady.0,
            counted: self.counted.0,
            generation: self.lease,
            holder: self.holder.map(Into::into),
            head: self.head.0,
            tree: self.tree.map(|id| id.0),
            items: self.items.into_iter().map(ItemDoc::read).collect::<Option<_>>()?,
            breaker: self.breaker.into(),
            usage: self.usage.into(),
            budget: self.budget.0,
            calls: self.calls.into_iter().map(|at| at.0).collect(),
            calls_total: self.calls_total,
            held_until: self.held_until.map(|at| at.0),
            ran: Span::from_millis(self.ran_ms),
            ran_since_reset: Span::from_millis(self.ran_since_reset_ms),
            commits: self.commits,
            halt_request: self
                .halt_request
                .map(|request| HaltRequest { reason: request.reason, force: request.force }),
            halt: self.halt.map(Into::into),
            stop: self.stop.map(Into::into),
            intent: self.intent.map(|moves| moves.into_iter().map(Into::into).collect()),
            delivery: self.delivery.map(Into::into),
            delivering: self.delivering,
            checkpoint: self.checkpoint,
            reconciled: self.reconciled.map(|id| id.0),
            papers: self
                .papers
                .into_iter()
                .map(|doc| HeldPaper { item: doc.item.0, paper: doc.paper.into() })
                .collect(),
            synced: self.synced.map(Into::into),
            to_verify: self.to_verify.into_iter().map(|item| item.0).collect(),
            fixes: self.fixes.into_iter().map(Into::into).collect(),
            taken_up: self.taken_up.into_iter().map(Into::into).collect(),
            assumed: self.assumed,
            asked: self.asked,
            scanned: self.scanned.map(Into::into),
            lanes: self.lanes.into_iter().map(Into::into).collect(),
            overrides: self.overrides.into_iter().map(Into::into).collect(),
            pull_request: self
                .pull_request
                .map(|doc| PullRequest { title: doc.title, url: doc.url }),
            home: self.home.map(|doc| Home { worktree: doc.worktree, clone: doc.clone }),
            newer: false,
        };
        let active =
            run.items.iter().filter(|item| matches!(item.progress, Progress::Active(_))).count();
        let stands = run.items.iter().all(|item| match &item.progress {
            Progress::Active(active) | Progress::Paused(active) => {
                run.shape(&active.stage).is_some()
            }
            Progress::Pending | Progress::Done { .. } | Progress::Inferred { .. } => true,
        });
        let whole = !run.charter.stages.is_empty() && !run.items.is_empty();
        (active <= 1 && stands && whole).then_some(run)
    }
}

impl From<&Synced> for SyncedDoc {
    fn from(of: &Synced) -> Self {
        Self {
            plan: of.path.clone(),
            plan_digest: Text(of.plan_digest.clone()),
            documents: of.documents.iter().map(Into::into).collect(),
            person: of.person.clone(),
            at: Text(of.at),
        }
    }
}

impl From<SyncedDoc> for Synced {
    fn from(doc: SyncedDoc) -> Self {
        Self {
            path: doc.plan,
            plan_digest: doc.plan_digest.0,
            documents: doc.documents.into_iter().map(Into::into).collect(),
            person: doc.person,
            at: doc.at.0,
        }
    }
}

impl From<&Override> for OverrideDoc {
    fn from(of: &Override) -> Self {
        Self {
            item: Text(of.gate.item.clone()),
            stage: Text(of.gate.stage.clone()),
            commit: Text(of.commit.clone()),
            tree: Text(of.tree.clone()),
            reason: of.reason.clone(),
            person: of.person.clone(),
            at: Text(of.at),
            signed: of.signed.clone(),
        }
    }
}

impl From<OverrideDoc> for Override {
    fn from(doc: OverrideDoc) -> Self {
        Self {
            gate: Gate { item: doc.item.0, stage: doc.stage.0 },
            commit: doc.commit.0,
            tree: doc.tree.0,
            reason: doc.reason,
            person: doc.person,
            at: doc.at.0,
            signed: doc.signed,
        }
    }
}

impl From<&Breaker> for BreakerDoc {
    fn from(breaker: &Breaker) -> Self {
        match breaker {
            Breaker::Closed => Self::Closed,
            Breaker::Open { trip, evidence } => {
                Self::Open { trip: Text(*trip), evidence: evidence.clone() }
            }
            Breaker::HalfOpen { cycle, open } => Self::HalfOpen { cycle: *cycle, open: *open },
        }
    }
}

impl From<BreakerDoc> for Breaker {
    fn from(doc: BreakerDoc) -> Self {
        match doc {
            BreakerDoc::Closed => Self::Closed,
            BreakerDoc::Open { trip, evidence } => Self::Open { trip: trip.0, evidence },
            BreakerDoc::HalfOpen { cycle, open } => Self::HalfOpen { cycle, open },
        }
    }
}
