//! Whether a workflow can be walked to its end on every way through it, and passes nothing unjudged.
//!
//! That every walk ends is by construction: each way back uses up one of the item's cycles, which are
//! limited; each way forward leads to a later stage; all else waits for a person. What is left to prove
//! is that every way back leads somewhere, and that on each way through — every flow, with each
//! optional stage on and off — nothing that is built stays unjudged and nothing that is needed is
//! missing.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CHECKS_MAX, Choice, Chosen, Duty, Exhausted, FLOWS_MAX, Missing, Need, PAPERS_MAX, Part,
    STAGES_MAX, SizeRow, Stage, StageShape, Workflow,
};
use crate::domain::id::StageId;

/// What is wrong with a workflow, at which of its stages, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    pub stage: Option<usize>,
    pub what: String,
    pub fix: String,
}

/// A way on which an item comes past a gate that did not pass. It is legal, and it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loophole {
    pub stage: StageId,
    pub how: String,
}

impl Workflow {
    /// The only maker: a workflow that exists can be walked to its end.
    pub fn new(draft: Self, stages: Vec<Stage>) -> Result<Self, Vec<Flaw>> {
        let workflow = Self { stages, ..draft };
        let mut flaws = workflow.single_flaws();
        if flaws.is_empty() {
            flaws = workflow.flaws_on_every_way();
        }
        flaws.sort();
        flaws.dedup();
        if flaws.is_empty() { Ok(workflow) } else { Err(flaws) }
    }

    /// A workflow without stages, to be filled.
    #[must_use]
    pub fn draft(name: crate::domain::id::PlanId) -> Self {
        Self {
            name,
            about: String::new(),
            unit: super::Unit::Sprint,
            cycles_max: None,
            run_time_max: None,
            warns_of_risk: true,
            branch_prefix: None,
            flows: Vec::new(),
            sizes: Vec::new(),
            inputs: Vec::new(),
            spot_check: false,
            stages: Vec::new(),
        }
    }

    /// Each legal way past a gate, for people who decide whether they want it.
    #[must_use]
    pub fn loopholes(&self) -> Vec<Loophole> {
        let mut found = Vec::new();
        for stage in self.stages().iter().filter(|stage| stage.shape.is_gate()) {
            let mut say = |how: String| {
                found.push(Loophole { stage: stage.id().clone(), how });
            };
            if stage.shape.optional {
                let now = if stage.on { "on" } else { "off" };
                say(format!("optional, and {now} when nobody says anything"));
            }
            if !stage.flows.is_empty() {
                say(format!("only part of the flows `{}`", stage.flows.join("`, `")));
            }
            if stage.shape.missing == Missing::Skip {
                say("passed over where something that it needs is missing".into());
            }
            if let Some(tries) = stage.shape.tries
                && tries.then == Exhausted::GoOn
            {
                say(format!("goes on with its findings open after {} tries", tries.max));
            }
            if let Some(severity) = stage.severity_min {
                say(format!("findings below `{severity}` hold nothing up"));
            }
        }
        found
    }

    /// How many ways through it were looked at.
    #[must_use]
    pub fn ways_count(&self) -> usize {
        self.ways().len()
    }

