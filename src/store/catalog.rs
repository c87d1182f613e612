//! Which runs there are, and which one belongs here.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, bail};

use super::{
    glance::{self, Glance},
    journal::Present,
    layout::{self, FETCHED, Fetched, HERE, RUNS},
    message::{MESSAGE_BYTES_MAX, Message},
    wire::event,
};
use crate::{
    domain::{
        event::{Charter, Event},
        id::{Digest, Oid, RemoteId, RunId},
        run::Run,
        share::Part,
    },
    git::Repo,
};

/// Every run, oldest first, with the tip of its journal.
pub fn runs(repo: &Repo) -> anyhow::Result<Vec<(RunId, Oid)>> {
    let refs = repo.refs().list_leaf(RUNS, "journal")?;
    Ok(refs
        .into_iter()
        .filter_map(|(name, tip)| Some((layout::run_of_journal(&name)?, tip)))
        .collect())
}

/// The runs of this work tree, newest first.
pub fn of_worktree(repo: &Repo) -> anyhow::Result<Vec<(RunId, Oid)>> {
    let (identity, clone) = (repo.identity(), repo.clone_name());
    let all = glance::at(repo, runs(repo)?, false).into_iter().rev();
    let own = all.filter(|(_, _, glance)| glance.is_of(&identity, clone.as_deref()));
    Ok(own.map(|(run, tip, _)| (run, tip)).collect())
}

/// Notes that the run whose journal begins with `first` belongs to this work tree.
pub fn point_here(repo: &Repo, first: &Oid) -> anyhow::Result<()> {
    let old = repo.refs().read(HERE)?;
    Ok(repo.refs().compare_and_swap(HERE, old.as_ref(), Some(first))?)
}

/// The run of this work tree: two refs to read. Where they say nothing, the journals are asked.
pub fn here(repo: &Repo) -> anyhow::Result<Option<(RunId, Oid)>> {
    // A lane is a part of its run, wherever it stands.
    if let Some(lane) = repo.as_lane() {
        let tip = repo.refs().read(&layout::journal(&lane.run))?;
        return Ok(tip.map(|tip| (lane.run, tip)));
    }
    if let Some(first) = repo.refs().read(HERE)?
        && let Some(run) = run_of_first(repo, &first)
        && let Some(tip) = repo.refs().read(&layout::journal(&run))?
    {
        return Ok(Some((run, tip)));
    }
    let (identity, clone) = (repo.identity(), repo.clone_name());
    let all = glance::at(repo, runs(repo)?, false);
    let is_here = |(_, _, glance): &(RunId, Oid, Glance)| glance.is_of(&identity, clone.as_deref());
    let Some((run, tip, _)) = all.into_iter().rev().find(is_here) else { return Ok(None) };
    // A work tree that stood here was moved away, and took its run along.
    let taken = pointed_elsewhere(repo, &run)?.is_some();
    Ok((!taken).then_some((run, tip)))
}

/// The other work tree that says that the run is its own.
fn pointed_elsewhere(repo: &Repo, run: &RunId) -> anyhow::Result<Option<String>> {
    let others = repo.in_other_worktrees(HERE)?;
    let found =
        others.into_iter().find(|(_, first)| run_of_first(repo, first).as_ref() == Some(run));
    Ok(found.map(|(worktree, _)| worktree))
}

/// Whose a run is, as seen from this work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    Here,
    /// To this work tree, which stood elsewhere when the run was told so.
    Moved {
        from: String,
    },
    Elsewhere {
        worktree: String,
    },
    /// To a work tree that is not there any more.
    Gone {
        worktree: String,
    },
    /// To another clone, which took it over.
    Away {
        worktree: String,
    },
}

impl Belongs {
    /// Whether it may be gone on with here without asking.
    #[must_use]
    pub fn is_here(&self) -> bool {
        matches!(self, Self::Here | Self::Moved { .. })
    }
}

