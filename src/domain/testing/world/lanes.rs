//! Lanes of the scripted world: tasks that are built side by side, fail, are lost or do not fit, and what
//! must always hold of them.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};

use super::World;
use crate::domain::{
    event::{Charter, Event, StageEnd},
    id::{ItemId, Oid},
    item::Progress,
    lane::{self, Groups, Lane, LaneEnd, LaneStart, Phase, Saved},
    outcome::{Failure, Outcome},
    request::{Answer, Request, decide},
    run::Breaker,
    testing::{ended, failed, minutes, oid, stage},
};

/// A crash comes after less than so many events of a round of lanes.
pub(super) const POINTS_MAX: usize = 16;

/// What is built side by side, and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(super) items: usize,
    pub(super) parallel: u32,
    /// Items at the end that are in no group, and come after the first one.
    pub(super) apart: usize,
    /// Beginning again at their end.
    pub(super) plays: Vec<LanePlay>,
}

/// What becomes of one lane.
#[derive(Debug, Clone)]
pub(crate) struct LanePlay {
    /// Which of those that are at work ends next.
    pub(super) which: usize,
    pub(super) ends: LaneEnds,
    pub(super) fits: Fits,
}

#[derive(Debug, Clone)]
pub(crate) enum LaneEnds {
    Built,
    /// It ended well, and what it left cannot be saved.
    Unsaved,
    Failed(Failure),
    Held(u64),
    Unavailable,
    Stopped,
    Blocked,
    /// Built, and somebody asked for a halt in between.
    HaltAsked,
}

/// What is found when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fits {
    Well,
    OutsideOfItsScope,
    NotOnTheBranch,
    AllThereAlready,
}

/// What the world knows of lanes, as their events tell it.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    plays: usize,
    fits: BTreeMap<ItemId, Fits>,
    /// Which tree each left, where that was built and saved.
    left: BTreeMap<ItemId, Oid>,
    /// Whose work is on the branch.
    joined: Vec<ItemId>,
}

pub(super) fn side() -> impl Strategy<Value = Option<Side>> {
    let one = (2..7usize, 2..5u32, 0..2usize, vec(play(), 1..6));
    let side =
        one.prop_map(|(items, parallel, apart, plays)| Side { items, parallel, apart, plays });
    prop_oneof![1 => Just(None), 2 => side.prop_map(Some)]
}

fn play() -> impl Strategy<Value = LanePlay> {
    let ends = prop_oneof![
        10 => Just(LaneEnds::Built),
        1 => Just(LaneEnds::Unsaved),
        3 => select(Failure::ALL.to_vec()).prop_map(LaneEnds::Failed),
        1 => (1..90u64).prop_map(LaneEnds::Held),
        1 => Just(LaneEnds::Unavailable),
        1 => Just(LaneEnds::Stopped),
        1 => Just(LaneEnds::Blocked),
        1 => Just(LaneEnds::HaltAsked),
    ];
    let fits = prop_oneof![
        5 => Just(Fits::Well),
        1 => Just(Fits::OutsideOfItsScope),
        1 => Just(Fits::NotOnTheBranch),
        1 => Just(Fits::AllThereAlready),
    ];
    (0..4usize, ends, fits).prop_map(|(which, ends, fits)| LanePlay { which, ends, fits })
}

impl Side {
    pub(super) fn arrange(&self, charter: &mut Charter) {
        let own: Vec<ItemId> =
            charter.items.iter().filter(|item| item.as_str().len() == 1).cloned().collect();
        let (group, apart) = own.split_at(own.len().saturating_sub(self.apart));
        charter.groups = Groups { parallel: self.parallel, items: vec![group.to_vec()] };
        for item in apart {
            charter.after.insert(item.clone(), group.iter().take(1).cloned().collect());
        }
    }
}

