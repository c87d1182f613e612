//! `git run hook <agent> stop`: what an agent calls that is about to stop. Says once that a step of this
//! work tree's run is its own, and never stands in the way of anybody else.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Read as _},
    path::Path,
};

use serde_json::Value;

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::{ice::tool::Client, run::State},
    engine::drive::handed,
    git::Repo,
    report::{sanitise::one_line, stay},
    store::catalog::{self, Belongs},
};

/// What an agent says of its end is small; more of it is not read, and so is not understood.
const INPUT_BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn run(ui: &mut Ui, words: &[OsString]) -> Exit {
    let agent = words.first().and_then(|word| Client::of(word.to_str()?));
    let said = match agent {
        Some(agent) => answer(agent),
        None => {
            let agents = Client::ALL.map(Client::word).join(", ");
            Err(Fail::new(Exit::Usage, format!("the agents are {agents}")))
        }
    };
    match said {
        Ok(Some(text)) => {
            // Where nobody can read it, nobody is kept.
            let _ = ui.say(&text);
        }
        Ok(None) => {}
        Err(fail) => ui.tell(&one_line(&format!("nothing was looked at: {}", fail.message))),
    }
    // An agent may take anything else for a no, and come back for ever.
    Exit::Done
}

/// What keeps the agent: a step that was handed out and not reported on. One that was told already goes.
fn answer(agent: Client) -> Result<Option<String>, Fail> {
    let mut said = Vec::new();
    if io::stdin().is_terminal()
        || io::stdin().take(INPUT_BYTES_MAX).read_to_end(&mut said).is_err()
    {
        return Ok(None);
    }
    let Ok(said) = serde_json::from_slice::<Value>(&said) else { return Ok(None) };
    if !said.is_object() || said["stop_hook_active"] == true {
        return Ok(None);
    }
    let directory = said["cwd"].as_str().unwrap_or(".");
    let Ok(repo) = Repo::discover(Path::new(directory)) else { return Ok(None) };
    let Some((id, tip)) = catalog::here(&repo)? else { return Ok(None) };
    let run = catalog::present(&repo, &id, &tip)?;
    let here = matches!(catalog::belongs(&repo, &run)?, Belongs::Here | Belongs::Moved { .. });
    let Some(start) = handed(&run).filter(|_| here && run.state == State::Running) else {
        return Ok(None);
    };
    let step = format!("{} {} (cycle {})", start.item, start.stage, start.cycle);
    Ok(Some(stay::answer(agent, id.as_str(), &step, &tasks(&said["background_tasks"]))))
}

/// Tasks are told by their names, or as objects that have one.
fn tasks(said: &Value) -> Vec<String> {
    let of = |task: &Value| {
        let named = task.as_str().or_else(|| task["id"].as_str()).or_else(|| task["name"].as_str());
        named.map(str::to_owned)
    };
    said.as_array().map(|all| all.iter().filter_map(of).collect()).unwrap_or_default()
}
