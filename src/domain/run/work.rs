//! The events of an item's way through the workflow. It changes a run only where the event fits.

use super::{Breaker, HeldPaper, Refusal, Run};
use crate::domain::{
    event::{Cause, Event, PaperRef, StageEnd, StageStart, Work},
    id::{ItemId, Oid, StageId},
    item::{Active, Committing, Phase, Progress},
    outcome::{Outcome, Verdict},
    time::Timestamp,
};

impl Run {
    /// The events of an item's way through the workflow.
    pub(super) fn work(&mut self, event: &Event, at: Timestamp) -> Result<(), Refusal> {
        match event {
            Event::ItemStarted { item, head, tree } => self.start_item(event, item, head, tree),
            Event::StageStarted(start) => self.start_stage(event, start, at),
            Event::ProcessStarted { mark } => {
                let Phase::Working(working) = &mut self.active_for(event)?.phase else {
                    return Err(self.refuse(event, "no stage is at work"));
                };
                working.process = Some(mark.clone());
                Ok(())
            }
            Event::StageEnded(end) => self.end_stage(event, end, at),
            Event::StageLost { .. } => {
                let active = self.active_for(event)?;
                if !matches!(active.phase, Phase::Working(_)) {
                    return Err(self.refuse(event, "no stage is at work"));
                }
                active.phase = Phase::Ready;
                active.attempt = active.attempt.saturating_add(1);
                Ok(())
            }
            Event::ItemReopened { item, stage } => self.reopen(event, item, stage),
            Event::CommitAnnounced { parent, subject } => {
                self.announce_commit(event, parent, subject)
            }
            Event::CommitRefused { why } => self.refuse_commit(event, why),
            Event::WorkCommitted(work) => self.commit(event, work),
            Event::WorkSeen { to, tree, commits, clean, .. } => {
                self.see_work(to, tree, *commits, *clean);
                Ok(())
            }
            Event::LaneStarted(start) => self.begin_lane(event, start, at),
            Event::LaneEnded(of) => self.end_lane(event, of, at),
            Event::LaneJoined { item, head, tree } => self.join_lane(event, item, head, tree),
            Event::LaneDropped { item, why, findings } => {
                self.drop_lane(event, item, why, findings)
            }
            Event::ApprovalAsked(asked) => self.ask(event, asked),
            Event::StageSkipped { item, stage, .. } => self.skip_stage(event, item, stage),
            Event::ItemFinished { item, head, tree } => {
                self.finish_item(event, item, head, tree, at)
            }
            _ => Err(self.refuse(event, "")),
        }
    }

    fn start_item(
        &mut self,
        event: &Event,
        id: &ItemId,
        head: &Oid,
        tree: &Oid,
    ) -> Result<(), Refusal> {
        if self.active().is_some() {
            return Err(self.refuse(event, "another item is at work"));
        }
        let Some(first) = self.first_stage(id).map(|shape| shape.id.clone()) else {
            return Err(self.refuse(event, &format!("there is nothing to be done for `{id}`")));
        };
        let Some(item) = self.items.iter_mut().find(|item| item.id == *id) else {
            return Err(self.refuse(event, &format!("there is no item `{id}`")));
        };
        item.progress = match &item.progress {
            Progress::Pending => {
                Progress::Active(Box::new(Active::new(&first, head.clone(), tree.clone())))
            }
            Progress::Paused(active) if active.phase == Phase::Ready => {
                let mut active = active.clone();
                active.unpark(head);
                Progress::Active(active)
            }
            _ => return Err(self.refuse(event, &format!("`{id}` was started before"))),
        };
        self.stand_at(head, tree);
        Ok(())
    }

    fn start_stage(
        &mut self,
        event: &Event,
        start: &StageStart,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let open = matches!(self.breaker, Breaker::Open { .. });
        if self.halt_request.is_some() || self.stop.is_some() || open {
            return Err(self.refuse(event, "it is being halted"));
        }
        let shape = self.shape(&start.stage).cloned();
        let item = self.active_item().map(|item| item.id.clone());
        let active = self.active_for(event)?;
        let expected = (&active.stage, active.cycle, active.attempt);
        let fits = active.phase == Phase::Ready
            && active.committing.is_none()
            && expected == (&start.stage, start.cycle, start.attempt)
            && item.as_ref() == Some(&start.item);
        if let Some(shape) = &shape
            && fits
            && !active.may_do(shape, &start.agent)
        {
            let why = format!("`{}` has built it, and so may not judge it", start.agent);
            return Err(self.refuse(event, &why));
        }
        let Some(shape) = shape.filter(|_| fits) else {
            let (stage, cycle, attempt) = (active.stage.clone(), active.cycle, active.attempt);
            return Err(self.refuse(
                event,
                &format!("`{stage}` of cycle {cycle}, attempt {attempt}, is next"),
            ));
        };
        active.begin(start, &shape, at);
        self.count_call(shape.duty, at);
        Ok(())
    }

