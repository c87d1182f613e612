use super::*;
use crate::domain::{
    event::{Cause, Event, Usage, Work},
    item,
    limits::Limits,
    step::{Sight, Step, next_step},
    testing::{Tape, charter, ended, failed, item, oid, seen, stage},
    time::Span,
};

const ITEMS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn limits() -> Limits {
    Limits { calls_per_hour_max: 3, ..Limits::default() }
}

/// A run of five items on its branch, between two of them; `a b c` and `d e` are groups.
fn standing(parallel: u32, after: &[(&str, &str)], limits: Limits) -> Tape {
    let mut charter = charter(&ITEMS, "build review<build", limits);
    let group = |names: &[&str]| names.iter().map(|name| item(name)).collect::<Vec<_>>();
    charter.groups = Groups { parallel, items: vec![group(&["a", "b", "c"]), group(&["d", "e"])] };
    for (later, earlier) in after {
        charter.after.entry(item(later)).or_default().push(item(earlier));
    }
    let mut tape = Tape::begin(charter);
    tape.take_lease();
    tape.write(Event::JackInBegan).unwrap();
    tape.write(Event::RunStarted { head: oid(1), tree: oid(1) }).unwrap();
    tape
}

fn start(name: &str) -> LaneStart {
    LaneStart {
        item: item(name),
        stage: stage("build"),
        agent: "x".into(),
        base: oid(1),
        worktree: format!("/lanes/{name}"),
        process: None,
    }
}

fn begin(tape: &mut Tape, name: &str) -> bool {
    tape.write(Event::LaneStarted(Box::new(start(name)))).is_ok()
}

fn end(tape: &mut Tape, name: &str, outcome: Outcome) {
    let saved = Some(Saved { number: 7, commit: oid(70) });
    let end = ended(outcome, 5, Vec::new());
    tape.write(Event::LaneEnded(Box::new(LaneEnd { item: item(name), end, saved }))).unwrap();
}

fn names(items: &[ItemId]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn due_now(tape: &Tape) -> String {
    names(&due(&tape.run, tape.now))
}

/// Does an item by hand, from its start to its end.
fn walk(tape: &mut Tape, name: &str) {
    let (head, tree) = (oid(1), oid(1));
    tape.write(Event::ItemStarted { item: item(name), head: head.clone(), tree: tree.clone() })
        .unwrap();
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(crate::domain::outcome::Verdict::Pass), 1, &[]);
    tape.write(Event::ItemFinished { item: item(name), head, tree }).unwrap();
}

#[test]
fn what_may_be_built_side_by_side() {
    for (parallel, after, calls, expected) in [
        (0, &[][..], 3, ""),
        (1, &[], 3, ""),
        (2, &[], 3, "a b c"),
        (3, &[], 3, "a b c"),
        (8, &[], 9, "a b c"),
        // The rate limit holds for all of them together.
        (3, &[], 2, "a b"),
        (3, &[], 1, ""),
        // Who waits for somebody is not begun, and one alone is no lane.
        (3, &[("b", "e")], 3, "a c"),
        (3, &[("b", "e"), ("c", "e")], 3, ""),
        // The first item is not of those, so that nothing is built ahead before it.
        (3, &[("a", "e")], 3, "b c"),
    ] {
        let limits = Limits { calls_per_hour_max: calls, ..limits() };
        let tape = standing(parallel, after, limits);
        assert_eq!(due_now(&tape), expected, "{parallel} {after:?} {calls}");
        let step = next_step(&tape.run, &seen(&tape, 1));
        assert_eq!(matches!(step, Step::RunLanes(_)), !expected.is_empty(), "{step:?}");
        let dirty = Sight { dirty: true, ..seen(&tape, 1) };
        assert!(!matches!(next_step(&tape.run, &dirty), Step::RunLanes(_)));
    }
}

