//! An item's way through its stages: what an end, a word or a refused commit leads to. Limits are counted
//! here and judged elsewhere.

use super::{
    ANSWERS_MAX, Active, CYCLES_KEPT_MAX, CycleRecord, Evidence, FINGERPRINTS_MAX, PERSON, Phase,
    Then, Waiting, Working,
};
use crate::domain::{
    event::{Approval, Asked, StageEnd, StageStart, Word},
    finding::{Finding, Severity},
    id::{Digest, Oid, StageId},
    outcome::{Outcome, Verdict},
    time::Timestamp,
    workflow::{Duty, Exhausted, StageShape},
};

/// The rule of the finding that a refused commit is.
const COMMIT_REFUSED: &str = "commit-refused";

impl Active {
    pub(in crate::domain) fn begin(
        &mut self,
        start: &StageStart,
        shape: &StageShape,
        at: Timestamp,
    ) {
        if shape.duty == Duty::Build && !self.builders.contains(&start.agent) {
            self.builders.push(start.agent.clone());
        }
        self.phase = Phase::Working(Box::new(Working {
            head: start.head.clone(),
            tree: start.tree.clone(),
            agent: start.agent.clone(),
            since: at,
            process: None,
        }));
    }

    /// The stage ended: where to from here? Yes where it may not send back any more, and so
    /// stops the run.
    pub(in crate::domain) fn end(
        &mut self,
        working: &Working,
        end: &StageEnd,
        shape: &StageShape,
        stages: &[StageShape],
    ) -> bool {
        let mut stop = false;
        let then = match &end.outcome {
            Outcome::Built if shape.duty == Duty::Build => Then::Next,
            Outcome::Built => {
                self.pass(working, end, shape, Verdict::Pass);
                Then::Next
            }
            Outcome::Judged(verdict @ (Verdict::Pass | Verdict::Conditional)) => {
                self.pass(working, end, shape, *verdict);
                Then::Next
            }
            Outcome::Judged(Verdict::Revise) => {
                self.counters.failures = 0;
                match self.after_revise(working, end, shape) {
                    Revised::SentBack => return false,
                    Revised::GoesOn => Then::Next,
                    Revised::Stops => {
                        stop = true;
                        Then::Again
                    }
                    Revised::Asks(waiting) => {
                        self.phase = Phase::Waiting(Box::new(waiting));
                        return false;
                    }
                }
            }
            Outcome::Blocked { why } => Then::Pause { why: why.clone() },
            Outcome::Failed { detail, .. } => {
                self.counters.failures = self.counters.failures.saturating_add(1);
                self.counters.last_failure = Some(detail.clone());
                Then::Again
            }
            // A person who looks at why it halted finds it here.
            Outcome::Judged(Verdict::Fail) => {
                self.findings.clone_from(&end.findings);
                Then::Again
            }
            Outcome::Held { .. } | Outcome::Unavailable { .. } | Outcome::Stopped => Then::Again,
        };
        if end.clean {
            self.go(&then, stages);
        } else {
            self.phase = Phase::Uncommitted { then };
        }
        stop
    }

    /// What a verdict that asks for more leads to: back, as long as the stage may send back.
    fn after_revise(&mut self, working: &Working, end: &StageEnd, shape: &StageShape) -> Revised {
        let used = self.counters.sent_back.get(&shape.id).copied().unwrap_or(0);
        let exhausted = match shape.tries {
            Some(tries) if tries.max <= used => tries.then,
            // It has nowhere to send back to, so a person decides.
            _ if shape.back_to.is_none() => Exhausted::Person,
            _ => {
                self.send_back(end, shape);
                return Revised::SentBack;
            }
        };
        self.findings.clone_from(&end.findings);
        match exhausted {
            Exhausted::GoOn => {
                self.pass(working, end, shape, Verdict::Conditional);
                Revised::GoesOn
            }
            Exhausted::Halt => Revised::Stops,
            Exhausted::Person => Revised::Asks(Waiting {
                at: Some((end.head.clone(), end.tree.clone())),
                until: None,
                why: Some(match used {
                    0 => "it did not pass, and sends nothing back".to_owned(),
                    1 => "it sent back once, and still does not pass".to_owned(),
                    used => format!("it sent back {used} times, and still does not pass"),
                }),
                since: None,
            }),
        }
    }

