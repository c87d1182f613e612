//! `git run verify`: replays journals against every state, segment and trailer that they recorded,
//! and has git check what people signed.

use super::{
    args::VerifyArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::tale::counted,
    git::Repo,
    store::{catalog, history, signatures},
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &VerifyArgs) -> Result<Exit, Fail> {
    let runs = match &args.run {
        Some(named) => vec![catalog::find(repo, named)?.0],
        None => catalog::runs(repo)?.into_iter().map(|(id, _)| id).collect(),
    };
    let mut exit = Exit::Done;
    let mut values = Vec::new();
    for id in &runs {
        let proof =
            history::verify(repo, id).and_then(|found| Ok((found, signatures::check(repo, id)?)));
        let (line, value) = match proof {
            Ok((found, signed)) => {
                if !signed.not_vouched.is_empty() && exit == Exit::Done {
                    exit = Exit::Failed;
                }
                let why = |(seq, why): &(u64, String)| serde_json::json!({"seq": seq, "why": why});
                let value = serde_json::json!({
                    "run": id.as_str(), "whole": true, "events": found.events,
                    "appends": found.appends, "states": found.states,
                    "signatures": {
                        "good": signed.good,
                        "not_vouched": signed.not_vouched.iter().map(why).collect::<Vec<_>>(),
                    },
                });
                let mut line = format!(
                    "{id}: whole: {} events in {} appends, {} states agree",
                    found.events, found.appends, found.states
                );
                if 0 < signed.good {
                    line.push_str(&format!(", {} good", counted(signed.good, "signature")));
                }
                for (seq, why) in &signed.not_vouched {
                    line.push_str(&format!(
                        "; NOT VOUCHED FOR: the signature of event {seq}: {why}"
                    ));
                }
                (line, value)
            }
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
