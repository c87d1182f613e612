//! Arguments, terminal, exit codes. One file per command; what a command does happens elsewhere.

mod adopt;
mod again;
mod approve;
mod args;
mod audit;
mod checkpoint;
mod compact_hook;
mod deleted;
mod demo;
mod doctor;
mod exit;
mod fenced;
mod fix;
mod gate;
mod gc;
mod halt;
mod hook;
mod hooks;
mod ice;
mod ice_verbs;
mod init;
mod list;
mod log;
mod narrate;
mod next;
mod override_gate;
mod plan;
mod plan_exchange;
mod plan_sync;
mod pr;
mod push;
mod push_helper;
mod reconcile;
mod reopen;
mod rest;
mod restore;
mod resume;
mod rollback;
mod schema;
mod series;
mod show;
mod start;
mod status;
mod stop_hook;
mod sync;
mod tool_hook;
mod ui;
mod verify;
mod workflow;

use std::{ffi::OsString, path::Path};

use clap::{CommandFactory as _, FromArgMatches as _};

use approve::Said;
use args::{Args, Command, StartArgs};
pub use exit::Exit;
use exit::Fail;
use ice::IceCommand;
use ui::Ui;

use crate::{
    domain::{checkpoint::OperationKind, event::Word, near},
    git::{OpenError, Repo},
};

/// Where this program stands on the PATH under another's name: what it does then. Nothing when it is
/// called by its own.
#[must_use]
pub fn under_another_name(called: &str, args: &[OsString]) -> Option<Exit> {
    let ui = &mut Ui::new();
    match called {
        "git" | "gh" | "glab" | "hub" | "curl" => Some(fenced::stand_in(ui, called, args)),
        "git-remote-run" => Some(match Repo::discover(Path::new(".")) {
            Ok(repo) => push_helper::main(ui, &repo, args),
            Err(error) => ui.fail(&error.into()),
        }),
        _ => None,
    }
}

/// Everything between the words that were typed and the exit code.
pub fn main(words: Vec<OsString>) -> Exit {
    let ui = &mut Ui::new();
    let words = with_start(words);
    let args = match Args::command()
        .try_get_matches_from(&words)
        .and_then(|found| Args::from_arg_matches(&found))
    {
        Ok(args) => args,
        Err(error) => {
            ui.json = words.iter().any(|word| word == "--json");
            return ui.usage(&error);
        }
    };
    trace();
    ui.json = args.json;
    if let Some(dir) = &args.dir
        && let Err(error) = std::env::set_current_dir(dir)
    {
        return ui.fail(&Fail::new(
            Exit::Failed,
            format!("cannot change to `{}`: {error}", dir.display()),
        ));
    }
    match run(ui, args) {
        Ok(exit) => exit,
        Err(fail) => ui.fail(&fail),
    }
}

