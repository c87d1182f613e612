//! How each gate was passed: by whoever judges there, with remarks, by a person's word, or not at all, and
//! with which findings. A workflow may go on with findings open; who reads of the run is told so.

use std::collections::BTreeMap;

use super::{
    event::{Envelope, Event, Word},
    finding::Finding,
    gate::Gate,
    outcome::{Outcome, Verdict},
    run::Run,
    workflow::Duty,
};

/// What came of a gate at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// What whoever judges there said last; nothing where only a person is asked.
    pub verdict: Option<Verdict>,
    /// A person who let it pass, and what they said.
    pub word: Option<(String, String)>,
    /// What was found, and what nobody answered.
    pub findings: Vec<Finding>,
}

impl Passage {
    /// Whether whoever judges there let it pass.
    #[must_use]
    pub fn is_pass(&self) -> bool {
        match self.verdict {
            Some(Verdict::Pass | Verdict::Conditional) => true,
            Some(Verdict::Revise | Verdict::Fail) => false,
            None => self.word.is_some(),
        }
    }
}

/// The newest passage of each gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passages(BTreeMap<Gate, Passage>);

impl Passages {
    /// One event, and the run before it.
    pub fn note(&mut self, envelope: &Envelope, before: &Run) {
        match &envelope.event {
            Event::StageEnded(end) => {
                let Outcome::Judged(verdict) = end.outcome else { return };
                let Some((item, active)) = before.active_item().zip(before.active()) else {
                    return;
                };
                let gate = Gate { item: item.id.clone(), stage: active.stage.clone() };
                let findings = end.findings.clone();
                self.0.insert(gate, Passage { verdict: Some(verdict), word: None, findings });
            }
            Event::ApprovalGiven(of) => {
                let gate = Gate { item: of.item.clone(), stage: of.stage.clone() };
                let person = before.shape(&of.stage).is_some_and(|shape| shape.duty == Duty::Human);
                match of.word {
                    // The question of an item that is paused is no gate's.
                    Word::Approve if person || self.0.contains_key(&gate) => {
                        let none = || Passage { verdict: None, word: None, findings: Vec::new() };
                        let passage = self.0.entry(gate).or_insert_with(none);
                        passage.word = Some((envelope.actor.person.clone(), of.text.clone()));
                    }
                    Word::Approve | Word::Reject => {}
                    Word::Modify => drop(self.0.remove(&gate)),
                }
            }
            _ => {}
        }
    }

    #[must_use]
    pub fn of(&self, gate: &Gate) -> Option<&Passage> {
        self.0.get(gate)
    }
}
