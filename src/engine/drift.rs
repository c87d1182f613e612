//! What a run's plan and its sections say now, beside what they said when it began. Looking writes
//! nothing, and takes over nothing.

use std::path::Path;

use anyhow::Context as _;

use super::preflight::Unfit;
use crate::{
    config::{
        plan_file,
        plan_find::{self, PlanText},
        sections::{self, Library},
    },
    domain::{
        drift::{self, Drift, Finding, Glance, Part, Seen, Status},
        event::{PlanSynced, SyncedItem, SyncedTask},
        id::{Digest, Oid},
        plan::{Plan, Task},
        plan_spec::plan_digest,
        run::Run,
        source::{DOCUMENTS_MAX, Document, Source},
    },
    gates::script::frozen_plan,
    git::Repo,
    store::journal::Artifact,
};

/// What was found, and what applying it would make of the plan.
#[derive(Debug)]
pub struct Report {
    pub findings: Vec<Finding>,
    frozen: Plan,
    applied: Plan,
    documents: Vec<Document>,
}

/// Looks up every section that a task comes from and writes into the plan what stands there.
pub fn freeze(
    repo: &Repo,
    found: &PlanText,
    plan: &mut Plan,
) -> anyhow::Result<Result<Vec<Document>, Unfit>> {
    let top = repo.worktree().context("a bare repository has no documents")?;
    let mut library = Library::new(top);
    let hash = Digest::of(found.text.as_bytes());
    let mut documents = vec![Document { path: found.name.clone(), hash }];
    for task in plan.sprints.iter_mut().flat_map(|sprint| &mut sprint.tasks) {
        // Only a person who takes over a change says that a task is asked for no more.
        task.extra.remove(drift::SUPERSEDED);
        for source in &mut task.from {
            match pin(&mut library, source) {
                Ok(hash) => source.hash = Some(hash),
                Err(why) => {
                    let what = format!("the task `{}` comes from `{source}`, and {why}", task.id);
                    let hint = format!("mend it in the plan `{}`", found.name);
                    return Ok(Err(Unfit { what, hint, refused: false }));
                }
            }
            let path = source.path.as_str();
            if !documents.iter().any(|known| known.path == path) {
                let hash = library.digest(path).map_err(anyhow::Error::msg)?;
                documents.push(Document { path: path.to_owned(), hash });
            }
        }
    }
    if DOCUMENTS_MAX < documents.len() {
        let what = format!(
            "the tasks come from {} documents, and {DOCUMENTS_MAX} are the most",
            documents.len()
        );
        let hint = "name fewer of them in the plan".to_owned();
        return Ok(Err(Unfit { what, hint, refused: false }));
    }
    Ok(Ok(documents))
}

/// What stands in a section; a plan that says what stood there must be right.
fn pin(library: &mut Library<'_>, source: &Source) -> Result<Digest, String> {
    let Some(hash) = library.hash(source)? else {
        let anchors = library.anchors(source.path.as_str()).join("`, `");
        return Err(format!("there is no such section; there is `{anchors}`"));
    };
    match &source.hash {
        Some(said) if *said != hash => {
            Err(format!("what stands there is {}, and not {} any more", hash.short(), said.short()))
        }
        Some(_) | None => Ok(hash),
    }
}

/// Whether the run's documents are those that lie here: its work tree, on its branch.
pub fn is_here(repo: &Repo, run: &Run) -> anyhow::Result<bool> {
    if repo.worktree().is_none() || run.worktree() != repo.identity() || run.tree.is_none() {
        return Ok(false);
    }
    Ok(repo.head()?.branch.as_deref() == Some(run.charter.branch.as_str()))
}

/// How much drifted; nothing where nothing did or nobody can look. While the files are the very same
/// nothing but them is read.
pub fn glance(repo: &Repo, run: &Run, tip: &Oid) -> anyhow::Result<Option<Glance>> {
    let Some(top) = repo.worktree().filter(|_| !run.state.is_over() && !run.newer) else {
        return Ok(None);
    };
    if !is_here(repo, run)? {
        return Ok(None);
    }
    let documents = run.documents().iter().enumerate();
    let mut now = documents.map(|(at, old)| (at, old, digest(top, at == 0, &old.path)));
    if now.all(|(_, old, new)| new.as_ref() == Ok(&old.hash)) {
        return Ok(None);
    }
    let found = Glance::of(&look(repo, run, tip)?.findings);
    Ok((!found.is_silent()).then_some(found))
}

