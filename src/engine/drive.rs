//! The loop. It has no choices left: `domain::step` decides, this announces, performs and records.
//!
//! There is no separate resume: resuming is this loop over a journal that already has events.

use crate::{
    domain::{
        event::{Delivery, Event, ProcessMark, RefMove, StageEnd, StageStart, Work},
        id::{ItemId, Oid},
        item::{Phase, Working, handed_to},
        run::{Run, State},
        step::{Sight, Step, next_step},
        time::Timestamp,
    },
    store::journal::{AppendError, Artifact, Journal},
};

/// Where events go. Real: a journal in git. Scripted, in tests: a list.
pub trait Log {
    fn run(&self) -> &Run;
    fn append(
        &mut self,
        events: Vec<Event>,
        artifacts: &[Artifact],
        now: Timestamp,
    ) -> Result<(), AppendError>;
    /// Learns what others have written.
    fn refresh(&mut self) -> Result<(), AppendError>;
}

impl Log for Journal<'_> {
    fn run(&self) -> &Run {
        Journal::run(self)
    }

    fn append(
        &mut self,
        events: Vec<Event>,
        artifacts: &[Artifact],
        now: Timestamp,
    ) -> Result<(), AppendError> {
        Journal::append(self, events, artifacts, now)
    }

    fn refresh(&mut self) -> Result<(), AppendError> {
        Journal::refresh(self)
    }
}

/// Everything outside. Real: the repository and its agents. Scripted, in tests: a table of answers.
pub trait World {
    fn now(&self) -> Timestamp;
    fn look(&mut self, run: &Run) -> anyhow::Result<Sight>;
    /// Whether somebody at the terminal asked to stop since the last look.
    fn interrupted(&mut self) -> bool;
    /// The refs that must move before the branch can be stood on; none when it is there.
    fn branch_moves(&mut self, run: &Run) -> anyhow::Result<Vec<RefMove>>;
    /// Stands on the run's branch; where that is.
    fn stand_on_branch(&mut self, run: &Run) -> anyhow::Result<(Oid, Oid)>;
    fn settle(&mut self, moves: &[RefMove]) -> anyhow::Result<Vec<String>>;
    fn agent_for(&mut self, run: &Run, start: &StageStart) -> anyhow::Result<String>;
    /// Saves the work tree as it is before a stage; the event that says so.
    fn checkpoint(&mut self, run: &Run) -> anyhow::Result<Event>;
    fn stage(&mut self, log: &mut dyn Log, start: &StageStart) -> Result<Ended, AppendError>;
    /// Builds these side by side, and writes down how each begins and ends.
    fn lanes(&mut self, log: &mut dyn Log, items: &[ItemId]) -> Result<(), AppendError>;
    /// Ends what is left of lanes whose runner is gone, keeps what is there, and writes that down.
    fn lanes_gone(&mut self, log: &mut dyn Log) -> Result<Standing, AppendError>;
    /// Whether what the item's lane built is brought in, and as what.
    fn join(&mut self, run: &Run, item: &ItemId) -> anyhow::Result<Event>;
    /// Makes the work tree this tree, which was announced. It may have been begun before.
    fn bring_in(&mut self, run: &Run, tree: &Oid) -> anyhow::Result<()>;
    fn standing(&mut self, run: &Run, working: &Working) -> anyhow::Result<Standing>;
    fn commit(&mut self, run: &Run) -> anyhow::Result<Event>;
    /// The commit at HEAD, which bears the announced commit's trailers.
    fn adopt(&mut self, run: &Run) -> anyhow::Result<Work>;
    fn survey(&mut self, run: &Run) -> anyhow::Result<Event>;
    /// What is to be kept beside decisions for whoever goes on.
    fn hand_over(&mut self, _run: &Run, _events: &[Event]) -> Vec<Artifact> {
        Vec::new()
    }
    /// Puts notes on the commits that the event tells of; what is to be kept beside the event.
    fn noted(&mut self, run: &Run, event: &Event) -> anyhow::Result<Vec<Artifact>>;
    fn wait(&mut self, log: &mut dyn Log, until: Timestamp) -> Result<(), AppendError>;
    /// What to announce before the push, or the outcome when nothing is to be pushed.
    fn delivery(&mut self, run: &Run) -> anyhow::Result<Event>;
    fn deliver(&mut self, run: &Run) -> anyhow::Result<Delivery>;
}

#[derive(Debug)]
pub struct Ended {
    pub end: StageEnd,
    pub artifacts: Vec<Artifact>,
}

/// What became of a process that an earlier holder started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Gone(String),
    Alive(ProcessMark),
    CannotTell(String),
}

#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error("process {} on {} is still at work on this stage", .0.pid, .0.host)]
    StillAlive(ProcessMark),
    #[error("{0}")]
    NotTheirs(String),
    #[error("it cannot be told whether the stage's processes are gone: {0}")]
    InDoubt(String),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    World(#[from] anyhow::Error),
}

