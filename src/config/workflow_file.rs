//! Workflows as TOML. The built-in ones are read by the same reader as a user's own. A key that is
//! not known is a fault: whoever wrote it believes that it holds something up.

use serde::Deserialize;
use toml::Spanned;

use super::plan_file;
use crate::domain::{
    finding::Severity,
    id::{PlanId, StageId},
    plan_check::Fault,
    risk::Danger,
    time::Span,
    workflow::{
        Check, Duty, Exhausted, Input, Missing, Need, Paper, Part, SizeRow, Stage, StageShape,
        Tries, Unit, Workflow,
    },
};

pub const WORKFLOW_BYTES_MAX: usize = 256 * 1024;
/// The newest form of a workflow file.
const FORMAT: u32 = 2;
/// How many tries a stage has that says what comes after them, and not how many.
const TRIES: u32 = 1;

/// The built-in workflow of this name, as text.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    let text = match name {
        "sprint" => include_str!("../../assets/workflows/sprint.toml"),
        "bug" => include_str!("../../assets/workflows/bug.toml"),
        "pipeline" => include_str!("../../assets/workflows/pipeline.toml"),
        "tdd" => include_str!("../../assets/workflows/tdd.toml"),
        "deliver" => include_str!("../../assets/workflows/deliver.toml"),
        "queue" => include_str!("../../assets/workflows/queue.toml"),
        _ => return None,
    };
    Some(text)
}

pub const BUILT_IN: [&str; 6] = ["sprint", "bug", "pipeline", "tdd", "deliver", "queue"];

