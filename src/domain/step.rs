//! What should happen next: a pure function of the run and of what is seen in the repository.

use super::{
    event::{Asked, Cause, Delivery, Event, StageStart, Trip},
    id::{ItemId, Oid, RunId, StageId},
    item::{Active, Item, Phase, Progress, Waiting},
    lane,
    limits::BudgetLevel,
    run::{Breaker, Run, State},
    time::Timestamp,
    workflow::{Duty, Missing, Need, StageShape},
};

/// What the shell sees when it looks at the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    pub now: Timestamp,
    /// The branch that is checked out; nothing when HEAD is detached.
    pub branch: Option<String>,
    pub head: Oid,
    pub tree: Oid,
    pub dirty: bool,
    /// Who made the commit at HEAD, when its trailers say so.
    pub marks: Option<Marks>,
    /// Files that the stage at hand needs and that are not there.
    pub lacks: Vec<String>,
    /// Finished items whose files somebody changed since, where the workflow looks at that.
    pub shaken: Vec<ItemId>,
}

/// The trailers of a work commit, by which it is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    pub run: RunId,
    pub item: String,
    pub stage: String,
    pub cycle: u32,
    pub parent: Option<Oid>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Write these events down: nothing in the world changes.
    Record(Vec<Event>),
    /// Make or reuse the branch and stand on it.
    JackIn,
    /// Bring the refs of a declared intent to where it says.
    SettleIntent,
    RunStage(StageStart),
    /// Build these side by side, each in a work tree of its own.
    RunLanes(Vec<ItemId>),
    /// Lanes were begun by somebody who is gone: see that their processes are gone, and keep what is there.
    SeeLanesGone,
    /// See whether what the item's lane built can be brought in.
    JoinLane(ItemId),
    /// Make the work tree this tree, and then say so.
    BringIn {
        tree: Oid,
        then: Box<Event>,
    },
    /// A stage was announced by somebody who is gone: see that its processes are gone too.
    SeeProcessGone,
    /// Perform the commit that is announced.
    Commit,
    /// The announced commit is there: HEAD bears its trailers.
    AdoptCommit,
    /// Somebody else moved the branch: see what happened.
    SurveyHead,
    WaitUntil(Timestamp),
    Deliver,
    /// Nothing, until a person says otherwise.
    Rest,
}

#[must_use]
pub fn next_step(run: &Run, seen: &Sight) -> Step {
    match run.state {
        State::Ready => Step::Record(vec![Event::JackInBegan]),
        State::JackIn if run.intent.is_some() => Step::SettleIntent,
        State::JackIn => match &run.halt_request {
            Some(request) => halt(Cause::Asked { reason: request.reason.clone() }),
            None => Step::JackIn,
        },
        State::Running if run.intent.is_some() => Step::SettleIntent,
        State::Running => running(run, seen),
        // Announced, and nobody heard what came of it.
        State::Complete if run.delivering => Step::Deliver,
        State::Complete => match run.delivery {
            Some(Delivery::Refused { .. } | Delivery::Failed { .. }) => Step::Rest,
            Some(Delivery::Pushed { .. } | Delivery::Skipped { .. }) | None => Step::Deliver,
        },
        State::Halted | State::ReadyForHitl | State::JackedOut => Step::Rest,
    }
}

fn running(run: &Run, seen: &Sight) -> Step {
    if run.lanes.iter().any(lane::Lane::is_working) {
        return Step::SeeLanesGone;
    }
    if seen.branch.as_deref() != Some(&run.charter.branch) {
        return elsewhere(run, seen);
    }
    let Some((item, active)) = run.active_item().zip(run.active()) else {
        return between_items(run, seen);
    };
    if matches!(active.phase, Phase::Working(_)) {
        return Step::SeeProcessGone;
    }
    if let Some(committing) = &active.committing {
        let is_ours = seen.marks.as_ref().is_some_and(|marks| {
            marks.run == run.charter.run && marks.parent.as_ref() == Some(&committing.parent)
        });
        return match (is_ours, seen.head == committing.parent) {
            (true, _) => Step::AdoptCommit,
            (false, true) => Step::Commit,
            (false, false) => Step::SurveyHead,
        };
    }
    if seen.head != run.head {
        return Step::SurveyHead;
    }
    // Announced: half of it in the work tree is nothing to halt with.
    if let (Phase::Uncommitted { .. }, Some(tree)) = (&active.phase, lane::joining(run, &item.id)) {
        let then = Box::new(commit_announced(item, active, seen, active.stage.as_str()));
        return Step::BringIn { tree: tree.clone(), then };
    }
    if let Some(cause) = must_halt(run) {
        return save_then(run, item, active, seen, || halt(cause.clone()));
    }
    if let Some(events) = breaker_moves(run, active, seen.now) {
        return Step::Record(events);
    }
    match &active.phase {
        Phase::Uncommitted { .. } if seen.dirty => announce(run, item, active, seen),
        // Somebody tidied up in between: what is there now is looked at, not guessed.
        Phase::Uncommitted { .. } => Step::SurveyHead,
        Phase::Passed => passed(run, item, active, seen),
        Phase::Ready => ready(run, item, active, seen),
        Phase::Waiting(waiting) => waits(run, item, active, waiting, seen),
        Phase::Working(_) => Step::SeeProcessGone,
    }
}

