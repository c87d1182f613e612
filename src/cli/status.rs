//! `git run status`, and `git run` alone: where things stand. Writes nothing, takes no lock.

use super::{
    args::StatusArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::{
        drift::Glance,
        id::{Oid, RunId, StageId},
        lane::Phase,
        run::Run,
        time::Timestamp,
        view::RunView,
        workflow::{Duty, Stage},
    },
    engine::{self, drift, reconcile, restore},
    git::Repo,
    process::clock,
    report::{
        hand_over::{self, HandOver},
        json,
        sanitise::one_line,
        status,
    },
    store::{
        catalog::{self, Belongs, Found},
        hold,
        layout::{self, FETCHED},
        verdicts,
    },
};

pub(super) fn bare(ui: &mut Ui, repo: &Repo) -> Result<Exit, Fail> {
    let args =
        StatusArgs { run: None, verbose: false, porcelain: false, for_agent: false, budget: 0 };
    run(ui, repo, &args)
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &StatusArgs) -> Result<Exit, Fail> {
    let found = match &args.run {
        Some(named) => Some(catalog::find_anywhere(repo, named)?),
        None => catalog::here(repo)?.map(|(run, tip)| Found { run, tip, from: None }),
    };
    // Said on standard error, whatever is asked for: nobody should work in a half restored tree.
    if let Ok(Some((_, operation))) = restore::pending(repo) {
        let (kind, to) = (operation.kind.word(), operation.to);
        ui.tell(&format!("a {kind} to checkpoint {to} was interrupted here: git run rollback finishes it, git run undo takes it back"));
    }
    let Some(found) = found else { return nothing(ui, repo, args) };
    let view = view_of(repo, &found)?;
    elsewhere(ui, repo, &view)?;
    // Of a run that is at work nobody can tell what was done outside of it.
    let looked = !view.held && view.from.is_none();
    let outside = if looked { reconcile::glance(repo, &view.run, args.verbose)? } else { None };
    let view = view.with_outside(outside);
    let drift = if found.from.is_some() { None } else { drifted(repo, &view.run, &found.tip) };
    let view = view.with_drift(drift);
    if args.for_agent {
        let (goal, titles) = titles(repo, &found.tip);
        let files = in_play(repo, &view);
        let (goal, titles, files) = (goal.as_deref(), titles.as_slice(), files.as_slice());
        let over = HandOver { view: &view, goal, titles, files };
        if ui.json {
            ui.say_json(&hand_over::json(&over, args.budget))?;
        } else {
            ui.say(&hand_over::text(&over, args.budget))?;
        }
    } else if ui.json {
        ui.say_json(&json::status(&view, &time))?;
    } else if args.porcelain {
        ui.say(&porcelain(&view))?;
    } else {
        ui.say(&status::text(&view, args.verbose, &time))?;
    }
    Ok(Exit::Done)
}

/// What cannot be looked at now is not told; `git run plan sync` says why.
pub(super) fn drifted(repo: &Repo, run: &Run, tip: &Oid) -> Option<Glance> {
    drift::glance(repo, run, tip).unwrap_or_else(|error| {
        tracing::debug!(%error, "it cannot be told what drifted");
        None
    })
}

pub(super) fn view(repo: &Repo, id: &RunId, tip: &Oid) -> Result<RunView, Fail> {
    let run = catalog::present(repo, id, tip).map_err(|error| Fail {
        hint: Some(format!("git run verify {id}")),
        ..Fail::new(Exit::Fault, format!("{error:#}"))
    })?;
    let held = hold::is_held(&run);
    // What cannot be counted is told by `git run audit`.
    let count = verdicts::count(repo, &layout::verdicts(id)).unwrap_or_default();
    // Looked for only where there were any, and nobody is at work in them.
    let left = match run.lanes.is_empty() || held {
        true => Vec::new(),
        false => {
            // What became of one that is in doubt is for `git run resume` to find out.
            let doubted = |place: &String| {
                let mut lanes = run.lanes.iter();
                lanes.any(|lane| lane.phase == Phase::Working && lane.worktree == *place)
            };
            let own = repo.lanes().into_iter().filter(|tree| tree.run == *id);
            let own = own.map(|tree| tree.worktree.to_string_lossy().into_owned());
            own.filter(|place| !doubted(place)).collect()
        }
    };
    let asks = asks(repo, &run, tip);
    let view = RunView::new(run, held, clock::now()).with_refusals(count.refusals);
    Ok(view.with_asks(asks).with_left(left))
}

/// What the frozen workflow asks at the stages that wait for a person. Looked up only where one does;
/// a workflow that cannot be read asks nothing, and `git run verify` says why.
pub(super) fn asks(repo: &Repo, run: &Run, tip: &Oid) -> Vec<(StageId, String)> {
    let waits = run.waits();
    if waits.is_empty() {
        return Vec::new();
    }
    let Ok((_, workflow)) = super::resume::frozen_at(repo, tip) else { return Vec::new() };
    let stages = waits.iter().filter_map(|one| workflow.stage(&one.gate.stage));
    // What an agent is told is no question to a person.
    let ask = |stage: &Stage| match stage.shape.duty {
        Duty::Judge => "Shall it go on as it is, with what was found?".to_owned(),
        Duty::Gate | Duty::Human => stage.ask.clone(),
        Duty::Build | Duty::Write => String::new(),
    };
    stages.map(|stage| (stage.id().clone(), ask(stage))).collect()
}

