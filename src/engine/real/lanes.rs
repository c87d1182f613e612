//! Lanes for real: work trees, several agents at once, and bringing in what they built.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Context as _;

use super::{RealWorld, papers::kept_papers, work_of_item};
use crate::{
    agents::{
        call::{self, Call, Called, Doer, LaneCall},
        steps,
    },
    config::settings::{Agent, Settings},
    domain::{
        checkpoint::Made,
        event::{Event, ProcessMark, StageEnd, StageStart, Usage},
        finding::Finding,
        id::{ItemId, Oid},
        lane::{self, Lane, LaneEnd, LaneStart, Saved},
        outcome::{self, Facts, Failure, Outcome},
        paper,
        plan::Task,
        run::Run,
        secret,
        time::Span,
        workflow::Stage,
    },
    engine::{
        checkpoint::{self, take_lane},
        drive::{Log, Standing, World as _},
        lanes::{self as trees, Fate},
    },
    git::{
        Repo,
        lane::{LaneTree, Merged, name_of},
        snapshot::Snapshot,
        tree_diff::changes,
    },
    process::{alive, clock},
    report::brief,
    store::{
        journal::{AppendError, Artifact},
        transcript,
    },
};

/// One lane before its agent is called.
struct Laid {
    start: StageStart,
    tree: LaneTree,
    name: String,
    brief: String,
    agent: Agent,
    tasks: Vec<Task>,
    input: Vec<(String, Vec<u8>)>,
}

/// How the end of a lane was written down.
struct Kept {
    of: LaneEnd,
    artifacts: Vec<Artifact>,
    /// What holds its work tree, which may go then; else why it stays.
    held: Result<(Made, Snapshot), String>,
}

