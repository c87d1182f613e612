//! Lanes for real: work trees and several agents at once, each begun when there is room for it.

mod join;
mod keep;

use std::{
    cell::RefCell,
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use self::keep::{Keeper, nothing_of};
use super::{RealWorld, work_of_item};
use crate::{
    agents::{
        call::{Call, Doer, LaneCall, Pool},
        steps,
    },
    config::settings::Agent,
    domain::{
        event::{Event, StageStart},
        id::ItemId,
        lane::{self, LaneEnd, LaneStart},
        outcome::{Failure, Outcome},
        plan::Task,
        run::Run,
        workflow::Stage,
    },
    engine::{
        drive::{Log, World as _},
        lanes as trees,
    },
    git::lane::LaneTree,
    process::clock,
    report::brief,
    store::journal::AppendError,
};

/// A lane whose work tree is made.
#[derive(Clone)]
struct Laid {
    start: StageStart,
    tree: LaneTree,
    name: String,
}

/// What its agent is given.
struct Given {
    brief: String,
    agent: Agent,
    tasks: Vec<Task>,
    input: Vec<(String, Vec<u8>)>,
}

/// What all lanes of one round have in common.
struct Round {
    run: Run,
    stage: Stage,
    /// All begin with the same commit, so that it makes no difference which of them ends first.
    starts: Vec<StageStart>,
    /// The directory of their work trees.
    home: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Round {
    /// Who is built in the same round, and so unseen.
    fn beside(&self, start: &StageStart) -> Vec<ItemId> {
        let others = self.starts.iter().filter(|other| other.item != start.item);
        others.map(|other| other.item.clone()).collect()
    }
}

/// The journal, as those have it in common who write in it in turn.
struct Shared<'l> {
    log: RefCell<&'l mut dyn Log>,
    /// Why nothing can be written any more.
    lost: RefCell<Option<AppendError>>,
}

impl Shared<'_> {
    /// Where the run is asked to halt in between, what has not begun does not begin.
    fn begin(&self, start: LaneStart) -> anyhow::Result<()> {
        let event = Event::LaneStarted(Box::new(start));
        self.log.borrow_mut().append(vec![event], &[], clock::now()).map_err(|error| {
            let told = anyhow::anyhow!("{error}");
            if !matches!(error, AppendError::Refused(_) | AppendError::Overtaken(_)) {
                self.lost.replace(Some(error));
            }
            told
        })
    }
}

