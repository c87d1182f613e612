//! `git run <target>` and `git run start <target>`.

use std::io::IsTerminal as _;

use super::{
    args::StartArgs,
    exit::{Exit, Fail},
    narrate::{self, Narrated},
    series,
    ui::Ui,
};
use crate::{
    agents::call::Caller,
    config::settings::Settings,
    domain::{
        event::{Actor, Charter, Delivery, ProcessMark, PushMode},
        finding::cut,
        id::{ItemId, Oid, RunId},
        plan::Plan,
        retention::Keep,
        risk::Action,
        run::{Run, State},
        target::Range,
        view::RunView,
        workflow::Workflow,
    },
    engine::{
        bug::{self, Bug},
        drive::drive,
        gc,
        prerequisites::Looked,
        real::{RealWorld, halt_asked},
        reconcile::{self, Report},
        restore,
        risk::Found,
        start::{Overrides, Prepared, Request, create, prepare},
    },
    forge::gh::Gh,
    git::Repo,
    guard::{
        audit,
        hooks::{self, Force},
        push, vouched,
    },
    process::{
        alive, clock, env,
        stop::{Ask, StopKind, StopSignal},
    },
    report::{json, sanitise::sanitise, status},
    store::{
        catalog, checkpoints,
        hold::{self, Hold},
        journal::Journal,
    },
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &StartArgs) -> Result<Exit, Fail> {
    let settings = Settings::read(repo)?;
    let mut request = request(args)?;
    repo.may_write()?;
    if repo.worktree().is_none() {
        return Err(Fail::new(
            Exit::Failed,
            "a run needs a work tree, and this repository is bare",
        ));
    }
    nothing_interrupted(repo)?;
    described(repo, &settings, args, &mut request)?;
    if args.no_consolidate {
        return series::run(ui, repo, args, &settings, request);
    }
    if args.dry_run {
        let prepared = prepare(repo, &settings, &request)?;
        return dry_run(ui, &prepared);
    }
    if !args.again
        && request.bug.is_none()
        && let Some(found) = finished_before(repo, &settings, &request)?
    {
        return said_before(ui, found);
    }
    let manner = Manner { quiet: args.quiet, force: false };
    let underway = underway(ui, repo, &settings, &mut request, manner)?;
    carry_on(ui, repo, underway, settings, request.agents, manner)
}

/// A run that was begun, or is gone on with where it is the same.
pub(super) fn underway<'r>(
    ui: &mut Ui,
    repo: &'r Repo,
    settings: &Settings,
    request: &mut Request,
    manner: Manner,
) -> Result<Underway<'r>, Fail> {
    // Looked at twice: the lock is a file, and nothing at all is written for what cannot begin.
    if unfinished_here(repo)?.is_none() {
        let prepared = prepare(repo, settings, request)?;
        risk_is_wanted(ui, &prepared.risk)?;
    }
    hooks_in_force(ui, repo, manner.quiet)?;
    let me = alive::own_mark();
    let hold = Hold::of_worktree(repo, &me)?;
    match unfinished_here(repo)? {
        Some(run) => {
            may_go_on(&run, request)?;
            vouched::words(repo, &run.charter.run)?;
            super::resume::same_agents(repo, &run.charter.run, settings, &request.agents)?;
            ui.tell(&format!("going on with run {}", run.charter.run));
            Underway::again(repo, &run.charter.run, hold, me)
        }
        None => {
            if let Some(bug) = &mut request.bug {
                bug.id = format!("bug-{}", bug::take(repo)?);
                request.targets = vec![bug.id.clone()];
            }
            Underway::begun(repo, prepare(repo, settings, request)?, hold, me)
        }
    }
}

/// A lane is a part of a run, and none begins or goes on inside of it.
fn no_lane(repo: &Repo) -> Result<(), Fail> {
    let Some(lane) = repo.as_lane() else { return Ok(()) };
    let message = format!("this work tree is the lane of {} of run `{}`", lane.item, lane.run);
    Err(Fail::new(Exit::Held, message).hint("git run status"))
}

