//! Becomes another program: what it says, hears and ends with is then what ours does.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::Path,
    process::Command,
};

/// The program that this process becomes.
#[derive(Debug)]
pub struct Successor<'a> {
    pub program: &'a Path,
    /// What it is told that it is called; its own path when nothing is said.
    pub called: Option<&'a OsStr>,
    pub args: &'a [OsString],
    /// The whole environment, or ours.
    pub env: Option<Vec<(OsString, OsString)>>,
    pub stdin: Option<File>,
}

/// Returns only when it cannot be done, with the reason.
#[must_use]
pub fn become_it(successor: Successor<'_>) -> io::Error {
    command(successor).exec()
}

/// Runs it with our own terminal and pipes, and waits: how it ended, as a shell would say it.
pub fn wait_for(successor: Successor<'_>) -> io::Result<u8> {
    let status = command(successor).status()?;
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn command(successor: Successor<'_>) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "children are started in this room, and so is this"
    )]
    let mut command = Command::new(successor.program);
    command.args(successor.args);
    if let Some(called) = successor.called {
        command.arg0(called);
    }
    if let Some(env) = successor.env {
        command.env_clear().envs(env);
    }
    if let Some(stdin) = successor.stdin {
        command.stdin(stdin);
    }
    command
}
