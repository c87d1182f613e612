//! `git run ice check`: what the guard would say to a command line of an agent. Does nothing of it.

use std::{ffi::OsString, io::Read as _};

use clap::{Parser, Subcommand};

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::ice::shell::{self, lex::LINE_BYTES_MAX},
    guard::facts,
    report::verdict,
};

/// As the wrapper had them that they replace.
pub(super) const ICE_VERBS: &str = "\
The words of the wrapper that this replaces; 0 done, 1 blocked, 2 usage:
  is-protected <branch>             `true` and 0 for what people alone move, else `false`, 1
  validate                          0 on a branch that is not protected
  ensure-branch <name> [<prefix>]   switch to `feature/<name>`, and make it where it is missing
  checkout <branch>                 switch to a branch that is not protected
  push [<remote>] [<branch>]        push a branch to its own name; nothing by force, no deletion
  push-upstream <remote> <branch>   the same, and pull from there
  merge, pr-merge, branch-delete, force-push   always blocked: people do that
  pr-create <title> <body> [<base>] [<head>]   open a draft with `gh`
  should-push [local|prompt]        LOCAL, PROMPT or AUTO, as asked for or as `run.autoPush` says";

#[derive(Debug, Parser)]
pub(super) struct IceArgs {
    #[command(subcommand)]
    pub command: IceCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum IceCommand {
    /// Say what is allowed, what is denied, by which rule, and what may be done instead.
    Check {
        /// A shell's command line; `-` reads it from standard input.
        #[arg(long, value_name = "LINE", allow_hyphen_values = true, conflicts_with = "words")]
        shell: Option<String>,
        /// The words after `git`.
        #[arg(last = true, value_name = "GIT ARGUMENTS")]
        words: Vec<OsString>,
    },
    /// Run a command in the environment that agents get.
    Exec {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        words: Vec<OsString>,
    },
    /// One of the words below.
    #[command(external_subcommand)]
    Verb(Vec<OsString>),
}

pub(super) fn check(ui: &mut Ui, shell: Option<&str>, words: &[OsString]) -> Result<Exit, Fail> {
    let steps = match shell {
        Some(line) => {
            let line = if line == "-" { standard_input()? } else { line.to_owned() };
            shell::line(&line, &mut |directory| facts::gather(directory, &line))
        }
        None if words.is_empty() => {
            return Err(Fail::new(Exit::Usage, "there is nothing to check")
                .hint("git run ice check -- push origin <branch>"));
        }
        None => {
            let words: Vec<String> =
                words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            let line = words.join(" ");
            shell::git_words(&words, &mut |directory| facts::gather(directory, &line))
        }
    };
    if ui.json {
        ui.say_json(&verdict::json(&steps))?;
    } else {
        ui.say(&verdict::text(&steps))?;
    }
    Ok(if verdict::is_allowed(&steps) { Exit::Done } else { Exit::Refused })
}

/// One byte more than a line may have is enough to know that it is too long.
fn standard_input() -> Result<String, Fail> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|error| {
        Fail::new(Exit::Failed, format!("cannot read the command line: {error}"))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