    fn end_stage(&mut self, event: &Event, end: &StageEnd, at: Timestamp) -> Result<(), Refusal> {
        let stages = self.charter.stages.clone();
        let active = self.active_for(event)?;
        let shape = stages.iter().find(|shape| shape.id == active.stage);
        let (Phase::Working(working), Some(shape)) = (active.phase.clone(), shape) else {
            return Err(self.refuse(event, "no stage is at work"));
        };
        let stage = shape.id.clone();
        let exhausted = active.end(&working, end, shape, &stages);
        let item = self.active_item().map(|item| item.id.clone());
        if let Some(item) = item {
            if exhausted {
                let stage = stage.clone();
                self.stop = Some(Cause::TriesUsed { item: item.clone(), stage });
            }
            self.keep_papers(&item, &end.papers);
        }
        if let Some(cause) = self.assume(&end.assumed) {
            self.stop = Some(cause);
        }
        self.park();
        self.usage = self.usage.plus(end.usage);
        match &end.outcome {
            Outcome::Held { until } => self.hold(*until, at),
            Outcome::Judged(Verdict::Fail) => self.stop = Some(Cause::FailVerdict { stage }),
            Outcome::Unavailable { why } => {
                self.stop = Some(Cause::AgentUnavailable { why: why.clone() })
            }
            Outcome::Stopped => self.stop = Some(Cause::Interrupted),
            Outcome::Built
            | Outcome::Judged(Verdict::Pass | Verdict::Conditional | Verdict::Revise)
            | Outcome::Failed { .. }
            | Outcome::Blocked { .. } => {}
        }
        Ok(())
    }

    /// Of papers with the same name the newest of an item counts.
    pub(super) fn keep_papers(&mut self, item: &ItemId, papers: &[PaperRef]) {
        for paper in papers {
            self.papers.retain(|held| held.item != *item || held.paper.name != paper.name);
            self.papers.push(HeldPaper { item: item.clone(), paper: paper.clone() });
        }
    }

    /// An item that waits for a person while the others can go on makes room for them.
    fn park(&mut self) {
        for item in &mut self.items {
            let Progress::Active(active) = &item.progress else { continue };
            if matches!(&active.phase, Phase::Waiting(waiting) if waiting.at.is_none()) {
                let mut active = active.clone();
                active.park(&self.head, self.charter.tells_asides());
                item.progress = Progress::Paused(active);
            }
        }
    }

    fn reopen(&mut self, event: &Event, id: &ItemId, stage: &StageId) -> Result<(), Refusal> {
        let known =
            self.shape(stage).is_some() && self.active_item().is_some_and(|item| item.id == *id);
        let active = self.active_for(event)?;
        if !known || !matches!(active.phase, Phase::Passed | Phase::Ready | Phase::Waiting(_)) {
            return Err(self.refuse(event, "nothing was passed"));
        }
        active.reopen(stage);
        Ok(())
    }

    fn announce_commit(
        &mut self,
        event: &Event,
        parent: &Oid,
        subject: &str,
    ) -> Result<(), Refusal> {
        let active = self.active_for(event)?;
        if active.committing.is_some() || matches!(active.phase, Phase::Working(_)) {
            return Err(
                self.refuse(event, "the stage has not ended, or a commit is announced already")
            );
        }
        active.committing =
            Some(Committing { parent: parent.clone(), subject: subject.to_owned() });
        Ok(())
    }

    /// The user's own hook said no.
    fn refuse_commit(&mut self, event: &Event, why: &str) -> Result<(), Refusal> {
        let active = self.active_for(event)?;
        if active.committing.take().is_none() {
            return Err(self.refuse(event, "no commit was announced"));
        }
        let item = self.active_item().map(|item| item.id.clone());
        let active = self.active_for(event)?;
        active.refuse_commit(why);
        self.drop_lanes("the commit was refused", |lane| Some(lane) == item.as_ref());
        Ok(())
    }

    fn commit(&mut self, event: &Event, work: &Work) -> Result<(), Refusal> {
        let stages = self.charter.stages.clone();
        let active = self.active_for(event)?;
        if active.committing.take().is_none() {
            return Err(self.refuse(event, "no commit was announced"));
        }
        active.commit_done();
        self.lane_committed();
        let active = self.active_for(event)?;
        if let Phase::Uncommitted { then } = active.phase.clone() {
            active.go(&then, &stages);
        }
        self.stand_at(&work.commit, &work.tree);
        self.park();
        self.commits = self.commits.saturating_add(1);
        Ok(())
    }

    fn see_work(&mut self, head: &Oid, tree: &Oid, commits: u32, clean: bool) {
        self.unjoin_lane();
        let stages = self.charter.stages.clone();
        if let Some(active) = self.active_mut() {
            // Whatever was announced on the old HEAD did not happen there.
            let announced = active.committing.take().map(|committing| committing.parent);
            if announced.as_ref() == Some(head) && !clean {
                active.refuse_commit("git commits nothing, and yet the work tree is not clean");
            }
            if let (Phase::Uncommitted { then }, true) = (active.phase.clone(), clean) {
                active.go(&then, &stages);
            }
        }
        self.stand_at(head, tree);
        self.park();
        self.commits = self.commits.saturating_add(commits);
    }

    fn finish_item(
        &mut self,
        event: &Event,
        id: &ItemId,
        head: &Oid,
        tree: &Oid,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        let stages = self.charter.stages.clone();
        let Some(item) = self.items.iter_mut().find(|item| item.id == *id) else {
            return Err(self.refuse(event, &format!("there is no item `{id}`")));
        };
        let proven = match &item.progress {
            Progress::Active(active) => {
                active.phase == Phase::Passed
                    && active.committing.is_none()
                    && active.stale_judge(&stages, tree).is_none()
            }
            Progress::Pending
            | Progress::Paused(_)
            | Progress::Done { .. }
            | Progress::Inferred { .. } => false,
        };
        if !proven {
            return Err(self.refuse(event, &format!("not every judge passed this tree of `{id}`")));
        }
        let Progress::Active(active) = &item.progress else {
            return Err(self.refuse(event, "it is not at work"));
        };
        let cycles = active.cycle;
        item.progress = Progress::Done { head: head.clone(), tree: tree.clone(), cycles, at };
        self.stand_at(head, tree);
        self.forget_closing();
        Ok(())
    }
}
