use super::*;
use crate::domain::{
    deletion::Deleted,
    event::{
        Adoption, GateOverride, Home, Place, PlanSynced, Reconciled, RefMove, Rollback,
        RollbackKind, StageStart,
    },
    gate::Gate,
    id::Digest,
    limits::Limits,
    outcome::{Outcome, Verdict},
    testing::{Tape, charter, ended, item, oid, stage, work},
};

/// A run in each state, and in `RUNNING` in each phase of an item.
fn fixtures() -> Vec<(&'static str, Tape)> {
    let fresh = || Tape::begin(charter(&["a", "b"], "build review<build", Limits::default()));
    let after = |mut tape: Tape, events: Vec<Event>| {
        events.into_iter().for_each(|event| tape.write(event).unwrap());
        tape
    };
    let jack_in = after(fresh(), vec![Event::JackInBegan]);
    let intent = after(jack_in.clone(), vec![declared()]);
    let idle = after(jack_in.clone(), vec![Event::RunStarted { head: oid(1), tree: oid(1) }]);
    let ready = after(idle.clone(), vec![started("a")]);
    let working = after(ready.clone(), vec![Event::StageStarted(ready.start_of_next(1))]);
    let committing = after(ready.clone(), vec![announced()]);
    let mut passed = ready.clone();
    passed.stage(Outcome::Built, 1, &[]);
    passed.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    let mut done = after(passed.clone(), vec![finished("a"), started("b")]);
    done.stage(Outcome::Built, 1, &[]);
    done.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    let done = after(done, vec![finished("b")]);
    let asked = after(done.clone(), vec![asked()]);
    let complete = after(done.clone(), vec![completed()]);
    let delivering = after(complete.clone(), vec![delivering()]);
    let halted = after(ready.clone(), vec![Event::RunHalted { cause: Cause::Interrupted }]);
    let tripped = after(ready.clone(), vec![opened(), Event::RunHalted { cause: broken() }]);
    let half = after(tripped.clone(), vec![Event::BreakerReset, Event::RunResumed]);
    let hitl = after(delivering.clone(), vec![delivered()]);
    let out = after(complete.clone(), vec![Event::RunClosed { why: "w".into() }]);
    vec![
        ("ready", fresh()),
        ("jack", jack_in),
        ("intent", intent),
        ("idle", idle),
        ("next", ready),
        ("work", working),
        ("commit", committing),
        ("pass", passed),
        ("done", done),
        ("asked", asked),
        ("half", half),
        ("compl", complete),
        ("deliv", delivering),
        ("halt", halted),
        ("trip", tripped),
        ("hitl", hitl),
        ("out", out),
    ]
}

fn declared() -> Event {
    let moves = vec![RefMove { name: "refs/heads/x".into(), old: None, new: Some(oid(1)) }];
    Event::IntentDeclared { purpose: "p".into(), moves }
}

fn started(name: &str) -> Event {
    Event::ItemStarted { item: item(name), head: oid(1), tree: oid(1) }
}

fn finished(name: &str) -> Event {
    Event::ItemFinished { item: item(name), head: oid(1), tree: oid(1) }
}

fn announced() -> Event {
    Event::CommitAnnounced { parent: oid(1), subject: "s".into() }
}

fn asked() -> Event {
    Event::HaltRequested { reason: "r".into(), force: false }
}

fn completed() -> Event {
    Event::RunCompleted { head: oid(1), tree: oid(1) }
}

fn broken() -> Cause {
    Cause::Breaker { trip: Trip::Plateau }
}

fn opened() -> Event {
    Event::BreakerOpened { trip: Trip::Plateau, evidence: "e".into() }
}

fn delivering() -> Event {
    Event::DeliveryStarted { remote: "origin".into(), branch: "b".into(), commit: oid(1) }
}

fn delivered() -> Event {
    let (remote, branch, commit) = ("origin".into(), "b".into(), oid(1));
    Event::DeliveryEnded { outcome: Delivery::Pushed { remote, branch, commit } }
}

fn rolled_back(place: Place) -> Event {
    let (how, head, tree) = (RollbackKind::Rollback, oid(1), oid(1));
    let (to, commit, saved) = (1, oid(3), 2);
    Event::RolledBack(Box::new(Rollback {
        how,
        to,
        commit,
        saved,
        head,
        tree,
        place,
        undone: Vec::new(),
        report: None,
    }))
}

fn overridden(tape: &Tape) -> Event {
    let open = tape.run.open_gates(Some(&tape.run.head)).into_iter().next();
    Event::GateOverridden(Box::new(GateOverride {
        gate: open.unwrap_or_else(|| Gate { item: item("a"), stage: stage("review") }),
        commit: tape.run.head.clone(),
        tree: tape.run.tree.clone().unwrap_or_else(|| oid(1)),
        reason: "r".into(),
        signed: None,
    }))
}

