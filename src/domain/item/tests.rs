use super::*;
use crate::domain::{
    deletion::Deleted,
    event::{Cause, Event, StageEnd},
    outcome::{Failure, Outcome},
    run::{Breaker, Run},
    step::{Step, next_step},
    testing::{Tape, charter, failed, minutes, oid, seen},
    time::Span,
};

fn begun(limits: Limits) -> Tape {
    Tape::at_first_stage(charter(&["a", "b"], "build review<build", limits))
}

fn roomy() -> Limits {
    Limits { calls_per_hour_max: 1000, run_time_max: Span::from_hours(900), ..Limits::default() }
}

/// What opens the breaker now, if anything does.
fn trip(tape: &Tape) -> Option<Trip> {
    let number = |id: &Oid| u64::from_str_radix(id.as_str(), 16).unwrap();
    let sight = seen(tape, number(&tape.run.head));
    match next_step(&tape.run, &sight) {
        Step::Record(events) => events.iter().find_map(|event| match event {
            Event::BreakerOpened { trip, .. } => Some(*trip),
            _ => None,
        }),
        _ => None,
    }
}

/// The cycle with which the breaker opens, when each is built with its tree and sent back so.
fn trips_at(limits: Limits, cycle: impl Fn(u64) -> (u64, Vec<String>)) -> (u64, Option<Trip>) {
    let mut tape = begun(limits);
    for number in 1..=30 {
        let (tree, findings) = cycle(number);
        let findings: Vec<&str> = findings.iter().map(String::as_str).collect();
        tape.cycle(tree, &findings);
        if let Some(trip) = counted_trip(&tape) {
            return (number, Some(trip));
        }
    }
    (30, None)
}

/// The limit that the counters have reached: what these cycles build is not committed.
fn counted_trip(tape: &Tape) -> Option<Trip> {
    tape.run.active().unwrap().counters.tripped(&tape.run.charter.limits).map(|(trip, _)| trip)
}

fn many(number: u64, words: &str) -> Vec<String> {
    (0..number).map(|at| format!("{words} {}", "x".repeat(at as usize + 1))).collect()
}

#[test]
fn d3_loa_33_each_limit_opens_the_breaker_at_its_number_and_not_before() {
    let words = |text: &str| vec![text.to_owned()];
    let letters = |number: u64| "z".repeat(number as usize);
    let one = |findings: Vec<String>| (1, findings);
    // Fewer findings with every cycle, and none of them twice.
    let fewer = |n: u64| many(40 - n, &letters(n));
    let loose = Limits { same_finding_max: 99, plateau_max: 99, no_progress_max: 99, ..roomy() };
    let no_plateau = Limits { plateau_max: 99, ..roomy() };

    assert_eq!(trips_at(roomy(), |n| (n + 1, words("same"))), (3, Some(Trip::SameFinding)));
    let alternating = |n: u64| (n + 1, words(if n.is_multiple_of(2) { "even" } else { "odd" }));
    assert_eq!(trips_at(no_plateau.clone(), alternating), (5, Some(Trip::SameFinding)));
    let moved = |n: u64| (n + 1, words(&format!("line {n} at 10:0{n} is unused")));
    assert_eq!(trips_at(roomy(), moved), (3, Some(Trip::SameFinding)));
    assert_eq!(trips_at(roomy(), |n| one(fewer(n))), (5, Some(Trip::NoProgress)));
    let progress_in_between = |n: u64| (if n < 5 { 1 } else { 2 }, fewer(n));
    assert_eq!(trips_at(roomy(), progress_in_between), (10, Some(Trip::NoProgress)));
    // The first cycle sets the mark, and four do not get below it.
    assert_eq!(trips_at(roomy(), |n| (n + 1, words(&letters(n)))), (5, Some(Trip::Plateau)));
    assert_eq!(trips_at(roomy(), |n| (n + 1, many(n, &letters(n)))), (5, Some(Trip::Plateau)));
    assert_eq!(trips_at(roomy(), |n| (n + 1, fewer(n))), (20, Some(Trip::CycleLimit)));
    let five = Limits { cycles_max: 5, ..loose };
    assert_eq!(trips_at(five, |n| (n + 1, words("same"))), (5, Some(Trip::CycleLimit)));
}

#[test]
fn three_ends_without_a_result_in_a_row_open_the_breaker_and_a_result_begins_anew() {
    let mut tape = begun(roomy());
    for (outcome, expected) in [
        (failed(Failure::Exit), None),
        (failed(Failure::TimedOut), None),
        (Outcome::Built, None),
        (failed(Failure::NoReport), None),
        (failed(Failure::Voided), None),
        (Outcome::Held { until: tape.now }, None),
        (failed(Failure::BadReport), Some(Trip::Failures)),
    ] {
        tape.stage(outcome.clone(), 1, &[]);
        assert_eq!(trip(&tape), expected, "{outcome:?}");
    }
}

#[test]
fn a_build_that_a_hook_refuses_again_and_again_opens_the_breaker() {
    let mut tape = begun(roomy());
    for expected in [None, None, Some(Trip::Failures)] {
        tape.write(Event::StageStarted(tape.start_of_next(1))).unwrap();
        let end =
            StageEnd { clean: false, ..crate::domain::testing::ended(Outcome::Built, 1, vec![]) };
        tape.write(Event::StageEnded(Box::new(end))).unwrap();
        assert_eq!(*tape.phase(), Phase::Uncommitted { then: Then::Next });
        tape.write(Event::CommitAnnounced { parent: oid(1), subject: "s".into() }).unwrap();
        tape.write(Event::CommitRefused { why: "too long".into() }).unwrap();
        assert_eq!(trip(&tape), expected);
        assert_eq!(tape.run.active().unwrap().findings.len(), 1, "told to the builder, once");
    }
}