/// The bug in its words, under the number that it would get.
fn described(
    repo: &Repo,
    settings: &Settings,
    args: &StartArgs,
    request: &mut Request,
) -> Result<(), Fail> {
    let (text, issue) = match (&args.bug, args.from_issue) {
        (Some(text), _) => (text.clone(), None),
        (None, Some(number)) => (issue(repo, settings, number)?, Some(number)),
        (None, None) => return Ok(()),
    };
    // Forges keep the line ends of browsers.
    let mut text = sanitise(&text.replace("\r\n", "\n")).trim().to_owned();
    if text.is_empty() {
        return Err(Fail::new(Exit::Usage, "the bug says nothing; describe what goes wrong"));
    }
    cut(&mut text, bug::TEXT_BYTES_MAX);
    let id = format!("bug-{}", bug::peek(repo)?);
    request.targets = vec![id.clone()];
    request.bug = Some(Bug { id, text, issue });
    Ok(())
}

fn issue(repo: &Repo, settings: &Settings, number: u64) -> Result<String, Fail> {
    let place = push::place(repo, settings.remote.as_deref())?;
    let directory = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let gh = Gh::found(directory, place.as_deref().unwrap_or_default()).ok_or_else(|| {
        Fail::new(Exit::Failed, "`gh` is not installed, so no issue can be read")
            .hint("git run --bug 'what goes wrong'")
    })?;
    Ok(gh.issue(number)?)
}

/// Whoever sits at the terminal is asked once about what would cost most.
fn risk_is_wanted(ui: &mut Ui, found: &Found) -> Result<(), Fail> {
    if found.action != Action::Warn {
        return Ok(());
    }
    if !ui.json {
        ui.tell(&format!("note: {}", found.says()));
    }
    if found.asks && !Ui::ask("begin all the same?") {
        return Err(Fail::new(Exit::PersonNeeded, "it was declined: nothing was begun"));
    }
    Ok(())
}

/// A run has hooks of its own around its agents. Those of the repository may never have been wanted,
/// but one that was put in and judges no longer is no accident to go on with.
pub(super) fn hooks_in_force(ui: &mut Ui, repo: &Repo, quiet: bool) -> Result<(), Fail> {
    match hooks::force(repo)? {
        Force::All => Ok(()),
        Force::Never => {
            if !quiet && !ui.json {
                ui.tell("note: without hooks only agents are guarded here: git run hooks install");
            }
            Ok(())
        }
        Force::Broken(broken) => {
            let each =
                broken.iter().map(|hook| format!("`{}` is {}", hook.name, hook.state.word()));
            let which = each.collect::<Vec<_>>().join(", ");
            Err(Fail::new(
                Exit::Failed,
                format!("the hooks are not as they were installed: {which}"),
            )
            .hint("git run hooks install"))
        }
    }
}

/// A run that this process holds, with what was frozen when it began.
pub(super) struct Underway<'r> {
    pub journal: Journal<'r>,
    pub frozen: (Plan, Workflow),
    /// Nobody else writes it as long as this lives.
    pub hold: Hold,
}

impl<'r> Underway<'r> {
    pub(super) fn begun(
        repo: &'r Repo,
        prepared: Prepared,
        hold: Hold,
        me: ProcessMark,
    ) -> Result<Self, Fail> {
        let mut journal = create(repo, &prepared, actor(repo))?;
        let hold = hold.and_run(repo, &prepared.charter.run, &me)?;
        journal.take_lease(me, clock::now())?;
        audit::first_look(repo, None)?;
        Ok(Self { journal, frozen: (prepared.plan, prepared.workflow), hold })
    }

    pub(super) fn again(
        repo: &'r Repo,
        id: &RunId,
        hold: Hold,
        me: ProcessMark,
    ) -> Result<Self, Fail> {
        let hold = hold.and_run(repo, id, &me)?;
        let mut journal = Journal::open(repo, id, actor(repo))?;
        let frozen = super::resume::frozen(repo, id)?;
        journal.take_lease(me, clock::now())?;
        Ok(Self { journal, frozen, hold })
    }
}

/// A work tree that is half in one state and half in another is no place for an agent.
pub(super) fn nothing_interrupted(repo: &Repo) -> Result<(), Fail> {
    no_lane(repo)?;
    let Some((_, operation)) = restore::pending(repo)? else { return Ok(()) };
    let (kind, to) = (operation.kind.word(), operation.to);
    Err(Fail::new(Exit::PersonNeeded, format!("a {kind} to checkpoint {to} was interrupted here"))
        .hint("git run rollback finishes it, git run undo takes it back; nothing is lost"))
}

