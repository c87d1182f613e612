//! Who did which stage, from when to when, and what came of it: one row for each stage that was begun,
//! asked, passed over or left out, and one for each that the run did not come to. A stage that was done
//! ahead, in a lane, has a row of its own, whatever became of it.

mod ahead;

use std::collections::BTreeMap;

use ahead::Ahead;

use super::{
    event::{Cause, Envelope, Event, PaperRef, Word},
    id::{ItemId, Oid, StageId},
    item::{Active, OURS, Progress},
    outcome::Outcome,
    run::{Run, assumed::Scan},
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Nothing for a stage that the run leaves out for all of its items.
    pub item: Option<ItemId>,
    pub stage: StageId,
    /// Whether it was done ahead of its item's turn, beside others.
    pub lane: bool,
    pub cycle: u32,
    pub attempt: u32,
    /// Who did it, or answered.
    pub by: String,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub took: Option<Span>,
    /// The papers that were handed in, and the report.
    pub artifacts: Vec<String>,
    pub commit: Option<Oid>,
    pub outcome: String,
}

impl Row {
    fn bare(item: Option<ItemId>, stage: StageId, outcome: String) -> Self {
        Self {
            item,
            stage,
            lane: false,
            cycle: 0,
            attempt: 0,
            by: String::new(),
            started: None,
            finished: None,
            took: None,
            artifacts: Vec::new(),
            commit: None,
            outcome,
        }
    }
}

/// The rows so far, and which of them are not ended.
#[derive(Debug, Default)]
pub struct Provenance {
    rows: Vec<Row>,
    at_work: Option<usize>,
    /// The newest lane of each item.
    lanes: BTreeMap<ItemId, Ahead>,
}

impl Provenance {
    /// One event, and the run before it.
    pub fn note(&mut self, envelope: &Envelope, before: &Run) {
        let at = envelope.at;
        match &envelope.event {
            Event::StageStarted(start) => {
                self.begin(Row {
                    cycle: start.cycle,
                    attempt: start.attempt,
                    by: start.agent.clone(),
                    started: Some(at),
                    commit: Some(start.head.clone()),
                    ..Row::bare(Some(start.item.clone()), start.stage.clone(), String::new())
                });
            }
            Event::StageEnded(end) => {
                let papers = end.papers.iter().map(|paper: &PaperRef| paper.path.clone());
                let artifacts = papers.chain(end.report.clone()).collect();
                self.end(at, said(&end.outcome), |row| {
                    row.artifacts = artifacts;
                    row.took = Some(end.took);
                    row.commit = Some(end.head.clone());
                });
            }
            Event::LaneStarted(start) => self.begin_ahead(start, before, at),
            Event::LaneEnded(of) => self.end_ahead(of, at),
            Event::WorkCommitted(work) => self.commit_ahead(work, before),
            Event::StageLost { why } => self.end(at, format!("lost: {why}"), |_| {}),
            Event::ApprovalAsked(asked) => {
                let cycle = active(before, &asked.item).map_or(0, |active| active.cycle);
                self.close_question(&asked.item, &asked.stage, at);
                self.rows.push(Row {
                    cycle,
                    started: Some(at),
                    commit: Some(asked.head.clone()),
                    ..Row::bare(Some(asked.item.clone()), asked.stage.clone(), WAITS.into())
                });
            }
            Event::ApprovalGiven(of) => {
                let outcome = match of.word {
                    Word::Approve => "approved",
                    Word::Reject => "rejected",
                    Word::Modify => "sent back",
                };
                let outcome = match of.text.lines().next() {
                    Some(text) => format!("{outcome}: {text}"),
                    None => outcome.to_owned(),
                };
                let row = self.question(&of.item, &of.stage, before);
                row.by.clone_from(&envelope.actor.person);
                row.outcome = outcome;
                row.finished = Some(at);
                row.took = row.started.map(|started| at.since(started));
                row.artifacts = of.signed.iter().cloned().collect();
            }
            Event::StageSkipped { item, stage, why } => {
                let cycle = active(before, item).map_or(0, |active| active.cycle);
                self.rows.push(Row {
                    cycle,
                    started: Some(at),
                    finished: Some(at),
                    took: Some(Span::ZERO),
                    ..Row::bare(Some(item.clone()), stage.clone(), format!("passed over: {why}"))
                });
            }
            Event::AssumptionsScanned(scan) => self.rows.extend(scanned(scan, at)),
            Event::RolledBack(_) => self.end(at, "rolled back".into(), |_| {}),
            _ => {}
        }
    }

