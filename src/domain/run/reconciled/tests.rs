use crate::domain::{
    event::{Answer, Answered, Cause, Event, Inference, Reconciled},
    item::Progress,
    limits::Limits,
    reconcile::Strength,
    run::{Run, State},
    testing::{Tape, charter, item, oid, stage},
};

fn halted(items: &[&str]) -> Tape {
    let mut tape = Tape::at_first_stage(charter(items, "build review<build", Limits::default()));
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    tape
}

fn event(inferred: &[(&str, Strength)], answers: &[(&str, Answer)]) -> Event {
    Event::Reconciled(Box::new(Reconciled {
        base: "main".into(),
        head: oid(9),
        tree: oid(9),
        items: inferred
            .iter()
            .map(|(id, strength)| Inference {
                item: item(id),
                strength: *strength,
                commits: vec![oid(9)],
            })
            .collect(),
        answers: answers
            .iter()
            .map(|(id, answer)| Answered { item: item(id), answer: *answer })
            .collect(),
    }))
}

fn words(run: &Run) -> Vec<&'static str> {
    run.items.iter().map(|item| crate::domain::reconcile::word(&item.progress)).collect()
}

#[test]
fn what_is_inferred_is_done_and_judged_by_nobody() {
    let mut tape = halted(&["a", "b"]);
    let before = tape.run.clone();
    tape.write(event(&[("a", Strength::Pattern), ("b", Strength::Trailer)], &[])).unwrap();
    let run = &tape.run;
    assert_eq!(words(run), ["inferred", "inferred"]);
    assert!(run.all_done());
    assert_eq!(run.open_gates(Some(&oid(9))).len(), 2, "the gates stay open");
    assert!(!run.may_leave(&oid(9)));
    assert_eq!((&run.head, &run.reconciled), (&oid(9), &Some(oid(9))));
    // Counters are never rebuilt.
    assert_eq!(
        (run.usage, &run.calls, run.calls_total, &run.breaker, run.ran, run.commits),
        (
            before.usage,
            &before.calls,
            before.calls_total,
            &before.breaker,
            before.ran,
            before.commits
        )
    );
    assert_eq!(run.state, State::Halted);
}

#[test]
fn answers_do_what_they_say() {
    let mut tape = halted(&["a", "b"]);
    tape.write(event(&[("b", Strength::Pattern)], &[("a", Answer::ExternallyManaged)])).unwrap();
    let managed = |run: &Run| match &run.items[0].progress {
        Progress::Inferred { strength, .. } => Some(*strength),
        _ => None,
    };
    assert_eq!(managed(&tape.run), Some(Strength::Managed));
    tape.write(event(&[], &[("b", Answer::ReVerify)])).unwrap();
    let active = tape.run.active().unwrap();
    assert_eq!((&active.stage, active.cycle), (&stage("review"), 1));
    // One item at a time, and none that is not there.
    for (answers, why) in [
        (vec![("a", Answer::ReVerify)], "`b` is at work"),
        (vec![("a", Answer::ReVerify), ("b", Answer::ReVerify)], "one at a time"),
        (vec![("c", Answer::Trust)], "no item `c`"),
    ] {
        let refused = tape.write(event(&[], &answers)).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}
