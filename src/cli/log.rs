//! `git run log`: what happened, oldest first, as it is read.

use std::collections::VecDeque;

use super::{
    args::LogArgs,
    exit::{Exit, Fail},
    resume::wanted,
    ui::Ui,
};
use crate::{
    domain::{run::Run, tale, view::RunView},
    git::Repo,
    process::clock,
    report::{json, sanitise::one_line},
    store::{catalog, history, hold},
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &LogArgs) -> Result<Exit, Fail> {
    if args.run.is_none() && crate::store::catalog::here(repo)?.is_none() {
        ui.say(if ui.json {
            ""
        } else {
            "no run in this work tree\nnext: git run plan show  (what could be run)\n"
        })?;
        return Ok(Exit::Done);
    }
    let found = match &args.run {
        Some(named) => catalog::find_anywhere(repo, named)?,
        None => {
            let id = wanted(repo, None)?;
            catalog::find_anywhere(repo, id.as_str())?
        }
    };
    let id = &found.run;
    if let Some(from) = &found.from {
        ui.tell(&format!(
            "note: run {id} was fetched from {from}; it is not yours, and as they tell it"
        ));
    }
    let mut folded: Option<Run> = None;
    let mut newest = VecDeque::new();
    let mut gone = None;
    history::each_event_at(repo, found.tip.clone(), &mut |envelope, _| {
        match &mut folded {
            Some(run) => run.apply(&envelope)?,
            None => folded = Some(Run::begin(&envelope)?),
        }
        let Some(run) = &folded else { return Ok(()) };
        let line = if ui.json {
            json::event(&envelope, run, &super::status::time).to_string()
        } else {
            let text = one_line(&tale::sentence(&envelope.event, run));
            format!("{:>6}  {}  {text}", envelope.seq, super::status::time(envelope.at))
        };
        match args.max_count {
            Some(0) => {}
            Some(max) => {
                newest.push_back(line);
                if max < newest.len() {
                    newest.pop_front();
                }
            }
            None => {
                if let Err(fail) = ui.say(&format!("{line}\n")) {
                    gone = Some(fail);
                    anyhow::bail!("nobody reads on");
                }
            }
        }
        Ok(())
    })
    .map_err(|error| {
        gone.take().unwrap_or_else(|| error.context(format!("the journal of run `{id}`")).into())
    })?;
    for line in newest {
        ui.say(&format!("{line}\n"))?;
    }
    if !ui.json
        && let Some(run) = folded
    {
        let held = hold::is_held(&run);
        let mut view = RunView::new(run, held, clock::now());
        if let Some(from) = &found.from {
            view = view.fetched_from(from.to_string());
        }
        ui.say(&format!("next: {}  ({})\n", view.next.command, view.next.why))?;
    }
    Ok(Exit::Done)
}
