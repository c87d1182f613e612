//! A journal from its beginning: every event in order, and the proof that nothing was changed in it.

use anyhow::{Context as _, bail, ensure};
use gix::objs::tree::EntryKind;

use super::{
    journal::{SEGMENT_BYTES_MAX, TREE_BYTES_MAX},
    layout,
    message::{MESSAGE_BYTES_MAX, Message},
    wire::{event, state},
};
use crate::{
    domain::{
        event::Envelope,
        id::{Oid, RunId},
        run::Run,
    },
    git::Repo,
};

/// Appends that are looked at in one journal.
const APPENDS_MAX: usize = 4_000_000;

/// Calls `each` with every event, oldest first, and the line that it stands in.
pub fn each_event(
    repo: &Repo,
    run: &RunId,
    mut each: impl FnMut(Envelope, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (tip, message) = newest(repo, run)?;
    let commit = repo.read_commit(&tip, MESSAGE_BYTES_MAX)?;
    let mut next = 1;
    let mut take = |line: &str| -> anyhow::Result<()> {
        let envelope = event::decode(line)?;
        ensure!(envelope.seq == next, "event {} stands where event {next} should", envelope.seq);
        next += 1;
        each(envelope, line)
    };
    for segment in segments(repo, &commit.tree)? {
        let text = repo.read_blob(&segment, SEGMENT_BYTES_MAX)?;
        let text = std::str::from_utf8(&text).context("a segment is not UTF-8")?;
        text.lines().try_for_each(&mut take)?;
    }
    newer_lines(repo, tip, message)?.iter().try_for_each(|line| take(line))
}

/// The run as its events alone give it.
pub fn replay(repo: &Repo, run: &RunId) -> anyhow::Result<Run> {
    let mut folded: Option<Run> = None;
    each_event(repo, run, |envelope, _| {
        match &mut folded {
            Some(run) => run.apply(&envelope)?,
            None => folded = Some(Run::begin(&envelope)?),
        }
        Ok(())
    })?;
    folded.context("the journal holds no event")
}

/// What a verified journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub appends: usize,
    pub events: u64,
    pub states: usize,
    pub run: Run,
}

/// Replays the chain commit by commit and compares every recorded state, segment and trailer.
pub fn verify(repo: &Repo, run: &RunId) -> anyhow::Result<Verified> {
    let (tip, _) = newest(repo, run)?;
    let chain = chain(repo, tip)?;
    let (mut folded, mut states, mut tree, mut base): (Option<Run>, usize, Option<Oid>, u64) =
        (None, 0, None, 0);
    let mut pending = Vec::new();
    for id in chain.iter().rev() {
        let commit = repo.read_commit(id, MESSAGE_BYTES_MAX)?;
        let at = |what: &str| format!("append {} ({what})", id.short());
        let message = Message::parse(&commit.message).with_context(|| at("its message"))?;
        for line in &message.lines {
            let envelope = event::decode(line).with_context(|| at("an event"))?;
            match &mut folded {
                Some(run) => run.apply(&envelope).with_context(|| at("an event"))?,
                None => {
                    folded = Some(Run::begin(&envelope).with_context(|| at("the first event"))?)
                }
            }
            pending.push(line.clone());
        }
        let run = folded.as_ref().with_context(|| at("no event"))?;
        ensure!(
            run.seq == message.seq,
            "{}: its trailer says event {}, its last is {}",
            at("seq"),
            message.seq,
            run.seq
        );
        if tree.as_ref() == Some(&commit.tree) {
            ensure!(
                message.base == base,
                "{}: its trailer says base {}, its tree {base}",
                at("base"),
                message.base
            );
            continue;
        }
        ensure!(message.base == run.seq, "{}: a new tree must hold event {}", at("base"), run.seq);
        check_tree(repo, &commit.tree, run, &pending).with_context(|| at("its tree"))?;
        (tree, base, states) = (Some(commit.tree), run.seq, states + 1);
        pending.clear();
    }
    let run = folded.context("the journal holds no event")?;
    let replayed = replay(repo, &run.charter.run)?;
    ensure!(replayed == run, "the segments give another state than the chain");
    Ok(Verified { appends: chain.len(), events: run.seq, states, run })
}