fn run(ui: &mut Ui, args: Args) -> Result<Exit, Fail> {
    let git_dir = args.git_dir.as_deref();
    let Some(command) = args.command else { return status::bare(ui, &open(git_dir)?) };
    match command {
        Command::Ice(args) => match &args.command {
            IceCommand::Exec { words } => fenced::exec(&open(git_dir)?, words),
            IceCommand::Check { shell, words } => ice::check(ui, shell.as_deref(), words),
            IceCommand::Verb(words) => ice_verbs::run(ui, git_dir, words),
        },
        Command::Demo(args) => demo::run(ui, &args),
        Command::Schema(args) => schema::run(ui, &args),
        Command::Start(args) => start::run(ui, &open(git_dir)?, &args),
        Command::Other(words) => {
            let meant = command_near(&words);
            let args = StartArgs::from_words(words, ui)?;
            let started = start::run(ui, &open(git_dir)?, &args);
            started.map_err(|fail| match meant {
                Some(meant) if fail.exit == Exit::Usage => {
                    fail.hint(format!("did you mean `git run {meant}`?"))
                }
                Some(_) | None => fail,
            })
        }
        Command::Halt(args) => halt::run(ui, &open(git_dir)?, &args),
        Command::Resume(args) => resume::run(ui, &open(git_dir)?, &args),
        Command::Next(args) => next::next(ui, &open(git_dir)?, &args),
        Command::Report(args) => next::report(ui, &open(git_dir)?, &args),
        Command::Status(args) => status::run(ui, &open(git_dir)?, &args),
        Command::List(args) => list::run(ui, &open(git_dir)?, &args),
        Command::Log(args) => log::run(ui, &open(git_dir)?, &args),
        Command::Deleted(args) => deleted::run(ui, &open(git_dir)?, &args),
        Command::Show(args) => show::run(ui, &open(git_dir)?, &args),
        Command::Verify(args) => verify::run(ui, &open(git_dir)?, &args),
        Command::Checkpoint(args) => checkpoint::run(ui, &open(git_dir)?, &args),
        Command::Rollback(args) => rollback::run(ui, &open(git_dir)?, &args),
        Command::Undo(args) => rollback::steps(ui, &open(git_dir)?, &args, OperationKind::Undo),
        Command::Redo(args) => rollback::steps(ui, &open(git_dir)?, &args, OperationKind::Redo),
        Command::Reconcile(args) => reconcile::run(ui, &open(git_dir)?, &args),
        Command::Restore(args) => restore::run(ui, &open(git_dir)?, &args),
        Command::Gate(args) => gate::run(ui, &open(git_dir)?, &args),
        Command::Gc(args) => gc::run(ui, &open(git_dir)?, &args),
        Command::Doctor => doctor::run(ui, &look(git_dir)),
        Command::Init(args) => init::run(ui, &open(git_dir)?, &args),
        Command::Hooks { command } => hooks::run(ui, &open(git_dir)?, &command),
        Command::Hook { words } => hook::run(ui, open(git_dir), &words),
        Command::Audit(args) => audit::run(ui, &open(git_dir)?, &args),
        Command::Override(args) => override_gate::run(ui, &open(git_dir)?, &args),
        Command::Pr(args) => pr::run(ui, &open(git_dir)?, &args),
        Command::Push(args) => push::run(ui, &open(git_dir)?, &args),
        Command::Adopt(args) => adopt::run(ui, &open(git_dir)?, &args),
        Command::Sync(args) => sync::run(ui, &open(git_dir)?, &args),
        Command::Approve(args) => approve::run(ui, &open(git_dir)?, &args.into()),
        Command::Reject(args) => approve::run(ui, &open(git_dir)?, &Said::new(Word::Reject, args)),
        Command::Modify(args) => approve::run(ui, &open(git_dir)?, &Said::new(Word::Modify, args)),
        Command::Reopen(args) => reopen::run(ui, &open(git_dir)?, &args),
        Command::Fix(args) => fix::run(ui, &open(git_dir)?, &args),
        Command::Workflow(args) => workflow::run(ui, &open(git_dir)?, &args),
        Command::Plan(args) => plan::run(ui, git_dir, &args.command),
    }
}

/// `git run --bug "text"` and `git run --local sprint-1` start a run: what is no option of the program
/// itself is one of `start`.
fn with_start(mut words: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(|word| word.to_str()) {
        match word {
            "-C" | "--git-dir" => at += 2,
            "--json" => at += 1,
            "-h" | "--help" | "-V" | "--version" | "--" | "-" => break,
            word if word.starts_with("--git-dir=") || word.starts_with("-C") => at += 1,
            word if word.starts_with('-') => {
                words.insert(at, "start".into());
                break;
            }
            _ => break,
        }
    }
    words
}

/// The command that the first word was most likely meant to be.
fn command_near(words: &[OsString]) -> Option<String> {
    let word = words.first()?.to_str()?;
    let command = Args::command();
    near::nearest(word, command.get_subcommands().map(|known| known.get_name())).map(str::to_owned)
}

fn open(git_dir: Option<&Path>) -> Result<Repo, Fail> {
    look(git_dir).map_err(Fail::from)
}

fn look(git_dir: Option<&Path>) -> Result<Repo, OpenError> {
    match git_dir {
        Some(dir) => Repo::at(dir),
        None => Repo::discover(Path::new(".")),
    }
}

impl From<OpenError> for Fail {
    fn from(error: OpenError) -> Self {
        let hint = match &error {
            OpenError::NotARepository(_) => {
                Some("git init, or change to a directory inside of a repository".to_owned())
            }
            OpenError::NotOurs { dir } => {
                let dir = dir.strip_suffix("/.git").unwrap_or(dir);
                Some(format!("git config --global --add safe.directory '{dir}'"))
            }
            OpenError::UnknownExtension(_) => Some("update git-run".to_owned()),
            OpenError::BadParameters | OpenError::Other(_) => None,
        };
        Self { hint, ..Self::new(Exit::Failed, error.to_string()) }
    }
}

/// `GIT_TRACE_RUN=1` tells on standard error what happens inside.
fn trace() {
    if crate::process::env::text("GIT_TRACE_RUN").is_some_and(|value| value != "0") {
        let tracer = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(tracing::Level::DEBUG);
        // A second one is refused, and one is enough.
        let _ = tracer.without_time().try_init();
    }
}
