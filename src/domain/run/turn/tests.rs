use crate::domain::{
    event::{Charter, Event},
    limits::Limits,
    outcome::{Outcome, Verdict},
    testing::{Tape, charter, item, oid, stage},
};

/// A workflow in which nobody reviews what they built.
fn apart() -> Charter {
    let mut charter =
        charter(&["a", "b"], "build review<build audit<build +look", Limits::default());
    charter.stages.iter_mut().filter(|shape| shape.id == stage("review")).for_each(|shape| {
        shape.apart = true;
    });
    charter
}

/// The next stage is begun and ended by an agent of this name.
fn by(tape: &mut Tape, agent: &str, outcome: Outcome) {
    let mut start = tape.start_of_next(1);
    start.agent = agent.into();
    tape.write(Event::StageStarted(start)).unwrap();
    let end = crate::domain::testing::ended(outcome, 1, Vec::new());
    tape.write(Event::StageEnded(Box::new(end))).unwrap();
}

/// Who may take a stage: a name, or nobody's.
fn may(tape: &Tape, name: &str, who: Option<&str>) -> bool {
    tape.run.may_take(&stage(name), who).is_ok()
}

#[test]
fn aura_nobody_takes_what_they_may_not_judge() {
    let mut tape = Tape::at_first_stage(apart());
    // Before anything is built it has to be known who builds.
    for (name, who, expected) in [
        ("build", None, false),
        ("review", None, false),
        ("build", Some("Bob"), true),
        ("review", Some("Bob"), true),
        ("audit", None, true),
        ("look", None, true),
        ("nowhere", None, true),
    ] {
        assert_eq!(may(&tape, name, who), expected, "{name} {who:?}");
    }
    by(&mut tape, "next:Bob", Outcome::Built);
    for (who, expected) in [("Bob", false), ("bob", false), ("BOB", false), ("Eve", true)] {
        assert_eq!(may(&tape, "review", Some(who)), expected, "{who}");
        assert!(may(&tape, "audit", Some(who)), "what is not set apart is anybody's: {who}");
    }
    // Whoever mends it has built as well.
    by(&mut tape, "next:Eve", Outcome::Judged(Verdict::Revise));
    by(&mut tape, "next:Eve", Outcome::Built);
    assert!(!may(&tape, "review", Some("Eve")) && !may(&tape, "review", Some("Bob")));
    let why = tape.run.may_take(&stage("review"), Some("Eve")).unwrap_err();
    assert_eq!(why, "`Eve` has built it, and so may not do `review`");
    assert!(may(&tape, "review", Some("Ada")));
    // The other item is another matter.
    by(&mut tape, "next:Ada", Outcome::Judged(Verdict::Pass));
    by(&mut tape, "next:Ada", Outcome::Judged(Verdict::Pass));
    for event in [
        Event::ItemFinished { item: item("a"), head: oid(1), tree: oid(1) },
        Event::ItemStarted { item: item("b"), head: oid(1), tree: oid(1) },
    ] {
        tape.write(event).unwrap();
    }
    assert!(may(&tape, "review", Some("Eve")));
}

#[test]
fn where_nobody_is_set_apart_a_name_is_not_asked_for() {
    let plain = charter(&["a"], "build review<build", Limits::default());
    let mut tape = Tape::at_first_stage(plain);
    by(&mut tape, "next:Bob", Outcome::Built);
    assert!(
        may(&tape, "build", None)
            && may(&tape, "review", None)
            && may(&tape, "review", Some("Bob"))
    );
}

#[test]
fn work_begins_with_its_item_and_where_nothing_is_built_with_the_run() {
    for (workflow, begins) in
        [("build review<build", 2), ("judge:look gate:check", 1), ("write:notes judge:look", 1)]
    {
        let mut tape = Tape::at_first_stage(charter(&["a", "b"], workflow, Limits::default()));
        assert_eq!(tape.run.work_began(), Some(&oid(1)), "{workflow}: the first item");
        let first = match workflow {
            "judge:look gate:check" => Outcome::Judged(Verdict::Pass),
            _ => Outcome::Built,
        };
        tape.stage(first, 1, &[]);
        tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
        tape.write(Event::ItemFinished { item: item("a"), head: oid(1), tree: oid(1) }).unwrap();
        assert_eq!(tape.run.work_began(), None, "{workflow}: between items");
        let seen = Event::WorkSeen {
            from: oid(1),
            to: oid(2),
            tree: oid(2),
            commits: 1,
            rewritten: false,
            clean: true,
            deleted: crate::domain::deletion::Deleted::default(),
        };
        // Somebody committed in between.
        tape.write(seen).unwrap();
        let event = Event::ItemStarted { item: item("b"), head: oid(2), tree: oid(2) };
        tape.write(event).unwrap();
        assert_eq!(tape.run.work_began(), Some(&oid(begins)), "{workflow}: the second item");
    }
}
