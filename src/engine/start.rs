//! From what was typed to a journal with its first event.

use anyhow::Context as _;

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    bug::{self, Bug},
    course, drift, lanes,
    preflight::{self, Unfit},
    prerequisites,
    risk::{self, Found},
};
use crate::{
    config::{
        plan_file, plan_find,
        settings::{Agent, STEPS, Settings},
        workflow_file,
    },
    domain::{
        event::{Actor, Charter, Event, PaperRef, PushMode},
        id::{Digest, Oid, RunId, StageId},
        lane::Groups,
        limits::Limits,
        paper::{self, PAPER_BYTES_MAX},
        plan::Plan,
        plan_check::Fault,
        plan_spec::plan_digest,
        source::Document,
        target::{self, NoTarget, Range},
        workflow::{Size, StageShape, Workflow},
    },
    gates::script::PolicyDoc,
    git::Repo,
    guard::push,
    process::clock,
    store::{
        journal::{AppendError, Artifact, Frozen, Journal},
        wire::policy,
    },
};

/// What a person asked for, as typed.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub targets: Vec<String>,
    pub range: Range,
    pub workflow: Option<String>,
    pub flow: Option<String>,
    pub from_stage: Option<String>,
    pub skip_stages: Vec<String>,
    /// Papers by their names, and the files that hold them.
    pub inputs: Vec<(String, PathBuf)>,
    /// How many tasks of a group are built side by side.
    pub parallel: Option<u32>,
    pub branch: Option<String>,
    pub base: Option<String>,
    pub agents: Vec<(Option<String>, String)>,
    pub push: Option<PushMode>,
    pub limits: Overrides,
    /// Where it begins in a series of runs.
    pub behind: Option<Behind>,
    /// The plan, where it was read already.
    pub plan: Option<(Plan, Vec<Document>)>,
    /// A bug instead of a target of the plan.
    pub bug: Option<Bug>,
    /// Whether what is risky may be done where nobody looks on.
    pub allow_high: bool,
    /// Whether somebody at a terminal can be asked.
    pub looked_on: bool,
    /// What the plan's own commands said already: what must hold is looked at more than once.
    pub looked: prerequisites::Looked,
}

/// What the run before it in a series left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// The commit that was proven.
    pub commit: Oid,
    /// The branch that holds it; nothing where the base does.
    pub branch: Option<String>,
}

/// Limits that the command line sets for this run alone.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub cycles_max: Option<u32>,
    pub run_time_max: Option<crate::domain::time::Span>,
    pub tokens_max: Option<u64>,
    pub cost_max: Option<u64>,
}

/// A run that could begin: everything was looked at, and nothing is written yet.
#[derive(Debug)]
pub struct Prepared {
    pub charter: Charter,
    pub plan: Plan,
    pub workflow: Workflow,
    workflow_text: String,
    policy: String,
    papers: Vec<Artifact>,
    /// What the flow was chosen by, where nobody named it.
    pub size: Option<Size>,
    /// What a person may be asked about.
    pub risk: Found,
}