fn digest(top: &Path, is_plan: bool, name: &str) -> Result<Digest, String> {
    if is_plan {
        return plan_text(top, name).map(|found| Digest::of(found.text.as_bytes()));
    }
    sections::bytes(top, name).map(|bytes| Digest::of(&bytes))
}

fn plan_text(top: &Path, name: &str) -> Result<PlanText, String> {
    let found = plan_find::read(top, name).map_err(|error| format!("{error:#}"))?;
    found.ok_or_else(|| format!("the plan `{name}` is not there"))
}

/// Every task whose plan or sections say another thing than they did.
pub fn look(repo: &Repo, run: &Run, tip: &Oid) -> anyhow::Result<Report> {
    let top = repo.worktree().context("a bare repository has no documents")?;
    let frozen = frozen_plan(repo, run, tip)?;
    let mut library = Library::new(top);
    let then = run.documents();
    let mut now = then.first().map(|plan| said_now(top, &plan.path));
    if let Some(Ok((_, plan))) = &mut now {
        for source in plan.sprints.iter_mut().flat_map(|s| &mut s.tasks).flat_map(|t| &mut t.from) {
            source.hash = library.hash(source).ok().flatten();
        }
    }
    let plan_name = then.first().map_or("", |plan| plan.path.as_str());
    let said = now.as_ref().map(|now| now.as_ref().map(|(_, plan)| plan));
    let mut findings = Vec::new();
    for (sprint, task) in frozen.tasks() {
        let (status, item) = drift::status(run, &sprint.id, task);
        let (own, newer) = own_text(said, plan_name, task);
        let parts = in_sections(&mut library, task, newer);
        let seen: Vec<Seen> = parts.iter().map(|part| part.seen.clone()).collect();
        let of_plan = own.as_ref().map_or(Seen::Same, |part| part.seen.clone());
        let drift = drift::of_task(&of_plan, &seen);
        let parts: Vec<Part> = own.into_iter().chain(parts).collect();
        if drift != Drift::Same {
            let follows = drift::follows(status, drift);
            let task = task.id.clone();
            findings.push(Finding { task, item, status, drift, follows, parts });
        }
    }
    if let Some(Ok(plan)) = said {
        findings.extend(added(&frozen, plan, plan_name));
    }
    let applied = match said {
        Some(Ok(plan)) => drift::applied(&frozen, plan, &findings),
        Some(Err(_)) | None => frozen.clone(),
    };
    let mut documents = Vec::new();
    if let Some(Ok((hash, _))) = &now {
        documents.push(Document { path: plan_name.to_owned(), hash: hash.clone() });
    }
    for path in applied.tasks().flat_map(|(_, task)| &task.from).map(|from| from.path.as_str()) {
        if !documents.iter().any(|known| known.path == path)
            && let Ok(hash) = library.digest(path)
        {
            documents.push(Document { path: path.to_owned(), hash });
        }
    }
    Ok(Report { findings, frozen, applied, documents })
}

fn said_now(top: &Path, name: &str) -> Result<(Digest, Plan), String> {
    let found = plan_text(top, name)?;
    let plan = plan_file::read(name, &found.text).map_err(|faults| {
        let first = faults.first();
        let first = first.map(|fault| format!(" ({}: {})", fault.line, fault.what));
        format!("the plan `{name}` has faults{}", first.unwrap_or_default())
    })?;
    Ok((Digest::of(found.text.as_bytes()), plan))
}

/// The task's own words, in the plan as it was and as it is.
fn own_text<'p>(
    now: Option<Result<&'p Plan, &String>>,
    name: &str,
    task: &Task,
) -> (Option<Part>, Option<&'p Task>) {
    let part = |seen: Seen, new: Option<Digest>| {
        let (name, path, old) = (name.to_owned(), name.to_owned(), Some(task.spec.clone()));
        Some(Part { name, path, old, new, seen })
    };
    match now {
        // It began before plans were looked after.
        None => (None, None),
        Some(Err(why)) => (part(Seen::Unknown { why: why.clone() }, None), None),
        Some(Ok(plan)) => match plan.tasks().find(|(_, newer)| newer.id == task.id) {
            None => (part(Seen::Gone, None), None),
            Some((_, newer)) => {
                let same = newer.spec == task.spec;
                let seen = if same { Seen::Same } else { Seen::Changed };
                (part(seen, Some(newer.spec.clone())), Some(newer))
            }
        },
    }
}

