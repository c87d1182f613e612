//! A run's journal: a chain of commits, one per append. One compare-and-swap is the commit point.
//!
//! It never decides what may be appended: `Run::apply` does.

use std::{collections::BTreeMap, thread, time::Duration};

use anyhow::{Context as _, bail};
use gix::objs::tree::EntryKind;

use super::{
    catalog, layout,
    message::{EVENTS_PER_APPEND_MAX, MESSAGE_BYTES_MAX, Message},
    wire::{FORMAT, event, state},
};
use crate::{
    domain::{
        event::{Actor, Envelope, Event, ProcessMark},
        id::{Oid, RunId},
        run::{Refusal, Run},
        tale,
        time::Timestamp,
    },
    git::{
        Repo,
        objects::{Commit, Entry},
        refs::RefError,
    },
    process::clock,
};

/// A new tree is written with every 64th append.
pub const APPENDS_PER_TREE: usize = 64;
/// How often an append that lost a race is tried again.
/// Sixteen writers on two busy cores take hundreds of tries now and then, which is seconds.
const TRIES_MAX: u32 = 1000;
const PAUSE_MS_MAX: u64 = 8;
pub(super) const TREE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const FORMAT_BYTES_MAX: u64 = 100;
pub(super) const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error(
        "the run was taken over by somebody else: lease {held} was ours, {taken} is the present one"
    )]
    LeaseLost { held: u64, taken: u64 },
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It fitted what was read, and not what somebody else wrote in between.
    #[error("somebody else was faster: {0}")]
    Overtaken(Refusal),
    #[error("the run was taken over by another clone, in `{worktree}`, and is written there")]
    Away { run: String, worktree: String },
    #[error("the journal holds events of a newer version of git-run; update before going on")]
    Newer,
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// A file to be kept with the journal: its path below `artifacts/`.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub path: String,
    pub content: Vec<u8>,
}

/// What is frozen into the first tree.
#[derive(Debug, Clone)]
pub struct Frozen {
    pub plan: String,
    pub policy: String,
    pub workflow: String,
}

#[derive(Debug)]
pub struct Journal<'r> {
    repo: &'r Repo,
    name: String,
    tip: Oid,
    /// Where the ref is: at the tip, but for a journal that is being taken over.
    stands: Option<Oid>,
    tree: Oid,
    /// The last event that the tree's state holds, and the lines after it.
    base: u64,
    newer: Vec<String>,
    appends: usize,
    run: Run,
    actor: Actor,
    /// The lease that this process holds; a visitor has none.
    held: Option<u64>,
}

impl<'r> Journal<'r> {
    /// Writes the first event. The journal's name is new, so nobody can have been faster.
    pub fn create(
        repo: &'r Repo,
        actor: Actor,
        event: Event,
        frozen: &Frozen,
        artifacts: &[Artifact],
        now: Timestamp,
    ) -> Result<Self, AppendError> {
        let first = Envelope { seq: 1, at: now, lamport: 1, actor: actor.clone(), lease: 0, event };
        let run = Run::begin(&first)?;
        let line = line(&first)?;
        let mut root = BTreeMap::new();
        for (name, text) in [
            ("plan.json", &frozen.plan),
            ("policy.json", &frozen.policy),
            ("workflow.toml", &frozen.workflow),
        ] {
            root.insert(name.into(), blob(repo, text.as_bytes())?);
        }
        let tree = write_tree(repo, root, &run, std::slice::from_ref(&line), artifacts)?;
        let message = Message { lines: vec![line], seq: 1, base: 1 };
        let text = message.text(&tale::sentence(&first.event, &run));
        let tip = repo.write_commit(&tree, &[], now.millis() / 1000, &text)?;
        let name = layout::journal(&run.charter.run);
        // The pointer first: as long as there is no journal, it names a run that never began.
        catalog::point_here(repo, &tip)?;
        repo.refs().compare_and_swap(&name, None, Some(&tip)).map_err(anyhow::Error::from)?;
        Ok(Self {
            repo,
            name,
            stands: Some(tip.clone()),
            tip,
            tree,
            base: 1,
            newer: Vec::new(),
            appends: 0,
            run,
            actor,
            held: None,
        })
    }

