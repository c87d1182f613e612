//! Exit codes, and the one shape of every failure: what was wrong, and what to do.

use crate::{
    domain::{
        event::{Cause, Delivery},
        ice::denial::Denial,
        request::Denied,
        restore::Refused,
        run::{Run, State},
    },
    engine::{
        drive::Stop,
        restore::{NoStep, NotRestored},
        start::NotStarted,
    },
    store::{hold::HoldError, journal::AppendError},
};

/// As the README lists them. They never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    Usage,
    Refused,
    Stopped,
    PersonNeeded,
    Held,
    Fault,
    Interrupted,
    /// What another program ended with.
    Passed(u8),
}

impl Exit {
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Stopped => 4,
            Self::PersonNeeded => 5,
            Self::Held => 6,
            Self::Fault => 70,
            Self::Interrupted => 130,
            Self::Passed(code) => code,
        }
    }

    /// What the state in which a run was left says to whoever waited for it.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        match (run.state, &run.halt, &run.delivery) {
            (State::Complete, _, Some(Delivery::Refused { .. })) => Self::Refused,
            (State::Complete, _, Some(Delivery::Failed { .. })) => Self::Failed,
            (State::Complete | State::ReadyForHitl | State::JackedOut, _, _) => Self::Done,
            (
                State::Halted,
                Some(Cause::Breaker { .. } | Cause::Budget { .. } | Cause::TriesUsed { .. }),
                _,
            ) => Self::Stopped,
            (State::Halted, Some(Cause::Interrupted), _) => Self::Interrupted,
            (State::Halted, Some(Cause::Asked { reason }), _) if reason == "interrupted" => {
                Self::Interrupted
            }
            (State::Halted, Some(Cause::AgentUnavailable { .. }), _) => Self::Failed,
            (
                State::Halted,
                Some(
                    Cause::Asked { .. }
                    | Cause::FailVerdict { .. }
                    | Cause::PersonNeeded { .. }
                    | Cause::Approval { .. }
                    | Cause::Rejected { .. },
                )
                | None,
                _,
            ) => Self::PersonNeeded,
            (State::Ready | State::JackIn | State::Running, _, _) => Self::PersonNeeded,
        }
    }
}

#[derive(Debug)]
pub(super) struct Fail {
    pub exit: Exit,
    pub message: String,
    pub details: Vec<String>,
    pub hint: Option<String>,
    /// Everything was said already.
    pub shown: bool,
}

impl Fail {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), hint: None, shown: false }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With what it is about in front.
    pub(super) fn about(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    pub(super) fn shown(exit: Exit) -> Self {
        Self { shown: true, ..Self::new(exit, "") }
    }
}

impl From<anyhow::Error> for Fail {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<AppendError>() {
            Ok(error) => error.into(),
            Err(error) => {
                let corrupt = error.chain().any(|cause| {
                    cause.is::<crate::store::wire::DecodeError>()
                        || cause.is::<crate::domain::run::Refusal>()
                });
                Self::new(if corrupt { Exit::Fault } else { Exit::Failed }, format!("{error:#}"))
            }
        }
    }
}

impl From<AppendError> for Fail {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::LeaseLost { .. } => {
                Self::new(Exit::Held, error.to_string()).hint("git run status")
            }
            AppendError::Overtaken(_) => Self::new(Exit::Held, error.to_string())
                .hint("git run status, and then the same again"),
            AppendError::Refused(refusal) => {
                Self::new(Exit::Fault, refusal.to_string()).hint("git run verify")
            }
            AppendError::Away { ref run, .. } => Self::new(Exit::Held, error.to_string())
                .hint(format!("git run adopt {run} takes it back")),
            AppendError::Newer => Self::new(Exit::Failed, error.to_string()),
            AppendError::Other(error) => error.into(),
        }
    }
}

impl From<Stop> for Fail {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::StillAlive(ref mark) => {
                let hint = format!(
                    "wait for it, or end it with `kill {}`; then `git run resume`",
                    mark.pid
                );
                Self::new(Exit::Held, stop.to_string()).hint(hint)
            }
            Stop::NotTheirs(_) => Self::new(Exit::Refused, stop.to_string())
                .hint("somebody else does it: git run next --as '<their name>'"),
            Stop::InDoubt(_) => Self::new(Exit::PersonNeeded, stop.to_string())
                .hint("make sure that it has ended there; then `git run resume --force`"),
            Stop::Append(error) => error.into(),
            Stop::World(error) => error.into(),
        }
    }
}

