//! What people are asked and say, as it is written down.

use serde::{Deserialize, Serialize};

use super::FindingDoc;
use crate::{
    domain::{
        drift::Follows,
        event::{
            Adoption, Answer, Answered, Approval, Asked, GateOverride, Home, Inference, PlanSynced,
            Reconciled, SyncedItem, SyncedTask, Word,
        },
        fix::{Fix, FixId, FixType},
        gate::Gate,
        id::{Digest, ItemId, Oid, StageId, TaskId},
        reconcile::Strength,
        run::assumed::{Promoted, Scan},
        time::Timestamp,
    },
    store::wire::{Text, charter::DocumentDoc},
};

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct AskedDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
    head: Text<Oid>,
    tree: Text<Oid>,
    until: Option<Text<Timestamp>>,
}

impl From<&Asked> for AskedDoc {
    fn from(asked: &Asked) -> Self {
        Self {
            item: Text(asked.item.clone()),
            stage: Text(asked.stage.clone()),
            head: Text(asked.head.clone()),
            tree: Text(asked.tree.clone()),
            until: asked.until.map(Text),
        }
    }
}

impl From<AskedDoc> for Asked {
    fn from(doc: AskedDoc) -> Self {
        Self {
            item: doc.item.0,
            stage: doc.stage.0,
            head: doc.head.0,
            tree: doc.tree.0,
            until: doc.until.map(|at| at.0),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ApprovalDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
    head: Text<Oid>,
    tree: Text<Oid>,
    word: Text<Word>,
    #[serde(default)]
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skip: Option<Text<StageId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<String>,
}

impl From<&Approval> for ApprovalDoc {
    fn from(of: &Approval) -> Self {
        Self {
            item: Text(of.item.clone()),
            stage: Text(of.stage.clone()),
            head: Text(of.head.clone()),
            tree: Text(of.tree.clone()),
            word: Text(of.word),
            text: of.text.clone(),
            skip: of.skip.clone().map(Text),
            signed: of.signed.clone(),
        }
    }
}

impl From<ApprovalDoc> for Approval {
    fn from(doc: ApprovalDoc) -> Self {
        Self {
            item: doc.item.0,
            stage: doc.stage.0,
            head: doc.head.0,
            tree: doc.tree.0,
            word: doc.word.0,
            text: doc.text,
            skip: doc.skip.map(|id| id.0),
            signed: doc.signed,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct GateOverriddenDoc {
    pub(in crate::store::wire) item: Text<ItemId>,
    pub(in crate::store::wire) stage: Text<StageId>,
    pub(in crate::store::wire) commit: Text<Oid>,
    pub(in crate::store::wire) tree: Text<Oid>,
    pub(in crate::store::wire) reason: String,
    pub(in crate::store::wire) signed: Option<String>,
}

impl From<&GateOverride> for GateOverriddenDoc {
    fn from(of: &GateOverride) -> Self {
        Self {
            item: Text(of.gate.item.clone()),
            stage: Text(of.gate.stage.clone()),
            commit: Text(of.commit.clone()),
            tree: Text(of.tree.clone()),
            reason: of.reason.clone(),
            signed: of.signed.clone(),
        }
    }
}

impl From<GateOverriddenDoc> for GateOverride {
    fn from(doc: GateOverriddenDoc) -> Self {
        Self {
            gate: Gate { item: doc.item.0, stage: doc.stage.0 },
            commit: doc.commit.0,
            tree: doc.tree.0,
            reason: doc.reason,
            signed: doc.signed,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct FixDoc {
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Text<FixId>>,
    /// Since format 5.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    of: Option<Text<FixType>>,
    item: Text<ItemId>,
    finding: FindingDoc,
}

impl From<&Fix> for FixDoc {
    fn from(fix: &Fix) -> Self {
        Self {
            id: fix.id.map(Text),
            of: fix.of.map(Text),
            item: Text(fix.item.clone()),
            finding: (&fix.finding).into(),
        }
    }
}

impl From<FixDoc> for Fix {
    fn from(doc: FixDoc) -> Self {
        Self {
            id: doc.id.map(|id| id.0),
            of: doc.of.map(|of| of.0),
            item: doc.item.0,
            finding: doc.finding.into(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ScanDoc {
    finished: u32,
    assumed: u32,
    kinds: u32,
    promoted: Vec<PromotedDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PromotedDoc {
    kind: String,
    count: u32,
}

impl From<&Scan> for ScanDoc {
    fn from(scan: &Scan) -> Self {
        let promoted = |one: &Promoted| PromotedDoc { kind: one.kind.clone(), count: one.count };
        Self {
            finished: scan.finished,
            assumed: scan.assumed,
            kinds: scan.kinds,
            promoted: scan.promoted.iter().map(promoted).collect(),
        }
    }
}

impl From<ScanDoc> for Scan {
    fn from(doc: ScanDoc) -> Self {
        let promoted = |one: PromotedDoc| Promoted { kind: one.kind, count: one.count };
        Self {
            finished: doc.finished,
            assumed: doc.assumed,
            kinds: doc.kinds,
            promoted: doc.promoted.into_iter().map(promoted).collect(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct AdoptedDoc {
    worktree: String,
    clone: String,
    from: Option<String>,
    reason: Option<String>,
}

impl From<&Adoption> for AdoptedDoc {
    fn from(adoption: &Adoption) -> Self {
        let Adoption { home, from, reason } = adoption.clone();
        Self { worktree: home.worktree, clone: home.clone, from, reason }
    }
}

impl From<AdoptedDoc> for Adoption {
    fn from(doc: AdoptedDoc) -> Self {
        let home = Home { worktree: doc.worktree, clone: doc.clone };
        Self { home, from: doc.from, reason: doc.reason }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct ReconciledDoc {
    base: String,
    head: Text<Oid>,
    tree: Text<Oid>,
    items: Vec<InferenceDoc>,
    answers: Vec<AnsweredDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct InferenceDoc {
    item: Text<ItemId>,
    evidence: Text<Strength>,
    commits: Vec<Text<Oid>>,
    /// Always true: for readers that look at this alone.
    inferred: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnsweredDoc {
    item: Text<ItemId>,
    answer: Text<Answer>,
}

impl From<&Reconciled> for ReconciledDoc {
    fn from(of: &Reconciled) -> Self {
        let inference = |one: &Inference| InferenceDoc {
            item: Text(one.item.clone()),
            evidence: Text(one.strength),
            commits: one.commits.iter().cloned().map(Text).collect(),
            inferred: true,
        };
        let answered =
            |one: &Answered| AnsweredDoc { item: Text(one.item.clone()), answer: Text(one.answer) };
        Self {
            base: of.base.clone(),
            head: Text(of.head.clone()),
            tree: Text(of.tree.clone()),
            items: of.items.iter().map(inference).collect(),
            answers: of.answers.iter().map(answered).collect(),
        }
    }
}

impl From<ReconciledDoc> for Reconciled {
    fn from(doc: ReconciledDoc) -> Self {
        let inference = |one: InferenceDoc| Inference {
            item: one.item.0,
            strength: one.evidence.0,
            commits: one.commits.into_iter().map(|id| id.0).collect(),
        };
        let answered = |one: AnsweredDoc| Answered { item: one.item.0, answer: one.answer.0 };
        Self {
            base: doc.base,
            head: doc.head.0,
            tree: doc.tree.0,
            items: doc.items.into_iter().map(inference).collect(),
            answers: doc.answers.into_iter().map(answered).collect(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::store::wire) struct PlanSyncedDoc {
    plan: String,
    plan_digest: Text<Digest>,
    documents: Vec<DocumentDoc>,
    tasks: Vec<SyncedTaskDoc>,
    items: Vec<SyncedItemDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SyncedTaskDoc {
    task: Text<TaskId>,
    follows: Text<Follows>,
    old: Text<Digest>,
    new: Option<Text<Digest>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SyncedItemDoc {
    item: Text<ItemId>,
    follows: Text<Follows>,
}

impl From<&PlanSynced> for PlanSyncedDoc {
    fn from(of: &PlanSynced) -> Self {
        let task = |one: &SyncedTask| SyncedTaskDoc {
            task: Text(one.task.clone()),
            follows: Text(one.follows),
            old: Text(one.old.clone()),
            new: one.new.clone().map(Text),
        };
        let item = |one: &SyncedItem| SyncedItemDoc {
            item: Text(one.item.clone()),
            follows: Text(one.follows),
        };
        Self {
            plan: of.path.clone(),
            plan_digest: Text(of.plan_digest.clone()),
            documents: of.documents.iter().map(Into::into).collect(),
            tasks: of.tasks.iter().map(task).collect(),
            items: of.items.iter().map(item).collect(),
        }
    }
}

impl From<PlanSyncedDoc> for PlanSynced {
    fn from(doc: PlanSyncedDoc) -> Self {
        let task = |one: SyncedTaskDoc| SyncedTask {
            task: one.task.0,
            follows: one.follows.0,
            old: one.old.0,
            new: one.new.map(|new| new.0),
        };
        let item = |one: SyncedItemDoc| SyncedItem { item: one.item.0, follows: one.follows.0 };
        Self {
            path: doc.plan,
            plan_digest: doc.plan_digest.0,
            documents: doc.documents.into_iter().map(Into::into).collect(),
            tasks: doc.tasks.into_iter().map(task).collect(),
            items: doc.items.into_iter().map(item).collect(),
        }
    }
}
