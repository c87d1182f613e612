//! The world as it is: this repository, its work tree, its agents.

mod gates;
mod lanes;
mod papers;

use std::{borrow::Cow, collections::BTreeMap, ffi::OsString, path::Path};

use anyhow::Context as _;

use self::{gates::kept_gates, papers::kept_papers};
use super::{
    checkpoint, context, deletions,
    drive::{Ended, Log, Standing, World},
    hand_over,
};
use crate::{
    agents::{
        call::{self, Call, Called, Caller, Doer},
        report_file::Report,
        steps,
    },
    config::settings::{Agent, Settings},
    domain::{
        checkpoint::Why,
        context::EXCERPT_BYTES_MAX,
        deletion::Deleted,
        drift::is_superseded,
        event::{Delivery, Event, PushMode, RefMove, StageEnd, StageStart, Work},
        finding::cut,
        id::{Digest, ItemId, Oid, StageId, TaskId},
        item::{OURS, Progress, Working, is_handed},
        outcome::{self, Facts},
        path,
        plan::{Plan, Sprint, Task},
        queue,
        run::{Run, State},
        secret,
        step::{Marks, Sight},
        tale,
        time::{Span, Timestamp},
        workflow::{Duty, Part, Stage, Workflow},
    },
    git::{Repo, worktree::Committed},
    guard::{fence::Fence, push},
    process::{alive, clock, env},
    report::{self, brief},
    store::{
        catalog, intent,
        journal::{AppendError, Artifact},
        transcript,
    },
};

const WHY_BYTES_MAX: usize = 2000;
/// How long a waiting run is deaf to its journal.
const WAIT_SLICE: Span = Span::from_secs(1);

/// Asks the person at the terminal; nobody there is a no.
pub type Ask = Box<dyn FnMut(&str) -> bool>;

pub struct RealWorld<'r> {
    repo: &'r Repo,
    settings: Settings,
    plan: Plan,
    workflow: Workflow,
    agents: Vec<(Option<String>, String)>,
    caller: Caller,
    ask: Ask,
    /// A person vouches that what cannot be looked up from here has ended.
    vouched: bool,
    /// What the last look at the work tree said; nothing when it may have changed since.
    dirty: Option<bool>,
    /// Put up when the first agent is called.
    fence: Option<Fence>,
}

impl std::fmt::Debug for RealWorld<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealWorld").field("repo", &self.repo).finish_non_exhaustive()
    }
}

impl<'r> RealWorld<'r> {
    #[must_use]
    pub fn new(
        repo: &'r Repo,
        settings: Settings,
        (plan, workflow): (Plan, Workflow),
        agents: Vec<(Option<String>, String)>,
        caller: Caller,
        ask: Ask,
    ) -> Self {
        Self {
            repo,
            settings,
            plan,
            workflow,
            agents,
            caller,
            ask,
            vouched: false,
            dirty: None,
            fence: None,
        }
    }

    /// The same world, in which a person vouches for processes that cannot be looked up.
    #[must_use]
    pub fn vouched_for(self, vouched: bool) -> Self {
        Self { vouched, ..self }
    }

    fn is_dirty(&mut self) -> anyhow::Result<bool> {
        if let Some(dirty) = self.dirty {
            return Ok(dirty);
        }
        let dirty = !self.repo.uncommitted(secret::is_secret_path)?.is_empty();
        self.dirty = Some(dirty);
        Ok(dirty)
    }

    /// What agents see: the guard around them, and nothing to log in with.
    fn environment(&mut self) -> anyhow::Result<Vec<(OsString, OsString)>> {
        if self.fence.is_none() {
            self.fence = Some(Fence::around(self.repo)?);
        }
        let outside = env::vars();
        Ok(self.fence.as_ref().map_or(Vec::new(), |fence| fence.environment(outside)))
    }

    fn here(&self, run: &Run) -> anyhow::Result<(Oid, Oid)> {
        let head = self.repo.head()?.commit.with_context(|| {
            let (branch, last) = (&run.charter.branch, &run.head);
            format!("HEAD leads to no commit; the run's branch was last seen at {last}: `git update-ref refs/heads/{branch} {last}` brings it back")
        })?;
        let tree = self.repo.tree_of(&head)?;
        Ok((head, tree))
    }