    /// A person's word is waited for.
    pub(in crate::domain) fn ask(&mut self, asked: &Asked) {
        self.phase = Phase::Waiting(Box::new(Waiting {
            at: Some((asked.head.clone(), asked.tree.clone())),
            until: asked.until,
            why: match &self.phase {
                Phase::Waiting(waiting) => waiting.why.clone(),
                _ => None,
            },
            since: None,
        }));
    }

    /// A person's word on the stage at which the item waits.
    pub(in crate::domain) fn answer(
        &mut self,
        of: &Approval,
        person: &str,
        shape: &StageShape,
        stages: &[StageShape],
    ) {
        let Phase::Waiting(waiting) = &self.phase else { return };
        match (of.word, waiting.at.is_some()) {
            (Word::Reject, _) => {}
            (Word::Approve, true) => {
                let verdict =
                    if shape.duty == Duty::Human { Verdict::Pass } else { Verdict::Conditional };
                self.passed.retain(|evidence| evidence.stage != shape.id);
                self.passed.push(Evidence {
                    stage: shape.id.clone(),
                    head: of.head.clone(),
                    tree: of.tree.clone(),
                    agent: person.to_owned(),
                    verdict,
                });
                self.findings.clear();
                self.skipped.extend(of.skip.clone());
                self.go(&Then::Next, stages);
            }
            // The same stage again, with what the person said.
            (Word::Approve | Word::Modify, false) => {
                self.findings = vec![said(&of.text)];
                if self.answers.len() < ANSWERS_MAX && !of.text.is_empty() {
                    self.answers.push(of.text.clone());
                }
                self.go(&Then::Again, stages);
            }
            (Word::Modify, true) => {
                let findings = vec![said(&of.text)];
                self.back(&of.tree, findings, 0, shape);
            }
        }
    }

    pub(in crate::domain) fn skip(&mut self, stage: &StageId, stages: &[StageShape]) {
        self.skipped.push(stage.clone());
        self.go(&Then::Next, stages);
    }

    /// From this stage on nothing counts as passed any more.
    pub(in crate::domain) fn forget_from(&mut self, stage: &StageId, stages: &[StageShape]) {
        let at = |id: &StageId| stages.iter().position(|shape| shape.id == *id);
        let from = at(stage);
        self.passed.retain(|evidence| at(&evidence.stage) < from);
        self.skipped.retain(|skipped| at(skipped) < from);
    }

    pub(in crate::domain) fn go(&mut self, then: &Then, stages: &[StageShape]) {
        self.phase = Phase::Ready;
        match then {
            Then::Again => self.attempt = self.attempt.saturating_add(1),
            Then::Next => {
                // Only now: what was built, but cannot be committed, is no result.
                self.counters.failures = 0;
                match self.after(stages) {
                    Some(next) => self.enter(&next.id.clone()),
                    None => self.phase = Phase::Passed,
                }
            }
            Then::Pause { why } => {
                let why = Some(why.clone());
                self.phase =
                    Phase::Waiting(Box::new(Waiting { at: None, until: None, why, since: None }));
            }
        }
    }

