use crate::domain::{
    event::{Cause, Event, Place, Rollback, RollbackKind, Trip},
    item::{Phase, Progress},
    limits::Limits,
    outcome::{Failure, Outcome, Verdict},
    request::{Answer, Request, decide},
    run::{Breaker, Refusal, Run, State},
    step::{Step, next_step},
    testing::{Tape, charter, ended, failed, item, oid, seen, stage},
};

const WORKFLOW: &str = "build review<build audit<build";

fn tape() -> Tape {
    Tape::at_first_stage(charter(&["a", "b", "c"], WORKFLOW, Limits::default()))
}

fn at(name: &str, to: &str) -> Place {
    Place::At { item: item(name), stage: stage(to) }
}

/// To a checkpoint whose commit and tree have this number.
fn back(tape: &mut Tape, place: Place, number: u64) -> Result<(), Refusal> {
    let (how, to, saved) = (RollbackKind::Rollback, 7, 8);
    let (commit, head, tree) = (oid(900), oid(number), oid(number));
    let back =
        Rollback { how, to, commit, saved, head, tree, place, undone: Vec::new(), report: None };
    tape.write(Event::RolledBack(Box::new(back)))
}

/// Builds the active item with this tree, passes it, and begins the next one.
fn finish(tape: &mut Tape, tree: u64) {
    tape.stage(Outcome::Built, tree, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), tree, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), tree, &[]);
    let (head, of) = (oid(tree), tape.run.active_item().unwrap().id.clone());
    tape.write(Event::ItemFinished { item: of, head: head.clone(), tree: head.clone() }).unwrap();
    let next = tape.run.items.iter().find(|item| item.progress == Progress::Pending);
    if let Some(next) = next.map(|item| item.id.clone()) {
        tape.write(Event::ItemStarted { item: next, head: head.clone(), tree: head }).unwrap();
    }
}

fn resume(tape: &mut Tape) {
    let Ok(Answer::Write(events)) = decide(&tape.run, &Request::Resume { reset_breaker: false })
    else {
        panic!("{:?} cannot be resumed", tape.run.state)
    };
    events.into_iter().for_each(|event| tape.write(event).unwrap());
}

/// What comes next where commit and tree have this number.
fn next(tape: &Tape, number: u64) -> String {
    match next_step(&tape.run, &seen(tape, number)) {
        Step::RunStage(start) => {
            format!("{} {} {} {}", start.item, start.stage, start.cycle, start.attempt)
        }
        Step::Record(events) => events[0].kind().to_owned(),
        other => format!("{other:?}"),
    }
}

