//! A workflow for people: as a drawing of its stages, and as what was proven of it.

use std::fmt::Write as _;

use crate::domain::workflow::{Duty, Need, Part, Stage, Workflow};

/// One line for each stage, with where it sends back to.
#[must_use]
pub fn text(workflow: &Workflow) -> String {
    let mut out = format!("{}: {}\n", workflow.name, workflow.about);
    if !workflow.flows.is_empty() {
        let _ = writeln!(out, "flows: {}", workflow.flows.join(", "));
    }
    for part in Part::ALL {
        let stages: Vec<_> =
            workflow.stages().iter().filter(|stage| stage.shape.part == part).collect();
        if stages.is_empty() {
            continue;
        }
        let _ = match part {
            Part::Opening => writeln!(out, "\nonce, before all items"),
            Part::Items => writeln!(out, "\nfor each {}", workflow.unit.word()),
            Part::Closing => writeln!(out, "\nonce, behind all items"),
        };
        for stage in stages {
            let _ = writeln!(out, "  {}", line(stage));
        }
    }
    out
}

fn line(stage: &Stage) -> String {
    let shape = &stage.shape;
    let mut line = format!("{:<14} {:<6}", shape.id.as_str(), shape.duty.word());
    if let Some(back_to) = &shape.back_to {
        let _ = write!(line, " → {back_to}");
        if let Some(tries) = shape.tries {
            let _ = write!(line, " ({}×, then {})", tries.max, tries.then.word());
        }
    }
    let mut marks = Vec::new();
    let words = [
        (shape.optional && stage.on, "optional"),
        (shape.optional && !stage.on, "optional, off"),
        (shape.on_return, "only when sent back"),
        (shape.momentary, "for the moment"),
        (shape.apart, "not by who built"),
    ];
    marks.extend(words.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()));
    let list = |words: Vec<String>| words.join(" ");
    if !stage.checks.is_empty() {
        let checks = stage.checks.iter().map(|check| {
            let not = if check.must_fail { "!" } else { "" };
            format!("{not}{}", check.gate)
        });
        marks.push(format!("checks {}", list(checks.collect())));
    }
    if !shape.needs.is_empty() {
        let needs = shape.needs.iter().map(|need| match need {
            Need::Paper(name) | Need::File(name) => name.clone(),
        });
        marks.push(format!("needs {}", list(needs.collect())));
    }
    if !stage.makes.is_empty() {
        marks.push(format!(
            "makes {}",
            list(stage.makes.iter().map(|paper| paper.name.clone()).collect())
        ));
    }
    if !stage.flows.is_empty() {
        marks.push(format!("in {}", stage.flows.join(", ")));
    }
    if !marks.is_empty() {
        let _ = write!(line, "  [{}]", marks.join("; "));
    }
    line
}

/// The same as a Mermaid drawing, as the documentation shows it.
#[must_use]
pub fn mermaid(workflow: &Workflow) -> String {
    let mut out = String::from("flowchart LR\n");
    let forward: Vec<_> = workflow.stages().iter().filter(|stage| !stage.shape.on_return).collect();
    for stage in workflow.stages() {
        let id = stage.id();
        let node = match stage.shape.duty {
            Duty::Build => format!("[{id}]"),
            Duty::Write => format!("[/{id}/]"),
            Duty::Judge => format!("{{{{{id}}}}}"),
            Duty::Gate => format!("{{{id}}}"),
            Duty::Human => format!("([{id}])"),
        };
        let _ = writeln!(out, "  {id}{node}");
    }
    for pair in forward.windows(2) {
        let _ = writeln!(out, "  {} --> {}", pair[0].id(), pair[1].id());
    }
    for stage in workflow.stages() {
        if let Some(back_to) = &stage.shape.back_to {
            let tries =
                stage.shape.tries.map_or(String::new(), |tries| format!("|{}×|", tries.max));
            let _ = writeln!(out, "  {} -.->{tries} {back_to}", stage.id());
        }
        if stage.shape.on_return {
            let back =
                forward.iter().find(|other| other.shape.back_to.as_ref() == Some(stage.id()));
            if let Some(back) = back {
                let _ = writeln!(out, "  {} --> {}", stage.id(), back.id());
            }
        }
    }
    out
}

/// What was proven of a workflow that exists, and each legal way past one of its gates.
#[must_use]
pub fn checked(workflow: &Workflow) -> String {
    let count = |n: usize, of: &str| format!("{n} {of}{}", if n == 1 { "" } else { "s" });
    let (stages, ways) = (workflow.stages().len(), workflow.ways_count());
    let mut out = format!(
        "{}: sound: {}, {} through, each ends and nothing passes unjudged\n",
        workflow.name,
        count(stages, "stage"),
        count(ways, "way"),
    );
    for way in workflow.loopholes() {
        let _ = writeln!(out, "  {} may be passed without a pass: {}", way.stage, way.how);
    }
    out
}