#[test]
fn nothing_is_begun_that_limits_or_people_forbid() {
    type Change = fn(&mut Tape);
    let cases: [(&str, Change); 4] = [
        ("halt", |tape| {
            tape.write(Event::HaltRequested { reason: "x".into(), force: false }).unwrap();
        }),
        ("breaker", |tape| {
            let trip = crate::domain::event::Trip::TimeLimit;
            tape.write(Event::BreakerOpened { trip, evidence: "x".into() }).unwrap();
        }),
        ("item", |tape| {
            let (head, tree) = (oid(1), oid(1));
            tape.write(Event::ItemStarted { item: item("a"), head, tree }).unwrap();
        }),
        ("twice", |tape| assert!(begin(tape, "a"))),
    ];
    for (name, change) in cases {
        let mut tape = standing(3, &[], limits());
        change(&mut tape);
        assert!(!begin(&mut tape, "a"), "{name}");
        assert!(tape.run.lanes.len() <= 1);
    }
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    assert!(!begin(&mut tape, "c"), "more than were asked for");
    assert_eq!((tape.run.calls_total, tape.run.calls.len()), (2, 2));
    let mut tape = standing(3, &[], Limits { run_time_max: Span::from_secs(1), ..limits() });
    tape.now = tape.now.after(Span::from_secs(2));
    assert_eq!(due_now(&tape), "");
}

#[test]
fn the_budget_is_looked_at_first() {
    let mut tape = standing(2, &[], Limits { tokens_max: Some(10), ..limits() });
    tape.run.usage = Usage { input_tokens: 10, ..Usage::default() };
    let step = next_step(&tape.run, &seen(&tape, 1));
    assert!(
        matches!(&step, Step::Record(events) if matches!(events[..], [Event::BudgetReached { .. }])),
        "{step:?}"
    );
}

/// The one that would begin now, of all that were due at first.
fn next_now(tape: &Tape) -> String {
    let due = ["a", "b", "c"].map(item);
    next(&tape.run, &due, tape.now).map_or(String::new(), ToString::to_string)
}

#[test]
fn as_soon_as_one_ends_the_next_begins() {
    let mut tape = standing(2, &[], Limits { calls_per_hour_max: 9, ..limits() });
    assert_eq!(next_now(&tape), "a");
    assert!(begin(&mut tape, "a"));
    assert_eq!(next_now(&tape), "b");
    assert!(begin(&mut tape, "b"));
    assert_eq!(next_now(&tape), "", "there is no room");
    assert!(!begin(&mut tape, "c"));
    end(&mut tape, "b", failed(Failure::Exit));
    assert_eq!(next_now(&tape), "c", "and one that failed does not begin again");
    assert!(begin(&mut tape, "c"));
    end(&mut tape, "a", Outcome::Built);
    end(&mut tape, "c", Outcome::Built);
    assert_eq!(next_now(&tape), "");
}

#[test]
fn what_ended_may_have_used_up_what_the_next_would_need() {
    let until = |tape: &Tape| tape.now.after(Span::from_hours(1));
    type Ends = fn(&mut Tape);
    let cases: [(&str, &str, Limits, Ends); 7] = [
        ("nothing", "c", limits(), |tape| end(tape, "a", Outcome::Built)),
        ("calls", "", Limits { calls_per_hour_max: 2, ..limits() }, |tape| {
            end(tape, "a", Outcome::Built);
        }),
        ("stopped", "", limits(), |tape| end(tape, "a", Outcome::Stopped)),
        ("unavailable", "", limits(), |tape| {
            end(tape, "a", Outcome::Unavailable { why: "none".into() });
        }),
        ("halt", "", limits(), |tape| {
            end(tape, "a", Outcome::Built);
            tape.write(Event::HaltRequested { reason: "x".into(), force: false }).unwrap();
        }),
        ("time", "", Limits { run_time_max: Span::from_secs(9), ..limits() }, |tape| {
            tape.now = tape.now.after(Span::from_secs(10));
            end(tape, "a", Outcome::Built);
        }),
        ("tokens", "", Limits { tokens_max: Some(10), ..limits() }, |tape| {
            end(tape, "a", Outcome::Built);
            tape.run.usage = Usage { input_tokens: 10, ..Usage::default() };
        }),
    ];
    for (name, expected, limits, ends) in cases {
        let mut tape = standing(2, &[], limits);
        assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
        ends(&mut tape);
        assert_eq!(next_now(&tape), expected, "{name}");
    }
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    let until = until(&tape);
    end(&mut tape, "a", Outcome::Held { until });
    assert_eq!(next_now(&tape), "", "it asked to be called later");
}

