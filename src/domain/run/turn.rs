//! Whose turn it is in a run, and what may be done and seen there. It only looks.

use super::{HeldPaper, Run};
use crate::domain::{
    event::PaperRef,
    id::{ItemId, Oid, StageId},
    item::{Active, Item, Phase, Progress, handed_to},
    workflow::{Duty, Part, StageShape},
};

impl Run {
    #[must_use]
    pub fn all_done(&self) -> bool {
        let ended = self.items.iter().all(|item| match item.progress {
            Progress::Done { .. } | Progress::Inferred { .. } => true,
            Progress::Pending | Progress::Active(_) | Progress::Paused(_) => false,
        });
        ended && self.to_verify.is_empty() && self.fixes.is_empty()
    }

    /// The item whose turn it is: one that was paused and answered, else the first whose
    /// predecessors are done. What is done once for all of it comes before, and after, all others.
    #[must_use]
    pub fn next_item(&self) -> Option<&Item> {
        let answered = self.items.iter().find(|item| {
            matches!(&item.progress, Progress::Paused(active) if active.phase == Phase::Ready)
        });
        answered.or_else(|| {
            self.items
                .iter()
                .find(|item| item.progress == Progress::Pending && self.may_start(&item.id))
        })
    }

    pub(in crate::domain) fn may_start(&self, id: &ItemId) -> bool {
        let done = |item: &Item| {
            matches!(item.progress, Progress::Done { .. } | Progress::Inferred { .. })
        };
        let part = self.part_of(id);
        let after = self.charter.after.get(id).map_or(&[][..], Vec::as_slice);
        self.items
            .iter()
            .filter(|item| self.part_of(&item.id) < part || after.contains(&item.id))
            .all(done)
    }

    /// What keeps up the rest of the run, when something is left and nothing may be begun.
    #[must_use]
    pub fn kept_up(&self) -> Option<String> {
        let left = |item: &&Item| {
            matches!(item.progress, Progress::Pending | Progress::Paused(_) | Progress::Active(_))
        };
        let first = self.items.iter().find(left)?;
        let paused = self.items.iter().filter_map(|item| match &item.progress {
            Progress::Paused(active) => Some((&item.id, active)),
            _ => None,
        });
        let paused: Vec<String> = paused
            .map(|(id, active)| {
                let why = match &active.phase {
                    Phase::Waiting(waiting) => waiting.why.as_deref().unwrap_or("it waits"),
                    _ => "it waits",
                };
                format!("`{id}` is paused: {why}")
            })
            .collect();
        Some(match paused.is_empty() {
            false => paused.join("; "),
            true => format!("`{}` waits for something that is not done", first.id),
        })
    }

    /// The part of the workflow that an item walks through.
    #[must_use]
    pub fn part_of(&self, item: &ItemId) -> Part {
        Part::of(item, &self.charter.stages)
    }

    /// Where an item begins.
    #[must_use]
    pub fn first_stage(&self, item: &ItemId) -> Option<&StageShape> {
        let part = self.part_of(item);
        self.charter.stages.iter().find(|shape| shape.part == part && shape.is_walked())
    }

    /// The first stage that says of an item's tree that it may stay.
    #[must_use]
    pub fn first_judge(&self, item: &ItemId) -> Option<StageId> {
        let part = self.part_of(item);
        let mut stages = self.charter.stages.iter();
        stages.find(|shape| shape.part == part && shape.stands()).map(|shape| shape.id.clone())
    }

    #[must_use]
    pub fn shape(&self, stage: &StageId) -> Option<&StageShape> {
        self.charter.stages.iter().find(|shape| shape.id == *stage)
    }

    #[must_use]
    pub fn active_item(&self) -> Option<&Item> {
        self.items.iter().find(|item| matches!(item.progress, Progress::Active(_)))
    }

    #[must_use]
    pub fn active(&self) -> Option<&Active> {
        self.items.iter().find_map(|item| match &item.progress {
            Progress::Active(active) => Some(&**active),
            Progress::Pending
            | Progress::Paused(_)
            | Progress::Done { .. }
            | Progress::Inferred { .. } => None,
        })
    }

    /// Where the work of the item at work begins: with the item, or, where its stages judge what was
    /// there already, with the run.
    #[must_use]
    pub fn work_began(&self) -> Option<&Oid> {
        let active = self.active()?;
        let builds = |shape: &StageShape| {
            shape.part == Part::Items && shape.is_walked() && shape.duty == Duty::Build
        };
        let builds = self.charter.stages.iter().any(builds);
        Some(if builds { active.from() } else { &self.charter.start })
    }

