//! What there is to see of a run, and the next legal command. Every face of the report is made from this.

use super::{
    drift,
    event::{Cause, Delivery, PushMode},
    finding::Finding,
    gate::Gate,
    id::{ItemId, Oid, StageId},
    item::{Phase, Progress},
    reconcile::Strength,
    run::{Breaker, Run, State},
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunView {
    pub run: Run,
    /// Whether a process holds the run right now.
    pub held: bool,
    pub elapsed: Span,
    /// What others did since, as far as it was looked at.
    pub outside: Option<Glance>,
    /// What drifted from its plan and its sections, as far as it was looked at.
    pub drift: Option<drift::Glance>,
    /// What the guard refused to whoever works in it.
    pub refusals: u64,
    /// Work trees of lanes in which nobody works any more.
    pub left: Vec<String>,
    pub next: NextMove,
    /// The remote that it was fetched from; then it is not one's own.
    pub from: Option<String>,
    /// What its frozen workflow asks at the stages that wait for a person, where it was looked up.
    pub asks: Vec<(StageId, String)>,
}

/// What was done outside of a run since its last event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    pub commits: u32,
    pub rewritten: bool,
    /// Paths that are not committed; 0 where nobody looked.
    pub uncommitted: usize,
}

/// What a person or an agent can do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextMove {
    pub command: String,
    pub why: String,
}

impl RunView {
    #[must_use]
    pub fn new(run: Run, held: bool, now: Timestamp) -> Self {
        let next = next_move(&run, held, Some(now));
        let elapsed = if held && run.state == State::Running {
            run.ran.plus(run.ran_by(now).minus(run.ran_since_reset))
        } else {
            run.ran
        };
        Self {
            run,
            held,
            elapsed,
            outside: None,
            drift: None,
            refusals: 0,
            left: Vec::new(),
            next,
            from: None,
            asks: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_asks(self, asks: Vec<(StageId, String)>) -> Self {
        Self { asks, ..self }
    }

    /// What a stage asks of a person, on one line.
    #[must_use]
    pub fn asks(&self, stage: &StageId) -> Option<String> {
        let (_, ask) = self.asks.iter().find(|(known, _)| known == stage)?;
        let ask = ask.split_whitespace().collect::<Vec<_>>().join(" ");
        (!ask.is_empty()).then_some(ask)
    }

    #[must_use]
    pub fn with_outside(self, outside: Option<Glance>) -> Self {
        Self { outside, ..self }
    }

    #[must_use]
    pub fn with_drift(self, drift: Option<drift::Glance>) -> Self {
        Self { drift, ..self }
    }

    #[must_use]
    pub fn with_refusals(self, refusals: u64) -> Self {
        Self { refusals, ..self }
    }

    #[must_use]
    pub fn with_left(self, left: Vec<String>) -> Self {
        Self { left, ..self }
    }

    /// As somebody else's, whom it cannot be told whether they are at work.
    #[must_use]
    pub fn fetched_from(self, remote: String) -> Self {
        let (id, halt) = (&self.run.charter.run, &self.run.halt);
        let waits = self.run.state == State::Halted && matches!(halt, Some(Cause::Approval { .. }));
        let (command, why) = match waits && self.next.command.starts_with("git run approve") {
            true => (
                format!("git run approve --run {id}"),
                format!(
                    "it waits for a person, wherever they are; git run adopt {id} takes it over"
                ),
            ),
            false => (
                format!("git run adopt {id} --from {remote}"),
                "it is not of this clone; a person takes it over so".to_owned(),
            ),
        };
        Self { held: false, next: NextMove { command, why }, from: Some(remote), ..self }
    }

    /// As one whose next step is for somebody else to ask for.
    #[must_use]
    pub fn handed_on(self, why: String) -> Self {
        let command = "git run next --as '<their name>'".to_owned();
        Self { next: NextMove { command, why }, ..self }
    }

    #[must_use]
    pub fn done(&self) -> usize {
        let is_done = |progress: &Progress| {
            matches!(progress, Progress::Done { .. } | Progress::Inferred { .. })
        };
        self.run.items.iter().filter(|item| is_done(&item.progress)).count()
    }

    /// Those of them that nobody judged.
    #[must_use]
    pub fn inferred(&self) -> usize {
        let is_inferred = |progress: &Progress| matches!(progress, Progress::Inferred { strength, .. } if *strength != Strength::Superseded);
        self.run.items.iter().filter(|item| is_inferred(&item.progress)).count()
    }

    #[must_use]
    pub fn percent(&self) -> usize {
        self.done() * 100 / self.run.items.len().max(1)
    }

    #[must_use]
    pub fn open_findings(&self) -> &[Finding] {
        self.run.active().map_or(&[], |active| &active.findings)
    }

    /// The stage that is at work or next, with its cycle and attempt.
    #[must_use]
    pub fn position(&self) -> Option<Position<'_>> {
        let (item, active) = self.run.active_item().zip(self.run.active())?;
        let doing = match &active.phase {
            Phase::Ready => "next",
            Phase::Working(working) if working.is_handed() => "handed out",
            Phase::Working(_) if self.held => "at work",
            // The runner is gone: what its stage did is not known.
            Phase::Working(_) => "in doubt",
            Phase::Uncommitted { .. } => "to be committed",
            Phase::Waiting(_) => "waits for a person",
            Phase::Passed => "passed",
        };
        let agent = match &active.phase {
            Phase::Working(working) => Some(working.agent.as_str()),
            Phase::Ready | Phase::Uncommitted { .. } | Phase::Waiting(_) | Phase::Passed => None,
        };
        Some(Position {
            item: item.id.as_str(),
            stage: &active.stage,
            cycle: active.cycle,
            attempt: active.attempt,
            doing,
            agent,
        })
    }

    #[must_use]
    pub fn breaker_word(&self) -> &'static str {
        match self.run.breaker {
            Breaker::Closed => "closed",
            Breaker::Open { .. } => "open",
            Breaker::HalfOpen { .. } => "half-open",
        }
    }