    pub fn open(repo: &'r Repo, run: &RunId, actor: Actor) -> anyhow::Result<Self> {
        let name = layout::journal(run);
        let Some(tip) = repo.refs().read(&name)? else { bail!("there is no run `{run}` here") };
        Self::at(repo, run, tip.clone(), Some(tip), actor)
    }

    /// Makes a journal that was fetched one's own, by one append: until it is written, nothing is.
    pub fn take_over(
        repo: &'r Repo,
        run: &RunId,
        (theirs, own): (&Oid, Option<&Oid>),
        actor: Actor,
        (events, artifacts): (&[Event], &[Artifact]),
        now: Timestamp,
    ) -> Result<Self, AppendError> {
        let mut journal = Self::at(repo, run, theirs.clone(), own.cloned(), actor)?;
        if journal.run.newer {
            return Err(AppendError::Newer);
        }
        journal.try_append(events, artifacts, now)?;
        Ok(journal)
    }

    fn at(
        repo: &'r Repo,
        run: &RunId,
        tip: Oid,
        stands: Option<Oid>,
        actor: Actor,
    ) -> anyhow::Result<Self> {
        let name = layout::journal(run);
        let present =
            Present::read(repo, &tip).with_context(|| format!("the journal of run `{run}`"))?;
        anyhow::ensure!(
            present.run.charter.run == *run,
            "the journal of `{run}` says that it is run `{}`",
            present.run.charter.run
        );
        let Present { run, tree, base, newer, appends } = present;
        Ok(Self { repo, name, tip, stands, tree, base, newer, appends, run, actor, held: None })
    }

    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    #[must_use]
    pub fn tip(&self) -> &Oid {
        &self.tip
    }

