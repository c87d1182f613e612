//! Which runs there are, and which one belongs here.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

use super::{
    glance,
    journal::Present,
    layout::{self, HERE, RUNS},
    message::{MESSAGE_BYTES_MAX, Message},
    wire::event,
};
use crate::{
    domain::{
        event::{Charter, Event},
        id::{Digest, Oid, RunId},
        run::Run,
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

/// Notes that the run whose journal begins with `first` belongs to this work tree.
pub fn point_here(repo: &Repo, first: &Oid) -> anyhow::Result<()> {
    let old = repo.refs().read(HERE)?;
    Ok(repo.refs().compare_and_swap(HERE, old.as_ref(), Some(first))?)
}

/// The run of this work tree: two refs to read. Where they say nothing, the journals are asked.
pub fn here(repo: &Repo) -> anyhow::Result<Option<(RunId, Oid)>> {
    if let Some(first) = repo.refs().read(HERE)?
        && let Some(run) = run_of_first(repo, &first)
        && let Some(tip) = repo.refs().read(&layout::journal(&run))?
    {
        return Ok(Some((run, tip)));
    }
    let identity = repo.identity();
    let all = glance::at(repo, runs(repo)?, false);
    let here = all.into_iter().rev().find(|(_, _, glance)| glance.is_of(&identity));
    Ok(here.map(|(run, tip, _)| (run, tip)))
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
