//! `refs/run/<run>/checkpoints`: chains of snapshots of the work tree. They stay on this machine.
//!
//! A work tree without a run has a standing chain of its own. It never touches files or index.

use std::{thread, time::Duration};

use anyhow::{Context as _, bail, ensure};
use gix::objs::tree::EntryKind;

use super::{
    catalog,
    layout::{self, RUNS},
    wire::checkpoint as wire,
};
use crate::{
    domain::{
        checkpoint::{Checkpoint, Made, Record, RunPlace, Why},
        id::{Oid, RunId},
        time::Timestamp,
    },
    git::{
        Repo,
        bulk::Bulk,
        objects::Entry,
        refs::RefError,
        snapshot::Snapshot,
        tree_edit::{self, Edits},
    },
    process::{clock, fault},
};

/// How often a checkpoint that lost a race is tried again.
const TRIES_MAX: u32 = 200;
const PAUSE_MS_MAX: u64 = 16;
/// More checkpoints than that are not looked through.
pub const CHAIN_MAX: usize = 100_000;
const TREE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a new checkpoint is for.
#[derive(Debug, Clone)]
pub struct Purpose {
    pub why: Why,
    pub message: Option<String>,
    pub place: Option<RunPlace>,
    /// The work tree that it is of, where that is another one.
    pub worktree: Option<String>,
}

/// The chain of a run.
#[must_use]
pub fn of_run(run: &RunId) -> String {
    layout::checkpoints(run)
}

/// The chain of this work tree, for when no run is at work.
pub fn standing(repo: &Repo) -> anyhow::Result<String> {
    Ok(layout::checkpoints(&catalog::standing_owner(repo)?))
}

/// The newest checkpoint of a chain.
pub fn newest(repo: &Repo, chain: &str) -> anyhow::Result<Option<Made>> {
    repo.refs().read(chain)?.map(|tip| read(repo, &tip)).transpose()
}

pub fn read(repo: &Repo, commit: &Oid) -> anyhow::Result<Made> {
    Ok(read_with_line(repo, commit)?.0)
}

fn read_with_line(repo: &Repo, id: &Oid) -> anyhow::Result<(Made, String)> {
    let read = || -> anyhow::Result<(Made, String)> {
        let commit = repo.read_commit(id, wire::CHECKPOINT_BYTES_MAX)?;
        let text = std::str::from_utf8(&commit.message)?;
        let line = text.trim_end().rsplit('\n').next().unwrap_or_default();
        let checkpoint = wire::decode(line, &commit.tree)?;
        for parent in [&checkpoint.previous, &checkpoint.head, &checkpoint.record] {
            let held = parent.as_ref().is_none_or(|parent| commit.parents.contains(parent));
            ensure!(held, "what it names is not among its parents");
        }
        Ok((Made { commit: id.clone(), checkpoint }, line.to_owned()))
    };
    read().with_context(|| format!("`{id}` is no checkpoint that can be read"))
}

/// Every checkpoint of a chain, oldest first.
pub fn every(repo: &Repo, chain: &str) -> anyhow::Result<Vec<Made>> {
    let mut all = Vec::new();
    let mut next = repo.refs().read(chain)?;
    while let Some(id) = next {
        ensure!(all.len() < CHAIN_MAX, "`{chain}` has more than {CHAIN_MAX} checkpoints");
        let made = read(repo, &id)?;
        next = made.checkpoint.previous.clone();
        all.push(made);
    }
    all.reverse();
    Ok(all)
}

/// The chains that were made in this work tree.
pub fn chains_here(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let (standing, identity) = (standing(repo)?, repo.identity());
    // The run that is here stays here when the directory is moved.
    let run = catalog::here(repo).ok().flatten().map(|(run, _)| of_run(&run));
    let mut found = Vec::new();
    for (name, tip) in chains(repo)? {
        let here = name == standing
            || Some(&name) == run.as_ref()
            || read(repo, &tip).is_ok_and(|made| made.checkpoint.worktree == identity);
        if here {
            found.push(name);
        }
    }
    Ok(found)
}

/// Every chain of the repository, with its tip.
pub fn chains(repo: &Repo) -> anyhow::Result<Vec<(String, Oid)>> {
    let all = repo.refs().list(RUNS)?;
    Ok(all.into_iter().filter(|(name, _)| name.ends_with("/checkpoints")).collect())
}

