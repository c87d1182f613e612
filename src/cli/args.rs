//! The words of the command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory as _, Parser, Subcommand};

use super::{
    checkpoint::CheckpointArgs,
    exit::{Exit, Fail},
    ice::{ICE_VERBS, IceArgs},
    plan::PlanArgs,
    restore::RestoreArgs,
    rollback::{RollbackArgs, StepArgs},
    ui::Ui,
};

/// Hand a whole plan to AI coding agents and still trust your repository afterwards.
#[derive(Debug, Parser)]
#[command(
    name = "git-run",
    version,
    disable_help_subcommand = true,
    allow_external_subcommands = true
)]
#[command(
    after_help = "`git run <target>` starts a run: sprint-2, sprint-plan, or a task of the plan.\nWithout arguments it shows the run of this work tree, and never starts anything."
)]
pub(super) struct Args {
    /// Run as if started in this directory.
    #[arg(short = 'C', value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The repository's own directory.
    #[arg(long, value_name = "DIR")]
    pub git_dir: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a run of a sprint, the whole plan or a task.
    Start(Box<StartArgs>),
    /// Stop the run after the present stage.
    Halt(HaltArgs),
    /// Go on with a run that was halted or lost its process.
    Resume(ResumeArgs),
    /// Hand out the one step that the run wants now, for an agent or a person that drives itself.
    Next(super::next::NextArgs),
    /// Take what came of the step that was handed out.
    Report(super::next::ReportArgs),
    /// Show where the run of this work tree stands.
    Status(StatusArgs),
    /// List every run.
    List(ListArgs),
    /// Show what happened in a run.
    Log(LogArgs),
    /// Show a run's plan, policy, workflow, provenance, an artifact or an event.
    Show(ShowArgs),
    /// List every file that a run deleted, and what became of it.
    Deleted(DeletedArgs),
    /// Prove that a run's journal is whole: replay it against every recorded state.
    Verify(VerifyArgs),
    /// Save branch, index and work tree as they are, untracked files included.
    Checkpoint(CheckpointArgs),
    /// Put branch, index and files back to a checkpoint. What is there now is saved first.
    Rollback(RollbackArgs),
    /// Take back the last stage, rollback or restore.
    Undo(StepArgs),
    /// Take back the last undo.
    Redo(StepArgs),
    /// Bring back one file or directory from a checkpoint.
    Restore(RestoreArgs),
    /// What is finished and what others changed, as the repository shows it, with the evidence.
    Reconcile(super::reconcile::ReconcileArgs),
    /// Say yes, as a person, to what waits for it.
    Approve(super::approve::ApproveArgs),
    /// Say no, as a person, to what waits for it: the run goes no further.
    Reject(super::approve::AnswerArgs),
    /// Send back, as a person, what waits for an answer, with what is to be changed.
    Modify(super::approve::AnswerArgs),
    /// Let an item be done again from a stage on, as a person.
    Reopen(super::reopen::ReopenArgs),
    /// Let something be mended in a finished item, before anything that was not begun.
    Fix(super::fix::FixArgs),
    /// The workflows: list, show, and prove that they end and pass nothing unjudged.
    Workflow(super::workflow::WorkflowArgs),
    /// Answer for a gate that no judge passed, as a person, for this commit and no other.
    Override(OverrideArgs),
    /// Push the run's branch, at the commit that its judges passed or a person answered for.
    Push(PushArgs),
    /// Write the text of a pull request, and open a draft of it, or bring it up to date.
    Pr(PrArgs),
    /// Share runs with a remote: fetch them beside your own, send yours, and see how each stands.
    Sync(super::sync::SyncArgs),
    /// Take over a run of another machine, or of a work tree that is gone, as a person.
    Adopt(super::adopt::AdoptArgs),
    /// Evaluate deterministic checks of the run's own range: scopes, secrets, the plan, your commands.
    Gate(super::gate::GateArgs),
    /// Drop checkpoints that are beyond `run.checkpoint.keep`, `maxAge` and `maxBytes`.
    Gc(GcArgs),
    /// Enable runs in this clone, and put the hooks in.
    Init(InitArgs),
    /// Which layers of the guard are in force here, and how to close what is open.
    Doctor,
    /// The hooks that keep what is protected: put in, look at, take out.
    Hooks {
        #[command(subcommand)]
        command: HooksCommand,
    },
    /// What git's hooks call; and agents, before they use a tool, compact their context or stop:
    /// `hook <agent> pre-tool-use`, `hook <agent> pre-compact`, `hook <agent> stop`.
    #[command(hide = true)]
    Hook {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// The guard, ICE: ask it about a command line, run one inside of it, or let it push.
    #[command(after_help = ICE_VERBS)]
    Ice(IceArgs),
    /// Compare what the remotes' refs did with the receipts of what was cleared.
    Audit(super::audit::AuditArgs),
    /// Look at the plan.
    Plan(PlanArgs),
    /// Print the JSON schema of a report.
    Schema(SchemaArgs),
    /// Watch a three-sprint plan being run in a scratch repository.
    Demo(DemoArgs),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// What `-h` says of a command.
pub(super) fn help_of(command: &str) -> String {
    let mut all = Args::command();
    all.build();
    let found = all.find_subcommand_mut(command);
    found.map_or_else(String::new, |found| found.render_help().to_string())
}

/// What `--fast-track FILE` stands for.
const FAST_TRACK: &str = "fast-track";
const SPEC: &str = "spec.md";

#[derive(Debug, Parser)]
#[command(name = "git run", bin_name = "git run", disable_help_subcommand = true)]
pub(super) struct StartArgs {
    /// sprint-2, sprint-plan, or a task of the plan.
    #[arg(required_unless_present_any = ["bug", "from_issue"], value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Mend a bug instead: what goes wrong, in your words.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["targets", "from_issue"])]
    pub bug: Option<String>,
    /// The same, with the words of this issue of the forge.
    #[arg(long, value_name = "N", conflicts_with = "targets")]
    pub from_issue: Option<u64>,
    /// Begin risky work although nobody looks on.
    #[arg(long)]
    pub allow_high: bool,
    /// The first sprint of sprint-plan.
    #[arg(long, value_name = "SPRINT")]
    pub from: Option<String>,
    /// The last sprint of sprint-plan.
    #[arg(long, value_name = "SPRINT")]
    pub to: Option<String>,
    /// Sprints to leave out, with commas between them.
    #[arg(long, value_delimiter = ',', value_name = "SPRINTS")]
    pub skip: Vec<String>,
    /// A run, a branch and a pull request for each sprint of sprint-plan, one behind the other.
    #[arg(long, conflicts_with_all = ["bug", "from_issue", "branch", "again"])]
    pub no_consolidate: bool,
    /// The workflow that every item goes through: a built-in one, the team's own, or a file.
    #[arg(long, value_name = "NAME|FILE")]
    pub workflow: Option<String>,
    /// The way through the workflow, where it has several.
    #[arg(long, value_name = "NAME")]
    pub flow: Option<String>,
    /// Begin with a specification that is there already: `--flow fast-track --input spec.md=FILE`.
    #[arg(long, value_name = "FILE", conflicts_with = "flow")]
    pub fast_track: Option<PathBuf>,
    /// The stage to begin with; what lies before it was done elsewhere.
    #[arg(long, value_name = "STAGE")]
    pub from_stage: Option<String>,
    /// Optional stages to leave out, with commas between them.
    #[arg(long, value_delimiter = ',', value_name = "STAGES")]
    pub skip_stage: Vec<String>,
    /// A paper that is there already: plan.md=docs/plan.md.
    #[arg(long, value_name = "NAME=FILE")]
    pub input: Vec<String>,
    /// Stop an item after so many cycles.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_cycles: Option<u32>,
    /// Stop the run after this time: 8h, 90m; a bare number is hours.
    #[arg(long, value_name = "TIME", value_parser = crate::domain::time::Span::parse)]
    pub timeout: Option<crate::domain::time::Span>,
    /// Build so many tasks of a group side by side, each in a work tree of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(crate::domain::lane::PARALLEL_MAX)))]
    pub parallel: Option<u32>,
    /// The branch to work on; it is made when it is missing.
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// The branch that the work builds on.
    #[arg(long, value_name = "NAME")]
    pub base: Option<String>,
    /// The agent of every stage, or of one.
    #[arg(long, value_name = "NAME[=STAGE]")]
    pub agent: Vec<String>,
    /// Stop before more tokens than this are used.
    #[arg(long, value_name = "N")]
    pub budget_tokens: Option<u64>,
    /// Stop before more money than this is used.
    #[arg(long, value_name = "AMOUNT")]
    pub budget_cost: Option<String>,
    /// Push nothing.
    #[arg(long, conflicts_with = "confirm_push")]
    pub local: bool,
    /// Ask before pushing.
    #[arg(long)]
    pub confirm_push: bool,
    /// Start anew although all of it was finished by the run before.
    #[arg(long)]
    pub again: bool,
    /// Say what would be done, and write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Say nothing while it works.
    #[arg(short, long)]
    pub quiet: bool,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

impl StartArgs {
    /// `git run <target>`: words that are no command.
    pub(super) fn from_words(words: Vec<OsString>, ui: &mut Ui) -> Result<Self, Fail> {
        let all = std::iter::once(OsString::from("git run")).chain(words);
        let all: Vec<OsString> = all.collect();
        ui.json |= all.iter().any(|word| word == "--json");
        match Self::try_parse_from(all) {
            Ok(args) => Ok(args),
            Err(error) => Err(Fail::shown(ui.usage(&error))),
        }
    }

    /// `--agent NAME` and `--agent NAME=STAGE`.
    pub(super) fn agents(&self) -> Vec<(Option<String>, String)> {
        agents(&self.agent)
    }

    /// The way through the workflow that was named.
    pub(super) fn flow(&self) -> Option<String> {
        self.flow.clone().or_else(|| self.fast_track.as_ref().map(|_| FAST_TRACK.to_owned()))
    }

    pub(super) fn inputs(&self) -> Result<Vec<(String, PathBuf)>, Fail> {
        let split = |word: &String| match word.split_once('=') {
            Some((name, file)) => Ok((name.to_owned(), PathBuf::from(file))),
            None => {
                let what = format!("`--input {}` is no `NAME=FILE`", word.escape_debug());
                Err(Fail::new(Exit::Usage, what))
            }
        };
        let spec = self.fast_track.iter().map(|file| Ok((SPEC.to_owned(), file.clone())));
        self.input.iter().map(split).chain(spec).collect()
    }

    pub(super) fn cost(&self) -> Result<Option<u64>, Fail> {
        let Some(text) = &self.budget_cost else { return Ok(None) };
        let micros = crate::domain::limits::micros(text);
        micros.map(Some).ok_or_else(|| {
            Fail::new(
                Exit::Usage,
                format!("`--budget-cost {}` is no amount like `12.50`", text.escape_debug()),
            )
        })
    }
}

pub(super) fn agents(words: &[String]) -> Vec<(Option<String>, String)> {
    let split = |word: &String| match word.split_once('=') {
        Some((name, stage)) => (Some(stage.to_owned()), name.to_owned()),
        None => (None, word.clone()),
    };
    words.iter().map(split).collect()
}

#[derive(Debug, Parser)]
pub(super) struct HaltArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Stop the agent that is at work; a run that is halted already is given up.
    #[arg(long)]
    pub force: bool,
    /// What to write down.
    #[arg(long, value_name = "TEXT", default_value = "manual halt")]
    pub reason: String,
}

#[derive(Debug, Parser)]
pub(super) struct ResumeArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Clear the breaker's counters and try one cycle.
    #[arg(long)]
    pub reset_ice: bool,
    /// Go on although the run belongs elsewhere, or its last processes cannot be looked up from here.
    #[arg(long)]
    pub force: bool,
    /// The agent of every stage, or of one.
    #[arg(long, value_name = "NAME[=STAGE]")]
    pub agent: Vec<String>,
    /// Say nothing while it works.
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Parser)]
pub(super) struct StatusArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Everything: cycles, commits, all findings.
    #[arg(short, long)]
    pub verbose: bool,
    /// Stable lines of `key value` for scripts.
    #[arg(long, conflicts_with_all = ["verbose", "for_agent"])]
    pub porcelain: bool,
    /// What an agent that lost its context needs.
    #[arg(long)]
    pub for_agent: bool,
    /// The most tokens that `--for-agent` may use.
    #[arg(long, value_name = "TOKENS", default_value_t = 1000, requires = "for_agent")]
    pub budget: usize,
}

