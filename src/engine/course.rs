//! Which workflow a run walks through, which of its stages it takes, and what walks through them.

use std::collections::{BTreeMap, BTreeSet};

use super::start::{NotStarted, Request};
use crate::{
    config::{settings::Settings, workflow_file},
    domain::{
        actions,
        id::{ItemId, StageId, TaskId},
        lane::Groups,
        plan::{Plan, Task},
        queue::{self, Status},
        target,
        workflow::{CLOSING, Choice, Duty, Need, OPENING, Part, Size, StageShape, Unit, Workflow},
    },
    git::Repo,
    store::history,
};

/// The longest workflow file that is read.
const FILE_BYTES_MAX: u64 = workflow_file::WORKFLOW_BYTES_MAX as u64 + 1;
/// Where a team keeps its own, as they stand on the base branch.
const TEAM_DIR: &str = ".gitrun/workflows";

#[derive(Debug)]
pub struct Course {
    pub workflow: Workflow,
    pub text: String,
    pub stages: Vec<StageShape>,
    pub items: Vec<ItemId>,
    pub after: BTreeMap<ItemId, Vec<ItemId>>,
    pub groups: Groups,
    pub flow: Option<String>,
    /// What the flow was chosen by, where nobody named it.
    pub size: Option<Size>,
}

/// A workflow by its name: a file that a person typed, a built-in one, or the team's own as it stands
/// on the base branch. What a run could have written itself is not looked at.
pub fn workflow(repo: &Repo, base: &str, name: &str) -> Result<(Workflow, String), NotStarted> {
    let (place, text) = if name.contains('/') || name.ends_with(".toml") {
        (name.to_owned(), file(name)?)
    } else if let Some(text) = workflow_file::built_in(name) {
        (name.to_owned(), text.to_owned())
    } else {
        of_team(repo, base, name)?
    };
    match workflow_file::read_new(&text) {
        Ok(workflow) => Ok((workflow, text)),
        Err(faults) => Err(NotStarted::BadWorkflow { name: place, faults }),
    }
}

fn file(path: &str) -> Result<String, NotStarted> {
    use std::io::Read as _;
    let shown = path.escape_debug();
    let mut text = Vec::new();
    let opened = std::fs::File::open(path);
    opened.and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut text)).map_err(|error| {
        NotStarted::Usage(format!("the workflow `{shown}` cannot be read: {error}"))
    })?;
    String::from_utf8(text)
        .map_err(|_| NotStarted::Usage(format!("the workflow `{shown}` is no UTF-8 text")))
}

fn of_team(repo: &Repo, base: &str, name: &str) -> Result<(String, String), NotStarted> {
    let unknown = || {
        let known = workflow_file::BUILT_IN.join("`, `");
        NotStarted::Usage(format!(
            "there is no workflow `{}`; built in are `{known}`, and a team's own are `{TEAM_DIR}/<name>.toml` on `{}`",
            name.escape_debug(),
            base.escape_debug()
        ))
    };
    StageId::parse(name).map_err(|_| unknown())?;
    let path = format!("{TEAM_DIR}/{name}.toml");
    let mut text = None;
    for branch in [format!("refs/heads/{base}"), format!("refs/remotes/origin/{base}")] {
        if let (None, Some(tip)) = (&text, repo.refs().read(&branch)?) {
            text = history::read_file_at(repo, &tip, &path, FILE_BYTES_MAX)?;
        }
    }
    let text = text.ok_or_else(unknown)?;
    let text = String::from_utf8(text)
        .map_err(|_| NotStarted::Usage(format!("the workflow `{path}` is no UTF-8 text")))?;
    Ok((path, text))
}

/// The names of the team's own.
pub fn of_team_names(repo: &Repo, base: &str) -> anyhow::Result<Vec<String>> {
    let Some(tip) = repo.refs().read(&format!("refs/heads/{base}"))? else { return Ok(Vec::new()) };
    let mut names = history::names_at(repo, &tip, TEAM_DIR)?;
    names.retain(|name| name.ends_with(".toml"));
    for name in &mut names {
        name.truncate(name.len() - ".toml".len());
    }
    names.retain(|name| StageId::parse(name).is_ok() && workflow_file::built_in(name).is_none());
    Ok(names)
}