/// Every checkpoint that was made in this work tree, by number, and why others cannot be read.
pub fn every_here(repo: &Repo) -> anyhow::Result<(Vec<Made>, Vec<anyhow::Error>)> {
    let (mut all, mut unreadable) = (Vec::new(), Vec::new());
    for chain in chains_here(repo)? {
        let mut next = repo.refs().read(&chain)?;
        for _ in 0..CHAIN_MAX {
            let Some(id) = next else { break };
            match read(repo, &id) {
                Ok(made) => {
                    next = made.checkpoint.previous.clone();
                    all.push(made);
                }
                // The one before it is its first parent, whatever it says, when there is one before it.
                Err(error) => {
                    unreadable.push(error);
                    let commit = repo.read_commit(&id, u64::from(u32::MAX)).ok();
                    let parent = commit.and_then(|commit| commit.parents.into_iter().next());
                    next = parent.filter(|parent| read(repo, parent).is_ok());
                }
            }
        }
    }
    all.sort_by_key(|made| made.checkpoint.number);
    Ok((all, unreadable))
}

/// What the trees of a checkpoint cannot say.
pub fn record(repo: &Repo, made: &Made) -> anyhow::Result<Record> {
    let Some(commit) = &made.checkpoint.record else { return Ok(Record::default()) };
    let tree = repo.read_tree(&repo.tree_of(commit)?, TREE_BYTES_MAX)?;
    let entry = tree.get(b"record.json".as_slice()).context("its record is missing")?;
    Ok(wire::decode_record(&repo.read_blob(&entry.id, wire::RECORD_BYTES_MAX)?)?)
}