/// Whether a built-in workflow has a stage of this name.
#[must_use]
pub fn has_stage(id: &str) -> bool {
    let known = BUILT_IN.into_iter().filter_map(built_in).filter_map(|text| read(text).ok());
    known
        .into_iter()
        .any(|workflow| workflow.stages().iter().any(|stage| stage.id().as_str() == id))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowDoc {
    format: Spanned<u32>,
    name: Spanned<String>,
    #[serde(default)]
    about: String,
    unit: Option<Spanned<String>>,
    cycles: Option<u32>,
    time: Option<Spanned<String>>,
    branch_prefix: Option<String>,
    #[serde(default)]
    spot_check: bool,
    high_risk: Option<Spanned<String>>,
    #[serde(default)]
    flows: Vec<String>,
    #[serde(default)]
    size: Vec<SizeDoc>,
    #[serde(default)]
    input: Vec<InputDoc>,
    #[serde(default)]
    stage: Vec<Spanned<StageDoc>>,
}

/// A flow, and up to which size of the work it is taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SizeDoc {
    flow: String,
    tasks: Option<u32>,
    files: Option<u32>,
    criteria: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputDoc {
    name: Spanned<String>,
    template: Option<String>,
    #[serde(default)]
    sections: Vec<String>,
    #[serde(default)]
    needed_in: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaperDoc {
    name: Spanned<String>,
    template: Option<String>,
    #[serde(default)]
    sections: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StageDoc {
    id: Spanned<String>,
    duty: Spanned<String>,
    unit: Option<Spanned<String>>,
    #[serde(default)]
    ask: String,
    role: Option<String>,
    agent: Option<String>,
    back_to: Option<Spanned<String>>,
    tries: Option<u32>,
    then: Option<Spanned<String>>,
    #[serde(default)]
    on_return: bool,
    #[serde(default)]
    momentary: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    on: bool,
    #[serde(default)]
    apart: bool,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    needs_files: Vec<String>,
    missing: Option<Spanned<String>>,
    #[serde(default)]
    makes: Vec<PaperDoc>,
    #[serde(default)]
    checks: Vec<CheckDoc>,
    #[serde(default)]
    criteria: bool,
    severity_min: Option<Spanned<String>>,
    danger: Option<Spanned<String>>,
    answer_within: Option<Spanned<String>>,
    #[serde(default)]
    flows: Vec<String>,
}

/// `"tests"`, or `{ gate = "tests", must_fail = true }`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum CheckDoc {
    Plain(String),
    Full(FullCheckDoc),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FullCheckDoc {
    gate: String,
    #[serde(default)]
    must_fail: bool,
}

/// The workflow that a run was begun with, or everything that is wrong with it, each with its line.
pub fn read(text: &str) -> Result<Workflow, Vec<Fault>> {
    read_for(text, false)
}

/// The same of one that a run is to begin with: nothing in it may be what no run could go by.
pub fn read_new(text: &str) -> Result<Workflow, Vec<Fault>> {
    read_for(text, true)
}

fn read_for(text: &str, begins: bool) -> Result<Workflow, Vec<Fault>> {
    if WORKFLOW_BYTES_MAX < text.len() {
        let what = format!("the workflow is longer than {WORKFLOW_BYTES_MAX} bytes");
        return Err(vec![Fault::new(1, what, "make it shorter")]);
    }
    if plan_file::toml::long_key(text).is_some() {
        return Err(vec![Fault::new(1, "a key of the workflow has too many parts", "shorten it")]);
    }
    let doc: WorkflowDoc = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        vec![Fault::new(line, error.message().to_owned(), "see docs/WORKFLOWS.md")]
    })?;
    Reader { text, faults: Vec::new() }.workflow(doc, begins)
}

fn line_of(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

fn size(doc: SizeDoc) -> SizeRow {
    let SizeDoc { flow, tasks, files, criteria } = doc;
    SizeRow { flow, tasks, files, criteria }
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|why| why.to_string())
}

struct Reader<'t> {
    text: &'t str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn workflow(mut self, doc: WorkflowDoc, begins: bool) -> Result<Workflow, Vec<Fault>> {
        if !(1..=FORMAT).contains(doc.format.get_ref()) {
            let what = format!(
                "the workflow is of format {}, and this version knows up to {FORMAT}",
                doc.format.get_ref()
            );
            return Err(vec![Fault::new(
                self.line(&doc.format),
                what,
                "update git-run, or write it in format 2",
            )]);
        }
        let name = self.parsed(&doc.name, |text| PlanId::parse(text).map_err(|e| e.to_string()));
        let unit = match &doc.unit {
            None => Unit::Sprint,
            Some(unit) => self
                .word(unit, "sprint or task", |word| match word {
                    "sprint" => Some(Unit::Sprint),
                    "task" => Some(Unit::Task),
                    _ => None,
                })
                .unwrap_or_default(),
        };
        let warns = doc.high_risk.as_ref().and_then(|word| {
            self.word(word, "block or warn", |word| match word {
                "block" => Some(false),
                "warn" => Some(true),
                _ => None,
            })
        });
        let time = doc.time.as_ref().and_then(|time| self.parsed(time, span));
        let inputs = doc.input.into_iter().filter_map(|input| self.input(input)).collect();
        let lines: Vec<u32> = doc.stage.iter().map(|stage| self.line(stage)).collect();
        let mut stages = Vec::new();
        let mut seen_items = false;
        for stage in doc.stage {
            let stage = self.stage(stage.into_inner(), unit, seen_items);
            seen_items |= stage.as_ref().is_some_and(|stage| stage.shape.part == Part::Items);
            stages.extend(stage);
        }
        let Some(name) = name.filter(|_| self.faults.is_empty()) else { return Err(self.faults) };
        let mut draft = Workflow::draft(name);
        draft.about = doc.about;
        draft.unit = unit;
        draft.cycles_max = doc.cycles;
        draft.run_time_max = time;
        draft.warns_of_risk = warns.unwrap_or(true);
        draft.branch_prefix = doc.branch_prefix;
        draft.flows = doc.flows;
        draft.sizes = doc.size.into_iter().map(size).collect();
        draft.inputs = inputs;
        draft.spot_check = doc.spot_check;
        let usable = |workflow: Workflow| match workflow.unusable() {
            flaws if begins && !flaws.is_empty() => Err(flaws),
            _ => Ok(workflow),
        };
        Workflow::new(draft, stages).and_then(usable).map_err(|flaws| {
            let fault = |flaw: crate::domain::workflow::Flaw| {
                let line = flaw.stage.and_then(|at| lines.get(at)).copied().unwrap_or(1);
                Fault::new(line, flaw.what, flaw.fix)
            };
            flaws.into_iter().map(fault).collect()
        })
    }

    fn stage(&mut self, doc: StageDoc, unit: Unit, seen_items: bool) -> Option<Stage> {
        let id = self.parsed(&doc.id, |text| StageId::parse(text).map_err(|e| e.to_string()));
        let duty = self.word(&doc.duty, "build, write, judge, gate or human", Duty::parse);
        let part = match &doc.unit {
            None => Some(Part::Items),
            Some(said) if said.get_ref() == unit.word() => Some(Part::Items),
            Some(said) => {
                let expected = format!("run, or {} as for the whole workflow", unit.word());
                let once = if seen_items { Part::Closing } else { Part::Opening };
                self.word(said, &expected, |word| (word == "run").then_some(once))
            }
        };
        let parsed = |text: &str| StageId::parse(text).map_err(|e| e.to_string());
        let back_to = doc.back_to.as_ref().and_then(|back_to| self.parsed(back_to, parsed));
        let then = doc.then.as_ref();
        let then = then.and_then(|then| self.word(then, "halt, person or go-on", Exhausted::parse));
        let tries = match (doc.tries, then) {
            (None, None) => None,
            (max, then) => {
                Some(Tries { max: max.unwrap_or(TRIES), then: then.unwrap_or(Exhausted::Halt) })
            }
        };
        let missing = doc.missing.as_ref();
        let missing = missing.and_then(|word| self.word(word, "halt or skip", Missing::parse));
        let severity = doc.severity_min.as_ref();
        let severity_min = severity.and_then(|word| {
            self.word(word, "info, low, medium, high or critical", Severity::parse)
        });
        let danger = doc.danger.as_ref();
        let danger = danger
            .and_then(|word| self.word(word, "safe, moderate, high or critical", Danger::parse));
        let within = doc.answer_within.as_ref();
        let answer_within = within.and_then(|time| self.parsed(time, span));
        let needs = doc.needs.into_iter().map(Need::Paper);
        let needs = needs.chain(doc.needs_files.into_iter().map(Need::File)).collect();
        let makes = doc.makes.into_iter().filter_map(|paper| self.paper(paper)).collect();
        let check = |check| match check {
            CheckDoc::Plain(gate) => Check { gate, must_fail: false },
            CheckDoc::Full(full) => Check { gate: full.gate, must_fail: full.must_fail },
        };
        Some(Stage {
            shape: StageShape {
                part: part?,
                on_return: doc.on_return,
                momentary: doc.momentary,
                tries,
                optional: doc.optional,
                apart: doc.apart,
                needs,
                missing: missing.unwrap_or_default(),
                answer_within,
                ..StageShape::plain(id?, duty?, back_to)
            },
            ask: doc.ask,
            role: doc.role,
            agent: doc.agent,
            checks: doc.checks.into_iter().map(check).collect(),
            makes,
            criteria: doc.criteria,
            severity_min,
            danger: danger.unwrap_or_default(),
            on: doc.on,
            flows: doc.flows,
        })
    }

    fn input(&mut self, doc: InputDoc) -> Option<Input> {
        let InputDoc { name, template, sections, needed_in } = doc;
        let paper = self.paper(PaperDoc { name, template, sections })?;
        Some(Input { paper, needed_in })
    }

    /// A paper's name is a file's: one plain component.
    fn paper(&mut self, doc: PaperDoc) -> Option<Paper> {
        let plain = |text: &str| match StageId::parse(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err(format!("`{}` is no plain file name", text.escape_debug())),
        };
        let name = self.parsed(&doc.name, plain)?;
        Some(Paper { name, template: doc.template, sections: doc.sections })
    }

    fn parsed<T>(
        &mut self,
        text: &Spanned<String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        parse(text.get_ref())
            .map_err(|why| self.say(text, why, "write it as docs/WORKFLOWS.md has it"))
            .ok()
    }

    fn word<T>(
        &mut self,
        text: &Spanned<String>,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = parse(text.get_ref());
        if found.is_none() {
            let what = format!("`{}` is not one of {expected}", text.get_ref().escape_debug());
            self.say(text, what, "write one of these words");
        }
        found
    }

    fn say<T>(&mut self, at: &Spanned<T>, what: String, fix: &str) {
        let line = self.line(at);
        self.faults.push(Fault::new(line, what, fix));
    }

    fn line<T>(&self, at: &Spanned<T>) -> u32 {
        line_of(self.text, at.span().start)
    }
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
            format!("format=3\nname='w'\n{build}{judge}"),
            format!("{head}{build}back_to='a'\n{judge}"),
            format!("{head}{build}[[stage]]\nid='b'\nduty='judge'\n"),
            format!("{head}{build}[[stage]]\nid='../b'\nduty='judge'\nback_to='a'\n"),
            format!("{head}{build}[[stage]]\nid='b'\nduty='dance'\nback_to='a'\n"),
            format!("{head}{build}{judge}tires=3\n"),
            format!("{head}unit='epic'\n{build}{judge}"),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fault_names_its_line() {
        let text = "format = 2\nname = \"w\"\n\n[[stage]]\nid = \"a\"\nduty = \"build\"\n\n[[stage]]\nid = \"b\"\nduty = \"judge\"\nback_to = \"c\"\n";
        let faults = read(text).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].line, 8);
        assert!(faults[0].what.contains("which is no stage"));
    }
}
