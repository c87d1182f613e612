//! `git run show <what>`: the frozen documents, artifacts, provenance and single events of a run.

use super::{
    args::ShowArgs,
    exit::{Exit, Fail},
    resume::wanted,
    status::time,
    ui::Ui,
};
use crate::{
    domain::{board, provenance::Provenance, run::Run},
    git::Repo,
    report::{board as shown, provenance as report, sanitise::sanitise},
    store::{
        catalog::{self, Found},
        history,
    },
};

const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const PROVENANCE: &str = "provenance";

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &ShowArgs) -> Result<Exit, Fail> {
    let what = args.what.as_deref().unwrap_or("");
    let named = args.run.as_deref();
    if named.is_none() && !what.is_empty() && catalog::find_anywhere(repo, what).is_ok() {
        return whole(ui, repo, Some(what));
    }
    let path = match what {
        "" => return whole(ui, repo, named),
        "plan" => "plan.json",
        "policy" => "policy.json",
        "workflow" => "workflow.toml",
        "state" => "state.json",
        other => other,
    };
    let found = match named {
        Some(named) => catalog::find_anywhere(repo, named)?,
        None => catalog::find_anywhere(repo, wanted(repo, None)?.as_str())?,
    };
    let id = &found.run;
    if let Some(from) = &found.from {
        ui.tell(&format!(
            "note: run {id} was fetched from {from}; it is not yours, and as they tell it"
        ));
    }
    if what == PROVENANCE {
        return provenance(ui, repo, &found, args.md);
    }
    if args.md {
        let what = "`--md` is a table of `provenance`, and of nothing else";
        return Err(Fail::new(Exit::Usage, what).hint("git run show provenance --md"));
    }
    if let Ok(seq) = path.parse::<u64>() {
        return event(ui, repo, &found, seq);
    }
    if let "board" | "progress" = path {
        let (plan, _) = super::resume::frozen_at(repo, &found.tip)?;
        let view = super::status::view_of(repo, &found)?;
        let groups = board::board(&plan, &view.run);
        if ui.json {
            ui.say_json(&shown::json(&view, &groups))?;
        } else if path == "board" {
            ui.say(&shown::text(&view, &groups))?;
        } else {
            ui.say(&shown::progress(&view, &groups))?;
        }
        return Ok(Exit::Done);
    }
    let content = history::read_file_at(repo, &found.tip, path, FILE_BYTES_MAX)?;
    let content = content.ok_or_else(|| {
        Fail::new(Exit::Failed, format!("run `{id}` has no `{}`", path.escape_debug())).hint(
            "git run show plan, policy, workflow, provenance, board, progress, an event's number, or a path below artifacts/",
        )
    })?;
    if ui.json && what == "workflow" {
        let (_, workflow) = super::resume::frozen_at(repo, &found.tip)?;
        ui.say_json(&super::workflow::value(&workflow))?;
        return Ok(Exit::Done);
    }
    let mut text = String::from_utf8_lossy(&content);
    if !text.is_empty() && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    ui.say(&if ui.json { text.into_owned() } else { sanitise(&text) })?;
    Ok(Exit::Done)
}

fn whole(ui: &mut Ui, repo: &Repo, named: Option<&str>) -> Result<Exit, Fail> {
    let args = super::args::StatusArgs {
        run: named.map(str::to_owned),
        verbose: true,
        porcelain: false,
        for_agent: false,
        budget: 0,
    };
    super::status::run(ui, repo, &args)
}

/// Told from the journal alone: nobody has to keep a table beside it.
fn provenance(ui: &mut Ui, repo: &Repo, of: &Found, md: bool) -> Result<Exit, Fail> {
    let mut folded: Option<Run> = None;
    let mut told = Provenance::default();
    history::each_event_at(repo, of.tip.clone(), &mut |envelope, _| {
        match &mut folded {
            Some(run) => {
                told.note(&envelope, run);
                run.apply(&envelope)?;
            }
            None => folded = Some(Run::begin(&envelope)?),
        }
        Ok(())
    })?;
    let run = folded.ok_or_else(|| anyhow::anyhow!("the journal of run `{}` is empty", of.run))?;
    let rows = told.rows(&run);
    if ui.json {
        ui.say_json(&report::json(&run, &rows, &time))?;
    } else if md {
        ui.say(&sanitise(&report::markdown(&run, &rows, &time)))?;
    } else {
        ui.say(&sanitise(&report::text(&rows, &time)))?;
    }
    Ok(Exit::Done)
}

fn event(ui: &mut Ui, repo: &Repo, of: &Found, seq: u64) -> Result<Exit, Fail> {
    let mut found = None;
    let id = &of.run;
    history::each_event_at(repo, of.tip.clone(), &mut |envelope, line| {
        if envelope.seq == seq {
            found = Some(line.to_owned());
        }
        Ok(())
    })?;
    let line =
        found.ok_or_else(|| Fail::new(Exit::Failed, format!("run `{id}` has no event {seq}")))?;
    // Canonical JSON has no raw control characters.
    ui.say(&format!("{line}\n"))?;
    Ok(Exit::Done)
}