impl From<HoldError> for Fail {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Held { .. } => {
                Self::new(Exit::Held, error.to_string()).hint("git run status")
            }
            HoldError::Other(error) => error.into(),
        }
    }
}

impl From<Denied> for Fail {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NothingTo { .. } => {
                Self::new(Exit::Failed, denied.to_string()).hint("git run status")
            }
            Denied::BreakerOpen { .. } => {
                Self::new(Exit::Stopped, denied.to_string()).hint("git run resume --reset-ice")
            }
        }
    }
}

impl From<Denial> for Fail {
    fn from(denial: Denial) -> Self {
        let rule = format!("rule: {}", denial.rule);
        let next = denial.next;
        Self { details: vec![rule], hint: next, ..Self::new(Exit::Refused, denial.reason) }
    }
}

impl From<NotRestored> for Fail {
    fn from(not: NotRestored) -> Self {
        let message = not.to_string();
        match not {
            NotRestored::Refused(refused) => {
                let hint = match refused {
                    Refused::OtherBranch { then, .. } | Refused::Detached { then, .. } => {
                        format!("git switch {then}, and then the same again")
                    }
                    Refused::Attached { .. } => {
                        "git switch --detach, and then the same again".into()
                    }
                    Refused::InProgress { .. } => {
                        "finish or abort it with git, and then the same again".into()
                    }
                    Refused::WasInProgress { .. } => {
                        "git run restore <path>@<number> brings back single files".into()
                    }
                    Refused::BadPath { .. } => {
                        "git run checkpoint list, and take another one".into()
                    }
                };
                Self::new(Exit::Failed, message).hint(hint)
            }
            NotRestored::Busy { .. } => Self::new(Exit::Held, message).hint("git run status"),
            NotRestored::InDoubt { .. } => Self::new(Exit::PersonNeeded, message)
                .hint("make sure that it has ended there; then the same again with --force"),
            NotRestored::Append(error) => error.into(),
            NotRestored::Other(error) => error.into(),
        }
    }
}

impl From<NoStep> for Fail {
    fn from(no: NoStep) -> Self {
        let hint = match no {
            NoStep::Moved { number, .. } => {
                format!("git run rollback --to {number} does it all the same")
            }
            NoStep::Nothing(_) | NoStep::Dropped(_) => "git run checkpoint list".to_owned(),
        };
        Self::new(Exit::Failed, no.to_string()).hint(hint)
    }
}

/// More faults than this are counted and not listed.
const FAULTS_SHOWN_MAX: usize = 50;

impl From<NotStarted> for Fail {
    fn from(not: NotStarted) -> Self {
        match not {
            NotStarted::NoPlan => Self::new(Exit::Failed, not.to_string()).hint(
                "write `plan.toml` or `plan.md`, or say where it is: git config run.plan <file>",
            ),
            NotStarted::BadPlan { ref name, ref faults }
            | NotStarted::BadWorkflow { ref name, ref faults } => Self {
                details: fault_lines(name, faults),
                ..Self::new(Exit::Failed, not.to_string())
            },
            NotStarted::NoTarget(_) => {
                Self::new(Exit::Usage, not.to_string()).hint("git run plan show")
            }
            NotStarted::Unfit(unfit) => {
                let exit = if unfit.refused { Exit::Refused } else { Exit::Failed };
                Self::new(exit, unfit.what).hint(unfit.hint)
            }
            NotStarted::Usage(message) => Self::new(Exit::Usage, message),
            NotStarted::Other(error) => error.into(),
        }
    }
}

/// `plan.toml:7: what is wrong`, each with its fix below it.
pub(super) fn fault_lines(name: &str, faults: &[crate::domain::plan_check::Fault]) -> Vec<String> {
    let mut lines: Vec<String> = faults
        .iter()
        .take(FAULTS_SHOWN_MAX)
        .flat_map(|fault| {
            [format!("{name}:{}: {}", fault.line, fault.what), format!("    fix: {}", fault.fix)]
        })
        .collect();
    if FAULTS_SHOWN_MAX < faults.len() {
        lines.push(format!("… and {} more", faults.len() - FAULTS_SHOWN_MAX));
    }
    lines
}
