//! Finished items that are looked at, or worked on, again: because files that they own were changed
//! since, or because something was found in them. What was used up is never given back.

use super::{Breaker, Refusal, Run, State};
use crate::domain::{
    event::{Cause, Event},
    fix::{Fix, FixId},
    id::ItemId,
    item::Progress,
    workflow::{Duty, Part},
};

/// Findings that wait for a builder, over all items.
pub const FIXES_MAX: usize = 200;
/// Fixes that were given to a builder and are remembered by their numbers.
pub const TAKEN_UP_MAX: usize = 200;

impl Run {
    /// Finished items whose files somebody changed since are verified again.
    pub(super) fn reverify(&mut self, event: &Event, items: &[ItemId]) -> Result<(), Refusal> {
        if self.active().is_some() {
            return Err(self.refuse(event, "an item is at work"));
        }
        if let Some(odd) = items.iter().find(|item| !self.is_done(item)) {
            return Err(self.refuse(event, &format!("`{odd}` is not finished")));
        }
        for item in items {
            if !self.to_verify.contains(item) {
                self.to_verify.push(item.clone());
            }
        }
        Ok(())
    }

    /// Why nothing that was done can be opened again while the run stands still.
    pub(super) fn may_go_on(&self) -> Result<(), String> {
        match self.state {
            State::Halted => Ok(()),
            State::Complete | State::ReadyForHitl | State::JackedOut if self.delivering => {
                Err("its delivery began, and has not ended".to_owned())
            }
            State::Complete => Ok(()),
            State::ReadyForHitl | State::JackedOut if self.intent.is_some() => {
                Err("refs of it are on their way".to_owned())
            }
            State::ReadyForHitl | State::JackedOut if self.all_done() => Ok(()),
            State::ReadyForHitl | State::JackedOut => {
                Err("the run was given up before all of it was done".to_owned())
            }
            State::Ready | State::JackIn | State::Running => {
                Err(format!("the run is {}", self.state.word()))
            }
        }
    }

    /// What was done is done; a run that was at its end goes on behind it, on the same branch.
    pub(super) fn open_again(&mut self, why: String) {
        (self.delivery, self.delivering) = (None, false);
        self.overrides.clear();
        if self.state == State::Complete || self.state.is_over() {
            self.halt(&Cause::Asked { reason: why });
        }
    }

    /// Why nothing can be mended there.
    pub fn may_fix(&self, asked: &Fix) -> Result<(), String> {
        let item = &asked.item;
        let same = |fix: &Fix| fix.item == *item && fix.fingerprint() == asked.fingerprint();
        if self.state != State::Running {
            self.may_go_on()?;
        }
        if !self.items.iter().any(|known| known.id == *item) {
            return Err(format!("there is no item `{item}`"));
        }
        if !self.is_done(item) {
            return Err(format!("`{item}` is not finished"));
        }
        if self.builder_of(item).is_none() {
            return Err(format!("no stage of `{item}` builds"));
        }
        if self.fixes.iter().any(same) {
            return Err(format!("the same is to be mended in `{item}` already"));
        }
        if FIXES_MAX <= self.fixes.len() {
            return Err(format!("{FIXES_MAX} findings wait to be mended, which is the most"));
        }
        if let Some(id) = asked.id.filter(|id| self.fix_numbers().any(|taken| taken == *id)) {
            return Err(format!("there is a `{id}` already"));
        }
        Ok(())
    }

    /// The numbers that fixes of this run have.
    pub fn fix_numbers(&self) -> impl Iterator<Item = FixId> {
        let asked = self.fixes.iter().chain(&self.taken_up).filter_map(|fix| fix.id);
        asked.chain(self.items.iter().filter_map(|item| FixId::parse(item.id.as_str())))
    }

    pub(super) fn ask_fix(&mut self, event: &Event, fix: &Fix) -> Result<(), Refusal> {
        self.may_fix(fix).map_err(|why| self.refuse(event, &why))?;
        self.fixes.push(fix.clone());
        self.open_again(format!("{} is to be mended", fix.item));
        Ok(())
    }

    /// Finished items in which something is to be mended come before any that was not begun.
    pub(super) fn mend_next(&mut self) {
        if self.active().is_some() || self.state.is_over() {
            return;
        }
        let (Some(tree), Some(first)) = (self.tree.clone(), self.fixes.first()) else { return };
        let item = first.item.clone();
        let (own, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.fixes).into_iter().partition(|fix| fix.item == item);
        self.fixes = rest;
        let place = self.items.iter().position(|known| known.id == item);
        let (Some(place), Some(stage), true) = (place, self.builder_of(&item), self.is_done(&item))
        else {
            return;
        };
        self.to_verify.retain(|waiting| *waiting != item);
        let (started, head) = (self.started(place), self.head.clone());
        self.items[place].begin_again(&stage, started, &head, &tree);
        if let Progress::Active(active) = &mut self.items[place].progress {
            active.findings = own.iter().map(|fix| fix.finding.clone()).collect();
        }
        self.taken_up.extend(own.into_iter().filter(|fix| fix.id.is_some()));
        let forgotten = self.taken_up.len().saturating_sub(TAKEN_UP_MAX);
        self.taken_up.drain(..forgotten);
        if matches!(self.breaker, Breaker::HalfOpen { .. }) {
            self.breaker = self.trial();
        }
    }

    /// What is done once for all of it has not seen what was changed after it.
    pub(super) fn forget_closing(&mut self) {
        let tree = self.tree.clone();
        let stages = &self.charter.stages;
        for item in &mut self.items {
            let closing = Part::of(&item.id, stages) == Part::Closing;
            if let (Progress::Done { tree: seen, .. }, true) = (&item.progress, closing)
                && Some(seen) != tree.as_ref()
            {
                item.progress = Progress::Pending;
            }
        }
    }

    fn is_done(&self, item: &ItemId) -> bool {
        let found = self.items.iter().find(|known| known.id == *item);
        found.is_some_and(|found| matches!(found.progress, Progress::Done { .. }))
    }

    fn builder_of(&self, item: &ItemId) -> Option<crate::domain::id::StageId> {
        let part = self.part_of(item);
        let mut stages = self.charter.stages.iter();
        let first = stages
            .find(|shape| shape.part == part && shape.duty == Duty::Build && shape.is_taken());
        first.map(|shape| shape.id.clone())
    }
}

#[cfg(test)]
mod tests;
