//! The events of lanes. They change no item: only what is brought in when its turn comes does.

use super::{Breaker, Refusal, Run, State};
use crate::domain::{
    event::{Cause, Event},
    finding::Finding,
    id::{ItemId, Oid},
    item::{Phase, Then},
    lane::{self, LANES_KEPT_MAX, Lane, LaneEnd, LaneStart},
    outcome::Outcome,
    time::Timestamp,
    workflow::Duty,
};

impl Run {
    pub(super) fn begin_lane(
        &mut self,
        event: &Event,
        start: &LaneStart,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        if self.halt_request.is_some() || self.stop.is_some() || self.breaker != Breaker::Closed {
            return Err(self.refuse(event, "it is being halted"));
        }
        let working = self.lanes.iter().filter(|lane| lane.is_working()).count();
        let stage = lane::ahead(self, &start.item).map(|shape| &shape.id);
        let fits = self.active().is_none()
            && working < lane::at_once(self)
            && stage == Some(&start.stage)
            && lane::may_begin(self, &start.item);
        if !fits {
            let why = format!("`{}` may not be built ahead", start.item);
            return Err(self.refuse(event, &why));
        }
        let own = self.lanes.iter().position(|lane| lane.item == start.item);
        let full = own.is_none() && LANES_KEPT_MAX <= self.lanes.len();
        let gone = match own {
            None if full => self.lanes.iter().position(|lane| !lane.is_waited_for()),
            own => own,
        };
        if full && gone.is_none() {
            return Err(self.refuse(event, "too many lanes wait for their turn"));
        }
        if let Some(gone) = gone {
            self.lanes.remove(gone);
        }
        self.lanes.push(Lane::begun(start));
        self.count_call(Duty::Build, at);
        Ok(())
    }

    pub(super) fn end_lane(
        &mut self,
        event: &Event,
        of: &LaneEnd,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let working = |lane: &&mut Lane| lane.item == of.item && lane.is_working();
        let Some(lane) = self.lanes.iter_mut().find(working) else {
            return Err(self.refuse(event, &format!("`{}` has no lane at work", of.item)));
        };
        lane.end(of);
        self.usage = self.usage.plus(of.end.usage);
        self.checkpoint = self.checkpoint.max(of.saved.as_ref().map(|saved| saved.number));
        let assumed = self.assume_in_lane(&of.end.assumed);
        if self.state != State::Running {
            return Ok(());
        }
        let cause = match &of.end.outcome {
            Outcome::Held { until } => {
                self.hold(*until, at);
                assumed
            }
            Outcome::Unavailable { why } => Some(Cause::AgentUnavailable { why: why.clone() }),
            Outcome::Stopped => Some(Cause::Interrupted),
            Outcome::Built
            | Outcome::Judged(_)
            | Outcome::Failed { .. }
            | Outcome::Blocked { .. } => assumed,
        };
        // Of several that end, the first reason is the reason.
        if self.stop.is_none() {
            self.stop = cause;
        }
        Ok(())
    }

    /// What the lane built is announced to be brought in, as this tree.
    pub(super) fn join_lane(
        &mut self,
        event: &Event,
        id: &ItemId,
        head: &Oid,
        tree: &Oid,
    ) -> Result<(), Refusal> {
        if *head != self.head {
            return Err(self.refuse(event, "the branch stands elsewhere"));
        }
        let lane = self.lane_due(event, id)?;
        let lane::Phase::Ended(left) = lane.phase.clone() else {
            return Err(self.refuse(event, "it has not ended"));
        };
        lane.phase = lane::Phase::Joining { left: left.clone(), tree: tree.clone() };
        let agent = lane.agent.clone();
        self.keep_papers(id, &left.papers);
        let active = self.active_for(event)?;
        if !active.builders.contains(&agent) {
            active.builders.push(agent);
        }
        active.phase = Phase::Uncommitted { then: Then::Next };
        Ok(())
    }

    pub(super) fn drop_lane(
        &mut self,
        event: &Event,
        id: &ItemId,
        why: &str,
        findings: &[Finding],
    ) -> Result<(), Refusal> {
        self.lane_due(event, id)?.drop(why);
        self.active_for(event)?.findings = findings.to_vec();
        Ok(())
    }

    fn lane_due(&mut self, event: &Event, id: &ItemId) -> Result<&mut Lane, Refusal> {
        let there = self.active_item().zip(self.active()).is_some_and(|(item, active)| {
            item.id == *id
                && active.phase == Phase::Ready
                && active.committing.is_none()
                && lane::to_join(self, id, active).is_some()
        });
        let refusal = self.refuse(event, &format!("`{id}` has no lane to be brought in"));
        let lane = self.lanes.iter_mut().find(|lane| there && lane.item == *id);
        lane.ok_or(refusal)
    }

    /// The commit of what was brought in is there.
    pub(super) fn lane_committed(&mut self) {
        let item = self.active_item().map(|item| item.id.clone());
        for lane in &mut self.lanes {
            if let (lane::Phase::Joining { left, .. }, true) =
                (&lane.phase, Some(&lane.item) == item.as_ref())
            {
                lane.phase = lane::Phase::Joined(left.clone());
            }
        }
    }

    /// What was being brought in is for a branch that stands elsewhere by now: it is looked at anew.
    pub(super) fn unjoin_lane(&mut self) {
        let Some(item) = self.active_item().map(|item| item.id.clone()) else { return };
        let mut undone = false;
        for lane in self.lanes.iter_mut().filter(|lane| lane.item == item) {
            if let lane::Phase::Joining { left, .. } = &lane.phase {
                lane.phase = lane::Phase::Ended(left.clone());
                undone = true;
            }
        }
        if let Some(active) = self.active_mut().filter(|_| undone) {
            active.phase = Phase::Ready;
        }
    }

    /// What was built ahead is of no use any more.
    pub(super) fn drop_lanes(&mut self, why: &str, of: impl Fn(&ItemId) -> bool) {
        self.lanes.iter_mut().filter(|lane| of(&lane.item)).for_each(|lane| lane.drop(why));
    }
}