/// A run of this work tree whose end was not reached.
pub(super) fn unfinished_here(repo: &Repo) -> Result<Option<Run>, Fail> {
    let Some((id, tip)) = catalog::here(repo)? else { return Ok(None) };
    let run = catalog::present(repo, &id, &tip)?;
    Ok((!run.state.is_over() && catalog::belongs(repo, &run)?.is_here()).then_some(run))
}

/// The run before, when it finished all that is asked for, by the same plan, and its branch has it still.
fn finished_before(
    repo: &Repo,
    settings: &Settings,
    request: &Request,
) -> Result<Option<Report>, Fail> {
    let Some((id, tip)) = catalog::here(repo)? else { return Ok(None) };
    let run = catalog::present(repo, &id, &tip)?;
    if !run.state.is_over() || !run.all_done() || run.charter.worktree != repo.identity() {
        return Ok(None);
    }
    // What cannot begin is said by whoever begins it.
    let Ok(prepared) = prepare(repo, settings, request) else { return Ok(None) };
    let asked = &prepared.charter;
    let same = asked.plan_digest == *run.plan_digest()
        && asked.workflow == run.charter.workflow
        && asked.items.iter().all(|item| run.items.iter().any(|known| known.id == *item));
    if !same || asked.branch != run.charter.branch {
        return Ok(None);
    }
    let found = reconcile::look(repo, &id, &run, settings)?;
    Ok(reconcile::all_in(&found.findings, &asked.items).then_some(found))
}

fn said_before(ui: &mut Ui, found: Report) -> Result<Exit, Fail> {
    let id = found.run.charter.run.clone();
    let place = if found.branch_gone { found.base } else { found.run.charter.branch.clone() };
    let view = RunView::new(found.run, false, clock::now());
    if ui.json {
        ui.say_json(&json::status(&view, &super::status::time))?;
    } else {
        ui.say(&sanitise(&format!(
            "run {id} finished all of it, and `{place}` has it\nnext: {}  ({}); --again starts anew\n",
            view.next.command, view.next.why
        )))?;
    }
    Ok(Exit::Done)
}

/// The same target again is the same run going on; anything else has to wait.
pub(super) fn may_go_on(run: &Run, request: &Request) -> Result<(), Fail> {
    let (id, state) = (&run.charter.run, run.state.word());
    let tried = matches!(run.delivery, Some(Delivery::Refused { .. } | Delivery::Failed { .. }));
    if run.state == State::Halted {
        let message = format!("run `{id}` of this work tree is {state}");
        return Err(Fail::new(Exit::PersonNeeded, message)
            .hint("git run resume to go on, or git run halt --force to give it up"));
    }
    if run.state == State::Complete && tried {
        let message =
            format!("the work of run `{id}` of this work tree is done, but not delivered");
        return Err(Fail::new(Exit::PersonNeeded, message)
            .hint("git run resume to push it, or git run halt --force to leave it as it is"));
    }
    if run.charter.target != request.targets.join(" ") {
        let message = format!("run `{id}` ({}) of this work tree is {state}", run.charter.target);
        return Err(Fail::new(Exit::Held, message).hint("git run resume, or git run halt"));
    }
    Ok(())
}

/// How a run is carried on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub quiet: bool,
    pub force: bool,
}

/// Drives the run from here to where it rests, and says where that is.
pub(super) fn carry_on(
    ui: &mut Ui,
    repo: &Repo,
    underway: Underway<'_>,
    settings: Settings,
    agents: Vec<(Option<String>, String)>,
    manner: Manner,
) -> Result<Exit, Fail> {
    let stop = stop_signal(repo, underway.journal.run().charter.run.clone())?;
    let view = work_on(ui, repo, underway, (settings, agents), manner, stop)?;
    tell(ui, &view)
}