impl World {
    /// A round of lanes, or as much of it as is done before the process dies.
    pub(super) fn run_lanes(&mut self, items: &[ItemId], points: usize) {
        let (mut due, mut working) = (items.to_vec(), Vec::new());
        let mut points = 0..points;
        while self.failures.is_empty() {
            let next = lane::next(&self.tape.run, &due, self.tape.now).cloned();
            if next.is_none() && working.is_empty() || points.next().is_none() {
                return;
            }
            match next {
                Some(item) => {
                    due.retain(|other| *other != item);
                    self.begin_lane(&item);
                    working.push(item);
                }
                None => self.end_one(&mut working),
            }
        }
    }

    fn begin_lane(&mut self, item: &ItemId) {
        let first = self.tape.run.first_stage(item).map(|shape| shape.id.clone());
        self.write(Event::LaneStarted(Box::new(LaneStart {
            item: item.clone(),
            stage: first.unwrap_or_else(|| stage("none")),
            agent: "agent".into(),
            base: oid(self.repo.head),
            worktree: format!("/lanes/{item}-{}", self.tape.run.seq),
            process: None,
        })));
    }

    fn end_one(&mut self, working: &mut Vec<ItemId>) {
        let plays = self.script.side.as_ref().map_or(&[][..], |side| &side.plays);
        let play = plays[self.ahead.plays % plays.len()].clone();
        // Time alone ends a run whose agents ask for more time again and again.
        let again = plays.len() <= self.ahead.plays;
        self.ahead.plays += 1;
        let item = working.remove(play.which % working.len());
        self.tape.now = self.tape.now.after(minutes(2));
        let outcome = match play.ends {
            LaneEnds::Built | LaneEnds::Unsaved => Outcome::Built,
            LaneEnds::HaltAsked => {
                self.ask_for_a_halt();
                Outcome::Built
            }
            LaneEnds::Failed(failure) => failed(failure),
            LaneEnds::Held(_) if again => failed(Failure::Exit),
            LaneEnds::Held(later) => Outcome::Held { until: self.tape.now.after(minutes(later)) },
            LaneEnds::Unavailable => Outcome::Unavailable { why: "x".into() },
            LaneEnds::Stopped => Outcome::Stopped,
            LaneEnds::Blocked => Outcome::Blocked { why: "who knows".into() },
        };
        self.ahead.fits.insert(item.clone(), play.fits);
        self.end_lane(item, outcome, !matches!(play.ends, LaneEnds::Unsaved));
    }

    fn ask_for_a_halt(&mut self) {
        let request = Request::Halt { reason: "lunch".into(), force: false };
        if let Ok(Answer::Write(events)) = decide(&self.tape.run, &request) {
            events.into_iter().for_each(|event| self.write(event));
        }
    }

    fn end_lane(&mut self, item: ItemId, outcome: Outcome, is_saved: bool) {
        self.repo.numbers += 1;
        let tree = self.repo.numbers;
        let number = self.tape.run.checkpoint.map_or(1, |newest| newest + 1);
        let saved = is_saved.then(|| Saved { number, commit: oid(1_000_000 + number) });
        if outcome == Outcome::Built && is_saved {
            self.ahead.left.insert(item.clone(), oid(tree));
        }
        let end = StageEnd { clean: false, ..ended(outcome, tree, Vec::new()) };
        self.write(Event::LaneEnded(Box::new(LaneEnd { item, end, saved })));
    }

    /// Nobody heard of them any more: what they left is saved.
    pub(super) fn see_lanes_gone(&mut self) {
        let lanes = self.tape.run.lanes.iter().filter(|lane| lane.is_working());
        for item in lanes.map(|lane| lane.item.clone()).collect::<Vec<_>>() {
            self.end_lane(item, lane::lost("gone"), true);
        }
    }

