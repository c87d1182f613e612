//! What is kept for whoever goes on: written with the event that stops a run, or that tells that its
//! agent is nearly at its end.

use crate::{
    domain::{
        board,
        event::{Actor, Envelope, Event},
        id::Oid,
        limits::BudgetLevel,
        plan::Plan,
        run::Run,
        view::RunView,
    },
    git::Repo,
    process::clock,
    report::{
        board as shown,
        hand_over::{self, HandOver},
    },
    store::{history, journal::Artifact},
};

/// As many tokens as an agent may spend on beginning again.
pub const TOKENS_MAX: usize = 4000;
/// Below `artifacts/`.
pub const DIRECTORY: &str = "hand-over";
/// Below `artifacts/` as well: what a run of tasks has come to, whenever it ends or halts.
pub const SESSION: &str = "session";
/// More than the largest one.
const KEPT_BYTES_MAX: u64 = 1024 * 1024;
const FILES_MAX: usize = 10_000;

/// The files that the item at work has changed, or the whole run where none is: committed or not.
pub fn in_play(repo: &Repo, run: &Run) -> anyhow::Result<Vec<Vec<u8>>> {
    let from = run.active().map_or(&run.charter.start, |active| &active.started);
    let mut files = repo.uncommitted(|_| false)?;
    let (now, then) = (repo.tree_of(&run.head)?, repo.tree_of(from)?);
    files.extend(repo.compare(&then, &now)?.into_iter().map(|one| one.path));
    files.sort();
    files.dedup();
    files.truncate(FILES_MAX);
    Ok(files)
}

/// The artifact that goes with these events, where one of them ends somebody's work.
#[must_use]
pub fn beside(repo: &Repo, run: &Run, plan: &Plan, events: &[Event]) -> Vec<Artifact> {
    let ends = |event: &Event| {
        matches!(
            event,
            Event::RunHalted { .. }
                | Event::RunCompleted { .. }
                | Event::BudgetReached { level: BudgetLevel::HandOver, .. }
        )
    };
    if !events.iter().any(ends) {
        return Vec::new();
    }
    let mut after = run.clone();
    let now = clock::now();
    for event in events {
        let (seq, lamport) = (after.seq + 1, after.lamport + 1);
        let (actor, lease) = (Actor::default(), after.generation);
        let envelope = Envelope { seq, at: now, lamport, actor, lease, event: event.clone() };
        if after.apply(&envelope).is_err() {
            return Vec::new();
        }
    }
    let seq = after.seq;
    let view = RunView::new(after, false, now);
    let path = format!("{DIRECTORY}/{seq:06}.txt");
    let complete = events.iter().any(|event| matches!(event, Event::RunCompleted { .. }));
    let mut kept = Vec::new();
    if !complete {
        kept.push(Artifact { path, content: text(repo, &view, plan, TOKENS_MAX).into_bytes() });
    }
    let is_task = |id: &str| plan.tasks().any(|(_, task)| task.id.as_str() == id);
    if view.run.items.iter().any(|item| is_task(item.id.as_str())) {
        kept.extend(session(&view, plan));
    }
    kept
}

/// What was done, assumed and paused task by task, for people and for machines.
fn session(view: &RunView, plan: &Plan) -> [Artifact; 2] {
    let groups = board::board(plan, &view.run);
    let path = |end: &str| format!("{SESSION}/{:06}.{end}", view.run.seq);
    let page = shown::session(view, &groups).into_bytes();
    let whole = shown::json(view, &groups).to_string().into_bytes();
    [Artifact { path: path("md"), content: page }, Artifact { path: path("json"), content: whole }]
}

/// What whoever goes on should know, with the files as they are now.
#[must_use]
pub fn text(repo: &Repo, view: &RunView, plan: &Plan, tokens_max: usize) -> String {
    let sprints = plan.sprints.iter().map(|sprint| (sprint.id.to_string(), sprint.title.clone()));
    let tasks = plan.tasks().map(|(_, task)| (task.id.to_string(), task.title.clone()));
    let titles: Vec<_> = sprints.chain(tasks).collect();
    // What cannot be found out now is missing in it, and stops nobody.
    let files = in_play(repo, &view.run).unwrap_or_default();
    let over = HandOver { view, goal: Some(&plan.title), titles: &titles, files: &files };
    hand_over::text(&over, tokens_max)
}

/// Whether the newest one that is kept says the same already, but for the time that is left.
pub fn is_kept(repo: &Repo, tip: &Oid, text: &str) -> anyhow::Result<bool> {
    let directory = format!("artifacts/{DIRECTORY}");
    let newest = history::newest_at(repo, tip, &directory, KEPT_BYTES_MAX)?;
    let lasting = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("left: ")).map(str::to_owned).collect()
    };
    let newest = newest.map(|bytes| lasting(&String::from_utf8_lossy(&bytes)));
    Ok(newest.is_some_and(|newest| newest == lasting(text)))
}