/// Steps that may follow each other without a new event: beyond it something goes round in circles.
const IDLE_STEPS_MAX: u32 = 8;

/// How far a run was driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drove {
    /// There is nothing to do without a person.
    Rests,
    /// The next call of an agent has to wait.
    Waits(Timestamp),
    /// A stage of an agent is announced, and left to whoever asked.
    Handed,
}

/// Drives the run until there is nothing to do without a person.
pub fn drive(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    go(log, world, None).map(drop)
}

/// Whoever asks for the stages that agents do, and their name, where they say it.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a>(pub Option<&'a str>);

/// The same, but calls no agent and waits for nothing.
pub fn drive_to_stage(
    log: &mut dyn Log,
    world: &mut dyn World,
    hand: Hand<'_>,
) -> Result<Drove, Stop> {
    go(log, world, Some(hand))
}

/// The stage that somebody was handed and has not reported on.
#[must_use]
pub fn handed(run: &Run) -> Option<StageStart> {
    let (item, active) = run.active_item().zip(run.active())?;
    let Phase::Working(working) = &active.phase else { return None };
    working.is_handed().then(|| StageStart {
        item: item.id.clone(),
        stage: active.stage.clone(),
        cycle: active.cycle,
        attempt: active.attempt,
        agent: working.agent.clone(),
        head: working.head.clone(),
        tree: working.tree.clone(),
    })
}

fn go(log: &mut dyn Log, world: &mut dyn World, hand: Option<Hand<'_>>) -> Result<Drove, Stop> {
    let by_hand = hand.is_some();
    let mut idle = 0;
    loop {
        log.refresh()?;
        let before = log.run().seq;
        note_interrupt(log, world)?;
        let seen = world.look(log.run())?;
        let step = next_step(log.run(), &seen);
        tracing::debug!(?step, state = log.run().state.word(), "next");
        match step {
            Step::Rest => return Ok(Drove::Rests),
            Step::WaitUntil(until) if by_hand => return Ok(Drove::Waits(until)),
            Step::SeeProcessGone if by_hand && handed(log.run()).is_some() => {
                return Ok(Drove::Handed);
            }
            // Nobody is called, so that one thing comes after the other.
            Step::RunLanes(_) if by_hand => {
                if let Some(item) = log.run().next_item().map(|item| item.id.clone()) {
                    let event = Event::ItemStarted { item, head: seen.head, tree: seen.tree };
                    record(log, vec![event], world.now())?;
                }
            }
            step => match (step, hand) {
                (Step::RunStage(start), Some(Hand(who))) if calls(log.run(), &start) => {
                    log.run().may_take(&start.stage, who).map_err(Stop::NotTheirs)?;
                    let agent = handed_to(who);
                    begin_stage(log, world, StageStart { agent, ..start })?;
                }
                (step, _) => perform(log, world, step)?,
            },
        }
        idle = if before < log.run().seq { 0 } else { idle + 1 };
        if IDLE_STEPS_MAX < idle {
            return Err(anyhow::anyhow!("the run goes round in circles at event {before}").into());
        }
    }
}

/// What this program does itself is handed to nobody.
fn calls(run: &Run, start: &StageStart) -> bool {
    run.shape(&start.stage).is_none_or(|shape| shape.duty.calls())
}

fn note_interrupt(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    let run = log.run();
    let stoppable = matches!(run.state, State::Ready | State::JackIn | State::Running);
    if world.interrupted() && stoppable && run.halt_request.is_none() && run.stop.is_none() {
        let event = Event::HaltRequested { reason: "interrupted".to_owned(), force: false };
        record(log, vec![event], world.now())?;
    }
    Ok(())
}

fn perform(log: &mut dyn Log, world: &mut dyn World, step: Step) -> Result<(), Stop> {
    match step {
        Step::Rest => Ok(()),
        Step::Record(events) => {
            let kept = world.hand_over(log.run(), &events);
            record_with(log, events, &kept, world.now())
        }
        Step::JackIn => jack_in(log, world),
        Step::SettleIntent => settle(log, world),
        Step::RunStage(start) => run_stage(log, world, start),
        Step::RunLanes(items) => Ok(world.lanes(log, &items)?),
        Step::SeeLanesGone => see_lanes_gone(log, world),
        Step::JoinLane(item) => join_lane(log, world, &item),
        Step::BringIn { tree, then } => {
            world.bring_in(log.run(), &tree)?;
            record(log, vec![*then], world.now())
        }
        Step::SeeProcessGone => see_process_gone(log, world),
        Step::Commit => commit(log, world),
        Step::AdoptCommit => {
            let work = world.adopt(log.run())?;
            committed(log, world, Event::WorkCommitted(work))
        }
        Step::SurveyHead => {
            let event = world.survey(log.run())?;
            committed(log, world, event)
        }
        Step::WaitUntil(until) => Ok(world.wait(log, until)?),
        Step::Deliver => deliver(log, world),
    }
}

