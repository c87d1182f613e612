//! What a run is and was asked to do, as it is written into its first event and its state.

use serde::{Deserialize, Serialize};

use super::Text;
use crate::domain::{
    event::{Charter, PushMode, StageShape},
    id::{Digest, ItemId, Oid, PlanId, RunId, StageId},
    limits::Limits,
    source::Document,
    time::Span,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CharterDoc {
    run: Text<RunId>,
    target: String,
    plan: Text<PlanId>,
    plan_digest: Text<Digest>,
    workflow: Text<PlanId>,
    stages: Vec<StageDoc>,
    items: Vec<Text<ItemId>>,
    base: String,
    start: Text<Oid>,
    branch: String,
    worktree: String,
    push: Text<PushMode>,
    limits: LimitsDoc,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    documents: Vec<DocumentDoc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DocumentDoc {
    path: String,
    hash: Text<Digest>,
}

impl CharterDoc {
    pub(super) fn limits(&self) -> &LimitsDoc {
        &self.limits
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StageDoc {
    id: Text<StageId>,
    back_to: Option<Text<StageId>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LimitsDoc {
    cycles_max: u32,
    failures_in_a_row_max: u32,
    same_finding_max: u32,
    no_progress_max: u32,
    plateau_max: u32,
    run_time_max_ms: u64,
    stage_time_max_ms: u64,
    silence_max_ms: u64,
    calls_per_hour_max: u32,
    tokens_max: Option<u64>,
    cost_max_micros: Option<u64>,
}

impl From<&Charter> for CharterDoc {
    fn from(charter: &Charter) -> Self {
        let stages = charter.stages.iter().map(|shape| StageDoc {
            id: Text(shape.id.clone()),
            back_to: shape.back_to.clone().map(Text),
        });
        Self {
            run: Text(charter.run.clone()),
            target: charter.target.clone(),
            plan: Text(charter.plan.clone()),
            plan_digest: Text(charter.plan_digest.clone()),
            workflow: Text(charter.workflow.clone()),
            stages: stages.collect(),
            items: charter.items.iter().cloned().map(Text).collect(),
            base: charter.base.clone(),
            start: Text(charter.start.clone()),
            branch: charter.branch.clone(),
            worktree: charter.worktree.clone(),
            push: Text(charter.push),
            limits: (&charter.limits).into(),
            documents: charter.documents.iter().map(Into::into).collect(),
        }
    }
}

impl From<CharterDoc> for Charter {
    fn from(doc: CharterDoc) -> Self {
        let stages = doc.stages.into_iter();
        Self {
            run: doc.run.0,
            target: doc.target,
            plan: doc.plan.0,
            plan_digest: doc.plan_digest.0,
            workflow: doc.workflow.0,
            stages: stages
                .map(|s| StageShape { id: s.id.0, back_to: s.back_to.map(|id| id.0) })
                .collect(),
            items: doc.items.into_iter().map(|item| item.0).collect(),
            base: doc.base,
            start: doc.start.0,
            branch: doc.branch,
            worktree: doc.worktree,
            push: doc.push.0,
            limits: doc.limits.into(),
            documents: doc.documents.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&Limits> for LimitsDoc {
    fn from(limits: &Limits) -> Self {
        Self {
            cycles_max: limits.cycles_max,
            failures_in_a_row_max: limits.failures_in_a_row_max,
            same_finding_max: limits.same_finding_max,
            no_progress_max: limits.no_progress_max,
            plateau_max: limits.plateau_max,
            run_time_max_ms: limits.run_time_max.millis(),
            stage_time_max_ms: limits.stage_time_max.millis(),
            silence_max_ms: limits.silence_max.millis(),
            calls_per_hour_max: limits.calls_per_hour_max,
            tokens_max: limits.tokens_max,
            cost_max_micros: limits.cost_max,
        }
    }
}

impl From<LimitsDoc> for Limits {
    fn from(doc: LimitsDoc) -> Self {
        Self {
            cycles_max: doc.cycles_max,
            failures_in_a_row_max: doc.failures_in_a_row_max,
            same_finding_max: doc.same_finding_max,
            no_progress_max: doc.no_progress_max,
            plateau_max: doc.plateau_max,
            run_time_max: Span::from_millis(doc.run_time_max_ms),
            stage_time_max: Span::from_millis(doc.stage_time_max_ms),
            silence_max: Span::from_millis(doc.silence_max_ms),
            calls_per_hour_max: doc.calls_per_hour_max,
            tokens_max: doc.tokens_max,
            cost_max: doc.cost_max_micros,
        }
    }
}

impl From<&Document> for DocumentDoc {
    fn from(of: &Document) -> Self {
        Self { path: of.path.clone(), hash: Text(of.hash.clone()) }
    }
}

impl From<DocumentDoc> for Document {
    fn from(doc: DocumentDoc) -> Self {
        Self { path: doc.path, hash: doc.hash.0 }
    }
}