#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    #[error("there is no plan here")]
    NoPlan,
    #[error("the plan `{name}` has faults")]
    BadPlan { name: String, faults: Vec<Fault> },
    #[error("the workflow `{name}` has faults")]
    BadWorkflow { name: String, faults: Vec<Fault> },
    #[error(transparent)]
    NoTarget(#[from] NoTarget),
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Reads the plan, finds the targets in it, and looks at everything that must hold.
pub fn prepare(
    repo: &Repo,
    settings: &Settings,
    request: &Request,
) -> Result<Prepared, NotStarted> {
    let (plan, documents) = asked_for(repo, settings, request)?;
    let head = repo.head()?;
    let base = |own: &str| base_branch(repo, settings, request, head.branch.as_deref(), own);
    let usual = if request.bug.is_some() { Some("bug") } else { settings.workflow.as_deref() };
    let name = request.workflow.as_deref().or(usual).unwrap_or("sprint");
    // A team's own workflow stands on the base branch; only that one waits for it to be known.
    let likely = match workflow_file::built_in(name) {
        Some(_) => String::new(),
        None => base(&branch_name(settings, request, None)).unwrap_or_default(),
    };
    let found = course::workflow(repo, &likely, name)?;
    let skipped = prerequisites::skipped(repo, &plan, &request.looked)?;
    let course = course::lay(settings, request, &plan, &skipped, found)?;
    let branch = branch_name(settings, request, course.workflow.branch_prefix.as_deref());
    let agents = course.agents(settings, &request.agents);
    let wish = preflight::Wish {
        branch: &branch,
        stages: &course.stages,
        workflow: &course.workflow,
        agents: &agents,
    };
    preflight::check(repo, settings, &wish)??;
    let asked = |task: &str| course.is_asked(&plan, task);
    prerequisites::check(repo, &plan, &asked, &request.looked)??;
    let start = match &request.behind {
        Some(behind) => behind_it(repo, &branch, behind)?,
        None => starting_point(repo, &branch, head.commit.clone())?,
    };
    let base = base(&branch)?;
    preflight::apart(&branch, &base)?;
    let start = work_there(repo, course.judges_first(), (&branch, &base), start)?;
    let mut settings = settings.clone();
    settings.tighten(repo, &base)?;
    let settings = &settings;
    let risk = risk::look(settings, request, &course, &plan)?;
    preflight::unprotected(settings, &branch)?;
    lanes_have_room(repo, settings, &course.groups)?;
    let (papers, artifacts) = papers(&course.workflow, request)?;
    let limits = limits(settings, &request.limits, &course.workflow);
    let charter = Charter {
        run: new_run_id(),
        target: request.targets.join(" "),
        plan: plan.id.clone(),
        plan_digest: plan_digest(&plan),
        workflow: course.workflow.name.clone(),
        stages: course.stages,
        items: course.items,
        base,
        onto: request.behind.as_ref().and_then(|behind| behind.branch.clone()),
        start,
        branch,
        worktree: repo.identity(),
        push: request.push.map_or(settings.push, |push| push.stricter(settings.push)),
        limits,
        flow: course.flow,
        after: course.after,
        papers,
        documents,
        groups: course.groups,
        scan_every: Some(settings.scan_every),
    };
    let policy = frozen_policy(repo, settings, &charter, &agents, &risk)?;
    let (workflow, workflow_text) = (course.workflow, course.text);
    let size = course.size;
    Ok(Prepared { charter, plan, workflow, workflow_text, policy, papers: artifacts, size, risk })
}

/// Everything that decides in the run and that an agent could write elsewhere.
fn frozen_policy(
    repo: &Repo,
    settings: &Settings,
    charter: &Charter,
    agents: &[(Option<String>, String)],
    risk: &Found,
) -> Result<String, NotStarted> {
    let remote = destination(repo, settings, charter.push)?;
    let more = more_of_the_policy(repo, settings, risk)?;
    Ok(policy::encode(
        charter,
        &settings.protected,
        &commands(settings, &charter.stages, agents)?,
        remote.as_deref(),
        &more,
    ))
}

/// What else is frozen with the run: what its gates ask for, what is risky, and whether people sign.
fn more_of_the_policy(
    repo: &Repo,
    settings: &Settings,
    risk: &Found,
) -> anyhow::Result<BTreeMap<&'static str, serde_json::Value>> {
    let gates = serde_json::to_value(PolicyDoc::of(&settings.gates))?;
    let signs = repo.signs()?.then_some(("signs", true.into()));
    Ok([("gates", gates), ("risk", risk.value())].into_iter().chain(signs).collect())
}

/// The plan, and the documents that it comes from.
pub fn asked_for(
    repo: &Repo,
    settings: &Settings,
    request: &Request,
) -> Result<(Plan, Vec<Document>), NotStarted> {
    if let Some(bug) = &request.bug {
        return Ok((bug::plan(bug)?, Vec::new()));
    }
    if let Some(read) = &request.plan {
        return Ok(read.clone());
    }
    let found = plan_find::find(repo, settings.plan.as_deref())?.ok_or(NotStarted::NoPlan)?;
    let mut plan = plan_file::read(&found.name, &found.text)
        .map_err(|faults| NotStarted::BadPlan { name: found.name.clone(), faults })?;
    target::items(&plan, &request.targets, &request.range)?;
    let documents = drift::freeze(repo, &found, &mut plan)??;
    Ok((plan, documents))
}