pub fn belongs(repo: &Repo, run: &Run) -> anyhow::Result<Belongs> {
    let worktree = run.worktree().to_owned();
    if !run.is_at_home(repo.clone_name().as_deref()) {
        return Ok(Belongs::Away { worktree });
    }
    if repo.as_lane().is_some() {
        return Ok(Belongs::Elsewhere { worktree });
    }
    let is_it = worktree == repo.identity();
    let pointed = repo.refs().read(HERE)?.and_then(|first| run_of_first(repo, &first));
    if pointed.as_ref() == Some(&run.charter.run) {
        // Where it stood, another one may stand by now: a copy, or a clone.
        let stands = Path::new(&worktree).join(".git").exists();
        return Ok(match (is_it, stands && !is_linked_here(repo)) {
            (true, _) => Belongs::Here,
            (false, false) => Belongs::Moved { from: worktree },
            (false, true) => Belongs::Elsewhere { worktree },
        });
    }
    // A work tree of the run that was moved knows it by its own ref.
    if let Some(worktree) = pointed_elsewhere(repo, &run.charter.run)? {
        return Ok(Belongs::Elsewhere { worktree });
    }
    Ok(match (is_it, Path::new(&worktree).join(".git").exists()) {
        (true, _) => Belongs::Here,
        (false, true) => Belongs::Elsewhere { worktree },
        (false, false) => Belongs::Gone { worktree },
    })
}

/// A linked work tree is one alone: what stands where it stood before cannot be the same.
fn is_linked_here(repo: &Repo) -> bool {
    repo.git_dir() != repo.common_dir()
}

/// A run to look at: one's own, or one that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub run: RunId,
    pub tip: Oid,
    /// The remote that it was fetched from.
    pub from: Option<RemoteId>,
}

/// The journals that were fetched, from one remote or from all.
pub fn fetched(repo: &Repo, remote: Option<&RemoteId>) -> anyhow::Result<Vec<Found>> {
    let prefix = remote.map_or(FETCHED.to_owned(), |remote| format!("{FETCHED}{remote}/"));
    let all = repo.refs().list(&prefix)?.into_iter();
    let found = all.filter_map(|(name, tip)| match layout::of_fetched(&name)? {
        (remote, run, Fetched::Part(Part::Journal)) => Some(Found { run, tip, from: Some(remote) }),
        _ => None,
    });
    Ok(found.collect())
}

/// The same as `find`, and what was fetched where nothing of one's own is meant.
pub fn find_anywhere(repo: &Repo, wanted: &str) -> anyhow::Result<Found> {
    let own = find(repo, wanted);
    let Err(not) = own else { return own.map(|(run, tip)| Found { run, tip, from: None }) };
    let all = fetched(repo, None)?;
    let mut found: Vec<_> = all.iter().filter(|one| one.run.as_str() == wanted).collect();
    if found.is_empty() {
        found = all.iter().filter(|one| one.run.as_str().starts_with(wanted)).collect();
    }
    match found.as_slice() {
        [] => Err(not),
        // The same journal, fetched from several remotes.
        [one, rest @ ..]
            if rest.iter().all(|other| other.run == one.run && other.tip == one.tip) =>
        {
            Ok((*one).clone())
        }
        [one, rest @ ..] if rest.iter().all(|other| other.run == one.run) => {
            bail!(
                "several remotes have a run `{}`, and not the same: git run sync status <remote>",
                one.run
            )
        }
        [one, ..] => bail!("`{}` could be {} and others", wanted.escape_debug(), one.run),
    }
}

/// The run of this work tree, when its end was not reached. An error where it cannot be read.
pub fn unfinished_here(repo: &Repo) -> anyhow::Result<Option<Run>> {
    let Some((id, tip)) = here(repo)? else { return Ok(None) };
    Ok(Some(present(repo, &id, &tip)?).filter(|run| !run.state.is_over()))
}

