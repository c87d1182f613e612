//! `git run ice exec -- <command>`: any program in the environment that agents get. And the programs
//! that such an environment holds under the names of others.

use std::{ffi::OsString, path::Path};

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    git::Repo,
    guard::fence::Fence,
    process::{
        env,
        replace::{Successor, become_it, wait_for},
    },
};

/// Runs it, and ends as it ended.
pub(super) fn exec(repo: &Repo, words: &[OsString]) -> Result<Exit, Fail> {
    let Some((program, args)) = words.split_first() else {
        return Err(Fail::new(Exit::Usage, "which command?").hint("git run ice exec -- <command>"));
    };
    let fence = Fence::around(repo)?;
    let inside = fence.environment(env::vars());
    let successor = Successor {
        program: Path::new(program),
        called: None,
        args,
        env: Some(inside),
        stdin: None,
    };
    let code = wait_for(successor).map_err(|error| {
        Fail::new(Exit::Failed, format!("cannot run `{}`: {error}", program.to_string_lossy()))
    })?;
    Ok(Exit::Passed(code))
}

/// Becomes the program that is really called so.
pub(super) fn real(ui: &mut Ui, name: &str, args: &[OsString]) -> Exit {
    let Some(program) = env::foreign_program(name) else {
        ui.tell(&format!("{name}: not found"));
        return Exit::Passed(127);
    };
    let called = Some(name.as_ref());
    let error = become_it(Successor { program: &program, called, args, env: None, stdin: None });
    ui.tell(&format!("{name}: {error}"));
    Exit::Passed(126)
}