    /// The run's own commit range.
    #[must_use]
    pub fn range(&self) -> (&Oid, &Oid) {
        (&self.run.charter.start, &self.run.head)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position<'a> {
    pub item: &'a str,
    pub stage: &'a StageId,
    pub cycle: u32,
    pub attempt: u32,
    pub doing: &'static str,
    pub agent: Option<&'a str>,
}

fn is_handed(run: &Run) -> bool {
    run.active().is_some_and(
        |active| matches!(&active.phase, Phase::Working(working) if working.is_handed()),
    )
}

/// Without a time nothing that is asked is too late.
pub(super) fn next_move(run: &Run, held: bool, now: Option<Timestamp>) -> NextMove {
    let say = |command: String, why: &str| NextMove { command, why: why.to_owned() };
    let id = &run.charter.run;
    if run.newer {
        return say(
            format!("git run log {id}"),
            "its journal was written by a newer version; update git-run to go on",
        );
    }
    match run.state {
        State::Ready | State::JackIn | State::Running if held => {
            say("git run halt".to_owned(), "it is at work; this stops it after the present stage")
        }
        State::Running if is_handed(run) => {
            say("git run report".to_owned(), "a step is handed out; this takes what came of it")
        }
        State::Ready | State::JackIn | State::Running => {
            say("git run resume".to_owned(), "its process is gone; this goes on where it stopped")
        }
        State::Halted if run.is_at_rest() && run.may_leave(&run.head) => match &run.delivery {
            Some(Delivery::Pushed { commit, .. }) if *commit == run.head => {
                say(format!("git run pr {id}"), "it is pushed, and every gate was answered for")
            }
            _ => say(format!("git run push {id}"), "every gate was answered for, at this commit"),
        },
        State::Halted => halted(run, now),
        State::Complete => match &run.delivery {
            Some(Delivery::Failed { .. } | Delivery::Refused { .. }) => say(
                "git run resume".to_owned(),
                "the work is done, but not delivered; this tries again, and `git run halt --force` leaves it as it is",
            ),
            Some(Delivery::Pushed { .. } | Delivery::Skipped { .. }) | None => {
                say("git run resume".to_owned(), "the work is done, but not delivered")
            }
        },
        State::ReadyForHitl if run.charter.push != PushMode::Local && !run.is_proposed() => {
            say(format!("git run pr {id}"), "it is pushed; this opens a draft pull request")
        }
        State::ReadyForHitl | State::JackedOut => {
            let (start, head) = (&run.charter.start, &run.head);
            say(
                format!("git log {}..{}", start.short(), head.short()),
                "it is over; this shows its commits",
            )
        }
    }
}

/// What goes on with a run that was halted.
fn halted(run: &Run, now: Option<Timestamp>) -> NextMove {
    let say = |command: String, why: &str| NextMove { command, why: why.to_owned() };
    let id = &run.charter.run;
    match (&run.breaker, &run.halt) {
        (Breaker::Open { .. }, _) => say(
            "git run resume --reset-ice".to_owned(),
            "the breaker is open; this tries one cycle",
        ),
        (_, Some(Cause::Approval { item, stage })) => answered(run, item, stage, now),
        (_, Some(Cause::Rejected { .. })) => say(
            "git run resume".to_owned(),
            "a person said no; this asks again, and git run halt --force gives it up",
        ),
        (_, Some(Cause::FailVerdict { .. })) => say(
            "git run resume".to_owned(),
            "a judge said fail; this asks it again, and git run reopen STAGE -m WHY begins before it",
        ),
        (_, Some(Cause::PersonNeeded { .. })) => match paused(run) {
            Some(gate) => say(
                format!("git run approve {gate}"),
                "it waits for a person; -m TEXT is the answer, and reject says no",
            ),
            None => say("git run resume".to_owned(), "it is halted"),
        },
        (_, Some(Cause::Budget { .. })) => say(
            format!("git run show {id}"),
            "the budget is nearly used up; raising it takes a new run",
        ),
        (_, Some(Cause::TriesUsed { stage, .. })) => say("git run resume".to_owned(), &mend(stage)),
        (Breaker::Closed | Breaker::HalfOpen { .. }, _) => {
            say("git run resume".to_owned(), "it is halted")
        }
    }
}

/// What a paused item asks. A question that is open besides is not why it was halted.
fn paused(run: &Run) -> Option<Gate> {
    run.waits().into_iter().find(|one| one.at.is_none()).map(|one| one.gate)
}

/// The answers that a question takes.
fn answered(run: &Run, item: &ItemId, stage: &StageId, now: Option<Timestamp>) -> NextMove {
    let waits = run.waits();
    let until = waits.iter().find(|one| one.gate.item == *item).and_then(|one| one.until);
    if now.is_some_and(|now| until.is_some_and(|until| until <= now)) {
        let why = "the time for an answer is over; this asks again".to_owned();
        return NextMove { command: "git run resume".to_owned(), why };
    }
    let why = match run.shape(stage).is_some_and(|shape| shape.back_to.is_some()) {
        true => "it waits for a person; reject and modify -m TEXT are the other answers",
        false => "it waits for a person; reject -m TEXT is the other answer",
    };
    NextMove { command: format!("git run approve {stage}"), why: why.to_owned() }
}

/// What a person can do where a stage sent back as often as it may.
fn mend(stage: &StageId) -> String {
    format!(
        "asks `{stage}` again: mend what was found first, or answer for it with `git run override {stage} --reason TEXT`"
    )
}

#[cfg(test)]
mod tests;