fn written() -> Event {
    Event::PullRequestWritten { title: "t".into(), path: "artifacts/pull-request.md".into() }
}

fn reconciled() -> Event {
    Event::Reconciled(Box::new(Reconciled {
        base: "main".into(),
        head: oid(1),
        tree: oid(1),
        items: Vec::new(),
        answers: Vec::new(),
    }))
}

fn synced() -> Event {
    Event::PlanSynced(Box::new(PlanSynced {
        path: "artifacts/plan/000001.json".into(),
        plan_digest: Digest::of(b"p"),
        documents: Vec::new(),
        tasks: Vec::new(),
        items: Vec::new(),
    }))
}

/// One event of each kind, as fitting as the run allows.
fn one_of_each(tape: &Tape) -> Vec<Event> {
    let start = tape.run.active().map_or_else(
        || StageStart {
            item: item("a"),
            stage: stage("build"),
            cycle: 1,
            attempt: 1,
            agent: "agent".into(),
            head: oid(1),
            tree: oid(1),
        },
        |_| tape.start_of_next(1),
    );
    let pending = tape.run.items.iter().find(|item| item.progress == Progress::Pending);
    let name = |item: Option<&Item>| item.map_or("a".to_owned(), |item| item.id.to_string());
    let generation = tape.run.generation + 1;
    vec![
        Event::RunCreated(Box::new(tape.run.charter.clone())),
        Event::LeaseTaken { generation, holder: ProcessMark::default() },
        Event::JackInBegan,
        declared(),
        Event::IntentSettled { conflicts: vec![] },
        Event::RunStarted { head: oid(1), tree: oid(1) },
        started(&name(pending)),
        Event::StageStarted(start),
        Event::ProcessStarted { mark: ProcessMark::default() },
        Event::StageEnded(Box::new(ended(Outcome::Built, 1, vec![]))),
        Event::StageLost { why: "w".into() },
        Event::ItemReopened { item: item(&name(tape.run.active_item())), stage: stage("review") },
        announced(),
        Event::CommitRefused { why: "w".into() },
        Event::WorkCommitted(work(1, 2)),
        Event::WorkSeen {
            from: oid(1),
            to: oid(2),
            tree: oid(2),
            commits: 1,
            rewritten: false,
            clean: true,
            deleted: Deleted::default(),
        },
        finished(&name(tape.run.active_item())),
        asked(),
        Event::RunHalted { cause: Cause::Interrupted },
        Event::RunResumed,
        opened(),
        Event::BreakerReset,
        Event::BreakerClosed,
        Event::BudgetReached { level: BudgetLevel::Warn, what: "w".into() },
        Event::CallsHeld { until: tape.now },
        completed(),
        delivering(),
        delivered(),
        Event::RunClosed { why: "w".into() },
        Event::Remarked { text: "t".into() },
        Event::CheckpointMade { number: 1, commit: oid(3), tree: oid(3), why: "w".into() },
        rolled_back(Place::Unknown),
        overridden(tape),
        written(),
        Event::PullRequestOpened { url: "u".into(), made: true },
        adopted("c"),
        reconciled(),
        synced(),
        Event::Newer { kind: "newer".into() },
    ]
}

fn adopted(clone: &str) -> Event {
    let home = Home { worktree: "/w".into(), clone: clone.into() };
    Event::RunAdopted(Box::new(Adoption { home, from: None, reason: None }))
}

fn short(state: State) -> &'static str {
    match state {
        State::Ready => "READY",
        State::JackIn => "JACK",
        State::Running => "RUN",
        State::Complete => "COMPL",
        State::Halted => "HALT",
        State::ReadyForHitl => "HITL",
        State::JackedOut => "OUT",
    }
}

/// `·` is refused, `=` stays in the state, a word is the next state.
const TRANSITIONS: &str = "
                   ready  jack   intent idle   next   work   commit pass   done   asked  half   compl  deliv  halt   trip   hitl   out
