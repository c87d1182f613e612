//! What a person asks of a run that exists: each request is either events to write or a reason why not.

use super::{
    event::Event,
    run::{Breaker, Run, State},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Halt { reason: String, force: bool },
    Resume { reset_breaker: bool },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("run {run} is {state}: there is nothing to {verb}")]
    NothingTo { run: String, state: &'static str, verb: &'static str },
    #[error("the breaker is open ({trip}: {evidence})")]
    BreakerOpen { run: String, trip: &'static str, evidence: String },
}

/// Whether the request was done already, or what to write for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Already,
    Write(Vec<Event>),
}

pub fn decide(run: &Run, request: &Request) -> Result<Answer, Denied> {
    match request {
        Request::Halt { reason, force } => halt(run, reason, *force),
        Request::Resume { reset_breaker } => resume(run, *reset_breaker),
    }
}

fn halt(run: &Run, reason: &str, force: bool) -> Result<Answer, Denied> {
    match run.state {
        State::Halted => Ok(Answer::Already),
        State::Ready | State::JackIn | State::Running => {
            Ok(Answer::Write(vec![Event::HaltRequested { reason: reason.to_owned(), force }]))
        }
        State::Complete | State::ReadyForHitl | State::JackedOut => Err(nothing_to(run, "halt")),
    }
}

fn resume(run: &Run, reset_breaker: bool) -> Result<Answer, Denied> {
    match run.state {
        // Interrupted by a crash: the journal says that it runs, and so it goes on.
        State::Ready | State::JackIn | State::Running => Ok(Answer::Already),
        State::Complete if run.delivering => Ok(Answer::Already),
        State::Complete => Ok(Answer::Write(vec![Event::RunResumed])),
        State::Halted => match &run.breaker {
            Breaker::Open { trip, evidence } if !reset_breaker => Err(Denied::BreakerOpen {
                run: run.charter.run.to_string(),
                trip: trip.word(),
                evidence: evidence.clone(),
            }),
            Breaker::Open { .. } | Breaker::HalfOpen { .. } | Breaker::Closed if reset_breaker => {
                Ok(Answer::Write(vec![Event::BreakerReset, Event::RunResumed]))
            }
            Breaker::Open { .. } | Breaker::HalfOpen { .. } | Breaker::Closed => {
                Ok(Answer::Write(vec![Event::RunResumed]))
            }
        },
        State::ReadyForHitl | State::JackedOut => Err(nothing_to(run, "resume")),
    }
}

fn nothing_to(run: &Run, verb: &'static str) -> Denied {
    Denied::NothingTo { run: run.charter.run.to_string(), state: run.state.word(), verb }
}

#[cfg(test)]
mod tests;