fn progress(run: &Run) -> String {
    let word = |progress: &Progress| match progress {
        Progress::Pending => "pending".to_owned(),
        Progress::Active(active) => format!("{} {}", active.stage, active.cycle),
        Progress::Paused(_) => "paused".to_owned(),
        Progress::Done { .. } => "done".to_owned(),
        Progress::Inferred { .. } => "inferred".to_owned(),
    };
    run.items.iter().map(|item| word(&item.progress)).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_stage_at_which_a_checkpoint_was_made_is_the_next_one_in_a_new_cycle() {
    // a is done with tree 2, b stands at its second cycle with tree 3.
    let mut begun = tape();
    finish(&mut begun, 2);
    begun.cycle(3, &["alpha"]);
    assert_eq!(progress(&begun.run), "done, build 2, pending");
    for (place, items, step) in [
        (at("b", "build"), "done, build 3, pending", "b build 3 1"),
        (at("b", "review"), "done, review 3, pending", "b review 3 1"),
        // Nobody has passed that tree yet.
        (at("b", "audit"), "done, audit 3, pending", "item-reopened"),
        (at("a", "build"), "build 2, pending, pending", "a build 2 1"),
        (at("a", "review"), "review 2, pending, pending", "a review 2 1"),
        (at("c", "build"), "done, build 2, pending", "b build 2 1"),
        (Place::Start, "pending, pending, pending", "item-started"),
        (Place::Unknown, "done, build 2, pending", "b build 2 1"),
    ] {
        let mut tape = begun.clone();
        back(&mut tape, place.clone(), 1).unwrap();
        assert_eq!((tape.run.state, &tape.run.head), (State::Halted, &oid(1)), "{place:?}");
        assert_eq!(next_step(&tape.run, &seen(&tape, 1)), Step::Rest);
        resume(&mut tape);
        assert_eq!(progress(&tape.run), items, "{place:?}");
        assert_eq!(next(&tape, 1), step, "{place:?}");
    }
}

#[test]
fn what_was_used_up_and_found_stays_and_nothing_that_was_proven_is_invented() {
    let mut tape = tape();
    tape.cycle(2, &["alpha"]);
    tape.stage(failed(Failure::Exit), 2, &[]);
    tape.stage(Outcome::Built, 3, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 3, &["a remark"]);
    let before = tape.run.clone();
    back(&mut tape, at("a", "review"), 2).unwrap();
    let (was, is) = (before.active().unwrap(), tape.run.active().unwrap());
    assert_eq!((is.counters.spent, is.counters.failures), (1, was.counters.failures));
    assert_eq!((&is.counters.seen, &is.cycles), (&was.counters.seen, &was.cycles));
    assert_eq!((&is.findings, &is.started), (&was.findings, &was.started));
    assert_eq!(is.counters.cycle_tree, Some(oid(2)));
    assert_eq!((&tape.run.usage, tape.run.calls_total), (&before.usage, before.calls_total));
    assert_eq!((&tape.run.calls, tape.run.ran), (&before.calls, before.ran));
    resume(&mut tape);
    // The review passed tree 3, which is not the one that is there now.
    assert_eq!(next(&tape, 2), "a review 3 1");
    tape.stage(Outcome::Judged(Verdict::Pass), 2, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 2, &[]);
    assert_eq!(next(&tape, 2), "item-finished");
}

#[test]
fn what_was_announced_or_left_or_passed_does_not_outlive_a_rollback() {
    let mut ready = tape();
    ready.write(Event::CommitAnnounced { parent: oid(1), subject: "s".into() }).unwrap();
    let mut uncommitted = tape();
    uncommitted.write(Event::StageStarted(uncommitted.start_of_next(1))).unwrap();
    let mut left = ended(Outcome::Built, 1, vec![]);
    left.clean = false;
    uncommitted.write(Event::StageEnded(Box::new(left))).unwrap();
    uncommitted.write(Event::CommitAnnounced { parent: oid(1), subject: "s".into() }).unwrap();
    let mut passed = tape();
    passed.stage(Outcome::Built, 2, &[]);
    passed.stage(Outcome::Judged(Verdict::Pass), 2, &[]);
    passed.stage(Outcome::Judged(Verdict::Pass), 2, &[]);
    // The same stage of the same cycle is never begun twice under one number.
    for (mut tape, unknown, place) in [
        (ready, "a build 1 1", "a build 2 1"),
        (uncommitted, "a build 1 2", "a build 2 1"),
        (passed, "item-reopened", "a build 2 1"),
    ] {
        let mut known = tape.clone();
        back(&mut tape, Place::Unknown, 1).unwrap();
        back(&mut known, at("a", "build"), 1).unwrap();
        for (tape, expected) in [(&mut tape, unknown), (&mut known, place)] {
            let active = tape.run.active().unwrap();
            assert_eq!((&active.phase, &active.committing), (&Phase::Ready, &None));
            resume(tape);
            assert_eq!(next(tape, 1), expected);
        }
    }
}

#[test]
fn a_finished_item_that_is_worked_on_again_begins_behind_the_one_before_it() {
    let mut tape = tape();
    for tree in [2, 3, 4] {
        finish(&mut tape, tree);
    }
    for (name, items, started) in [
        ("c", "done, done, review 2", 3),
        ("b", "done, review 2, pending", 2),
        ("a", "review 2, pending, pending", 1),
    ] {
        back(&mut tape, at(name, "review"), 9).unwrap();
        assert_eq!(progress(&tape.run), items);
        assert_eq!(tape.run.active().unwrap().started, oid(started), "{name}");
    }
}

#[test]
fn after_an_undo_the_work_goes_on_with_the_earliest_item_that_is_not_proven() {
    let mut tape = tape();
    finish(&mut tape, 2);
    back(&mut tape, at("a", "review"), 1).unwrap();
    back(&mut tape, at("b", "build"), 2).unwrap();
    assert_eq!(progress(&tape.run), "review 2, pending, pending");
    resume(&mut tape);
    assert_eq!(next(&tape, 2), "a review 2 1");
    for _ in ["review", "audit"] {
        tape.stage(Outcome::Judged(Verdict::Pass), 2, &[]);
    }
    assert_eq!(next(&tape, 2), "item-finished");
}

#[test]
fn a_rollback_halts_the_run_and_a_breaker_that_is_open_stays_so() {
    let reason = "rolled back to checkpoint 7".to_owned();
    let asked = Some(Cause::Asked { reason });
    let mut tripped = tape();
    tripped.write(Event::BreakerOpened { trip: Trip::Plateau, evidence: "e".into() }).unwrap();
    let mut halted = tripped.clone();
    halted.write(Event::RunHalted { cause: Cause::Breaker { trip: Trip::Plateau } }).unwrap();
    for mut tape in [tripped, halted] {
        back(&mut tape, at("a", "build"), 1).unwrap();
        assert_eq!((tape.run.state, &tape.run.halt), (State::Halted, &asked));
        assert!(matches!(tape.run.breaker, Breaker::Open { .. }));
        assert!(tape.write(Event::RunResumed).is_err());
    }
    let mut stopping = tape();
    stopping.stage(Outcome::Judged(Verdict::Fail), 1, &[]);
    stopping.write(Event::HaltRequested { reason: "lunch".into(), force: false }).unwrap();
    back(&mut stopping, at("a", "build"), 1).unwrap();
    let run = &stopping.run;
    assert_eq!((&run.halt, &run.stop, &run.halt_request), (&asked, &None, &None));
}

#[test]
fn a_trial_that_is_rolled_back_is_tried_again_and_not_lost() {
    let mut tape = tape();
    tape.cycle(2, &["alpha", "beta"]);
    for event in [
        Event::BreakerOpened { trip: Trip::Plateau, evidence: "e".into() },
        Event::RunHalted { cause: Cause::Breaker { trip: Trip::Plateau } },
        Event::BreakerReset,
        Event::RunResumed,
    ] {
        tape.write(event).unwrap();
    }
    back(&mut tape, at("a", "build"), 1).unwrap();
    assert_eq!(tape.run.breaker, Breaker::HalfOpen { cycle: 3, open: 2 });
    resume(&mut tape);
    assert_eq!(next(&tape, 1), "a build 3 1");
    tape.cycle(1, &["alpha"]);
    assert_eq!(next(&tape, 1), "breaker-closed");
}

#[test]
fn what_was_about_to_be_delivered_is_not() {
    let mut complete = tape();
    for tree in [2, 3, 4] {
        finish(&mut complete, tree);
    }
    complete.write(Event::RunCompleted { head: oid(4), tree: oid(4) }).unwrap();
    let (remote, branch, commit) = ("origin".into(), "b".into(), oid(4));
    let mut delivering = complete.clone();
    delivering.write(Event::DeliveryStarted { remote, branch, commit }).unwrap();
    for mut tape in [complete, delivering] {
        back(&mut tape, at("c", "build"), 3).unwrap();
        assert_eq!((tape.run.state, tape.run.delivering), (State::Halted, false));
        resume(&mut tape);
        assert_eq!(next(&tape, 3), "c build 2 1");
        finish(&mut tape, 5);
        assert_eq!(next(&tape, 5), "run-completed");
    }
}

#[test]
fn a_run_that_did_not_begin_or_is_over_stays_what_it_is() {
    let fresh = Tape::begin(charter(&["a"], WORKFLOW, Limits::default()));
    let mut jacking = fresh.clone();
    jacking.write(Event::JackInBegan).unwrap();
    let mut halted = jacking.clone();
    halted.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    for (mut tape, state) in
        [(fresh, State::Ready), (jacking, State::JackIn), (halted, State::Halted)]
    {
        back(&mut tape, Place::Start, 9).unwrap();
        assert_eq!((tape.run.state, progress(&tape.run).as_str()), (state, "pending"));
        if state == State::Halted {
            resume(&mut tape);
            assert_eq!(tape.run.state, State::JackIn, "it goes through its jack-in all the same");
        }
    }
    let mut over = tape();
    finish(&mut over, 2);
    over.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    over.write(Event::RunClosed { why: "w".into() }).unwrap();
    let before = over.run.clone();
    back(&mut over, at("a", "build"), 9).unwrap();
    let (head, tree) = (oid(9), Some(oid(9)));
    let (seq, lamport) = (before.seq + 1, before.lamport + 1);
    assert_eq!(over.run, Run { head, tree, seq, lamport, ..before });
}

#[test]
fn a_rollback_to_what_the_run_does_not_have_is_refused_with_the_reason() {
    let mut working = tape();
    working.write(Event::StageStarted(working.start_of_next(1))).unwrap();
    let mut unsettled = tape();
    unsettled.write(Event::IntentDeclared { purpose: "p".into(), moves: vec![] }).unwrap();
    for (mut tape, place, why) in [
        (working.clone(), at("a", "build"), "a stage is at work"),
        (working, Place::Unknown, "a stage is at work"),
        (unsettled, Place::Start, "the refs of an intent are not settled"),
        (tape(), at("d", "build"), "there is no item `d`"),
        (tape(), at("a", "sing"), "there is no stage `sing`"),
    ] {
        let before = tape.run.clone();
        let refusal = back(&mut tape, place, 1).unwrap_err().to_string();
        assert!(refusal.ends_with(why), "{refusal}");
        assert_eq!(tape.run, before);
    }
}

#[test]
fn a_stage_whose_runner_died_before_the_halt_is_seen_to_be_gone_and_then_rolled_back() {
    let mut tape = tape();
    tape.write(Event::StageStarted(tape.start_of_next(1))).unwrap();
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    assert!(back(&mut tape, at("a", "build"), 1).is_err());
    let mut over = tape.clone();
    tape.write(Event::StageLost { why: "gone".into() }).unwrap();
    back(&mut tape, at("a", "build"), 1).unwrap();
    resume(&mut tape);
    assert_eq!(next(&tape, 1), "a build 2 1");
    over.write(Event::RunClosed { why: "w".into() }).unwrap();
    back(&mut over, at("a", "build"), 1).unwrap();
}

#[test]
fn a_checkpoint_is_made_at_the_stage_that_is_at_work_or_next() {
    let mut tape = Tape::begin(charter(&["a", "b"], WORKFLOW, Limits::default()));
    assert_eq!(tape.run.place(), Place::Start);
    for event in [
        Event::JackInBegan,
        Event::RunStarted { head: oid(1), tree: oid(1) },
        Event::ItemStarted { item: item("a"), head: oid(1), tree: oid(1) },
    ] {
        tape.write(event).unwrap();
    }
    assert_eq!(tape.run.place(), at("a", "build"));
    for expected in [at("a", "review"), at("a", "audit"), at("a", "audit")] {
        let builds = tape.run.place() == at("a", "build");
        let outcome = if builds { Outcome::Built } else { Outcome::Judged(Verdict::Pass) };
        tape.stage(outcome, 1, &[]);
        assert_eq!(tape.run.place(), expected);
    }
    let finished = |name| Event::ItemFinished { item: item(name), head: oid(1), tree: oid(1) };
    tape.write(finished("a")).unwrap();
    assert_eq!(tape.run.place(), at("b", "build"), "between two items");
    tape.write(Event::ItemStarted { item: item("b"), head: oid(1), tree: oid(1) }).unwrap();
    finish(&mut tape, 1);
    assert_eq!(tape.run.place(), Place::Unknown);
}

#[test]
fn a8_the_newest_checkpoint_is_the_one_with_the_highest_number() {
    let mut tape = tape();
    assert_eq!(tape.run.checkpoint, None);
    for (number, newest) in [(1, 1), (3, 3), (2, 3), (4, 4)] {
        let (commit, tree, why) = (oid(9), oid(9), "w".to_owned());
        tape.write(Event::CheckpointMade { number, commit, tree, why }).unwrap();
        assert_eq!(tape.run.checkpoint, Some(newest));
    }
}

#[test]
fn what_is_not_on_the_branch_any_more_is_done_again_wherever_it_stands() {
    let mut tape = tape();
    // `a` pauses, `b` overtakes it, and is finished behind it.
    tape.write(Event::StageStarted(tape.start_of_next(1))).unwrap();
    let blocked = Outcome::Blocked { why: "which one?".into() };
    tape.write(Event::StageEnded(Box::new(ended(blocked, 1, Vec::new())))).unwrap();
    let (head, tree) = (oid(1), oid(1));
    tape.write(Event::ItemStarted { item: item("b"), head, tree }).unwrap();
    finish(&mut tape, 2);
    let paused = |run: &Run| matches!(run.items[0].progress, Progress::Paused(_));
    let done = |run: &Run| matches!(run.items[1].progress, Progress::Done { .. });
    assert!(paused(&tape.run) && done(&tape.run), "{:?}", tape.run.items);
    let rolled = |undone: &[&str], place: Place| {
        let mut tape = tape.clone();
        let (how, to, saved) = (RollbackKind::Rollback, 7, 8);
        let (commit, head, tree) = (oid(900), oid(1), oid(1));
        let undone = undone.iter().map(|name| item(name)).collect();
        let back = Rollback { how, to, commit, saved, head, tree, place, undone, report: None };
        tape.write(Event::RolledBack(Box::new(back))).unwrap();
        tape.run
    };
    // As older journals have it: those before it stay.
    let run = rolled(&[], at("c", "build"));
    assert!(paused(&run) && done(&run));
    let run = rolled(&["b"], at("c", "build"));
    assert!(paused(&run) && run.items[1].progress == Progress::Pending);
    let run = rolled(&["b"], Place::Unknown);
    assert_eq!(run.items[1].progress, Progress::Pending);
    // The one that is gone back to goes on in its next cycle, from what is there.
    let run = rolled(&["a", "b"], at("b", "build"));
    assert_eq!(run.items[0].progress, Progress::Pending);
    let active = run.active().unwrap();
    assert_eq!((active.cycle, &active.started), (2, &run.charter.start));
}