    fn marks(&self, head: &Oid) -> anyhow::Result<Option<Marks>> {
        let (trailers, parents) = self.repo.trailers(head)?;
        let get = |key: &str| trailers.get(key).cloned();
        let (Some(run), Some(item), Some(stage)) = (get("run"), get("run-item"), get("run-stage"))
        else {
            return Ok(None);
        };
        let Ok(run) = crate::domain::id::RunId::parse(&run) else { return Ok(None) };
        let cycle = get("run-cycle").and_then(|cycle| cycle.parse().ok()).unwrap_or(0);
        Ok(Some(Marks { run, item, stage, cycle, parent: parents.into_iter().next() }))
    }

    fn brief(
        &self,
        run: &Run,
        start: &StageStart,
        hand_in: Option<&str>,
    ) -> anyhow::Result<String> {
        let (sprint, tasks) = work_of_item(&self.plan, run, &start.item)?;
        let stage =
            self.workflow.stage(&start.stage).context("the frozen workflow lacks the stage")?;
        let active = run.active().context("no item is at work")?;
        // What is done once is about all of the work, and not only about what was done in it.
        let whole = run.part_of(&start.item) != Part::Items;
        let since = if whole { Some(&run.charter.start) } else { run.work_began() };
        Ok(brief::text(&brief::Brief {
            plan: &self.plan,
            sprint: &sprint,
            tasks: &tasks,
            stage,
            start,
            findings: &active.findings,
            last: active.counters.last_failure.as_deref().filter(|_| 0 < active.counters.failures),
            answers: &active.answers,
            branch: &run.charter.branch,
            range_start: since.unwrap_or(&active.started).as_str(),
            whole,
            papers: &run.papers_for(&start.item),
            contexts: &self.contexts(run, start, stage, &tasks),
            hand_in,
            beside: &[],
        }))
    }

    /// What the tasks point to in the code, for whoever builds or writes.
    fn contexts(
        &self,
        run: &Run,
        start: &StageStart,
        stage: &Stage,
        tasks: &[&Task],
    ) -> BTreeMap<String, String> {
        let looks = matches!(stage.shape.duty, Duty::Build | Duty::Write);
        let (Some(top), true) =
            (self.repo.worktree(), looks && run.part_of(&start.item) == Part::Items)
        else {
            return BTreeMap::new();
        };
        let mut left = EXCERPT_BYTES_MAX;
        let of = |task: &&Task| {
            let found = context::of(top, task, &mut left)?;
            let text = report::context::text(&found.context, &found.excerpts, &found.silent);
            (!text.trim().is_empty()).then(|| (task.id.to_string(), text))
        };
        tasks.iter().filter_map(of).collect()
    }

    /// Whether the stage looks at what others built.
    #[must_use]
    pub fn judges(&self, stage: &StageId) -> bool {
        self.workflow.stage(stage).is_some_and(|stage| stage.shape.duty.judges())
    }

    fn stage_of(&self, stage: &StageId) -> anyhow::Result<&Stage> {
        self.workflow.stage(stage).context("the frozen workflow lacks the stage")
    }

    /// What whoever does the stage is told; `hand_in` is the command that takes the report.
    pub fn handed_brief(
        &self,
        run: &Run,
        start: &StageStart,
        hand_in: &str,
    ) -> anyhow::Result<String> {
        self.brief(run, start, Some(hand_in))
    }

    /// What somebody reports on a stage that was handed out, looked at as any agent's.
    pub fn reported(
        &mut self,
        run: &Run,
        start: &StageStart,
        report: Report,
        took: Span,
    ) -> anyhow::Result<Ended> {
        self.dirty = None;
        self.ended(run, start, Called::by_hand(report, took))
    }