/// The same of one that may have been fetched.
pub(super) fn view_of(repo: &Repo, found: &Found) -> Result<RunView, Fail> {
    let view = view(repo, &found.run, &found.tip)?;
    Ok(match &found.from {
        Some(remote) => view.fetched_from(remote.to_string()),
        None => view,
    })
}

/// Where the run of this work tree is not what it seems to be.
fn elsewhere(ui: &mut Ui, repo: &Repo, view: &RunView) -> Result<(), Fail> {
    if view.from.is_some() {
        return Ok(());
    }
    let run = &view.run.charter.run;
    match catalog::belongs(repo, &view.run)? {
        Belongs::Here | Belongs::Elsewhere { .. } => {}
        Belongs::Moved { from } => ui.tell(&format!("note: this work tree was `{from}` when run {run} was told so")),
        Belongs::Gone { worktree } if !view.run.state.is_over() => ui.tell(&format!(
            "note: the work tree `{worktree}` of run {run} is gone; git run adopt {run} takes it over here"
        )),
        Belongs::Gone { .. } => {}
        Belongs::Away { worktree } => ui.tell(&format!(
            "note: run {run} was taken over by another clone, in `{worktree}`; git run adopt {run} takes it back"
        )),
    }
    Ok(())
}

/// What a clone does not say of runs: only from what is here, and never from a remote.
fn unfetched(repo: &Repo) -> anyhow::Result<Option<String>> {
    let out = repo.git().output(&["remote"])?;
    let names: Vec<String> = String::from_utf8_lossy(&out).lines().map(str::to_owned).collect();
    let fetched = catalog::fetched(repo, None)?;
    let own = catalog::runs(repo)?;
    let Some(first) = names.iter().find(|name| *name == "origin").or(names.first()) else {
        return Ok(None);
    };
    let known = |run: &RunId| {
        own.iter().any(|(id, _)| id == run) || fetched.iter().any(|found| found.run == *run)
    };
    let named = repo.runs_named_at_head()?;
    if let Some(run) = named.iter().find(|run| !known(run)) {
        return Ok(Some(format!(
            "commits here are of run {run}, whose journal is not here: git run sync fetch {first}"
        )));
    }
    if own.is_empty() && !fetched.is_empty() {
        let remote = fetched[0].from.as_ref().map_or("", |remote| remote.as_str());
        return Ok(Some(format!("runs were fetched: git run list --remote {remote}")));
    }
    let never = repo.refs().list(FETCHED)?.is_empty() && own.is_empty();
    Ok(never.then(|| format!("runs of {first} were never fetched: git run sync fetch {first}")))
}

fn nothing(ui: &mut Ui, repo: &Repo, args: &StatusArgs) -> Result<Exit, Fail> {
    // That it cannot be told is no reason to tell nothing else.
    if let Ok(Some(note)) = unfetched(repo) {
        ui.tell(&format!("note: {note}"));
    }
    if ui.json {
        ui.say_json(&serde_json::json!({
            "schema": "git-run/status/1", "run": null, "status": "no_run_in_progress",
            "next": { "command": "git run plan show", "why": "there is no run here yet" },
        }))?;
    } else if args.porcelain {
        ui.say("run -\n")?;
    } else {
        ui.say("no run in this work tree\nnext: git run plan show  (what could be run)\n")?;
    }
    Ok(Exit::Done)
}

/// What the item at work has changed; what cannot be looked at from here is not told.
fn in_play(repo: &Repo, view: &RunView) -> Vec<Vec<u8>> {
    if view.run.worktree() != repo.identity() {
        return Vec::new();
    }
    engine::hand_over::in_play(repo, &view.run).unwrap_or_default()
}

/// The title of the frozen plan, and those of its sprints and tasks; a plan that cannot be read has none.
fn titles(repo: &Repo, tip: &Oid) -> (Option<String>, Vec<(String, String)>) {
    let Ok((plan, _)) = super::resume::frozen_at(repo, tip) else { return (None, Vec::new()) };
    let sprints = plan.sprints.iter().map(|sprint| (sprint.id.to_string(), sprint.title.clone()));
    let tasks = plan.tasks().map(|(_, task)| (task.id.to_string(), task.title.clone()));
    (Some(plan.title.clone()), sprints.chain(tasks).collect())
}

/// Lines of `key value`, stable for ever; new keys may be added.
fn porcelain(view: &RunView) -> String {
    let run = &view.run;
    let mut lines = vec![
        format!("run {}", run.charter.run),
        format!("state {}", run.state.word()),
        format!("held {}", if view.held { "yes" } else { "no" }),
        format!("target {}", run.charter.target),
        format!("branch {}", run.charter.branch),
        format!("head {}", run.head),
        format!("done {} {}", view.done(), run.items.len()),
    ];
    if let Some(at) = view.position() {
        lines.push(format!("position {} {} {} {}", at.item, at.stage, at.cycle, at.attempt));
    }
    lines.push(format!("findings {}", view.open_findings().len()));
    lines.push(format!("breaker {}", view.breaker_word()));
    lines.push(format!("refused {}", view.refusals));
    lines.push(format!("drifted {}", view.drift.map_or(0, |drift| drift.tasks + drift.unknown)));
    lines.push(format!("next {}", view.next.command));
    lines.iter().map(|line| format!("{}\n", one_line(line))).collect()
}

/// RFC 3339 in UTC.
pub(super) fn time(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    format!("{at:.3}")
}
