//! One event as one canonical JSON line: `{"actor":…,"at":…,"data":…,"event":…,"lamport":…,…}`.

mod docs;

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{
    DecodeError, FORMAT, Text, canonical,
    charter::CharterDoc,
    garbled,
    lane::{LaneDroppedDoc, LaneEndDoc, LaneJoinedDoc, LaneStartDoc},
};
use docs::{
    AdoptedDoc, ApprovalDoc, AskedDoc, BreakerDoc, BudgetDoc, CheckpointDoc, CommitDoc,
    DeliveryEndDoc, DeliveryStartDoc, GateOverriddenDoc, HaltRequestDoc, HaltedDoc, IntentDoc,
    ItemPlaceDoc, ItemsDoc, LeaseDoc, Nothing, PlaceDoc, PlanSyncedDoc, ProcessStartedDoc,
    ProposalDoc, ProposedDoc, ReconciledDoc, RemarkDoc, ReopenedDoc, RollbackDoc, SeenDoc,
    SettledDoc, StageStartDoc, StageWhyDoc, UntilDoc, WhyDoc, WorkDoc,
};
pub(super) use docs::{
    CauseDoc, DeliveryDoc, FindingDoc, FixDoc, MoveDoc, ProcessDoc, ScanDoc, StageEndDoc, UsageDoc,
    is_zero,
};

use crate::domain::{
    event::{Actor, Envelope, Event},
    finding::Finding,
    time::Timestamp,
};

/// More than a stage's end can take with all its findings at their bounds, each character escaped.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;
const WHAT: &str = "an event";

#[derive(Debug, Serialize, Deserialize)]
struct EnvelopeDoc<'a> {
    v: u32,
    seq: u64,
    at: Text<Timestamp>,
    lamport: u64,
    actor: ActorDoc,
    lease: u64,
    event: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Debug, Serialize, Deserialize)]
struct ActorDoc {
    person: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    host: String,
}

/// The line for an event, without its line feed.
#[must_use]
pub fn encode(envelope: &Envelope) -> String {
    let doc = serde_json::json!({
        "v": FORMAT,
        "seq": envelope.seq,
        "at": Text(envelope.at),
        "lamport": envelope.lamport,
        "actor": ActorDoc {
            person: envelope.actor.person.clone(),
            agent: envelope.actor.agent.clone(),
            host: envelope.actor.host.clone(),
        },
        "lease": envelope.lease,
        "event": envelope.event.kind(),
        "data": data(&envelope.event),
    });
    doc.to_string()
}

/// Reads a line. Fields that are not known are passed over: the line itself is what is kept.
pub fn decode(line: &str) -> Result<Envelope, DecodeError> {
    if EVENT_BYTES_MAX < line.len() {
        return Err(DecodeError::TooLong { what: WHAT, found: line.len(), max: EVENT_BYTES_MAX });
    }
    let doc: EnvelopeDoc<'_> = serde_json::from_str(line).map_err(garbled(WHAT))?;
    let newer = FORMAT < doc.v;
    let event =
        if newer { None } else { event(&doc.event, doc.data.get()).map_err(garbled(WHAT))? };
    Ok(Envelope {
        seq: doc.seq,
        at: doc.at.0,
        lamport: doc.lamport,
        actor: Actor { person: doc.actor.person, agent: doc.actor.agent, host: doc.actor.host },
        lease: doc.lease,
        event: event.unwrap_or(Event::Newer { kind: doc.event }),
    })
}

/// A document as a value; see `canonical` for why this cannot fail.
fn doc<T: Serialize>(doc: T) -> Value {
    serde_json::to_value(doc).unwrap_or_default()
}

