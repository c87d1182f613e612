//! The files that a run deleted: written down when its commits are, and found again from the journal,
//! the run's own commits and the work tree together. Looking writes nothing.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
};

use crate::{
    domain::{
        checkpoint::LeftOut,
        deletion::{self, Deleted, Deletion, Fate, Mark, Scene, Traced},
        event::{Event, StageStart, Work},
        id::{ItemId, Oid, RunId, StageId, TaskId},
        plan::Plan,
        run::{Run, State},
    },
    git::{Repo, deletions::Change},
    process::clock,
    store::{
        catalog, checkpoints, history,
        journal::{Artifact, Present},
        notes,
        wire::{
            deletion::encode,
            note::{self, Origin},
        },
    },
};

/// The part of a note that one line may take with the deletions in it; else it only counts them.
const NOTE_LINE_BYTES_MAX: u64 = notes::NOTE_BYTES_MAX / 2;

/// Where in the plan an item's stage stands.
#[must_use]
pub fn place(plan: &Plan, item: &ItemId, stage: &StageId, cycle: u32) -> Scene {
    let is_sprint = plan.sprints.iter().any(|sprint| sprint.id == *item);
    let holds = || plan.tasks().find(|(_, task)| task.id.as_str() == item.as_str());
    let (sprint, task) = match is_sprint {
        true => (Some(item.clone()), None),
        false => (
            holds().map(|(sprint, _)| sprint.id.clone()),
            TaskId::parse(item.as_str()).ok().filter(|_| holds().is_some()),
        ),
    };
    Scene { item: item.clone(), sprint, task, stage: stage.clone(), cycle }
}

/// Where the run's own commit belongs.
fn place_now(run: &Run, plan: &Plan) -> Option<Scene> {
    let (item, active) = run.active_item().zip(run.active())?;
    Some(place(plan, &item.id, &active.stage, active.cycle))
}

/// What a commit of the run's own deleted.
pub fn by_commit(
    repo: &Repo,
    run: &Run,
    plan: &Plan,
    commit: &Oid,
) -> anyhow::Result<Vec<Deletion>> {
    Ok(placed(repo.deletions_of(commit)?, place_now(run, plan).as_ref()))
}

/// What the commits deleted that somebody made between two looks, most likely the stage that ran last.
/// Its end is in the journal already, and the run stands at the next one; so the journal is asked.
pub fn by_others(
    repo: &Repo,
    run: &Run,
    plan: &Plan,
    (from, to): (&Oid, &Oid),
) -> anyhow::Result<Vec<Deletion>> {
    let found = repo.deletions_between(from, to)?.deletions;
    if found.is_empty() {
        return Ok(found);
    }
    let mut last = None;
    history::each_event(repo, &run.charter.run, |envelope, _| {
        if let Event::StageStarted(start) = envelope.event {
            last = Some(start);
        }
        Ok(())
    })?;
    let last = last.map_or_else(|| place_now(run, plan), |start| Some(place_of(plan, &start)));
    Ok(placed(found, last.as_ref()))
}

fn place_of(plan: &Plan, start: &StageStart) -> Scene {
    place(plan, &start.item, &start.stage, start.cycle)
}

fn placed(all: Vec<Deletion>, place: Option<&Scene>) -> Vec<Deletion> {
    all.into_iter().map(|of| Deletion { place: place.cloned(), ..of }).collect()
}

/// Puts the notes on the commits that an event is about to tell of. What the event has no room for is
/// returned as a list to be kept with it. Done twice, it adds nothing.
pub fn note(repo: &Repo, run: &Run, plan: &Plan, event: &Event) -> anyhow::Result<Vec<Artifact>> {
    let agent = run.active().and_then(|active| active.builders.last().cloned()).unwrap_or_default();
    match event {
        Event::WorkCommitted(work) => {
            if let Some(place) = place_now(run, plan) {
                add(repo, &origin(run, place, agent), work)?;
            }
            list(&work.deleted, &work.commit, || by_commit(repo, run, plan, &work.commit))
        }
        Event::WorkSeen { from, to, deleted, .. } => {
            let all = || by_others(repo, run, plan, (from, to));
            let all = if deleted.more == 0 { deleted.kept.clone() } else { all()? };
            for (commit, deletions) in by_their_commit(&all) {
                let Some(place) = deletions.first().and_then(|of| of.place.clone()) else {
                    continue;
                };
                let work = Work {
                    tree: repo.tree_of(&commit)?,
                    parent: from.clone(),
                    commit,
                    subject: String::new(),
                    left_out: Vec::new(),
                    deleted: Deleted::bounded(deletions),
                };
                add(repo, &origin(run, place, agent.clone()), &work)?;
            }
            list(deleted, to, || Ok(all))
        }
        _ => Ok(Vec::new()),
    }
}