/// Drives the run from here to where it rests, and says nothing of where that is.
pub(super) fn work_on(
    ui: &Ui,
    repo: &Repo,
    underway: Underway<'_>,
    (settings, agents): (Settings, Vec<(Option<String>, String)>),
    manner: Manner,
    stop: StopSignal,
) -> Result<RunView, Fail> {
    let Underway { journal, frozen, hold: _hold } = underway;
    let keep = settings.checkpoints.keep.clone();
    let quiet = manner.quiet || ui.json;
    let id = journal.run().charter.run.clone();
    let caller = Caller::new(stop, narrate::tail(quiet))?;
    let world = RealWorld::new(repo, settings, frozen, agents, caller, Box::new(Ui::ask));
    let mut world = world.vouched_for(manner.force);
    let mut log = Narrated { repo, journal, quiet };
    let me = alive::own_mark();
    publish(repo, log.journal.run(), &me, true)?;
    let driven = drive(&mut log, &mut world);
    // A lease that is not given back runs out by itself.
    if let Err(fail) = publish(repo, log.journal.run(), &me, false) {
        tracing::debug!(why = %fail.message, "the lease was not given back");
    }
    repo.pack_when_many();
    upkeep(repo, &keep, &checkpoints::of_run(&id));
    driven?;
    Ok(rested(repo, log.journal.run(), log.journal.tip()))
}

fn rested(repo: &Repo, run: &Run, tip: &Oid) -> RunView {
    let asks = super::status::asks(repo, run, tip);
    RunView::new(run.clone(), false, clock::now()).with_asks(asks)
}

/// How it stands now that nobody is at work on it: what is asked, and the next command.
pub(super) fn rests(ui: &mut Ui, repo: &Repo, run: &Run, tip: &Oid) -> Result<Exit, Fail> {
    tell(ui, &rested(repo, run, tip))
}

pub(super) fn tell(ui: &mut Ui, view: &RunView) -> Result<Exit, Fail> {
    let id = &view.run.charter.run;
    if ui.json {
        ui.say_json(&json::status(view, &super::status::time))?;
    } else {
        let (state, next) = (view.run.state.word(), &view.next);
        ui.say(&sanitise(&status::halted(view, &super::status::time)))?;
        ui.say(&format!("run {id} is {state}\nnext: {}  ({})\n", next.command, next.why))?;
    }
    Ok(Exit::of(&view.run))
}

/// Drops what has expired. It is upkeep: when it fails, nothing is lost.
pub(super) fn upkeep(repo: &Repo, keep: &Keep, chain: &str) {
    match gc::collect(repo, chain, keep, false) {
        Ok(dropped) => tracing::debug!(count = dropped.checkpoints.len(), "checkpoints dropped"),
        Err(error) => tracing::debug!(%error, "no checkpoints were dropped"),
    }
}

/// How long a lease holds without being renewed. On one machine the kernel's lock says more.
const LEASE: crate::domain::time::Span = crate::domain::time::Span::from_hours(24);

fn publish(repo: &Repo, run: &Run, me: &ProcessMark, taken: bool) -> Result<(), Fail> {
    let now = clock::now();
    let until = taken.then(|| now.after(LEASE));
    let nonce: String = clock::nonce().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hold::publish_lease(repo, &run.charter.run, run.generation, me, &nonce, until, now)?)
}

/// Hears the terminal, and what is asked for in the journal.
pub(super) fn stop_signal(repo: &Repo, run: RunId) -> Result<StopSignal, Fail> {
    StopSignal::install(halt_of(repo, run)?)
        .map_err(|error| Fail::new(Exit::Failed, format!("cannot listen for signals: {error}")))
}

/// Whether somebody asked this run to halt at once.
pub(super) fn halt_of(repo: &Repo, run: RunId) -> Result<Ask, Fail> {
    let again = Repo::at(repo.git_dir()).map_err(Fail::from)?;
    let ask = move || halt_asked(&again, &run).filter(|force| *force).map(|_| StopKind::Graceful);
    Ok(Box::new(ask))
}

pub(super) fn actor(repo: &Repo) -> Actor {
    let person = repo.setting("user.name").or_else(|| env::text("USER")).unwrap_or_default();
    let person: String = person.chars().filter(|c| !c.is_control()).take(100).collect();
    Actor {
        person,
        agent: env::text("GIT_RUN_AGENT").map(|_| "agent".to_owned()),
        host: env::host_name(),
    }
}

