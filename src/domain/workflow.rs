//! Stages as data. The built-in workflows and a user's own are the same type.

use super::id::{PlanId, StageId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    pub name: PlanId,
    stages: Vec<Stage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub id: StageId,
    pub duty: Duty,
    /// What the agent is told to do.
    pub ask: String,
}

/// What a stage is for, and so what its end means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Duty {
    /// Changes the tree; what it leaves is committed.
    Build,
    /// Looks at the tree and changes nothing. Findings send the item back to `back_to`.
    Judge { back_to: StageId },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWorkflow {
    #[error("a workflow needs at least one stage")]
    Empty,
    #[error("a workflow may have at most {STAGES_MAX} stages")]
    TooLong,
    #[error("the stage `{0}` is there twice")]
    Twice(StageId),
    #[error("`{stage}` sends back to `{back_to}`, which is no building stage before it")]
    BackToNowhere { stage: StageId, back_to: StageId },
    #[error("nothing judges what `{0}` builds: a building stage needs a judging stage after it")]
    Unjudged(StageId),
}

pub const STAGES_MAX: usize = 32;

impl Workflow {
    /// The only maker: a workflow that exists can be walked to its end.
    pub fn new(name: PlanId, stages: Vec<Stage>) -> Result<Self, BadWorkflow> {
        if stages.is_empty() {
            return Err(BadWorkflow::Empty);
        }
        if STAGES_MAX < stages.len() {
            return Err(BadWorkflow::TooLong);
        }
        for (at, stage) in stages.iter().enumerate() {
            let before = &stages[..at];
            if before.iter().any(|other| other.id == stage.id) {
                return Err(BadWorkflow::Twice(stage.id.clone()));
            }
            let Duty::Judge { back_to } = &stage.duty else { continue };
            if !before.iter().any(|other| other.id == *back_to && other.duty == Duty::Build) {
                let (stage, back_to) = (stage.id.clone(), back_to.clone());
                return Err(BadWorkflow::BackToNowhere { stage, back_to });
            }
        }
        match stages.last() {
            Some(Stage { id, duty: Duty::Build, .. }) => Err(BadWorkflow::Unjudged(id.clone())),
            _ => Ok(Self { name, stages }),
        }
    }

    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    #[must_use]
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == *id)
    }

    #[must_use]
    pub fn first(&self) -> &Stage {
        &self.stages[0]
    }

    #[must_use]
    pub fn after(&self, id: &StageId) -> Option<&Stage> {
        let at = self.stages.iter().position(|stage| stage.id == *id)?;
        self.stages.get(at + 1)
    }

    pub fn judges(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| matches!(stage.duty, Duty::Judge { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(id: &str, back_to: Option<&str>) -> Stage {
        let id = StageId::parse(id).unwrap();
        let duty = match back_to {
            Some(back_to) => Duty::Judge { back_to: StageId::parse(back_to).unwrap() },
            None => Duty::Build,
        };
        Stage { id, duty, ask: String::new() }
    }

    #[test]
    fn a_workflow_that_could_not_end_or_judges_nothing_is_refused() {
        let name = || PlanId::parse("w").unwrap();
        for bad in [
            vec![],
            vec![stage("a", None)],
            vec![stage("a", None), stage("a", Some("a"))],
            vec![stage("a", None), stage("b", Some("c"))],
            vec![stage("b", Some("a")), stage("a", None)],
            vec![stage("a", None), stage("b", Some("a")), stage("c", None)],
            vec![stage("a", None), stage("b", Some("a")), stage("c", Some("b"))],
        ] {
            assert!(Workflow::new(name(), bad.clone()).is_err(), "{bad:?}");
        }
        let good = vec![stage("a", None), stage("b", Some("a")), stage("c", Some("a"))];
        assert!(Workflow::new(name(), good).is_ok());
    }
}
