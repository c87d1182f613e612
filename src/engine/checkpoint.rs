//! Takes a checkpoint: the work tree as it is, on the chain where it belongs.

use crate::{
    config::settings::Checkpoints,
    domain::{
        checkpoint::{Made, Record, RunPlace, Why},
        event::Event,
        id::ItemId,
        run::Run,
        secret,
    },
    git::{
        Repo,
        bulk::Bulk,
        snapshot::{Rules, Snapshot},
    },
    process::clock,
    store::{
        catalog,
        checkpoints::{self, Purpose},
    },
};

/// A new checkpoint, and what its trees cannot say.
#[derive(Debug)]
pub struct Taken {
    pub made: Made,
    pub record: Record,
    pub chain: String,
}

/// The run that is at work in this work tree, or could go on here.
pub fn run_here(repo: &Repo) -> anyhow::Result<Option<Run>> {
    let Some((id, tip)) = catalog::here(repo)? else { return Ok(None) };
    let run = catalog::present(repo, &id, &tip)?;
    Ok(Some(run).filter(|run| !run.state.is_over()))
}

/// Takes one, on the chain of `run` or on the standing chain of the work tree.
pub fn take(
    repo: &Repo,
    settings: &Checkpoints,
    run: Option<&Run>,
    why: Why,
    message: Option<String>,
) -> anyhow::Result<Taken> {
    let chain = chain(repo, run)?;
    let known = match checkpoints::newest(repo, &chain)? {
        Some(newest) => checkpoints::record(repo, &newest)?.left_out,
        None => Vec::new(),
    };
    let mut bulk = Bulk::new(repo);
    let snapshot = repo.snapshot(&rules(settings), &known, &mut bulk)?;
    let purpose = Purpose { why, message, place: run.map(RunPlace::of), worktree: None };
    let now = clock::now();
    let made = checkpoints::add(repo, &chain, &snapshot, &purpose, bulk, now, &mut |_| Ok(()))?;
    Ok(Taken { made, record: snapshot.record, chain })
}

/// Takes one of a lane's work tree, on the chain of its run.
pub fn take_lane(
    repo: &Repo,
    settings: &Checkpoints,
    run: &Run,
    (item, lane): (&ItemId, &Repo),
) -> anyhow::Result<(Made, Snapshot)> {
    let chain = checkpoints::of_run(&run.charter.run);
    let mut bulk = Bulk::new(lane);
    let snapshot = lane.snapshot(&rules(settings), &[], &mut bulk)?;
    let purpose = Purpose {
        why: Why::Lane { item: item.clone() },
        message: None,
        place: Some(RunPlace::of(run)),
        worktree: Some(lane.identity()),
    };
    let now = clock::now();
    let made = checkpoints::add(repo, &chain, &snapshot, &purpose, bulk, now, &mut |_| Ok(()))?;
    Ok((made, snapshot))
}

/// What a run's journal says of it.
#[must_use]
pub fn event(made: &Made) -> Event {
    let checkpoint = &made.checkpoint;
    Event::CheckpointMade {
        number: checkpoint.number,
        commit: made.commit.clone(),
        tree: checkpoint.tree.clone(),
        why: checkpoint.why.word().to_owned(),
    }
}

/// Where a checkpoint that is made now belongs.
pub fn chain(repo: &Repo, run: Option<&Run>) -> anyhow::Result<String> {
    match run {
        Some(run) => Ok(checkpoints::of_run(&run.charter.run)),
        None => checkpoints::standing(repo),
    }
}

/// What is there now, as objects that the repository never sees.
pub fn look<'r>(repo: &'r Repo, settings: &Checkpoints) -> anyhow::Result<(Snapshot, Bulk<'r>)> {
    let mut bulk = Bulk::scratch(repo)?;
    let snapshot = repo.snapshot(&rules(settings), &[], &mut bulk)?;
    Ok((snapshot, bulk))
}

pub(super) fn rules(settings: &Checkpoints) -> Rules {
    Rules {
        file_bytes_max: settings.file_bytes_max,
        total_bytes_max: settings.total_bytes_max,
        secret: secret::is_secret_path,
        include: settings.include.clone(),
    }
}
