//! What a person says of a run: their word on what waits for it, and what they let be done again. A
//! stage that something is missing for is passed over here as well.

use super::{Refusal, Run, State};
use crate::domain::{
    event::{Approval, Asked, Cause, Envelope, Event, PaperRef, Word},
    gate::Gate,
    id::{ItemId, Oid, StageId},
    item::{Phase, Progress},
    time::Timestamp,
    workflow::{Duty, Missing, Need, Part, StageShape},
};

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    pub gate: Gate,
    /// The commit and tree that the word is asked for; nothing for an item that is paused while the
    /// others go on.
    pub at: Option<(Oid, Oid)>,
    pub until: Option<Timestamp>,
    pub why: Option<String>,
    pub since: Option<Timestamp>,
    /// The papers that it is about.
    pub papers: Vec<PaperRef>,
}

impl Run {
    /// Everything that waits for a person, in the order of the items.
    #[must_use]
    pub fn waits(&self) -> Vec<Waits> {
        if self.state.is_over() {
            return Vec::new();
        }
        let waits = self.items.iter().filter_map(|item| {
            let (Progress::Active(active) | Progress::Paused(active)) = &item.progress else {
                return None;
            };
            let Phase::Waiting(waiting) = &active.phase else { return None };
            Some(Waits {
                gate: Gate { item: item.id.clone(), stage: active.stage.clone() },
                at: waiting.at.clone(),
                until: waiting.until,
                why: waiting.why.clone(),
                since: waiting.since,
                papers: self.papers_about(&item.id, &active.stage),
            })
        });
        waits.collect()
    }

    /// What there is to read before a word is said at this stage: what it needs, else all that was
    /// handed in.
    fn papers_about(&self, item: &ItemId, stage: &StageId) -> Vec<PaperRef> {
        let needs = self.shape(stage).map_or(&[][..], |shape| &shape.needs);
        let named: Vec<_> = needs
            .iter()
            .filter_map(|need| match need {
                Need::Paper(name) => self.paper(item, name).cloned(),
                Need::File(_) => None,
            })
            .collect();
        if named.is_empty() { self.papers_for(item) } else { named }
    }

    pub(super) fn ask(&mut self, event: &Event, asked: &Asked) -> Result<(), Refusal> {
        let human = self.shape(&asked.stage).is_some_and(|shape| shape.duty == Duty::Human);
        let here = self.active_item().is_some_and(|item| item.id == asked.item);
        let stands = asked.head == self.head && Some(&asked.tree) == self.tree.as_ref();
        let active = self.active_for(event)?;
        let fits = match active.phase {
            Phase::Ready => human && active.committing.is_none(),
            Phase::Waiting(_) => true,
            Phase::Working(_) | Phase::Uncommitted { .. } | Phase::Passed => false,
        };
        if !fits || !here || !stands || active.stage != asked.stage {
            return Err(self.refuse(event, "no person's word is needed here"));
        }
        active.ask(asked);
        Ok(())
    }

    pub(super) fn skip_stage(
        &mut self,
        event: &Event,
        item: &ItemId,
        stage: &StageId,
    ) -> Result<(), Refusal> {
        let stages = self.charter.stages.clone();
        let may = self.shape(stage).is_some_and(|shape| shape.missing == Missing::Skip);
        let here = self.active_item().is_some_and(|active| active.id == *item);
        let active = self.active_for(event)?;
        if !may || !here || active.phase != Phase::Ready || active.stage != *stage {
            return Err(self.refuse(event, &format!("`{stage}` may not be passed over")));
        }
        active.skip(stage, &stages);
        Ok(())
    }

    /// A person's word: on the stage at which the run waits, or on an item that was paused.
    pub(super) fn approve(&mut self, envelope: &Envelope, of: &Approval) -> Result<(), Refusal> {
        let (event, at) = (&envelope.event, envelope.at);
        if let Err(why) = self.may_answer(of, at) {
            return Err(self.refuse(event, &why));
        }
        let stages = self.charter.stages.clone();
        let Some(shape) = stages.iter().find(|shape| shape.id == of.stage) else {
            return Err(self.refuse(event, "there is no such stage"));
        };
        let Some(item) = self.items.iter_mut().find(|item| item.id == of.item) else {
            return Err(self.refuse(event, "there is no such item"));
        };
        if let Progress::Active(active) | Progress::Paused(active) = &mut item.progress {
            active.answer(of, &envelope.actor.person, shape, &stages);
        }
        if self.state != State::Halted {
            return Ok(());
        }
        if of.word == Word::Reject {
            let (item, stage) = (of.item.clone(), of.stage.clone());
            self.halt = Some(Cause::Rejected { item, stage, why: of.text.clone() });
        } else {
            self.halt = Some(Cause::Asked { reason: format!("`{}` was answered", of.stage) });
        }
        Ok(())
    }