    /// What can be seen of each stage alone.
    fn single_flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut say = |stage: Option<usize>, what: String, fix: &str| {
            flaws.push(Flaw { stage, what, fix: fix.to_owned() });
        };
        if self.stages.is_empty() {
            say(None, "a workflow needs at least one stage".into(), "write `[[stage]]`");
        }
        if STAGES_MAX < self.stages.len() {
            say(None, format!("a workflow may have at most {STAGES_MAX} stages"), "leave some out");
        }
        if FLOWS_MAX < self.flows.len() {
            say(None, format!("a workflow may have at most {FLOWS_MAX} flows"), "leave some out");
        }
        if !self.stages.iter().any(|stage| stage.shape.part == Part::Items) {
            let what = format!("no stage is done for each {}", self.unit.word());
            say(None, what, "give at least one stage the unit of the workflow");
        }
        let named = self.sizes.iter().map(|row| &row.flow);
        let named = named.chain(self.inputs.iter().flat_map(|input| &input.needed_in));
        for flow in named.filter(|flow| !self.flows.contains(flow)) {
            let what = format!("the flow `{}` is none of the workflow's", flow.escape_debug());
            say(None, what, "list it in `flows` at the top");
        }
        if let Some((last, rows)) = self.sizes.split_last()
            && (!last.is_unbounded() || rows.iter().any(SizeRow::is_unbounded))
        {
            let what = "of the sizes the last one, and no other, has no bounds".to_owned();
            say(None, what, "end with `[[size]]` and a flow alone");
        }
        let mut before = Part::Opening;
        for (at, stage) in self.stages.iter().enumerate() {
            let shape = &stage.shape;
            let here = Some(at);
            if self.stages[..at].iter().any(|other| other.shape.id == shape.id) {
                say(here, format!("the stage `{}` is there twice", shape.id), "rename one of both");
            }
            if shape.part < before {
                let what =
                    format!("`{}` is done once for the run, in the middle of its items", shape.id);
                say(here, what, "put such stages before, or behind, all others");
            }
            before = before.max(shape.part);
            for (what, fix) in stage.own_flaws() {
                say(here, format!("`{}` {what}", shape.id), fix);
            }
            if let Some((what, fix)) = self.way_back_flaw(at) {
                say(here, what, fix);
            }
            for flow in stage.flows.iter().filter(|flow| !self.flows.contains(flow)) {
                let what = format!(
                    "`{}` names the flow `{}`, which is none",
                    shape.id,
                    flow.escape_debug()
                );
                say(here, what, "list it in `flows` at the top");
            }
            let senders = || {
                self.stages.iter().filter(|other| other.shape.back_to.as_ref() == Some(&shape.id))
            };
            if shape.on_return && senders().next().is_none() {
                let what = format!("nothing sends back to `{}`, so it is never come to", shape.id);
                say(here, what, "leave out `on_return`, or let a judge send back to it");
            }
        }
        flaws
    }

    fn way_back_flaw(&self, at: usize) -> Option<(String, &'static str)> {
        let shape = &self.stages[at].shape;
        let back_to = shape.back_to.as_ref()?;
        let found = self.stages.iter().position(|other| other.shape.id == *back_to);
        let fix = "name a stage of the same unit that builds or writes, and that lies before it";
        let target = match found {
            None => {
                return Some((
                    format!("`{}` sends back to `{back_to}`, which is no stage", shape.id),
                    fix,
                ));
            }
            Some(found) => found,
        };
        let to = &self.stages[target].shape;
        let fits = to.part == shape.part && !to.duty.judges() && target < at;
        (!fits).then(|| {
            (
                format!(
                    "`{}` sends back to `{back_to}`, which is no building stage before it",
                    shape.id
                ),
                fix,
            )
        })
    }

    fn flaws_on_every_way(&self) -> Vec<Flaw> {
        self.ways().iter().flat_map(|(way, chosen)| self.flaws_on(way, chosen)).collect()
    }

    /// Every flow, with all optional stages on, all off, and each one alone the other way.
    fn ways(&self) -> Vec<(String, Chosen)> {
        let optional: Vec<&StageId> =
            self.stages.iter().filter(|stage| stage.shape.optional).map(Stage::id).collect();
        let mut sets: BTreeSet<BTreeMap<StageId, bool>> = BTreeSet::new();
        for all in [true, false] {
            let set: BTreeMap<_, _> = optional.iter().map(|id| ((*id).clone(), all)).collect();
            for id in &optional {
                let mut one = set.clone();
                one.insert((*id).clone(), !all);
                sets.insert(one);
            }
            sets.insert(set);
        }
        let flows: Vec<Option<String>> = match self.flows.is_empty() {
            true => vec![None],
            false => self.flows.iter().cloned().map(Some).collect(),
        };
        let mut ways = Vec::new();
        for flow in &flows {
            for set in &sets {
                let off: Vec<_> =
                    set.iter().filter(|(_, on)| !**on).map(|(id, _)| id.to_string()).collect();
                let mut name =
                    flow.as_ref().map_or(String::new(), |flow| format!(" in the flow `{flow}`"));
                if !off.is_empty() {
                    name.push_str(&format!(" without `{}`", off.join("`, `")));
                }
                let choice = Choice { flow: flow.clone(), set: set.clone(), ..Choice::default() };
                if let Ok(chosen) = self.choose(&choice) {
                    ways.push((name, chosen));
                }
            }
        }
        ways
    }

    fn flaws_on(&self, way: &str, chosen: &[StageShape]) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut say = |stage: Option<usize>, what: String, fix: &str| {
            flaws.push(Flaw { stage, what, fix: fix.to_owned() });
        };
        for part in Part::ALL {
            let here =
                || chosen.iter().enumerate().filter(move |(_, s)| s.part == part && s.is_taken());
            if part == Part::Items && here().all(|(_, shape)| shape.on_return) {
                say(
                    None,
                    format!("nothing is done for an item{way}"),
                    "let one stage be taken on every way",
                );
            }
            for (at, shape) in here() {
                let later = || here().filter(move |(other, _)| at < *other);
                if shape.duty == Duty::Build && !later().any(|(_, other)| other.stands()) {
                    let what = format!("nothing judges what `{}` builds{way}", shape.id);
                    say(Some(at), what, "put a judging stage after it that is taken on every way");
                }
                let built_later =
                    later().any(|(_, other)| other.duty == Duty::Build && other.is_walked());
                if shape.duty.judges() && shape.is_walked() && built_later != shape.momentary {
                    let (what, fix) = match built_later {
                        true => (
                            "judges a tree that is built on after it",
                            "say `momentary = true`: its pass is for the moment alone",
                        ),
                        false => (
                            "is `momentary`, and nothing is built after it",
                            "leave out `momentary`: its pass must be for the tree with which the item ends",
                        ),
                    };
                    say(Some(at), format!("`{}` {what}{way}", shape.id), fix);
                }
                if let Some(back_to) = &shape.back_to
                    && shape.is_walked()
                    && !here().any(|(_, other)| other.id == *back_to)
                {
                    let what = format!(
                        "`{}` sends back to `{back_to}`, which is not taken{way}",
                        shape.id
                    );
                    say(Some(at), what, "let both be taken on the same ways");
                }
                for need in &shape.needs {
                    let Need::Paper(name) = need else { continue };
                    if shape.missing == Missing::Halt && !self.is_there(name, at, chosen) {
                        let what = format!(
                            "`{}` needs `{name}`, which nobody has handed in by then{way}",
                            shape.id
                        );
                        say(
                            Some(at),
                            what,
                            "let an earlier stage make it, or say `missing = \"skip\"`",
                        );
                    }
                }
            }
        }
        flaws
    }

    /// Whether a paper is there when the stage at this place begins.
    fn is_there(&self, name: &str, at: usize, chosen: &[StageShape]) -> bool {
        let made = self.makes(name, at, chosen);
        made || self.inputs.iter().any(|input| input.paper.name == name)
    }
}

