//! A person's word from another machine. It is appended to the journal as it was fetched and sent at
//! once; who runs it takes it in before going on. Nobody else's journal is kept here as one's own.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use super::{
    fetch::Wanted,
    push::{self, Outcome},
};
use crate::{
    domain::{
        event::{Actor, Event},
        id::{Oid, RemoteId, RunId},
        run::Run,
    },
    git::Repo,
    process::clock,
    store::{
        catalog, history,
        journal::{Artifact, Journal},
        layout, signatures,
    },
};

/// Sends the word to where the run was fetched from. Where somebody was faster nothing is sent.
pub fn give(
    repo: &Repo,
    (run, tip, remote): (&RunId, &Oid, &RemoteId),
    actor: Actor,
    event: Event,
    artifacts: &[Artifact],
) -> anyhow::Result<Run> {
    let name = layout::journal(run);
    ensure!(repo.refs().read(&name)?.is_none(), "run `{run}` is one of this clone's own");
    let journal =
        Journal::take_over(repo, run, (tip, None), actor, (&[event], artifacts), clock::now())?;
    let after = (journal.run().clone(), journal.tip().clone());
    let wanted = Wanted { run: Some(run.clone()), checkpoints: false, transcripts: false };
    let pushed = push::push(repo, remote, &wanted, &BTreeSet::new());
    // It stays somebody else's: what was sent is known as what the remote has.
    repo.refs().compare_and_swap(&name, Some(&after.1), None)?;
    match pushed?.refs.get(&name) {
        Some(Outcome::Sent | Outcome::There) => Ok(after.0),
        Some(other) => {
            let why = other.why().unwrap_or("it was not sent");
            anyhow::bail!(
                "{remote} did not take it: {why}; git run sync fetch {remote}, and look again"
            )
        }
        None => anyhow::bail!("{remote} was not asked to take it"),
    }
}

/// What was said elsewhere.
#[derive(Debug, Default)]
pub struct Taken {
    pub words: u32,
    /// Why something was not taken in.
    pub doubt: Option<String>,
}

/// Takes in what persons said elsewhere, as far as it was fetched: only where nothing else was added
/// behind what is known here, and where words are to be signed, only by who did.
pub fn take(repo: &Repo, run: &RunId) -> anyhow::Result<Taken> {
    let name = layout::journal(run);
    let mut taken = Taken::default();
    for found in catalog::fetched(repo, None)? {
        let own = repo.refs().read(&name)?.context("the journal is gone")?;
        if found.run != *run || found.tip == own {
            continue;
        }
        let is_word = |event: &Event| matches!(event, Event::ApprovalGiven(_));
        if let Some(words) = history::goes_on_with(repo, &own, &found.tip, &is_word)? {
            if let Some(why) = signatures::doubt(repo, run, &found.tip)? {
                taken.doubt = Some(why);
                continue;
            }
            repo.refs().compare_and_swap(&name, Some(&own), Some(&found.tip))?;
            taken.words += words;
        }
    }
    Ok(taken)
}
