//! `git run checkpoint`: take one, list them, look at one, compare.

use clap::{Parser, Subcommand};

use super::{
    exit::{Exit, Fail},
    status::time,
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    domain::{
        checkpoint::{Made, Wanted, Why, pick},
        id::Oid,
        run::Run,
    },
    engine::checkpoint,
    git::Repo,
    process::clock,
    report::{checkpoint as report, sanitise::sanitise},
    store::checkpoints,
};

#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct CheckpointArgs {
    /// What it is for.
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Say nothing but what was left out.
    #[arg(short, long)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Option<CheckpointCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum CheckpointCommand {
    /// List the checkpoints of this work tree, oldest first.
    List {
        /// The newest so many.
        #[arg(short = 'n', long, value_name = "N")]
        max_count: Option<usize>,
        /// Stable lines for scripts: number, commit, time, why, sentence, with tabs between.
        #[arg(long)]
        porcelain: bool,
        /// End records with a zero byte.
        #[arg(short = 'z', requires = "porcelain")]
        zero: bool,
    },
    /// Show what a checkpoint holds, and what it had to leave out.
    Show {
        /// Its number.
        #[arg(value_name = "N")]
        number: u64,
    },
    /// Compare a checkpoint with another one, or with what is there now.
    Diff {
        /// The older one.
        #[arg(value_name = "N")]
        number: u64,
        /// The newer one; else the work tree with its untracked files.
        #[arg(value_name = "M")]
        other: Option<u64>,
    },
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &CheckpointArgs) -> Result<Exit, Fail> {
    match &args.command {
        None => take(ui, repo, args.message.as_deref(), args.quiet),
        Some(CheckpointCommand::List { max_count, porcelain, zero }) => {
            list(ui, repo, *max_count, *porcelain, *zero)
        }
        Some(CheckpointCommand::Show { number }) => show(ui, repo, *number),
        Some(CheckpointCommand::Diff { number, other }) => diff(ui, repo, *number, *other),
    }
}

fn take(ui: &mut Ui, repo: &Repo, message: Option<&str>, quiet: bool) -> Result<Exit, Fail> {
    repo.may_write()?;
    needs_worktree(repo)?;
    let settings = Settings::read(repo)?.checkpoints;
    let run = run_here(ui, repo);
    let message = message.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if message.as_ref().is_some_and(|text| MESSAGE_BYTES_MAX < text.len()) {
        return Err(Fail::new(
            Exit::Usage,
            format!("the message is longer than {MESSAGE_BYTES_MAX} bytes"),
        ));
    }
    let taken = checkpoint::take(repo, &settings, run.as_ref(), Why::Asked, message)?;
    if let Some(run) = &run
        && let Err(fail) = note(repo, run, &taken.made)
    {
        ui.tell(&format!("warning: the journal is not told: {}", fail.message));
    }
    if taken.made.checkpoint.number % UPKEEP_EVERY == 0 {
        super::start::upkeep(repo, &settings.keep, &taken.chain);
    }
    if ui.json {
        ui.say_json(&report::json(&taken.made, Some(&taken.record), &time))?;
        return Ok(Exit::Done);
    }
    for remark in report::remarks(&taken.record) {
        ui.tell(&remark);
    }
    if !quiet {
        let made = &taken.made;
        ui.say(&format!(
            "checkpoint {} ({}) {}\nback to it: git run rollback --to {}\n",
            made.checkpoint.number,
            made.commit.short(),
            report::standing(&made.checkpoint),
            made.checkpoint.number
        ))?;
    }
    Ok(Exit::Done)
}

/// The chain holds it already; the journal says so.
fn note(repo: &Repo, run: &Run, made: &Made) -> Result<(), Fail> {
    let mut journal = super::resume::journal(repo, &run.charter.run)?;
    Ok(journal.append(vec![checkpoint::event(made)], &[], clock::now())?)
}

/// Every so many checkpoints the old ones are looked through.
const UPKEEP_EVERY: u64 = 64;
const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Without a work tree there is nothing to look at.
pub(super) fn needs_worktree(repo: &Repo) -> Result<(), Fail> {
    match repo.worktree() {
        Some(_) => Ok(()),
        None => Err(Fail::new(Exit::Failed, "this repository is bare: it has no work tree")),
    }
}

/// The run that is at work here. A journal that cannot be read keeps nobody from saving work.
pub(super) fn run_here(ui: &mut Ui, repo: &Repo) -> Option<Run> {
    match checkpoint::run_here(repo) {
        Ok(run) => run,
        Err(error) => {
            ui.tell(&format!("warning: the run of this work tree cannot be read: {error:#}"));
            None
        }
    }
}

/// Those that can be read; of the others it is said why they cannot.
pub(super) fn every_here(ui: &mut Ui, repo: &Repo) -> Result<Vec<Made>, Fail> {
    let (all, unreadable) = checkpoints::every_here(repo)?;
    for error in unreadable {
        ui.tell(&sanitise(&format!("warning: {error:#}")));
    }
    Ok(all)
}

