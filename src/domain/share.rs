//! Runs between machines: what a remote's list of refs says, how two journals stand to each other, and
//! which of them may go where.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    event::Event,
    ice::server::Leaf,
    id::{Oid, RunId},
};

/// New refs that one fetch brings; more are counted, and come with the next one.
pub const NEW_REFS_MAX: usize = 2000;
/// Refs of runs that one remote's list may have; what is beyond is only counted.
pub const LISTED_MAX: usize = 100_000;
/// Refs that one push sends, as many as a server with our hooks takes at once.
pub const SENT_MAX: usize = 400;
/// How often a race that was lost is run again.
pub const ROUNDS_MAX: u32 = 4;

const RUNS: &str = "refs/run/";
const NOTES: &str = "refs/notes/run";

/// What of a run travels. Verdicts stay where they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Journal,
    Lease,
    Checkpoints,
    Transcripts,
}

impl Part {
    pub const ALL: [Self; 4] = [Self::Journal, Self::Lease, Self::Checkpoints, Self::Transcripts];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Lease => "lease",
            Self::Checkpoints => "checkpoints",
            Self::Transcripts => "transcripts",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }

    /// What stands beside a journal.
    #[must_use]
    pub fn leaf(self) -> Option<Leaf> {
        match self {
            Self::Journal => None,
            Self::Lease => Some(Leaf::Lease),
            Self::Checkpoints => Some(Leaf::Checkpoints),
            Self::Transcripts => Some(Leaf::Transcripts),
        }
    }

    #[must_use]
    pub fn at(self, run: &RunId) -> String {
        format!("{RUNS}{run}/{}", self.word())
    }
}

/// The part of a run that a full name means; nothing for any other name.
#[must_use]
pub fn part_of(name: &str) -> Option<(RunId, Part)> {
    let (run, leaf) = name.strip_prefix(RUNS)?.split_once('/')?;
    Some((RunId::parse(run).ok()?, Part::parse(leaf)?))
}

/// What a remote has of runs, as far as it can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    pub parts: BTreeMap<(RunId, Part), Oid>,
    pub notes: Option<Oid>,
    /// Names that lead to other names: whatever is sent there ends elsewhere.
    pub symbolic: Vec<String>,
    /// Names below `refs/run/` that are none of ours, or the second one of two that differ in case
    /// alone, or beyond what is listed.
    pub passed_over: usize,
}

impl Listing {
    /// Lines of `git ls-remote --symref`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut listing = Self::default();
        let mut folded = BTreeMap::new();
        for (id, name) in text.lines().filter_map(|line| line.split_once('\t')) {
            let of_runs = name.starts_with(RUNS) || name == NOTES;
            if let Some(target) = id.strip_prefix("ref: ") {
                if of_runs && target != name && listing.symbolic.len() < LISTED_MAX {
                    listing.symbolic.push(name.to_owned());
                }
                continue;
            }
            let Ok(id) = Oid::parse(id) else { continue };
            match part_of(name) {
                _ if name == NOTES => listing.notes = Some(id),
                Some((run, part)) if listing.parts.len() < LISTED_MAX => {
                    let fold = run.as_str().to_ascii_lowercase();
                    let first = folded.entry(fold).or_insert_with(|| run.clone());
                    if *first == run {
                        listing.parts.insert((run, part), id);
                    } else {
                        listing.passed_over += 1;
                    }
                }
                // What was decided there stays there.
                None if name.ends_with("/verdicts") => {}
                _ if of_runs => listing.passed_over += 1,
                _ => {}
            }
        }
        let symbolic: BTreeSet<_> = listing.symbolic.iter().cloned().collect();
        listing.parts.retain(|(run, part), _| !symbolic.contains(&part.at(run)));
        if symbolic.contains(NOTES) {
            listing.notes = None;
        }
        listing
    }

    #[must_use]
    pub fn part(&self, run: &RunId, part: Part) -> Option<&Oid> {
        self.parts.get(&(run.clone(), part))
    }
}

/// How the journal here stands to the one there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    OnlyHere,
    OnlyThere,
    Same,
    /// This one has so many appends more.
    Ahead(u64),
    Behind(u64),
    Diverged {
        here: u64,
        there: u64,
    },
    /// What is there does not verify, and is used for nothing.
    Quarantined(String),
}

impl Stand {
    /// Of two that are both there, by what each has that the other one has not.
    #[must_use]
    pub fn of(here: u64, there: u64) -> Self {
        match (here, there) {
            (0, 0) => Self::Same,
            (here, 0) => Self::Ahead(here),
            (0, there) => Self::Behind(there),
            (here, there) => Self::Diverged { here, there },
        }
    }

    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::OnlyHere => "only-here",
            Self::OnlyThere => "only-there",
            Self::Same => "same",
            Self::Ahead(_) => "ahead",
            Self::Behind(_) => "behind",
            Self::Diverged { .. } => "diverged",
            Self::Quarantined(_) => "quarantined",
        }
    }
}

/// Whether an event that another machine appended may be taken into a run's own journal without a
/// person: it says nothing of the work, and so opens no gate.
#[must_use]
pub fn is_neutral(event: &Event) -> bool {
    matches!(
        event,
        Event::HaltRequested { .. } | Event::Remarked { .. } | Event::CheckpointMade { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn of_a_remotes_list_only_the_names_that_are_ours_count() {
        let text = format!(
            "{A}\trefs/run/r1/journal\n{A}\trefs/run/r1/lease\n{A}\trefs/run/r1/verdicts\n\
             {A}\trefs/run/R1/journal\n{A}\trefs/run/r1\n{A}\trefs/run/a/b/journal\n\
             {A}\trefs/run/-x/journal\n{A}\trefs/run/r2/other\n{A}\trefs/notes/run\n\
             {A}\tx/refs/notes/run\nnothing\n{A}x\trefs/run/r3/journal\n\
             ref: refs/heads/main\trefs/run/r4/journal\n{A}\trefs/run/r4/journal\n"
        );
        let listing = Listing::parse(&text);
        let names: Vec<_> = listing.parts.keys().map(|(run, part)| part.at(run)).collect();
        assert_eq!(names, ["refs/run/r1/journal", "refs/run/r1/lease"]);
        assert_eq!(listing.symbolic, ["refs/run/r4/journal"]);
        assert_eq!(listing.passed_over, 5);
        assert!(listing.notes.is_some());
    }

    #[test]
    fn two_journals_stand_as_what_each_has_more() {
        for (here, there, expected) in
            [(0, 0, "same"), (2, 0, "ahead"), (0, 3, "behind"), (1, 1, "diverged")]
        {
            assert_eq!(Stand::of(here, there).word(), expected);
        }
    }
}
