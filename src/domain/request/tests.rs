use super::*;
use crate::domain::{
    event::Trip,
    limits::Limits,
    testing::{Tape, charter},
};

fn run(state: State, breaker: Breaker, delivering: bool) -> Run {
    let run = Tape::begin(charter(&["a"], "build review<build", Limits::default())).run;
    Run { state, breaker, delivering, ..run }
}

fn word(answer: &Result<Answer, Denied>) -> String {
    match answer {
        Ok(Answer::Already) => "already".into(),
        Ok(Answer::Write(events)) => events.iter().map(Event::kind).collect::<Vec<_>>().join(" + "),
        Err(Denied::NothingTo { .. }) => "nothing to do".into(),
        Err(Denied::BreakerOpen { .. }) => "breaker open".into(),
    }
}

const ANSWERS: &str = "
                    halt             resume           resume --reset-ice
READY               halt-requested   already          already
JACK_IN             halt-requested   already          already
RUNNING             halt-requested   already          already
COMPLETE            nothing to do    run-resumed      run-resumed
COMPLETE delivering nothing to do    already          already
HALTED              already          run-resumed      breaker-reset + run-resumed
HALTED half-open    already          run-resumed      breaker-reset + run-resumed
HALTED open         already          breaker open     breaker-reset + run-resumed
READY_FOR_HITL      nothing to do    nothing to do    nothing to do
JACKED_OUT          nothing to do    nothing to do    nothing to do
";

#[test]
fn every_request_in_every_state_is_answered() {
    let open = || Breaker::Open { trip: Trip::Plateau, evidence: "e".into() };
    let half = || Breaker::HalfOpen { cycle: 1, open: 0 };
    let requests = [
        Request::Halt { reason: "r".into(), force: false },
        Request::Resume { reset_breaker: false },
        Request::Resume { reset_breaker: true },
    ];
    let mut rows =
        vec![format!("{:19} {:16} {:16} {}", "", "halt", "resume", "resume --reset-ice")];
    for (more, state, breaker, delivering) in [
        ("", State::Ready, Breaker::Closed, false),
        ("", State::JackIn, Breaker::Closed, false),
        ("", State::Running, Breaker::Closed, false),
        ("", State::Complete, Breaker::Closed, false),
        (" delivering", State::Complete, Breaker::Closed, true),
        ("", State::Halted, Breaker::Closed, false),
        (" half-open", State::Halted, half(), false),
        (" open", State::Halted, open(), false),
        ("", State::ReadyForHitl, Breaker::Closed, false),
        ("", State::JackedOut, Breaker::Closed, false),
    ] {
        let name = format!("{}{more}", state.word());
        let run = run(state, breaker, delivering);
        let [halt, resume, reset] = requests.each_ref().map(|r| word(&decide(&run, r)));
        rows.push(format!("{name:19} {halt:16} {resume:16} {reset}"));
    }
    assert_eq!(rows.join("\n"), ANSWERS.trim_matches('\n'));
}

#[test]
fn what_is_denied_says_why() {
    let halted = run(
        State::Halted,
        Breaker::Open { trip: Trip::Plateau, evidence: "nothing fell".into() },
        false,
    );
    let over = run(State::JackedOut, Breaker::Closed, false);
    for (run, expected) in [
        (halted, "the breaker is open (plateau: nothing fell)"),
        (over, "run 20261121-035233-7f3a9c12d4 is JACKED_OUT: there is nothing to resume"),
    ] {
        let denied = decide(&run, &Request::Resume { reset_breaker: false }).unwrap_err();
        assert_eq!(denied.to_string(), expected);
    }
}

#[test]
fn what_is_to_be_written_is_accepted_by_the_run() {
    let open = || Breaker::Open { trip: Trip::Plateau, evidence: "e".into() };
    for (state, request) in [
        (State::Ready, Request::Halt { reason: "r".into(), force: true }),
        (State::Running, Request::Halt { reason: "r".into(), force: true }),
        (State::Complete, Request::Resume { reset_breaker: false }),
        (State::Halted, Request::Resume { reset_breaker: true }),
    ] {
        let mut tape = Tape::begin(charter(&["a"], "build review<build", Limits::default()));
        tape.run.state = state;
        tape.run.breaker = if state == State::Halted { open() } else { Breaker::Closed };
        let Ok(Answer::Write(events)) = decide(&tape.run, &request) else { panic!("{state:?}") };
        events.into_iter().for_each(|event| tape.write(event).unwrap());
    }
}
