//! Sending runs: each ref from where the remote's was seen to where one's own is. A race that is lost is
//! run again on what the winner left, a few times.

use std::collections::{BTreeMap, BTreeSet};

use super::fetch::{self, Fetched, Wanted};
use crate::{
    domain::{
        event::RefMove,
        id::{Oid, RemoteId, RunId},
        share::{Listing, Part, ROUNDS_MAX, SENT_MAX, part_of},
    },
    git::{Repo, exchange::Sent},
    guard::share::{self, NotSent},
    process::clock,
    store::{
        catalog, history,
        layout::{self, NOTES},
    },
};

/// Appends of one journal that are looked at before it is sent.
const APPENDS_MAX: usize = 1_000_000;
const PAUSE_MS_MAX: u64 = 200;

/// What became of one ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    /// It was there already.
    There,
    /// What is there has what this has not: nothing is written over.
    Left(String),
    /// Somebody else was faster, each time.
    Lost(String),
    Refused(String),
    /// It does not verify here, and nobody else shall have it.
    NotWhole(String),
}

impl Outcome {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::There => "there",
            Self::Left(_) => "left",
            Self::Lost(_) => "lost",
            Self::Refused(_) => "refused",
            Self::NotWhole(_) => "not-whole",
        }
    }

    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Sent | Self::There => None,
            Self::Left(why) | Self::Lost(why) | Self::Refused(why) | Self::NotWhole(why) => {
                Some(why)
            }
        }
    }
}

#[derive(Debug, Default)]
pub struct Pushed {
    pub refs: BTreeMap<String, Outcome>,
    /// What came in because it was needed.
    pub fetched: Vec<Fetched>,
}

/// Sends what is here and not there.
pub fn push(
    repo: &Repo,
    remote: &RemoteId,
    wanted: &Wanted,
    allowed: &BTreeSet<String>,
) -> Result<Pushed, NotSent> {
    share::may_share()?;
    let url = share::url(repo, remote.as_str(), true)?;
    let mut pushed = Pushed::default();
    let mut whole = BTreeMap::new();
    let tracked = repo.refs().list(&format!("refs/remotes/{remote}/"))?;
    let known: Vec<Oid> = tracked.into_iter().map(|(_, id)| id).collect();
    for round in 0..ROUNDS_MAX {
        let listing = fetch::list(repo, &url, wanted)?;
        let plan = Plan::new(repo, &listing, wanted, &mut whole)?;
        if plan.unknown && round + 1 < ROUNDS_MAX && round == 0 {
            // What is there has to be known before it can be told what this has more.
            pushed.fetched.push(fetch::fetch(repo, remote, wanted)?);
            continue;
        }
        let mut lost = false;
        pushed.refs.extend(plan.told);
        for some in plan.moves.chunks(SENT_MAX) {
            let mut sent = send(repo, &url, some, &known, allowed)?;
            if sent.values().any(|sent| *sent != Sent::Moved) {
                seen_again(some, &mut sent, &fetch::list(repo, &url, wanted)?);
            }
            for (name, sent) in sent {
                lost |= matches!(sent, Sent::Lost(_));
                pushed.refs.insert(
                    name,
                    match sent {
                        Sent::Moved => Outcome::Sent,
                        Sent::Lost(why) => Outcome::Lost(why),
                        Sent::Refused(why) => Outcome::Refused(why),
                    },
                );
            }
        }
        if !lost || round + 1 == ROUNDS_MAX {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(clock::jitter(PAUSE_MS_MAX)));
        pushed.fetched.push(fetch::fetch(repo, remote, wanted)?);
    }
    if share::url(repo, remote.as_str(), false)? == url {
        noted(repo, remote, &pushed)?;
    }
    Ok(pushed)
}

/// A push that failed may have been done, and one that was refused may have lost a race: what the remote
/// has now says which it was.
fn seen_again(moves: &[RefMove], sent: &mut BTreeMap<String, Sent>, listing: &Listing) {
    for moved in moves {
        let Some(sent) = sent.get_mut(&moved.name).filter(|sent| **sent != Sent::Moved) else {
            continue;
        };
        let there = match part_of(&moved.name) {
            Some((run, part)) => listing.part(&run, part),
            None => listing.notes.as_ref(),
        };
        if there == moved.new.as_ref() {
            *sent = Sent::Moved;
        } else if there != moved.old.as_ref()
            && let Sent::Refused(why) = sent
        {
            *sent = Sent::Lost(std::mem::take(why));
        }
    }
}