    /// Why a person's word would count for nothing.
    pub fn may_answer(&self, of: &Approval, at: Timestamp) -> Result<(), String> {
        let item = self.items.iter().find(|item| item.id == of.item);
        let item = item.ok_or_else(|| format!("there is no item `{}`", of.item))?;
        let paused = matches!(item.progress, Progress::Paused(_));
        if self.state != State::Halted && !(paused && self.state == State::Running) {
            return Err("nobody waits for an answer".into());
        }
        let (Progress::Active(active) | Progress::Paused(active)) = &item.progress else {
            return Err(format!("`{}` waits for nobody", of.item));
        };
        let Phase::Waiting(waiting) = &active.phase else {
            return Err(format!("`{}` waits for nobody", of.item));
        };
        if active.stage != of.stage {
            return Err(format!("`{}` waits at `{}`", of.item, active.stage));
        }
        if let Some((head, tree)) = &waiting.at
            && (*head != of.head || *tree != of.tree || *head != self.head)
        {
            return Err(format!("the word is asked for commit {}", head.short()));
        }
        if waiting.until.is_some_and(|until| until <= at) {
            return Err("the time for an answer is over; `git run resume` asks again".into());
        }
        let shape = self.shape(&of.stage);
        let back = shape.is_some_and(|shape| shape.back_to.is_some()) || waiting.at.is_none();
        if of.word == Word::Modify && !back {
            return Err(format!("`{}` sends nothing back; approve it or reject it", of.stage));
        }
        match &of.skip {
            None => Ok(()),
            Some(_) if of.word != Word::Approve => {
                Err("only who approves can leave out more".into())
            }
            Some(skip) => match self.shape(skip) {
                Some(shape) if shape.optional && shape.is_walked() => Ok(()),
                _ => Err(format!("`{skip}` is no optional stage of this run")),
            },
        }
    }

    /// Why an item cannot be done again from that stage on.
    pub fn may_reopen(&self, id: &ItemId, stage: &StageId) -> Result<(), String> {
        self.may_go_on()?;
        let at = |id: &StageId| self.charter.stages.iter().position(|shape| shape.id == *id);
        let shape = self.shape(stage).filter(|shape| shape.is_taken());
        let shape = shape.ok_or_else(|| format!("this run has no stage `{stage}`"))?;
        if shape.part != self.part_of(id) {
            return Err(format!("`{stage}` is no stage of `{id}`"));
        }
        let item = self.items.iter().find(|item| item.id == *id);
        let item = item.ok_or_else(|| format!("there is no item `{id}`"))?;
        // Whatever else is at work makes room, and is judged for what it will then stand on.
        let busy = self.active().is_some_and(|active| {
            matches!(active.phase, Phase::Working(_) | Phase::Uncommitted { .. })
                || active.committing.is_some()
        });
        match &item.progress {
            _ if self.tree.is_none() => Err("the run was never on its branch".to_owned()),
            _ if busy => Err("a stage is at work, or what it left is not committed".to_owned()),
            Progress::Active(active) if at(&active.stage) < at(stage) => {
                Err(format!("`{id}` has not come to `{stage}` yet"))
            }
            Progress::Active(_) | Progress::Done { .. } | Progress::Inferred { .. } => Ok(()),
            Progress::Pending | Progress::Paused(_) => Err(format!("`{id}` was not begun")),
        }
    }

    /// A person lets an item be done again from a stage on. What was passed before it stays.
    pub(super) fn reopen_stage(
        &mut self,
        event: &Event,
        id: &ItemId,
        stage: &StageId,
    ) -> Result<(), Refusal> {
        self.may_reopen(id, stage).map_err(|why| self.refuse(event, &why))?;
        let (stages, part) = (self.charter.stages.clone(), self.part_of(id));
        let place = self.items.iter().position(|item| item.id == *id);
        let Some((place, tree)) = place.zip(self.tree.clone()) else { return Ok(()) };
        let started = self.started(place);
        let (head, asides) = (self.head.clone(), self.charter.tells_asides());
        for other in self.items.iter_mut().filter(|other| other.id != *id) {
            if let Progress::Active(active) = &mut other.progress {
                active.phase = Phase::Ready;
                active.park(&head, asides);
                other.progress = Progress::Paused(active.clone());
            }
        }
        let item = &mut self.items[place];
        item.begin_again(stage, started, &head, &tree);
        if let Progress::Active(active) = &mut item.progress {
            active.forget_from(stage, &stages);
        }
        self.reopen_behind(part, &stages);
        self.open_again(format!("{id} is open again from {stage} on"));
        Ok(())
    }

    /// What follows a reopened stage is done, or judged, again: what is done once for all of it from its
    /// beginning, and items that were built as an opening said that is another one now.
    fn reopen_behind(&mut self, part: Part, stages: &[StageShape]) {
        let (mut to_verify, mut again) = (Vec::new(), Vec::new());
        for (place, item) in self.items.iter_mut().enumerate() {
            match (Part::of(&item.id, stages), &item.progress) {
                (Part::Closing, _) if part != Part::Closing => item.progress = Progress::Pending,
                (Part::Items, Progress::Done { .. }) if part == Part::Opening => {
                    to_verify.push(item.id.clone());
                }
                (Part::Items, Progress::Paused(_)) if part == Part::Opening => again.push(place),
                _ => {}
            }
        }
        for id in to_verify {
            if !self.to_verify.contains(&id) {
                self.to_verify.push(id);
            }
        }
        for place in again {
            let Some(first) = self.first_stage(&self.items[place].id).map(|shape| shape.id.clone())
            else {
                continue;
            };
            let Progress::Paused(active) = &mut self.items[place].progress else { continue };
            let waits = matches!(&active.phase, Phase::Waiting(_));
            active.forget_from(&first, stages);
            if !waits {
                active.enter(&first);
            }
        }
    }
}

#[cfg(test)]
mod tests;
