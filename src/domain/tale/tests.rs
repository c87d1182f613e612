use crate::domain::{
    event::{Cause, Event},
    limits::Limits,
    outcome::{Failure, Outcome, Verdict},
    tale::sentence,
    testing::{Tape, charter, failed, oid, work},
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
    ] {
        tape.write(event).unwrap();
    }
    let mut run = crate::domain::run::Run::begin(&tape.written[0]).unwrap();
    let mut told = vec![sentence(&tape.written[0].event, &run)];
    for envelope in &tape.written[1..] {
        run.apply(envelope).unwrap();
        told.push(sentence(&envelope.event, &run));
    }
    assert_eq!(told.join("\n"), TALE.trim_matches('\n'));
}
