use super::*;
use crate::domain::{
    event::{Charter, StageEnd},
    limits::Limits,
    outcome::{Outcome, Verdict},
    step::{Step, next_step},
    testing::{Tape, charter, ended, item, oid, seen},
};

/// So many items of two stages, in a run that looks over what was assumed after every second one.
fn tape(items: &[&str], scan_every: Option<u32>) -> Tape {
    let charter = charter(items, "build review<build", Limits::default());
    let mut tape = Tape::begin(Charter { scan_every, ..charter });
    for event in [Event::JackInBegan, Event::RunStarted { head: oid(1), tree: oid(1) }] {
        tape.write(event).unwrap();
    }
    tape
}

fn kinds(text: &str) -> Vec<String> {
    text.split(' ').filter(|kind| !kind.is_empty()).map(str::to_owned).collect()
}

/// An item from its beginning to its end, with what was assumed in building it.
fn finish(tape: &mut Tape, name: &str, assumed: &str) {
    tape.write(Event::ItemStarted { item: item(name), head: oid(1), tree: oid(1) }).unwrap();
    tape.write(Event::StageStarted(tape.start_of_next(1))).unwrap();
    let end = StageEnd { assumed: kinds(assumed), ..ended(Outcome::Built, 1, Vec::new()) };
    tape.write(Event::StageEnded(Box::new(end))).unwrap();
    if tape.run.stop.is_some() {
        let cause = tape.run.stop.clone().unwrap();
        tape.write(Event::RunHalted { cause }).unwrap();
        tape.write(Event::RunResumed).unwrap();
    }
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    tape.write(Event::ItemFinished { item: item(name), head: oid(1), tree: oid(1) }).unwrap();
}

#[test]
fn five_assumptions_of_one_kind_are_a_question_at_once_and_once() {
    for scan_every in [None, Some(2)] {
        let mut tape = tape(&["a", "b"], scan_every);
        let run = &mut tape.run;
        assert_eq!(run.promoted(&kinds("a a b a")), None);
        assert_eq!(run.promoted(&kinds("b a")), None);
        assert_eq!(run.promoted(&kinds("a")), Some(("a".to_owned(), 5)));
        assert_eq!(run.promoted(&kinds("a a a a a a")), None);
    }
}

#[test]
fn what_is_assumed_five_times_more_is_asked_again_by_the_next_scan() {
    let mut tape = tape(&["a", "b", "c", "d", "e"], Some(2));
    finish(&mut tape, "a", "x x x x x");
    assert_eq!(tape.run.scan_due(), None, "one item is not two");
    finish(&mut tape, "b", "x x x x y");
    let scan = tape.run.scan_due().unwrap();
    assert_eq!((scan.finished, scan.assumed, scan.kinds, scan.promoted.len()), (2, 10, 2, 0));
    // It is written down before anything else is begun, also when it found nothing.
    let step = next_step(&tape.run, &seen(&tape, 1));
    assert_eq!(step, Step::Record(vec![Event::AssumptionsScanned(scan.clone())]));
    tape.write(Event::AssumptionsScanned(scan.clone())).unwrap();
    assert!(tape.run.stop.is_none());
    assert!(tape.write(Event::AssumptionsScanned(scan)).is_err(), "once for so many items");
    finish(&mut tape, "c", "x");
    finish(&mut tape, "d", "");
    let scan = tape.run.scan_due().unwrap();
    assert_eq!(scan.promoted, [Promoted { kind: "x".into(), count: 10 }]);
    tape.write(Event::AssumptionsScanned(scan)).unwrap();
    let step = format!("{:?}", next_step(&tape.run, &seen(&tape, 1)));
    assert!(step.contains("`x` 10 times") && step.contains("RunHalted"), "{step}");
}

#[test]
fn a_scan_says_what_the_count_says() {
    let mut tape = tape(&["a", "b"], Some(1));
    tape.run.promoted(&kinds("x x x x x x y y y y"));
    finish(&mut tape, "a", "x x x x y");
    let scan = tape.run.scan_due().unwrap();
    assert_eq!(scan.promoted, [Promoted { kind: "x".into(), count: 10 }]);
    let mut other = scan.clone();
    other.promoted.clear();
    assert!(tape.write(Event::AssumptionsScanned(other)).is_err(), "it is what it is");
}

#[test]
fn lanes_of_older_runs_count_nothing() {
    let mut older = tape(&["a", "b"], None);
    assert_eq!(older.run.assume_in_lane(&kinds("x x x x x x")), None);
    assert_eq!(older.run.assumed.len(), 0);
    let mut now = tape(&["a", "b"], Some(5));
    assert!(format!("{:?}", now.run.assume_in_lane(&kinds("x x x x x x"))).contains("5 times"));
}

#[test]
fn nothing_is_scanned_where_nothing_was_assumed_or_the_run_is_an_older_one() {
    let mut none = tape(&["a", "b"], Some(1));
    finish(&mut none, "a", "");
    assert_eq!(none.run.scan_due(), None);
    let mut older = tape(&["a", "b"], None);
    finish(&mut older, "a", "x x");
    assert_eq!((older.run.scan_due(), older.run.asked.len()), (None, 0));
}
