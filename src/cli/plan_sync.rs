//! `git run plan sync`: what a run's plan and its sections say now. Takes nothing over without being asked.

use super::{
    exit::{Exit, Fail},
    plan::PlanSyncArgs,
    resume::{is_here, journal, wanted},
    ui::Ui,
};
use crate::{
    domain::{
        event::Event,
        ice::{denial::Denial, judge::Who},
        id::{Oid, RunId},
        run::{Run, synced::cannot_sync},
    },
    engine::drift::{self, Report},
    git::Repo,
    guard::scope,
    process::{alive, clock},
    report::drift as shown,
    store::{catalog, hold::Hold},
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &PlanSyncArgs) -> Result<Exit, Fail> {
    let id = wanted(repo, args.run.as_deref())?;
    let (run, report, applied) = if args.apply {
        apply(repo, &id)?
    } else {
        let tip = catalog::find(repo, id.as_str())?.1;
        let run = catalog::present(repo, &id, &tip)?;
        let report = look(repo, &run, &tip)?;
        (run, report, false)
    };
    if ui.json {
        ui.say_json(&shown::json(&run, &report.findings, applied))?;
    } else {
        ui.say(&shown::text(&run, &report.findings, applied))?;
    }
    Ok(Exit::Done)
}

/// The documents of a run are those of its work tree, as long as that stands on its branch.
fn look(repo: &Repo, run: &Run, tip: &Oid) -> Result<Report, Fail> {
    is_here(repo, run, "git run plan sync", false)?;
    if !drift::is_here(repo, run)? {
        let (id, branch) = (&run.charter.run, &run.charter.branch);
        let what = format!("the documents of run `{id}` are those of its branch `{branch}`");
        return Err(Fail::new(Exit::Failed, what).hint(format!("git switch {branch}")));
    }
    Ok(drift::look(repo, run, tip)?)
}

/// One event, under the lease; nothing where there is nothing to take over.
fn apply(repo: &Repo, id: &RunId) -> Result<(Run, Report, bool), Fail> {
    if scope::who() == Who::Agent {
        let what = format!("what run `{id}` is asked for changes when a person says so");
        return Err(Denial::new("person", what)
            .next("a person types git run plan sync --apply")
            .into());
    }
    repo.may_write()?;
    super::start::nothing_interrupted(repo)?;
    let me = alive::own_mark();
    let _hold = Hold::of_run(repo, id, &me)?;
    let mut journal = journal(repo, id)?;
    let run = journal.run().clone();
    if let Some(why) = cannot_sync(&run) {
        let what = format!("run `{id}` takes nothing over now: {why}");
        return Err(Fail::new(Exit::PersonNeeded, what).hint("git run status"));
    }
    let report = look(repo, &run, journal.tip())?;
    let Some((synced, artifact)) = report.event(&run, run.seq)? else {
        return Ok((run, report, false));
    };
    journal.take_lease(me, clock::now())?;
    let event = Event::PlanSynced(Box::new(synced));
    journal.append(vec![event], &[artifact], clock::now())?;
    Ok((journal.run().clone(), report, true))
}
