//! What was found out about a run from the repository, and what a person said of it. What was used up
//! is never given back, and nothing here counts as judged.

use super::{Breaker, Refusal, Run, State};
use crate::domain::{
    event::{Answer, Answered, Cause, Event, Inference, Reconciled},
    id::{Oid, StageId},
    item::Progress,
    reconcile::{self, Strength},
    time::Timestamp,
};

impl Run {
    pub(super) fn reconcile(
        &mut self,
        event: &Event,
        of: &Reconciled,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if let Some(why) = reconcile::cannot_apply(self, &of.answers) {
            return Err(self.refuse(event, &why));
        }
        let named = of.items.iter().map(|one| &one.item);
        for item in named.chain(of.answers.iter().map(|one| &one.item)) {
            if !self.items.iter().any(|known| known.id == *item) {
                return Err(self.refuse(event, &format!("there is no item `{item}`")));
            }
        }
        // Only whoever takes over what the plan says knows what is asked for no more.
        if of.items.iter().any(|one| one.strength == Strength::Superseded) {
            return Err(self.refuse(event, "nothing that is found supersedes an item"));
        }
        let active = |run: &Self| run.active_item().map(|item| item.id.clone());
        let was_active = active(self);
        let again = of.answers.iter().any(|one| one.answer == Answer::ReVerify);
        for inference in &of.items {
            self.infer(inference, of, at);
        }
        for answered in &of.answers {
            self.answer(answered, of, at);
        }
        // A trial is of a cycle that there was; it begins anew with the present one.
        let moved = again || was_active != active(self);
        if moved && matches!(self.breaker, Breaker::HalfOpen { .. }) {
            self.breaker = self.trial();
        }
        // Where an item is at work the loop sees for itself what others committed.
        if self.tree.is_some() && self.active().is_none() {
            self.stand_at(&of.head, &of.tree);
        }
        self.reconciled = Some(of.head.clone());
        Ok(())
    }

    fn infer(&mut self, inference: &Inference, of: &Reconciled, at: Timestamp) {
        // Older journals mean the last one of the list.
        let last = [Some(self.items.len().saturating_sub(1)), self.latest()];
        let found = self.items.iter_mut().enumerate().find(|(_, item)| item.id == inference.item);
        let Some((place, item)) = found else { return };
        match &mut item.progress {
            // The very tree that the judges passed, under another commit.
            Progress::Done { head, tree, .. }
                if last.contains(&Some(place)) && *tree == of.tree =>
            {
                *head = of.head.clone();
            }
            Progress::Done { .. } => {}
            Progress::Pending
            | Progress::Active(_)
            | Progress::Paused(_)
            | Progress::Inferred { .. } => {
                item.progress = inferred(&item.progress, inference.strength, of, at);
            }
        }
    }

    fn answer(&mut self, answered: &Answered, of: &Reconciled, at: Timestamp) {
        let Some(place) = self.items.iter().position(|item| item.id == answered.item) else {
            return;
        };
        let judge = self.first_judge(&answered.item);
        let item = &mut self.items[place];
        match (answered.answer, &item.progress) {
            (Answer::ReVerify, _) => {
                if let Some(judge) = judge {
                    self.verify_again(place, &judge, &of.tree);
                }
            }
            // What was judged stays judged: only that it was looked at is written down.
            (Answer::Trust, Progress::Done { .. }) => {}
            (Answer::Trust, progress) => {
                item.progress = inferred(progress, Strength::Trusted, of, at);
            }
            (Answer::ExternallyManaged, progress) => {
                item.progress = inferred(progress, Strength::Managed, of, at);
            }
        }
    }

    pub(super) fn verify_again(&mut self, place: usize, judge: &StageId, tree: &Oid) {
        let (started, head) = (self.started(place), self.head.clone());
        self.items[place].begin_again(judge, started, &head, tree);
        let id = &self.items[place].id;
        let reason = format!("{id} is to be verified again");
        (self.delivery, self.delivering) = (None, false);
        self.overrides.clear();
        if self.state == State::Complete {
            self.halt(&Cause::Asked { reason });
        }
    }
}

fn inferred(progress: &Progress, strength: Strength, of: &Reconciled, at: Timestamp) -> Progress {
    let cycles = match progress {
        Progress::Pending => 0,
        Progress::Active(active) | Progress::Paused(active) => active.cycle,
        Progress::Done { cycles, .. } | Progress::Inferred { cycles, .. } => *cycles,
    };
    Progress::Inferred { strength, head: of.head.clone(), tree: of.tree.clone(), cycles, at }
}

#[cfg(test)]
mod tests;