/// Writes a decision down. One that no longer fits what others wrote is decided again.
fn record(log: &mut dyn Log, events: Vec<Event>, now: Timestamp) -> Result<(), Stop> {
    record_with(log, events, &[], now)
}

fn record_with(
    log: &mut dyn Log,
    events: Vec<Event>,
    artifacts: &[Artifact],
    now: Timestamp,
) -> Result<(), Stop> {
    let before = log.run().seq;
    match log.append(events, artifacts, now) {
        Err(AppendError::Overtaken(refusal)) if before < log.run().seq => {
            tracing::debug!(%refusal, "decided anew");
            Ok(())
        }
        other => Ok(other?),
    }
}

fn jack_in(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    let moves = world.branch_moves(log.run())?;
    if !moves.is_empty() {
        let purpose = format!("make the branch `{}`", log.run().charter.branch);
        return record(log, vec![Event::IntentDeclared { purpose, moves }], world.now());
    }
    let (head, tree) = world.stand_on_branch(log.run())?;
    record(log, vec![Event::RunStarted { head, tree }], world.now())
}

fn settle(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    let moves = log.run().intent.clone().unwrap_or_default();
    let conflicts = world.settle(&moves)?;
    record(log, vec![Event::IntentSettled { conflicts }], world.now())
}

fn run_stage(log: &mut dyn Log, world: &mut dyn World, start: StageStart) -> Result<(), Stop> {
    let start = StageStart { agent: world.agent_for(log.run(), &start)?, ..start };
    if let Some((shape, active)) = log.run().shape(&start.stage).zip(log.run().active())
        && !active.may_do(shape, &start.agent)
    {
        let why = format!("`{}` has built it, and so may not do `{}`", start.agent, start.stage);
        return Err(Stop::NotTheirs(why));
    }
    if begin_stage(log, world, start.clone())? {
        let ended = world.stage(log, &start)?;
        end_stage(log, ended, world.now())?;
    }
    Ok(())
}

/// Announces it. No where somebody asked for a halt in between.
fn begin_stage(log: &mut dyn Log, world: &mut dyn World, start: StageStart) -> Result<bool, Stop> {
    let before = log.run().seq;
    let events = vec![world.checkpoint(log.run())?, Event::StageStarted(start)];
    match log.append(events, &[], world.now()) {
        Err(AppendError::Overtaken(_)) if before < log.run().seq => Ok(false),
        other => Ok(other.map(|()| true)?),
    }
}

/// Writes down what has come of it.
pub fn end_stage(log: &mut dyn Log, ended: Ended, now: Timestamp) -> Result<(), AppendError> {
    log.append(vec![Event::StageEnded(Box::new(ended.end))], &ended.artifacts, now)
}

fn see_process_gone(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    let Some(Phase::Working(working)) = log.run().active().map(|active| active.phase.clone())
    else {
        return Ok(());
    };
    match world.standing(log.run(), &working)? {
        Standing::Gone(why) => record(log, vec![Event::StageLost { why }], world.now()),
        Standing::Alive(mark) => Err(Stop::StillAlive(mark)),
        Standing::CannotTell(why) => Err(Stop::InDoubt(why)),
    }
}

fn see_lanes_gone(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    match world.lanes_gone(log)? {
        Standing::Gone(_) => Ok(()),
        Standing::Alive(mark) => Err(Stop::StillAlive(mark)),
        Standing::CannotTell(why) => Err(Stop::InDoubt(why)),
    }
}

fn join_lane(log: &mut dyn Log, world: &mut dyn World, item: &ItemId) -> Result<(), Stop> {
    let event = world.join(log.run(), item)?;
    let mut events = Vec::new();
    if matches!(event, Event::LaneJoined { .. }) {
        events.push(world.checkpoint(log.run())?);
    }
    events.push(event);
    record(log, events, world.now())
}

fn commit(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    let event = world.commit(log.run())?;
    committed(log, world, event)
}

fn committed(log: &mut dyn Log, world: &mut dyn World, event: Event) -> Result<(), Stop> {
    // The notes first: they are found by the commits, and made again when this dies in between.
    let kept = world.noted(log.run(), &event)?;
    record_with(log, vec![event], &kept, world.now())
}

fn deliver(log: &mut dyn Log, world: &mut dyn World) -> Result<(), Stop> {
    if !log.run().delivering {
        let event = world.delivery(log.run())?;
        let announced = matches!(event, Event::DeliveryStarted { .. });
        record(log, vec![event], world.now())?;
        if !announced {
            return Ok(());
        }
    }
    let outcome = world.deliver(log.run())?;
    record(log, vec![Event::DeliveryEnded { outcome }], world.now())
}
