//! The items of a `state.json`: where each stands, and what its breaker counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{
    Text,
    event::{FindingDoc, ProcessDoc},
};
use crate::domain::{
    id::{Digest, ItemId, Oid, StageId},
    item::{
        Active, Aside, Committing, Counters, CycleRecord, Evidence, Item, Phase, Progress, Then,
        Waiting, Working,
    },
    outcome::Verdict,
    reconcile::Strength,
    time::Timestamp,
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ItemDoc {
    id: Text<ItemId>,
    progress: ProgressDoc,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum ProgressDoc {
    Pending,
    Active(Box<ActiveDoc>),
    /// Since format 4.
    Paused(Box<ActiveDoc>),
    Done {
        head: Text<Oid>,
        tree: Text<Oid>,
        cycles: u32,
        at: Text<Timestamp>,
    },
    /// Since format 3.
    Inferred {
        strength: Text<Strength>,
        head: Text<Oid>,
        tree: Text<Oid>,
        cycles: u32,
        at: Text<Timestamp>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct ActiveDoc {
    started: Text<Oid>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Text<Oid>>,
    cycle: u32,
    stage: Text<StageId>,
    attempt: u32,
    phase: PhaseDoc,
    reopened_from: Option<Text<StageId>>,
    committing: Option<CommittingDoc>,
    refused: bool,
    passed: Vec<EvidenceDoc>,
    findings: Vec<FindingDoc>,
    counters: CountersDoc,
    cycles: Vec<CycleDoc>,
    builders: Vec<String>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<Text<StageId>>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    answers: Vec<String>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    asides: Vec<AsideDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AsideDoc {
    from: Text<Oid>,
    to: Option<Text<Oid>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum PhaseDoc {
    Ready,
    Working {
        head: Text<Oid>,
        tree: Text<Oid>,
        agent: String,
        since: Text<Timestamp>,
        process: Option<ProcessDoc>,
    },
    Uncommitted {
        then: ThenDoc,
    },
    /// Since format 4.
    Waiting {
        head: Option<Text<Oid>>,
        tree: Option<Text<Oid>>,
        until: Option<Text<Timestamp>>,
        why: Option<String>,
        #[serde(default)]
        since: Option<Text<Timestamp>>,
    },
    Passed,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ThenDoc {
    Again,
    Next,
    /// Since format 4.
    Pause {
        why: String,
    },
}

impl From<&Then> for ThenDoc {
    fn from(then: &Then) -> Self {
        match then {
            Then::Again => Self::Again,
            Then::Next => Self::Next,
            Then::Pause { why } => Self::Pause { why: why.clone() },
        }
    }
}

impl From<ThenDoc> for Then {
    fn from(doc: ThenDoc) -> Self {
        match doc {
            ThenDoc::Again => Self::Again,
            ThenDoc::Next => Self::Next,
            ThenDoc::Pause { why } => Self::Pause { why },
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct CommittingDoc {
    parent: Text<Oid>,
    subject: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct EvidenceDoc {
    stage: Text<StageId>,
    head: Text<Oid>,
    tree: Text<Oid>,
    agent: String,
    verdict: Text<Verdict>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CountersDoc {
    last_failure: Option<String>,
    seen: BTreeMap<String, u32>,
    failures: u32,
    cycle_tree: Option<Text<Oid>>,
    unchanged: u32,
    fewest: Option<u32>,
    since_fewest: u32,
    spent: u32,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sent_back: BTreeMap<Text<StageId>, u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CycleDoc {
    cycle: u32,
    stage: Text<StageId>,
    findings: u32,
    changed: bool,
}

impl From<&Item> for ItemDoc {
    fn from(item: &Item) -> Self {
        let progress = match &item.progress {
            Progress::Pending => ProgressDoc::Pending,
            Progress::Active(active) => ProgressDoc::Active(Box::new((&**active).into())),
            Progress::Paused(active) => ProgressDoc::Paused(Box::new((&**active).into())),
            Progress::Done { head, tree, cycles, at } => ProgressDoc::Done {
                head: Text(head.clone()),
                tree: Text(tree.clone()),
                cycles: *cycles,
                at: Text(*at),
            },
            Progress::Inferred { strength, head, tree, cycles, at } => ProgressDoc::Inferred {
                strength: Text(*strength),
                head: Text(head.clone()),
                tree: Text(tree.clone()),
                cycles: *cycles,
                at: Text(*at),
            },
        };
        Self { id: Text(item.id.clone()), progress }
    }
}

impl ItemDoc {
    pub(super) fn read(self) -> Option<Item> {
        let progress = match self.progress {
            ProgressDoc::Pending => Progress::Pending,
            ProgressDoc::Active(active) => Progress::Active(Box::new(active.read()?)),
            ProgressDoc::Paused(active) => Progress::Paused(Box::new(active.read()?)),
            ProgressDoc::Done { head, tree, cycles, at } => {
                Progress::Done { head: head.0, tree: tree.0, cycles, at: at.0 }
            }
            ProgressDoc::Inferred { strength, head, tree, cycles, at } => Progress::Inferred {
                strength: strength.0,
                head: head.0,
                tree: tree.0,
                cycles,
                at: at.0,
            },
        };
        Some(Item { id: self.id.0, progress })
    }
}

impl From<&Active> for ActiveDoc {
    fn from(active: &Active) -> Self {
        let committing = active.committing.as_ref();
        let evidence = |e: &Evidence| EvidenceDoc {
            stage: Text(e.stage.clone()),
            head: Text(e.head.clone()),
            tree: Text(e.tree.clone()),
            agent: e.agent.clone(),
            verdict: Text(e.verdict),
        };
        let cycle = |c: &CycleRecord| CycleDoc {
            cycle: c.cycle,
            stage: Text(c.stage.clone()),
            findings: c.findings,
            changed: c.changed,
        };
        let aside = |aside: &Aside| AsideDoc {
            from: Text(aside.from.clone()),
            to: aside.to.clone().map(Text),
        };
        Self {
            started: Text(active.started.clone()),
            since: active.since.clone().map(Text),
            cycle: active.cycle,
            stage: Text(active.stage.clone()),
            attempt: active.attempt,
            phase: (&active.phase).into(),
            reopened_from: active.reopened_from.clone().map(Text),
            committing: committing.map(|c| CommittingDoc {
                parent: Text(c.parent.clone()),
                subject: c.subject.clone(),
            }),
            refused: active.refused,
            passed: active.passed.iter().map(evidence).collect(),
            findings: active.findings.iter().map(Into::into).collect(),
            counters: (&active.counters).into(),
            cycles: active.cycles.iter().map(cycle).collect(),
            builders: active.builders.clone(),
            skipped: active.skipped.iter().cloned().map(Text).collect(),
            answers: active.answers.clone(),
            asides: active.asides.iter().map(aside).collect(),
        }
    }
}

impl ActiveDoc {
    fn read(self) -> Option<Active> {
        let evidence = |doc: EvidenceDoc| Evidence {
            stage: doc.stage.0,
            head: doc.head.0,
            tree: doc.tree.0,
            agent: doc.agent,
            verdict: doc.verdict.0,
        };
        let cycle = |doc: CycleDoc| CycleRecord {
            cycle: doc.cycle,
            stage: doc.stage.0,
            findings: doc.findings,
            changed: doc.changed,
        };
        let aside = |doc: AsideDoc| Aside { from: doc.from.0, to: doc.to.map(|id| id.0) };
        Some(Active {
            started: self.started.0,
            since: self.since.map(|id| id.0),
            cycle: self.cycle,
            stage: self.stage.0,
            attempt: self.attempt,
            phase: self.phase.into(),
            reopened_from: self.reopened_from.map(|id| id.0),
            committing: self
                .committing
                .map(|doc| Committing { parent: doc.parent.0, subject: doc.subject }),
            refused: self.refused,
            passed: self.passed.into_iter().map(evidence).collect(),
            findings: self.findings.into_iter().map(Into::into).collect(),
            counters: self.counters.read()?,
            cycles: self.cycles.into_iter().map(cycle).collect(),
            builders: self.builders,
            skipped: self.skipped.into_iter().map(|id| id.0).collect(),
            answers: self.answers,
            asides: self.asides.into_iter().map(aside).collect(),
        })
    }
}

impl From<&Phase> for PhaseDoc {
    fn from(phase: &Phase) -> Self {
        match phase {
            Phase::Ready => Self::Ready,
            Phase::Working(working) => Self::Working {
                head: Text(working.head.clone()),
                tree: Text(working.tree.clone()),
                agent: working.agent.clone(),
                since: Text(working.since),
                process: working.process.as_ref().map(Into::into),
            },
            Phase::Uncommitted { then } => Self::Uncommitted { then: then.into() },
            Phase::Waiting(waiting) => {
                let (head, tree) = waiting.at.clone().unzip();
                Self::Waiting {
                    head: head.map(Text),
                    tree: tree.map(Text),
                    until: waiting.until.map(Text),
                    why: waiting.why.clone(),
                    since: waiting.since.map(Text),
                }
            }
            Phase::Passed => Self::Passed,
        }
    }
}

impl From<PhaseDoc> for Phase {
    fn from(doc: PhaseDoc) -> Self {
        match doc {
            PhaseDoc::Ready => Self::Ready,
            PhaseDoc::Working { head, tree, agent, since, process } => {
                Self::Working(Box::new(Working {
                    head: head.0,
                    tree: tree.0,
                    agent,
                    since: since.0,
                    process: process.map(Into::into),
                }))
            }
            PhaseDoc::Uncommitted { then } => Self::Uncommitted { then: then.into() },
            PhaseDoc::Waiting { head, tree, until, why, since } => {
                Self::Waiting(Box::new(Waiting {
                    at: head.zip(tree).map(|(head, tree)| (head.0, tree.0)),
                    until: until.map(|at| at.0),
                    why,
                    since: since.map(|at| at.0),
                }))
            }
            PhaseDoc::Passed => Self::Passed,
        }
    }
}

impl From<&Counters> for CountersDoc {
    fn from(counters: &Counters) -> Self {
        Self {
            seen: counters
                .seen
                .iter()
                .map(|(digest, count)| (digest.to_string(), *count))
                .collect(),
            last_failure: counters.last_failure.clone(),
            failures: counters.failures,
            cycle_tree: counters.cycle_tree.clone().map(Text),
            unchanged: counters.unchanged,
            fewest: counters.fewest,
            since_fewest: counters.since_fewest,
            spent: counters.spent,
            sent_back: counters
                .sent_back
                .iter()
                .map(|(stage, count)| (Text(stage.clone()), *count))
                .collect(),
        }
    }
}

impl CountersDoc {
    fn read(self) -> Option<Counters> {
        let seen = self
            .seen
            .into_iter()
            .map(|(digest, count)| Some((Digest::parse(&digest).ok()?, count)));
        Some(Counters {
            seen: seen.collect::<Option<_>>()?,
            last_failure: self.last_failure,
            failures: self.failures,
            cycle_tree: self.cycle_tree.map(|id| id.0),
            unchanged: self.unchanged,
            fewest: self.fewest,
            since_fewest: self.since_fewest,
            spent: self.spent,
            sent_back: self.sent_back.into_iter().map(|(stage, count)| (stage.0, count)).collect(),
        })
    }
}
