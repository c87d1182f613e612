//! `git run status`, and `git run` alone: where things stand. Writes nothing, takes no lock.

use super::{
    args::StatusArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::{
        id::{Oid, RunId},
        time::Timestamp,
        view::RunView,
    },
    engine::{reconcile, restore},
    git::Repo,
    process::clock,
    report::{json, sanitise::one_line, status},
    store::{catalog, hold, layout, verdicts},
};

pub(super) fn bare(ui: &mut Ui, repo: &Repo) -> Result<Exit, Fail> {
    let args =
        StatusArgs { run: None, verbose: false, porcelain: false, for_agent: false, budget: 0 };
    run(ui, repo, &args)
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &StatusArgs) -> Result<Exit, Fail> {
    let found = match &args.run {
        Some(named) => Some(catalog::find(repo, named)?),
        None => catalog::here(repo)?,
    };
    // Said on standard error, whatever is asked for: nobody should work in a half restored tree.
    if let Ok(Some((_, operation))) = restore::pending(repo) {
        let (kind, to) = (operation.kind.word(), operation.to);
        ui.tell(&format!("a {kind} to checkpoint {to} was interrupted here: git run rollback finishes it, git run undo takes it back"));
    }
    let Some((id, tip)) = found else { return nothing(ui, args) };
    let view = view(repo, &id, &tip)?;
    // Of a run that is at work nobody can tell what was done outside of it.
    let outside = if view.held { None } else { reconcile::glance(repo, &view.run, args.verbose)? };
    let view = view.with_outside(outside);
    if ui.json {
        ui.say_json(&json::status(&view, &time))?;
    } else if args.porcelain {
        ui.say(&porcelain(&view))?;
    } else if args.for_agent {
        let titles = titles(repo, &id);
        ui.say(&status::for_agent(&view, &titles, args.budget))?;
    } else {
        ui.say(&status::text(&view, args.verbose, &time))?;
    }
    Ok(Exit::Done)
}

pub(super) fn view(repo: &Repo, id: &RunId, tip: &Oid) -> Result<RunView, Fail> {
    let run = catalog::present(repo, id, tip).map_err(|error| Fail {
        hint: Some(format!("git run verify {id}")),
        ..Fail::new(Exit::Fault, format!("{error:#}"))
    })?;
    let held = hold::is_held(&run);
    // What cannot be counted is told by `git run audit`.
    let count = verdicts::count(repo, &layout::verdicts(id)).unwrap_or_default();
    Ok(RunView::new(run, held, clock::now()).with_refusals(count.refusals))
}

fn nothing(ui: &mut Ui, args: &StatusArgs) -> Result<Exit, Fail> {
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

/// The titles of the frozen plan's sprints and tasks; a plan that cannot be read has none.
fn titles(repo: &Repo, id: &RunId) -> Vec<(String, String)> {
    let Ok((plan, _)) = super::resume::frozen(repo, id) else { return Vec::new() };
    let sprints = plan.sprints.iter().map(|sprint| (sprint.id.to_string(), sprint.title.clone()));
    let tasks = plan.tasks().map(|(_, task)| (task.id.to_string(), task.title.clone()));
    sprints.chain(tasks).collect()
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
    lines.push(format!("next {}", view.next.command));
    lines.iter().map(|line| format!("{}\n", one_line(line))).collect()
}

/// RFC 3339 in UTC.
pub(super) fn time(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    format!("{at:.3}")
}