impl Stage {
    /// What contradicts itself in one stage, and what to do.
    fn own_flaws(&self) -> Vec<(&'static str, &'static str)> {
        let shape = &self.shape;
        let duty = shape.duty;
        let rows = [
            (
                !duty.judges() && shape.back_to.is_some(),
                "judges nothing, and so sends nothing back",
                "leave out `back_to`",
            ),
            (
                duty == Duty::Judge && shape.back_to.is_none(),
                "judges, and needs `back_to`",
                "name the stage to which its findings send back",
            ),
            (
                duty.judges() && shape.on_return,
                "judges, and so may not be passed over on the way forward",
                "leave out `on_return`",
            ),
            (
                !duty.judges() && shape.momentary,
                "judges nothing, so it is not `momentary`",
                "leave out `momentary`",
            ),
            (
                shape.tries.is_some() && shape.back_to.is_none(),
                "sends nothing back, so it has no `tries`",
                "leave out `tries`",
            ),
            (
                shape.tries.is_some_and(|tries| tries.max == 0),
                "has 0 `tries`",
                "1 is the least: it may send back once",
            ),
            (
                shape.apart && duty != Duty::Judge,
                "judges nothing as an agent, so it is not `apart`",
                "leave out `apart`",
            ),
        ];
        rows.into_iter()
            .chain(self.flaws_of_duty())
            .filter(|(is, ..)| *is)
            .map(|(_, what, fix)| (what, fix))
            .collect()
    }

    /// What does not go with what the stage is for.
    fn flaws_of_duty(&self) -> Vec<(bool, &'static str, &'static str)> {
        let shape = &self.shape;
        let duty = shape.duty;
        vec![
            (
                duty == Duty::Gate && self.checks.is_empty(),
                "is a gate that checks nothing",
                "name what it checks in `checks`",
            ),
            (
                duty != Duty::Gate && !self.checks.is_empty(),
                "is no gate, and so checks nothing",
                "leave out `checks`, or say `duty = \"gate\"`",
            ),
            (!duty.calls() && self.agent.is_some(), "is done by no agent", "leave out `agent`"),
            (!duty.calls() && !self.makes.is_empty(), "hands in no papers", "leave out `makes`"),
            (
                duty == Duty::Write && self.makes.is_empty(),
                "writes, and says not what",
                "name its papers in `makes`",
            ),
            (
                shape.answer_within.is_some() && duty != Duty::Human,
                "waits for nobody's answer",
                "leave out `answer_within`",
            ),
            (
                self.criteria && duty != Duty::Judge,
                "judges no criteria as an agent",
                "leave out `criteria`",
            ),
            (
                self.severity_min.is_some() && duty != Duty::Judge && duty != Duty::Gate,
                "has no findings",
                "leave out `severity_min`",
            ),
            (
                self.on && !shape.optional,
                "is no optional stage",
                "leave out `on`, or say `optional = true`",
            ),
            (
                CHECKS_MAX < self.checks.len()
                    || PAPERS_MAX < self.makes.len()
                    || PAPERS_MAX < shape.needs.len(),
                "names too many checks or papers",
                "leave some out",
            ),
        ]
    }
}

#[cfg(test)]
mod tests;
