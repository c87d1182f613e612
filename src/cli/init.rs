//! `git run init`: everything that a clone needs once, and taking it back.

use super::{
    args::{HooksCommand, InitArgs},
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::git::Repo;

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &InitArgs) -> Result<Exit, Fail> {
    repo.may_write()?;
    if args.undo {
        // It may have been set for the user alone, or never.
        drop(repo.git().plumbing(&["config", "--local", "--unset-all", "run.enabled"])?);
        return super::hooks::run(ui, repo, &HooksCommand::Uninstall);
    }
    set(repo, "run.enabled", "true")?;
    for (key, value) in [("run.agent", &args.agent), ("run.remote", &args.remote)] {
        if let Some(value) = value {
            set(repo, key, value)?;
        }
    }
    // A value that is none is told now, and not when a run shall begin.
    let fresh = Repo::at(repo.git_dir()).map_err(Fail::from)?;
    crate::config::settings::Settings::read(&fresh)?;
    let exit = super::hooks::run(ui, &fresh, &HooksCommand::Install { server: false })?;
    if !ui.json {
        ui.say("runs are enabled here\nnext: git run plan check  (what could be run)\n")?;
    }
    Ok(exit)
}

fn set(repo: &Repo, key: &str, value: &str) -> Result<(), Fail> {
    repo.git().output(&["config", "--local", key, value])?;
    Ok(())
}