#[test]
fn what_follows_from_an_ended_lane() {
    for (outcome, word, stops) in [
        (Outcome::Built, "built", false),
        (failed(Failure::TimedOut), "dropped", false),
        (failed(Failure::Killed), "dropped", false),
        (lost("gone"), "dropped", false),
        (Outcome::Blocked { why: "a question".into() }, "dropped", false),
        (Outcome::Stopped, "stopped", true),
        (Outcome::Unavailable { why: "none".into() }, "dropped", true),
    ] {
        let mut tape = standing(2, &[], limits());
        assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
        assert_eq!(next_step(&tape.run, &seen(&tape, 1)), Step::SeeLanesGone);
        end(&mut tape, "a", outcome.clone());
        end(&mut tape, "b", Outcome::Built);
        let lane = &tape.run.lanes[0];
        assert_eq!(lane.word(), word, "{outcome:?}");
        assert_eq!(tape.run.checkpoint, Some(7));
        let step = next_step(&tape.run, &seen(&tape, 1));
        if stops {
            assert!(tape.run.stop.is_some(), "{outcome:?}: {step:?}");
            continue;
        }
        // The other one is not lost, and each has its turn.
        let (head, tree) = (oid(1), oid(1));
        tape.write(Event::ItemStarted { item: item("a"), head, tree }).unwrap();
        let step = next_step(&tape.run, &seen(&tape, 1));
        let joins = matches!(step, Step::JoinLane(_));
        assert_eq!((joins, matches!(step, Step::RunStage(_))), (word == "built", word != "built"));
        assert_eq!(tape.run.lanes[1].word(), "built");
    }
}

#[test]
fn a_lane_that_was_stopped_may_begin_once_more_and_one_that_failed_may_not() {
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    end(&mut tape, "a", Outcome::Stopped);
    end(&mut tape, "b", failed(Failure::Exit));
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    tape.write(Event::RunResumed).unwrap();
    let limits = &mut tape.run.charter.limits;
    limits.calls_per_hour_max = 10;
    assert_eq!(due_now(&tape), "a c");
    assert!(!begin(&mut tape, "b") && begin(&mut tape, "a"));
    assert_eq!(tape.run.lanes.iter().filter(|lane| lane.item == item("a")).count(), 1);
}

#[test]
fn what_was_assumed_in_lanes_counts_as_it_does_on_the_branch() {
    let mut tape = standing(3, &[], limits());
    tape.run.charter.scan_every = Some(5);
    for name in ["a", "b", "c"] {
        assert!(begin(&mut tape, name));
    }
    for (name, outcome, stops) in [
        ("a", Outcome::Built, false),
        // Whatever came of it otherwise: so it is on the branch.
        ("b", failed(Failure::Exit), false),
        ("c", Outcome::Built, true),
    ] {
        let assumed = ["x", "x"].map(str::to_owned).to_vec();
        let end = StageEnd { assumed, ..ended(outcome, 5, Vec::new()) };
        let of = LaneEnd { item: item(name), end, saved: None };
        tape.write(Event::LaneEnded(Box::new(of))).unwrap();
        assert_eq!(matches!(tape.run.stop, Some(Cause::PersonNeeded { .. })), stops, "{name}");
    }
    assert_eq!(tape.run.assumed["x"], 6);
}

#[test]
fn of_several_that_end_the_first_reason_to_stop_is_told() {
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    end(&mut tape, "a", Outcome::Unavailable { why: "none".into() });
    end(&mut tape, "b", Outcome::Stopped);
    assert!(matches!(tape.run.stop, Some(Cause::AgentUnavailable { .. })));
}

/// `a` is at work, and its lane is announced to be brought in.
fn joining_a() -> Tape {
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    end(&mut tape, "a", Outcome::Built);
    end(&mut tape, "b", Outcome::Built);
    let (head, tree) = (oid(1), oid(1));
    tape.write(Event::ItemStarted { item: item("a"), head, tree }).unwrap();
    tape.write(Event::LaneJoined { item: item("a"), head: oid(1), tree: oid(9) }).unwrap();
    tape
}