fn request(args: &StartArgs) -> Result<Request, Fail> {
    let push = match (args.local, args.confirm_push) {
        (true, _) => Some(PushMode::Local),
        (_, true) => Some(PushMode::Prompt),
        (false, false) => None,
    };
    Ok(Request {
        targets: args.targets.clone(),
        range: Range { from: args.from.clone(), to: args.to.clone(), skip: args.skip.clone() },
        workflow: args.workflow.clone(),
        flow: args.flow(),
        from_stage: args.from_stage.clone(),
        skip_stages: args.skip_stage.clone(),
        inputs: args.inputs()?,
        parallel: args.parallel,
        branch: args.branch.clone(),
        base: args.base.clone(),
        agents: args.agents(),
        push,
        limits: Overrides {
            cycles_max: args.max_cycles,
            run_time_max: args.timeout,
            tokens_max: args.budget_tokens,
            cost_max: args.cost()?,
        },
        behind: None,
        plan: None,
        bug: None,
        allow_high: args.allow_high,
        looked_on: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        looked: Looked::default(),
    })
}

/// The items that would be built side by side.
fn groups(charter: &Charter) -> Vec<Vec<String>> {
    let names = |group: &Vec<ItemId>| group.iter().map(ToString::to_string).collect();
    let on = charter.groups.is_on();
    charter.groups.items.iter().filter(|_| on).map(names).collect()
}

fn dry_run(ui: &mut Ui, prepared: &Prepared) -> Result<Exit, Fail> {
    let charter = &prepared.charter;
    let items: Vec<_> = charter.items.iter().map(ToString::to_string).collect();
    let taken = charter.stages.iter().filter(|stage| stage.is_walked());
    let stages: Vec<_> = taken.map(|stage| stage.id.to_string()).collect();
    let size = prepared.size.map(|size| size.to_string());
    let skipped = charter
        .stages
        .iter()
        .filter_map(|stage| stage.skipped.as_ref().map(|why| (stage.id.as_str(), why.as_str())));
    let risk = (prepared.risk.action == Action::Warn).then(|| prepared.risk.says());
    let lane = |group: &Vec<String>| {
        format!("  lanes   {} ({} at once)\n", group.join(", "), charter.groups.parallel)
    };
    let lanes: String = groups(charter).iter().map(lane).collect();
    if ui.json {
        ui.say_json(&serde_json::json!({
            "schema": "git-run/dry-run/1",
            "target": charter.target,
            "plan": charter.plan.as_str(),
            "branch": charter.branch,
            "base": charter.base,
            "start": charter.start.as_str(),
            "workflow": charter.workflow.as_str(),
            "stages": stages,
            "left_out": skipped.map(|(stage, why)| serde_json::json!({
                "stage": stage, "why": why,
            })).collect::<Vec<_>>(),
            "flow": charter.flow,
            "size": prepared.size.map(|size| serde_json::json!({
                "tasks": size.tasks, "files": size.files,
                "criteria": size.criteria, "unscoped": size.unscoped,
            })),
            "items": items,
            "lanes": groups(charter),
            "parallel": if charter.groups.is_on() { charter.groups.parallel } else { 1 },
            "push": charter.push.word(),
            "risk": risk,
        }))?;
    } else {
        let flow = match (&charter.flow, size) {
            (Some(flow), Some(size)) => {
                format!("  flow    {flow}, by the size of the work: {size}\n")
            }
            (Some(flow), None) => format!("  flow    {flow}\n"),
            (None, _) => String::new(),
        };
        let left_out: String =
            skipped.map(|(stage, why)| format!("  without {stage}: {why}\n")).collect();
        let risk = risk.map_or(String::new(), |risk| format!("  risk    {risk}\n"));
        ui.say(&sanitise(&format!(
            "would run {} on `{}` from {} (base `{}`)\n  items   {}\n{lanes}  stages  {}\n{flow}{left_out}  push    {}\n{risk}nothing was written\n",
            charter.target,
            charter.branch,
            charter.start.short(),
            charter.base,
            items.join(", "),
            stages.join(" → "),
            charter.push.word(),
        )))?;
    }
    Ok(Exit::Done)
}