fn elsewhere(run: &Run, seen: &Sight) -> Step {
    if run.active().is_some_and(|active| matches!(active.phase, Phase::Working(_))) {
        return Step::SeeProcessGone;
    }
    let stands =
        seen.branch.as_deref().map_or_else(|| "a detached HEAD".to_owned(), |b| format!("`{b}`"));
    let why = format!(
        "the work tree stands on {stands}, but the run works on `{0}`: git switch {0}",
        run.charter.branch
    );
    halt(Cause::PersonNeeded { why })
}

fn between_items(run: &Run, seen: &Sight) -> Step {
    if let Some(cause) = must_halt(run) {
        return halt(cause);
    }
    if seen.head != run.head {
        return Step::SurveyHead;
    }
    if let Some(scan) = run.scan_due() {
        return Step::Record(vec![Event::AssumptionsScanned(scan)]);
    }
    if let Some(step) = shaken(run, seen) {
        return step;
    }
    let (head, tree) = (seen.head.clone(), seen.tree.clone());
    let lanes = lane::due(run, seen.now);
    if !lanes.is_empty() && !seen.dirty {
        return budget(run).unwrap_or(Step::RunLanes(lanes));
    }
    if let Some(item) = run.next_item() {
        return Step::Record(vec![Event::ItemStarted { item: item.id.clone(), head, tree }]);
    }
    match run.kept_up() {
        Some(why) => halt(Cause::PersonNeeded { why }),
        None => Step::Record(vec![Event::RunCompleted { head, tree }]),
    }
}

/// Finished items whose files changed since are verified again, each for this very tree and at most
/// as often as an item may go round.
fn shaken(run: &Run, seen: &Sight) -> Option<Step> {
    let cycles = |id: &ItemId| {
        let item = run.items.iter().find(|item| item.id == *id)?;
        match &item.progress {
            Progress::Done { tree, cycles, .. } if *tree != seen.tree => Some(*cycles),
            _ => None,
        }
    };
    let items: Vec<(&ItemId, u32)> =
        seen.shaken.iter().filter_map(|id| Some((id, cycles(id)?))).collect();
    let max = run.charter.limits.cycles_max;
    if let Some((id, cycles)) = items.iter().find(|(_, cycles)| max <= *cycles) {
        let why = format!(
            "files of `{id}` were changed again, and it was gone through {cycles} times already"
        );
        return Some(halt(Cause::PersonNeeded { why }));
    }
    let items: Vec<ItemId> = items.into_iter().map(|(id, _)| id.clone()).collect();
    (!items.is_empty()).then(|| Step::Record(vec![Event::ItemsReverified { items }]))
}

/// A person's word is asked for once, and again where it would be for something else by now.
fn waits(run: &Run, item: &Item, active: &Active, waiting: &Waiting, seen: &Sight) -> Step {
    let (head, tree) = (seen.head.clone(), seen.tree.clone());
    let same = waiting.at.as_ref().is_none_or(|at| *at == (head, tree));
    if seen.dirty && !active.refused {
        return announce(run, item, active, seen);
    }
    // Who judged another tree than this one is asked before a person is.
    if !same && let Some(stage) = asked_before(run, active, seen) {
        let (item, stage) = (item.id.clone(), stage.clone());
        return Step::Record(vec![Event::ItemReopened { item, stage }]);
    }
    if !same || waiting.until.is_some_and(|until| until <= seen.now) {
        return ask(run, item, active, seen);
    }
    halt(Cause::Approval { item: item.id.clone(), stage: active.stage.clone() })
}

/// The judge who has to look again: one before this stage, or the one who could not let it pass.
fn asked_before<'a>(run: &'a Run, active: &'a Active, seen: &Sight) -> Option<&'a StageId> {
    let human = run.shape(&active.stage).is_some_and(|shape| shape.duty == Duty::Human);
    earlier_stale(run, active, seen).or_else(|| (!human).then_some(&active.stage))
}

