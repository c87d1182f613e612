//! What a run takes of a workflow. Nothing is left out without a reason that is written down.

use std::collections::BTreeMap;

use super::{Missing, Need, Part, Stage, StageShape, Workflow};
use crate::domain::{id::StageId, near};

/// What a person, or a setting, chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub flow: Option<String>,
    /// Optional stages that are left out.
    pub skip: Vec<String>,
    /// The first stage that is done; what lies before it was done elsewhere.
    pub from: Option<String>,
    /// Optional stages that settings turn on or off.
    pub set: BTreeMap<StageId, bool>,
}

/// The stages of a run, those that it leaves out included.
pub type Chosen = Vec<StageShape>;

impl Workflow {
    /// The stages as this run has them. What is no optional stage cannot be left out.
    pub fn choose(&self, choice: &Choice) -> Result<Chosen, String> {
        let flow = self.flow(choice.flow.as_deref())?;
        for word in &choice.skip {
            let stage = self.named(word)?;
            if !stage.shape.optional {
                return Err(format!(
                    "`{word}` may not be left out: it is no optional stage of the workflow `{}`",
                    self.name
                ));
            }
        }
        let from = choice.from.as_deref().map(|word| self.first(word)).transpose()?;
        let mut stages: Chosen = Vec::with_capacity(self.stages().len());
        for (at, stage) in self.stages().iter().enumerate() {
            let before = from.filter(|from| at < *from && !stage.shape.on_return);
            let why = match before {
                Some(from) => Some(format!("begun at `{}`", self.stages()[from].shape.id)),
                None => self.left_out(stage, flow, choice),
            };
            stages.push(StageShape { skipped: why, ..stage.shape.clone() });
        }
        // What was done elsewhere is done again where a stage that is taken sends back to it.
        let targets: Vec<_> =
            stages.iter().filter(|s| s.is_walked()).filter_map(|s| s.back_to.clone()).collect();
        for shape in stages.iter_mut().take(from.unwrap_or(0)) {
            if targets.contains(&shape.id) {
                (shape.skipped, shape.on_return) = (None, true);
            }
        }
        // What is only come to by being sent back goes with those that send back to it.
        let senders: Vec<_> = stages.iter().filter(|s| s.is_walked()).cloned().collect();
        for shape in stages.iter_mut().filter(|shape| shape.on_return && shape.is_taken()) {
            if !senders.iter().any(|sender| sender.back_to.as_ref() == Some(&shape.id)) {
                shape.skipped = Some("nothing sends back to it".into());
            }
        }
        Ok(stages)
    }

    /// The first stage of a choice for which a paper is missing, where these were handed in.
    #[must_use]
    pub fn lacking<'a>(
        &'a self,
        chosen: &'a [StageShape],
        handed: &[&str],
    ) -> Option<(&'a StageId, &'a str)> {
        chosen.iter().enumerate().filter(|(_, shape)| shape.is_walked()).find_map(|(at, shape)| {
            let missing = shape.needs.iter().find_map(|need| match need {
                Need::Paper(name) => {
                    let there = handed.contains(&name.as_str()) || self.makes(name, at, chosen);
                    (!there && shape.missing == Missing::Halt).then_some(name.as_str())
                }
                Need::File(_) => None,
            })?;
            Some((&shape.id, missing))
        })
    }

    /// Whether an earlier stage hands it in where the stage at this place can see it.
    pub(super) fn makes(&self, name: &str, at: usize, chosen: &[StageShape]) -> bool {
        let part = chosen[at].part;
        self.stages().iter().zip(chosen).take(at).any(|(stage, shape)| {
            let near = shape.part == part || shape.part == Part::Opening;
            near && shape.is_walked() && stage.makes.iter().any(|paper| paper.name == name)
        })
    }

    fn left_out(&self, stage: &Stage, flow: Option<&str>, choice: &Choice) -> Option<String> {
        let id = stage.id();
        if let Some(flow) = flow
            && !stage.flows.is_empty()
            && !stage.flows.iter().any(|known| known == flow)
        {
            return Some(format!("not part of the flow `{flow}`"));
        }
        if choice.skip.iter().any(|word| word == id.as_str()) {
            return Some("left out at the start".into());
        }
        if !stage.shape.optional {
            return None;
        }
        let set = choice.set.get(id).copied();
        (!set.unwrap_or(stage.on)).then(|| match set {
            Some(_) => "turned off by a setting".into(),
            None => "optional, and not turned on".into(),
        })
    }

    fn flow<'a>(&'a self, named: Option<&str>) -> Result<Option<&'a str>, String> {
        let Some(named) = named else { return Ok(self.usual_flow()) };
        let found = self.flows.iter().find(|known| *known == named);
        found.map(|flow| Some(flow.as_str())).ok_or_else(|| match self.flows.is_empty() {
            true => format!("the workflow `{}` has one way through it, and no flows", self.name),
            false => format!(
                "the workflow `{}` has no flow `{}`; it has `{}`",
                self.name,
                named.escape_debug(),
                self.flows.join("`, `")
            ),
        })
    }

    /// Work and papers may be there already. What judges the work has judged nothing of this run.
    fn first(&self, word: &str) -> Result<usize, String> {
        let from = self.place(word)?;
        let unjudged = self.stages()[..from].iter().find(|stage| {
            let shape = &stage.shape;
            shape.part != Part::Opening && shape.stands() && !stage.shape.optional
        });
        match unjudged {
            None => Ok(from),
            Some(stage) => Err(format!(
                "a run may not begin at `{word}`: `{0}` lies before it and would not be passed; begin at `{0}` or before, or resume the earlier run",
                stage.id()
            )),
        }
    }

    fn named(&self, word: &str) -> Result<&Stage, String> {
        self.place(word).map(|at| &self.stages()[at])
    }

    fn place(&self, word: &str) -> Result<usize, String> {
        let ids = || self.stages().iter().map(|stage| stage.id().as_str());
        ids().position(|id| id == word).ok_or_else(|| {
            let meant = near::nearest(word, ids());
            let all = || ids().collect::<Vec<_>>().join("`, `");
            let meant = match meant {
                Some(id) => format!("; did you mean `{id}`?"),
                None => format!("; it has `{}`", all()),
            };
            format!("the workflow `{}` has no stage `{}`{meant}", self.name, word.escape_debug())
        })
    }
}
