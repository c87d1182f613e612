//! Checkpoints and rollbacks of the scripted world, and what must hold after one.

use super::{Repo, World};
use crate::domain::{
    event::{Cause, Event, Place, Rollback, RollbackKind},
    id::ItemId,
    item::Phase,
    request::{Answer, Request, decide},
    run::State,
    step::Marks,
    testing::oid,
};

/// What a checkpoint brings back.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    number: u64,
    head: u64,
    tree: u64,
    marks: Option<Marks>,
    place: Place,
}

impl World {
    pub(super) fn checkpoint(&mut self) -> Kept {
        let run = &self.tape.run;
        let number = run.checkpoint.map_or(1, |newest| newest + 1);
        let place = run.place();
        let Repo { head, tree, ref marks, .. } = self.repo;
        let kept = Kept { number, head, tree, marks: marks.clone(), place };
        let (commit, tree, why) = (oid(1_000_000 + number), oid(tree), "asked for".into());
        self.write(Event::CheckpointMade { number, commit, tree, why });
        self.kept.push(kept.clone());
        kept
    }

    pub(super) fn roll_back(&mut self, to: usize, stranger: bool) {
        let run = &self.tape.run;
        if run.active().is_some_and(|active| matches!(active.phase, Phase::Working(_))) {
            self.write(Event::StageLost { why: "gone".into() });
        }
        let saved = self.checkpoint();
        let mut kept = self.kept[to % self.kept.len()].clone();
        if stranger {
            kept.place = Place::Unknown;
        }
        (self.repo.dirty, self.repo.brought) = (false, None);
        (self.repo.head, self.repo.tree, self.repo.marks) = (kept.head, kept.tree, kept.marks);
        let back = Rollback {
            how: RollbackKind::Rollback,
            to: kept.number,
            commit: oid(1_000_000 + kept.number),
            saved: saved.number,
            head: oid(kept.head),
            tree: oid(kept.tree),
            place: kept.place,
            undone: Vec::new(),
            report: None,
        };
        self.write(Event::RolledBack(Box::new(back)));
        if let Ok(Answer::Write(events)) =
            decide(&self.tape.run, &Request::Resume { reset_breaker: false })
        {
            events.into_iter().for_each(|event| self.write(event));
        }
    }

    pub(super) fn rolled_back(&mut self, back: &Rollback) {
        let run = &self.tape.run;
        let ready = run.active().is_none_or(|active| active.phase == Phase::Ready);
        let asked = match run.state {
            State::Halted => matches!(run.halt, Some(Cause::Asked { .. })),
            State::Ready | State::JackIn => true,
            State::Running | State::Complete | State::ReadyForHitl | State::JackedOut => false,
        };
        let next = match (&back.place, run.active_item().zip(run.active())) {
            (Place::At { item, stage }, Some((at, active))) if at.id == *item => {
                active.stage == *stage && active.attempt == 1
            }
            // An earlier item that is not proven any more comes first.
            (Place::At { item, .. }, at) => {
                let place = |id: &ItemId| run.items.iter().position(|item| item.id == *id);
                at.is_some_and(|(at, _)| place(&at.id) < place(item))
            }
            (Place::Start, at) => at.is_none(),
            (Place::Unknown, _) => true,
        };
        self.check("a run that was rolled back is halted, with nothing under way", ready && asked);
        self.check("the work goes on where the checkpoint was made", next);
    }
}