/// Who the chains of this work tree belong to when no run is at work. It is called as git calls the
/// work tree, which stays when the directory is moved.
pub fn standing_owner(repo: &Repo) -> anyhow::Result<RunId> {
    let (git_dir, common) = (repo.git_dir().canonicalize()?, repo.common_dir().canonicalize()?);
    let mut owner = "worktree".to_owned();
    if git_dir != common {
        let name = git_dir.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
        let plain: String = String::from_utf8_lossy(&name)
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(40)
            .collect();
        owner = format!("worktree-{plain}-{}", &Digest::of(&name).to_string()[..8]);
    }
    Ok(RunId::parse(&owner)?)
}

/// The run that a journal's first commit creates; nothing for any other object.
fn run_of_first(repo: &Repo, first: &Oid) -> Option<RunId> {
    charter_of_first(repo, first).map(|charter| charter.run)
}

fn charter_of_first(repo: &Repo, first: &Oid) -> Option<Charter> {
    let commit = repo.read_commit(first, MESSAGE_BYTES_MAX).ok()?;
    let message = Message::parse(&commit.message).ok()?;
    match event::decode(message.lines.first()?).ok()?.event {
        Event::RunCreated(charter) => Some(*charter),
        _ => None,
    }
}

/// The runs of these branches that are not over, as far as they can be read.
pub fn claiming(repo: &Repo, branches: &BTreeSet<&str>) -> anyhow::Result<Vec<Run>> {
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let all = glance::at(repo, runs(repo)?, true).into_iter();
    let claims =
        all.filter(|(_, _, glance)| !glance.over && branches.contains(glance.branch.as_str()));
    Ok(claims.filter_map(|(_, tip, _)| Some(Present::read(repo, &tip).ok()?.run)).collect())
}

/// The run of this work tree, and its branch, when its journal is gone while other refs of it are
/// there. Where there are none, its journal was never written, and it never began.
pub fn lost_here(repo: &Repo) -> anyhow::Result<Option<(RunId, String)>> {
    let Some(first) = repo.refs().read(HERE)? else { return Ok(None) };
    let Some(charter) = charter_of_first(repo, &first) else { return Ok(None) };
    let run = charter.run.clone();
    if repo.refs().read(&layout::journal(&run))?.is_some() {
        return Ok(None);
    }
    let left = repo.refs().list(&format!("{RUNS}{run}/"))?;
    Ok((!left.is_empty()).then_some((run, charter.branch)))
}

/// The one run that people mean by a prefix of its name, or by the name of its target.
pub fn find(repo: &Repo, wanted: &str) -> anyhow::Result<(RunId, Oid)> {
    let all = runs(repo)?;
    let mut found: Vec<_> = all.iter().filter(|(run, _)| run.as_str() == wanted).collect();
    if found.is_empty() {
        found = all.iter().filter(|(run, _)| run.as_str().starts_with(wanted)).collect();
    }
    if found.is_empty() {
        // The newest run of a target is the one that is meant.
        let of_target =
            |tip: &Oid| Present::read(repo, tip).is_ok_and(|p| p.run.charter.target == wanted);
        found = all.iter().rev().filter(|(_, tip)| of_target(tip)).take(1).collect();
    }
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => bail!("there is no run `{}`", wanted.escape_debug()),
        many => {
            let names: Vec<_> = many.iter().take(5).map(|(run, _)| run.as_str()).collect();
            bail!("`{}` could be any of {}", wanted.escape_debug(), names.join(", "))
        }
    }
}

pub fn present(repo: &Repo, run: &RunId, tip: &Oid) -> anyhow::Result<Run> {
    let present = Present::read(repo, tip)
        .with_context(|| format!("the journal of run `{run}` is corrupt"))?;
    anyhow::ensure!(
        present.run.charter.run == *run,
        "the journal of `{run}` says that it is run `{}`",
        present.run.charter.run
    );
    Ok(present.run)
}