fn ask(run: &Run, item: &Item, active: &Active, seen: &Sight) -> Step {
    let within = run.shape(&active.stage).and_then(|shape| shape.answer_within);
    Step::Record(vec![Event::ApprovalAsked(Box::new(Asked {
        item: item.id.clone(),
        stage: active.stage.clone(),
        head: seen.head.clone(),
        tree: seen.tree.clone(),
        until: within.map(|within| seen.now.after(within)),
    }))])
}

fn must_halt(run: &Run) -> Option<Cause> {
    if let Some(cause) = &run.stop {
        let asked = run.halt_request.as_ref().filter(|_| *cause == Cause::Interrupted);
        return Some(asked.map_or(cause.clone(), |r| Cause::Asked { reason: r.reason.clone() }));
    }
    if let Some(request) = &run.halt_request {
        return Some(Cause::Asked { reason: request.reason.clone() });
    }
    if let Breaker::Open { trip, .. } = &run.breaker {
        return Some(Cause::Breaker { trip: *trip });
    }
    None
}

/// What is in the work tree is committed before a run halts, so that halting loses nothing.
fn save_then(
    run: &Run,
    item: &Item,
    active: &Active,
    seen: &Sight,
    then: impl Fn() -> Step,
) -> Step {
    if seen.dirty && !active.refused { announce(run, item, active, seen) } else { then() }
}

/// Limits are looked at before the next call, never after it.
fn breaker_moves(run: &Run, active: &Active, now: Timestamp) -> Option<Vec<Event>> {
    let limits = &run.charter.limits;
    if let Breaker::HalfOpen { cycle, open } = run.breaker {
        let passed = active.phase == Phase::Passed;
        let now_open = active.open().unwrap_or(u32::MAX);
        if passed || (cycle < active.cycle && now_open < open) {
            return Some(vec![Event::BreakerClosed]);
        }
        if cycle < active.cycle {
            let evidence = format!(
                "the trial cycle ended with {now_open} open findings, as many as before or more"
            );
            return Some(vec![Event::BreakerOpened { trip: Trip::TrialFailed, evidence }]);
        }
    }
    if active.phase == Phase::Passed {
        return None;
    }
    let tripped = active.counters.tripped(limits).or_else(|| {
        let (ran, max) = (run.ran_by(now), limits.run_time_max);
        let evidence = || format!("the run has run for {ran} of at most {max}");
        (max <= ran).then(|| (Trip::TimeLimit, evidence()))
    });
    tripped.map(|(trip, evidence)| vec![Event::BreakerOpened { trip, evidence }])
}

fn passed(run: &Run, item: &Item, active: &Active, seen: &Sight) -> Step {
    if seen.dirty && !active.refused {
        return announce(run, item, active, seen);
    }
    if seen.dirty {
        return halt(Cause::PersonNeeded {
            why: "the work tree holds changes that could not be committed".into(),
        });
    }
    match active.stale_judge(&run.charter.stages, &seen.tree) {
        Some(stage) => {
            Step::Record(vec![Event::ItemReopened { item: item.id.clone(), stage: stage.clone() }])
        }
        None => Step::Record(vec![Event::ItemFinished {
            item: item.id.clone(),
            head: seen.head.clone(),
            tree: seen.tree.clone(),
        }]),
    }
}

fn ready(run: &Run, item: &Item, active: &Active, seen: &Sight) -> Step {
    let Some(shape) = run.shape(&active.stage) else {
        let why = format!("the workflow has no stage `{}`", active.stage);
        return halt(Cause::PersonNeeded { why });
    };
    let looks = shape.duty != Duty::Build;
    if looks && seen.dirty {
        return save_then(run, item, active, seen, || {
            halt(Cause::PersonNeeded {
                why: "the work tree holds changes that could not be committed".into(),
            })
        });
    }
    // A judge is not asked while an earlier judge's pass is for another tree.
    if looks && let Some(stage) = earlier_stale(run, active, seen) {
        return Step::Record(vec![Event::ItemReopened {
            item: item.id.clone(),
            stage: stage.clone(),
        }]);
    }
    if let Some(step) = lacks(run, item, shape, seen) {
        return step;
    }
    if lane::to_join(run, &item.id, active).is_some() {
        return save_then(run, item, active, seen, || Step::JoinLane(item.id.clone()));
    }
    if shape.duty == Duty::Human {
        return ask(run, item, active, seen);
    }
    if shape.duty == Duty::Gate {
        return run_stage(item, active, seen);
    }
    if let Some(step) = budget(run) {
        return step;
    }
    if let Some(until) = run.next_call_at(seen.now) {
        // Who waits longer than the run may run waits for nothing.
        let left = run.charter.limits.run_time_max.minus(run.ran_by(seen.now));
        return if run.is_held_until(until) {
            Step::WaitUntil(until.min(seen.now.after(left)))
        } else {
            Step::Record(vec![Event::CallsHeld { until }])
        };
    }
    run_stage(item, active, seen)
}

