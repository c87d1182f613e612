//! How the runs here stand to those that were fetched last. Asks no remote, writes nothing.

use std::collections::BTreeMap;

use crate::{
    domain::{
        id::{Oid, RemoteId, RunId},
        share::{Part, Stand},
    },
    git::Repo,
    store::{
        catalog,
        layout::{self, FETCHED, Fetched},
    },
};

/// One run, here and there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub run: RunId,
    pub here: Option<Oid>,
    pub there: Option<Oid>,
    pub stand: Stand,
    /// Names under which journals are kept that the remote has replaced.
    pub rewritten: Vec<String>,
}

/// What was fetched of one remote.
#[derive(Debug, Default)]
pub struct Known {
    pub parts: BTreeMap<(RunId, Part), Oid>,
    pub quarantined: BTreeMap<RunId, Oid>,
    pub rewritten: BTreeMap<RunId, Vec<String>>,
}

impl Known {
    pub fn of(repo: &Repo, remote: &RemoteId) -> anyhow::Result<Self> {
        let mut known = Self::default();
        for (name, id) in repo.refs().list(&format!("{FETCHED}{remote}/"))? {
            match layout::of_fetched(&name) {
                Some((_, run, Fetched::Part(part))) => {
                    known.parts.insert((run, part), id);
                }
                Some((_, run, Fetched::Quarantined)) => {
                    known.quarantined.insert(run, id);
                }
                Some((_, run, Fetched::Rewritten)) => {
                    known.rewritten.entry(run).or_default().push(name);
                }
                None => {}
            }
        }
        Ok(known)
    }

    #[must_use]
    pub fn journal(&self, run: &RunId) -> Option<&Oid> {
        self.parts.get(&(run.clone(), Part::Journal))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.quarantined.is_empty()
    }
}

/// Every run that is here or there, oldest first.
pub fn all(repo: &Repo, remote: &RemoteId) -> anyhow::Result<Vec<Standing>> {
    let known = Known::of(repo, remote)?;
    let own: BTreeMap<_, _> = catalog::runs(repo)?.into_iter().collect();
    let there = known.parts.keys().filter(|(_, part)| *part == Part::Journal).map(|(run, _)| run);
    let names: std::collections::BTreeSet<_> =
        own.keys().chain(there).chain(known.quarantined.keys()).cloned().collect();
    names.into_iter().map(|run| one(repo, &known, run.clone(), own.get(&run).cloned())).collect()
}

fn one(repo: &Repo, known: &Known, run: RunId, here: Option<Oid>) -> anyhow::Result<Standing> {
    let there = known.journal(&run).cloned();
    let stand = match (&here, &there) {
        _ if known.quarantined.contains_key(&run) => {
            Stand::Quarantined("what is there does not verify".to_owned())
        }
        (Some(here), Some(there)) => between(repo, here, there)?,
        (_, None) => Stand::OnlyHere,
        (None, Some(_)) => Stand::OnlyThere,
    };
    let rewritten = known.rewritten.get(&run).cloned().unwrap_or_default();
    Ok(Standing { run, here, there, stand, rewritten })
}

pub fn between(repo: &Repo, here: &Oid, there: &Oid) -> anyhow::Result<Stand> {
    if here == there {
        return Ok(Stand::Same);
    }
    let (here, there) = repo.apart(here, there)?;
    Ok(Stand::of(here, there))
}
