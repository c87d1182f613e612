use crate::domain::{
    event::{Cause, Event, Place, Rollback, RollbackKind},
    limits::Limits,
    outcome::{Failure, Outcome, Verdict},
    tale::sentence,
    testing::{Tape, charter, failed, item, oid, stage, work},
};

const TALE: &str = "
sprint-1: run created on `run/sprint-1`, 1 item to do
process 0 on  took lease 1
jacking in to `run/sprint-1`
running on `run/sprint-1` from 0000000000
a: started
a: build by agent (cycle 1)
a: no result after 1m (exit): x
a: build by agent (cycle 1, attempt 2)
a: built after 1m
a: about to commit \"feat\"
a: the commit was refused: no
a: about to commit \"feat\"
a: committed 0000000000 \"feat(sprint-1): implement\"
a: review by agent (cycle 1)
a: verdict revise with 2 findings after 1m
halt requested at once: lunch
halted: lunch
resumed
checkpoint 3 (0000000000): before review
a: rolled back to checkpoint 3, now at 0000000000; what was there before is checkpoint 4
a: undone: back to checkpoint 3, now at 0000000000; what was there before is checkpoint 4
a: done again: back to checkpoint 3, now at 0000000000; what was there before is checkpoint 4
";

#[test]
fn a_journal_reads_as_a_tale() {
    let mut tape = Tape::at_first_stage(charter(&["a"], "build review<build", Limits::default()));
    tape.stage(failed(Failure::Exit), 1, &[]);
    tape.stage(Outcome::Built, 1, &[]);
    let announced = || Event::CommitAnnounced { parent: oid(1), subject: "feat".into() };
    for event in [
        announced(),
        Event::CommitRefused { why: "no\nreally".into() },
        announced(),
        Event::WorkCommitted(work(1, 2)),
    ] {
        tape.write(event).unwrap();
    }
    tape.stage(Outcome::Judged(Verdict::Revise), 2, &["alpha", "beta"]);
    for event in [
        Event::HaltRequested { reason: "lunch".into(), force: true },
        Event::RunHalted { cause: Cause::Asked { reason: "lunch".into() } },
        Event::RunResumed,
        Event::CheckpointMade {
            number: 3,
            commit: oid(9),
            tree: oid(2),
            why: "before review\nof a".into(),
        },
    ] {
        tape.write(event).unwrap();
    }
    for how in RollbackKind::ALL {
        let place = Place::At { item: item("a"), stage: stage("review") };
        let (to, commit, saved, head, tree) = (3, oid(9), 4, oid(2), oid(2));
        let back = Rollback {
            how,
            to,
            commit,
            saved,
            head,
            tree,
            place,
            undone: Vec::new(),
            report: None,
        };
        tape.write(Event::RolledBack(Box::new(back))).unwrap();
    }
    let mut run = crate::domain::run::Run::begin(&tape.written[0]).unwrap();
    let mut told = vec![sentence(&tape.written[0].event, &run)];
    for envelope in &tape.written[1..] {
        run.apply(envelope).unwrap();
        told.push(sentence(&envelope.event, &run));
    }
    assert_eq!(told.join("\n"), TALE.trim_matches('\n'));
}