#[expect(clippy::too_many_lines, reason = "one arm for each event")]
fn data(event: &Event) -> Value {
    match event {
        Event::RunCreated(charter) => doc(CharterDoc::from(&**charter)),
        Event::LeaseTaken { generation, holder } => {
            doc(LeaseDoc { generation: *generation, holder: holder.into() })
        }
        Event::JackInBegan | Event::RunResumed | Event::BreakerReset | Event::BreakerClosed => {
            doc(Nothing {})
        }
        Event::IntentDeclared { purpose, moves } => doc(IntentDoc {
            purpose: purpose.clone(),
            moves: moves.iter().map(Into::into).collect(),
        }),
        Event::IntentSettled { conflicts } => doc(SettledDoc { conflicts: conflicts.clone() }),
        Event::RunStarted { head, tree } | Event::RunCompleted { head, tree } => {
            doc(PlaceDoc { head: Text(head.clone()), tree: Text(tree.clone()) })
        }
        Event::ItemStarted { item, head, tree } | Event::ItemFinished { item, head, tree } => {
            doc(ItemPlaceDoc {
                item: Text(item.clone()),
                head: Text(head.clone()),
                tree: Text(tree.clone()),
            })
        }
        Event::StageStarted(start) => doc(StageStartDoc::from(start)),
        Event::ProcessStarted { mark } => doc(ProcessStartedDoc { process: mark.into() }),
        Event::StageEnded(end) => doc(StageEndDoc::from(&**end)),
        Event::StageLost { why } | Event::CommitRefused { why } | Event::RunClosed { why } => {
            doc(WhyDoc { why: why.clone() })
        }
        Event::ItemReopened { item, stage } => {
            doc(ReopenedDoc { item: Text(item.clone()), stage: Text(stage.clone()) })
        }
        Event::CommitAnnounced { parent, subject } => {
            doc(CommitDoc { parent: Text(parent.clone()), subject: subject.clone() })
        }
        Event::WorkCommitted(work) => doc(WorkDoc::from(work)),
        Event::WorkSeen { from, to, tree, commits, rewritten, clean, deleted } => doc(SeenDoc {
            from: Text(from.clone()),
            to: Text(to.clone()),
            tree: Text(tree.clone()),
            commits: *commits,
            rewritten: *rewritten,
            clean: *clean,
            deleted: deleted.kept.iter().map(Into::into).collect(),
            deleted_more: deleted.more,
        }),
        Event::HaltRequested { reason, force } => {
            doc(HaltRequestDoc { reason: reason.clone(), force: *force })
        }
        Event::RunHalted { cause } => doc(HaltedDoc { cause: cause.into() }),
        Event::BreakerOpened { trip, evidence } => {
            doc(BreakerDoc { trip: Text(*trip), evidence: evidence.clone() })
        }
        Event::BudgetReached { level, what } => {
            doc(BudgetDoc { level: Text(*level), what: what.clone() })
        }
        Event::CallsHeld { until } => doc(UntilDoc { until: Text(*until) }),
        Event::DeliveryStarted { remote, branch, commit } => doc(DeliveryStartDoc {
            remote: remote.clone(),
            branch: branch.clone(),
            commit: Text(commit.clone()),
        }),
        Event::DeliveryEnded { outcome } => doc(DeliveryEndDoc { outcome: outcome.into() }),
        Event::Remarked { text } => doc(RemarkDoc { text: text.clone() }),
        Event::CheckpointMade { number, commit, tree, why } => doc(CheckpointDoc {
            number: *number,
            commit: Text(commit.clone()),
            tree: Text(tree.clone()),
            why: why.clone(),
        }),
        Event::RolledBack(back) => doc(RollbackDoc::from(&**back)),
        Event::GateOverridden(of) => doc(GateOverriddenDoc::from(&**of)),
        Event::PullRequestWritten { title, path } => {
            doc(ProposalDoc { title: title.clone(), path: path.clone() })
        }
        Event::PullRequestOpened { url, made } => {
            doc(ProposedDoc { url: url.clone(), made: *made })
        }
        Event::RunAdopted(adoption) => doc(AdoptedDoc::from(&**adoption)),
        Event::Reconciled(of) => doc(ReconciledDoc::from(&**of)),
        Event::ApprovalAsked(asked) => doc(AskedDoc::from(&**asked)),
        Event::ApprovalGiven(of) => doc(ApprovalDoc::from(&**of)),
        Event::StageSkipped { item, stage, why } | Event::StageReopened { item, stage, why } => {
            doc(StageWhyDoc {
                item: Text(item.clone()),
                stage: Text(stage.clone()),
                why: why.clone(),
            })
        }
        Event::ItemsReverified { items } => {
            doc(ItemsDoc { items: items.iter().cloned().map(Text).collect() })
        }
        Event::AssumptionsScanned(scan) => doc(ScanDoc::from(scan)),
        Event::FixAsked(fix) => doc(FixDoc::from(&**fix)),
        Event::PlanSynced(of) => doc(PlanSyncedDoc::from(&**of)),
        Event::LaneStarted(start) => doc(LaneStartDoc::from(&**start)),
        Event::LaneEnded(of) => doc(LaneEndDoc::from(&**of)),
        Event::LaneJoined { item, head, tree } => doc(LaneJoinedDoc {
            item: Text(item.clone()),
            head: Text(head.clone()),
            tree: Text(tree.clone()),
        }),
        Event::LaneDropped { item, why, findings } => doc(LaneDroppedDoc {
            item: Text(item.clone()),
            why: why.clone(),
            findings: findings.iter().map(Into::into).collect(),
        }),
        // Never written: a journal that holds one is read-only.
        Event::Newer { .. } => Value::Null,
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each event")]
/// The event of this kind; nothing when the kind is not known.
fn event(kind: &str, data: &str) -> Result<Option<Event>, serde_json::Error> {
    fn read<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, serde_json::Error> {
        serde_json::from_str(data)
    }
    Ok(Some(match kind {
        "run-created" => Event::RunCreated(Box::new(read::<CharterDoc>(data)?.into())),
        "lease-taken" => {
            let LeaseDoc { generation, holder } = read(data)?;
            Event::LeaseTaken { generation, holder: holder.into() }
        }
        "jack-in-began" => Event::JackInBegan,
        "run-resumed" => Event::RunResumed,
        "breaker-reset" => Event::BreakerReset,
        "breaker-closed" => Event::BreakerClosed,
        "intent-declared" => {
            let IntentDoc { purpose, moves } = read(data)?;
            Event::IntentDeclared { purpose, moves: moves.into_iter().map(Into::into).collect() }
        }
        "intent-settled" => Event::IntentSettled { conflicts: read::<SettledDoc>(data)?.conflicts },
        "run-started" | "run-completed" => {
            let PlaceDoc { head: Text(head), tree: Text(tree) } = read(data)?;
            if kind == "run-started" {
                Event::RunStarted { head, tree }
            } else {
                Event::RunCompleted { head, tree }
            }
        }
        "item-started" | "item-finished" => {
            let ItemPlaceDoc { item: Text(item), head: Text(head), tree: Text(tree) } = read(data)?;
            if kind == "item-started" {
                Event::ItemStarted { item, head, tree }
            } else {
                Event::ItemFinished { item, head, tree }
            }
        }
        "stage-started" => Event::StageStarted(read::<StageStartDoc>(data)?.into()),
        "process-started" => {
            Event::ProcessStarted { mark: read::<ProcessStartedDoc>(data)?.process.into() }
        }
        "stage-ended" => Event::StageEnded(Box::new(read::<StageEndDoc>(data)?.into())),
        "stage-lost" => Event::StageLost { why: read::<WhyDoc>(data)?.why },
        "commit-refused" => Event::CommitRefused { why: read::<WhyDoc>(data)?.why },
        "run-closed" => Event::RunClosed { why: read::<WhyDoc>(data)?.why },
        "item-reopened" => {
            let ReopenedDoc { item: Text(item), stage: Text(stage) } = read(data)?;
            Event::ItemReopened { item, stage }
        }
        "commit-announced" => {
            let CommitDoc { parent: Text(parent), subject } = read(data)?;
            Event::CommitAnnounced { parent, subject }
        }
        "work-committed" => Event::WorkCommitted(read::<WorkDoc>(data)?.into()),
        "work-seen" => {
            let SeenDoc {
                from: Text(from),
                to: Text(to),
                tree: Text(tree),
                commits,
                rewritten,
                clean,
                deleted,
                deleted_more,
            } = read(data)?;
            let deleted = docs::deleted(deleted, deleted_more);
            Event::WorkSeen { from, to, tree, commits, rewritten, clean, deleted }
        }
        "halt-requested" => {
            let HaltRequestDoc { reason, force } = read(data)?;
            Event::HaltRequested { reason, force }
        }
        "run-halted" => Event::RunHalted { cause: read::<HaltedDoc>(data)?.cause.into() },
        "breaker-opened" => {
            let BreakerDoc { trip: Text(trip), evidence } = read(data)?;
            Event::BreakerOpened { trip, evidence }
        }
        "budget-reached" => {
            let BudgetDoc { level: Text(level), what } = read(data)?;
            Event::BudgetReached { level, what }
        }
        "calls-held" => Event::CallsHeld { until: read::<UntilDoc>(data)?.until.0 },
        "delivery-started" => {
            let DeliveryStartDoc { remote, branch, commit: Text(commit) } = read(data)?;
            Event::DeliveryStarted { remote, branch, commit }
        }
        "delivery-ended" => {
            Event::DeliveryEnded { outcome: read::<DeliveryEndDoc>(data)?.outcome.into() }
        }
        "remarked" => Event::Remarked { text: read::<RemarkDoc>(data)?.text },
        "checkpoint-made" => {
            let CheckpointDoc { number, commit: Text(commit), tree: Text(tree), why } = read(data)?;
            Event::CheckpointMade { number, commit, tree, why }
        }
        "rolled-back" => Event::RolledBack(Box::new(read::<RollbackDoc>(data)?.into())),
        "gate-overridden" => {
            Event::GateOverridden(Box::new(read::<GateOverriddenDoc>(data)?.into()))
        }
        "pull-request-written" => {
            let ProposalDoc { title, path } = read(data)?;
            Event::PullRequestWritten { title, path }
        }
        "pull-request-opened" => {
            let ProposedDoc { url, made } = read(data)?;
            Event::PullRequestOpened { url, made }
        }
        "run-adopted" => Event::RunAdopted(Box::new(read::<AdoptedDoc>(data)?.into())),
        "approval-asked" => Event::ApprovalAsked(Box::new(read::<AskedDoc>(data)?.into())),
        "approval-given" => Event::ApprovalGiven(Box::new(read::<ApprovalDoc>(data)?.into())),
        "stage-skipped" | "stage-reopened" => {
            let StageWhyDoc { item: Text(item), stage: Text(stage), why } = read(data)?;
            if kind == "stage-skipped" {
                Event::StageSkipped { item, stage, why }
            } else {
                Event::StageReopened { item, stage, why }
            }
        }
        "items-reverified" => {
            let items = read::<ItemsDoc>(data)?.items;
            Event::ItemsReverified { items: items.into_iter().map(|item| item.0).collect() }
        }
        "assumptions-scanned" => Event::AssumptionsScanned(read::<ScanDoc>(data)?.into()),
        "fix-asked" => Event::FixAsked(Box::new(read::<FixDoc>(data)?.into())),
        "reconciled" => Event::Reconciled(Box::new(read::<ReconciledDoc>(data)?.into())),
        "plan-synced" => Event::PlanSynced(Box::new(read::<PlanSyncedDoc>(data)?.into())),
        "lane-started" => Event::LaneStarted(Box::new(read::<LaneStartDoc>(data)?.into())),
        "lane-ended" => Event::LaneEnded(Box::new(read::<LaneEndDoc>(data)?.into())),
        "lane-joined" => {
            let LaneJoinedDoc { item: Text(item), head: Text(head), tree: Text(tree) } =
                read(data)?;
            Event::LaneJoined { item, head, tree }
        }
        "lane-dropped" => {
            let LaneDroppedDoc { item: Text(item), why, findings } = read(data)?;
            let findings = findings.into_iter().map(Into::into).collect();
            Event::LaneDropped { item, why, findings }
        }
        _ => return Ok(None),
    }))
}

/// A finding as canonical JSON, for the notes and the artifacts.
#[must_use]
pub fn finding_line(finding: &Finding) -> String {
    canonical(&FindingDoc::from(finding))
}
