use crate::domain::{
    event::{Cause, Delivery, Event, GateOverride},
    gate::Gate,
    id::Oid,
    limits::Limits,
    outcome::{Outcome, Verdict},
    run::State,
    step::{Step, next_step},
    testing::{Tape, charter, item, oid, seen, stage},
};

const WORKFLOW: &str = "build review<build audit<build";

fn working(items: &[&str]) -> Tape {
    Tape::at_first_stage(charter(items, WORKFLOW, Limits::default()))
}

/// Every item built and passed with commit 1 and tree 1.
fn complete(items: &[&str]) -> Tape {
    let mut tape = working(items);
    for (at, name) in items.iter().enumerate() {
        if 0 < at {
            tape.write(Event::ItemStarted { item: item(name), head: oid(1), tree: oid(1) })
                .unwrap();
        }
        tape.stage(Outcome::Built, 1, &[]);
        tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
        tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
        tape.write(Event::ItemFinished { item: item(name), head: oid(1), tree: oid(1) }).unwrap();
    }
    tape
}

fn halt(tape: &mut Tape) {
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
}

fn open(tape: &Tape, commit: Option<&Oid>) -> String {
    let gates = tape.run.open_gates(commit);
    gates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn answer(name: &str, judge: &str, commit: u64) -> Event {
    Event::GateOverridden(Box::new(GateOverride {
        gate: Gate { item: item(name), stage: stage(judge) },
        commit: oid(commit),
        tree: oid(commit),
        reason: "r".into(),
        signed: None,
    }))
}

fn halted() -> Tape {
    let mut tape = working(&["a"]);
    halt(&mut tape);
    tape
}

#[test]
fn a_judge_that_passed_this_tree_asks_for_nothing_more() {
    let mut tape = working(&["a", "b"]);
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    assert_eq!(open(&tape, Some(&oid(1))), "audit of a, review of b, audit of b");
    let all = "review of a, audit of a, review of b, audit of b";
    for other in [Some(&oid(2)), None] {
        assert_eq!(open(&tape, other), all);
    }
    let seen = Event::WorkSeen {
        from: oid(1),
        to: oid(2),
        tree: oid(2),
        commits: 1,
        rewritten: false,
        clean: true,
        deleted: crate::domain::deletion::Deleted::default(),
    };
    tape.write(seen).unwrap();
    assert_eq!(open(&tape, Some(&oid(2))), all, "what was passed was an older tree");
}

#[test]
fn a_judge_that_is_to_be_asked_again_has_passed_nothing() {
    for last in [Verdict::Revise, Verdict::Fail] {
        let mut tape = working(&["a"]);
        tape.stage(Outcome::Built, 1, &[]);
        tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
        tape.stage(Outcome::Judged(Verdict::Revise), 1, &["x"]);
        assert_eq!(open(&tape, Some(&oid(1))), "review of a, audit of a");
        // The same tree again, of which the same judge thinks otherwise now.
        tape.stage(Outcome::Built, 1, &[]);
        tape.stage(Outcome::Judged(last), 1, &["y"]);
        assert_eq!(open(&tape, Some(&oid(1))), "review of a, audit of a", "{last:?}");
    }
}

#[test]
fn what_came_after_the_last_verdict_was_judged_by_nobody() {
    let tape = complete(&["a", "b"]);
    assert_eq!(open(&tape, Some(&oid(1))), "");
    assert_eq!(open(&tape, Some(&oid(2))), "review of b, audit of b");
    assert!(tape.run.may_leave(&oid(1)) && !tape.run.may_leave(&oid(2)));
}

#[test]
fn an_override_opens_its_gate_for_its_commit_and_nothing_else() {
    let mut tape = halted();
    tape.write(answer("a", "review", 1)).unwrap();
    assert_eq!(open(&tape, Some(&oid(1))), "audit of a");
    assert!(!tape.run.may_leave(&oid(1)));
    tape.write(answer("a", "audit", 1)).unwrap();
    assert!(tape.run.may_leave(&oid(1)) && !tape.run.may_leave(&oid(2)));
    assert_eq!(open(&tape, Some(&oid(2))), "review of a, audit of a");
    assert_eq!(open(&tape, None), "review of a, audit of a");
    assert_eq!(tape.run.overrides[0].person, "Ada");
}

#[test]
fn an_override_that_answers_nothing_is_refused() {
    let mut tape = halted();
    tape.write(answer("a", "review", 1)).unwrap();
    for (event, why) in [
        (answer("a", "review", 1), "`review of a` is no open gate"),
        (answer("b", "review", 1), "`review of b` is no open gate"),
        (answer("a", "build", 1), "`build of a` is no open gate"),
        (answer("a", "audit", 2), "it stands at another commit"),
    ] {
        let said = tape.write(event).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
    let mut at_work = working(&["a"]);
    assert!(at_work.write(answer("a", "review", 1)).is_err());
    at_work.write(Event::StageStarted(at_work.start_of_next(1))).unwrap();
    halt(&mut at_work);
    let said = at_work.write(answer("a", "review", 1)).unwrap_err().to_string();
    assert!(said.contains("it is at work"), "{said}");
}

#[test]
fn going_on_forgets_every_override_and_what_was_pushed_before() {
    let mut tape = halted();
    for event in [
        answer("a", "review", 1),
        answer("a", "audit", 1),
        Event::DeliveryStarted { remote: "origin".into(), branch: "b".into(), commit: oid(1) },
        Event::DeliveryEnded { outcome: Delivery::Failed { why: "w".into() } },
    ] {
        tape.write(event).unwrap();
    }
    assert_eq!(tape.run.state, State::Halted);
    tape.write(Event::RunResumed).unwrap();
    assert_eq!((&tape.run.delivery, tape.run.overrides.len()), (&None, 0));
    assert!(!tape.run.may_leave(&oid(1)));
}

#[test]
fn a_push_that_was_announced_after_one_that_failed_is_gone_on_with() {
    let started =
        || Event::DeliveryStarted { remote: "origin".into(), branch: "b".into(), commit: oid(1) };
    let mut tape = complete(&["a"]);
    for event in [
        Event::RunCompleted { head: oid(1), tree: oid(1) },
        started(),
        Event::DeliveryEnded { outcome: Delivery::Failed { why: "w".into() } },
    ] {
        tape.write(event).unwrap();
    }
    assert_eq!(next_step(&tape.run, &seen(&tape, 1)), Step::Rest);
    tape.write(started()).unwrap();
    assert_eq!(next_step(&tape.run, &seen(&tape, 1)), Step::Deliver);
}

#[test]
fn the_address_of_a_pull_request_outlives_a_new_text() {
    let written = |title: &str| Event::PullRequestWritten {
        title: title.into(),
        path: "artifacts/pull-request.md".into(),
    };
    let opened = Event::PullRequestOpened { url: "u".into(), made: true };
    let mut tape = halted();
    assert!(tape.write(opened.clone()).is_err());
    for event in [written("one"), opened, written("two")] {
        tape.write(event).unwrap();
    }
    let request = tape.run.pull_request.clone().unwrap();
    assert_eq!((request.title.as_str(), request.url.as_deref()), ("two", Some("u")));
}
