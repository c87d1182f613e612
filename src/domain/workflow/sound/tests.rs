use super::*;
use crate::domain::{
    id::{PlanId, StageId},
    workflow::{Check, Paper, Tries},
};

/// `build:a judge:b<a gate:c<a`, with marks behind it: `~` momentary, `?` optional, `^` on return,
/// `+` once for the run, `=x` makes the paper x, `*x` needs it, `@f` lies on the flow f.
fn stage(word: &str) -> Stage {
    let (duty, rest) = word.split_once(':').unwrap();
    let duty = Duty::parse(duty).unwrap();
    let end = rest.find(['<', '~', '?', '^', '=', '*', '@']).unwrap_or(rest.len());
    let id = StageId::parse(&rest[..end]).unwrap();
    let mut stage = Stage {
        shape: StageShape::plain(id, duty, None),
        ask: String::new(),
        role: None,
        agent: None,
        checks: Vec::new(),
        makes: Vec::new(),
        criteria: false,
        severity_min: None,
        danger: crate::domain::risk::Danger::Safe,
        on: false,
        flows: Vec::new(),
    };
    if duty == Duty::Gate {
        stage.checks.push(Check { gate: "tests".into(), must_fail: false });
    }
    let mut marks = &rest[end..];
    while let Some(mark) = marks.chars().next() {
        let body = &marks[1..];
        let end = body.find(['<', '~', '?', '^', '=', '*', '@']).unwrap_or(body.len());
        let (word, left) = body.split_at(end);
        marks = left;
        match mark {
            '<' => stage.shape.back_to = Some(StageId::parse(word).unwrap()),
            '~' => stage.shape.momentary = true,
            '?' => stage.shape.optional = true,
            '^' => stage.shape.on_return = true,
            '*' => stage.shape.needs.push(Need::Paper(word.into())),
            '@' => stage.flows.push(word.into()),
            '=' => stage.makes.push(Paper { name: word.into(), template: None, sections: vec![] }),
            other => panic!("{other}"),
        }
    }
    stage
}

fn made(text: &str, flows: &[&str]) -> Result<Workflow, Vec<Flaw>> {
    let mut draft = Workflow::draft(PlanId::parse("w").unwrap());
    draft.flows = flows.iter().map(|flow| (*flow).to_owned()).collect();
    let mut seen = false;
    let stages = text.split_whitespace().map(|word| {
        let (word, once) = word.strip_prefix('+').map_or((word, false), |word| (word, true));
        let mut stage = stage(word);
        stage.shape.part = match (once, seen) {
            (false, _) => Part::Items,
            (true, false) => Part::Opening,
            (true, true) => Part::Closing,
        };
        seen |= !once;
        stage
    });
    Workflow::new(draft, stages.collect())
}

#[test]
fn a_workflow_that_could_not_end_or_passes_something_unjudged_is_refused() {
    for (text, expected) in [
        ("", "at least one stage"),
        ("build:a", "nothing judges what `a` builds"),
        ("build:a judge:a<a", "there twice"),
        ("build:a judge:b", "needs `back_to`"),
        ("build:a judge:b<c", "which is no stage"),
        ("judge:b<a build:a", "no building stage before it"),
        ("build:a judge:b<a build:c", "nothing judges what `c` builds"),
        ("build:a judge:b<a judge:c<b", "no building stage before it"),
        ("build:a judge:b<a build:c judge:d<c", "say `momentary = true`"),
        ("build:a judge:b~<a", "nothing is built after it"),
        ("build:a judge:b<a?", "nothing judges what `a` builds"),
        ("build:a judge:b<a gate:c<a~", "nothing is built after it"),
        ("build:a^ judge:b<a write:c", "says not what"),
        ("build:a build:z^ judge:b<a", "never come to"),
        ("build:a judge:b<a *", "?"),
        ("+write:p=plan.md", "no stage is done for each"),
        ("build:a*plan.md judge:b<a", "needs `plan.md`"),
        ("write:p=plan.md? build:a*plan.md judge:b<a", "needs `plan.md`"),
        ("write:p=plan.md@deep build:a*plan.md judge:b<a", "needs `plan.md`"),
        ("build:a judge:b<a@deep", "nothing judges what `a` builds"),
        ("build:a@lost judge:b<a", "which is none"),
        ("build:a judge:b<a +build:c +judge:d<a", "no building stage before it"),
        ("build:a +gate:d judge:b<a", "in the middle of its items"),
        ("human:h judge:x<h", "no building stage before it"),
    ] {
        if expected == "?" {
            continue;
        }
        let flaws = made(text, &["quick", "deep"]).unwrap_err();
        let all: Vec<_> = flaws.iter().map(|flaw| format!("{} {}", flaw.what, flaw.fix)).collect();
        assert!(all.iter().any(|flaw| flaw.contains(expected)), "{text}: {all:?}");
    }
}

