//! A journal from its beginning: every event in order, and the proof that nothing was changed in it.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use gix::objs::tree::EntryKind;

use super::{
    journal::{APPENDS_PER_TREE, SEGMENT_BYTES_MAX, TREE_BYTES_MAX, read_format, segment_name},
    layout,
    message::{MESSAGE_BYTES_MAX, Message},
    wire::{FORMAT, event, state},
};
use crate::{
    domain::{
        event::{Envelope, Event},
        id::{Oid, RunId},
        run::Run,
        share::is_neutral,
    },
    git::{Repo, objects::Entry},
};

/// What is written at the start, and never again.
const FROZEN: [&str; 3] = ["plan.json", "policy.json", "workflow.toml"];
/// Appends that are looked at in one journal.
const APPENDS_MAX: usize = 4_000_000;
/// Appends that are taken in at once from elsewhere.
const WORDS_MAX: usize = 1000;

/// A journal of a time to come.
#[derive(Debug, thiserror::Error)]
#[error("{what}; update git-run to verify it")]
pub struct NewerVersion {
    what: String,
}

/// Calls `each` with every event, oldest first, and the line that it stands in.
pub fn each_event(
    repo: &Repo,
    run: &RunId,
    mut each: impl FnMut(Envelope, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    each_event_at(repo, tip(repo, run)?, &mut each)
}

/// The same for a journal that is not, or not yet, where its ref is.
pub fn each_event_at(
    repo: &Repo,
    tip: Oid,
    each: &mut impl FnMut(Envelope, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let commit = repo.read_commit(&tip, MESSAGE_BYTES_MAX)?;
    let message = Message::parse(&commit.message)?;
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
        text.split_terminator('\n').try_for_each(&mut take)?;
    }
    newer_lines(repo, tip, message)?.iter().try_for_each(|line| take(line))
}

/// The run as its events alone give it.
pub fn replay(repo: &Repo, run: &RunId) -> anyhow::Result<Run> {
    replay_at(repo, tip(repo, run)?)
}

fn replay_at(repo: &Repo, tip: Oid) -> anyhow::Result<Run> {
    let mut folded: Option<Run> = None;
    each_event_at(repo, tip, &mut |envelope, _| {
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
    verify_at(repo, run, tip(repo, run)?, APPENDS_MAX)
}

/// The same for a journal that is not, or not yet, where its ref is.
pub fn verify_at(
    repo: &Repo,
    run: &RunId,
    tip: Oid,
    appends_max: usize,
) -> anyhow::Result<Verified> {
    let chain = chain(repo, tip.clone(), appends_max)?;
    let mut proof = Proof::default();
    for id in chain.iter().rev() {
        proof.append(repo, id).with_context(|| format!("append {}", id.short()))?;
    }
    let found = proof.run.context("the journal holds no event")?;
    ensure!(found.charter.run == *run, "it says that it is run `{}`", found.charter.run);
    let replayed = replay_at(repo, tip)?;
    ensure!(replayed == found, "the segments give another state than the chain");
    Ok(Verified { appends: chain.len(), events: found.seq, states: proof.states, run: found })
}

/// What the appends up to here have shown.
#[derive(Default)]
struct Proof {
    run: Option<Run>,
    tree: Option<Oid>,
    /// The version that the newest tree is of.
    format: u32,
    root: Entries,
    segments: Entries,
    base: u64,
    states: usize,
    /// The appends, and their lines, since the newest tree.
    appends: usize,
    lines: Vec<String>,
}

type Entries = BTreeMap<Vec<u8>, Entry>;

impl Proof {
    fn append(&mut self, repo: &Repo, id: &Oid) -> anyhow::Result<()> {
        let commit = repo.read_commit(id, MESSAGE_BYTES_MAX)?;
        let message = Message::parse(&commit.message)?;
        for line in &message.lines {
            let envelope = event::decode(line)?;
            ensure!(
                !matches!(envelope.event, Event::Newer { .. }),
                NewerVersion {
                    what: format!(
                        "`{}` was written by a newer version",
                        envelope.event.kind().escape_debug()
                    )
                }
            );
            match &mut self.run {
                Some(run) => run.apply(&envelope)?,
                None => self.run = Some(Run::begin(&envelope)?),
            }
            self.lines.push(line.clone());
        }
        self.appends += 1;
        let run = self.run.as_ref().context("it holds no event")?;
        ensure!(
            run.seq == message.seq,
            "its trailer says event {}, and its last is {}",
            message.seq,
            run.seq
        );
        if self.tree.as_ref() == Some(&commit.tree) {
            let base = self.base;
            ensure!(
                message.base == base,
                "its trailer says base {}, its tree {base}",
                message.base
            );
            ensure!(self.appends < APPENDS_PER_TREE, "it should have had a new tree");
            return Ok(());
        }
        ensure!(message.base == run.seq, "its trailer says base {}, its tree is new", message.base);
        self.check_tree(repo, &commit.tree).context("its tree")?;
        (self.tree, self.base, self.appends) = (Some(commit.tree), message.base, 0);
        self.states += 1;
        self.lines.clear();
        Ok(())
    }

    /// A new tree holds the present state, one more segment, and else what the one before it held.
    fn check_tree(&mut self, repo: &Repo, tree: &Oid) -> anyhow::Result<()> {
        let run = self.run.as_ref().context("it holds no event")?;
        let root = repo.read_tree(tree, TREE_BYTES_MAX)?;
        let format = read_format(repo, &root)?;
        ensure!(format <= FORMAT, NewerVersion { what: format!("it is of format {format}") });
        ensure!(
            self.format <= format,
            "it is of format {format}, and an older one of {}",
            self.format
        );
        let entry =
            |name: &str| root.get(name.as_bytes()).with_context(|| format!("`{name}` is missing"));
        let state = repo.read_blob(&entry("state.json")?.id, state::STATE_BYTES_MAX)?;
        let state_format = state::format_of(&state)?;
        ensure!(
            state_format == format,
            "`state.json` is of format {state_format}, its tree of {format}"
        );
        let given = state::encode_as(run, format);
        ensure!(state == given.as_bytes(), "`state.json` is not what its events give");
        let segments = repo.read_tree(&entry("events")?.id, TREE_BYTES_MAX)?;
        let name = segment_name(run.seq + 1 - self.lines.len() as u64, run.seq);
        let segment =
            segments.get(name.as_bytes()).with_context(|| format!("`events/{name}` is missing"))?;
        let text = repo.read_blob(&segment.id, SEGMENT_BYTES_MAX)?;
        ensure!(
            text == format!("{}\n", self.lines.join("\n")).as_bytes(),
            "`events/{name}` differs from the chain"
        );
        let mut expected = std::mem::take(&mut self.segments);
        expected.insert(name.into_bytes(), segment.clone());
        ensure!(segments == expected, "`events` holds other segments than were written");
        for name in FROZEN {
            let first = self.root.get(name.as_bytes()).unwrap_or(entry(name)?);
            ensure!(entry(name)? == first, "`{name}` was changed after the start");
        }
        (self.format, self.root, self.segments) = (format, root, segments);
        Ok(())
    }
}

/// Where the journal of a run ends.
pub fn tip(repo: &Repo, run: &RunId) -> anyhow::Result<Oid> {
    repo.refs()
        .read(&layout::journal(run))?
        .with_context(|| format!("there is no run `{run}` here"))
}

/// The appends from the newest to the first.
fn chain(repo: &Repo, tip: Oid, appends_max: usize) -> anyhow::Result<Vec<Oid>> {
    let mut chain = vec![tip];
    while let Some(last) = chain.last() {
        ensure!(chain.len() <= appends_max, "it has more than {appends_max} appends");
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
        ensure!(chunks.len() < APPENDS_PER_TREE, "it has too many appends without a tree");
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
    read_file_at(repo, &tip(repo, run)?, path, bytes_max)
}

/// The same of a journal that is elsewhere.
pub fn read_file_at(
    repo: &Repo,
    tip: &Oid,
    path: &str,
    bytes_max: u64,
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut tree = repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree;
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

/// The names in a directory of a commit's tree; none where it is not there.
pub fn names_at(repo: &Repo, tip: &Oid, dir: &str) -> anyhow::Result<Vec<String>> {
    let mut tree = repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree;
    for part in dir.split('/') {
        let entries = repo.read_tree(&tree, TREE_BYTES_MAX)?;
        // Beside the directories of items lie files, as the text of a pull request.
        let entry = entries.get(part.as_bytes()).filter(|entry| entry.kind == EntryKind::Tree);
        let Some(entry) = entry else { return Ok(Vec::new()) };
        tree = entry.id.clone();
    }
    let entries = repo.read_tree(&tree, TREE_BYTES_MAX)?;
    Ok(entries.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
}

/// The last file by its name of a directory in the journal's newest tree.
pub fn newest_at(
    repo: &Repo,
    tip: &Oid,
    directory: &str,
    bytes_max: u64,
) -> anyhow::Result<Option<Vec<u8>>> {
    let mut tree = repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree;
    for part in directory.split('/') {
        let entries = repo.read_tree(&tree, TREE_BYTES_MAX)?;
        let Some(entry) = entries.get(part.as_bytes()) else { return Ok(None) };
        tree = entry.id.clone();
    }
    let entries = repo.read_tree(&tree, TREE_BYTES_MAX)?;
    entries.last_key_value().map(|(_, entry)| repo.read_blob(&entry.id, bytes_max)).transpose()
}

/// How many events `newer` has after `older`, where all of them fit; nothing where one does not, or
/// where `older` is not what it goes on from.
pub fn goes_on_with(
    repo: &Repo,
    older: &Oid,
    newer: &Oid,
    fits: &dyn Fn(&Event) -> bool,
) -> anyhow::Result<Option<u32>> {
    let (mut id, mut count) = (newer.clone(), 0);
    for _ in 0..WORDS_MAX {
        if id == *older {
            return Ok(Some(count));
        }
        let commit = repo.read_commit(&id, MESSAGE_BYTES_MAX)?;
        for line in Message::parse(&commit.message)?.lines {
            if !fits(&event::decode(&line)?.event) {
                return Ok(None);
            }
            count += 1;
        }
        match commit.parents.first() {
            Some(parent) => id = parent.clone(),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Whether all that `newer` has after `older` is neutral: nothing of it opens a gate.
pub fn goes_on_neutrally(repo: &Repo, older: &Oid, newer: &Oid) -> anyhow::Result<bool> {
    let known = Message::parse(&repo.read_commit(older, MESSAGE_BYTES_MAX)?.message)?.seq;
    let mut neutral = true;
    each_event_at(repo, newer.clone(), &mut |envelope, _| {
        neutral &= envelope.seq <= known || is_neutral(&envelope.event);
        Ok(())
    })?;
    Ok(neutral)
}

/// The commit that a journal begins with.
pub fn first(repo: &Repo, tip: &Oid) -> anyhow::Result<Oid> {
    chain(repo, tip.clone(), APPENDS_MAX)?.pop().context("the journal holds nothing")
}
