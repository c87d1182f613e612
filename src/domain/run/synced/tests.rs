//! What is taken over from the documents, and what it leaves as it was.

use crate::domain::{
    drift::Follows,
    event::{Event, Inference, PlanSynced, Reconciled, SyncedItem},
    id::Digest,
    item::Progress,
    limits::Limits,
    reconcile::{Strength, word},
    run::{Run, State},
    source::Document,
    testing::{Tape, charter, item, oid},
};

fn event(items: &[(&str, Follows)]) -> Event {
    Event::PlanSynced(Box::new(PlanSynced {
        path: "artifacts/plan/000009.json".into(),
        plan_digest: Digest::of(b"plan 2"),
        documents: vec![Document { path: "plan.md".into(), hash: Digest::of(b"2") }],
        tasks: Vec::new(),
        items: items
            .iter()
            .map(|(id, follows)| SyncedItem { item: item(id), follows: *follows })
            .collect(),
    }))
}

fn words(run: &Run) -> Vec<&'static str> {
    run.items.iter().map(|item| word(&item.progress)).collect()
}

/// `a` and `b` are shown to be finished, and `c` is pending.
fn two_done() -> Tape {
    let charter = charter(&["a", "b", "c"], "build review<build", Limits::default());
    let mut tape = Tape::at_first_stage(charter);
    tape.write(Event::RunHalted { cause: crate::domain::event::Cause::Interrupted }).unwrap();
    let items = ["a", "b"].map(|id| Inference {
        item: item(id),
        strength: Strength::Content,
        commits: vec![oid(9)],
    });
    let (head, tree) = (oid(9), oid(9));
    let found =
        Reconciled { base: "main".into(), head, tree, items: items.into(), answers: Vec::new() };
    tape.write(Event::Reconciled(Box::new(found))).unwrap();
    tape
}

#[test]
fn finished_items_are_judged_again_one_after_the_other_and_counters_stay() {
    let mut tape = two_done();
    let before = tape.run.clone();
    tape.write(event(&[("a", Follows::ReVerify), ("b", Follows::ReVerify)])).unwrap();
    let run = &tape.run;
    assert_eq!(words(run), ["active", "inferred", "pending"]);
    assert_eq!(run.to_verify, [item("b")]);
    assert_eq!(run.active().unwrap().stage.as_str(), "review");
    assert_eq!(run.plan_path(), "artifacts/plan/000009.json");
    assert_eq!(run.documents()[0].hash, Digest::of(b"2"));
    let synced = run.synced.as_ref().unwrap();
    assert_eq!((synced.at, &synced.person), (run.at, &tape.written.last().unwrap().actor.person));
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
    assert!(!run.all_done());
}

#[test]
fn the_next_one_is_judged_as_soon_as_none_is_at_work() {
    let mut tape = two_done();
    tape.write(event(&[("a", Follows::ReVerify), ("b", Follows::ReVerify)])).unwrap();
    // Whatever ends the first one: here a person who says that it is finished.
    let found = Reconciled {
        base: "main".into(),
        head: oid(9),
        tree: oid(9),
        items: vec![Inference {
            item: item("a"),
            strength: Strength::Content,
            commits: Vec::new(),
        }],
        answers: Vec::new(),
    };
    tape.write(Event::Reconciled(Box::new(found))).unwrap();
    assert_eq!(words(&tape.run), ["inferred", "active", "pending"]);
    assert!(tape.run.to_verify.is_empty());
}

#[test]
fn what_is_superseded_is_asked_for_no_more_and_opens_no_other_gate() {
    let mut tape = two_done();
    tape.write(event(&[("c", Follows::Supersede)])).unwrap();
    let run = &tape.run;
    let Progress::Inferred { strength, .. } = &run.items[2].progress else { panic!() };
    assert_eq!(*strength, Strength::Superseded);
    let open: Vec<_> = run.open_gates(Some(&oid(9))).iter().map(ToString::to_string).collect();
    assert_eq!(open, ["review of a", "review of b"], "nobody judged what was inferred");
    assert!(run.all_done());
    assert_eq!(run.state, State::Halted);
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let tape = two_done();
    for (id, follows) in [
        ("a", Follows::Supersede),
        ("c", Follows::ReVerify),
        ("c", Follows::Update),
        ("none", Follows::Supersede),
    ] {
        let mut run = tape.run.clone();
        assert!(run.apply(&tape.next(event(&[(id, follows)]))).is_err(), "{id} {follows:?}");
        assert_eq!(run, tape.run);
    }
    let by_finding = Event::Reconciled(Box::new(Reconciled {
        base: "main".into(),
        head: oid(9),
        tree: oid(9),
        items: vec![Inference {
            item: item("c"),
            strength: Strength::Superseded,
            commits: Vec::new(),
        }],
        answers: Vec::new(),
    }));
    assert!(tape.run.clone().apply(&tape.next(by_finding)).is_err());
}