    /// The stage after the present one; an item that was reopened is not built again on its way.
    fn after<'a>(&mut self, stages: &'a [StageShape]) -> Option<&'a StageShape> {
        let at = |id: &StageId| stages.iter().position(|shape| shape.id == *id);
        let (here, from) =
            (at(&self.stage)?, self.reopened_from.as_ref().and_then(at).unwrap_or(0));
        let part = stages[here].part;
        let mut rest = stages.iter().enumerate().skip(here + 1);
        let next = rest.find(|(at, shape)| {
            let taken =
                shape.part == part && shape.is_walked() && !self.skipped.contains(&shape.id);
            taken && (from <= *at || shape.stands())
        });
        if next.is_none_or(|(at, _)| from <= at) {
            self.reopened_from = None;
        }
        next.map(|(_, shape)| shape)
    }

    /// A judge judges again. That uses up a cycle, so that it cannot go on for ever.
    pub(in crate::domain) fn reopen(&mut self, stage: &StageId) {
        self.reopened_from.get_or_insert_with(|| self.stage.clone());
        self.counters.spent = self.counters.spent.saturating_add(1);
        self.enter(stage);
    }

    pub(in crate::domain) fn enter(&mut self, stage: &StageId) {
        self.stage = stage.clone();
        self.attempt = 1;
        self.phase = Phase::Ready;
    }

    /// What it has used up, what was found and which tree was passed stays.
    pub(super) fn begin_again(&mut self, stage: &StageId, tree: &Oid) {
        self.cycle = self.cycle.saturating_add(1);
        self.counters.cycle_tree = Some(tree.clone());
        self.reopened_from = None;
        // It does not wait any more, and nobody said where the others' work ends.
        self.asides.retain(|aside| aside.to.is_some());
        self.enter(stage);
    }

    /// What the stage left may be gone, so that it is done once more.
    pub(in crate::domain) fn unsettle(&mut self) {
        if matches!(self.phase, Phase::Uncommitted { .. } | Phase::Passed | Phase::Waiting(_)) {
            self.phase = Phase::Ready;
            self.attempt = self.attempt.saturating_add(1);
        }
    }

    /// What was left cannot be committed: that is a finding for the builder, who tries again.
    pub(in crate::domain) fn refuse_commit(&mut self, why: &str) {
        self.refused = true;
        self.counters.failures = self.counters.failures.saturating_add(1);
        self.counters.last_failure = Some(format!("the commit was refused: {why}"));
        let finding = Finding {
            rule: COMMIT_REFUSED.into(),
            severity: Severity::High,
            path: None,
            line: None,
            message: why.to_owned(),
        };
        self.findings.retain(|finding| finding.rule != COMMIT_REFUSED);
        self.findings.insert(0, finding.bounded());
        if matches!(self.phase, Phase::Uncommitted { .. }) {
            self.phase = Phase::Ready;
            self.attempt = self.attempt.saturating_add(1);
        }
    }

    pub(in crate::domain) fn commit_done(&mut self) {
        self.refused = false;
        self.findings.retain(|finding| finding.rule != COMMIT_REFUSED);
    }

    fn pass(&mut self, working: &Working, end: &StageEnd, shape: &StageShape, verdict: Verdict) {
        self.passed.retain(|evidence| evidence.stage != shape.id);
        self.passed.push(Evidence {
            stage: shape.id.clone(),
            head: working.head.clone(),
            tree: working.tree.clone(),
            agent: working.agent.clone(),
            verdict,
        });
        self.findings.clone_from(&end.findings);
    }

    /// Findings: the cycle is over, and the next one begins where the judge says.
    fn send_back(&mut self, end: &StageEnd, shape: &StageShape) {
        self.back(&end.tree, end.findings.clone(), end.findings_dropped, shape);
    }

    fn back(&mut self, tree: &Oid, findings: Vec<Finding>, dropped: u32, shape: &StageShape) {
        let open = u32::try_from(findings.len()).unwrap_or(u32::MAX).saturating_add(dropped);
        let mut fingerprints: Vec<Digest> = findings.iter().map(Finding::fingerprint).collect();
        fingerprints.sort();
        fingerprints.dedup();
        let counters = &mut self.counters;
        for fingerprint in fingerprints {
            if counters.seen.len() < FINGERPRINTS_MAX || counters.seen.contains_key(&fingerprint) {
                *counters.seen.entry(fingerprint).or_default() += 1;
            }
        }
        let changed = counters.cycle_tree.as_ref() != Some(tree);
        counters.unchanged = if changed { 0 } else { counters.unchanged.saturating_add(1) };
        counters.cycle_tree = Some(tree.clone());
        counters.spent = counters.spent.saturating_add(1);
        if shape.tries.is_some() {
            *counters.sent_back.entry(shape.id.clone()).or_default() += 1;
        }
        match counters.fewest {
            Some(fewest) if fewest <= open => {
                counters.since_fewest = counters.since_fewest.saturating_add(1)
            }
            _ => (counters.fewest, counters.since_fewest) = (Some(open), 0),
        }
        self.cycles.push(CycleRecord {
            cycle: self.cycle,
            stage: shape.id.clone(),
            findings: open,
            changed,
        });
        if CYCLES_KEPT_MAX < self.cycles.len() {
            self.cycles.remove(0);
        }
        self.findings = findings;
        self.cycle = self.cycle.saturating_add(1);
        self.reopened_from = None;
        let back_to = shape.back_to.clone().unwrap_or_else(|| self.stage.clone());
        self.enter(&back_to);
    }
}

/// What a verdict that asks for more has led to.
enum Revised {
    SentBack,
    GoesOn,
    Stops,
    Asks(Waiting),
}

/// A person's word, as a finding for whoever builds.
fn said(text: &str) -> Finding {
    let (rule, message) = (PERSON.to_owned(), text.to_owned());
    Finding { rule, severity: Severity::High, path: None, line: None, message }.bounded()
}