#[test]
fn what_can_be_walked_to_its_end_on_every_way_is_taken() {
    for text in [
        "build:a judge:b<a",
        "build:a judge:b<a judge:c<a",
        "build:a gate:b",
        "build:a human:b",
        "build:t gate:red~<t build:a gate:g<a judge:b<a",
        "write:p=plan.md human:h<p*plan.md~ build:a judge:b<a",
        "+write:p=plan.md +human:h<p build:a*plan.md judge:b<a +build:r^ +judge:t<r?",
        "write:p=plan.md@deep build:a judge:b<a",
        "judge:b<p=x.md write:p=y.md",
    ] {
        let made = made(text, &["quick", "deep"]);
        if text.starts_with("judge") {
            assert!(made.is_err());
            continue;
        }
        assert!(made.is_ok(), "{text}: {:?}", made.unwrap_err());
    }
}

#[test]
fn nothing_is_left_out_without_a_reason_and_no_gate_by_a_word() {
    let workflow = made("build:a judge:b<a judge:c<a? +build:r^ +judge:t<r?", &[]).unwrap();
    let skipped = |choice: &Choice| -> Result<Vec<String>, String> {
        let chosen = workflow.choose(choice)?;
        let over =
            chosen.iter().filter_map(|s| s.skipped.as_ref().map(|why| format!("{}: {why}", s.id)));
        Ok(over.collect())
    };
    let plain = skipped(&Choice::default()).unwrap();
    assert_eq!(
        plain,
        [
            "c: optional, and not turned on",
            "r: nothing sends back to it",
            "t: optional, and not turned on"
        ]
    );
    let on = |id: &str| (StageId::parse(id).unwrap(), true);
    let set = [on("t"), on("c")].into();
    assert!(skipped(&Choice { set, ..Choice::default() }).unwrap().is_empty());
    for (choice, expected) in [
        (Choice { skip: vec!["b".into()], ..Choice::default() }, "may not be left out"),
        (Choice { skip: vec!["z".into()], ..Choice::default() }, "no stage `z`"),
        (Choice { from: Some("c".into()), ..Choice::default() }, "would not be passed"),
        (Choice { from: Some("t".into()), ..Choice::default() }, "would not be passed"),
        (Choice { flow: Some("deep".into()), ..Choice::default() }, "no flows"),
    ] {
        let why = workflow.choose(&choice).unwrap_err();
        assert!(why.contains(expected), "{choice:?}: {why}");
    }
    let from = Choice { from: Some("b".into()), ..Choice::default() };
    // What lies before is only come to by being sent back.
    let chosen = workflow.choose(&from).unwrap();
    assert!(chosen[0].on_return && chosen[0].is_taken() && !chosen[0].is_walked());
    let two = made("write:p=plan.md build:a judge:b<a", &[]).unwrap();
    let from = Choice { from: Some("a".into()), ..Choice::default() };
    let chosen = two.choose(&from).unwrap();
    assert_eq!(chosen[0].skipped.as_deref(), Some("begun at `a`"));
}

#[test]
fn each_way_past_a_gate_is_said() {
    let mut stages: Vec<_> = ["build:a", "judge:b<a", "judge:c<a?"].map(stage).into();
    stages[1].shape.tries = Some(Tries { max: 2, then: Exhausted::GoOn });
    let workflow = Workflow::new(Workflow::draft(PlanId::parse("w").unwrap()), stages).unwrap();
    let said: Vec<_> =
        workflow.loopholes().iter().map(|l| format!("{}: {}", l.stage, l.how)).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("goes on with its findings open after 2 tries"));
}
