//! `git run hooks install|status|uninstall`.

use std::time::Duration;

use super::{
    args::HooksCommand,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    git::Repo,
    guard::{
        audit,
        hooks::{self, Hook, Side, State},
    },
    report::sanitise::name,
};

/// How long a remote may take to say where its refs are.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(ui: &mut Ui, repo: &Repo, command: &HooksCommand) -> Result<Exit, Fail> {
    let found = match command {
        HooksCommand::Status => hooks::status(repo)?,
        HooksCommand::Install { server } => {
            repo.may_write()?;
            let found = hooks::install(repo, if *server { Side::Server } else { Side::of(repo) })?;
            audit::first_look(repo, Some(PATIENCE))?;
            found
        }
        HooksCommand::Uninstall => {
            repo.may_write()?;
            hooks::uninstall(repo)?
        }
    };
    if ui.json {
        let values = found.iter().map(json).collect::<Vec<_>>();
        ui.say_json(&serde_json::json!({ "schema": "git-run/hooks/1", "hooks": values }))?;
    } else {
        for hook in &found {
            let chained = hook.chained.as_ref().map_or(String::new(), |path| {
                format!(", then {}", name(path.as_os_str().as_encoded_bytes()))
            });
            let path = name(hook.path.as_os_str().as_encoded_bytes());
            ui.say(&format!("{:<18} {:<15} {path}{chained}\n", hook.name, hook.state.word()))?;
        }
    }
    let in_force = found.iter().all(|hook| hook.state == State::Current);
    let wanted = !matches!(command, HooksCommand::Uninstall);
    Ok(if in_force || !wanted { Exit::Done } else { Exit::Failed })
}

fn json(hook: &Hook) -> serde_json::Value {
    serde_json::json!({
        "name": hook.name,
        "state": hook.state.word(),
        "path": hook.path.to_string_lossy(),
        "chained": hook.chained.as_ref().map(|path| path.to_string_lossy()),
    })
}
