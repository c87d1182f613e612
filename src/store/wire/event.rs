//! One event as one canonical JSON line: `{"actor":…,"at":…,"data":…,"event":…,"lamport":…,…}`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{DecodeError, FORMAT, Text, canonical, charter::CharterDoc, garbled};
use crate::domain::{
    event::{
        Actor, Cause, Delivery, Envelope, Event, ProcessMark, RefMove, StageEnd, StageStart, Trip,
        Usage, Work,
    },
    finding::{Finding, Severity},
    id::{Digest, ItemId, Oid, StageId},
    limits::BudgetLevel,
    outcome::{Failure, Outcome, Verdict},
    time::{Span, Timestamp},
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

#[derive(Debug, Serialize, Deserialize)]
struct Nothing {}

#[derive(Debug, Serialize, Deserialize)]
struct LeaseDoc {
    generation: u64,
    holder: ProcessDoc,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ProcessDoc {
    pid: u32,
    start: u64,
    boot: String,
    host: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProcessStartedDoc {
    process: ProcessDoc,
}

#[derive(Debug, Serialize, Deserialize)]
struct IntentDoc {
    purpose: String,
    moves: Vec<MoveDoc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MoveDoc {
    #[serde(rename = "ref")]
    name: String,
    old: Option<Text<Oid>>,
    new: Option<Text<Oid>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SettledDoc {
    conflicts: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlaceDoc {
    head: Text<Oid>,
    tree: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ItemPlaceDoc {
    item: Text<ItemId>,
    head: Text<Oid>,
    tree: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StageStartDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
    cycle: u32,
    attempt: u32,
    agent: String,
    head: Text<Oid>,
    tree: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StageEndDoc {
    outcome: OutcomeDoc,
    head: Text<Oid>,
    tree: Text<Oid>,
    clean: bool,
    #[serde(default)]
    findings: Vec<FindingDoc>,
    #[serde(default)]
    findings_dropped: u32,
    #[serde(default)]
    summary: String,
    took_ms: u64,
    #[serde(default)]
    usage: UsageDoc,
    #[serde(default)]
    report: Option<String>,
    #[serde(default)]
    transcript: Option<Text<Digest>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum OutcomeDoc {
    Built,
    Judged { verdict: Text<Verdict> },
    Failed { failure: Text<Failure>, detail: String },
    Held { until: Text<Timestamp> },
    Unavailable { why: String },
    Stopped,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FindingDoc {
    rule: String,
    severity: Text<Severity>,
    path: Option<String>,
    line: Option<u32>,
    message: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct UsageDoc {
    input_tokens: u64,
    output_tokens: u64,
    cost_micros: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct WhyDoc {
    why: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct ReopenedDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CommitDoc {
    parent: Text<Oid>,
    subject: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct WorkDoc {
    commit: Text<Oid>,
    parent: Text<Oid>,
    tree: Text<Oid>,
    subject: String,
    #[serde(default)]
    left_out: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SeenDoc {
    from: Text<Oid>,
    to: Text<Oid>,
    tree: Text<Oid>,
    commits: u32,
    rewritten: bool,
    clean: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct HaltRequestDoc {
    reason: String,
    force: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct HaltedDoc {
    cause: CauseDoc,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum CauseDoc {
    Asked { reason: String },
    Interrupted,
    Breaker { trip: Text<Trip> },
    Budget { what: String },
    FailVerdict { stage: Text<StageId> },
    AgentUnavailable { why: String },
    PersonNeeded { why: String },
}

#[derive(Debug, Serialize, Deserialize)]
struct BreakerDoc {
    trip: Text<Trip>,
    evidence: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct BudgetDoc {
    level: Text<BudgetLevel>,
    what: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct UntilDoc {
    until: Text<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DeliveryStartDoc {
    remote: String,
    branch: String,
    commit: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
struct DeliveryEndDoc {
    outcome: DeliveryDoc,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum DeliveryDoc {
    Pushed { remote: String, branch: String, commit: Text<Oid> },
    Skipped { why: String },
    Refused { why: String },
    Failed { why: String },
}

#[derive(Debug, Serialize, Deserialize)]
struct RemarkDoc {
    text: String,
}

/// A document as a value; see `canonical` for why this cannot fail.
fn doc<T: Serialize>(doc: T) -> Value {
    serde_json::to_value(doc).unwrap_or_default()
}

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
        Event::WorkCommitted(work) => doc(WorkDoc {
            commit: Text(work.commit.clone()),
            parent: Text(work.parent.clone()),
            tree: Text(work.tree.clone()),
            subject: work.subject.clone(),
            left_out: work.left_out.clone(),
        }),
        Event::WorkSeen { from, to, tree, commits, rewritten, clean } => doc(SeenDoc {
            from: Text(from.clone()),
            to: Text(to.clone()),
            tree: Text(tree.clone()),
            commits: *commits,
            rewritten: *rewritten,
            clean: *clean,
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
            } = read(data)?;
            Event::WorkSeen { from, to, tree, commits, rewritten, clean }
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
        _ => return Ok(None),
    }))
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

impl From<WorkDoc> for Work {
    fn from(doc: WorkDoc) -> Self {
        Self {
            commit: doc.commit.0,
            parent: doc.parent.0,
            tree: doc.tree.0,
            subject: doc.subject,
            left_out: doc.left_out,
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

/// A finding as canonical JSON, for the notes and the artifacts.
#[must_use]
pub fn finding_line(finding: &Finding) -> String {
    canonical(&FindingDoc::from(finding))
}