#[derive(Debug, Parser)]
pub(super) struct ListArgs {
    /// Those that were fetched from this remote instead.
    #[arg(long, value_name = "REMOTE")]
    pub remote: Option<String>,
    /// Stable lines for scripts: run, state, percent, target, branch, with tabs between.
    #[arg(long)]
    pub porcelain: bool,
    /// End records with a zero byte.
    #[arg(short = 'z', requires = "porcelain")]
    pub zero: bool,
}

#[derive(Debug, Parser)]
pub(super) struct LogArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// The newest so many events.
    #[arg(short = 'n', long, value_name = "N")]
    pub max_count: Option<usize>,
}

#[derive(Debug, Parser)]
#[command(
    after_help = "Looked for in the journal, in the run's commits along first parents, and in the work tree.\n\n\
        Fields of --porcelain and -z, with tabs between and `-` for none:\n  \
        gone, came-back or moved; commit; mode; object; size; item; sprint; task; stage; cycle; path\n\
        What was moved has its new path last: after a tab, or with -z as a record of its own."
)]
pub(super) struct DeletedArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Markdown for a pull request, by directory.
    #[arg(long)]
    pub tree: bool,
    /// Stable lines for scripts; odd names are quoted.
    #[arg(long, conflicts_with = "tree")]
    pub porcelain: bool,
    /// The same with names as they are, and a zero byte at the end of a record.
    #[arg(short = 'z', conflicts_with = "tree")]
    pub zero: bool,
}