/// What this run does: the stages that it takes, and the items in their order.
pub fn lay(
    settings: &Settings,
    request: &Request,
    plan: &Plan,
    skipped: &BTreeSet<TaskId>,
    (workflow, text): (Workflow, String),
) -> Result<Course, NotStarted> {
    let mut set = BTreeMap::new();
    for stage in workflow.stages() {
        if let Some(on) = settings.stage(stage.id()).enabled {
            set.insert(stage.id().clone(), on);
        }
    }
    let named = target::items(plan, &request.targets, &request.range)?;
    let size =
        (request.flow.is_none() && !workflow.sizes.is_empty()).then(|| Size::of(plan, &named));
    let by_size = size.and_then(|size| workflow.flow_for(size)).map(str::to_owned);
    let choice = Choice {
        flow: request.flow.clone().or(by_size),
        skip: request.skip_stages.clone(),
        from: request.from_stage.clone(),
        set,
    };
    let mut stages = workflow.choose(&choice).map_err(NotStarted::Usage)?;
    let flow = choice.flow.clone().or_else(|| workflow.usual_flow().map(str::to_owned));
    all_handed_in(&workflow, flow.as_deref(), request, &mut stages)?;
    for shape in &mut stages {
        let own = settings.stage(&shape.id);
        if let Some(missing) = own.missing {
            shape.missing = missing;
        }
        if let (Some(max), Some(tries)) = (own.tries, &mut shape.tries) {
            tries.max = tries.max.min(max);
        }
        if !own.files.is_empty() {
            shape.needs.retain(|need| matches!(need, Need::Paper(_)));
            shape.needs.extend(own.files.iter().cloned().map(Need::File));
        }
    }
    let (mut items, after) = match workflow.unit {
        Unit::Sprint => (named, BTreeMap::new()),
        Unit::Task => tasks(plan, skipped, &named),
    };
    if items.is_empty() {
        let what = "nothing of it is left to be done: each of its tasks is done, skipped, or waits for one that is blocked";
        return Err(NotStarted::Usage(what.to_owned()));
    }
    let groups = groups(settings, request, plan, &workflow, &items)?;
    let walked = |part| stages.iter().any(|shape| shape.part == part && shape.is_walked());
    for (part, name, at) in [(Part::Opening, OPENING, 0), (Part::Closing, CLOSING, items.len() + 1)]
    {
        if !walked(part) {
            continue;
        }
        let id = ItemId::parse(name).map_err(anyhow::Error::from)?;
        if items.contains(&id) {
            return Err(NotStarted::Usage(format!(
                "the plan has an item `{name}`, which is what the workflow `{}` calls a part of its own; rename it",
                workflow.name
            )));
        }
        items.insert(at.min(items.len()), id);
    }
    Ok(Course { workflow, text, stages, items, after, groups, flow, size })
}

/// Nothing begins for which a paper is missing that nobody will hand in any more.
fn all_handed_in(
    workflow: &Workflow,
    flow: Option<&str>,
    request: &Request,
    stages: &mut [StageShape],
) -> Result<(), NotStarted> {
    let handed: Vec<&str> = request.inputs.iter().map(|(name, _)| name.as_str()).collect();
    let missing = |what: String| Err(NotStarted::Usage(what));
    for input in &workflow.inputs {
        let name = input.paper.name.as_str();
        let needed = flow.filter(|flow| input.needed_in.iter().any(|known| known == flow));
        if let (Some(flow), false) = (needed, handed.contains(&name)) {
            return missing(format!(
                "the flow `{flow}` begins with `{name}`, and it was not handed in: `--input {name}=FILE`"
            ));
        }
    }
    if let Some((stage, name)) = workflow.lacking(stages, &handed) {
        return missing(format!(
            "`{stage}` needs `{name}`, which no stage before it hands in: `--input {name}=FILE`"
        ));
    }
    // What is only come to again makes do with what there is.
    let known = |name: &String| {
        let made = stages_that_make(workflow, stages, name);
        made || handed.contains(&name.as_str())
    };
    let keep: Vec<Vec<Need>> = stages
        .iter()
        .map(|shape| {
            let needs = shape.needs.iter().filter(|need| match need {
                Need::Paper(name) => !shape.on_return || known(name),
                Need::File(_) => true,
            });
            needs.cloned().collect()
        })
        .collect();
    for (shape, needs) in stages.iter_mut().zip(keep) {
        shape.needs = needs;
    }
    Ok(())
}

fn stages_that_make(workflow: &Workflow, stages: &[StageShape], name: &str) -> bool {
    workflow.stages().iter().zip(stages).any(|(stage, shape)| {
        shape.is_walked() && stage.makes.iter().any(|paper| paper.name == name)
    })
}

impl Course {
    /// The stage of the items with which a run begins that builds nothing first.
    #[must_use]
    pub fn judges_first(&self) -> Option<&StageId> {
        let items = || self.stages.iter().filter(|shape| shape.part == Part::Items);
        let builds = |shape: &StageShape| shape.is_walked() && shape.duty == Duty::Build;
        let would = items().any(|shape| shape.duty == Duty::Build);
        let first = items().find(|shape| shape.is_walked())?;
        (would && !items().any(builds)).then_some(&first.id)
    }

