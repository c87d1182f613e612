//! Which gates are open for a commit, and the events that are about what leaves the machine.

use super::{PullRequest, Refusal, Run, State};
use crate::domain::{
    event::{Delivery, Envelope, Event, GateOverride},
    gate::{Gate, Override},
    ice::denial::Denial,
    id::{Oid, StageId},
    item::{Active, Evidence, Item, Phase, Progress},
    reconcile::Strength,
    view,
    workflow::StageShape,
};

/// How the title of a pull request begins whose run is not done.
pub const INCOMPLETE: &str = "[INCOMPLETE]";
/// More gates than this are counted and not listed in one refusal.
const GATES_SHOWN_MAX: usize = 5;

impl Run {
    /// What the workflow still asks for before this commit may leave, but for what a person answered
    /// for. Where it is not told which commit it is, no answer counts.
    #[must_use]
    pub fn open_gates(&self, commit: Option<&Oid>) -> Vec<Gate> {
        let overridden = |gate: &Gate| {
            self.overrides.iter().any(|one| one.gate == *gate && Some(&one.commit) == commit)
        };
        self.asked_gates(commit).into_iter().filter(|gate| !overridden(gate)).collect()
    }

    /// The same, whatever a person said.
    fn asked_gates(&self, commit: Option<&Oid>) -> Vec<Gate> {
        let latest = self.latest();
        let gates = self.items.iter().enumerate().flat_map(|(at, item)| {
            let last = latest == Some(at);
            self.gates_of(item)
                .filter(move |stage| match &item.progress {
                    Progress::Pending => true,
                    Progress::Active(active) | Progress::Paused(active) => {
                        commit != Some(&self.head) || !self.has_passed(active, stage)
                    }
                    // Nobody asks for it any more.
                    Progress::Inferred { strength: Strength::Superseded, .. } => false,
                    _ if self.waits_for_judges(&item.id) => true,
                    // Nobody judged what was only inferred.
                    Progress::Inferred { .. } => true,
                    // What came after the last verdict was judged by nobody.
                    Progress::Done { head, .. } => {
                        last && self.all_done() && commit.is_some_and(|commit| commit != head)
                    }
                })
                .map(|stage| Gate { item: item.id.clone(), stage: stage.id.clone() })
        });
        gates.collect()
    }

    /// Whether this judge passed the present tree on the item's present way: what it said before it
    /// was, or is, to be asked again counts no more.
    fn has_passed(&self, active: &Active, stage: &StageShape) -> bool {
        let at = |id: &StageId| self.charter.stages.iter().position(|shape| shape.id == *id);
        let behind = active.phase == Phase::Passed || at(&stage.id) < at(&active.stage);
        let saw = |evidence: &Evidence| {
            let same = Some(&evidence.tree) == self.tree.as_ref();
            evidence.stage == stage.id && (same || !stage.stands())
        };
        behind && active.passed.iter().any(saw)
    }

    /// The gates that an item has to pass.
    pub fn gates_of<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a StageShape> {
        let part = self.part_of(&item.id);
        let over: &[StageId] = match &item.progress {
            Progress::Active(active) | Progress::Paused(active) => &active.skipped,
            Progress::Pending | Progress::Done { .. } | Progress::Inferred { .. } => &[],
        };
        self.charter
            .stages
            .iter()
            .filter(move |shape| shape.part == part && shape.is_gate() && !over.contains(&shape.id))
    }

    /// Whether this very commit may leave: it was proven, or a person answered for all that is open.
    #[must_use]
    pub fn may_leave(&self, commit: &Oid) -> bool {
        let proven = self.all_done() && self.proven() == commit;
        let answered = self.overrides.iter().any(|one| one.commit == *commit);
        (proven || answered) && self.open_gates(Some(commit)).is_empty()
    }

    /// The same, with what is missing.
    pub fn clears(&self, commit: &Oid) -> Result<(), Denial> {
        if self.may_leave(commit) {
            return Ok(());
        }
        let next = match self.state {
            State::Ready | State::JackIn | State::Running => "git run resume".to_owned(),
            State::Halted => view::next_move(self, false, None).command,
            State::Complete | State::ReadyForHitl | State::JackedOut => "git run status".to_owned(),
        };
        let open: Vec<_> = self.open_gates(Some(commit)).iter().map(ToString::to_string).collect();
        if open.is_empty() {
            let what = format!("the workflow did not prove commit {}", commit.short());
            return Err(Denial::new("unproven", what).next(next));
        }
        let more = open.len().saturating_sub(GATES_SHOWN_MAX);
        let more = if 0 < more { format!(" and {more} more") } else { String::new() };
        let first = open.iter().take(GATES_SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
        let mut what = format!("not passed for commit {}: {first}{more}", commit.short());
        if self.all_done() {
            what.push_str(&format!("; the workflow proved {}", self.proven().short()));
        }
        Err(Denial::new("gate", what).next(next))
    }

    /// Whether nobody works on it, so that it stands still while a person decides.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        match self.state {
            State::Ready | State::JackIn | State::Running => false,
            State::Complete | State::Halted => {
                !self.active().is_some_and(|active| matches!(active.phase, Phase::Working(_)))
            }
            State::ReadyForHitl | State::JackedOut => true,
        }
    }

    /// Whether the forge has a pull request of it, and of all of it.
    #[must_use]
    pub fn is_proposed(&self) -> bool {
        self.pull_request.as_ref().is_some_and(|request| {
            let stale = self.all_done() && request.title.starts_with(INCOMPLETE);
            request.url.is_some() && !stale
        })
    }

    pub(super) fn override_gate(
        &mut self,
        envelope: &Envelope,
        of: &GateOverride,
    ) -> Result<(), Refusal> {
        let event = &envelope.event;
        if !self.is_at_rest() {
            return Err(self.refuse(event, "it is at work"));
        }
        if of.commit != self.head || Some(&of.tree) != self.tree.as_ref() {
            return Err(self.refuse(event, "it stands at another commit"));
        }
        if !self.open_gates(Some(&of.commit)).contains(&of.gate) {
            return Err(self.refuse(event, &format!("`{}` is no open gate", of.gate)));
        }
        self.overrides.push(Override {
            gate: of.gate.clone(),
            commit: of.commit.clone(),
            tree: of.tree.clone(),
            reason: of.reason.clone(),
            person: envelope.actor.person.clone(),
            at: envelope.at,
            signed: of.signed.clone(),
        });
        Ok(())
    }

    pub(super) fn deliver(&mut self, outcome: &Delivery) {
        self.delivering = false;
        self.delivery = Some(outcome.clone());
        self.state = match (self.state, outcome) {
            (State::Complete, Delivery::Pushed { .. }) => State::ReadyForHitl,
            (State::JackedOut, Delivery::Pushed { .. }) if self.all_done() => State::ReadyForHitl,
            (State::Complete, Delivery::Skipped { .. }) => State::JackedOut,
            (state, _) => state,
        };
    }

    /// The text of a pull request was written, or one was opened for it.
    pub(super) fn propose(&mut self, event: &Event) -> Result<(), Refusal> {
        match event {
            Event::PullRequestWritten { title, .. } => {
                let url = self.pull_request.take().and_then(|request| request.url);
                self.pull_request = Some(PullRequest { title: title.clone(), url });
                Ok(())
            }
            Event::PullRequestOpened { url, .. } => match &mut self.pull_request {
                Some(request) => {
                    request.url = Some(url.clone());
                    Ok(())
                }
                None => Err(self.refuse(event, "its text was not written")),
            },
            _ => Err(self.refuse(event, "")),
        }
    }
}

#[cfg(test)]
mod tests;