/// Where lanes would be made, there is no tree of the repository.
fn lanes_have_room(repo: &Repo, settings: &Settings, groups: &Groups) -> Result<(), NotStarted> {
    match groups.is_on().then(|| lanes::home(repo, &settings.lanes)) {
        Some(Err(error)) => Err(NotStarted::Usage(format!("{error:#}"))),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Where it will go. What goes nowhere needs no place.
fn destination(repo: &Repo, settings: &Settings, mode: PushMode) -> anyhow::Result<Option<String>> {
    let remote = push::place(repo, settings.remote.as_deref());
    match mode {
        PushMode::Local => Ok(remote.unwrap_or_default()),
        PushMode::Prompt | PushMode::Auto => remote,
    }
}

/// Writes the first event. From here on there is a run.
pub fn create<'r>(
    repo: &'r Repo,
    prepared: &Prepared,
    actor: Actor,
) -> Result<Journal<'r>, AppendError> {
    let frozen = Frozen {
        plan: plan_file::to_json(&prepared.plan),
        policy: prepared.policy.clone(),
        workflow: prepared.workflow_text.clone(),
    };
    let event = Event::RunCreated(Box::new(prepared.charter.clone()));
    Journal::create(repo, actor, event, &frozen, &prepared.papers, clock::now())
}

/// What is handed in at the start, held to the same as what a stage hands in.
fn papers(
    workflow: &Workflow,
    request: &Request,
) -> Result<(Vec<PaperRef>, Vec<Artifact>), NotStarted> {
    use std::io::Read as _;
    let (mut refs, mut artifacts) = (Vec::new(), Vec::new());
    for (name, file) in &request.inputs {
        let made = workflow.stages().iter().flat_map(|stage| &stage.makes);
        let own = workflow.inputs.iter().map(|input| &input.paper);
        let known = own.chain(made).find(|paper| paper.name == *name);
        let Some(known) = known else {
            let what =
                format!("the workflow `{}` takes no `{}`", workflow.name, name.escape_debug());
            return Err(NotStarted::Usage(what));
        };
        let shown = file.display();
        let mut text = Vec::new();
        let opened = std::fs::File::open(file);
        opened
            .and_then(|file| file.take(PAPER_BYTES_MAX as u64 + 1).read_to_end(&mut text))
            .map_err(|error| NotStarted::Usage(format!("`{shown}` cannot be read: {error}")))?;
        if PAPER_BYTES_MAX < text.len() {
            let what = format!("`{shown}` is longer than {PAPER_BYTES_MAX} bytes");
            return Err(NotStarted::Usage(what));
        }
        let text = String::from_utf8(text)
            .map_err(|_| NotStarted::Usage(format!("`{shown}` is no UTF-8 text")))?;
        if let Some(why) = paper::fault(known, Some(&text)) {
            return Err(NotStarted::Usage(format!("`{shown}` does not do: {why}")));
        }
        let path = format!("start/{name}");
        refs.push(PaperRef {
            name: name.clone(),
            path: format!("artifacts/{path}"),
            digest: Digest::of(text.as_bytes()),
        });
        artifacts.push(Artifact { path, content: text.into_bytes() });
    }
    Ok((refs, artifacts))
}

fn branch_name(settings: &Settings, request: &Request, prefix: Option<&str>) -> String {
    let target = request.targets.join("-");
    let prefix = prefix.unwrap_or(&settings.branch_prefix);
    request.branch.clone().unwrap_or_else(|| format!("{prefix}{target}"))
}

/// Where the run's own commits begin: at the branch when there is one, else at HEAD.
fn starting_point(repo: &Repo, branch: &str, head: Option<Oid>) -> anyhow::Result<Oid> {
    match repo.refs().read(&format!("refs/heads/{branch}"))? {
        Some(there) => Ok(there),
        None => {
            head.context("this branch has no commit yet; make the first one, then start the run")
        }
    }
}

/// The same in a series. What its branch has beyond that is the run's own, and judged with it: nobody
/// can have laid it there to be taken along.
fn behind_it(repo: &Repo, branch: &str, behind: &Behind) -> Result<Oid, NotStarted> {
    let there = repo.refs().read(&format!("refs/heads/{branch}"))?;
    let holds = match &there {
        Some(there) => repo.is_ancestor(&behind.commit, there)?,
        None => true,
    };
    if holds {
        return Ok(behind.commit.clone());
    }
    let (short, onto) = (behind.commit.short(), behind.branch.as_deref().unwrap_or("the base"));
    Err(Unfit {
        what: format!(
            "`{branch}` is there, and does not hold {short} of `{onto}`, behind which it comes"
        ),
        hint: format!("git branch -m {branch} <another name>, or merge `{onto}` into it"),
        refused: false,
    }
    .into())
}

