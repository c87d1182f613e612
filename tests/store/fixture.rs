//! Journals made by hand and by the library.

use std::collections::BTreeMap;

use git_run::{
    config::{plan_file, workflow_file},
    domain::{
        event::{Actor, Charter, Event, PushMode},
        id::{Digest, ItemId, Oid, PlanId, RunId, StageId},
        limits::Limits,
        time::Timestamp,
        workflow::{Duty, StageShape},
    },
    git::{
        Repo,
        objects::{Commit, Entry},
    },
    store::{
        journal::{Frozen, Journal},
        layout,
    },
};
use gix::objs::tree::EntryKind;

use crate::support::TestRepo;

/// The time of every event.
pub fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}
const BYTES_MAX: u64 = 64 * 1024 * 1024;

pub fn open(repo: &TestRepo) -> Repo {
    Repo::at(&repo.work.join(".git")).unwrap()
}

pub fn run_id() -> RunId {
    RunId::parse("20261121-035233-7f3a9c12d4").unwrap()
}

pub fn actor() -> Actor {
    Actor { person: "Tester <tester@example.com>".into(), agent: None, host: "here".into() }
}

pub fn remark(text: impl Into<String>) -> Vec<Event> {
    vec![Event::Remarked { text: text.into() }]
}

pub fn charter(repo: &Repo) -> Charter {
    let stage = |id: &str, back_to: Option<&str>| {
        let duty = if back_to.is_some() { Duty::Judge } else { Duty::Build };
        let id_of = |id: &str| StageId::parse(id).unwrap();
        StageShape::plain(id_of(id), duty, back_to.map(id_of))
    };
    Charter {
        run: run_id(),
        target: "sprint-1".into(),
        plan: PlanId::parse("p").unwrap(),
        plan_digest: Digest::of(b"plan"),
        workflow: PlanId::parse("sprint").unwrap(),
        stages: vec![stage("implement", None), stage("review", Some("implement"))],
        items: vec![ItemId::parse("sprint-1").unwrap()],
        base: "main".into(),
        start: repo.head().unwrap().commit.unwrap(),
        branch: "feature/sprint-1".into(),
        worktree: repo.identity(),
        push: PushMode::Local,
        limits: Limits::default(),
        flow: None,
        after: BTreeMap::new(),
        papers: Vec::new(),
        documents: Vec::new(),
        groups: git_run::domain::lane::Groups::default(),
        scan_every: None,
        onto: None,
    }
}

pub fn created(repo: &Repo) -> Journal<'_> {
    let plan = plan_file::read("plan.toml", crate::support::ONE_SPRINT).unwrap();
    let frozen = Frozen {
        plan: plan_file::to_json(&plan),
        policy: "{}".into(),
        workflow: workflow_file::built_in("sprint").unwrap().into(),
    };
    let event = Event::RunCreated(Box::new(charter(repo)));
    Journal::create(repo, actor(), event, &frozen, &[], now()).unwrap()
}

/// A journal of `appends` remarks after its first event.
pub fn grown(repo: &Repo, appends: usize) -> Journal<'_> {
    let mut journal = created(repo);
    for n in 0..appends {
        journal.append(remark(format!("remark {n}")), &[], now()).unwrap();
    }
    journal
}

/// The commits of the journal, oldest first.
pub fn chain(repo: &Repo) -> Vec<Commit> {
    let mut next = repo.refs().read(&layout::journal(&run_id())).unwrap();
    let mut chain = Vec::new();
    while let Some(id) = next {
        let commit = repo.read_commit(&id, BYTES_MAX).unwrap();
        next = commit.parents.first().cloned();
        chain.push(commit);
    }
    chain.reverse();
    chain
}

/// Writes these commits as one chain, and points the journal to its end.
pub fn rebuild(repo: &Repo, chain: &[Commit]) -> Oid {
    let mut tip: Option<Oid> = None;
    for commit in chain {
        let parents: Vec<_> = tip.iter().collect();
        let message = String::from_utf8(commit.message.clone()).unwrap();
        tip = Some(repo.write_commit(&commit.tree, &parents, 1_795_000_000, &message).unwrap());
    }
    point(repo, tip.as_ref().unwrap());
    tip.unwrap()
}

/// Points the journal somewhere, whatever that is.
pub fn point(repo: &Repo, to: &Oid) {
    let path = repo.git_dir().join(layout::journal(&run_id()));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("{to}\n")).unwrap();
}

pub fn blob(repo: &Repo, content: &[u8]) -> Entry {
    Entry { kind: EntryKind::Blob, id: repo.write_blob(content).unwrap() }
}

pub fn file(repo: &Repo, tree: &Oid, path: &[&str]) -> Vec<u8> {
    let entries = repo.read_tree(tree, BYTES_MAX).unwrap();
    let entry = &entries[path[0].as_bytes()];
    if path.len() == 1 {
        repo.read_blob(&entry.id, BYTES_MAX).unwrap()
    } else {
        file(repo, &entry.id, &path[1..])
    }
}

/// The tree with another entry at a path, or without it.
pub fn with(repo: &Repo, tree: &Oid, path: &[&str], entry: Option<Entry>) -> Oid {
    let mut entries = repo.read_tree(tree, BYTES_MAX).unwrap();
    let name = path[0].as_bytes().to_vec();
    match (path.len(), entry) {
        (1, Some(entry)) => drop(entries.insert(name, entry)),
        (1, None) => drop(entries.remove(&name)),
        (_, entry) => {
            let inner = with(repo, &entries[&name].id, &path[1..], entry);
            entries.insert(name, Entry { kind: EntryKind::Tree, id: inner });
        }
    }
    repo.write_tree(&entries).unwrap()
}
