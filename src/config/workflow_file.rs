//! Workflows as TOML. The built-in ones are read by the same reader as a user's own.

use serde::Deserialize;

use super::plan_file;
use crate::domain::{
    id::{PlanId, StageId},
    workflow::{Duty, Stage, Workflow},
};

pub const WORKFLOW_BYTES_MAX: usize = 256 * 1024;

/// The built-in workflow of this name, as text.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    match name {
        "sprint" => Some(include_str!("../../assets/sprint.toml")),
        _ => None,
    }
}

pub const BUILT_IN: [&str; 1] = ["sprint"];

#[derive(Debug, Deserialize)]
struct WorkflowDoc {
    format: u32,
    name: String,
    stage: Vec<StageDoc>,
}

#[derive(Debug, Deserialize)]
struct StageDoc {
    id: String,
    duty: DutyDoc,
    back_to: Option<String>,
    #[serde(default)]
    ask: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DutyDoc {
    Build,
    Judge,
}

pub fn read(text: &str) -> Result<Workflow, String> {
    if WORKFLOW_BYTES_MAX < text.len() {
        return Err(format!("the workflow is longer than {WORKFLOW_BYTES_MAX} bytes"));
    }
    if plan_file::toml::long_key(text).is_some() {
        return Err("a key of the workflow has too many parts".to_owned());
    }
    let doc: WorkflowDoc = toml::from_str(text).map_err(|error| error.to_string())?;
    if doc.format != 1 {
        return Err(format!("the workflow is of format {}, and this version knows 1", doc.format));
    }
    let name = PlanId::parse(&doc.name).map_err(|error| error.to_string())?;
    let stages = doc.stage.into_iter().map(stage).collect::<Result<_, _>>()?;
    Workflow::new(name, stages).map_err(|error| error.to_string())
}

fn stage(doc: StageDoc) -> Result<Stage, String> {
    let id = StageId::parse(&doc.id).map_err(|error| error.to_string())?;
    let duty = match (doc.duty, doc.back_to) {
        (DutyDoc::Build, None) => Duty::Build,
        (DutyDoc::Build, Some(_)) => {
            return Err(format!("`{id}` builds, and so sends nothing back"));
        }
        (DutyDoc::Judge, Some(back_to)) => {
            Duty::Judge { back_to: StageId::parse(&back_to).map_err(|error| error.to_string())? }
        }
        (DutyDoc::Judge, None) => return Err(format!("`{id}` judges, and needs `back_to`")),
    };
    Ok(Stage { id, duty, ask: doc.ask })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_workflow_can_be_read() {
        for name in BUILT_IN {
            let workflow = read(built_in(name).unwrap()).unwrap();
            assert_eq!(workflow.name.as_str(), name);
        }
    }

    #[test]
    fn a_workflow_that_says_too_little_or_too_much_is_refused() {
        let judge = "[[stage]]\nid='b'\nduty='judge'\nback_to='a'\n";
        let build = "[[stage]]\nid='a'\nduty='build'\n";
        let head = "format=1\nname='w'\n";
        assert!(read(&format!("{head}{build}{judge}")).is_ok());
        for bad in [
            String::new(),
            head.to_owned(),
            format!("format=2\nname='w'\n{build}{judge}"),
            format!("{head}{build}back_to='a'\n{judge}"),
            format!("{head}{build}[[stage]]\nid='b'\nduty='judge'\n"),
            format!("{head}{build}[[stage]]\nid='../b'\nduty='judge'\nback_to='a'\n"),
            format!("{head}{build}[[stage]]\nid='b'\nduty='dance'\nback_to='a'\n"),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
