//! `git run resume`: the same loop over the same journal.

use super::{
    args::ResumeArgs,
    exit::{Exit, Fail},
    start::{Manner, Underway, actor, carry_on, hooks_in_force, nothing_interrupted},
    ui::Ui,
};
use crate::{
    config::{plan_file, settings::Settings, workflow_file},
    domain::{
        event::Cause,
        id::{Oid, RunId},
        plan::Plan,
        request::{Answer, Request, decide},
        run::{Run, State},
        workflow::Workflow,
    },
    engine::{course, start},
    git::Repo,
    guard::{person, vouched},
    process::{alive, clock},
    report::{drift, sanitise::one_line},
    store::{
        catalog::{self, Belongs},
        history,
        hold::Hold,
        journal::{AppendError, Journal, Present},
        layout,
        wire::policy,
    },
    sync::answers,
};

const FROZEN_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &ResumeArgs) -> Result<Exit, Fail> {
    repo.may_write()?;
    nothing_interrupted(repo)?;
    let id = wanted(repo, args.run.as_deref())?;
    let request = Request::Resume { reset_breaker: args.reset_ice };
    let taken = answers::take(repo, &id)?;
    if taken.words > 0 && !args.quiet && !ui.json {
        ui.tell("what was said elsewhere is taken in");
    }
    if let Some(why) = &taken.doubt {
        ui.tell(&one_line(&format!("what was said elsewhere is not taken in: {why}")));
    }
    for_persons(journal(repo, &id)?.run(), args.reset_ice)?;
    if let Err(fail) = vouched::words(repo, &id) {
        if !args.force {
            return Err(fail.into());
        }
        person::only("to go on by a word that nobody vouches for")?;
    }
    // Asked twice: what is denied anyway does not even touch the lock.
    let settings = allowed(repo, args, journal(repo, &id)?.run(), &request)?;
    let agents = super::args::agents(&args.agent);
    if !args.force {
        same_agents(repo, &id, &settings, &agents)?;
    }
    if !args.quiet && !ui.json {
        let journal = journal(repo, &id)?;
        super::reconcile::tell(ui, repo, journal.run(), &settings)?;
        if let Some(drift) = super::status::drifted(repo, journal.run(), journal.tip()) {
            ui.tell(&drift::warning(drift));
        }
    }
    hooks_in_force(ui, repo, args.quiet)?;
    let me = alive::own_mark();
    let mut underway = Underway::again(repo, &id, Hold::of_worktree(repo, &me)?, me)?;
    if let Answer::Write(events) = decide(underway.journal.run(), &request)? {
        underway.journal.append(events, &[], clock::now())?;
    }
    let manner = Manner { quiet: args.quiet, force: args.force };
    carry_on(ui, repo, underway, settings, agents, manner)
}

/// Going on after a no, and with counters that begin anew, is a person's decision.
fn for_persons(run: &Run, reset_breaker: bool) -> Result<(), Fail> {
    let no = matches!(run.halt, Some(Cause::FailVerdict { .. } | Cause::Rejected { .. }));
    if reset_breaker || (no && run.state == State::Halted) {
        person::only("to go on after a no")?;
    }
    Ok(())
}

/// Whether the run may go on, here and by what is set.
fn allowed(repo: &Repo, args: &ResumeArgs, run: &Run, request: &Request) -> Result<Settings, Fail> {
    if run.newer {
        return Err(AppendError::Newer.into());
    }
    decide(run, request)?;
    is_here(repo, run, "git run resume", args.force)?;
    let settings = Settings::read(repo)?;
    if !settings.enabled {
        return Err(Fail::new(Exit::Failed, "runs are not enabled in this repository")
            .hint("git config run.enabled true"));
    }
    Ok(settings)
}

