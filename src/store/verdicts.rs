//! `refs/run/<run>/verdicts`: what the guard refused and cleared. Hooks write it, so it is a chain of
//! its own; a work tree without a run has a standing one.

use std::{thread, time::Duration};

use anyhow::{Context as _, bail, ensure};

use super::{
    catalog,
    layout::{self, RUNS},
    wire::verdict as wire,
};
use crate::{
    domain::{
        ice::{
            judge::Who,
            ledger::{Entry, Layer, What},
        },
        id::{Oid, RunId},
        time::Timestamp,
    },
    git::{Repo, refs::RefError},
    process::clock,
};

/// How often an entry that lost a race is tried again.
const TRIES_MAX: u32 = 200;
const PAUSE_MS_MAX: u64 = 16;
/// More entries than that are not added to a chain, and not read.
pub const CHAIN_MAX: u64 = 100_000;

/// How much a chain holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub entries: u64,
    pub refusals: u64,
}

/// The chain of a run, or of this work tree.
pub fn of(repo: &Repo, run: Option<&RunId>) -> anyhow::Result<String> {
    Ok(match run {
        Some(run) => layout::verdicts(run),
        None => layout::verdicts(&catalog::standing_owner(repo)?),
    })
}

/// How much is there; nothing is read but the newest commit's last line.
pub fn count(repo: &Repo, chain: &str) -> anyhow::Result<Count> {
    match repo.refs().read(chain)? {
        Some(tip) => Ok(read(repo, &tip)?.0),
        None => Ok(Count::default()),
    }
}

/// `verdict 7, refusals 3: …`, so that nobody has to decode what it says to go on counting.
fn numbers(message: &[u8]) -> anyhow::Result<Count> {
    let read = || -> Option<Count> {
        let line = message.split(|byte| *byte == b'\n').next()?;
        let (head, _) = std::str::from_utf8(line).ok()?.split_once(':')?;
        let (entries, refusals) = head.strip_prefix("verdict ")?.split_once(", refusals ")?;
        Some(Count { entries: entries.parse().ok()?, refusals: refusals.parse().ok()? })
    };
    read().context("it is no verdict")
}

/// Adds an entry. It is durable when this returns.
pub fn add(
    repo: &Repo,
    chain: &str,
    who: Who,
    layer: Layer,
    what: &What,
    now: Timestamp,
) -> anyhow::Result<Entry> {
    for tries in 0..TRIES_MAX {
        let previous = repo.refs().read(chain)?;
        let tip = previous.as_ref().map(|tip| read(repo, tip)).transpose().with_context(|| {
            let aside = chain.replace("/verdicts", "-aside/verdicts");
            format!("nothing can be written behind it; `git update-ref {aside} {chain} && git update-ref -d {chain}` puts the chain aside")
        })?;
        // Every entry has the empty tree, and the first one has to write it.
        let (before, tree) = match tip {
            Some(tip) => tip,
            None => (Count::default(), repo.empty_tree()?),
        };
        ensure!(before.entries < CHAIN_MAX, "`{chain}` is full: it has {CHAIN_MAX} entries");
        let entry = Entry {
            number: before.entries + 1,
            refusals: before.refusals + u64::from(matches!(what, What::Refused { .. })),
            at: now,
            who,
            layer,
            what: what.clone(),
        };
        let line = wire::encode(&entry);
        let sentence: String = what.sentence().chars().filter(|c| !c.is_control()).collect();
        let (number, refusals) = (entry.number, entry.refusals);
        let text = format!("verdict {number}, refusals {refusals}: {sentence}\n\n{line}\n");
        ensure!(text.len() as u64 + 1000 < wire::VERDICT_BYTES_MAX, "there is too much to write");
        let parents: Vec<_> = previous.iter().collect();
        let commit = repo.write_commit(&tree, &parents, now.millis() / 1000, &text)?;
        match repo.refs().compare_and_swap(chain, previous.as_ref(), Some(&commit)) {
            Ok(()) => return Ok(entry),
            Err(RefError::Stale { .. } | RefError::Locked { .. }) if tries + 1 < TRIES_MAX => {
                let pause = PAUSE_MS_MAX.min(u64::from(tries)) + 1;
                thread::sleep(Duration::from_millis(clock::jitter(pause)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("gave up on `{chain}` after {TRIES_MAX} lost races")
}

/// Whether it is an entry.
pub fn check(repo: &Repo, entry: &Oid) -> anyhow::Result<()> {
    read(repo, entry).map(drop)
}

fn read(repo: &Repo, entry: &Oid) -> anyhow::Result<(Count, Oid)> {
    let commit = repo.read_commit(entry, wire::VERDICT_BYTES_MAX)?;
    let count = numbers(&commit.message).with_context(|| format!("commit `{entry}`"))?;
    Ok((count, commit.tree))
}

/// Every chain of the repository, by name.
pub fn chains(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let all = repo.refs().list(RUNS)?.into_iter().map(|(name, _)| name);
    Ok(all.filter(|name| name.ends_with("/verdicts")).collect())
}

/// Every entry of a chain, oldest first.
pub fn every(repo: &Repo, chain: &str) -> anyhow::Result<Vec<Entry>> {
    let mut all = Vec::new();
    let mut next = repo.refs().read(chain)?;
    while let Some(id) = next {
        ensure!((all.len() as u64) < CHAIN_MAX, "`{chain}` has more than {CHAIN_MAX} entries");
        let commit = repo.read_commit(&id, wire::VERDICT_BYTES_MAX)?;
        let read = || -> anyhow::Result<Entry> {
            let text = std::str::from_utf8(&commit.message)?;
            let line = text.trim_end().rsplit('\n').next().unwrap_or_default();
            Ok(wire::decode(line)?)
        };
        all.push(read().with_context(|| format!("`{id}` of `{chain}` cannot be read"))?);
        ensure!(commit.parents.len() < 2, "`{id}` of `{chain}` has several parents");
        next = commit.parents.into_iter().next();
    }
    all.reverse();
    let in_order = all.iter().zip(1..).all(|(entry, number)| entry.number == number);
    ensure!(in_order, "`{chain}` has a gap: entries were taken out of it");
    Ok(all)
}
