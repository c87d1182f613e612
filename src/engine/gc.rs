//! Retention: takes expired checkpoints out of their chains. Objects are git's to remove, in its own
//! time; this says how many bytes nothing holds any more.

use std::{fs, time::Duration};

use crate::{
    domain::{
        checkpoint::Made,
        id::Oid,
        retention::{Expired, Keep, expired},
    },
    git::Repo,
    process::clock,
    store::{catalog, checkpoints, layout::run_of_journal},
};

/// How often a chain that grew meanwhile is looked at again.
const TRIES_MAX: u32 = 5;
/// A directory of a process that was killed, and that nobody missed for so long.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

/// What is dropped from a chain, or would be.
#[derive(Debug)]
pub struct Dropped {
    pub chain: String,
    pub kept: usize,
    pub checkpoints: Vec<(Made, Expired, Held)>,
    /// What nothing holds any more once it is done.
    pub bytes: u64,
}

/// Who else has the files of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Its tree is that of a commit which it was made on.
    Elsewhere,
    Nowhere,
}

/// Looks at a chain, and takes out what has expired unless it is only to be said.
pub fn collect(repo: &Repo, chain: &str, keep: &Keep, dry_run: bool) -> anyhow::Result<Dropped> {
    for _ in 0..TRIES_MAX {
        let all = checkpoints::every(repo, chain)?;
        let bytes = sizes(repo, &all, keep)?;
        let busy = busy(repo, chain)?;
        let gone = expired(&all, &bytes, keep, &busy, clock::now());
        let numbers: Vec<u64> = gone.iter().map(|(number, _)| *number).collect();
        let old = all.last().map(|made| made.commit.clone());
        let kept = all.len() - gone.len();
        let checkpoints = with_holders(repo, all, &gone)?;
        let mut dropped = Dropped { chain: chain.to_owned(), kept, checkpoints, bytes: 0 };
        if numbers.is_empty() {
            return Ok(dropped);
        }
        if dry_run {
            dropped.bytes = own_bytes(repo, &dropped, &numbers)?;
            return Ok(dropped);
        }
        if checkpoints::drop_from(repo, chain, &numbers)? {
            dropped.bytes = old.map_or(Ok(0), |old| unheld(repo, &old, &["--all"]))?;
            return Ok(dropped);
        }
    }
    anyhow::bail!("`{chain}` grows all the time; try again when nobody works here")
}

/// An operation that is not finished needs its own checkpoint and the one that it goes back to.
///
/// A lane that is not joined is held by its checkpoint alone.
fn busy(repo: &Repo, chain: &str) -> anyhow::Result<Vec<u64>> {
    let pending = super::restore::pending(repo)?;
    let mut busy =
        pending.map_or(Vec::new(), |(made, operation)| vec![made.checkpoint.number, operation.to]);
    let journal = chain.strip_suffix("checkpoints").map(|run| format!("{run}journal"));
    let run = journal.as_deref().and_then(run_of_journal);
    let tip = journal.map(|name| repo.refs().read(&name)).transpose()?.flatten();
    if let (Some(run), Some(tip)) = (run, tip)
        && let Ok(run) = catalog::present(repo, &run, &tip)
        && !run.state.is_over()
    {
        let open = run.lanes.iter().filter(|lane| lane.word() != "joined");
        let saved = open.filter_map(|lane| lane.left()?.saved.as_ref());
        busy.extend(saved.map(|saved| saved.number));
    }
    Ok(busy)
}

/// What each checkpoint added; looked up only where all of them together are too much.
fn sizes(repo: &Repo, all: &[Made], keep: &Keep) -> anyhow::Result<Vec<u64>> {
    let Some(newest) = all.last() else { return Ok(Vec::new()) };
    let elsewhere = ["--branches", "--tags", "--remotes"];
    if unheld(repo, &newest.commit, &elsewhere)? <= keep.bytes_max {
        return Ok(vec![0; all.len()]);
    }
    let mut sizes = Vec::with_capacity(all.len());
    for made in all {
        let previous = made.checkpoint.previous.as_ref().map(ToString::to_string);
        let mut without = elsewhere.to_vec();
        without.extend(previous.as_deref());
        sizes.push(unheld(repo, &made.commit, &without)?);
    }
    Ok(sizes)
}

/// The bytes on disk of what `commit` holds and the others do not.
fn unheld(repo: &Repo, commit: &Oid, others: &[&str]) -> anyhow::Result<u64> {
    let words = ["rev-list", "--objects", "--disk-usage", commit.as_str(), "--not"];
    let out = repo.git().output(&[&words[..], others, &["--"]].concat())?;
    Ok(String::from_utf8_lossy(&out).trim().parse().unwrap_or(0))
}

fn own_bytes(repo: &Repo, dropped: &Dropped, numbers: &[u64]) -> anyhow::Result<u64> {
    let all = checkpoints::every(repo, &dropped.chain)?;
    let mut words = vec!["rev-list".to_owned(), "--objects".into(), "--disk-usage".into()];
    words.extend(dropped.checkpoints.iter().map(|(made, _, _)| made.commit.to_string()));
    words.extend(["--not".to_owned(), "--branches".into(), "--tags".into(), "--remotes".into()]);
    // A kept checkpoint holds the dropped ones as parents until it is written anew; its files count.
    let kept = all.iter().filter(|made| !numbers.contains(&made.checkpoint.number));
    words.extend(kept.map(|made| made.checkpoint.tree.to_string()));
    words.push("--".into());
    let out = repo.git().output(&words)?;
    Ok(String::from_utf8_lossy(&out).trim().parse().unwrap_or(0))
}

fn with_holders(
    repo: &Repo,
    all: Vec<Made>,
    gone: &[(u64, Expired)],
) -> anyhow::Result<Vec<(Made, Expired, Held)>> {
    let mut found = Vec::new();
    for made in all {
        let number = made.checkpoint.number;
        let Some((_, why)) = gone.iter().find(|(other, _)| *other == number) else { continue };
        let committed = match &made.checkpoint.head {
            Some(head) => {
                let tree = repo.tree_of(head)?;
                tree == made.checkpoint.tree && tree == made.checkpoint.index
            }
            None => false,
        };
        found.push((made, *why, if committed { Held::Elsewhere } else { Held::Nowhere }));
    }
    Ok(found)
}

/// Removes what processes that were killed left beside git's own files.
pub fn sweep(repo: &Repo) -> usize {
    let mut swept = 0;
    let Ok(entries) = fs::read_dir(repo.git_dir().join("git-run")) else { return swept };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with("work-");
        let old = entry
            .metadata()
            .and_then(|about| about.modified())
            .is_ok_and(|time| LEFT_BEHIND < clock::age(time));
        if ours && old && fs::remove_dir_all(entry.path()).is_ok() {
            swept += 1;
        }
    }
    swept
}
