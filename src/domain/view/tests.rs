use super::*;
use crate::domain::{
    event::{Event, Trip},
    limits::Limits,
    outcome::{Outcome, Verdict},
    testing::{Tape, charter, minutes, oid},
};

fn tape() -> Tape {
    Tape::at_first_stage(charter(&["a", "b"], "build review<build", Limits::default()))
}

#[test]
fn the_next_move_is_a_command_that_the_state_allows() {
    let run = tape().run;
    let open = Breaker::Open { trip: Trip::Plateau, evidence: "e".into() };
    let in_state = |state| Run { state, ..run.clone() };
    let halted = |halt| Run { halt: Some(halt), ..in_state(State::Halted) };
    let failed = Some(Delivery::Failed { why: "w".into() });
    for (expected, run, held) in [
        ("git run resume", in_state(State::Ready), false),
        ("git run halt", in_state(State::JackIn), true),
        ("git run halt", in_state(State::Running), true),
        ("git run resume", in_state(State::Running), false),
        ("git run resume", halted(Cause::Interrupted), false),
        (
            "git run resume",
            halted(Cause::Asked { reason: "rolled back to checkpoint 7".into() }),
            false,
        ),
        (
            "git run resume --reset-ice",
            Run { breaker: open, ..halted(Cause::Breaker { trip: Trip::Plateau }) },
            false,
        ),
        (
            "git run show 20261121-035233-7f3a9c12d4",
            halted(Cause::Budget { what: "w".into() }),
            false,
        ),
        ("git run resume", in_state(State::Complete), false),
        ("git run resume", Run { delivery: failed, ..in_state(State::Complete) }, false),
        ("git run pr 20261121-035233-7f3a9c12d4", in_state(State::ReadyForHitl), false),
        ("git log 0000000000..0000000000", in_state(State::JackedOut), false),
        (
            "git run log 20261121-035233-7f3a9c12d4",
            Run { newer: true, ..in_state(State::Running) },
            true,
        ),
    ] {
        assert_eq!(RunView::new(run, held, Timestamp::default()).next.command, expected);
    }
}

#[test]
fn time_goes_on_only_while_somebody_holds_a_run_that_runs() {
    let mut tape = tape();
    tape.stage(Outcome::Built, 1, &[]);
    let later = tape.now.after(minutes(9));
    let elapsed = |run: &Run, held| RunView::new(run.clone(), held, later).elapsed;
    assert_eq!((elapsed(&tape.run, true), elapsed(&tape.run, false)), (minutes(10), minutes(1)));
    tape.write(Event::RunHalted { cause: Cause::Interrupted }).unwrap();
    assert_eq!(elapsed(&tape.run, true), minutes(1));
}

#[test]
fn a_view_tells_what_is_done_and_where_the_rest_stands() {
    let mut tape = tape();
    let position = |tape: &Tape, held| {
        let view = RunView::new(tape.run.clone(), held, tape.now);
        view.position().map(|at| format!("{} {} {} {}", at.item, at.stage, at.cycle, at.doing))
    };
    tape.cycle(1, &["alpha"]);
    assert_eq!(position(&tape, true).as_deref(), Some("a build 2 next"));
    assert_eq!(RunView::new(tape.run.clone(), true, tape.now).open_findings().len(), 1);
    tape.write(Event::StageStarted(tape.start_of_next(1))).unwrap();
    assert_eq!(position(&tape, true).as_deref(), Some("a build 2 at work"));
    assert_eq!(position(&tape, false).as_deref(), Some("a build 2 in doubt"));
    tape.write(Event::StageLost { why: "gone".into() }).unwrap();
    tape.stage(Outcome::Built, 1, &[]);
    tape.stage(Outcome::Judged(Verdict::Pass), 1, &[]);
    assert_eq!(position(&tape, true).as_deref(), Some("a review 2 passed"));
    let item = tape.run.items[0].id.clone();
    tape.write(Event::ItemFinished { item, head: oid(1), tree: oid(1) }).unwrap();
    let view = RunView::new(tape.run.clone(), true, tape.now);
    assert_eq!((view.done(), view.percent(), view.position()), (1, 50, None));
}
