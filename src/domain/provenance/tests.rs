mod lanes;

use super::*;
use crate::domain::{
    event::{Approval, Asked},
    limits::Limits,
    outcome::{Failure, Verdict},
    testing::{Tape, charter, failed, item, minutes, oid, stage},
};

const WORKFLOW: &str = "build review<build human:sign<build +look";

/// The rows of a journal, folded from its beginning.
fn rows(tape: &Tape) -> Vec<Row> {
    let mut run = Run::begin(&tape.written[0]).unwrap();
    let mut told = Provenance::default();
    for envelope in &tape.written[1..] {
        told.note(envelope, &run);
        run.apply(envelope).unwrap();
    }
    assert_eq!(run, tape.run);
    told.rows(&run)
}

/// `stage of item: outcome`.
fn told(tape: &Tape) -> Vec<String> {
    let text = |row: &Row| {
        let of = row.item.as_ref().map_or("all", ItemId::as_str);
        format!("{} of {of}: {}", row.stage, row.outcome)
    };
    rows(tape).iter().map(text).collect()
}

fn begun() -> Tape {
    Tape::at_first_stage(charter(&["a"], WORKFLOW, Limits::default()))
}

fn ask(tape: &mut Tape) {
    let asked =
        Asked { item: item("a"), stage: stage("sign"), head: oid(1), tree: oid(1), until: None };
    tape.write(Event::ApprovalAsked(asked.into())).unwrap();
}

fn say(tape: &mut Tape, word: Word, text: &str) {
    let approval = Approval {
        item: item("a"),
        stage: stage("sign"),
        head: oid(1),
        tree: oid(1),
        word,
        text: text.into(),
        skip: None,
        signed: None,
    };
    tape.write(Event::ApprovalGiven(Box::new(approval))).unwrap();
}

fn halt(tape: &mut Tape) {
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
}

#[test]
fn cwf_each_event_leaves_its_row_and_what_was_not_come_to_has_one() {
    let mut tape = begun();
    tape.write(Event::StageStarted(tape.start_of_next(1))).unwrap();
    let at_work = "build of a: at work, or its end is not known";
    let rest =
        ["review of a: not reached", "sign of a: not reached", "look of closing: not reached"];
    assert_eq!(told(&tape), [&[at_work][..], &rest].concat());
    tape.write(Event::StageLost { why: "its process is gone".into() }).unwrap();
    tape.stage(failed(Failure::Exit), 1, &[]);
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Conditional), 1, &["a remark"]);
    ask(&mut tape);
    halt(&mut tape);
    let done = [
        "build of a: lost: its process is gone",
        "build of a: no result (exit): x",
        "build of a: done",
        "review of a: conditional",
    ];
    let waits = ["sign of a: waits for a person", "look of closing: not reached"];
    assert_eq!(told(&tape), [&done[..], &waits].concat());
    say(&mut tape, Word::Modify, "name it\notherwise");
    tape.write(Event::RunResumed).unwrap();
    let last = ["sign of a: sent back: name it", "look of closing: not reached"];
    assert_eq!(told(&tape), [&done[..], &last].concat());
}

#[test]
fn cwf_a_question_that_is_asked_anew_was_not_answered_and_keeps_its_row() {
    let mut tape = begun();
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    ask(&mut tape);
    tape.now = tape.now.after(minutes(5));
    ask(&mut tape);
    halt(&mut tape);
    tape.now = tape.now.after(minutes(7));
    say(&mut tape, Word::Approve, "");
    let rows = rows(&tape);
    let asked: Vec<_> = rows.iter().filter(|row| row.stage == stage("sign")).collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].outcome, "not answered, and asked again");
    assert_eq!((asked[0].took, asked[0].by.as_str()), (Some(minutes(5)), ""));
    assert_eq!((asked[1].outcome.as_str(), asked[1].by.as_str()), ("approved", "Ada"));
    assert_eq!((asked[1].took, asked[1].commit.clone()), (Some(minutes(7)), Some(oid(1))));
    let built = rows.iter().find(|row| row.stage == stage("build")).unwrap();
    assert_eq!((built.by.as_str(), built.took), ("agent", Some(minutes(1))));
    assert_eq!((built.cycle, built.attempt), (1, 1));
}

#[test]
fn cwf_why_the_rest_was_not_come_to_is_said_of_every_early_stop() {
    for (cause, why) in [
        (Cause::FailVerdict { stage: stage("review") }, "not reached: review said fail"),
        (Cause::Interrupted, "not reached"),
    ] {
        let mut tape = begun();
        tape.stage(Outcome::Built, 1, &[]);
        tape.write(Event::RunHalted { cause }).unwrap();
        assert_eq!(told(&tape).last().unwrap(), &format!("look of closing: {why}"));
    }
    let mut tape = begun();
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    ask(&mut tape);
    halt(&mut tape);
    say(&mut tape, Word::Reject, "no");
    let told = told(&tape);
    assert!(told.contains(&"sign of a: rejected: no".to_owned()), "{told:?}");
    assert_eq!(told.last().unwrap(), "look of closing: not reached: sign was rejected");
}
