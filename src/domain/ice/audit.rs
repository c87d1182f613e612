//! What the refs of a remote did, beside the receipts: every movement that had none is named.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::Motion;
use crate::domain::{
    event::RefMove,
    id::{Oid, RunId},
    time::Timestamp,
};

/// Where the refs of a remote were at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub at: Timestamp,
    pub refs: BTreeMap<String, Oid>,
    /// Whether refs that it does not name were not there. What a clone remembers of a remote may be
    /// less than there is.
    pub whole: bool,
}

/// A movement that this clone wrote down while it pushed or fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub moved: RefMove,
    pub at: Timestamp,
    pub pushed: bool,
}

/// Everything that is known of one remote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Oldest first; the last one is the present.
    pub sightings: Vec<Sighting>,
    pub receipts: Vec<RefMove>,
    pub noted: Vec<Noted>,
}

/// Something that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub moved: RefMove,
    /// Seen between these two times.
    pub after: Timestamp,
    pub before: Timestamp,
    pub receipt: bool,
    /// It was pushed from this clone, as its own log says.
    pub pushed_here: bool,
}

/// One remote, and what its refs did since they were first seen.
#[derive(Debug)]
pub struct Remote {
    pub name: String,
    pub url: String,
    pub refs: usize,
    pub since: Option<Timestamp>,
    pub movements: Vec<Told>,
}

/// A movement, with what can be said of it.
#[derive(Debug)]
pub struct Told {
    pub movement: Movement,
    pub motion: Motion,
    pub protected: bool,
    pub commits: Option<u32>,
    pub authors: Vec<String>,
    /// Runs that say in its commits that they are theirs.
    pub runs: Vec<RunId>,
}

/// Every movement since the first sighting, each once, in the order of their times.
#[must_use]
pub fn movements(evidence: &Evidence) -> Vec<Movement> {
    let Some(first) = evidence.sightings.first() else { return Vec::new() };
    let cleared = Ways::of(evidence.receipts.iter());
    let mut found: Vec<Movement> = Vec::new();
    let mut add = |movement: Movement| {
        let known = found.iter_mut().find(|known| known.moved == movement.moved);
        match known {
            Some(known) => known.pushed_here |= movement.pushed_here,
            None => found.push(movement),
        }
    };
    let noted: Vec<_> = evidence.noted.iter().filter(|noted| first.at <= noted.at).collect();
    for noted in &noted {
        add(Movement {
            moved: noted.moved.clone(),
            after: noted.at,
            before: noted.at,
            receipt: cleared.lead(&noted.moved),
            pushed_here: noted.pushed,
        });
    }
    let known = Ways::of(evidence.receipts.iter().chain(noted.iter().map(|noted| &noted.moved)));
    for pair in evidence.sightings.windows(2) {
        let [then, now] = pair else { continue };
        for moved in differences(then, now) {
            let receipt = cleared.lead(&moved);
            // Steps that are known one by one are judged one by one.
            if receipt || !known.lead(&moved) {
                add(Movement {
                    moved,
                    after: then.at,
                    before: now.at,
                    receipt,
                    pushed_here: false,
                });
            }
        }
    }
    found.sort_by_key(|movement| (movement.before, movement.moved.name.clone()));
    found
}

fn differences(then: &Sighting, now: &Sighting) -> Vec<RefMove> {
    let names: BTreeSet<&String> = then.refs.keys().chain(now.refs.keys()).collect();
    let differs = |name: &String| {
        let (old, new) = (then.refs.get(name), now.refs.get(name));
        let said = old.is_some() || then.whole;
        let still_said = new.is_some() || now.whole;
        (old != new && said && still_said).then(|| RefMove {
            name: name.clone(),
            old: old.cloned(),
            new: new.cloned(),
        })
    };
    names.into_iter().filter_map(differs).collect()
}

/// Where each ref may get to, step by step.
struct Ways<'a>(BTreeMap<(&'a str, Option<&'a Oid>), Vec<Option<&'a Oid>>>);

impl<'a> Ways<'a> {
    fn of(moves: impl Iterator<Item = &'a RefMove>) -> Self {
        let mut ways: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for one in moves {
            ways.entry((one.name.as_str(), one.old.as_ref())).or_default().push(one.new.as_ref());
        }
        Self(ways)
    }

    /// Whether the steps lead from the old place to the new one.
    fn lead(&self, moved: &'a RefMove) -> bool {
        let mut seen = BTreeSet::from([moved.old.as_ref()]);
        let mut next = vec![moved.old.as_ref()];
        while let Some(at) = next.pop() {
            for to in self.0.get(&(moved.name.as_str(), at)).into_iter().flatten() {
                if *to == moved.new.as_ref() {
                    return true;
                }
                if seen.insert(*to) {
                    next.push(*to);
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;