fn list(
    ui: &mut Ui,
    repo: &Repo,
    max_count: Option<usize>,
    porcelain: bool,
    zero: bool,
) -> Result<Exit, Fail> {
    let all = every_here(ui, repo)?;
    let skip = all.len().saturating_sub(max_count.unwrap_or(usize::MAX));
    let shown = &all[skip..];
    if ui.json {
        let values: Vec<_> = shown.iter().map(|made| report::json(made, None, &time)).collect();
        let value = serde_json::json!({ "schema": "git-run/checkpoints/1", "checkpoints": values });
        ui.say_json(&value)?;
    } else if porcelain {
        let end = if zero { '\0' } else { '\n' };
        for made in shown {
            ui.say(&format!("{}{end}", porcelain_fields(made).join("\t")))?;
        }
    } else if all.is_empty() {
        ui.say("no checkpoints yet\nnext: git run checkpoint -m <text>  (takes one)\n")?;
    } else {
        for made in shown {
            ui.say(&format!("{}\n", report::line(made, &time)))?;
        }
    }
    Ok(Exit::Done)
}

/// Stable for ever; new fields may come after them.
fn porcelain_fields(made: &Made) -> [String; 5] {
    let checkpoint = &made.checkpoint;
    [
        checkpoint.number.to_string(),
        made.commit.to_string(),
        time(checkpoint.at),
        checkpoint.why.word().to_owned(),
        crate::report::sanitise::one_line(&checkpoint.sentence()),
    ]
}

/// The checkpoint with this number, in this work tree.
fn find(ui: &mut Ui, repo: &Repo, number: u64) -> Result<Made, Fail> {
    let all = every_here(ui, repo)?;
    found(&all, &Wanted::Number(number)).cloned()
}

pub(super) fn found<'a>(all: &'a [Made], wanted: &Wanted) -> Result<&'a Made, Fail> {
    let what = match wanted {
        Wanted::Newest => "there is no checkpoint here".to_owned(),
        Wanted::Number(number) => format!("there is no checkpoint {number} here"),
        Wanted::Stage(stage) => {
            format!("there is no checkpoint of a stage `{}` here", stage.escape_debug())
        }
        Wanted::Cycle(cycle) => format!("there is no checkpoint of cycle {cycle} here"),
    };
    pick(all, wanted).ok_or_else(|| Fail::new(Exit::Failed, what).hint("git run checkpoint list"))
}

fn show(ui: &mut Ui, repo: &Repo, number: u64) -> Result<Exit, Fail> {
    let made = find(ui, repo, number)?;
    let record = checkpoints::record(repo, &made)?;
    if ui.json {
        ui.say_json(&report::json(&made, Some(&record), &time))?;
        return Ok(Exit::Done);
    }
    let checkpoint = &made.checkpoint;
    ui.say(&format!("{}\n", report::line(&made, &time).trim_start()))?;
    ui.say(&format!("{}\ncommit {}\n", report::standing(checkpoint), made.commit))?;
    for remark in report::remarks(&record) {
        ui.say(&format!("{}\n", sanitise(&remark)))?;
    }
    let head = match &checkpoint.head {
        Some(head) => repo.tree_of(head)?,
        None => repo.no_tree(),
    };
    changes(ui, &["diff", "--stat", "--no-ext-diff"], &head, &checkpoint.tree, &repo.git())
}

fn diff(ui: &mut Ui, repo: &Repo, number: u64, other: Option<u64>) -> Result<Exit, Fail> {
    let from = find(ui, repo, number)?.checkpoint.tree;
    let words: &[&str] = if ui.json {
        &["diff-tree", "-r", "-M", "--name-status", "-z"]
    } else {
        &["diff", "-M", "--no-ext-diff", "--no-textconv"]
    };
    match other {
        Some(other) => {
            let to = find(ui, repo, other)?.checkpoint.tree;
            changes(ui, words, &from, &to, &repo.git())
        }
        None => {
            needs_worktree(repo)?;
            let settings = Settings::read(repo)?.checkpoints;
            let (now, mut bulk) = checkpoint::look(repo, &settings)?;
            bulk.written()?;
            changes(ui, words, &from, &now.tree, &bulk.git())
        }
    }
}

/// What git says about two trees.
fn changes(
    ui: &mut Ui,
    words: &[&str],
    from: &Oid,
    to: &Oid,
    git: &crate::git::program::Git,
) -> Result<Exit, Fail> {
    let colour = if ui.colours_output() { "--color=always" } else { "--color=never" };
    let mut all: Vec<&str> = words.to_vec();
    if words[0] == "diff" {
        all.push(colour);
    }
    all.extend([from.as_str(), to.as_str(), "--"]);
    let out = git.output(&all)?;
    if ui.json {
        let mut fields = out.split(|byte| *byte == 0).filter(|field| !field.is_empty());
        let mut entries = Vec::new();
        while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
            let mut entry = crate::report::path::fields(path);
            entry.insert("status".into(), String::from_utf8_lossy(&status[..1]).into());
            if matches!(status[0], b'R' | b'C')
                && let Some(to) = fields.next()
            {
                entry.insert("to".into(), crate::report::path::fields(to).into());
            }
            entries.push(entry);
        }
        let value = serde_json::json!({ "schema": "git-run/diff/1", "changes": entries });
        ui.say_json(&value)?;
    } else {
        ui.say_bytes(&out)?;
    }
    Ok(Exit::Done)
}
