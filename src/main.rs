//! The program: hidden subcommands that agents and gates run under, and the command line.

use std::{ffi::OsString, io, path::Path, process::ExitCode};

use git_run::{agents::steps, cli, gates, process::supervisor};

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let called = words.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    if let Some(called) = called.to_str()
        && called != "git-run"
        && let Some(exit) = cli::under_another_name(called, words.get(1..).unwrap_or_default())
    {
        return ExitCode::from(exit.code());
    }
    match words.get(1).and_then(|word| word.to_str()) {
        Some("supervise") => ExitCode::from(supervisor::main(words.split_off(2))),
        Some("execute-steps") => execute_steps(words.get(2)),
        Some("execute-gates") => execute_gates(words.get(2)),
        Some(_) | None => ExitCode::from(cli::main(words).code()),
    }
}

fn execute_steps(file: Option<&OsString>) -> ExitCode {
    let done = file.map(|file| steps::execute(Path::new(file), &mut io::stdout()));
    match done {
        Some(Ok(code)) => ExitCode::from(code),
        Some(Err(_)) | None => ExitCode::FAILURE,
    }
}

fn execute_gates(file: Option<&OsString>) -> ExitCode {
    let done = file.map(|file| gates::script::execute(Path::new(file), &mut io::stdout()));
    match done {
        Some(Ok(code)) => ExitCode::from(code),
        Some(Err(error)) => {
            // Who called it keeps what it says.
            let _ = io::Write::write_all(&mut io::stderr(), format!("{error:#}\n").as_bytes());
            ExitCode::FAILURE
        }
        None => ExitCode::FAILURE,
    }
}