run-created        ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
lease-taken        =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      ·      ·
jack-in-began      JACK   ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
intent-declared    ·      =      ·      =      =      =      =      =      =      =      =      =      =      =      =      ·      ·
intent-settled     ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
run-started        ·      RUN    ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
item-started       ·      ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
stage-started      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·
process-started    ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
stage-ended        ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
stage-lost         ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
item-reopened      ·      ·      ·      ·      =      ·      =      =      ·      ·      =      ·      ·      ·      ·      ·      ·
commit-announced   ·      ·      ·      ·      =      ·      ·      =      ·      ·      =      ·      ·      ·      ·      ·      ·
commit-refused     ·      ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
work-committed     ·      ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
work-seen          ·      ·      ·      =      =      =      =      =      =      =      =      ·      ·      ·      ·      ·      ·
item-finished      ·      ·      ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·      ·      ·      ·
halt-requested     =      =      =      =      =      =      =      =      =      =      =      ·      ·      ·      ·      ·      ·
run-halted         HALT   HALT   HALT   HALT   HALT   HALT   HALT   HALT   HALT   HALT   HALT   ·      ·      ·      ·      ·      ·
run-resumed        ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      =      ·      RUN    ·      ·      ·
breaker-opened     ·      ·      ·      =      =      =      =      =      =      =      =      ·      ·      ·      ·      ·      ·
breaker-reset      ·      ·      ·      =      =      =      =      =      =      =      =      ·      ·      =      =      ·      ·
breaker-closed     ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      =      ·      ·      ·      ·      ·      ·
budget-reached     ·      ·      ·      =      =      =      =      =      =      =      =      ·      ·      ·      ·      ·      ·
calls-held         ·      ·      ·      =      =      =      =      =      =      =      =      ·      ·      ·      ·      ·      ·
run-completed      ·      ·      ·      ·      ·      ·      ·      ·      COMPL  ·      ·      ·      ·      ·      ·      ·      ·
delivery-started   ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      =      =      =      =      =      =
delivery-ended     ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      HITL   HITL   =      =      =      HITL
run-closed         ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      OUT    OUT    OUT    OUT    ·      ·
remarked           =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =
checkpoint-made    =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =
rolled-back        =      =      ·      HALT   HALT   ·      HALT   HALT   HALT   HALT   HALT   HALT   HALT   =      =      =      =
gate-overridden    ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      =      =      ·      ·
pull-request-written ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      =      =      =      =      =      =
pull-request-opened ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·      ·
run-adopted        =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =
reconciled         ·      ·      ·      =      =      ·      ·      =      =      =      =      =      =      =      =      =      =
plan-synced        ·      ·      ·      =      =      ·      ·      =      =      =      =      =      =      =      =      ·      ·
newer              =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =      =
";

#[test]
fn loa_112_every_event_in_every_state_gives_the_next_state_or_a_refusal_that_names_both() {
    let columns = fixtures();
    let mut rows: Vec<String> = Vec::new();
    let head: String = columns.iter().map(|(name, _)| format!(" {name:6}")).collect();
    rows.push(format!("{:18}{head}", "").trim_end().to_owned());
    for at in 0..one_of_each(&columns[0].1).len() {
        let kind = one_of_each(&columns[0].1)[at].kind().to_owned();
        let cells: String =
            columns.iter().map(|(_, tape)| format!(" {:6}", cell(tape, at))).collect();
        rows.push(format!("{kind:18}{cells}").trim_end().to_owned());
    }
    assert_eq!(rows.join("\n"), TRANSITIONS.trim_matches('\n'), "\n{}\n", rows.join("\n"));
}

fn cell(tape: &Tape, at: usize) -> &'static str {
    let event = one_of_each(tape).swap_remove(at);
    let mut run = tape.run.clone();
    match run.apply(&tape.next(event.clone())) {
        Ok(()) if run.state == tape.run.state => "=",
        Ok(()) => short(run.state),
        Err(refusal) => {
            assert_eq!(run, tape.run, "a refused `{}` changed the run", event.kind());
            let said = refusal.to_string();
            assert!(said.contains(event.kind()) && said.contains(run.state.word()), "{said}");
            "·"
        }
    }
}

#[test]
fn an_event_out_of_order_or_under_an_old_lease_is_refused() {
    let mut tape = Tape::begin(charter(&["a"], "build review<build", Limits::default()));
    tape.take_lease();
    tape.take_lease();
    let good = tape.next(Event::JackInBegan);
    for (bad, expected) in [
        (Envelope { seq: good.seq + 1, ..good.clone() }, "event 5 does not follow event 3"),
        (Envelope { seq: good.seq - 1, ..good.clone() }, "event 3 does not follow event 3"),
        (
            Envelope { lease: 1, ..good.clone() },
            "`jack-in-began` was written under lease 1, but lease 2 was taken since",
        ),
        (
            tape.next(Event::LeaseTaken { generation: 2, holder: ProcessMark::default() }),
            "`lease-taken` cannot happen while the run is READY: lease 2 is the last one",
        ),
    ] {
        let mut run = tape.run.clone();
        assert_eq!(run.apply(&bad).unwrap_err().to_string(), expected);
        assert_eq!(run, tape.run);
    }
    assert_eq!(tape.run.apply(&good), Ok(()));
}

#[test]
fn a_journal_begins_with_a_charter_that_holds_work() {
    let first = Tape::begin(charter(&["a"], "build review<build", Limits::default())).written;
    let without = |charter: Charter| Envelope {
        event: Event::RunCreated(Box::new(charter)),
        ..first[0].clone()
    };
    for bad in [
        Envelope { event: Event::JackInBegan, ..first[0].clone() },
        Envelope { seq: 2, ..first[0].clone() },
        without(charter(&[], "build", Limits::default())),
        without(charter(&["a"], "", Limits::default())),
    ] {
        assert!(Run::begin(&bad).is_err(), "{bad:?}");
    }
}
