use super::*;
use crate::domain::{
    deletion::Deleted,
    event::Usage,
    id::RunId,
    item::{Committing, CycleRecord, Then},
    limits::Limits,
    outcome::{Outcome, Verdict},
    run::HaltRequest,
    testing::{Tape, charter, oid, seen},
    time::Span,
};

/// An item in every phase, and a run between and after its items.
fn phases() -> Vec<(&'static str, Tape)> {
    let limits = Limits { tokens_max: Some(100), calls_per_hour_max: 2, ..Limits::default() };
    let charter = charter(&["a"], "build review<build audit<build", limits);
    let build = Tape::at_first_stage(charter.clone());
    let mut working = build.clone();
    working.write(Event::StageStarted(working.start_of_next(1))).unwrap();
    let mut review = build.clone();
    review.stage(Outcome::Built, 1, &[]);
    let mut audit = review.clone();
    audit.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    let mut passed = audit.clone();
    passed.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    let in_phase = |then| {
        let mut tape = build.clone();
        active(&mut tape.run).phase = Phase::Uncommitted { then };
        tape
    };
    let mut idle = Tape::begin(charter);
    for event in [Event::JackInBegan, Event::RunStarted { head: oid(1), tree: oid(1) }] {
        idle.write(event).unwrap();
    }
    let mut done = passed.clone();
    let item = done.run.items[0].id.clone();
    done.write(Event::ItemFinished { item, head: oid(1), tree: oid(1) }).unwrap();
    let mut all = vec![
        ("build", build.clone()),
        ("audit", audit),
        ("working", working),
        ("again", in_phase(Then::Again)),
        ("onward", in_phase(Then::Next)),
        ("passed", passed),
        ("idle", idle),
        ("done", done),
    ];
    // What the way here used up is not what these tables are about.
    all.iter_mut().for_each(|(_, tape)| tape.run.calls.clear());
    all
}

fn active(run: &mut Run) -> &mut Active {
    let crate::domain::item::Progress::Active(active) = &mut run.items[0].progress else {
        panic!("no item is at work")
    };
    active
}

/// Changes the active item where there is one: some columns have none.
fn with(run: &mut Run, change: impl FnOnce(&mut Active)) {
    if run.active().is_some() {
        change(active(run));
    }
}

fn ask(run: &mut Run) {
    run.halt_request = Some(HaltRequest { reason: "lunch".into(), force: false });
}

fn open(run: &mut Run) {
    run.breaker = Breaker::Open { trip: Trip::Plateau, evidence: "e".into() };
}

fn commit(run: &mut Run) {
    let committing = Committing { parent: oid(1), subject: "s".into() };
    with(run, |active| active.committing = Some(committing));
}

fn marks(run: &Run, parent: u64) -> Option<Marks> {
    let (run, item, stage) = (run.charter.run.clone(), "a".into(), "build".into());
    Some(Marks { run, item, stage, cycle: 1, parent: Some(oid(parent)) })
}

type Change = fn(&mut Run, &mut Sight);

const CHANGES: [(&str, Change); 28] = [
    ("", |_, _| {}),
    ("dirty", |_, s| s.dirty = true),
    ("dirty, refused", |r, s| {
        s.dirty = true;
        with(r, |active| active.refused = true);
    }),
    ("head moved", |_, s| (s.head, s.tree) = (oid(2), oid(2))),
    ("other tree", |_, s| s.tree = oid(2)),
    ("halt asked", |r, _| ask(r)),
    ("  dirty", |r, s| {
        ask(r);
        s.dirty = true;
    }),
    ("  dirty, refused", |r, s| {
        ask(r);
        s.dirty = true;
        with(r, |active| active.refused = true);
    }),
    ("  head moved", |r, s| {
        ask(r);
        s.head = oid(2);
    }),
    ("stopped", |r, _| r.stop = Some(Cause::Interrupted)),
    ("  halt asked", |r, _| {
        ask(r);
        r.stop = Some(Cause::Interrupted);
    }),
    ("open", |r, _| open(r)),
    ("  dirty", |r, s| {
        open(r);
        s.dirty = true;
    }),
    ("third failure", |r, _| with(r, |active| active.counters.failures = 3)),
    ("time is up", |r, _| r.ran_since_reset = Span::from_hours(8)),
    ("budget at 75", |r, _| r.usage = Usage { input_tokens: 75, ..Usage::default() }),
    ("budget at 90", |r, _| r.usage = Usage { input_tokens: 90, ..Usage::default() }),
    ("  recorded", |r, _| {
        r.usage = Usage { input_tokens: 90, ..Usage::default() };
        r.budget = BudgetLevel::Stop;
    }),
    ("two calls", |r, s| r.calls.extend([s.now, s.now])),
    ("  held", |r, s| {
        r.calls.extend([s.now, s.now]);
        r.held_until = Some(s.now.after(Span::from_hours(1)));
    }),
    ("  an hour ago", |r, s| {
        r.calls.extend([s.now, s.now]);
        s.now = s.now.after(Span::from_hours(1));
    }),
    ("other branch", |_, s| s.branch = Some("main".into())),
    ("detached", |_, s| s.branch = None),
    ("committing", |r, s| {
        commit(r);
        s.dirty = true;
    }),
    ("  ours is there", |r, s| {
        commit(r);
        (s.head, s.marks) = (oid(2), marks(r, 1));
    }),
    ("  of another run", |r, s| {
        commit(r);
        let run = RunId::parse("other").unwrap();
        (s.head, s.marks) = (oid(2), marks(r, 1).map(|marks| Marks { run, ..marks }));
    }),
    ("  on another one", |r, s| {
        commit(r);
        (s.head, s.marks) = (oid(2), marks(r, 9));
    }),
    ("  halt asked", |r, _| {
        commit(r);
        ask(r);
    }),
];

