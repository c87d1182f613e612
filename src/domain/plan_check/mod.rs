//! The only maker of a [`Plan`]: what a file says goes in, and a sound plan or every fault comes
//! out. It never stops at the first fault, never mends one by itself, and reads no file.

mod criteria;
mod draft;
mod edges;
mod fault;
mod names;
mod scopes;
mod texts;

use std::collections::BTreeMap;

pub use criteria::{VERIFICATIONS_MAX, verification_faults};
pub use draft::{
    Draft, DraftCriterion, DraftSprint, DraftSteps, DraftTask, DraftVerification, Located, Text,
};
pub use fault::{Fault, is_deceptive, quoted};
pub use names::RESERVED;
pub use scopes::{SCOPE_BYTES_MAX, Shared, shared};
pub use texts::TEXT_BYTES_MAX;

use super::{
    id::{Digest, ItemId, PlanId, StageId, TaskId},
    plan::{Extra, Plan, Sprint, Task},
    plan_spec::task_spec,
};

pub const SPRINTS_MAX: usize = 200;
pub const TASKS_MAX: usize = 2000;
pub const ACCEPTANCE_MAX: usize = 100;
pub const WRITES_MAX: usize = 200;
pub const DEPENDENCIES_MAX: usize = 200;
pub const STAGES_MAX: usize = 20;
pub const STEPS_PER_STAGE_MAX: usize = 100;
pub const EXTRA_FIELDS_MAX: usize = 100;

/// A plan that can be carried out, or everything that is wrong with it, in the order of the file.
pub fn check(draft: &Draft) -> Result<Plan, Vec<Fault>> {
    let mut faults = Vec::new();
    let id = PlanId::parse(&draft.id.value);
    if let Err(bad) = &id {
        faults.push(Fault::new(draft.id.line, bad.to_string(), "name it like `checkout`"));
    }
    let title = texts::line("the plan's title", &draft.title, &mut faults);
    let sprints = draft.sprints.iter().filter_map(|said| sprint(said, &mut faults)).collect();
    whole(draft, &mut faults);
    names::check(draft, &mut faults);
    edges::check(draft, &mut faults);
    draft.sprints.iter().for_each(|sprint| scopes::check_groups(sprint, &mut faults));
    faults.sort_by_key(|fault| fault.line);
    match id {
        Ok(id) if faults.is_empty() => Ok(Plan { id, title, sprints, extra: draft.extra.clone() }),
        _ => Err(faults),
    }
}

fn whole(draft: &Draft, faults: &mut Vec<Fault>) {
    let line = draft.title.line;
    if draft.sprints.is_empty() {
        let what = "the plan has no sprints";
        faults.push(Fault::new(line, what, "add a sprint with at least one task"));
    }
    let tasks: usize = draft.sprints.iter().map(|sprint| sprint.tasks.len()).sum();
    bounded(("the plan", "sprints"), line, draft.sprints.len(), SPRINTS_MAX, faults);
    bounded(("the plan", "tasks"), line, tasks, TASKS_MAX, faults);
    bounded_extra("the plan", line, &draft.extra, faults);
}

/// A bad name has its fault in `names`, and so have the other parts: what is left out here is
/// missing from a plan that nobody will see.
fn sprint(said: &DraftSprint, faults: &mut Vec<Fault>) -> Option<Sprint> {
    let own = quoted(&said.id.value);
    if said.tasks.is_empty() {
        let what = format!("the sprint {own} has no tasks");
        faults.push(Fault::new(said.id.line, what, "add a task, or remove the sprint"));
    }
    bounded_extra(&format!("the sprint {own}"), said.id.line, &said.extra, faults);
    let title = texts::line(&format!("the title of the sprint {own}"), &said.title, faults);
    let goal = said.goal.as_ref();
    let goal = goal.map(|goal| texts::body(&format!("the goal of the sprint {own}"), goal, faults));
    let tasks = said.tasks.iter().filter_map(|said| task(said, faults)).collect();
    let id = ItemId::parse(&said.id.value).ok()?;
    Some(Sprint { id, title, goal, tasks, extra: said.extra.clone() })
}