    /// What a stage has come to, from what the agent said and from what is there.
    fn ended(&mut self, run: &Run, start: &StageStart, called: Called) -> anyhow::Result<Ended> {
        let (head, tree) = self.here(run)?;
        let clean = !self.is_dirty()?;
        let stage = self.stage_of(&start.stage)?;
        let mut called = called;
        let lacking = self.lacking(run, start, stage, &mut called)?;
        let paper = called.paper();
        let item_has_work = run.work_began().is_some_and(|began| *began != head);
        let outcome = outcome::decide(&Facts {
            duty: stage.shape.duty,
            lacking: &lacking,
            severity_min: stage.severity_min,
            ending: called.ending,
            paper,
            shown: (&start.head, &start.tree),
            left: (&head, &tree),
            clean,
            item_has_work,
            now: clock::now(),
        });
        let subject = format!(
            "{} {} cycle {} attempt {}",
            start.item, start.stage, start.cycle, start.attempt
        );
        let said = secret::redact(&called.transcript);
        let keep = || {
            transcript::keep(self.repo, &run.charter.run, &subject, said.as_bytes(), clock::now())
        };
        // Of whoever was called by nobody, nobody heard a word.
        let transcript = (!is_handed(&start.agent)).then(keep).transpose()?;
        let report = called.report.unwrap_or_default();
        // By the number of the call: a stage that is done again begins anew with attempt 1.
        let path = format!("{}/{:04}-{}.json", start.item, run.calls_total, start.stage);
        let mut papers = Vec::new();
        let mut artifacts: Vec<_> = (!report.text.is_empty())
            .then(|| Artifact {
                path: path.clone(),
                content: secret::redact(&report.text).into_bytes(),
            })
            .into_iter()
            .collect();
        let has_report = !artifacts.is_empty();
        // A paper of this name that somebody else hands in is a paper.
        let gates = stage.shape.duty == Duty::Gate;
        if let (true, Some(text)) = (gates, called.papers.get(call::BESIDE)) {
            artifacts.extend(kept_gates(run, start, text));
        }
        if lacking.is_empty() {
            papers = kept_papers(stage, run, start, &called.papers, &mut artifacts);
        }
        let end = StageEnd {
            outcome,
            head,
            tree,
            clean,
            findings: report.findings,
            findings_dropped: report.findings_dropped,
            summary: secret::redact(&report.summary),
            took: called.took,
            usage: report.usage,
            report: has_report.then(|| format!("artifacts/{path}")),
            transcript,
            papers,
            assumed: report.assumed,
        };
        Ok(Ended { end, artifacts })
    }

    /// Finished items of whose files, or of the files of what they wait for, some changed since.
    fn shaken(&self, run: &Run, head: &Oid, tree: &Oid) -> anyhow::Result<Vec<ItemId>> {
        let looks = self.workflow.spot_check && run.state == State::Running;
        if !looks || run.active().is_some() || run.head != *head {
            return Ok(Vec::new());
        }
        let mut by_tree: BTreeMap<&Oid, Vec<String>> = BTreeMap::new();
        let mut changed = BTreeMap::new();
        for item in &run.items {
            let Progress::Done { tree: seen, .. } = &item.progress else { continue };
            let Ok(task) = TaskId::parse(item.id.as_str()) else { continue };
            if seen == tree {
                continue;
            }
            if !by_tree.contains_key(seen) {
                let changes = self.repo.compare(seen, tree)?;
                let names = changes.iter().map(|one| path::spell(&one.path).0);
                by_tree.insert(seen, names.collect());
            }
            changed.extend(by_tree.get(seen).map(|files| (task, files.clone())));
        }
        let shaken = queue::shaken(&self.plan, &changed);
        Ok(shaken.iter().filter_map(|task| ItemId::parse(task.as_str()).ok()).collect())
    }

    fn deadline(&self, run: &Run) -> Span {
        let limits = &run.charter.limits;
        let left = limits.run_time_max.millis().saturating_sub(run.ran_by(clock::now()).millis());
        Span::from_millis(left.min(limits.stage_time_max.millis()).max(1))
    }

    fn work(
        &self,
        run: &Run,
        commit: Oid,
        parent: Oid,
        subject: &str,
        left_out: &[Vec<u8>],
    ) -> anyhow::Result<Work> {
        let tree = self.repo.tree_of(&commit)?;
        let left_out =
            left_out.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        let deleted = deletions::by_commit(self.repo, run, &self.plan, &commit)?;
        let (subject, deleted) = (subject.to_owned(), Deleted::bounded(deleted));
        Ok(Work { commit, parent, tree, subject, left_out, deleted })
    }
}

