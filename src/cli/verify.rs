//! `git run verify`: replays journals against every state, segment and trailer that they recorded.

use super::{
    args::VerifyArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    git::Repo,
    store::{catalog, history},
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &VerifyArgs) -> Result<Exit, Fail> {
    let runs = match &args.run {
        Some(named) => vec![catalog::find(repo, named)?.0],
        None => catalog::runs(repo)?.into_iter().map(|(id, _)| id).collect(),
    };
    let mut exit = Exit::Done;
    let mut values = Vec::new();
    for id in &runs {
        let (line, value) = match history::verify(repo, id) {
            Ok(found) => (
                format!(
                    "{id}: whole: {} events in {} appends, {} states agree",
                    found.events, found.appends, found.states
                ),
                serde_json::json!({
                    "run": id.as_str(), "whole": true, "events": found.events,
                    "appends": found.appends, "states": found.states,
                }),
            ),
            Err(error) => {
                exit = Exit::Fault;
                let why = format!("{error:#}");
                (
                    format!("{id}: NOT WHOLE: {why}"),
                    serde_json::json!({ "run": id.as_str(), "whole": false, "why": why }),
                )
            }
        };
        if ui.json {
            values.push(value);
        } else {
            ui.say(&format!("{}\n", crate::report::sanitise::one_line(&line)))?;
        }
    }
    if ui.json {
        ui.say_json(&serde_json::json!({ "schema": "git-run/verify/1", "runs": values }))?;
    } else if runs.is_empty() {
        ui.say("no runs yet\nnext: git run plan show  (what could be run)\n")?;
    } else {
        ui.say("next: git run list  (where each of them stands)\n")?;
    }
    Ok(exit)
}
