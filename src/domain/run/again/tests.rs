use super::*;
use crate::domain::{
    event::Delivery,
    limits::Limits,
    outcome::{Outcome, Verdict},
    testing::{Tape, charter, finding, item, oid, seen},
};

/// Two items, of which the first is finished on tree 1.
fn one_done() -> Tape {
    let mut tape = Tape::begin(charter(&["a", "b"], "build review<build", Limits::default()));
    for event in [
        Event::JackInBegan,
        Event::RunStarted { head: oid(1), tree: oid(1) },
        Event::ItemStarted { item: item("a"), head: oid(1), tree: oid(1) },
    ] {
        tape.write(event).unwrap();
    }
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    tape.write(Event::ItemFinished { item: item("a"), head: oid(1), tree: oid(1) }).unwrap();
    tape
}

fn fix(words: &str) -> Event {
    asked("a", words, None)
}

fn asked(of: &str, words: &str, id: Option<&str>) -> Event {
    let id = id.and_then(FixId::parse);
    Event::FixAsked(Box::new(Fix { id, of: None, item: item(of), finding: finding(words) }))
}

fn at(tape: &Tape) -> String {
    let found = tape.run.active_item().zip(tape.run.active());
    found.map_or("-".to_owned(), |(item, active)| format!("{} {}", item.id, active.stage))
}

#[test]
fn what_is_to_be_mended_comes_before_what_was_not_begun() {
    let mut tape = one_done();
    tape.write(fix("wrong")).unwrap();
    assert_eq!(at(&tape), "a build");
    let active = tape.run.active().unwrap();
    assert_eq!((active.findings.len(), active.cycle), (1, 2));
    assert_eq!(active.from(), &oid(1));
    // It is not finished any more, so nothing can be mended in it.
    assert!(tape.write(fix("more")).is_err());
    assert!(tape.write(asked("b", "x", None)).is_err());
}

#[test]
fn the_same_is_to_be_mended_once_and_all_of_an_item_together() {
    let mut tape = one_done();
    let start = Event::ItemStarted { item: item("b"), head: oid(1), tree: oid(1) };
    tape.write(start).unwrap();
    tape.write(fix("wrong")).unwrap();
    assert!(tape.write(fix("wrong")).is_err(), "the same again");
    tape.write(fix("worse")).unwrap();
    assert_eq!((at(&tape), tape.run.fixes.len()), ("b build".to_owned(), 2));
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    tape.write(Event::ItemFinished { item: item("b"), head: oid(1), tree: oid(1) }).unwrap();
    assert_eq!((at(&tape), tape.run.fixes.len()), ("a build".to_owned(), 0));
    assert_eq!(tape.run.active().unwrap().findings.len(), 2);
}

#[test]
fn a_number_is_given_once_and_outlives_what_it_was_given_for() {
    let mut tape = one_done();
    let start = Event::ItemStarted { item: item("b"), head: oid(1), tree: oid(1) };
    tape.write(start).unwrap();
    tape.write(asked("a", "wrong", Some("F-001"))).unwrap();
    assert!(tape.write(asked("a", "worse", Some("F-001"))).is_err(), "the number is taken");
    tape.write(asked("a", "worse", Some("F-002"))).unwrap();
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    tape.write(Event::ItemFinished { item: item("b"), head: oid(1), tree: oid(1) }).unwrap();
    let names: Vec<_> = tape.run.taken_up.iter().map(Fix::name).collect();
    assert_eq!(names, ["F-001", "F-002"]);
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    tape.write(Event::ItemFinished { item: item("a"), head: oid(1), tree: oid(1) }).unwrap();
    assert!(tape.write(asked("a", "other", Some("F-002"))).is_err(), "it was given before");
    tape.write(asked("a", "other", Some("F-003"))).unwrap();
}

#[test]
fn a_run_that_is_over_goes_on_behind_what_was_done_and_one_that_was_given_up_does_not() {
    for delivered in [
        Delivery::Skipped { why: "local".into() },
        Delivery::Pushed { remote: "origin".into(), branch: "b".into(), commit: oid(1) },
    ] {
        let mut tape = one_done();
        let given_up = {
            let mut run = tape.run.clone();
            run.state = State::JackedOut;
            run
        };
        let Event::FixAsked(fix) = fix("wrong") else { unreachable!() };
        assert!(given_up.may_fix(&fix).unwrap_err().contains("given up"));
        tape.write(Event::ItemStarted { item: item("b"), head: oid(1), tree: oid(1) }).unwrap();
        tape.stage(Outcome::Built, 1, &[]);
        tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
        tape.write(Event::ItemFinished { item: item("b"), head: oid(1), tree: oid(1) }).unwrap();
        tape.write(Event::RunCompleted { head: oid(1), tree: oid(1) }).unwrap();
        let (remote, branch) = ("origin".to_owned(), "b".to_owned());
        tape.write(Event::DeliveryStarted { remote, branch, commit: oid(1) }).unwrap();
        // What is on its way out is not to be changed.
        assert!(tape.write(asked("a", "wrong", Some("F-001"))).is_err());
        tape.write(Event::DeliveryEnded { outcome: delivered }).unwrap();
        assert!(tape.run.state.is_over());
        tape.write(asked("a", "wrong", Some("F-001"))).unwrap();
        assert_eq!((tape.run.state, at(&tape).as_str()), (State::Halted, "a build"));
        assert_eq!(tape.run.delivery, None);
        tape.write(Event::RunResumed).unwrap();
        assert_eq!(tape.run.state, State::Running);
    }
}

#[test]
fn what_is_shaken_is_verified_again_and_once_for_a_tree() {
    let mut tape = one_done();
    let sight = |number: u64, tape: &Tape| crate::domain::step::Sight {
        shaken: vec![item("a")],
        ..seen(tape, number)
    };
    let decided =
        |tape: &Tape, number: u64| crate::domain::step::next_step(&tape.run, &sight(number, tape));
    // The very tree that it passed.
    assert!(!format!("{:?}", decided(&tape, 1)).contains("ItemsReverified"));
    tape.run.head = oid(2);
    tape.run.tree = Some(oid(2));
    let step = decided(&tape, 2);
    assert!(format!("{step:?}").contains("ItemsReverified"), "{step:?}");
    tape.write(Event::ItemsReverified { items: vec![item("a")] }).unwrap();
    assert_eq!(at(&tape), "a review");
    // Not while an item is at work, and nothing that is not finished.
    assert!(tape.write(Event::ItemsReverified { items: vec![item("a")] }).is_err());
}

#[test]
fn what_is_shaken_again_and_again_needs_a_person() {
    let mut tape = one_done();
    let max = tape.run.charter.limits.cycles_max;
    if let Progress::Done { cycles, .. } = &mut tape.run.items[0].progress {
        *cycles = max;
    }
    (tape.run.head, tape.run.tree) = (oid(2), Some(oid(2)));
    let sight = crate::domain::step::Sight { shaken: vec![item("a")], ..seen(&tape, 2) };
    let step = crate::domain::step::next_step(&tape.run, &sight);
    assert!(format!("{step:?}").contains("PersonNeeded"), "{step:?}");
}