/// What is known to be there now is noted as if it had been fetched: it was looked at before it was sent.
fn noted(repo: &Repo, remote: &RemoteId, pushed: &Pushed) -> anyhow::Result<()> {
    for (name, outcome) in &pushed.refs {
        let (Some((run, part)), Outcome::Sent | Outcome::There) = (part_of(name), outcome) else {
            continue;
        };
        let Some(own) = repo.refs().read(name)? else { continue };
        let copy = layout::fetched(remote, &run, part);
        let old = repo.refs().read(&copy)?;
        let forward = old.as_ref().is_none_or(|old| repo.is_ancestor(old, &own).unwrap_or(false));
        if forward && old.as_ref() != Some(&own) {
            repo.refs().compare_and_swap(&copy, old.as_ref(), Some(&own))?;
        }
    }
    Ok(())
}

/// All of them at once; where one is refused, each run for itself, so that it keeps no other one.
fn send(
    repo: &Repo,
    url: &str,
    moves: &[RefMove],
    known: &[Oid],
    allowed: &BTreeSet<String>,
) -> Result<BTreeMap<String, Sent>, NotSent> {
    let sent = share::send(repo, &share::clear(repo, url, moves.to_vec(), known, allowed)?)?;
    let mut groups: BTreeMap<&str, Vec<RefMove>> = BTreeMap::new();
    for moved in moves {
        let (group, _) = moved.name.rsplit_once('/').unwrap_or((&moved.name, ""));
        groups.entry(group).or_default().push(moved.clone());
    }
    if groups.len() < 2 || sent.values().all(|sent| *sent == Sent::Moved) {
        return Ok(sent);
    }
    let mut all = BTreeMap::new();
    for group in groups.into_values() {
        all.extend(share::send(repo, &share::clear(repo, url, group, known, allowed)?)?);
    }
    Ok(all)
}

/// What to send, and what is told without sending anything.
#[derive(Default)]
struct Plan {
    moves: Vec<RefMove>,
    told: BTreeMap<String, Outcome>,
    /// Something there has never come here.
    unknown: bool,
}

impl Plan {
    fn new(
        repo: &Repo,
        listing: &Listing,
        wanted: &Wanted,
        whole: &mut BTreeMap<Oid, Result<(), String>>,
    ) -> anyhow::Result<Self> {
        let mut plan = Self::default();
        for (run, tip) in catalog::runs(repo)? {
            if wanted.run.as_ref().is_some_and(|one| *one != run) {
                continue;
            }
            // What is there was looked at when it was sent, or when it came.
            if listing.part(&run, Part::Journal) == Some(&tip) {
                plan.run(repo, listing, wanted, &run)?;
                continue;
            }
            let proof = whole.entry(tip.clone()).or_insert_with(|| {
                let found = history::verify_at(repo, &run, tip.clone(), APPENDS_MAX);
                found.map(drop).map_err(|error| format!("{error:#}"))
            });
            if let Err(why) = proof {
                plan.told.insert(Part::Journal.at(&run), Outcome::NotWhole(why.clone()));
                continue;
            }
            plan.run(repo, listing, wanted, &run)?;
        }
        if let Some(own) = repo.refs().read(NOTES)?.filter(|_| wanted.run.is_none()) {
            plan.one(repo, listing, NOTES, own, listing.notes.as_ref())?;
        }
        Ok(plan)
    }

    fn run(
        &mut self,
        repo: &Repo,
        listing: &Listing,
        wanted: &Wanted,
        run: &RunId,
    ) -> anyhow::Result<()> {
        for part in wanted.parts() {
            let name = part.at(run);
            let Some(own) = repo.refs().read(&name)? else { continue };
            self.one(repo, listing, &name, own, listing.part(run, part))?;
            // A journal that stays takes what belongs to it along.
            if part == Part::Journal && matches!(self.told.get(&name), Some(Outcome::Left(_))) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn one(
        &mut self,
        repo: &Repo,
        listing: &Listing,
        name: &str,
        own: Oid,
        there: Option<&Oid>,
    ) -> anyhow::Result<()> {
        let mut tell = |outcome| drop(self.told.insert(name.to_owned(), outcome));
        if listing.symbolic.iter().any(|symbolic| symbolic == name) {
            tell(Outcome::Refused("it is another name of something else there".to_owned()));
            return Ok(());
        }
        match there {
            Some(there) if *there == own => tell(Outcome::There),
            Some(there) if !repo.has_object(there) => {
                self.unknown = true;
                tell(Outcome::Left("what is there did not come here".to_owned()));
            }
            Some(there) if !repo.is_ancestor(there, &own)? => {
                let why = format!("{} there is not in {} here", there.short(), own.short());
                tell(Outcome::Left(why));
            }
            there => self.moves.push(RefMove {
                name: name.to_owned(),
                old: there.cloned(),
                new: Some(own),
            }),
        }
        Ok(())
    }
}