    /// The parts of the branch since then that are others' work, oldest first.
    #[must_use]
    pub fn work_asides(&self) -> Vec<(Oid, Oid)> {
        let asides = self.active().map_or(&[][..], |active| active.asides.as_slice());
        let closed = asides.iter().filter_map(|aside| Some((&aside.from, aside.to.as_ref()?)));
        closed.map(|(from, to)| (from.clone(), to.clone())).collect()
    }

    /// Why a stage may not be handed to whoever asks by this name. Where nobody may judge the own work,
    /// it has to be known who built.
    pub fn may_take(&self, stage: &StageId, who: Option<&str>) -> Result<(), String> {
        let Some(shape) = self.shape(stage) else { return Ok(()) };
        let apart =
            |other: &&StageShape| other.apart && other.is_taken() && other.part == shape.part;
        let Some(judge) = self.charter.stages.iter().find(apart) else { return Ok(()) };
        if who.is_none() && (shape.duty == Duty::Build || shape.apart) {
            return Err(format!(
                "`{}` may not be done by whoever builds, so `{stage}` is handed to nobody without a name",
                judge.id
            ));
        }
        let agent = handed_to(who);
        match self.active() {
            Some(active) if !active.may_do(shape, &agent) => Err(format!(
                "`{}` has built it, and so may not do `{stage}`",
                who.unwrap_or(&agent)
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The paper of this name that an item's stage is shown: its own, that of the opening, or what was
    /// handed in at the start.
    #[must_use]
    pub fn paper(&self, item: &ItemId, name: &str) -> Option<&PaperRef> {
        let of = |part: &dyn Fn(&ItemId) -> bool| {
            self.papers.iter().find(|held| held.paper.name == name && part(&held.item))
        };
        let opening = |held: &ItemId| self.part_of(held) == Part::Opening;
        let held = of(&|held| held == item).or_else(|| of(&opening)).map(|held| &held.paper);
        held.or_else(|| self.charter.papers.iter().find(|paper| paper.name == name))
    }

    /// Every paper that an item's stages are shown, each name once. What is done once for all of it
    /// sees what all items handed in.
    #[must_use]
    pub fn papers_for(&self, item: &ItemId) -> Vec<PaperRef> {
        let all = self.part_of(item) == Part::Closing;
        let seen = |held: &&HeldPaper| {
            held.item == *item || self.part_of(&held.item) == Part::Opening || all
        };
        let held = self.papers.iter().filter(seen).map(|held| &held.paper);
        let mut found: Vec<PaperRef> = Vec::new();
        for paper in held.chain(&self.charter.papers) {
            let newest = self.paper(item, &paper.name).unwrap_or(paper);
            let known = found.iter().any(|one| one.path == newest.path);
            if !known {
                found.push(newest.clone());
            }
        }
        found
    }

    /// Whether what a gate said of an item counts still: what somebody opened again is to be seen again.
    #[must_use]
    pub fn stands_by(&self, item: &Item, stage: &StageId) -> bool {
        let is_gate = self.shape(stage).is_some_and(|shape| shape.duty == Duty::Gate);
        is_gate
            && match &item.progress {
                Progress::Done { .. } => true,
                Progress::Active(active) | Progress::Paused(active) => {
                    active.passed.iter().any(|evidence| evidence.stage == *stage)
                }
                Progress::Pending | Progress::Inferred { .. } => false,
            }
    }

    /// The commit that the judges passed last. What others committed after it was judged by nobody.
    #[must_use]
    pub fn proven(&self) -> &Oid {
        let latest = self.latest().and_then(|place| self.items[place].done_at());
        latest.map_or(&self.charter.start, |(head, _)| head)
    }

    /// The item that was finished last. It need not be the last of the list: what paused is overtaken by
    /// others, and what was mended or verified again is finished behind them.
    #[must_use]
    pub fn latest(&self) -> Option<usize> {
        let done = || {
            let items = self.items.iter().enumerate();
            items.filter_map(|(place, item)| item.done_at().map(|(head, at)| (place, head, at)))
        };
        // Where the journal saw the branch last is where the last one left it, but where somebody put it
        // there and had that written down.
        let here = done().rfind(|(_, head, _)| **head == self.head);
        let here = here.filter(|_| self.reconciled.as_ref() != Some(&self.head));
        let place = here.or_else(|| done().max_by_key(|(_, _, at)| *at));
        place.map(|(place, _, _)| place)
    }
}

#[cfg(test)]
mod tests;