impl World for RealWorld<'_> {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn look(&mut self, run: &Run) -> anyhow::Result<Sight> {
        let branch = self.repo.head()?.branch;
        let (head, tree) = self.here(run)?;
        let committing = run.active().is_some_and(|active| active.committing.is_some());
        let marks = if committing { self.marks(&head)? } else { None };
        let dirty = self.is_dirty()?;
        let (lacks, shaken) = (self.lacks(run), self.shaken(run, &head, &tree)?);
        Ok(Sight { now: clock::now(), branch, head, tree, dirty, marks, lacks, shaken })
    }

    fn interrupted(&mut self) -> bool {
        self.caller.interrupted()
    }

    fn branch_moves(&mut self, run: &Run) -> anyhow::Result<Vec<RefMove>> {
        let name = format!("refs/heads/{}", run.charter.branch);
        if self.repo.refs().read(&name)?.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![RefMove { name, old: None, new: Some(run.charter.start.clone()) }])
    }

    fn stand_on_branch(&mut self, run: &Run) -> anyhow::Result<(Oid, Oid)> {
        if self.repo.head()?.branch.as_deref() != Some(run.charter.branch.as_str()) {
            self.repo.switch_to(&run.charter.branch)?;
            self.dirty = None;
        }
        self.here(run)
    }

    fn settle(&mut self, moves: &[RefMove]) -> anyhow::Result<Vec<String>> {
        intent::roll_forward(self.repo, moves)
    }

    fn agent_for(&mut self, _: &Run, start: &StageStart) -> anyhow::Result<String> {
        let duty = self.stage_of(&start.stage)?.shape.duty;
        if duty == Duty::Gate {
            return Ok(OURS.to_owned());
        }
        let (name, agent) = self.settings.agent(&start.stage, &self.agents)?;
        // Where nobody may judge the own work, two models of one program are two.
        let apart = self.workflow.stages().iter().any(|stage| stage.shape.apart);
        Ok(match agent {
            Agent::Command(words) if apart => {
                let digest = Digest::of(words.join("\0").as_bytes()).to_string();
                format!("{name} ({})", &digest[..6])
            }
            Agent::Command(_) | Agent::Steps => name,
        })
    }

    fn checkpoint(&mut self, run: &Run) -> anyhow::Result<Event> {
        let settings = &self.settings.checkpoints;
        let taken = checkpoint::take(self.repo, settings, Some(run), Why::Stage, None)
            .context("the work tree cannot be saved, so the stage is not started")?;
        Ok(checkpoint::event(&taken.made))
    }

    fn stage(&mut self, log: &mut dyn Log, start: &StageStart) -> Result<Ended, AppendError> {
        let run = log.run().clone();
        let environment = self.environment()?;
        self.dirty = None;
        let input = self.input(&run, &start.item)?;
        let brief = self.brief(&run, start, None)?;
        let stage = self.workflow.stage(&start.stage);
        let stage = stage.context("the frozen workflow lacks the stage")?;
        let gates = match stage.shape.duty {
            Duty::Gate => Some(self.gates(&run, start, stage)?),
            _ => None,
        };
        let agent = match &gates {
            Some(_) => Agent::Steps,
            None => self.settings.agent(&start.stage, &self.agents)?.1,
        };
        let (_, tasks) = work_of_item(&self.plan, &run, &start.item)?;
        let worktree = self.repo.worktree().context("a bare repository has no work tree")?;
        let steps = |report: &Path| {
            let judges = stage.shape.duty.judges();
            steps::script(&tasks, &start.stage, judges, start.cycle, report).to_json()
        };
        let call = Call {
            worktree,
            run: &run,
            start,
            doer: match (&agent, &gates) {
                (_, Some(gates)) => Doer::Own { verb: "execute-gates", script: gates },
                (Agent::Steps, None) => Doer::Own { verb: "execute-steps", script: &steps },
                (Agent::Command(words), None) => Doer::Command(words),
            },
            brief,
            input,
            makes: &stage.makes,
            deadline: self.deadline(&run),
            environment,
            lane: None,
        };
        let now = clock::now;
        let called =
            self.caller.call(&call, &mut |event| Ok(log.append(vec![event], &[], now())?))?;
        Ok(self.ended(&run, start, called)?)
    }

    fn lanes(&mut self, log: &mut dyn Log, items: &[ItemId]) -> Result<(), AppendError> {
        self.run_lanes(log, items)
    }

    fn lanes_gone(&mut self, log: &mut dyn Log) -> Result<Standing, AppendError> {
        self.keep_lost_lanes(log)
    }

    fn join(&mut self, run: &Run, item: &ItemId) -> anyhow::Result<Event> {
        self.join_lane(run, item)
    }

    fn bring_in(&mut self, run: &Run, tree: &Oid) -> anyhow::Result<()> {
        self.bring_in_lane(run, tree)
    }

    fn standing(&mut self, run: &Run, working: &Working) -> anyhow::Result<Standing> {
        self.dirty = None;
        if working.is_handed() {
            return Ok(Standing::Gone("it was handed out, and the run went on without it".into()));
        }
        let Some(mark) = &working.process else {
            // An agent starts only after its process is written down.
            return Ok(Standing::Gone("its process had not been started".to_owned()));
        };
        match alive::standing(mark) {
            alive::Standing::Gone => {}
            alive::Standing::Alive => return Ok(Standing::Alive(mark.clone())),
            alive::Standing::CannotTell { why } if self.vouched => {
                return Ok(Standing::Gone(format!("a person says that it has ended ({why})")));
            }
            alive::Standing::CannotTell { why } => return Ok(Standing::CannotTell(why)),
        }
        // Its supervisor may have been killed as well, and then nobody ended what it watched over.
        Ok(match call::sweep_lost(run) {
            0 => Standing::Gone(format!(
                "process {} ended, and nobody heard what came of it",
                mark.pid
            )),
            left => {
                Standing::CannotTell(format!("{} cannot be ended", tale::counted(left, "process")))
            }
        })
    }

    fn commit(&mut self, run: &Run) -> anyhow::Result<Event> {
        let (item, active) = run.active_item().zip(run.active()).context("no item is at work")?;
        let committing = active.committing.as_ref().context("no commit was announced")?;
        let left_out = self.repo.uncommitted_new(secret::is_secret_path)?;
        let message = format!(
            "{}\n\nRun: {}\nRun-Item: {}\nRun-Stage: {}\nRun-Cycle: {}\n",
            committing.subject, run.charter.run, item.id, active.stage, active.cycle
        );
        let committed = self.repo.commit_all(&message, &left_out)?;
        self.dirty = None;
        match committed {
            Committed::Done(commit) => self
                .work(run, commit, committing.parent.clone(), &committing.subject, &left_out)
                .map(Event::WorkCommitted),
            Committed::NothingToCommit if self.is_dirty()? => {
                // It would be tried for ever: a repository in the repository, or a filter without rest.
                let left = self.repo.uncommitted(secret::is_secret_path)?;
                Ok(Event::CommitRefused { why: uncommittable(&left) })
            }
            Committed::NothingToCommit => self.survey(run),
            Committed::Refused(mut why) => {
                cut(&mut why, WHY_BYTES_MAX);
                Ok(Event::CommitRefused { why: secret::redact(&why) })
            }
        }
    }

    fn adopt(&mut self, run: &Run) -> anyhow::Result<Work> {
        let committing = run.active().and_then(|active| active.committing.as_ref());
        let committing = committing.context("no commit was announced")?;
        let (head, _) = self.here(run)?;
        // What was left out still is; else a commit would have one note before a crash and one after.
        let left_out = self.repo.uncommitted_new(secret::is_secret_path)?;
        self.work(run, head, committing.parent.clone(), &committing.subject, &left_out)
    }

    fn survey(&mut self, run: &Run) -> anyhow::Result<Event> {
        self.dirty = None;
        let (to, tree) = self.here(run)?;
        let from = run.head.clone();
        let (commits, ancestor) = self.repo.survey(&from, &to)?;
        let deleted = deletions::by_others(self.repo, run, &self.plan, (&from, &to))?;
        Ok(Event::WorkSeen {
            from,
            to,
            tree,
            commits,
            rewritten: !ancestor,
            clean: !self.is_dirty()?,
            deleted: Deleted::bounded(deleted),
        })
    }

    fn hand_over(&mut self, run: &Run, events: &[Event]) -> Vec<Artifact> {
        hand_over::beside(self.repo, run, &self.plan, events)
    }

    fn noted(&mut self, run: &Run, event: &Event) -> anyhow::Result<Vec<Artifact>> {
        deletions::note(self.repo, run, &self.plan, event)
    }

    fn wait(&mut self, log: &mut dyn Log, until: Timestamp) -> Result<(), AppendError> {
        self.dirty = None;
        // Woken now and then, to see whether the journal asks for something.
        while clock::now() < until && !self.caller.interrupted() {
            self.caller.wait(until.min(clock::now().after(WAIT_SLICE)));
            log.refresh()?;
            if log.run().halt_request.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn delivery(&mut self, run: &Run) -> anyhow::Result<Event> {
        let skip = |why: &str| {
            Ok(Event::DeliveryEnded { outcome: Delivery::Skipped { why: why.to_owned() } })
        };
        let unchanged =
            run.items.iter().all(|item| matches!(&item.progress, Progress::Done { .. }))
                && run.head == run.charter.start;
        if unchanged {
            return skip("nothing was changed");
        }
        if run.charter.push == PushMode::Local {
            return skip("the run is local");
        }
        let Some(remote) = push::remote_name(self.repo, self.settings.remote.as_deref())? else {
            return skip("there is no remote");
        };
        let (branch, commit) = (run.charter.branch.clone(), run.proven().clone());
        let question = format!("push {} to `{branch}` of {remote}?", commit.short());
        if run.charter.push == PushMode::Prompt && !(self.ask)(&question) {
            return skip("it was declined");
        }
        Ok(Event::DeliveryStarted { remote, branch, commit })
    }

    fn deliver(&mut self, run: &Run) -> anyhow::Result<Delivery> {
        let name = push::remote_name(self.repo, self.settings.remote.as_deref())?;
        let Some(name) = name else {
            return Ok(Delivery::Failed { why: "the remote is gone".to_owned() });
        };
        // After a crash the remote is asked first: what is there already is not sent twice.
        Ok(match push::ask(self.repo, &name, &run.charter.branch) {
            Ok(remote) => {
                push::push(self.repo, &remote, run, &self.settings.protected, run.proven())
            }
            Err(error) => Delivery::Failed { why: format!("{error:#}") },
        })
    }
}

/// Whether somebody asked the run to halt, read from the journal as it stands now.
pub fn halt_asked(repo: &Repo, run: &crate::domain::id::RunId) -> Option<bool> {
    let tip = repo.refs().read(&crate::store::layout::journal(run)).ok()??;
    let now = catalog::present(repo, run, &tip).ok()?;
    now.halt_request.map(|request| request.force)
}

/// Changes that git sees and does not take into a commit.
fn uncommittable(paths: &[Vec<u8>]) -> String {
    let shown =
        paths.iter().take(5).map(|path| String::from_utf8_lossy(path).escape_debug().to_string());
    let mut why = format!(
        "git sees changes that it does not commit, as in a repository inside of this one: `{}`",
        shown.collect::<Vec<_>>().join("`, `")
    );
    cut(&mut why, WHY_BYTES_MAX);
    why
}

/// The sprint of an item, and the tasks that it stands for. What is done once for the run is done for
/// all of its tasks.
fn work_of_item<'p>(
    plan: &'p Plan,
    run: &Run,
    item: &ItemId,
) -> anyhow::Result<(Cow<'p, Sprint>, Vec<&'p Task>)> {
    if run.part_of(item) == Part::Items {
        let (sprint, tasks) = work_of(plan, item.as_str())?;
        return Ok((Cow::Borrowed(sprint), tasks));
    }
    let mut tasks = Vec::new();
    for other in run.items.iter().filter(|other| run.part_of(&other.id) == Part::Items) {
        tasks.extend(work_of(plan, other.id.as_str())?.1);
    }
    let (id, title) = (item.clone(), plan.title.clone());
    let sprint = Sprint { id, title, goal: None, tasks: Vec::new(), extra: BTreeMap::new() };
    Ok((Cow::Owned(sprint), tasks))
}

/// The sprint of an item, and those of its tasks that the item stands for and that are still asked for.
fn work_of<'p>(plan: &'p Plan, item: &str) -> anyhow::Result<(&'p Sprint, Vec<&'p Task>)> {
    if let Some(sprint) = plan.sprints.iter().find(|sprint| sprint.id.as_str() == item) {
        let asked = sprint.tasks.iter().filter(|task| !is_superseded(task));
        return Ok((sprint, asked.collect()));
    }
    let task = plan.tasks().find(|(_, task)| task.id.as_str() == item);
    let (sprint, task) = task.with_context(|| format!("the frozen plan has no item `{item}`"))?;
    Ok((sprint, vec![task]))
}