/// Adds a checkpoint. The objects of the snapshot are safe before the chain moves, and `announce` has
/// heard of the commit.
pub fn add(
    repo: &Repo,
    chain: &str,
    snapshot: &Snapshot,
    purpose: &Purpose,
    mut bulk: Bulk<'_>,
    now: Timestamp,
    announce: &mut dyn FnMut(&Oid) -> anyhow::Result<()>,
) -> anyhow::Result<Made> {
    let record_tree = record_tree(&mut bulk, &snapshot.record)?;
    bulk.finish()?;
    let head = snapshot.head.commit.clone();
    let index = index_commit(repo, snapshot)?;
    let record = record_tree.map(|tree| record_commit(repo, snapshot, &tree)).transpose()?;
    for tries in 0..TRIES_MAX {
        let previous = newest(repo, chain).with_context(|| {
            let aside = layout::aside(chain);
            format!("nothing can be saved behind it; `git update-ref {aside} {chain} && git update-ref -d {chain}` puts the chain aside")
        })?;
        let previous_id = previous.as_ref().map(|made| made.commit.clone());
        let checkpoint = Checkpoint {
            number: next_number(repo, previous.as_ref())?,
            at: now,
            why: purpose.why.clone(),
            message: purpose.message.clone(),
            worktree: purpose.worktree.clone().unwrap_or_else(|| repo.identity()),
            head: head.clone(),
            branch: snapshot.head.branch.clone(),
            index: snapshot.index.clone(),
            tree: snapshot.tree.clone(),
            previous: previous_id.clone(),
            record: record.clone(),
            place: purpose.place.clone(),
            counts: snapshot.counts,
            was: None,
        };
        let parents: Vec<&Oid> =
            [&previous_id, &head, &index, &record].into_iter().flatten().collect();
        let text = text(&checkpoint, &wire::encode(&checkpoint));
        let commit = repo.write_commit(&snapshot.tree, &parents, now.millis() / 1000, &text)?;
        fault::point("checkpoint");
        announce(&commit)?;
        match repo.refs().compare_and_swap(chain, previous_id.as_ref(), Some(&commit)) {
            Ok(()) => return Ok(Made { commit, checkpoint }),
            Err(RefError::Stale { .. } | RefError::Locked { .. }) if tries + 1 < TRIES_MAX => {
                let pause = PAUSE_MS_MAX.min(u64::from(tries)) + 1;
                thread::sleep(Duration::from_millis(clock::jitter(pause)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("gave up on `{chain}` after {TRIES_MAX} lost races")
}

fn text(checkpoint: &Checkpoint, line: &str) -> String {
    let sentence: String = checkpoint.sentence().chars().filter(|c| !c.is_control()).collect();
    format!("checkpoint {}: {sentence}\n\n{line}\n", checkpoint.number)
}

/// One more than any number that this work tree gave. The run that is here now gave the newest ones,
/// or the standing chain did; only a chain that begins has to ask all of them.
fn next_number(repo: &Repo, previous: Option<&Made>) -> anyhow::Result<u64> {
    let mut newest_here = vec![newest(repo, &standing(repo)?)?];
    match previous {
        Some(previous) => {
            newest_here.push(Some(previous.clone()));
            if let Some((run, _)) = catalog::here(repo)? {
                newest_here.push(newest(repo, &of_run(&run))?);
            }
        }
        None => {
            let identity = repo.identity();
            for (_, tip) in chains(repo)? {
                let found = read(repo, &tip).ok();
                newest_here.push(found.filter(|made| made.checkpoint.worktree == identity));
            }
        }
    }
    let numbers = newest_here.into_iter().flatten().map(|made| made.checkpoint.number);
    Ok(numbers.max().unwrap_or(0) + 1)
}

/// The index as a commit, unless it is as HEAD. It has no time, so an unchanged one is the same again.
fn index_commit(repo: &Repo, snapshot: &Snapshot) -> anyhow::Result<Option<Oid>> {
    let head = snapshot.head.commit.as_ref();
    let same = match head {
        Some(head) => repo.tree_of(head)? == snapshot.index,
        None => false,
    };
    if same {
        return Ok(None);
    }
    let parents: Vec<_> = head.into_iter().collect();
    repo.write_commit(&snapshot.index, &parents, 0, "index\n").map(Some)
}

/// The record and the objects that it names, which nothing else may hold.
fn record_tree(bulk: &mut Bulk<'_>, record: &Record) -> anyhow::Result<Option<Oid>> {
    if record.is_empty() {
        return Ok(None);
    }
    let text = wire::encode_record(record);
    ensure!(
        text.len() as u64 <= wire::RECORD_BYTES_MAX,
        "what stays out of the checkpoint takes {} bytes to name, and {} are the most",
        text.len(),
        wire::RECORD_BYTES_MAX
    );
    let blob = |id: Oid| Some(Entry { kind: EntryKind::Blob, id });
    let mut edits = Edits::new();
    edits.insert(b"record.json".to_vec(), blob(bulk.blob(text.into_bytes())?));
    for (path, id) in &record.progress.files {
        edits.insert(format!("progress/{path}").into_bytes(), blob(id.clone()));
    }
    for side in record.unmerged.iter().filter(|side| side.mode != 0o160_000) {
        let name = format!("unmerged/{}", side.id);
        edits.insert(name.into_bytes(), blob(side.id.clone()));
    }
    tree_edit::edit(bulk, None, &edits).map(Some)
}

/// Its parents are the commits that an operation in progress still needs.
fn record_commit(repo: &Repo, snapshot: &Snapshot, tree: &Oid) -> anyhow::Result<Oid> {
    let mut parents = Vec::new();
    let heads = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD"];
    let orig = ["rebase-merge/orig-head", "rebase-merge/onto", "rebase-apply/orig-head"];
    for (path, blob) in &snapshot.record.progress.files {
        if heads.iter().chain(&orig).any(|head| head == path) {
            let text = repo.read_blob(blob, wire::CHECKPOINT_BYTES_MAX)?;
            let ids = String::from_utf8_lossy(&text).into_owned();
            parents.extend(ids.lines().filter_map(|line| Oid::parse(line.trim()).ok()));
        }
    }
    parents.retain(|id| repo.read_commit(id, u64::from(u32::MAX)).is_ok());
    parents.sort();
    parents.dedup();
    repo.write_commit(tree, &parents.iter().collect::<Vec<_>>(), 0, "record\n")
}

/// Takes checkpoints out of a chain. What follows them becomes new commits, that say how they were
/// called before; trees and everything else they name stay. Nothing is lost when the chain has grown
/// meanwhile: then nothing is done, and false is said.
pub fn drop_from(repo: &Repo, chain: &str, drop: &[u64]) -> anyhow::Result<bool> {
    let Some(tip) = repo.refs().read(chain)? else { return Ok(true) };
    let all = every(repo, chain)?;
    let Some(first) = all.iter().position(|made| drop.contains(&made.checkpoint.number)) else {
        return Ok(true);
    };
    let mut previous = all[..first].last().map(|made| made.commit.clone());
    for made in all[first..].iter().filter(|made| !drop.contains(&made.checkpoint.number)) {
        previous = Some(moved(repo, made, previous.as_ref())?);
    }
    fault::point("checkpoints-dropped");
    match repo.refs().compare_and_swap(chain, Some(&tip), previous.as_ref()) {
        Ok(()) => Ok(true),
        Err(RefError::Stale { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The same checkpoint behind another one.
fn moved(repo: &Repo, made: &Made, previous: Option<&Oid>) -> anyhow::Result<Oid> {
    let (_, line) = read_with_line(repo, &made.commit)?;
    let commit = repo.read_commit(&made.commit, wire::CHECKPOINT_BYTES_MAX)?;
    let old = made.checkpoint.previous.as_ref();
    let rest = commit.parents.iter().skip(usize::from(old.is_some()));
    let parents: Vec<&Oid> = previous.into_iter().chain(rest).collect();
    let line = wire::moved(&line, previous, &made.commit)?;
    let secs = made.checkpoint.at.millis() / 1000;
    repo.write_commit(&commit.tree, &parents, secs, &text(&made.checkpoint, &line))
}