const STEPS: &str = "
                   build         audit         working       again         onward        passed        idle          done
                   run build     run audit     see gone      survey        survey        item-finished item-started  run-completed
dirty              run build     announce      see gone      announce      announce      announce      item-started  run-completed
dirty, refused     run build     halt:person   see gone      announce      announce      halt:person   item-started  run-completed
head moved         survey        survey        see gone      survey        survey        survey        survey        survey
other tree         run build     reopen review see gone      survey        survey        reopen review item-started  run-completed
halt asked         halt:lunch    halt:lunch    see gone      halt:lunch    halt:lunch    halt:lunch    halt:lunch    halt:lunch
  dirty            announce      announce      see gone      announce      announce      announce      halt:lunch    halt:lunch
  dirty, refused   halt:lunch    halt:lunch    see gone      halt:lunch    halt:lunch    halt:lunch    halt:lunch    halt:lunch
  head moved       survey        survey        see gone      survey        survey        survey        halt:lunch    halt:lunch
stopped            halt:stopped  halt:stopped  see gone      halt:stopped  halt:stopped  halt:stopped  halt:stopped  halt:stopped
  halt asked       halt:lunch    halt:lunch    see gone      halt:lunch    halt:lunch    halt:lunch    halt:lunch    halt:lunch
open               halt:breaker  halt:breaker  see gone      halt:breaker  halt:breaker  halt:breaker  halt:breaker  halt:breaker
  dirty            announce      announce      see gone      announce      announce      announce      halt:breaker  halt:breaker
third failure      failures      failures      see gone      failures      failures      item-finished item-started  run-completed
time is up         time-limit    time-limit    see gone      time-limit    time-limit    item-finished item-started  run-completed
budget at 75       warn          warn          see gone      survey        survey        item-finished item-started  run-completed
budget at 90       stop          stop          see gone      survey        survey        item-finished item-started  run-completed
  recorded         halt:budget   halt:budget   see gone      survey        survey        item-finished item-started  run-completed
two calls          calls-held    calls-held    see gone      survey        survey        item-finished item-started  run-completed
  held             wait          wait          see gone      survey        survey        item-finished item-started  run-completed
  an hour ago      run build     run audit     see gone      survey        survey        item-finished item-started  run-completed
other branch       halt:person   halt:person   see gone      halt:person   halt:person   halt:person   halt:person   halt:person
detached           halt:person   halt:person   see gone      halt:person   halt:person   halt:person   halt:person   halt:person
committing         commit        commit        see gone      commit        commit        commit        item-started  run-completed
  ours is there    adopt         adopt         see gone      adopt         adopt         adopt         survey        survey
  of another run   survey        survey        see gone      survey        survey        survey        survey        survey
  on another one   survey        survey        see gone      survey        survey        survey        survey        survey
  halt asked       commit        commit        see gone      commit        commit        commit        halt:lunch    halt:lunch
";

#[test]
fn the_next_step_follows_from_the_phase_and_what_is_seen() {
    let phases = phases();
    let head: String = phases.iter().map(|(name, _)| format!(" {name:13}")).collect();
    let mut rows = vec![format!("{:18}{head}", "").trim_end().to_owned()];
    for (name, change) in CHANGES {
        let cells = phases.iter().map(|(_, tape)| {
            let (mut run, mut sight) = (tape.run.clone(), seen(tape, 1));
            change(&mut run, &mut sight);
            format!(" {:13}", word(&next_step(&run, &sight)))
        });
        rows.push(format!("{name:18}{}", cells.collect::<String>()).trim_end().to_owned());
    }
    assert_eq!(rows.join("\n"), STEPS.trim_matches('\n'));
}