/// The sections that the plan names for the task now; where it names none of it, those of then.
fn in_sections(library: &mut Library<'_>, task: &Task, newer: Option<&Task>) -> Vec<Part> {
    let named = newer.map_or(&task.from, |newer| &newer.from);
    let hashes: Vec<Option<Digest>> =
        named.iter().map(|source| library.hash(source).ok().flatten()).collect();
    if drift::same_texts(&task.from, &hashes) {
        return Vec::new();
    }
    let mut parts: Vec<Part> =
        named.iter().map(|source| in_section(library, task, source)).collect();
    for source in task.from.iter().filter(|old| !named.iter().any(|new| is_same(old, new))) {
        // The plan says that it comes from elsewhere.
        parts.push(Part { old: source.hash.clone(), ..part(source, Seen::Changed, None) });
    }
    parts
}

fn in_section(library: &mut Library<'_>, task: &Task, source: &Source) -> Part {
    let then = task.from.iter().find(|old| is_same(old, source));
    let old = then.and_then(|then| then.hash.clone());
    let found = library.hash(source);
    let new = found.as_ref().ok().cloned().flatten();
    let seen = match (found, then) {
        (Err(why), _) => Seen::Unknown { why },
        (Ok(Some(_)), _) if old.is_some() && old == new => Seen::Same,
        (Ok(Some(_)), _) => Seen::Changed,
        (Ok(None), None) => Seen::Unknown { why: format!("there is no section `{source}`") },
        (Ok(None), Some(then)) => match library.moved(then) {
            Some(to) => Seen::Moved { to },
            None => Seen::Gone,
        },
    };
    Part { old, ..part(source, seen, new) }
}

fn part(source: &Source, seen: Seen, new: Option<Digest>) -> Part {
    let (name, path) = (source.to_string(), source.path.as_str().to_owned());
    Part { name, path, old: None, new, seen }
}

fn is_same(a: &Source, b: &Source) -> bool {
    a.path == b.path && a.section == b.section
}

/// Tasks that are in the plan now, and were not: they are nobody's in this run.
fn added(frozen: &Plan, now: &Plan, name: &str) -> Vec<Finding> {
    let is_new = |task: &Task| !frozen.tasks().any(|(_, known)| known.id == task.id);
    let new = now.tasks().map(|(_, task)| task).filter(|task| is_new(task));
    let finding = |task: &Task| Finding {
        task: task.id.clone(),
        item: None,
        status: Status::Added,
        drift: Drift::Changed,
        follows: drift::follows(Status::Added, Drift::Changed),
        parts: vec![Part {
            name: name.to_owned(),
            path: name.to_owned(),
            old: None,
            new: Some(task.spec.clone()),
            seen: Seen::Changed,
        }],
    };
    new.map(finding).collect()
}

impl Report {
    /// The event that takes it over, with the plan that it names; nothing where nothing is to be taken
    /// over. `seq` names the plan: that of the event before.
    pub fn event(&self, run: &Run, seq: u64) -> anyhow::Result<Option<(PlanSynced, Artifact)>> {
        let taken: Vec<&Finding> =
            self.findings.iter().filter(|one| one.follows.applies()).collect();
        if taken.is_empty() {
            return Ok(None);
        }
        let text = plan_file::to_json(&self.applied);
        // What a task asks for now may build on another one that the run does not have.
        let applied = plan_file::read("plan.json", &text).map_err(|faults| {
            let what = faults.first().map(|fault| fault.what.clone()).unwrap_or_default();
            anyhow::anyhow!("what the plan says now does not fit into the run: {what}")
        })?;
        let tasks = taken.iter().map(|one| SyncedTask {
            task: one.task.clone(),
            follows: one.follows,
            old: asks(&self.frozen, one),
            new: one.follows.ne(&drift::Follows::Supersede).then(|| asks(&applied, one)),
        });
        let items = drift::items(run, &applied, &self.findings);
        let path = format!("plan/{seq:06}.json");
        let synced = PlanSynced {
            path: format!("artifacts/{path}"),
            plan_digest: plan_digest(&applied),
            documents: drift::settled(run.documents(), &self.documents, &self.findings),
            tasks: tasks.collect(),
            items: items.into_iter().map(|(item, follows)| SyncedItem { item, follows }).collect(),
        };
        Ok(Some((synced, Artifact { path, content: text.into_bytes() })))
    }
}

fn asks(plan: &Plan, finding: &Finding) -> Digest {
    let task = plan.tasks().find(|(_, task)| task.id == finding.task);
    task.map_or_else(|| Digest::of(b""), |(_, task)| drift::asked(task))
}
