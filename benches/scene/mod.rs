//! A repository with one run of so many events, made once for each number and kept for the process.
#![allow(dead_code, unreachable_pub, reason = "each benchmark uses another part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_debug_implementations,
    reason = "a benchmark starts git by itself, and one that cannot be set up has nothing to say"
)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use git_run::{
    config::workflow_file,
    domain::{
        event::{Actor, Charter, Event, PushMode},
        id::{Digest, ItemId, PlanId, RunId, StageId},
        limits::Limits,
        time::Timestamp,
        workflow::{Duty, StageShape},
    },
    git::Repo,
    process::clock,
    store::journal::{Frozen, Journal},
};

pub struct Scene {
    pub repo: Repo,
    pub run: RunId,
    pub work: PathBuf,
    _dir: tempfile::TempDir,
}

/// As many as an append may hold, so that a long journal is made in bearable time.
const PER_APPEND: u64 = 16;

impl Scene {
    /// `events` events, all but the first ones remarks, one append for each.
    pub fn with_events(events: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        std::fs::create_dir(&work).unwrap();
        git(&work, &["init", "--quiet", "--initial-branch=main"]);
        git(
            &work,
            &[
                "-c",
                "user.name=b",
                "-c",
                "user.email=b@b",
                "commit",
                "--quiet",
                "--allow-empty",
                "-m",
                "first",
            ],
        );
        let repo = Repo::at(&work.join(".git")).unwrap();
        let charter = charter_of(&repo, "20261121-000000-bench");
        let run = charter.run.clone();
        let mut journal = journal_of(&repo, charter);
        let single = events.min(1_000);
        for _ in 1..single {
            journal.append(vec![Self::remark()], &[], Self::now()).unwrap();
        }
        let mut left = events - single;
        while 0 < left {
            let now = left.min(PER_APPEND);
            let batch = (0..now).map(|_| Self::remark()).collect();
            journal.append(batch, &[], Self::now()).unwrap();
            left -= now;
        }
        drop(journal);
        Self { repo, run, work, _dir: dir }
    }

    pub fn actor() -> Actor {
        Actor { person: "bench".into(), agent: None, host: "localhost".into() }
    }

    pub fn remark() -> Event {
        Event::Remarked {
            text: "sprint-2: review found 3 findings (cycle 2), and this is as long as usual"
                .into(),
        }
    }

    pub fn now() -> Timestamp {
        clock::now()
    }
}

/// A run that has just begun.
pub fn journal_of(repo: &Repo, charter: Charter) -> Journal<'_> {
    let frozen = Frozen {
        plan: "{}".into(),
        policy: "{}".into(),
        workflow: workflow_file::built_in("sprint").unwrap().into(),
    };
    let event = Event::RunCreated(Box::new(charter));
    Journal::create(repo, Scene::actor(), event, &frozen, &[], Scene::now()).unwrap()
}

pub fn charter_of(repo: &Repo, run: &str) -> Charter {
    let start = repo.head().unwrap().commit.unwrap();
    let stage = |id: &str, back_to: Option<&str>| {
        let duty = if back_to.is_some() { Duty::Judge } else { Duty::Build };
        let id_of = |id: &str| StageId::parse(id).unwrap();
        StageShape::plain(id_of(id), duty, back_to.map(id_of))
    };
    Charter {
        run: RunId::parse(run).unwrap(),
        target: "sprint-1".into(),
        plan: PlanId::parse("bench").unwrap(),
        plan_digest: Digest::of(b"bench"),
        workflow: PlanId::parse("sprint").unwrap(),
        stages: vec![stage("implement", None), stage("review", Some("implement"))],
        items: vec![ItemId::parse("sprint-1").unwrap()],
        base: "main".into(),
        onto: None,
        start,
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
    }
}

pub fn git(dir: &Path, words: &[&str]) {
    let status = Command::new("git").current_dir(dir).args(words).status().unwrap();
    assert!(status.success(), "git {words:?}");
}
