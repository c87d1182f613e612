//! What was assumed where the plan said nothing: counted over all of the run, and looked over every few
//! finished items. What is assumed again and again becomes a question to a person.

use super::{Refusal, Run};
use crate::domain::{
    event::{Cause, Event},
    item::Progress,
    queue::ASSUMPTIONS_MAX,
    workflow::Part,
};

/// Kinds of assumptions that are counted.
pub const ASSUMED_MAX: usize = 500;
/// Kinds that one scan asks about; the others wait for the next one.
pub const PROMOTED_MAX: usize = 20;
/// After how many finished items all that was assumed is looked over, where nothing else is set.
pub const SCAN_EVERY: u32 = 5;

/// What a look over all assumptions found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// How many items were finished then.
    pub finished: u32,
    /// What was assumed by then: how often in all, and of how many kinds.
    pub assumed: u32,
    pub kinds: u32,
    /// What a person is asked about.
    pub promoted: Vec<Promoted>,
}

/// What was assumed so often that somebody must decide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    pub kind: String,
    pub count: u32,
}

impl Run {
    /// The scan that is due, with what it finds. A run that began without them has none, and where
    /// nothing was assumed there is nothing to be looked over.
    #[must_use]
    pub fn scan_due(&self) -> Option<Scan> {
        let every = self.charter.scan_every.filter(|every| 0 < *every)?;
        let finished = self.finished();
        let last = self.scanned.as_ref().map_or(0, |scan| scan.finished);
        if self.assumed.is_empty() || finished / every <= last / every {
            return None;
        }
        let often = self.assumed.iter().filter(|(kind, count)| self.is_often(kind, **count));
        let promoted = often.take(PROMOTED_MAX);
        let promoted =
            promoted.map(|(kind, count)| Promoted { kind: kind.clone(), count: *count }).collect();
        let assumed = self.assumed.values().fold(0_u32, |sum, count| sum.saturating_add(*count));
        let kinds = u32::try_from(self.assumed.len()).unwrap_or(u32::MAX);
        Some(Scan { finished, assumed, kinds, promoted })
    }

    pub(super) fn scan(&mut self, event: &Event, scan: &Scan) -> Result<(), Refusal> {
        if self.active().is_some() {
            return Err(self.refuse(event, "an item is at work"));
        }
        if self.scan_due().as_ref() != Some(scan) {
            return Err(self.refuse(event, "that is not what was assumed, or nothing is due"));
        }
        for one in &scan.promoted {
            self.asked.insert(one.kind.clone(), one.count);
        }
        if let Some(why) = question(scan) {
            self.stop = Some(Cause::PersonNeeded { why });
        }
        self.scanned = Some(scan.clone());
        Ok(())
    }

    /// Counts what was assumed. Where it is one of a kind too many, a person is asked what is right.
    pub(super) fn assume(&mut self, kinds: &[String]) -> Option<Cause> {
        let (kind, count) = self.promoted(kinds)?;
        let why = format!(
            "`{kind}` was assumed {count} times by now; say what is right (git run fix, modify), or resume to let it stand"
        );
        Some(Cause::PersonNeeded { why })
    }

    /// The same for a lane. Runs of before the scans did not count it, and are read as they were.
    pub(super) fn assume_in_lane(&mut self, kinds: &[String]) -> Option<Cause> {
        self.charter.scan_every?;
        self.assume(kinds)
    }

    /// The kind of which there are too many for the first time, with how many there are.
    fn promoted(&mut self, kinds: &[String]) -> Option<(String, u32)> {
        let scans = self.charter.scan_every.is_some();
        let mut promoted = None;
        for kind in kinds {
            let Some(count) = self.count_assumed(kind) else { continue };
            let is_first = match scans {
                true => !self.asked.contains_key(kind) && self.is_often(kind, count),
                false => count as usize == ASSUMPTIONS_MAX,
            };
            // One question at a time; the next scan has the others.
            if !is_first || (scans && promoted.is_some()) {
                continue;
            }
            if scans {
                self.asked.insert(kind.clone(), count);
            }
            promoted = Some((kind.clone(), count));
        }
        promoted
    }

    fn count_assumed(&mut self, kind: &str) -> Option<u32> {
        if ASSUMED_MAX <= self.assumed.len() && !self.assumed.contains_key(kind) {
            return None;
        }
        let count = self.assumed.entry(kind.to_owned()).or_default();
        *count = count.saturating_add(1);
        Some(*count)
    }

    /// Whether there are too many since somebody was asked.
    fn is_often(&self, kind: &str, count: u32) -> bool {
        let before = self.asked.get(kind).copied().unwrap_or(0);
        ASSUMPTIONS_MAX <= count.saturating_sub(before) as usize
    }

    /// Finished items, but for what is done once for all of it.
    fn finished(&self) -> u32 {
        let is_finished = |progress: &Progress| match progress {
            Progress::Done { .. } | Progress::Inferred { .. } => true,
            Progress::Pending | Progress::Active(_) | Progress::Paused(_) => false,
        };
        let items = self.items.iter().filter(|item| self.part_of(&item.id) == Part::Items);
        let finished = items.filter(|item| is_finished(&item.progress)).count();
        u32::try_from(finished).unwrap_or(u32::MAX)
    }
}

/// What a person is asked; nothing where nothing was promoted.
fn question(scan: &Scan) -> Option<String> {
    let often: Vec<String> =
        scan.promoted.iter().map(|one| format!("`{}` {} times", one.kind, one.count)).collect();
    (!often.is_empty()).then(|| {
        format!(
            "after {} finished items, {} was assumed by now; say what is right (git run fix, modify), or resume to let it stand",
            scan.finished,
            often.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