fn check_tree(repo: &Repo, tree: &Oid, run: &Run, lines: &[String]) -> anyhow::Result<()> {
    let root = repo.read_tree(tree, TREE_BYTES_MAX)?;
    let recorded = root.get(b"state.json".as_slice()).context("`state.json` is missing")?;
    let recorded = repo.read_blob(&recorded.id, state::STATE_BYTES_MAX)?;
    ensure!(recorded == state::encode(run).as_bytes(), "`state.json` is not what its events give");
    let events = root.get(b"events".as_slice()).context("`events` is missing")?;
    let name = super::journal::segment_name(run.seq + 1 - lines.len() as u64, run.seq);
    let segments = repo.read_tree(&events.id, TREE_BYTES_MAX)?;
    let segment =
        segments.get(name.as_bytes()).with_context(|| format!("`events/{name}` is missing"))?;
    let text = repo.read_blob(&segment.id, SEGMENT_BYTES_MAX)?;
    ensure!(
        text == format!("{}\n", lines.join("\n")).as_bytes(),
        "`events/{name}` differs from the chain"
    );
    Ok(())
}

fn newest(repo: &Repo, run: &RunId) -> anyhow::Result<(Oid, Message)> {
    let name = layout::journal(run);
    let Some(tip) = repo.refs().read(&name)? else { bail!("there is no run `{run}` here") };
    let message = Message::parse(&repo.read_commit(&tip, MESSAGE_BYTES_MAX)?.message)?;
    Ok((tip, message))
}

/// The appends from the newest to the first.
fn chain(repo: &Repo, tip: Oid) -> anyhow::Result<Vec<Oid>> {
    let mut chain = vec![tip];
    while let Some(last) = chain.last() {
        ensure!(chain.len() <= APPENDS_MAX, "it has more than {APPENDS_MAX} appends");
        let mut parents = repo.read_commit(last, MESSAGE_BYTES_MAX)?.parents;
        ensure!(parents.len() <= 1, "append {} has {} parents", last.short(), parents.len());
        match parents.pop() {
            Some(parent) => chain.push(parent),
            None => break,
        }
    }
    Ok(chain)
}

fn segments(repo: &Repo, tree: &Oid) -> anyhow::Result<Vec<Oid>> {
    let root = repo.read_tree(tree, TREE_BYTES_MAX)?;
    let Some(events) = root.get(b"events".as_slice()) else { bail!("its tree has no `events`") };
    // Names begin with ten digits each, so their order is that of the events.
    let entries = repo.read_tree(&events.id, TREE_BYTES_MAX)?;
    Ok(entries
        .into_values()
        .filter(|entry| entry.kind == EntryKind::Blob)
        .map(|entry| entry.id)
        .collect())
}

/// The lines of the appends that have no tree of their own yet, oldest first.
fn newer_lines(repo: &Repo, tip: Oid, newest: Message) -> anyhow::Result<Vec<String>> {
    let base = newest.base;
    let (mut chunks, mut id, mut message) = (Vec::new(), tip, newest);
    while base < message.seq {
        ensure!(
            chunks.len() < super::journal::APPENDS_PER_TREE,
            "it has too many appends without a tree"
        );
        let first = message.seq.saturating_sub(message.lines.len() as u64);
        chunks.push(message.lines);
        if first <= base {
            break;
        }
        let parents = repo.read_commit(&id, MESSAGE_BYTES_MAX)?.parents;
        id = parents.into_iter().next().context("its chain ends too early")?;
        message = Message::parse(&repo.read_commit(&id, MESSAGE_BYTES_MAX)?.message)?;
    }
    Ok(chunks.into_iter().rev().flatten().collect())
}

/// A frozen file or an artifact of a run.
pub fn read_file(
    repo: &Repo,
    run: &RunId,
    path: &str,
    bytes_max: u64,
) -> anyhow::Result<Option<Vec<u8>>> {
    let (tip, _) = newest(repo, run)?;
    let mut tree = repo.read_commit(&tip, MESSAGE_BYTES_MAX)?.tree;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let entries = repo.read_tree(&tree, TREE_BYTES_MAX)?;
        let Some(entry) = entries.get(part.as_bytes()) else { return Ok(None) };
        if parts.peek().is_none() {
            return repo.read_blob(&entry.id, bytes_max).map(Some);
        }
        tree = entry.id.clone();
    }
    Ok(None)
}