/// What the stage needs is there, or it is passed over, or a person is needed.
fn lacks(run: &Run, item: &Item, shape: &StageShape, seen: &Sight) -> Option<Step> {
    let missing = shape.needs.iter().find_map(|need| match need {
        Need::Paper(name) => run.paper(&item.id, name).is_none().then_some(name),
        Need::File(path) => seen.lacks.contains(path).then_some(path),
    })?;
    Some(match shape.missing {
        Missing::Skip => Step::Record(vec![Event::StageSkipped {
            item: item.id.clone(),
            stage: shape.id.clone(),
            why: format!("`{missing}` is missing"),
        }]),
        Missing::Halt => halt(Cause::PersonNeeded {
            why: format!("`{}` needs `{missing}`, which is missing", shape.id),
        }),
    })
}

fn run_stage(item: &Item, active: &Active, seen: &Sight) -> Step {
    Step::RunStage(StageStart {
        item: item.id.clone(),
        stage: active.stage.clone(),
        cycle: active.cycle,
        attempt: active.attempt,
        agent: String::new(),
        head: seen.head.clone(),
        tree: seen.tree.clone(),
    })
}

fn earlier_stale<'a>(run: &'a Run, active: &Active, seen: &Sight) -> Option<&'a StageId> {
    let stages = &run.charter.stages;
    let stale = active.stale_judge(stages, &seen.tree)?;
    let at = |id: &StageId| stages.iter().position(|shape| shape.id == *id);
    (at(stale) < at(&active.stage)).then_some(stale)
}

/// Whether the budget is used up, so that nobody is called any more.
pub(super) fn is_spent(run: &Run) -> bool {
    used(run).is_some_and(|(level, _)| level == BudgetLevel::Stop)
}

/// How much of the budget is used up, of that of which the least is left.
fn used(run: &Run) -> Option<(BudgetLevel, String)> {
    let limits = &run.charter.limits;
    let rows = [
        ("tokens", run.usage.tokens(), limits.tokens_max),
        ("cost", run.usage.cost, limits.cost_max),
    ];
    let (what, used, max) =
        rows.into_iter().max_by_key(|(_, used, max)| BudgetLevel::of(*used, *max))?;
    let told = format!("{used} of {} {what}", max.unwrap_or_default());
    Some((BudgetLevel::of(used, max), told))
}

fn budget(run: &Run) -> Option<Step> {
    let (level, what) = used(run)?;
    if run.budget < level {
        return Some(Step::Record(vec![Event::BudgetReached { level, what }]));
    }
    (level == BudgetLevel::Stop).then(|| halt(Cause::Budget { what }))
}

fn announce(run: &Run, item: &Item, active: &Active, seen: &Sight) -> Step {
    let halting = must_halt(run).is_some();
    let what = match &active.phase {
        Phase::Uncommitted { then: super::item::Then::Next } if !halting => {
            active.stage.to_string()
        }
        Phase::Uncommitted { .. } => format!("what {} left", active.stage),
        Phase::Ready | Phase::Passed | Phase::Working(_) | Phase::Waiting(_) => {
            "what was left in the work tree".to_owned()
        }
    };
    Step::Record(vec![commit_announced(item, active, seen, &what)])
}

fn commit_announced(item: &Item, active: &Active, seen: &Sight, what: &str) -> Event {
    Event::CommitAnnounced { parent: seen.head.clone(), subject: subject(item, active, what) }
}

/// A conventional subject: `feat(sprint-2): …` for finished building, `wip(…)` for anything else.
fn subject(item: &Item, active: &Active, what: &str) -> String {
    let finished = matches!(&active.phase, Phase::Uncommitted { then: super::item::Then::Next });
    let (kind, what) = match (finished && *what == *active.stage.as_str(), active.cycle) {
        (true, 1) => ("feat", format!("{what} {}", item.id)),
        (true, cycle) => ("fix", format!("answer the findings of cycle {}", cycle - 1)),
        (false, _) => ("wip", what.to_owned()),
    };
    format!("{kind}({}): {what}", item.id)
}

fn halt(cause: Cause) -> Step {
    Step::Record(vec![Event::RunHalted { cause }])
}

#[cfg(test)]
mod tests;