#[test]
fn what_was_built_is_brought_in_and_committed_before_anything_else() {
    let mut tape = joining_a();
    // Whoever asks for a halt now gets it after the commit.
    tape.write(Event::HaltRequested { reason: "x".into(), force: false }).unwrap();
    for dirty in [false, true] {
        let sight = Sight { dirty, ..seen(&tape, 1) };
        let Step::BringIn { tree, then } = next_step(&tape.run, &sight) else {
            panic!("it is not brought in")
        };
        assert_eq!(tree, oid(9));
        let expected = "feat(a): build a";
        assert!(matches!(*then, Event::CommitAnnounced { subject, .. } if subject == expected));
    }
    let subject = "feat(a): build a".to_owned();
    tape.write(Event::CommitAnnounced { parent: oid(1), subject: subject.clone() }).unwrap();
    let work = Work {
        commit: oid(2),
        parent: oid(1),
        tree: oid(9),
        subject,
        left_out: Vec::new(),
        deleted: Default::default(),
    };
    tape.write(Event::WorkCommitted(work)).unwrap();
    assert_eq!(tape.run.lanes[0].word(), "joined");
    let active = tape.run.active().unwrap();
    assert_eq!((active.stage.as_str(), &active.phase), ("review", &item::Phase::Ready));
    assert_eq!(active.builders, ["x"], "who built may not judge");
}

#[test]
fn what_was_announced_for_a_branch_that_moved_is_looked_at_anew() {
    let mut tape = joining_a();
    tape.write(Event::WorkSeen {
        from: oid(1),
        to: oid(3),
        tree: oid(3),
        commits: 1,
        rewritten: false,
        clean: true,
        deleted: Default::default(),
    })
    .unwrap();
    assert_eq!(tape.run.lanes[0].word(), "built");
    assert_eq!(tape.run.active().unwrap().phase, item::Phase::Ready);
}

#[test]
fn a_refused_commit_is_the_agents_to_mend() {
    let mut tape = joining_a();
    let subject = "feat(a): build a".to_owned();
    tape.write(Event::CommitAnnounced { parent: oid(1), subject }).unwrap();
    tape.write(Event::CommitRefused { why: "no".into() }).unwrap();
    assert_eq!(tape.run.lanes[0].word(), "dropped");
    let sight = Sight { dirty: true, ..seen(&tape, 1) };
    assert!(matches!(next_step(&tape.run, &sight), Step::RunStage(_)));
}

#[test]
fn what_is_not_taken_is_a_finding_for_the_agent() {
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    end(&mut tape, "a", Outcome::Built);
    end(&mut tape, "b", Outcome::Built);
    let (head, tree) = (oid(1), oid(1));
    tape.write(Event::ItemStarted { item: item("a"), head, tree }).unwrap();
    let dropped = |name: &str| Event::LaneDropped {
        item: item(name),
        why: "x".into(),
        findings: conflicts(&[b"f".to_vec()]),
    };
    assert!(tape.write(dropped("b")).is_err(), "its turn has not come");
    tape.write(dropped("a")).unwrap();
    assert_eq!(tape.run.active().unwrap().findings[0].rule, CONFLICT);
    assert!(matches!(next_step(&tape.run, &seen(&tape, 1)), Step::RunStage(_)));
    assert!(tape.write(dropped("a")).is_err(), "once is enough");
}

#[test]
fn the_second_group_has_its_turn_when_the_first_is_done() {
    let mut tape = standing(2, &[], Limits { calls_per_hour_max: 100, ..limits() });
    for (name, expected) in [("a", "a b c"), ("b", "b c"), ("c", ""), ("d", "d e")] {
        assert_eq!(due_now(&tape), expected, "before {name}");
        walk(&mut tape, name);
    }
    assert_eq!(due_now(&tape), "");
}

#[test]
fn only_a_first_stage_that_builds_is_done_ahead() {
    for (workflow, expected) in
        [("build review<build", Some("build")), ("check<build build review<build", None)]
    {
        let tape = Tape::begin(charter(&["a"], workflow, limits()));
        let found = ahead(&tape.run, &item("a")).map(|shape| shape.id.as_str());
        assert_eq!(found, expected, "{workflow}");
    }
    let mut tape = standing(2, &[], limits());
    tape.run.charter.stages[0].needs = vec![Need::File("x".into())];
    assert_eq!(due_now(&tape), "");
}

