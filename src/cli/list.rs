//! `git run list`: every run, newest first.

use super::{
    args::ListArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    git::Repo,
    report::{json, sanitise::one_line, status},
    store::catalog::{self, Found},
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &ListArgs) -> Result<Exit, Fail> {
    let mut runs = match &args.remote {
        Some(named) => catalog::fetched(repo, Some(&super::sync::remote(repo, Some(named))?))?,
        None => {
            let own = catalog::runs(repo)?.into_iter();
            own.map(|(run, tip)| Found { run, tip, from: None }).collect()
        }
    };
    runs.reverse();
    let end = if args.zero { '\0' } else { '\n' };
    let mut values = Vec::new();
    for found in &runs {
        let id = &found.run;
        let view = match super::status::view_of(repo, found) {
            Ok(view) => view,
            // One journal that cannot be read does not hide the others.
            Err(fail) => {
                ui.tell(&format!("{id}: {}", fail.message));
                continue;
            }
        };
        if ui.json {
            values.push(json::status(&view, &super::status::time));
        } else if args.porcelain {
            let run = &view.run;
            let fields = [
                id.to_string(),
                run.state.word().to_owned(),
                view.percent().to_string(),
                run.charter.target.clone(),
                run.charter.branch.clone(),
            ];
            ui.say(&format!("{}{end}", fields.map(|field| one_line(&field)).join("\t")))?;
        } else {
            ui.say(&format!("{}\n", status::list_line(&view)))?;
        }
    }
    if ui.json {
        ui.say_json(&serde_json::json!({ "schema": "git-run/list/1", "runs": values }))?;
    } else if !runs.is_empty() && !args.porcelain {
        ui.say("next: git run status <run>  (one of them, closely)\n")?;
    } else if !args.porcelain {
        if let Some(remote) = &args.remote {
            ui.say(&format!(
                "no runs of {remote} were fetched\nnext: git run sync fetch {remote}\n"
            ))?;
            return Ok(Exit::Done);
        }
        ui.say("no runs yet\nnext: git run plan show  (what could be run)\n")?;
    }
    Ok(Exit::Done)
}