impl RealWorld<'_> {
    pub(super) fn run_lanes(
        &mut self,
        log: &mut dyn Log,
        items: &[ItemId],
    ) -> Result<(), AppendError> {
        let run = log.run().clone();
        let environment = self.environment()?;
        let laid = self.lay_all(log, &run, items)?;
        let stage = laid.first().map(|lane| self.stage_of(&lane.start.stage)).transpose()?;
        let Some(stage) = stage.cloned() else { return Ok(()) };
        let stage = &stage;
        let tasks: Vec<Vec<&Task>> = laid.iter().map(|lane| lane.tasks.iter().collect()).collect();
        let (deadline, setup) = (self.deadline(&run), &self.settings.lanes.setup);
        let script = |(lane, tasks)| {
            let (lane, tasks): (&Laid, &Vec<&Task>) = (lane, tasks);
            let of = move |report: &Path| {
                steps::script(tasks, &lane.start.stage, false, 1, report).to_json()
            };
            Box::new(of) as Box<dyn Fn(&Path) -> String + '_>
        };
        let scripts: Vec<_> = laid.iter().zip(&tasks).map(script).collect();
        let calls: Vec<Call<'_>> = laid
            .iter()
            .zip(&scripts)
            .map(|(lane, script)| Call {
                worktree: &lane.tree.worktree,
                run: &run,
                start: &lane.start,
                doer: match &lane.agent {
                    Agent::Steps => Doer::Own { verb: "execute-steps", script },
                    Agent::Command(words) => Doer::Command(words),
                },
                brief: lane.brief.clone(),
                input: lane.input.clone(),
                makes: &stage.makes,
                deadline,
                environment: environment.clone(),
                lane: Some(LaneCall { name: &lane.name, setup }),
            })
            .collect();
        let keeper = Keeper { repo: self.repo, settings: &self.settings, run: &run, stage };
        let (log, lost) = (RefCell::new(log), RefCell::new(None));
        // Where the run is asked to halt in between, what has not begun does not begin.
        let mut begun = |at: usize, mark: ProcessMark| {
            let event = Event::LaneStarted(Box::new(started(&laid[at], Some(mark))));
            let mut log = log.borrow_mut();
            log.append(vec![event], &[], clock::now()).map_err(|error| {
                let told = anyhow::anyhow!("{error}");
                if !matches!(error, AppendError::Refused(_)) {
                    lost.replace(Some(error));
                }
                told
            })
        };
        let mut ended = |at: usize, called: anyhow::Result<Called>| {
            anyhow::ensure!(lost.borrow().is_none(), "the run was taken over");
            keeper.end(&mut **log.borrow_mut(), &laid[at], called).map_err(|error| {
                let told = anyhow::anyhow!("{error}");
                lost.replace(Some(error));
                told
            })
        };
        let done = self.caller.call_all(&calls, &mut begun, &mut ended);
        match (lost.into_inner(), done) {
            (Some(error), _) => Err(error),
            (None, done) => Ok(done?),
        }
    }

    /// The work tree of each, and all that its agent is given. What cannot be made is written down.
    fn lay_all(
        &mut self,
        log: &mut dyn Log,
        run: &Run,
        items: &[ItemId],
    ) -> Result<Vec<Laid>, AppendError> {
        let home = trees::home(self.repo, &self.settings.lanes)?.join(run.charter.run.as_str());
        std::fs::create_dir_all(&home)
            .with_context(|| format!("cannot make `{}`", home.display()))?;
        let home = home.canonicalize().map_err(anyhow::Error::from)?;
        let mut laid = Vec::new();
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
            let start = StageStart { agent: self.agent_for(run, &start)?, ..start };
            let worktree = home.join(format!("{item}-{}", run.seq));
            match self.lay(run, items, start.clone(), &worktree) {
                Ok(lane) => laid.push(lane),
                Err(error) => self.could_not_begin(log, &start, &worktree, &error)?,
            }
        }
        Ok(laid)
    }

    /// Makes the work tree, and all that the agent is given.
    fn lay(
        &self,
        run: &Run,
        items: &[ItemId],
        start: StageStart,
        worktree: &Path,
    ) -> anyhow::Result<Laid> {
        let (sprint, tasks) = work_of_item(&self.plan, run, &start.item)?;
        let stage = self.stage_of(&start.stage)?;
        let beside: Vec<ItemId> =
            items.iter().filter(|other| **other != start.item).cloned().collect();
        let brief = brief::text(&brief::Brief {
            plan: &self.plan,
            sprint: &sprint,
            tasks: &tasks,
            stage,
            start: &start,
            findings: &[],
            answers: &[],
            branch: &run.charter.branch,
            range_start: run.head.as_str(),
            papers: &run.papers_for(&start.item),
            hand_in: None,
            contexts: &self.contexts(run, &start, stage, &tasks),
            beside: &beside,
        });
        let (_, agent) = self.settings.agent(&start.stage, &self.agents)?;
        let input = self.input(run, &start.item)?;
        let tree = self.repo.add_lane(&run.charter.run, &start.item, worktree, &start.head)?;
        trees::copy(self.repo, &self.settings.lanes, &tree.worktree)?;
        let name = tree.name();
        let tasks = tasks.into_iter().cloned().collect();
        Ok(Laid { start, tree, name, brief, agent, tasks, input })
    }

    /// Written down as well, so that nobody tries it for ever.
    fn could_not_begin(
        &self,
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
            Err(AppendError::Refused(_)) => Ok(()),
            other => other,
        }
    }

    pub(super) fn keep_lost_lanes(&mut self, log: &mut dyn Log) -> Result<Standing, AppendError> {
        let run = log.run().clone();
        let working: Vec<Lane> =
            run.lanes.iter().filter(|lane| lane.is_working()).cloned().collect();
        // First all of them are seen to be gone: nothing is written while one is at work.
        for lane in &working {
            let Some(mark) = &lane.process else { continue };
            match alive::standing(mark) {
                alive::Standing::Gone => {}
                alive::Standing::Alive => return Ok(Standing::Alive(mark.clone())),
                alive::Standing::CannotTell { .. } if self.vouched => {}
                alive::Standing::CannotTell { why } => return Ok(Standing::CannotTell(why)),
            }
            let left = call::sweep_lane(&run, &name_of(Path::new(&lane.worktree)));
            if 0 < left {
                let why = format!("{left} processes of the lane of {} cannot be ended", lane.item);
                return Ok(Standing::CannotTell(why));
            }
        }
        for lane in &working {
            let start = StageStart {
                item: lane.item.clone(),
                stage: lane.stage.clone(),
                cycle: 1,
                attempt: 1,
                agent: lane.agent.clone(),
                head: lane.base.clone(),
                tree: self.repo.tree_of(&lane.base)?,
            };
            let mut end = nothing_of(
                &start,
                lane::lost("its runner ended, and nobody heard what came of it"),
            );
            let known = self.repo.lanes().into_iter();
            let tree = known.into_iter().find(|tree| tree.worktree == Path::new(&lane.worktree));
            let settings = &self.settings.checkpoints;
            let saved = tree.as_ref().map(|tree| -> anyhow::Result<_> {
                take_lane(self.repo, settings, &run, (&lane.item, &tree.open()?))
            });
            let mut fate = None;
            let saved = match saved {
                Some(Ok((made, snapshot))) => {
                    end.head = made.checkpoint.head.clone().unwrap_or(start.head.clone());
                    end.tree = made.checkpoint.tree.clone();
                    fate = tree.as_ref().map(|tree| (tree, made.clone(), snapshot));
                    Some(Saved { number: made.checkpoint.number, commit: made.commit })
                }
                Some(Err(error)) => {
                    end.outcome = lane::lost(&format!(
                        "its runner ended, and `{}` cannot be saved and stays: {error:#}",
                        lane.worktree
                    ));
                    None
                }
                None => None,
            };
            let of = LaneEnd { item: lane.item.clone(), end, saved };
            log.append(vec![Event::LaneEnded(Box::new(of))], &[], clock::now())?;
            if let Some((tree, made, snapshot)) = fate
                && let Fate::Kept(why) = trees::remove(self.repo, settings, tree, &made, &snapshot)
            {
                tracing::warn!("{why}");
            }
        }
        Ok(Standing::Gone(String::new()))
    }

    pub(super) fn join_lane(&mut self, run: &Run, item: &ItemId) -> anyhow::Result<Event> {
        let active = run.active().context("no item is at work")?;
        let lane = lane::to_join(run, item, active).context("no lane waits for this item")?;
        let tree = &lane.left().context("the lane has not ended")?.tree;
        let dropped = |why: &str, findings: Vec<Finding>| {
            Ok(Event::LaneDropped { item: item.clone(), why: why.to_owned(), findings })
        };
        if self.is_dirty()? {
            return dropped("the work tree holds changes that could not be committed", Vec::new());
        }
        let (head, head_tree) = self.here(run)?;
        let (_, tasks) = work_of_item(&self.plan, run, item)?;
        let changed = self.changed(&lane.base, tree)?;
        let writes: Vec<_> = tasks.iter().flat_map(|task| task.writes.iter().cloned()).collect();
        let mut findings = lane::outside(&changed, &writes);
        findings.extend(lane::shared(&changed, &self.earlier(run, lane)?));
        if !findings.is_empty() {
            return dropped("it changed files that it may not change", findings);
        }
        if !self.repo.is_ancestor(&lane.base, &head).unwrap_or(false) {
            let why = "the branch does not build on what the lane began with any more";
            return dropped(why, vec![lane::misfit(why)]);
        }
        let merged = match self.repo.merged(&lane.base, &head, tree)? {
            Merged::Tree(merged) => merged,
            Merged::Conflict(paths) => {
                return dropped("it does not fit what is on the branch", lane::conflicts(&paths));
            }
        };
        if merged == head_tree {
            return dropped("the branch has all of it already", Vec::new());
        }
        let in_the_way = self.in_the_way(&head_tree, &merged)?;
        if !in_the_way.is_empty() {
            let why = "files that git does not track are in the way";
            return dropped(why, lane::conflicts(&in_the_way));
        }
        Ok(Event::LaneJoined { item: item.clone(), head, tree: merged })
    }

    /// Paths that the tree would add where a file is that no commit has.
    fn in_the_way(&self, head: &Oid, tree: &Oid) -> anyhow::Result<Vec<Vec<u8>>> {
        use std::os::unix::ffi::OsStrExt as _;
        let top = self.repo.worktree().context("a bare repository has no work tree")?;
        let all = changes(&self.repo.git(), head, tree)?.into_iter();
        let added = all.filter(|change| change.now.is_none()).map(|change| change.path);
        let there = |path: &Vec<u8>| {
            let path = top.join(std::ffi::OsStr::from_bytes(path));
            path.symlink_metadata().is_ok_and(|about| !about.is_dir())
        };
        Ok(added.filter(there).collect())
    }

    fn changed(&self, base: &Oid, tree: &Oid) -> anyhow::Result<Vec<Vec<u8>>> {
        let all = changes(&self.repo.git(), &self.repo.tree_of(base)?, tree)?;
        Ok(all.into_iter().map(|change| change.path).collect())
    }

    /// What the lanes of earlier items that began at the same commit changed.
    fn earlier(
        &self,
        run: &Run,
        lane: &Lane,
    ) -> anyhow::Result<BTreeMap<ItemId, BTreeSet<Vec<u8>>>> {
        let at = |id: &ItemId| run.items.iter().position(|item| item.id == *id);
        let mut found = BTreeMap::new();
        for other in &run.lanes {
            let before = other.base == lane.base && at(&other.item) < at(&lane.item);
            if let Some(left) = other.left().filter(|left| before && left.built) {
                let changed = self.changed(&other.base, &left.tree)?;
                found.insert(other.item.clone(), changed.into_iter().collect());
            }
        }
        Ok(found)
    }

    pub(super) fn bring_in_lane(&mut self, run: &Run, tree: &Oid) -> anyhow::Result<()> {
        if self.repo.index_is(tree)? {
            return Ok(());
        }
        let dirty = self.is_dirty()?;
        self.dirty = None;
        if !dirty {
            return self.repo.bring_in(&run.head, tree);
        }
        // Somebody died in the middle of it: what is there is saved, and these paths are set anew.
        let settings = &self.settings.checkpoints;
        let why = crate::domain::checkpoint::Why::Stage;
        checkpoint::take(self.repo, settings, Some(run), why, None)?;
        let paths = self.changed(&run.head, tree)?;
        self.repo.bring_in_again(tree, &paths)
    }
}