    /// Becomes the holder. Whoever held it before can write no more.
    pub fn take_lease(&mut self, holder: ProcessMark, now: Timestamp) -> Result<(), AppendError> {
        loop {
            let generation = self.run.generation + 1;
            let event = Event::LeaseTaken { generation, holder: holder.clone() };
            match self.append(vec![event], &[], now) {
                Ok(()) => {
                    self.held = Some(generation);
                    return Ok(());
                }
                // Somebody else took it in between; the next number is ours to try.
                Err(AppendError::Overtaken(_)) if generation <= self.run.generation => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks whether others have written since, without waiting for anything.
    pub fn refresh(&mut self) -> Result<(), AppendError> {
        match self.repo.refs().read(&self.name)? {
            Some(tip) if tip != self.tip => self.reload(),
            Some(_) => Ok(()),
            None => Err(anyhow::anyhow!("the journal `{}` is gone", self.name).into()),
        }
    }

    /// Appends, durably, all of the events or none. A race that was lost is run again, on what the
    /// winner left: facts stay facts, and what no longer fits is refused.
    pub fn append(
        &mut self,
        events: Vec<Event>,
        artifacts: &[Artifact],
        now: Timestamp,
    ) -> Result<(), AppendError> {
        if EVENTS_PER_APPEND_MAX < events.len() {
            return Err(
                anyhow::anyhow!("{} events are too many for one append", events.len()).into()
            );
        }
        for tries in 0..TRIES_MAX {
            if self.run.newer {
                return Err(AppendError::Newer);
            }
            let run = &self.run;
            if run.home.is_some() && !run.is_at_home(self.repo.clone_name().as_deref()) {
                let (run, worktree) = (run.charter.run.to_string(), run.worktree().to_owned());
                return Err(AppendError::Away { run, worktree });
            }
            self.still_holds()?;
            match self.try_append(&events, artifacts, now) {
                Err(AppendError::Other(error)) => match error.downcast_ref::<RefError>() {
                    Some(RefError::Stale { .. }) => self.reload()?,
                    _ => return Err(AppendError::Other(error)),
                },
                Err(AppendError::Refused(refusal)) if 0 < tries => {
                    return Err(AppendError::Overtaken(refusal));
                }
                other => return other,
            }
            thread::sleep(Duration::from_millis(clock::jitter(
                PAUSE_MS_MAX.min(u64::from(tries)) + 1,
            )));
        }
        Err(anyhow::anyhow!("gave up on `{}` after {TRIES_MAX} lost races", self.name).into())
    }

    fn reload(&mut self) -> Result<(), AppendError> {
        let id = self.run.charter.run.clone();
        let held = self.held;
        *self = Self { held, ..Self::open(self.repo, &id, self.actor.clone())? };
        self.still_holds()
    }

    /// A holder whose lease was taken writes nothing more, whenever it notices.
    fn still_holds(&self) -> Result<(), AppendError> {
        match self.held {
            Some(held) if held < self.run.generation => {
                Err(AppendError::LeaseLost { held, taken: self.run.generation })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn try_append(
        &mut self,
        events: &[Event],
        artifacts: &[Artifact],
        now: Timestamp,
    ) -> Result<(), AppendError> {
        let mut run = self.run.clone();
        let mut lines = Vec::with_capacity(events.len());
        for event in events {
            let envelope = Envelope {
                seq: run.seq + 1,
                at: now,
                lamport: run.lamport + 1,
                actor: self.actor.clone(),
                lease: self.held.unwrap_or(run.generation),
                event: event.clone(),
            };
            run.apply(&envelope)?;
            lines.push(line(&envelope)?);
        }
        let Some(last) = events.last() else { return Ok(()) };
        let mut newer = self.newer.clone();
        newer.extend(lines.iter().cloned());
        let (mut tree, mut base, mut appends) = (self.tree.clone(), self.base, self.appends + 1);
        if APPENDS_PER_TREE <= appends || !artifacts.is_empty() {
            let root = self.repo.read_tree(&tree, TREE_BYTES_MAX)?;
            tree = write_tree(self.repo, root, &run, &newer, artifacts)?;
            (base, appends) = (run.seq, 0);
            newer.clear();
        }
        let text = Message { lines, seq: run.seq, base }.text(&tale::sentence(last, &run));
        let tip = self.repo.write_commit(&tree, &[&self.tip], now.millis() / 1000, &text)?;
        self.repo
            .refs()
            .compare_and_swap(&self.name, self.stands.as_ref(), Some(&tip))
            .map_err(anyhow::Error::from)?;
        self.stands = Some(tip.clone());
        (self.tip, self.tree, self.base, self.newer, self.appends, self.run) =
            (tip, tree, base, newer, appends, run);
        Ok(())
    }
}

/// The present of a run: the state in the tree, and at most 63 appends after it.
#[derive(Debug)]
pub struct Present {
    pub run: Run,
    tree: Oid,
    base: u64,
    newer: Vec<String>,
    appends: usize,
}

impl Present {
    pub fn read(repo: &Repo, tip: &Oid) -> anyhow::Result<Self> {
        let mut commit = repo.read_commit(tip, MESSAGE_BYTES_MAX)?;
        let newest = Message::parse(&commit.message)?;
        let tree = commit.tree.clone();
        let mut chunks = Vec::new();
        let mut message = newest.clone();
        while newest.base < message.seq {
            anyhow::ensure!(
                chunks.len() < APPENDS_PER_TREE,
                "it has too many appends without a tree"
            );
            let first = message
                .seq
                .checked_sub(message.lines.len() as u64)
                .context("its numbers are wrong")?;
            chunks.push(message.lines);
            if first <= newest.base {
                break;
            }
            commit = parent_of(repo, &commit)?;
            message = Message::parse(&commit.message)?;
            anyhow::ensure!(
                message.seq == first,
                "event {} does not follow event {}",
                first + 1,
                message.seq
            );
        }
        let appends = chunks.len();
        let newer: Vec<String> = chunks.into_iter().rev().flatten().collect();
        let mut run = read_state(repo, &tree)?;
        anyhow::ensure!(
            run.seq == newest.base,
            "its state is of event {}, not of {}",
            run.seq,
            newest.base
        );
        for line in &newer {
            run.apply(&event::decode(line)?)?;
        }
        Ok(Self { run, tree, base: newest.base, newer, appends })
    }
}

fn parent_of(repo: &Repo, commit: &Commit) -> anyhow::Result<Commit> {
    let [parent] = commit.parents.as_slice() else { bail!("its chain ends too early") };
    repo.read_commit(parent, MESSAGE_BYTES_MAX)
}

fn read_state(repo: &Repo, tree: &Oid) -> anyhow::Result<Run> {
    let entries = repo.read_tree(tree, TREE_BYTES_MAX)?;
    let format = read_format(repo, &entries)?;
    let entry = entries.get(b"state.json".as_slice()).context("its tree has no `state.json`")?;
    let mut run = state::decode(&repo.read_blob(&entry.id, state::STATE_BYTES_MAX)?)?;
    run.newer |= FORMAT < format;
    Ok(run)
}

/// The version that a journal's tree says it is of.
pub(super) fn read_format(repo: &Repo, root: &BTreeMap<Vec<u8>, Entry>) -> anyhow::Result<u32> {
    let entry = root.get(b"format".as_slice()).context("its tree has no `format`")?;
    let text = repo.read_blob(&entry.id, FORMAT_BYTES_MAX)?;
    let number = std::str::from_utf8(&text).ok().and_then(|text| text.trim_end().parse().ok());
    number.filter(|number| 1 <= *number).context("its `format` is no version")
}

/// The line of an event that can be read again.
fn line(envelope: &Envelope) -> anyhow::Result<String> {
    let line = event::encode(envelope);
    anyhow::ensure!(
        line.len() <= event::EVENT_BYTES_MAX,
        "`{}` would be {} bytes long, and an event may have {}",
        envelope.event.kind(),
        line.len(),
        event::EVENT_BYTES_MAX
    );
    Ok(line)
}

/// The name of a segment: its first and last event.
#[must_use]
pub fn segment_name(first: u64, last: u64) -> String {
    format!("{first:010}-{last:010}.jsonl")
}

fn write_tree(
    repo: &Repo,
    mut root: BTreeMap<Vec<u8>, Entry>,
    run: &Run,
    lines: &[String],
    artifacts: &[Artifact],
) -> anyhow::Result<Oid> {
    let state = state::encode(run);
    anyhow::ensure!(
        state.len() as u64 <= state::STATE_BYTES_MAX,
        "the state would be {} bytes long, and it may have {}",
        state.len(),
        state::STATE_BYTES_MAX
    );
    // A journal that an older version began is of this one from here on.
    root.insert("format".into(), blob(repo, format!("{FORMAT}\n").as_bytes())?);
    root.insert("state.json".into(), blob(repo, state.as_bytes())?);
    if !lines.is_empty() {
        let first = run.seq + 1 - lines.len() as u64;
        let segment = blob(repo, format!("{}\n", lines.join("\n")).as_bytes())?;
        put(repo, &mut root, &["events", &segment_name(first, run.seq)], segment)?;
    }
    for artifact in artifacts {
        let mut path = vec!["artifacts"];
        path.extend(artifact.path.split('/'));
        put(repo, &mut root, &path, blob(repo, &artifact.content)?)?;
    }
    repo.write_tree(&root)
}

/// Puts an entry at a path, making the trees on the way.
fn put(
    repo: &Repo,
    tree: &mut BTreeMap<Vec<u8>, Entry>,
    path: &[&str],
    entry: Entry,
) -> anyhow::Result<()> {
    match path {
        [] => {}
        [name] => drop(tree.insert((*name).into(), entry)),
        [name, rest @ ..] => {
            let mut inner = match tree.get(name.as_bytes()) {
                Some(found) if found.kind == EntryKind::Tree => {
                    repo.read_tree(&found.id, TREE_BYTES_MAX)?
                }
                Some(_) | None => BTreeMap::new(),
            };
            put(repo, &mut inner, rest, entry)?;
            let id = repo.write_tree(&inner)?;
            tree.insert((*name).into(), Entry { kind: EntryKind::Tree, id });
        }
    }
    Ok(())
}

fn blob(repo: &Repo, content: &[u8]) -> anyhow::Result<Entry> {
    Ok(Entry { kind: EntryKind::Blob, id: repo.write_blob(content)? })
}