/// Who begins with a judge has work for it. All that the branch has beyond its base is looked at.
fn work_there(
    repo: &Repo,
    judge: Option<&StageId>,
    (branch, base): (&str, &str),
    tip: Oid,
) -> Result<Oid, NotStarted> {
    let Some(stage) = judge else { return Ok(tip) };
    let mut at = None;
    for name in [format!("refs/heads/{base}"), format!("refs/remotes/origin/{base}")] {
        if at.is_none() {
            at = repo.refs().read(&name)?;
        }
    }
    let left = at.map(|at| repo.merge_base(&at, &tip)).transpose()?.flatten();
    match left {
        Some(left) if left != tip => Ok(left),
        Some(_) | None => Err(NotStarted::Usage(format!(
            "a run may not begin at `{stage}`: `{branch}` has no work beyond `{base}` that could be judged; name the branch that has it with `--branch`"
        ))),
    }
}

/// `--base`, `run.baseBranch`, the branch that is checked out, the remote's default, main, master.
fn base_branch(
    repo: &Repo,
    settings: &Settings,
    request: &Request,
    current: Option<&str>,
    own: &str,
) -> Result<String, NotStarted> {
    let exists = |name: &str| -> anyhow::Result<bool> {
        Ok(repo.refs().read(&format!("refs/heads/{name}"))?.is_some()
            || repo.refs().read(&format!("refs/remotes/origin/{name}"))?.is_some())
    };
    if let Some(said) = request.base.as_deref().or(settings.base.as_deref()) {
        return if exists(said)? {
            Ok(said.to_owned())
        } else {
            Err(NotStarted::Usage(format!(
                "the base branch `{}` does not exist",
                said.escape_debug()
            )))
        };
    }
    if let Some(current) = current.filter(|current| *current != own) {
        return Ok(current.to_owned());
    }
    let remote = repo.refs().read_symbolic("refs/remotes/origin/HEAD")?;
    let remote =
        remote.and_then(|name| name.strip_prefix("refs/remotes/origin/").map(str::to_owned));
    for name in remote.iter().map(String::as_str).chain(["main", "master"]) {
        if exists(name)? {
            return Ok(name.to_owned());
        }
    }
    Err(NotStarted::Usage(
        "it cannot be told on which branch this builds; say `--base <branch>`".to_owned(),
    ))
}

/// The command line may tighten what the configuration says, and set what it leaves open.
fn limits(settings: &Settings, overrides: &Overrides, workflow: &Workflow) -> Limits {
    let mut limits = settings.limits.clone();
    if let Some(cycles) = workflow.cycles_max {
        limits.cycles_max = limits.cycles_max.min(cycles);
    }
    if let Some(time) = workflow.run_time_max {
        limits.run_time_max = limits.run_time_max.min(time);
    }
    if let Some(cycles) = overrides.cycles_max {
        limits.cycles_max = cycles;
    }
    if let Some(time) = overrides.run_time_max {
        limits.run_time_max = time;
    }
    limits.tokens_max = stricter(limits.tokens_max, overrides.tokens_max);
    limits.cost_max = stricter(limits.cost_max, overrides.cost_max);
    settings.within_team(&mut limits);
    limits
}

fn stricter(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What each stage runs, as the policy keeps it.
pub fn commands(
    settings: &Settings,
    stages: &[StageShape],
    named: &[(Option<String>, String)],
) -> anyhow::Result<policy::Agents> {
    let of = |stage: &StageShape| {
        let words = match settings.agent(&stage.id, named)?.1 {
            Agent::Steps => vec![STEPS.to_owned()],
            Agent::Command(words) => words,
        };
        Ok((stage.id.to_string(), words))
    };
    stages.iter().filter(|stage| stage.is_taken() && stage.duty.calls()).map(of).collect()
}

fn new_run_id() -> RunId {
    let at = jiff::Timestamp::from_millisecond(clock::now().millis()).unwrap_or_default();
    RunId::compose(&at.strftime("%Y%m%d-%H%M%S").to_string(), clock::nonce())
}