fn origin(run: &Run, place: Scene, agent: String) -> Origin {
    let Scene { item, stage, cycle, .. } = place;
    Origin { run: run.charter.run.clone(), item, stage, cycle, agent }
}

fn add(repo: &Repo, origin: &Origin, work: &Work) -> anyhow::Result<()> {
    let mut line = note::encode(origin, work);
    if NOTE_LINE_BYTES_MAX < line.len() as u64 {
        let deleted = Deleted { kept: Vec::new(), more: work.deleted.total() };
        line = note::encode(origin, &Work { deleted, ..work.clone() });
    }
    notes::add_line(repo, &work.commit, &line, clock::now())
}

fn by_their_commit(all: &[Deletion]) -> BTreeMap<Oid, Vec<Deletion>> {
    let mut found: BTreeMap<Oid, Vec<Deletion>> = BTreeMap::new();
    for deletion in all {
        if let Some(commit) = &deletion.commit {
            found.entry(commit.clone()).or_default().push(deletion.clone());
        }
    }
    found
}

/// All of them, a line each, where the event holds only some.
fn list(
    deleted: &Deleted,
    commit: &Oid,
    all: impl FnOnce() -> anyhow::Result<Vec<Deletion>>,
) -> anyhow::Result<Vec<Artifact>> {
    if deleted.more == 0 {
        return Ok(Vec::new());
    }
    let all = all()?;
    let item = all.first().and_then(|of| of.place.as_ref()).map(|place| place.item.to_string());
    let content: String = all.iter().map(|of| format!("{}\n", encode(of))).collect();
    let path = format!("{}/deleted-{commit}.jsonl", item.unwrap_or_else(|| "run".to_owned()));
    Ok(vec![Artifact { path, content: content.into_bytes() }])
}

/// Everything that a run deleted, and what became of it.
#[derive(Debug)]
pub struct Found {
    pub run: Run,
    pub files: Vec<Traced>,
    /// The last commit that counts as the run's.
    pub end: Oid,
    /// Commits that were too many to be looked at.
    pub unseen: u64,
}

/// What the journal says of deletions.
#[derive(Default)]
struct Told {
    run: Option<Run>,
    recorded: Vec<(u64, Deletion)>,
    marks: HashMap<Oid, Mark>,
    last: Option<Scene>,
}

/// Looks for everything that the run deleted.
pub fn find(repo: &Repo, id: &RunId, plan: &Plan) -> anyhow::Result<Found> {
    let Told { run, recorded, marks, last } = told(repo, id, plan)?;
    let run = run.ok_or_else(|| anyhow::anyhow!("the journal of run `{id}` holds no event"))?;
    let Reach { tip, end, is_here } = reach(repo, &run)?;
    let start = &run.charter.start;
    let range = repo.deletions_between(start, &end)?;
    let over = matches!(run.state, State::ReadyForHitl | State::JackedOut);
    let now = Mark { seq: u64::MAX, place: last.filter(|_| !over) };
    let marked: HashMap<_, _> = {
        let found = deletion::attributed(&range.chain, &marks, &now);
        range.chain.iter().cloned().zip(found).collect()
    };
    let mut computed: Vec<_> = range
        .deletions
        .into_iter()
        .map(|of| {
            let mark = of.commit.as_ref().and_then(|commit| marked.get(commit)).unwrap_or(&now);
            (mark.seq, Deletion { place: mark.place.clone(), ..of })
        })
        .collect();
    let whole = repo.changed_between(start, &tip)?;
    if !repo.survey(start, &end)?.1 {
        // The branch was put onto another history: no commit of it shows what was lost by that.
        let known: HashSet<_> = computed.iter().map(|(_, of)| of.path.clone()).collect();
        let lost = repo.deletions_from(start, &end)?.into_iter();
        let lost = lost.filter(|of| !known.contains(&of.path));
        computed.extend(lost.map(|of| (now.seq, Deletion { place: now.place.clone(), ..of })));
    }
    let (gone, mut moved) = if is_here { repo.deletions_uncommitted()? } else { <_>::default() };
    let gone = placed(gone, now.place.as_ref());
    moved.extend(whole);
    let all = deletion::gathered(recorded, computed, gone);
    let files = traced(repo, all, &moved, &tip, is_here)?;
    Ok(Found { run, files, end, unseen: range.unseen })
}