#[test]
fn what_two_lanes_or_no_task_may_change() {
    let path = |text: &str| text.as_bytes().to_vec();
    let writes = [Scope::parse("src/").unwrap(), Scope::parse("a.txt").unwrap()];
    for (changed, expected) in [
        (&["src/x", "a.txt"][..], ""),
        (&["src", "srcs/x"], "src srcs/x"),
        (&["b.txt", "src/x"], "b.txt"),
    ] {
        let changed: Vec<_> = changed.iter().map(|text| path(text)).collect();
        let found = outside(&changed, &writes);
        assert!(found.iter().all(|finding| finding.rule == SCOPE));
        let told: Vec<_> = found.into_iter().filter_map(|finding| finding.path).collect();
        assert_eq!(told.join(" "), expected);
    }
    let earlier = [(item("a"), [path("x"), path("y")].into())].into();
    let found = shared(&[path("w"), path("x")], &earlier);
    assert_eq!(found.len(), 1);
    assert!(found[0].rule == SAME_FILE && found[0].message.starts_with("a, "));
    assert_eq!(outside(&vec![path("q"); 1000], &writes).len(), FINDINGS_MAX);
}

/// A run of a hundred items, all of one group.
fn crowd(parallel: u32) -> (Tape, Vec<String>) {
    let many: Vec<String> = (0..100).map(|n| format!("i{n}")).collect();
    let all: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut charter =
        charter(&all, "build review<build", Limits { calls_per_hour_max: 1000, ..limits() });
    charter.groups = Groups { parallel, items: vec![charter.items.clone()] };
    let mut tape = Tape::begin(charter);
    tape.take_lease();
    tape.write(Event::JackInBegan).unwrap();
    tape.write(Event::RunStarted { head: oid(1), tree: oid(1) }).unwrap();
    (tape, many)
}

#[test]
fn what_a_run_remembers_is_bounded() {
    let (mut tape, all) = crowd(8);
    for name in &all {
        assert!(begin(&mut tape, name));
        end(&mut tape, name, failed(Failure::Exit));
    }
    assert_eq!(tape.run.lanes.len(), LANES_KEPT_MAX);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    end(&mut tape, "a", Outcome::Built);
    end(&mut tape, "b", Outcome::Built);
    let (head, tree) = (oid(1), oid(1));
    tape.write(Event::ItemStarted { item: item("a"), head, tree }).unwrap();
    let joined = Event::LaneJoined { item: item("a"), head: oid(2), tree: oid(9) };
    // The tape itself looks whether anything is another thing after a refusal.
    assert!(tape.write(joined).is_err(), "the branch stands elsewhere");
    assert_eq!(tape.run.lanes[0].word(), "built");
}

#[test]
fn what_others_say_of_a_run_waits_until_nobody_is_at_work_in_a_lane() {
    use crate::domain::reconcile::cannot_apply;
    let mut tape = standing(2, &[], limits());
    assert!(begin(&mut tape, "a") && begin(&mut tape, "b"));
    let why = cannot_apply(&tape.run, &[]);
    assert_eq!(why.as_deref(), Some("the lane of `a` is at work"));
    end(&mut tape, "a", Outcome::Built);
    end(&mut tape, "b", Outcome::Built);
    assert_eq!(cannot_apply(&tape.run, &[]), None);
    let why = cannot_apply(&joining_a().run, &[]);
    assert_eq!(why.as_deref(), Some("the lane of `a` is being brought in"));
}

#[test]
fn no_more_are_due_than_can_wait_for_their_turn() {
    let (mut tape, all) = crowd(2);
    let items = due(&tape.run, tape.now);
    assert_eq!(items.len(), LANES_KEPT_MAX);
    for name in &all[..LANES_KEPT_MAX] {
        assert!(begin(&mut tape, name), "{name}");
        end(&mut tape, name, Outcome::Built);
    }
}