#[test]
fn loa_33_d3_neither_a_halt_nor_a_crash_nor_a_remark_in_between_counts_as_time_that_was_run() {
    let limits = Limits { run_time_max: Span::from_hours(8), ..roomy() };
    let hundred_hours = Span::from_hours(100);
    let mut tape = begun(limits);
    tape.stage(Outcome::Built, 1, &[]);
    let ran = tape.run.ran;
    assert_eq!(ran, minutes(1));

    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    tape.now = tape.now.after(hundred_hours);
    tape.write(Event::RunResumed).unwrap();
    assert_eq!((trip(&tape), tape.run.ran), (None, ran), "halted");

    tape.now = tape.now.after(hundred_hours);
    tape.write(Event::HaltRequested { reason: "r".into(), force: false }).unwrap();
    tape.write(Event::Remarked { text: "hm".into() }).unwrap();
    tape.now = tape.now.after(hundred_hours);
    tape.take_lease();
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    tape.write(Event::RunResumed).unwrap();
    assert_eq!((trip(&tape), tape.run.ran), (None, ran), "crashed");

    // Time counts although no event was written in it, and although a clock was set back.
    tape.now = tape.now.after(Span::from_hours(4));
    tape.write(Event::CallsHeld { until: tape.now }).unwrap();
    tape.now = Timestamp::from_millis(tape.now.millis() - 3_600_000 * 50);
    tape.write(Event::CallsHeld { until: tape.now }).unwrap();
    tape.now = tape.now.after(Span::from_hours(3));
    assert_eq!(trip(&tape), None);
    tape.now = tape.now.after(minutes(59));
    assert_eq!(trip(&tape), Some(Trip::TimeLimit));
}

#[test]
fn d3_loa_33_a_reset_lets_one_cycle_be_tried_that_closes_the_breaker_or_opens_it_again() {
    let tripped = || {
        let mut tape = begun(roomy());
        for _ in 0..3 {
            tape.cycle(1, &["same", "other"]);
        }
        let trip = trip(&tape).unwrap();
        for event in [
            Event::BreakerOpened { trip, evidence: "e".into() },
            Event::RunHalted { cause: Cause::Breaker { trip } },
        ] {
            tape.write(event).unwrap();
        }
        assert!(tape.write(Event::RunResumed).is_err(), "an open breaker is not passed by");
        tape.write(Event::BreakerReset).unwrap();
        tape.write(Event::RunResumed).unwrap();
        assert_eq!(counted_trip(&tape), None);
        assert!(matches!(tape.run.breaker, Breaker::HalfOpen { cycle: 4, open: 2 }));
        tape.stage(Outcome::Built, 1, &[]);
        assert_eq!(next_breaker_event(&tape.run, &tape), None, "the trial goes on");
        tape
    };
    for (expected, verdict, findings) in [
        ("breaker-closed", Verdict::Pass, vec![]),
        ("breaker-closed", Verdict::Revise, vec!["same"]),
        ("breaker-opened", Verdict::Revise, vec!["same", "other"]),
        ("breaker-opened", Verdict::Revise, vec!["quite", "new", "ones"]),
    ] {
        let mut tape = tripped();
        tape.stage(Outcome::Judged(verdict), 1, &findings);
        let event = next_breaker_event(&tape.run, &tape).unwrap();
        assert_eq!(event.kind(), expected, "{findings:?}");
        tape.write(event).unwrap();
    }
}

fn next_breaker_event(run: &Run, tape: &Tape) -> Option<Event> {
    let Step::Record(mut events) = next_step(run, &seen(tape, 1)) else { return None };
    let event = events.remove(0);
    event.kind().starts_with("breaker").then_some(event)
}

#[test]
fn a_judge_that_is_called_again_leads_past_what_is_built_already() {
    let workflow = "build review<build document check<document audit<build";
    let mut tape = Tape::at_first_stage(charter(&["a"], workflow, roomy()));
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    tape.stage(Outcome::Built, 1, &[]);
    tape.write(Event::WorkSeen {
        from: oid(1),
        to: oid(2),
        tree: oid(2),
        commits: 1,
        rewritten: false,
        clean: true,
        deleted: Deleted::default(),
    })
    .unwrap();
    let mut way = Vec::new();
    loop {
        match next_step(&tape.run, &seen(&tape, 2)) {
            Step::RunStage(start) => {
                way.push(start.stage.to_string());
                tape.stage(Outcome::Judged(Verdict::Pass), 2, &[]);
            }
            Step::Record(events) if events[0].kind() == "item-finished" => break,
            Step::Record(events) => tape.write(events[0].clone()).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(way, ["review", "check", "audit"]);
    assert_eq!(tape.run.active().unwrap().counters.spent, 1);
}

#[test]
fn a_trial_after_a_run_that_was_never_judged_is_won_by_any_verdict() {
    let mut tape = begun(roomy());
    for _ in 0..3 {
        tape.stage(failed(Failure::Exit), 1, &[]);
    }
    for event in [
        Event::BreakerOpened { trip: trip(&tape).unwrap(), evidence: "e".into() },
        Event::RunHalted { cause: Cause::Interrupted },
        Event::BreakerReset,
        Event::RunResumed,
    ] {
        tape.write(event).unwrap();
    }
    tape.cycle(1, &["a", "b", "c"]);
    assert_eq!(next_breaker_event(&tape.run, &tape), Some(Event::BreakerClosed));
}

#[test]
fn the_findings_of_a_judge_that_says_fail_are_kept_for_the_person_who_is_needed() {
    let mut tape = begun(roomy());
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Fail), 1, &["a secret"]);
    assert_eq!(tape.run.active().unwrap().findings[0].message, "a secret");
    assert_eq!(*tape.phase(), Phase::Ready);
}