fn word(step: &Step) -> String {
    match step {
        Step::Record(events) => events.iter().map(event).collect::<Vec<_>>().join("+"),
        Step::JackIn => "jack in".into(),
        Step::SettleIntent => "settle".into(),
        Step::RunStage(start) => format!("run {}", start.stage),
        Step::SeeProcessGone => "see gone".into(),
        Step::Commit => "commit".into(),
        Step::AdoptCommit => "adopt".into(),
        Step::SurveyHead => "survey".into(),
        Step::WaitUntil(_) => "wait".into(),
        Step::Deliver => "deliver".into(),
        Step::RunLanes(items) => format!("lanes {}", items.len()),
        Step::SeeLanesGone => "see lanes gone".into(),
        Step::JoinLane(item) => format!("join {item}"),
        Step::BringIn { .. } => "bring in".into(),
        Step::Rest => "rest".into(),
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::RunHalted { cause: Cause::Asked { reason } } => format!("halt:{reason}"),
        Event::RunHalted { cause: Cause::Interrupted } => "halt:stopped".into(),
        Event::RunHalted { cause: Cause::Breaker { .. } } => "halt:breaker".into(),
        Event::RunHalted { cause: Cause::Budget { .. } } => "halt:budget".into(),
        Event::RunHalted { cause: Cause::PersonNeeded { .. } } => "halt:person".into(),
        Event::ItemReopened { stage, .. } => format!("reopen {stage}"),
        Event::BreakerOpened { trip, .. } => trip.word().into(),
        Event::BudgetReached { level, .. } => level.word().into(),
        Event::CommitAnnounced { .. } => "announce".into(),
        other => other.kind().into(),
    }
}

#[test]
fn outside_of_running_the_next_step_follows_from_the_state() {
    let tape = &phases()[7].1;
    let step = |change: fn(&mut Run)| {
        let mut run = tape.run.clone();
        change(&mut run);
        word(&next_step(&run, &seen(tape, 1)))
    };
    let refused = || Some(Delivery::Refused { why: String::new() });
    fn intent(run: &mut Run, state: State) {
        (run.state, run.intent) = (state, Some(Vec::new()));
    }
    assert_eq!(step(|run| run.state = State::Ready), "jack-in-began");
    assert_eq!(step(|run| run.state = State::JackIn), "jack in");
    assert_eq!(step(|run| intent(run, State::JackIn)), "settle");
    assert_eq!(step(|run| intent(run, State::Running)), "settle");
    assert_eq!(step(|run| run.state = State::Complete), "deliver");
    for state in [State::Halted, State::ReadyForHitl, State::JackedOut] {
        let mut run = tape.run.clone();
        run.state = state;
        assert_eq!(word(&next_step(&run, &seen(tape, 1))), "rest");
    }
    let mut run = tape.run.clone();
    (run.state, run.delivery) = (State::Complete, refused());
    assert_eq!(word(&next_step(&run, &seen(tape, 1))), "rest", "a person looks at a refusal first");
    run.state = State::JackIn;
    ask(&mut run);
    assert_eq!(word(&next_step(&run, &seen(tape, 1))), "halt:lunch");
}

#[test]
fn a_judge_is_not_asked_while_an_earlier_one_passed_another_tree() {
    let mut tape = phases().swap_remove(1).1;
    assert_eq!(word(&next_step(&tape.run, &seen(&tape, 1))), "run audit");
    let (head, tree) = (oid(2), oid(2));
    let from = oid(1);
    let (rewritten, clean, deleted) = (false, true, Deleted::default());
    let event = Event::WorkSeen { from, to: head, tree, commits: 1, rewritten, clean, deleted };
    tape.write(event).unwrap();
    assert_eq!(word(&next_step(&tape.run, &seen(&tape, 2))), "reopen review");
}

#[test]
fn the_trial_of_a_half_open_breaker_closes_it_or_opens_it_again() {
    let passed = phases().swap_remove(5).1;
    let build = phases().swap_remove(0).1;
    for (expected, tape, cycle, before, now) in [
        ("run build", &build, 2, 3, 3),
        ("breaker-closed", &build, 3, 3, 2),
        ("trial-failed", &build, 3, 3, 3),
        ("trial-failed", &build, 3, 3, 4),
        ("breaker-closed", &passed, 2, 3, 9),
    ] {
        let mut run = tape.run.clone();
        run.breaker = Breaker::HalfOpen { cycle: 2, open: before };
        let stage = active(&mut run).stage.clone();
        let ended = CycleRecord { cycle: 2, stage, findings: now, changed: true };
        (active(&mut run).cycle, active(&mut run).cycles) = (cycle, vec![ended]);
        assert_eq!(word(&next_step(&run, &seen(tape, 1))), expected, "{cycle} {now}");
    }
}

#[test]
fn a_commit_says_what_it_holds() {
    let subject = |tape: &Tape, change: fn(&mut Active)| {
        let mut run = tape.run.clone();
        change(active(&mut run));
        let Step::Record(events) = next_step(&run, &Sight { dirty: true, ..seen(tape, 1) }) else {
            panic!("a dirty tree is committed")
        };
        let [Event::CommitAnnounced { subject, .. }] = &events[..] else { panic!("{events:?}") };
        subject.clone()
    };
    let all = phases();
    assert_eq!(subject(&all[4].1, |_| {}), "feat(a): build a");
    assert_eq!(
        subject(&all[4].1, |active| active.cycle = 3),
        "fix(a): answer the findings of cycle 2"
    );
    assert_eq!(subject(&all[3].1, |_| {}), "wip(a): what build left");
    assert_eq!(subject(&all[1].1, |_| {}), "wip(a): what was left in the work tree");
}
