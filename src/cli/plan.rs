//! `git run plan show|check|graph`. `sync` is in `plan_sync`, the rest of `plan` in `plan_exchange`.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

use super::{
    exit::{Exit, Fail, fault_lines},
    plan_exchange,
    ui::Ui,
};
use crate::{
    config::{
        plan_file,
        plan_find::{self, PLAN_BYTES_MAX, PlanText},
        settings::Settings,
    },
    domain::{plan::Plan, plan_check::Fault, plan_graph, plan_spec::plan_digest, tale::counted},
    report::sanitise::sanitise,
};

#[derive(Debug, Parser)]
pub(super) struct PlanArgs {
    #[command(subcommand)]
    pub command: PlanCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Show the sprints and tasks.
    Show {
        /// The plan's file; else `run.plan` or the usual places.
        file: Option<PathBuf>,
    },
    /// Explain every fault with its line and a fix.
    Check {
        /// The plan's file; else `run.plan` or the usual places.
        file: Option<PathBuf>,
    },
    /// Draw what depends on what.
    Graph {
        /// The plan's file; else `run.plan` or the usual places.
        file: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
        format: GraphFormat,
    },
    /// What the plan and its sections say now, beside what a run was begun with.
    Sync(PlanSyncArgs),
    /// Make a plan of what another tool wrote: `actions.json`, TASKS.md, or any plan file.
    Import {
        /// The other tool's file.
        file: PathBuf,
        /// What it is; else its name and its content say so.
        #[arg(long, value_enum)]
        format: Option<ForeignFormat>,
        /// Where to write the plan (`.json`, else TOML); else standard output. Nothing is replaced.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write the plan as another format has it.
    Export {
        /// The plan's file; else `run.plan` or the usual places.
        #[arg(conflicts_with = "run")]
        file: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = PlanFormat::Toml)]
        format: PlanFormat,
        /// The plan of this run, with the status of its tasks where the format has one.
        #[arg(long, value_name = "RUN")]
        run: Option<String>,
    },
    /// Show what a task points to in the code, as far as its plan says it.
    Context {
        task: String,
        /// The plan's file; else `run.plan` or the usual places.
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Parser)]
#[command(
    after_help = "Nothing is taken over by itself: what an agent or a merge changes in the documents is shown here, and a\n\
        person takes it over. A task that is at work keeps what it began with. Sections are named in the plan, as\n\
        `from = [\"docs/spec.md#cart\"]`, in Markdown as `Spec: docs/spec.md#cart`."
)]
pub(super) struct PlanSyncArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Take it over, as one event: open tasks get their new words, finished ones are judged again, and
    /// those that are gone are asked for no more. Touches no file and no branch.
    #[arg(long)]
    pub apply: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ForeignFormat {
    Actions,
    Tasks,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum PlanFormat {
    Tasks,
    Actions,
    Toml,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum GraphFormat {
    Text,
    Dot,
    Mermaid,
}

pub(super) fn run(
    ui: &mut Ui,
    git_dir: Option<&Path>,
    command: &PlanCommand,
) -> Result<Exit, Fail> {
    match command {
        PlanCommand::Sync(args) => return super::plan_sync::run(ui, &super::open(git_dir)?, args),
        PlanCommand::Show { file } => {
            let (_, plan) = read(ui, git_dir, file.as_deref())?;
            if ui.json {
                ui.say(&format!("{}\n", plan_file::to_json(&plan)))?
            } else {
                ui.say(&sanitise(&text(&plan)))?
            }
        }
        PlanCommand::Check { file } => {
            let (name, plan) = read(ui, git_dir, file.as_deref())?;
            let (sprints, tasks) = (plan.sprints.len(), plan.tasks().count());
            if ui.json {
                ui.say_json(&serde_json::json!({
                    "schema": "git-run/plan-check/1", "file": name, "ok": true, "faults": [],
                    "sprints": sprints, "tasks": tasks, "digest": plan_digest(&plan).as_str(),
                }))?;
            } else {
                ui.say(&format!(
                    "{}: sound: {}, {}, digest {}\n",
                    sanitise(&name),
                    counted(sprints, "sprint"),
                    counted(tasks, "task"),
                    plan_digest(&plan).short()
                ))?;
            }
        }
        PlanCommand::Graph { file, format } => {
            let (_, plan) = read(ui, git_dir, file.as_deref())?;
            if ui.json {
                ui.say_json(&graph(&plan))?;
                return Ok(Exit::Done);
            }
            ui.say(&match format {
                GraphFormat::Text => plan_graph::text(&plan),
                GraphFormat::Dot => plan_graph::dot(&plan),
                GraphFormat::Mermaid => plan_graph::mermaid(&plan),
            })?;
        }
        PlanCommand::Import { file, format, output } => {
            return plan_exchange::import(ui, file, *format, output.as_deref());
        }
        PlanCommand::Export { file, format, run } => {
            return plan_exchange::export(ui, git_dir, file.as_deref(), *format, run.as_deref());
        }
        PlanCommand::Context { task, file } => {
            return plan_exchange::context(ui, git_dir, task, file.as_deref());
        }
    }
    Ok(Exit::Done)
}

fn graph(plan: &Plan) -> serde_json::Value {
    let tasks = plan.tasks().map(|(sprint, task)| {
        serde_json::json!({
            "id": task.id.as_str(), "title": task.title, "sprint": sprint.id.as_str(),
            "after": task.depends_on.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        })
    });
    serde_json::json!({ "schema": "git-run/plan-graph/1", "tasks": tasks.collect::<Vec<_>>() })
}

/// A file that was named needs no repository.
pub(super) fn read(
    ui: &mut Ui,
    git_dir: Option<&Path>,
    file: Option<&Path>,
) -> Result<(String, Plan), Fail> {
    let found = match file {
        Some(file) => named(file)?,
        None => {
            let repo = super::open(git_dir)?;
            let settings = Settings::read(&repo)?;
            plan_find::find(&repo, settings.plan.as_deref())?
                .ok_or_else(|| Fail::from(crate::engine::start::NotStarted::NoPlan))?
        }
    };
    let read = plan_file::read(&found.name, &found.text);
    believed(ui, found.name, read)
}

/// A plan, or its faults as they are shown.
pub(super) fn believed(
    ui: &mut Ui,
    name: String,
    read: Result<Plan, Vec<Fault>>,
) -> Result<(String, Plan), Fail> {
    match read {
        Ok(plan) => Ok((name, plan)),
        Err(faults) => {
            if ui.json {
                let list: Vec<_> = faults
                    .iter()
                    .map(|fault| serde_json::json!({ "line": fault.line, "what": fault.what, "fix": fault.fix }))
                    .collect();
                ui.say_json(&serde_json::json!({
                    "schema": "git-run/plan-check/1", "file": name, "ok": false, "faults": list,
                }))?;
                return Err(Fail::shown(Exit::Failed));
            }
            let message = format!("the plan `{name}` has {}", counted(faults.len(), "fault"));
            Err(Fail { details: fault_lines(&name, &faults), ..Fail::new(Exit::Failed, message) })
        }
    }
}

pub(super) fn named(file: &Path) -> Result<PlanText, Fail> {
    let name = file.display().to_string();
    let fail =
        |why: String| Fail::new(Exit::Failed, format!("cannot read the plan `{name}`: {why}"));
    let size = std::fs::metadata(file).map_err(|error| fail(error.to_string()))?.len();
    if PLAN_BYTES_MAX < size {
        return Err(fail(format!(
            "it has {size} bytes, more than the {PLAN_BYTES_MAX} that are read"
        )));
    }
    let bytes = std::fs::read(file).map_err(|error| fail(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| fail("it is not UTF-8".to_owned()))?;
    Ok(PlanText { name, text })
}

fn text(plan: &Plan) -> String {
    let mut out = format!("{}: {}\n", plan.id, plan.title);
    for sprint in &plan.sprints {
        out.push_str(&format!("\n{}  {}\n", sprint.id, sprint.title));
        for task in &sprint.tasks {
            let after: Vec<_> = task.depends_on.iter().map(ToString::to_string).collect();
            let after = if after.is_empty() {
                String::new()
            } else {
                format!("  (after {})", after.join(", "))
            };
            out.push_str(&format!("  {}  {}{after}\n", task.id, task.title));
            for criterion in &task.acceptance {
                out.push_str(&format!("      - {}\n", criterion.statement));
            }
        }
    }
    out
}
