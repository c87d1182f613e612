//! What a rollback does to a run: it is halted, and its work goes on from where the checkpoint was
//! made. What was used up is never given back.

use std::cmp::Ordering;

use super::{Breaker, Refusal, Run, State};
use crate::domain::{
    event::{Cause, Event, Place, Rollback},
    id::{ItemId, Oid, StageId},
    item::{Phase, Progress},
};

impl Run {
    /// Where a rollback to a checkpoint that is made now would put the run. A run that is done has no
    /// next stage.
    #[must_use]
    pub fn place(&self) -> Place {
        if let Some((item, active)) = self.active_item().zip(self.active()) {
            return Place::At { item: item.id.clone(), stage: active.stage.clone() };
        }
        match self.items.iter().position(|item| item.progress == Progress::Pending) {
            Some(0) => Place::Start,
            Some(at) => {
                let item = self.items[at].id.clone();
                let stage = self.first_stage(&item).map(|shape| shape.id.clone());
                stage.map_or(Place::Unknown, |stage| Place::At { item, stage })
            }
            None => Place::Unknown,
        }
    }

    pub(super) fn roll_back(&mut self, event: &Event, back: &Rollback) -> Result<(), Refusal> {
        if let Some(why) = self.cannot_roll_back(&back.place) {
            return Err(self.refuse(event, &why));
        }
        if let Some(active) = self.active_mut() {
            active.committing = None;
        }
        // A run that was never on its branch does not stand on it now.
        if self.tree.is_some() {
            self.stand_at(&back.head, &back.tree);
        }
        match self.state {
            State::Ready | State::JackIn | State::ReadyForHitl | State::JackedOut => {}
            State::Running | State::Complete | State::Halted => {
                self.drop_lanes("the run was rolled back", |_| true);
                self.undo(&back.undone, &back.place);
                self.go_back_to(&back.place, &back.tree);
                self.begin_anew(&back.undone);
                // What was about to be delivered is gone.
                (self.delivery, self.delivering) = (None, false);
                self.overrides.clear();
                let reason = format!("rolled back to checkpoint {}", back.to);
                self.halt(&Cause::Asked { reason });
            }
        }
        Ok(())
    }

    /// Why a rollback could not be written down.
    #[must_use]
    pub fn cannot_roll_back(&self, place: &Place) -> Option<String> {
        // What a run that is over had begun is never ended any more.
        let over = self.state.is_over();
        if !over && self.active().is_some_and(|active| matches!(active.phase, Phase::Working(_))) {
            return Some("a stage is at work".into());
        }
        if !over && self.intent.is_some() {
            return Some("the refs of an intent are not settled".into());
        }
        let Place::At { item, stage } = place else { return None };
        if !self.items.iter().any(|known| known.id == *item) {
            return Some(format!("there is no item `{item}`"));
        }
        self.shape(stage).is_none().then(|| format!("there is no stage `{stage}`"))
    }

    fn go_back_to(&mut self, place: &Place, tree: &Oid) {
        match place {
            Place::Unknown => self.unsettle(),
            Place::Start => {
                self.items.iter_mut().for_each(|item| item.progress = Progress::Pending)
            }
            Place::At { item, stage } => self.go_back_to_stage(item, stage, tree),
        }
        // A trial is of a cycle that there was; it begins anew with the present one.
        if matches!(self.breaker, Breaker::HalfOpen { .. }) && *place != Place::Unknown {
            self.breaker = self.trial();
        }
    }

    /// What is not on the branch any more is done again; the item that is gone back to begins its next
    /// cycle by itself.
    fn undo(&mut self, undone: &[ItemId], place: &Place) {
        let here = |id: &ItemId| matches!(place, Place::At { item, .. } if item == id);
        let gone = |id: &ItemId| undone.contains(id) && !here(id);
        for item in self.items.iter_mut().filter(|item| gone(&item.id)) {
            if !matches!(item.progress, Progress::Inferred { .. }) {
                item.progress = Progress::Pending;
            }
        }
        self.to_verify.retain(|item| !gone(item));
        self.fixes.retain(|fix| !gone(&fix.item));
    }

    /// The item that is gone back to is held to what comes from now on, where its beginning is not on the
    /// branch any more.
    fn begin_anew(&mut self, undone: &[ItemId]) {
        for at in 0..self.items.len() {
            let started = self.started(at);
            let item = &mut self.items[at];
            if let (Progress::Active(active), true) =
                (&mut item.progress, undone.contains(&item.id))
            {
                (active.started, active.since) = (started, None);
                active.asides.clear();
            }
        }
    }

    /// What the stage at which the item stands had left may be gone.
    fn unsettle(&mut self) {
        if let Some(active) = self.active_mut() {
            active.unsettle();
        }
    }

    fn go_back_to_stage(&mut self, id: &ItemId, stage: &StageId, tree: &Oid) {
        let Some(at) = self.items.iter().position(|item| item.id == *id) else { return };
        // One item is at work, and what it may have proven once is not known any more: after an undo
        // the work goes on with the earlier one.
        let earlier = self.items[..at].iter().any(|i| matches!(i.progress, Progress::Active(_)));
        if earlier {
            self.unsettle();
        }
        let started = self.started(at);
        for (place, item) in self.items.iter_mut().enumerate() {
            match place.cmp(&at) {
                Ordering::Less => {}
                // All of its work is gone back to, and so is held to its scope anew.
                Ordering::Equal if !earlier => {
                    item.begin_again(stage, started.clone(), &started, tree);
                    if let Progress::Active(active) = &mut item.progress {
                        active.since = None;
                    }
                }
                Ordering::Equal | Ordering::Greater => item.progress = Progress::Pending,
            }
        }
    }

    /// Where the work of an item begins: behind what is done before it.
    pub(super) fn started(&self, at: usize) -> Oid {
        let done = self.items[..at].iter().rev().find_map(|item| match &item.progress {
            Progress::Done { head, .. } => Some(head),
            Progress::Pending
            | Progress::Active(_)
            | Progress::Paused(_)
            | Progress::Inferred { .. } => None,
        });
        done.unwrap_or(&self.charter.start).clone()
    }
}

#[cfg(test)]
mod tests;
