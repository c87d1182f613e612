//! The rows of lanes: who built a task ahead of its turn, from when to when, and what became of it.

use super::{Provenance, Row, not_ended, said};
use crate::domain::{
    event::Work,
    lane::{Lane, LaneEnd, LaneStart, Phase},
    outcome::Outcome,
    run::Run,
    time::{Span, Timestamp},
};

/// The row of a lane.
#[derive(Debug)]
pub(super) struct Ahead {
    row: usize,
    /// What came of it in its work tree, and whether that is something to be brought in; nothing as
    /// long as it is not known.
    end: Option<(String, bool)>,
}

impl Provenance {
    pub(super) fn begin_ahead(&mut self, start: &LaneStart, before: &Run, at: Timestamp) {
        // The run may forget one that is over now.
        self.settle(before);
        self.rows.push(Row {
            lane: true,
            cycle: 1,
            attempt: 1,
            by: start.agent.clone(),
            started: Some(at),
            commit: Some(start.base.clone()),
            ..Row::bare(Some(start.item.clone()), start.stage.clone(), String::new())
        });
        let ahead = Ahead { row: self.rows.len() - 1, end: None };
        self.lanes.insert(start.item.clone(), ahead);
    }

    pub(super) fn end_ahead(&mut self, of: &LaneEnd, at: Timestamp) {
        let Some(ahead) = self.lanes.get_mut(&of.item) else { return };
        let outcome = said(&of.end.outcome);
        ahead.end = Some((outcome.clone(), of.end.outcome == Outcome::Built));
        let Some(row) = self.rows.get_mut(ahead.row) else { return };
        let papers = of.end.papers.iter().map(|paper| paper.path.clone());
        row.artifacts = papers.chain(of.end.report.clone()).collect();
        row.finished = Some(at);
        // Of one that was lost nobody measured the time.
        let known = (of.end.took != Span::ZERO).then_some(of.end.took);
        row.took = known.or_else(|| row.started.map(|started| at.since(started)));
        row.commit = Some(of.end.head.clone());
        row.outcome = outcome;
    }

    /// What was brought in is a commit on the branch by now, and that is where it can be seen.
    pub(super) fn commit_ahead(&mut self, work: &Work, before: &Run) {
        let Some(lane) = before.lanes.iter().find(|lane| lane.is_joining()) else { return };
        let row = self.lanes.get(&lane.item).and_then(|ahead| self.rows.get_mut(ahead.row));
        if let Some(row) = row {
            row.commit = Some(work.commit.clone());
        }
    }

    /// Says of each lane what has become of it so far.
    pub(super) fn settle(&mut self, run: &Run) {
        for lane in &run.lanes {
            let Some(ahead) = self.lanes.get(&lane.item) else { continue };
            let Some(row) = self.rows.get_mut(ahead.row) else { continue };
            row.outcome = match &ahead.end {
                None => not_ended(run),
                Some((said, true)) => format!("{said}, and {}", fate(lane, run)),
                Some((said, false)) => said.clone(),
            };
        }
    }
}

/// What has become of what was built.
fn fate(lane: &Lane, run: &Run) -> String {
    match &lane.phase {
        Phase::Joining { .. } => "is being brought in".to_owned(),
        Phase::Joined(_) => "brought in".to_owned(),
        Phase::Working | Phase::Ended(_) if run.state.is_over() => {
            "its turn did not come".to_owned()
        }
        Phase::Working | Phase::Ended(_) => "waits for its turn".to_owned(),
        Phase::Dropped { why, .. } => {
            format!("not taken: {}", why.lines().next().unwrap_or_default())
        }
    }
}