#[derive(Debug, Parser)]
pub(super) struct ShowArgs {
    /// A run, `plan`, `policy`, `workflow`, `provenance` (who did which stage, when, and what came of
    /// it), an event's number, or a path below `artifacts/`.
    pub what: Option<String>,
    /// With `provenance`: as a Markdown table.
    #[arg(long)]
    pub md: bool,
    /// The run; else the one of this work tree.
    #[arg(long)]
    pub run: Option<String>,
}

#[derive(Debug, Parser)]
pub(super) struct VerifyArgs {
    /// The run; else every one.
    pub run: Option<String>,
    /// Judge commits as a server's hook would: a range like `origin/main..HEAD`, or `<old> <new> <ref>`
    /// lines on standard input. 3 when they are refused, 1 when that cannot be told.
    #[arg(long, value_name = "RANGE", num_args = 0..=1, conflicts_with = "run")]
    pub push: Option<Option<String>>,
    /// The branch on which the range would be merged.
    #[arg(long, value_name = "BRANCH", requires = "push")]
    pub onto: Option<String>,
}

#[derive(Debug, Parser)]
#[command(
    after_help = "An override ends with the next commit, and when the run goes on. Nothing overrides what protects\n\
        branches, and nothing makes a push by force of it. Where git is told to sign (commit.gpgSign, or\n\
        tag.gpgSign with user.signingKey), the override is signed: git run verify checks it.\n\
        It is refused to whatever runs below an agent, with exit code 3."
)]
pub(super) struct OverrideArgs {
    /// As `git run status` names it: `review of sprint-1`, `sprint-1/review`, or `review` for every
    /// item where it is open.
    #[arg(required = true, value_name = "GATE", num_args = 1..)]
    pub gate: Vec<String>,
    /// Why it may go without. It is kept for ever, and stands in the pull request.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The run; else the one of this work tree.
    #[arg(long)]
    pub run: Option<String>,
}

