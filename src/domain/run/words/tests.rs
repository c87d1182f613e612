use crate::domain::{
    event::{Cause, Event},
    id::ItemId,
    item::Progress,
    limits::Limits,
    outcome::{Outcome, Verdict},
    run::Run,
    testing::{Tape, charter, item, oid, stage},
};

const WORKFLOW: &str = "+write:plan build review<build audit<build +mend^ +team<mend +look<mend";

/// The item at work goes through these stages and is finished, on commit and tree 1.
fn finish(tape: &mut Tape, name: &str, outcomes: &[Outcome]) {
    if tape.run.active().is_none() {
        let event = Event::ItemStarted { item: item(name), head: oid(1), tree: oid(1) };
        tape.write(event).unwrap();
    }
    for outcome in outcomes {
        tape.stage(outcome.clone(), 1, &[]);
    }
    tape.write(Event::ItemFinished { item: item(name), head: oid(1), tree: oid(1) }).unwrap();
}

/// Opening, two items and closing are done, and the run stands still.
fn finished() -> Tape {
    let pass = || Outcome::Judged(Verdict::Pass);
    let mut tape = Tape::at_first_stage(charter(&["a", "b"], WORKFLOW, Limits::default()));
    finish(&mut tape, "opening", &[Outcome::Built]);
    for name in ["a", "b"] {
        finish(&mut tape, name, &[Outcome::Built, pass(), pass()]);
    }
    finish(&mut tape, "closing", &[pass(), pass()]);
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    tape
}

fn reopen(tape: &mut Tape, of: &str, from: &str) -> Result<(), String> {
    let event = Event::StageReopened { item: item(of), stage: stage(from), why: "w".into() };
    tape.write(event).map_err(|refusal| refusal.to_string())
}

/// `opening done, a at build, b done, closing pending`.
fn stands(run: &Run) -> String {
    let word = |progress: &Progress| match progress {
        Progress::Pending => "pending".to_owned(),
        Progress::Active(active) => format!("at {}", active.stage),
        Progress::Paused(active) => format!("paused at {}", active.stage),
        Progress::Done { .. } => "done".to_owned(),
        Progress::Inferred { .. } => "inferred".to_owned(),
    };
    let all = run.items.iter().map(|item| format!("{} {}", item.id, word(&item.progress)));
    all.collect::<Vec<_>>().join(", ")
}

fn passed(run: &Run) -> Vec<String> {
    run.active().unwrap().passed.iter().map(|evidence| evidence.stage.to_string()).collect()
}

#[test]
fn aura_what_follows_a_reopened_stage_is_done_or_judged_again() {
    for (of, from, expected, to_verify) in [
        ("a", "build", "opening done, a at build, b done, closing pending", &[][..]),
        ("b", "audit", "opening done, a done, b at audit, closing pending", &[]),
        ("opening", "plan", "opening at plan, a done, b done, closing pending", &["a", "b"]),
        ("closing", "team", "opening done, a done, b done, closing at team", &[]),
        // One that is only come to by being sent back can be opened as well.
        ("closing", "mend", "opening done, a done, b done, closing at mend", &[]),
    ] {
        let mut tape = finished();
        assert!(tape.run.all_done());
        reopen(&mut tape, of, from).unwrap();
        assert_eq!(stands(&tape.run), expected, "{from} of {of}");
        let again: Vec<&str> = tape.run.to_verify.iter().map(ItemId::as_str).collect();
        assert_eq!(again, to_verify, "{from} of {of}");
        assert!(!tape.run.all_done());
    }
}

#[test]
fn aura_a_second_one_makes_room_and_what_was_passed_before_it_stays() {
    let mut tape = finished();
    reopen(&mut tape, "b", "audit").unwrap();
    reopen(&mut tape, "a", "review").unwrap();
    assert_eq!(stands(&tape.run), "opening done, a at review, b paused at audit, closing pending");
    // What the plan said is another thing now: who was paused begins anew, and who is done is judged.
    let mut tape = finished();
    reopen(&mut tape, "b", "audit").unwrap();
    reopen(&mut tape, "opening", "plan").unwrap();
    assert_eq!(stands(&tape.run), "opening at plan, a done, b paused at build, closing pending");
    assert_eq!(tape.run.to_verify, [item("a")]);
    // In the same item all from the stage on is forgotten, and nothing before it.
    let mut tape = finished();
    reopen(&mut tape, "a", "review").unwrap();
    tape.write(Event::RunResumed).unwrap();
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    assert_eq!(passed(&tape.run), ["review"]);
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    reopen(&mut tape, "a", "audit").unwrap();
    assert_eq!(passed(&tape.run), ["review"]);
    reopen(&mut tape, "a", "review").unwrap();
    assert_eq!(passed(&tape.run), Vec::<String>::new());
}

#[test]
fn aura_what_was_not_come_to_is_not_reopened() {
    let mut tape = Tape::at_first_stage(charter(&["a", "b"], WORKFLOW, Limits::default()));
    finish(&mut tape, "opening", &[Outcome::Built]);
    let event = Event::ItemStarted { item: item("a"), head: oid(1), tree: oid(1) };
    tape.write(event).unwrap();
    tape.stage(Outcome::Built, 1, &[]);
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    let before = tape.run.clone();
    for (of, from, part) in [
        ("a", "audit", "has not come to `audit` yet"),
        ("b", "build", "was not begun"),
        ("closing", "team", "was not begun"),
        ("a", "plan", "is no stage of `a`"),
        ("opening", "build", "is no stage of `opening`"),
        ("c", "build", "no item `c`"),
        ("a", "sign", "no stage `sign`"),
    ] {
        let why = reopen(&mut tape, of, from).unwrap_err();
        assert!(why.contains(part), "{from} of {of}: {why}");
        assert_eq!(tape.run, before, "{from} of {of}");
    }
}
