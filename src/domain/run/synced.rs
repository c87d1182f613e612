//! What the documents say now, taken over by a person: what an item asks for changes, or nobody asks
//! for it any more. What was used up is never given back.

use super::{Breaker, Refusal, Run};
use crate::domain::{
    drift::Follows,
    event::{Envelope, Event, PlanSynced, SyncedItem},
    id::{Digest, ItemId},
    item::Progress,
    reconcile::{self, Strength},
    source::Document,
    time::Timestamp,
};

/// The plan as it was last taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    pub path: String,
    pub plan_digest: Digest,
    pub documents: Vec<Document>,
    pub person: String,
    pub at: Timestamp,
}

/// Why the documents cannot be taken over now.
#[must_use]
pub fn cannot_sync(run: &Run) -> Option<String> {
    if run.state.is_over() {
        return Some("it is over; start a new one".to_owned());
    }
    reconcile::cannot_apply(run, &[])
}

impl Run {
    /// Where in the journal the plan stands that counts.
    #[must_use]
    pub fn plan_path(&self) -> &str {
        self.synced.as_ref().map_or("plan.json", |synced| &synced.path)
    }

    /// Of everything that it is asked for.
    #[must_use]
    pub fn plan_digest(&self) -> &Digest {
        self.synced.as_ref().map_or(&self.charter.plan_digest, |synced| &synced.plan_digest)
    }

    /// The documents that its plan comes from, as they were.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        self.synced.as_ref().map_or(&self.charter.documents, |synced| &synced.documents)
    }

    pub(super) fn sync_plan(
        &mut self,
        envelope: &Envelope,
        event: &Event,
        of: &PlanSynced,
    ) -> Result<(), Refusal> {
        if let Some(why) = cannot_sync(self) {
            return Err(self.refuse(event, &why));
        }
        for one in &of.items {
            let known = self.items.iter().find(|item| item.id == one.item);
            let fits = known.is_some_and(|item| match one.follows {
                Follows::Supersede => item.progress == Progress::Pending,
                Follows::ReVerify => is_finished(&item.progress),
                Follows::Update
                | Follows::Rename
                | Follows::Flag
                | Follows::Look
                | Follows::Nothing => false,
            });
            if !fits {
                let (item, follows) = (&one.item, one.follows.word());
                return Err(self.refuse(event, &format!("`{item}` is in no state for {follows}")));
            }
        }
        let (head, tree) = (self.head.clone(), self.tree.clone());
        for SyncedItem { item, follows } in &of.items {
            let Some(found) = self.items.iter_mut().find(|known| known.id == *item) else {
                continue;
            };
            match (follows, &tree) {
                (Follows::Supersede, Some(tree)) => {
                    let (strength, head, tree) = (Strength::Superseded, head.clone(), tree.clone());
                    let at = envelope.at;
                    found.progress = Progress::Inferred { strength, head, tree, cycles: 0, at };
                }
                _ if !self.to_verify.contains(item) => self.to_verify.push(item.clone()),
                _ => {}
            }
        }
        // It was built for what the plan said then.
        self.drop_lanes("the plan says another thing by now", |_| true);
        self.synced = Some(Synced {
            path: of.path.clone(),
            plan_digest: of.plan_digest.clone(),
            documents: of.documents.clone(),
            person: envelope.actor.person.clone(),
            at: envelope.at,
        });
        if !self.to_verify.is_empty() {
            (self.delivery, self.delivering) = (None, false);
            self.overrides.clear();
        }
        Ok(())
    }

    /// Items are verified one at a time: the next of those that wait, as soon as none is at work.
    pub(super) fn verify_next(&mut self) {
        if self.to_verify.is_empty() || self.active().is_some() || self.state.is_over() {
            return;
        }
        let Some(tree) = self.tree.clone() else { return self.to_verify.clear() };
        while !self.to_verify.is_empty() {
            let next = self.to_verify.remove(0);
            let place = self.items.iter().position(|item| item.id == next);
            // What was rolled back meanwhile is judged in any case.
            let finished = |at: &usize| is_finished(&self.items[*at].progress);
            let judge = self.first_judge(&next);
            if let Some((place, judge)) = place.filter(finished).zip(judge) {
                self.verify_again(place, &judge, &tree);
                // A trial is of a cycle that there was; it begins anew with the present one.
                if matches!(self.breaker, Breaker::HalfOpen { .. }) {
                    self.breaker = self.trial();
                }
                return;
            }
        }
    }

    /// Whether it was finished for other words than those that count now.
    pub(super) fn waits_for_judges(&self, item: &ItemId) -> bool {
        self.to_verify.contains(item)
    }
}

fn is_finished(progress: &Progress) -> bool {
    match progress {
        Progress::Done { .. } => true,
        Progress::Inferred { strength, .. } => {
            !matches!(strength, Strength::Trusted | Strength::Managed | Strength::Superseded)
        }
        Progress::Pending | Progress::Active(_) | Progress::Paused(_) => false,
    }
}

#[cfg(test)]
mod tests;
