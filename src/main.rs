//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|name| name == "supervise") {
        return ExitCode::from(git_run::process::supervisor::main(args.collect()));
    }
    ExitCode::from(2)
}
