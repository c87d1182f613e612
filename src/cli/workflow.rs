//! `git run workflow list|show|check`.

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use super::{
    exit::{Exit, Fail},
    resume::frozen,
    ui::Ui,
};
use crate::{
    config::{settings::Settings, workflow_file},
    domain::workflow::{Part, Stage, Workflow},
    engine::{course, start::NotStarted},
    git::Repo,
    report::{sanitise::sanitise, workflow as report},
    store::catalog,
};

#[derive(Debug, Parser)]
pub(super) struct WorkflowArgs {
    #[command(subcommand)]
    pub command: WorkflowCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum WorkflowCommand {
    /// The built-in workflows, and the team's own on the base branch.
    List,
    /// Show a workflow: its stages, and who does what.
    Show {
        /// Its name, or a file; else that of the run of this work tree.
        #[arg(value_name = "NAME|FILE")]
        name: Option<String>,
        /// As it is written.
        #[arg(long, conflicts_with = "mermaid")]
        toml: bool,
        /// As a drawing for Markdown.
        #[arg(long)]
        mermaid: bool,
    },
    /// Prove that every way through it ends, and that nothing passes unjudged.
    Check {
        /// Their names, or files; else all built-in ones.
        #[arg(value_name = "NAME|FILE")]
        names: Vec<String>,
    },
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &WorkflowArgs) -> Result<Exit, Fail> {
    let base = || -> Result<String, Fail> {
        Ok(Settings::read(repo)?.base.unwrap_or_else(|| "main".to_owned()))
    };
    match &args.command {
        WorkflowCommand::List => list(ui, repo, &base()?),
        WorkflowCommand::Show { name, toml, mermaid } => {
            let (workflow, text) = match name {
                Some(name) => course::workflow(repo, &base()?, name)?,
                None => of_run(repo)?,
            };
            if *toml {
                ui.say(&sanitise(&text))?;
            } else if *mermaid {
                ui.say(&sanitise(&report::mermaid(&workflow)))?;
            } else if ui.json {
                ui.say_json(&value(&workflow))?;
            } else {
                ui.say(&sanitise(&report::text(&workflow)))?;
            }
            Ok(Exit::Done)
        }
        WorkflowCommand::Check { names } => {
            let all: Vec<String> = match names.is_empty() {
                true => workflow_file::BUILT_IN.iter().map(|name| (*name).to_owned()).collect(),
                false => names.clone(),
            };
            let mut checked = Vec::new();
            for name in &all {
                checked.push(course::workflow(repo, &base()?, name)?.0);
            }
            check(ui, &checked)
        }
    }
}

/// That of the run of this work tree, else the usual one.
fn of_run(repo: &Repo) -> Result<(Workflow, String), Fail> {
    let Some((id, _)) = catalog::here(repo)? else {
        return Ok(course::workflow(repo, "", "sprint")?);
    };
    let (_, workflow) = frozen(repo, &id)?;
    let text = crate::store::history::read_file(
        repo,
        &id,
        "workflow.toml",
        workflow_file::WORKFLOW_BYTES_MAX as u64,
    )?;
    Ok((workflow, String::from_utf8_lossy(&text.unwrap_or_default()).into_owned()))
}

fn list(ui: &mut Ui, repo: &Repo, base: &str) -> Result<Exit, Fail> {
    let mut all = Vec::new();
    for name in workflow_file::BUILT_IN {
        all.push((name.to_owned(), "built-in", Ok(course::workflow(repo, base, name)?.0)));
    }
    for name in course::of_team_names(repo, base)? {
        // One that cannot be used hides none of the others.
        let workflow = match course::workflow(repo, base, &name) {
            Ok((workflow, _)) => Ok(workflow),
            Err(why @ (NotStarted::BadWorkflow { .. } | NotStarted::Usage(_))) => {
                Err(why.to_string())
            }
            Err(other) => return Err(other.into()),
        };
        all.push((name, "team", workflow));
    }
    if ui.json {
        let rows = all.iter().map(|(name, place, workflow)| {
            let (known, fault) = (workflow.as_ref().ok(), workflow.as_ref().err());
            json!({
                "name": name,
                "from": place,
                "about": known.map(|workflow| &workflow.about),
                "flows": known.map(|workflow| &workflow.flows),
                "fault": fault,
            })
        });
        ui.say_json(&json!({
            "schema": "git-run/workflows/1",
            "workflows": rows.collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    for (name, place, workflow) in &all {
        let about = match workflow {
            Ok(workflow) => workflow.about.clone(),
            Err(why) => format!("cannot be used: {why}: git run workflow check {name}"),
        };
        ui.say(&sanitise(&format!("{name:<10} {place:<9} {about}\n")))?;
    }
    Ok(Exit::Done)
}

fn check(ui: &mut Ui, all: &[Workflow]) -> Result<Exit, Fail> {
    if ui.json {
        let rows = all.iter().map(|workflow| {
            let ways = workflow.loopholes();
            let ways =
                ways.iter().map(|way| json!({ "stage": way.stage.as_str(), "how": way.how }));
            json!({
                "name": workflow.name.as_str(),
                "ok": true,
                "stages": workflow.stages().len(),
                "ways": workflow.ways_count(),
                "past_gates": ways.collect::<Vec<_>>(),
            })
        });
        ui.say_json(&json!({
            "schema": "git-run/workflow-check/1",
            "workflows": rows.collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    for workflow in all {
        ui.say(&sanitise(&report::checked(workflow)))?;
    }
    Ok(Exit::Done)
}

pub(super) fn value(workflow: &Workflow) -> Value {
    let stage = |stage: &Stage| {
        let shape = &stage.shape;
        json!({
            "id": shape.id.as_str(),
            "duty": shape.duty.word(),
            "unit": if shape.part == Part::Items { workflow.unit.word() } else { "run" },
            "part": shape.part.word(),
            "role": stage.role,
            "agent": stage.agent,
            "back_to": shape.back_to.as_ref().map(ToString::to_string),
            "tries": shape.tries.map(|tries| tries.max),
            "then": shape.tries.map(|tries| tries.then.word()),
            "optional": shape.optional,
            "on_return": shape.on_return,
            "momentary": shape.momentary,
            "apart": shape.apart,
            "checks": stage.checks.iter().map(|check| json!({
                "gate": check.gate, "must_fail": check.must_fail,
            })).collect::<Vec<_>>(),
            "makes": stage.makes.iter().map(|paper| paper.name.clone()).collect::<Vec<_>>(),
            "flows": stage.flows,
            "ask": stage.ask,
        })
    };
    json!({
        "schema": "git-run/workflow/1",
        "name": workflow.name.as_str(),
        "about": workflow.about,
        "unit": workflow.unit.word(),
        "flows": workflow.flows,
        "stages": workflow.stages().iter().map(stage).collect::<Vec<_>>(),
    })
}