/// Whether the run is this work tree's. Where nothing can be lost by it, `--force` does it here all the
/// same; what another clone has taken over is never written to.
pub(super) fn is_here(repo: &Repo, run: &Run, command: &str, force: bool) -> Result<(), Fail> {
    let id = &run.charter.run;
    match catalog::belongs(repo, run)? {
        Belongs::Here | Belongs::Moved { .. } => Ok(()),
        Belongs::Elsewhere { .. } | Belongs::Gone { .. } if force => Ok(()),
        Belongs::Elsewhere { worktree } => {
            let what = format!("run `{id}` belongs to the work tree `{worktree}`");
            Err(Fail::new(Exit::Failed, what).hint(format!("cd '{worktree}' && {command}")))
        }
        Belongs::Gone { worktree } => {
            let what = format!("run `{id}` belongs to the work tree `{worktree}`, which is gone");
            Err(Fail::new(Exit::Failed, what)
                .hint(format!("git run adopt {id} takes it over to this work tree")))
        }
        Belongs::Away { worktree } => {
            let what = format!("run `{id}` was taken over by another clone, in `{worktree}`");
            Err(Fail::new(Exit::Held, what).hint(format!("git run adopt {id} takes it back")))
        }
    }
}

/// An agent that works in a repository can also write its configuration, and so choose its own judge.
/// What is said on the command line now was said by whoever types.
pub(super) fn same_agents(
    repo: &Repo,
    id: &RunId,
    settings: &Settings,
    named: &[(Option<String>, String)],
) -> Result<(), Fail> {
    if !named.is_empty() {
        return Ok(());
    }
    let (_, workflow) = frozen(repo, id)?;
    let policy = history::read_file(repo, id, "policy.json", FROZEN_BYTES_MAX)?.unwrap_or_default();
    let then = policy::agents(&policy).map_err(anyhow::Error::from)?;
    let named = course::agents(&workflow, settings, named);
    let stages = journal(repo, id)?.run().charter.stages.clone();
    let now = start::commands(settings, &stages, &named)?;
    let Some((stage, words)) = then.iter().find(|(stage, words)| now.get(*stage) != Some(*words))
    else {
        return Ok(());
    };
    let message = format!(
        "the agent of `{stage}` was `{}` when the run began, and is set to another one now",
        words.join(" ")
    );
    Err(Fail::new(Exit::PersonNeeded, message)
        .hint("set it back, or say that the new one is meant: git run resume --force"))
}

pub(super) fn journal<'r>(repo: &'r Repo, id: &RunId) -> Result<Journal<'r>, Fail> {
    let opened = Journal::open(repo, id, actor(repo));
    opened.map_err(|error| Fail::from(error).about(&format!("the journal of run `{id}`")))
}

/// The run that was named, or the one of this work tree.
pub(super) fn wanted(repo: &Repo, named: Option<&str>) -> Result<RunId, Fail> {
    if let Some(named) = named {
        return Ok(catalog::find(repo, named).map_err(Fail::from)?.0);
    }
    match catalog::here(repo)? {
        Some((id, _)) => Ok(id),
        None => {
            Err(Fail::new(Exit::Failed, "there is no run in this work tree")
                .hint("git run plan show"))
        }
    }
}

/// Plan and workflow as they were when the run began, or as a person took them over since.
pub(super) fn frozen(repo: &Repo, id: &RunId) -> Result<(Plan, Workflow), Fail> {
    let tip = repo.refs().read(&layout::journal(id))?;
    let tip = tip.ok_or_else(|| anyhow::anyhow!("there is no run `{id}` here"))?;
    frozen_at(repo, &tip).map_err(|fail| fail.about(&format!("run `{id}`")))
}

/// The same of a journal that is elsewhere.
pub(super) fn frozen_at(repo: &Repo, tip: &Oid) -> Result<(Plan, Workflow), Fail> {
    let read = |path: &str| -> anyhow::Result<String> {
        let content = history::read_file_at(repo, tip, path, FROZEN_BYTES_MAX)?;
        let content = content.ok_or_else(|| anyhow::anyhow!("the journal has no `{path}`"))?;
        Ok(String::from_utf8(content)?)
    };
    // A person may have taken over what the plan says since.
    let path = Present::read(repo, tip)?.run.plan_path().to_owned();
    let plan = plan_file::read("plan.json", &read(&path)?).map_err(|faults| {
        let what = faults.first().map(|fault| fault.what.clone()).unwrap_or_default();
        Fail::new(Exit::Fault, format!("the frozen plan cannot be read: {what}"))
    })?;
    let workflow = workflow_file::read(&read("workflow.toml")?).map_err(|faults| {
        let what = faults.first().map(|fault| fault.what.clone()).unwrap_or_default();
        Fail::new(Exit::Fault, format!("the frozen workflow cannot be read: {what}"))
    })?;
    Ok((plan, workflow))
}