    pub(super) fn join(&mut self, item: &ItemId) {
        let fits = self.ahead.fits.get(item).copied().unwrap_or(Fits::Well);
        let path = vec![b"f".to_vec()];
        let dropped = |findings| Event::LaneDropped {
            item: item.clone(),
            why: "it does not fit".into(),
            findings,
        };
        let event = match fits {
            _ if self.repo.dirty => dropped(Vec::new()),
            Fits::OutsideOfItsScope => dropped(lane::outside(&path, &[])),
            Fits::NotOnTheBranch => dropped(lane::conflicts(&path)),
            Fits::AllThereAlready => dropped(Vec::new()),
            Fits::Well => {
                self.checkpoint();
                self.repo.numbers += 1;
                let (head, tree) = (oid(self.repo.head), oid(self.repo.numbers));
                Event::LaneJoined { item: item.clone(), head, tree }
            }
        };
        self.write(event);
    }

    pub(super) fn bring_in(&mut self, tree: &Oid, then: Event) {
        self.repo.brought = u64::from_str_radix(tree.as_str(), 16).ok();
        self.repo.dirty = true;
        self.write(then);
    }

    pub(super) fn before_lanes(&mut self, event: &Event) {
        let run = &self.tape.run;
        let own = |item: &ItemId| run.lanes.iter().find(|lane| lane.item == *item).cloned();
        match event {
            Event::LaneStarted(start) => {
                let at_once = run.lanes.iter().filter(|lane| lane.is_working()).count();
                let room = at_once < run.charter.groups.parallel as usize;
                let goes_on = run.breaker == Breaker::Closed
                    && run.halt_request.is_none()
                    && run.stop.is_none()
                    && run.active().is_none()
                    && run.ran_by(self.tape.now) < run.charter.limits.run_time_max;
                let item = run.items.iter().find(|item| item.id == start.item);
                let pending = item.is_some_and(|item| item.progress == Progress::Pending);
                let fresh = own(&start.item).is_none_or(|lane| lane.word() == "stopped");
                let grouped = run.charter.groups.items[0].contains(&start.item);
                self.check("never more at once than were asked for", room);
                self.check("no lane begins while the run is to halt", goes_on);
                self.check(
                    "only what waits for its turn is built ahead, and once",
                    pending && fresh,
                );
                self.check("only what is in a group is built ahead", grouped);
            }
            Event::LaneJoined { item, .. } => {
                let built = self.ahead.left.contains_key(item);
                let once = !self.ahead.joined.contains(item);
                self.check("only what was built and saved is brought in", built);
                self.check("what a lane built is brought in once", once);
                self.check("nothing is brought in over changes", !self.repo.dirty);
            }
            Event::WorkCommitted(work) => {
                let joining = |lane: &&Lane| matches!(lane.phase, Phase::Joining { .. });
                let Some(lane) = run.lanes.iter().find(joining) else { return };
                let Phase::Joining { tree, .. } = &lane.phase else { return };
                let (whole, item) = (*tree == work.tree, lane.item.clone());
                self.ahead.joined.push(item);
                self.check("what is committed is what was announced to be brought in", whole);
            }
            Event::RunCompleted { .. } => {
                let none = !run.lanes.iter().any(Lane::is_waited_for);
                self.check("nobody's work waits when the run is complete", none);
            }
            _ => {}
        }
    }

    pub(super) fn after_lanes(&mut self, event: &Event) {
        if matches!(event, Event::LaneStarted(_)) {
            self.called();
        }
        let run = &self.tape.run;
        let kept = |lane: &Lane| {
            let left = lane.left().filter(|left| left.built);
            left.is_none_or(|left| {
                left.saved.is_some() && self.ahead.left.get(&lane.item) == Some(&left.tree)
            })
        };
        let all = run.lanes.iter().all(kept);
        let one = run.lanes.iter().filter(|lane| lane.is_joining()).count() <= 1;
        self.check("what a lane built is held until nobody waits for it", all);
        self.check("one lane is brought in at a time", one);
    }
}

#[cfg(test)]
mod tests;