#[derive(Debug, Parser)]
#[command(
    after_help = "Only the run's own branch, forward, by object id, to the one URL of the remote. Refused with exit\n\
        code 3 while a gate is open for the commit at which the branch stands; 6 while the run is at work."
)]
pub(super) struct PushArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Ask the remote, say what would be done, and write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Debug, Parser)]
#[command(
    after_help = "Never anything but a draft, through `gh`. The text is kept in the run's refs first:\n\
        git run show artifacts/pull-request.md. In a pull request that is there, only the run's own part is\n\
        replaced. Refused with exit code 3 while a gate is open, before git run push, and for a local run; a\n\
        run with push mode `prompt` asks. Without gh the exit code is 1, and the text is kept all the same.\n\
        --body-only writes and prints the text whenever the run rests: nothing leaves the machine."
)]
pub(super) struct PrArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Write and print the text, and open nothing.
    #[arg(long)]
    pub body_only: bool,
    /// Instead of the target and the title of the plan.
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Say what would be opened, and write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Debug, Parser)]
pub(super) struct GcArgs {
    /// Say what would be dropped, and write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Debug, Parser)]
pub(super) struct InitArgs {
    /// The agent of every stage: `command`, or `steps`.
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// The remote that runs push to.
    #[arg(long, value_name = "NAME")]
    pub remote: Option<String>,
    /// Take the hooks out, and enable runs no more.
    #[arg(long, conflicts_with_all = ["agent", "remote"])]
    pub undo: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum HooksCommand {
    /// Put them in, beside those that are there; in a bare repository those of a server.
    Install {
        /// The hooks of a repository that takes pushes: `pre-receive` and `update`.
        #[arg(long)]
        server: bool,
    },
    /// Whether they are there, executable and of this version.
    Status,
    /// Take them out; what was there before is there again.
    Uninstall,
}

#[derive(Debug, Parser)]
pub(super) struct SchemaArgs {
    /// Which one.
    #[arg(default_value = "report", value_parser = ["report"])]
    pub name: String,
}

#[derive(Debug, Parser)]
pub(super) struct DemoArgs {
    /// Where to make the scratch repository; else a new temporary directory.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