    /// Whether the task is an item, or stands in one.
    #[must_use]
    pub fn is_asked(&self, plan: &Plan, task: &str) -> bool {
        let is_item = |id: &str| self.items.iter().any(|item| item.as_str() == id);
        let mut tasks = plan.tasks().filter(|(_, known)| known.id.as_str() == task);
        is_item(task) || tasks.any(|(sprint, _)| is_item(sprint.id.as_str()))
    }

    /// Who does each stage: what was typed, and, where neither that nor a setting says it, what the
    /// workflow says.
    #[must_use]
    pub fn agents(
        &self,
        settings: &Settings,
        named: &[(Option<String>, String)],
    ) -> Vec<(Option<String>, String)> {
        agents(&self.workflow, settings, named)
    }
}

/// The same for a workflow that was frozen.
#[must_use]
pub fn agents(
    workflow: &Workflow,
    settings: &Settings,
    named: &[(Option<String>, String)],
) -> Vec<(Option<String>, String)> {
    let said = |stage: &str| settings.stages().any(|own| own == stage);
    let own = workflow.stages().iter().filter_map(|stage| {
        let agent = stage.agent.clone()?;
        (!said(stage.id().as_str())).then(|| (Some(stage.id().to_string()), agent))
    });
    own.chain(named.iter().cloned()).collect()
}

/// The tasks that may be built side by side: those of a sprint with the same group.
fn groups(
    settings: &Settings,
    request: &Request,
    plan: &Plan,
    workflow: &Workflow,
    items: &[ItemId],
) -> Result<Groups, NotStarted> {
    let parallel = request.parallel.or(settings.lanes.parallel).unwrap_or(1);
    if workflow.unit == Unit::Sprint {
        return match request.parallel {
            Some(2..) => Err(NotStarted::Usage(format!(
                "the workflow `{}` goes sprint by sprint; side by side are tasks: --workflow deliver, or queue",
                workflow.name
            ))),
            _ => Ok(Groups::default()),
        };
    }
    if parallel < 2 {
        return Ok(Groups::default());
    }
    let mut found = Vec::new();
    for sprint in &plan.sprints {
        let mut named: Vec<(&str, Vec<ItemId>)> = Vec::new();
        for task in &sprint.tasks {
            let (Some(group), Ok(id)) = (&task.group, ItemId::parse(task.id.as_str())) else {
                continue;
            };
            if !items.contains(&id) {
                continue;
            }
            match named.iter_mut().find(|(name, _)| *name == group.as_str()) {
                Some((_, members)) => members.push(id),
                None => named.push((group, vec![id])),
            }
        }
        for (_, mut group) in named.into_iter().filter(|(_, group)| 1 < group.len()) {
            // In the order in which their turns come.
            group.sort_by_key(|id| items.iter().position(|item| item == id));
            found.push(group);
        }
    }
    Ok(Groups { parallel, items: found })
}

/// Each open task of these items in the order of the queue, and which of them come after which others.
/// Who names a task means it, whatever the plan says of its status.
fn tasks(
    plan: &Plan,
    skipped: &BTreeSet<TaskId>,
    named: &[ItemId],
) -> (Vec<ItemId>, BTreeMap<ItemId, Vec<ItemId>>) {
    let is_named = |id: &str| named.iter().any(|item| item.as_str() == id);
    let item = |id: &TaskId| ItemId::parse(id.as_str()).ok();
    let mut states = queue::said(plan);
    states.extend(skipped.iter().map(|task| (task.clone(), Status::Skipped)));
    states.retain(|task, _| !is_named(task.as_str()));
    let find = |id: &TaskId| plan.tasks().find(|(_, task)| task.id == *id);
    let wanted: Vec<&Task> = queue::order(plan, &states)
        .iter()
        .filter_map(find)
        .filter(|(sprint, task)| {
            let phase = actions::is_phase(plan, task);
            is_named(task.id.as_str()) || (is_named(sprint.id.as_str()) && !phase)
        })
        .map(|(_, task)| task)
        .collect();
    let items: Vec<ItemId> = wanted.iter().filter_map(|task| item(&task.id)).collect();
    let mut after = BTreeMap::new();
    for task in wanted {
        let before = task.depends_on.iter().filter_map(item);
        let before: Vec<ItemId> = before.filter(|id| items.contains(id)).collect();
        if let (Some(id), false) = (item(&task.id), before.is_empty()) {
            after.insert(id, before);
        }
    }
    (items, after)
}