fn task(said: &DraftTask, faults: &mut Vec<Fault>) -> Option<Task> {
    let (own, line) = (quoted(&said.id.value), said.id.line);
    let owner = format!("the task {own}");
    bounded((&owner, "acceptance criteria"), line, said.acceptance.len(), ACCEPTANCE_MAX, faults);
    bounded((&owner, "write scopes"), line, said.writes.len(), WRITES_MAX, faults);
    bounded((&owner, "dependencies"), line, said.depends_on.len(), DEPENDENCIES_MAX, faults);
    bounded_extra(&owner, line, &said.extra, faults);
    let title = texts::line(&format!("the title of {own}"), &said.title, faults);
    let acceptance = criteria::checked(said, faults);
    let mut label = |what: &str, text: &Option<Text>| {
        text.as_ref().map(|text| texts::line(&format!("the {what} of {own}"), text, faults))
    };
    let (owner, group) = (label("owner", &said.owner), label("group", &said.group));
    let mut task = Task {
        id: TaskId::parse(&said.id.value).ok()?,
        title,
        acceptance,
        writes: scopes::parsed(said, faults),
        depends_on: said.depends_on.iter().filter_map(|id| TaskId::parse(&id.value).ok()).collect(),
        owner,
        group,
        steps: steps(said, faults),
        spec: Digest::of(b""),
        extra: said.extra.clone(),
    };
    task.spec = task_spec(&task);
    if let Some(claim) = said.spec.as_ref().filter(|claim| claim.value != task.spec.as_str()) {
        faults.push(Fault::new(
            claim.line,
            format!("{own} is not what its `spec` was made from"),
            "restore the task, or remove its `spec`",
        ));
    }
    Some(task)
}

fn steps(said: &DraftTask, faults: &mut Vec<Fault>) -> BTreeMap<StageId, Vec<String>> {
    let own = quoted(&said.id.value);
    let owner = format!("the task {own}");
    bounded((&owner, "stages"), said.id.line, said.steps.len(), STAGES_MAX, faults);
    let mut steps = BTreeMap::new();
    for part in &said.steps {
        let (line, name) = (part.stage.line, quoted(&part.stage.value));
        let stage = match StageId::parse(&part.stage.value) {
            Ok(stage) => stage,
            Err(bad) => {
                faults.push(Fault::new(line, bad.to_string(), "name a stage like `implement`"));
                continue;
            }
        };
        let what = format!("the stage {name} of {own}");
        bounded((&what, "steps"), line, part.commands.len(), STEPS_PER_STAGE_MAX, faults);
        let step = format!("a step of {what}");
        let commands = part.commands.iter().map(|text| texts::body(&step, text, faults)).collect();
        if steps.insert(stage, commands).is_some() {
            faults.push(Fault::new(line, format!("{what} is there twice"), "join the two"));
        }
    }
    steps
}

fn bounded_extra(what: &str, line: u32, extra: &Extra, faults: &mut Vec<Fault>) {
    bounded((what, "unknown fields"), line, extra.len(), EXTRA_FIELDS_MAX, faults);
    let long = |(key, text): &(&String, &String)| TEXT_BYTES_MAX < key.len().max(text.len());
    for (key, _) in extra.iter().filter(long) {
        let what = format!("{} of {what} is longer than {TEXT_BYTES_MAX} bytes", quoted(key));
        faults.push(Fault::new(line, what, "shorten it"));
    }
}

fn bounded(
    (owner, things): (&str, &str),
    line: u32,
    count: usize,
    max: usize,
    faults: &mut Vec<Fault>,
) {
    if max < count {
        let what = format!("{owner} has {count} {things}, and {max} are the most");
        faults.push(Fault::new(line, what, "split it"));
    }
}

#[cfg(test)]
mod tests;
