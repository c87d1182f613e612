//! Rows of what was built in lanes.

use super::super::*;
use crate::domain::{
    event::StageEnd,
    lane::{Groups, LaneEnd, LaneStart, Saved, lost},
    limits::Limits,
    outcome::Failure,
    testing::{Tape, charter, ended, failed, item, minutes, oid, stage, work},
};

/// A run of four tasks, all of one group, between two of them.
fn standing() -> Tape {
    let mut charter = charter(&["a", "b", "c", "d"], "build review<build", Limits::default());
    charter.groups = Groups { parallel: 4, items: vec![charter.items.clone()] };
    let mut tape = Tape::begin(charter);
    tape.take_lease();
    tape.write(Event::JackInBegan).unwrap();
    tape.write(Event::RunStarted { head: oid(1), tree: oid(1) }).unwrap();
    tape
}

fn begin(tape: &mut Tape, name: &str) {
    tape.write(Event::LaneStarted(Box::new(LaneStart {
        item: item(name),
        stage: stage("build"),
        agent: format!("agent-{name}"),
        base: oid(1),
        worktree: format!("/lanes/{name}"),
        process: None,
    })))
    .unwrap();
}

fn end(tape: &mut Tape, name: &str, outcome: Outcome) {
    let saved = Some(Saved { number: 7, commit: oid(70) });
    let end = ended(outcome, 5, Vec::new());
    tape.write(Event::LaneEnded(Box::new(LaneEnd { item: item(name), end, saved }))).unwrap();
}

/// What is told of the run after its first events: `item stage outcome` of each row that was begun.
fn told(tape: &Tape) -> Vec<String> {
    rows(tape).iter().filter(|row| row.started.is_some()).map(line).collect()
}

fn line(row: &Row) -> String {
    let item = row.item.as_ref().map_or("", |item| item.as_str());
    format!("{item} {}{} {}", row.stage, if row.lane { " (lane)" } else { "" }, row.outcome)
}

fn rows(tape: &Tape) -> Vec<Row> {
    let mut told = Provenance::default();
    let mut run = Run::begin(&tape.written[0]).unwrap();
    for envelope in &tape.written[1..] {
        told.note(envelope, &run);
        run.apply(envelope).unwrap();
    }
    told.rows(&run)
}

#[test]
fn a_stage_that_was_done_in_a_lane_has_the_lanes_time_agent_and_outcome() {
    let mut tape = standing();
    begin(&mut tape, "a");
    tape.now = tape.now.after(minutes(1));
    begin(&mut tape, "b");
    let at = tape.now;
    tape.now = tape.now.after(minutes(9));
    end(&mut tape, "b", Outcome::Built);
    let row = rows(&tape).into_iter().find(|row| row.item == Some(item("b"))).unwrap();
    assert!(row.lane);
    assert_eq!((row.by.as_str(), row.cycle, row.attempt), ("agent-b", 1, 1));
    assert_eq!((row.started, row.finished), (Some(at), Some(tape.now)));
    // What its agent took, and not how long it waited to be saved.
    assert_eq!((row.took, row.commit), (Some(minutes(1)), Some(oid(5))));
    let (waits, works) = ("done, and waits for its turn", "at work, or its end is not known");
    assert_eq!(told(&tape), [format!("a build (lane) {works}"), format!("b build (lane) {waits}")]);
}

#[test]
fn one_that_was_lost_or_failed_has_its_row_beside_that_of_the_agent_who_did_it_again() {
    let mut tape = standing();
    for name in ["a", "b", "c", "d"] {
        begin(&mut tape, name);
    }
    tape.now = tape.now.after(minutes(3));
    let of = LaneEnd {
        item: item("a"),
        end: StageEnd { took: Span::ZERO, ..ended(lost("its runner ended"), 1, Vec::new()) },
        saved: None,
    };
    tape.write(Event::LaneEnded(Box::new(of))).unwrap();
    end(&mut tape, "b", failed(Failure::TimedOut));
    end(&mut tape, "c", Outcome::Blocked { why: "which one?".into() });
    end(&mut tape, "d", Outcome::Stopped);
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    tape.write(Event::RunResumed).unwrap();
    tape.now = tape.now.after(minutes(1));
    let (head, tree) = (oid(1), oid(1));
    tape.write(Event::ItemStarted { item: item("a"), head, tree }).unwrap();
    tape.stage(Outcome::Built, 2, &[]);
    assert_eq!(
        told(&tape),
        [
            "a build (lane) no result (killed): its runner ended",
            "b build (lane) no result (timed-out): x",
            "c build (lane) waits for an answer: which one?",
            "d build (lane) stopped",
            "a build done",
        ]
    );
    let took = rows(&tape)[0].took;
    assert!(Some(minutes(3)) <= took, "nobody measured it, so it is from its start to its end");
}

#[test]
fn what_became_of_it_is_told_and_where_it_can_be_seen() {
    let mut tape = standing();
    begin(&mut tape, "a");
    begin(&mut tape, "b");
    end(&mut tape, "a", Outcome::Built);
    end(&mut tape, "b", Outcome::Built);
    let (head, tree) = (oid(1), oid(1));
    tape.write(Event::ItemStarted { item: item("a"), head: head.clone(), tree }).unwrap();
    tape.write(Event::LaneJoined { item: item("a"), head: head.clone(), tree: oid(9) }).unwrap();
    assert_eq!(told(&tape)[0], "a build (lane) done, and is being brought in");
    let subject = "feat(a): build a".to_owned();
    tape.write(Event::CommitAnnounced { parent: head, subject }).unwrap();
    let mut refused = tape.clone();
    refused.write(Event::CommitRefused { why: "no".into() }).unwrap();
    assert_eq!(told(&refused)[0], "a build (lane) done, and not taken: the commit was refused");
    tape.write(Event::WorkCommitted(work(1, 2))).unwrap();
    assert_eq!(told(&tape)[0], "a build (lane) done, and brought in");
    assert_eq!(rows(&tape)[0].commit, Some(oid(2)), "the commit on the branch");
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    tape.write(Event::RunClosed { why: "x".into() }).unwrap();
    assert_eq!(told(&tape)[1], "b build (lane) done, and its turn did not come");
    assert!(
        rows(&tape)
            .iter()
            .all(|row| row.item != Some(item("b")) || row.stage != stage("build") || row.lane)
    );
}

#[test]
fn one_that_could_not_be_saved_was_done_and_not_taken() {
    let mut tape = standing();
    begin(&mut tape, "a");
    let end = ended(Outcome::Built, 5, Vec::new());
    let of = LaneEnd { item: item("a"), end, saved: None };
    tape.write(Event::LaneEnded(Box::new(of))).unwrap();
    assert_eq!(told(&tape), ["a build (lane) done, and not taken: it could not be saved"]);
}