/// Files that checkpoints of the run had to leave out and that are gone since: nobody has a copy. Each
/// with the newest checkpoint that saw it.
pub fn gone_unsaved(repo: &Repo, id: &RunId) -> anyhow::Result<Vec<(u64, LeftOut)>> {
    let Some(top) = repo.worktree() else { return Ok(Vec::new()) };
    let mut found: BTreeMap<Vec<u8>, (u64, LeftOut)> = BTreeMap::new();
    for made in checkpoints::every(repo, &checkpoints::of_run(id))? {
        if made.checkpoint.counts.left_out == 0 || made.checkpoint.worktree != repo.identity() {
            continue;
        }
        for left in checkpoints::record(repo, &made)?.left_out {
            found.insert(left.path.clone(), (made.checkpoint.number, left));
        }
    }
    let is_there = |path: &[u8]| top.join(OsStr::from_bytes(path)).symlink_metadata().is_ok();
    Ok(found.into_values().filter(|(_, left)| !is_there(&left.path)).collect())
}

fn told(repo: &Repo, id: &RunId, plan: &Plan) -> anyhow::Result<Told> {
    let mut told = Told::default();
    history::each_event(repo, id, |envelope, _| {
        match &mut told.run {
            Some(run) => run.apply(&envelope)?,
            None => told.run = Some(Run::begin(&envelope)?),
        }
        let (commit, deleted) = match envelope.event {
            Event::StageStarted(start) => {
                told.last = Some(place_of(plan, &start));
                return Ok(());
            }
            Event::WorkCommitted(work) => (work.commit, work.deleted),
            Event::WorkSeen { to, deleted, .. } => (to, deleted),
            _ => return Ok(()),
        };
        let place = deleted.kept.first().and_then(|of| of.place.clone());
        let mark = Mark { seq: envelope.seq, place: place.or_else(|| told.last.clone()) };
        told.marks.insert(commit, mark);
        told.recorded.extend(deleted.kept.into_iter().map(|of| (envelope.seq, of)));
        Ok(())
    })?;
    Ok(told)
}

/// How far a run reaches.
struct Reach {
    /// Where its branch stands.
    tip: Oid,
    /// The last commit that is the run's: where the next run on the same branch began, else the tip.
    end: Oid,
    /// Whether the work tree is this run's too.
    is_here: bool,
}

fn reach(repo: &Repo, run: &Run) -> anyhow::Result<Reach> {
    let branch = &run.charter.branch;
    let tip = repo.refs().read(&format!("refs/heads/{branch}"))?;
    let next = catalog::runs(repo)?
        .into_iter()
        .filter(|(id, _)| run.charter.run != *id)
        .filter_map(|(_, tip)| Some(Present::read(repo, &tip).ok()?.run))
        .filter(|other| other.charter.branch == *branch && run.began < other.began)
        .min_by_key(|other| other.began)
        .map(|next| next.charter.start);
    let stands = repo.worktree().is_some() && repo.head()?.branch.as_ref() == Some(branch);
    let is_here = stands && tip.is_some() && next.is_none();
    let tip = tip.unwrap_or_else(|| run.head.clone());
    let end = next.unwrap_or_else(|| tip.clone());
    Ok(Reach { tip, end, is_here })
}

fn traced(
    repo: &Repo,
    all: Vec<Deletion>,
    moves: &[Change],
    tip: &Oid,
    is_here: bool,
) -> anyhow::Result<Vec<Traced>> {
    // A deletion that no commit has is newer than the tip.
    let committed = all.iter().filter(|of| of.commit.is_some());
    let paths: HashSet<_> = committed.map(|of| of.path.clone()).collect();
    let in_tip = repo.present_in(tip, &paths)?;
    let gone_now: HashSet<_> =
        all.iter().filter(|of| of.commit.is_none()).map(|of| of.path.clone()).collect();
    let moved: HashMap<&[u8], &[u8]> = moves
        .iter()
        .filter_map(|change| match change {
            Change::Renamed { from, to } => Some((from.as_slice(), to.as_slice())),
            Change::Deleted { .. } => None,
        })
        .collect();
    let fate = |of: &Deletion| {
        let in_tip = in_tip.contains(&of.path) && !gone_now.contains(&of.path);
        let is_there = in_tip || is_here && repo.is_in_worktree(&of.path, of.mode);
        Fate::of(is_there, moved.get(of.path.as_slice()).copied())
    };
    Ok(all.into_iter().map(|of| Traced { fate: fate(&of), deletion: of }).collect())
}