fn started(lane: &Laid, process: Option<ProcessMark>) -> LaneStart {
    LaneStart {
        item: lane.start.item.clone(),
        stage: lane.start.stage.clone(),
        agent: lane.start.agent.clone(),
        base: lane.start.head.clone(),
        worktree: lane.tree.worktree.to_string_lossy().into_owned(),
        process,
    }
}

/// The end of a lane that left nothing that is known.
fn nothing_of(start: &StageStart, outcome: Outcome) -> StageEnd {
    StageEnd {
        outcome,
        head: start.head.clone(),
        tree: start.tree.clone(),
        clean: true,
        findings: Vec::new(),
        findings_dropped: 0,
        summary: String::new(),
        took: Span::ZERO,
        usage: Usage::default(),
        report: None,
        transcript: None,
        papers: Vec::new(),
        assumed: Vec::new(),
    }
}

/// Keeps what lanes leave.
struct Keeper<'a> {
    repo: &'a Repo,
    settings: &'a Settings,
    run: &'a Run,
    stage: &'a Stage,
}

impl Keeper<'_> {
    /// Writes down what has come of a lane, and takes its work tree away when all of it is kept.
    fn end(
        &self,
        log: &mut dyn Log,
        lane: &Laid,
        called: anyhow::Result<Called>,
    ) -> Result<(), AppendError> {
        let working = |known: &Lane| known.item == lane.start.item && known.is_working();
        if !log.run().lanes.iter().any(working) {
            let why = called.err().map(|error| format!("{error:#}")).unwrap_or_default();
            tracing::debug!(item = %lane.start.item, why, "the lane did not begin");
            self.take_away_untouched(lane);
            return Ok(());
        }
        let kept = self.kept(log.run(), lane, called);
        let event = Event::LaneEnded(Box::new(kept.of));
        log.append(vec![event], &kept.artifacts, clock::now())?;
        let fate = match kept.held {
            Ok((made, snapshot)) => {
                let settings = &self.settings.checkpoints;
                trees::remove(self.repo, settings, &lane.tree, &made, &snapshot)
            }
            Err(why) => Fate::Kept(why),
        };
        if let Fate::Kept(why) = fate {
            tracing::warn!("{why}");
        }
        Ok(())
    }

    /// What has come of a lane, with everything that is in its work tree saved first.
    fn kept(&self, run: &Run, lane: &Laid, called: anyhow::Result<Called>) -> Kept {
        let place = &lane.tree.worktree;
        let failed = |detail: String| Outcome::Failed { failure: Failure::Incomplete, detail };
        let save = || -> anyhow::Result<_> {
            let there = lane.tree.open()?;
            let settings = &self.settings.checkpoints;
            let held = take_lane(self.repo, settings, run, (&lane.start.item, &there))?;
            let clean = there.uncommitted(secret::is_secret_path)?.is_empty();
            Ok((held, clean))
        };
        let item = lane.start.item.clone();
        let ((made, snapshot), clean) = match save() {
            Ok(saved) => saved,
            Err(error) => {
                let why = format!("`{}` cannot be saved, and stays: {error:#}", place.display());
                let end = nothing_of(&lane.start, failed(why.clone()));
                let of = LaneEnd { item, end, saved: None };
                return Kept { of, artifacts: Vec::new(), held: Err(why) };
            }
        };
        let saved = Saved { number: made.checkpoint.number, commit: made.commit.clone() };
        let head = made.checkpoint.head.clone().unwrap_or_else(|| lane.start.head.clone());
        let tree = made.checkpoint.tree.clone();
        let ended = called.and_then(|called| self.ended(run, lane, called, (&head, clean)));
        match ended {
            Ok((end, artifacts)) => {
                let end = StageEnd { tree, ..end };
                let of = LaneEnd { item, end, saved: Some(saved) };
                Kept { of, artifacts, held: Ok((made, snapshot)) }
            }
            Err(error) => {
                let why = format!("`{}` stays: {error:#}", place.display());
                let end = nothing_of(&lane.start, failed(format!("{error:#}")));
                let end = StageEnd { head, tree, clean, ..end };
                let of = LaneEnd { item, end, saved: Some(saved) };
                Kept { of, artifacts: Vec::new(), held: Err(why) }
            }
        }
    }

    fn ended(
        &self,
        run: &Run,
        lane: &Laid,
        called: Called,
        (head, clean): (&Oid, bool),
    ) -> anyhow::Result<(StageEnd, Vec<Artifact>)> {
        let (stage, start) = (self.stage, &lane.start);
        let fault = |paper| paper::fault(paper, called.papers.get(&paper.name).map(String::as_str));
        let lacking: Vec<String> = stage.makes.iter().filter_map(fault).collect();
        let left = self.repo.tree_of(head)?;
        let outcome = outcome::decide(&Facts {
            duty: stage.shape.duty,
            lacking: &lacking,
            severity_min: stage.severity_min,
            ending: called.ending,
            paper: called.paper(),
            shown: (&start.head, &start.tree),
            left: (head, &left),
            clean,
            item_has_work: start.head != *head,
            now: clock::now(),
        });
        let call = format!("lane {}", lane.name);
        let said = secret::redact(&called.transcript);
        let subject = format!("{} {} {call}", start.item, start.stage);
        let id = &run.charter.run;
        let transcript = transcript::keep(self.repo, id, &subject, said.as_bytes(), clock::now())?;
        let report = called.report.unwrap_or_default();
        let path = format!("{}/{}-lane-{}.json", start.item, self.run.seq, start.stage);
        let mut artifacts = Vec::new();
        if !report.text.is_empty() {
            let content = secret::redact(&report.text).into_bytes();
            artifacts.push(Artifact { path: path.clone(), content });
        }
        let has_report = !artifacts.is_empty();
        let papers = match lacking.is_empty() {
            true => kept_papers(stage, run, start, &called.papers, &mut artifacts),
            false => Vec::new(),
        };
        let end = StageEnd {
            outcome,
            head: head.clone(),
            tree: left,
            clean,
            findings: report.findings,
            findings_dropped: report.findings_dropped,
            summary: secret::redact(&report.summary),
            took: called.took,
            usage: report.usage,
            report: has_report.then(|| format!("artifacts/{path}")),
            transcript: Some(transcript),
            papers,
            assumed: report.assumed,
        };
        Ok((end, artifacts))
    }

    /// One in which nobody has worked: what was copied into it is elsewhere as well.
    fn take_away_untouched(&self, lane: &Laid) {
        let untouched = || -> anyhow::Result<bool> {
            let there = lane.tree.open()?;
            Ok(there.head()?.commit.as_ref() == Some(&lane.start.head)
                && there.uncommitted(|_| false)?.is_empty())
        };
        if untouched().unwrap_or(false) && self.repo.remove_lane(&lane.tree).is_err() {
            tracing::warn!("`{}` stays", path_of(lane).display());
        }
    }
}

fn path_of(lane: &Laid) -> &Path {
    &lane.tree.worktree
}