impl RealWorld<'_> {
    pub(super) fn run_lanes(
        &mut self,
        log: &mut dyn Log,
        items: &[ItemId],
    ) -> Result<(), AppendError> {
        let Some(round) = self.round(log.run(), items)? else { return Ok(()) };
        let shared = Shared { log: RefCell::new(log), lost: RefCell::new(None) };
        let done = self.build(&round, &shared);
        shared.lost.into_inner().map_or(done, Err)
    }

    fn round(&mut self, run: &Run, items: &[ItemId]) -> anyhow::Result<Option<Round>> {
        let mut starts = Vec::new();
        for item in items {
            let stage = lane::ahead(run, item).context("the item has no stage to begin with")?;
            let start = StageStart {
                item: item.clone(),
                stage: stage.id.clone(),
                cycle: 1,
                attempt: 1,
                agent: String::new(),
                head: run.head.clone(),
                tree: self.repo.tree_of(&run.head)?,
            };
            starts.push(StageStart { agent: self.agent_for(run, &start)?, ..start });
        }
        let Some(first) = starts.first() else { return Ok(None) };
        let stage = self.stage_of(&first.stage)?.clone();
        let home = trees::home(self.repo, &self.settings.lanes)?.join(run.charter.run.as_str());
        std::fs::create_dir_all(&home)
            .with_context(|| format!("cannot make `{}`", home.display()))?;
        let (home, run) = (home.canonicalize()?, run.clone());
        Ok(Some(Round { run, stage, starts, home, environment: self.environment()? }))
    }

    /// Begins each as soon as there is room for it, and writes down how each ends.
    fn build(&self, round: &Round, shared: &Shared<'_>) -> Result<(), AppendError> {
        let (run, stage) = (&round.run, &round.stage);
        let keeper = Keeper { repo: self.repo, settings: &self.settings, run, stage };
        let mut due: Vec<ItemId> = round.starts.iter().map(|start| start.item.clone()).collect();
        let mut pool = self.caller.pool();
        loop {
            while let Some(start) = next(round, &mut due, shared, &pool)? {
                let run = shared.log.borrow().run().clone();
                let worktree = round.home.join(format!("{}-{}", start.item, run.seq));
                match self.lay(&run, round, start, &worktree) {
                    Ok(laid) => self.begin(&mut pool, laid, &run, round, shared),
                    Err(error) => {
                        let mut log = shared.log.borrow_mut();
                        could_not_begin(&mut **log, start, &worktree, &error)?;
                    }
                }
            }
            let Some((lane, called)) = pool.ended() else { return Ok(()) };
            if shared.lost.borrow().is_some() {
                return Ok(());
            }
            keeper.end(&mut **shared.log.borrow_mut(), &lane, called)?;
        }
    }

    /// Makes the work tree, and all that the agent is given.
    fn lay(
        &self,
        run: &Run,
        round: &Round,
        start: &StageStart,
        worktree: &Path,
    ) -> anyhow::Result<(Laid, Given)> {
        let (sprint, tasks) = work_of_item(&self.plan, run, &start.item)?;
        let stage = &round.stage;
        let brief = brief::text(&brief::Brief {
            plan: &self.plan,
            sprint: &sprint,
            tasks: &tasks,
            stage,
            start,
            findings: &[],
            answers: &[],
            branch: &run.charter.branch,
            range_start: start.head.as_str(),
            papers: &run.papers_for(&start.item),
            hand_in: None,
            contexts: &self.contexts(run, start, stage, &tasks),
            beside: &round.beside(start),
        });
        let (_, agent) = self.settings.agent(&start.stage, &self.agents)?;
        let input = self.input(run, &start.item)?;
        let tree = self.repo.add_lane(&run.charter.run, &start.item, worktree, &start.head)?;
        if let Err(error) = trees::copy(self.repo, &self.settings.lanes, &tree.worktree) {
            // Nobody has worked in it: what is there is elsewhere as well.
            self.repo.remove_lane(&tree).context("the work tree of a lane stays")?;
            return Err(error);
        }
        let name = tree.name();
        let tasks = tasks.into_iter().cloned().collect();
        let laid = Laid { start: start.clone(), tree, name };
        Ok((laid, Given { brief, agent, tasks, input }))
    }

    fn begin<'p>(
        &self,
        pool: &mut Pool<'p, Laid>,
        (lane, given): (Laid, Given),
        run: &Run,
        round: &Round,
        shared: &'p Shared<'_>,
    ) {
        let tasks: Vec<&Task> = given.tasks.iter().collect();
        let script =
            |report: &Path| steps::script(&tasks, &lane.start.stage, false, 1, report).to_json();
        let call = Call {
            worktree: &lane.tree.worktree,
            run,
            start: &lane.start,
            doer: match &given.agent {
                Agent::Steps => Doer::Own { verb: "execute-steps", script: &script },
                Agent::Command(words) => Doer::Command(words),
            },
            brief: given.brief,
            input: given.input,
            makes: &round.stage.makes,
            deadline: self.deadline(run),
            environment: round.environment.clone(),
            lane: Some(LaneCall { name: &lane.name, setup: &self.settings.lanes.setup }),
        };
        let begun = started(&lane);
        pool.begin(lane.clone(), &call, move |mark| {
            shared.begin(LaneStart { process: Some(mark), ..begun })
        });
    }
}

/// The next one to be begun, if there is room; whatever comes of it, its turn in this round is over.
fn next<'r>(
    round: &'r Round,
    due: &mut Vec<ItemId>,
    shared: &Shared<'_>,
    pool: &Pool<'_, Laid>,
) -> Result<Option<&'r StageStart>, AppendError> {
    let mut log = shared.log.borrow_mut();
    log.refresh()?;
    if pool.interrupted() || shared.lost.borrow().is_some() {
        return Ok(None);
    }
    let Some(item) = lane::next(log.run(), due, clock::now()).cloned() else { return Ok(None) };
    due.retain(|other| *other != item);
    Ok(round.starts.iter().find(|start| start.item == item))
}

/// Written down as well, so that nobody tries it for ever.
fn could_not_begin(
    log: &mut dyn Log,
    start: &StageStart,
    worktree: &Path,
    error: &anyhow::Error,
) -> Result<(), AppendError> {
    let begun = LaneStart {
        item: start.item.clone(),
        stage: start.stage.clone(),
        agent: start.agent.clone(),
        base: start.head.clone(),
        worktree: worktree.to_string_lossy().into_owned(),
        process: None,
    };
    let end = nothing_of(
        start,
        Outcome::Failed {
            failure: Failure::Incomplete,
            detail: format!("the lane cannot be made: {error:#}"),
        },
    );
    let of = LaneEnd { item: start.item.clone(), end, saved: None };
    let events = vec![Event::LaneStarted(Box::new(begun)), Event::LaneEnded(Box::new(of))];
    match log.append(events, &[], clock::now()) {
        // Somebody asked for a halt in between.
        Err(AppendError::Refused(_) | AppendError::Overtaken(_)) => Ok(()),
        other => other,
    }
}

fn started(lane: &Laid) -> LaneStart {
    LaneStart {
        item: lane.start.item.clone(),
        stage: lane.start.stage.clone(),
        agent: lane.start.agent.clone(),
        base: lane.start.head.clone(),
        worktree: lane.tree.worktree.to_string_lossy().into_owned(),
        process: None,
    }
}