    /// All rows, with those of the stages that the run leaves out or did not come to.
    #[must_use]
    pub fn rows(mut self, run: &Run) -> Vec<Row> {
        self.settle(run);
        if let Some(row) = self.at_work.and_then(|at| self.rows.get_mut(at)) {
            row.outcome = not_ended(run);
        }
        let mut rows = Vec::new();
        for shape in &run.charter.stages {
            if let Some(why) = &shape.skipped {
                let outcome = format!("left out: {why}");
                rows.push(Row::bare(None, shape.id.clone(), outcome));
            }
        }
        rows.append(&mut self.rows);
        let why = not_reached(run);
        for item in &run.items {
            let part = run.part_of(&item.id);
            let mine = run.charter.stages.iter().filter(|shape| shape.part == part);
            for shape in mine.filter(|shape| shape.is_walked()) {
                let is_it =
                    |row: &Row| row.item.as_ref() == Some(&item.id) && row.stage == shape.id;
                let left_out =
                    active(run, &item.id).is_some_and(|active| active.skipped.contains(&shape.id));
                if left_out && !rows.iter().any(is_it) {
                    let outcome = "left out by a person".to_owned();
                    rows.push(Row::bare(Some(item.id.clone()), shape.id.clone(), outcome));
                } else if !rows.iter().any(is_it) {
                    let outcome = match &item.progress {
                        Progress::Inferred { .. } => "not judged: inferred".to_owned(),
                        Progress::Done { .. } => "left out by a person".to_owned(),
                        Progress::Pending | Progress::Active(_) | Progress::Paused(_) => {
                            why.clone()
                        }
                    };
                    rows.push(Row::bare(Some(item.id.clone()), shape.id.clone(), outcome));
                }
            }
        }
        rows
    }

    fn begin(&mut self, row: Row) {
        self.rows.push(row);
        self.at_work = Some(self.rows.len() - 1);
    }

    fn end(&mut self, at: Timestamp, outcome: String, fill: impl FnOnce(&mut Row)) {
        let Some(row) = self.at_work.take().and_then(|at| self.rows.get_mut(at)) else { return };
        row.finished = Some(at);
        row.took = row.started.map(|started| at.since(started));
        row.outcome = outcome;
        fill(row);
    }

    /// What was asked and is asked anew was not answered.
    fn close_question(&mut self, item: &ItemId, stage: &StageId, at: Timestamp) {
        if let Some(row) = self.open_question(item, stage) {
            row.outcome = "not answered, and asked again".into();
            row.finished = Some(at);
            row.took = row.started.map(|started| at.since(started));
        }
    }

    fn open_question(&mut self, item: &ItemId, stage: &StageId) -> Option<&mut Row> {
        self.rows.iter_mut().rev().find(|row| {
            row.item.as_ref() == Some(item) && row.stage == *stage && row.outcome == WAITS
        })
    }

    /// The row of a question; a judge that may not send back any more asks without saying so.
    fn question(&mut self, item: &ItemId, stage: &StageId, before: &Run) -> &mut Row {
        if self.open_question(item, stage).is_none() {
            let waits = before.waits();
            let waits = waits.iter().find(|one| one.gate.item == *item);
            self.rows.push(Row {
                cycle: active(before, item).map_or(0, |active| active.cycle),
                started: waits.and_then(|one| one.since),
                commit: Some(before.head.clone()),
                ..Row::bare(Some(item.clone()), stage.clone(), WAITS.into())
            });
        }
        let last = self.rows.len().saturating_sub(1);
        let at = self.rows.iter().rposition(|row| {
            row.item.as_ref() == Some(item) && row.stage == *stage && row.outcome == WAITS
        });
        &mut self.rows[at.unwrap_or(last)]
    }
}

/// The row of a look over all assumptions, which no stage makes.
fn scanned(scan: &Scan, at: Timestamp) -> Option<Row> {
    let stage = StageId::parse(SCAN).ok()?;
    let often: Vec<String> =
        scan.promoted.iter().map(|one| format!("{} {} times", one.kind, one.count)).collect();
    let found = if often.is_empty() {
        "no question".to_owned()
    } else {
        format!("to be decided: {}", often.join(", "))
    };
    let outcome = format!(
        "{} assumed of {} kinds, {} finished: {found}",
        scan.assumed, scan.kinds, scan.finished
    );
    Some(Row {
        started: Some(at),
        finished: Some(at),
        took: Some(Span::ZERO),
        by: OURS.to_owned(),
        ..Row::bare(None, stage, outcome)
    })
}

/// What a look over all assumptions is called among the stages.
const SCAN: &str = "assumptions";
const WAITS: &str = "waits for a person";

fn active<'r>(run: &'r Run, item: &ItemId) -> Option<&'r Active> {
    run.items.iter().find(|one| one.id == *item).and_then(|one| match &one.progress {
        Progress::Active(active) | Progress::Paused(active) => Some(&**active),
        Progress::Pending | Progress::Done { .. } | Progress::Inferred { .. } => None,
    })
}

fn not_ended(run: &Run) -> String {
    let told = if run.state.is_over() { "not ended" } else { "at work, or its end is not known" };
    told.to_owned()
}

fn not_reached(run: &Run) -> String {
    match &run.halt {
        Some(Cause::Rejected { stage, .. }) => format!("not reached: {stage} was rejected"),
        Some(Cause::FailVerdict { stage }) => format!("not reached: {stage} said fail"),
        Some(_) | None => "not reached".into(),
    }
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Built => "done".into(),
        Outcome::Judged(verdict) => verdict.word().into(),
        Outcome::Failed { failure, detail } => {
            format!("no result ({}): {}", failure.word(), detail.lines().next().unwrap_or_default())
        }
        Outcome::Held { .. } => "held".into(),
        Outcome::Unavailable { why } => format!("no agent: {why}"),
        Outcome::Stopped => "stopped".into(),
        Outcome::Blocked { why } => format!("waits for an answer: {why}"),
    }
}

#[cfg(test)]
mod tests;
