//! A person lets something be done again while the run stands still.

use super::World;
use crate::domain::{event::Event, item::Progress, run::State, workflow::Part};

impl World {
    /// Now and then, from whatever stage and item the script comes to: where it may be, it is done again.
    pub(super) fn reopen(&mut self) {
        let number = self.incidents + self.builds + self.judges + self.said;
        let run = &self.tape.run;
        if !number.is_multiple_of(3) || run.state != State::Halted || run.tree.is_none() {
            return;
        }
        let stages: Vec<_> = run.charter.stages.iter().filter(|shape| shape.is_taken()).collect();
        let shape = stages[number / 3 % stages.len()];
        let fits = run.items.iter().filter(|item| run.part_of(&item.id) == shape.part);
        let begun: Vec<_> = fits.filter(|item| item.progress != Progress::Pending).collect();
        let Some(item) = begun.get(number / 7 % begun.len().max(1)) else { return };
        let event = Event::StageReopened {
            item: item.id.clone(),
            stage: shape.id.clone(),
            why: "think again".into(),
        };
        // What it has not come to is refused, and nothing has happened.
        if self.tape.clone().write(event.clone()).is_ok() {
            self.write(event);
        }
    }

    /// What was passed from there on counts no more; after an opening nothing that was built by it.
    pub(super) fn reopened(&mut self, event: &Event) {
        let Event::StageReopened { item, stage, .. } = event else { return };
        let run = &self.tape.run;
        let at = |id: &_| run.charter.stages.iter().position(|shape| shape.id == *id);
        let (from, part) = (at(stage), run.part_of(item));
        let (done, active) = (run.all_done(), run.active_item().map(|at_work| at_work.id.clone()));
        self.passed.retain(|(of, passed), _| match part {
            Part::Opening if of != item => run.part_of(of) == Part::Opening,
            _ => of != item || at(passed) < from,
        });
        self.check("what is reopened is not done", !done);
        self.check("what is reopened is what is at work", active.as_ref() == Some(item));
    }
}
