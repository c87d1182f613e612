//! What a run is and was asked to do, as it is written into its first event and its state.

use serde::{Deserialize, Serialize};

use super::Text;
use crate::domain::{
    event::{Charter, PaperRef, PushMode},
    id::{Digest, ItemId, Oid, PlanId, RunId, StageId},
    lane::Groups,
    limits::Limits,
    source::Document,
    time::Span,
    workflow::{Duty, Exhausted, Missing, Need, Part, StageShape, Tries},
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
    /// Since format 4, as all below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<AfterDoc>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    papers: Vec<PaperDoc>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    documents: Vec<DocumentDoc>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<GroupsDoc>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan_every: Option<u32>,
    /// Since format 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    onto: Option<String>,
}

/// What may be built side by side, and how many at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct GroupsDoc {
    parallel: u32,
    items: Vec<Vec<Text<ItemId>>>,
}

/// An item that waits for others.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AfterDoc {
    item: Text<ItemId>,
    after: Vec<Text<ItemId>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PaperDoc {
    name: String,
    path: String,
    digest: Text<Digest>,
}

impl From<&PaperRef> for PaperDoc {
    fn from(paper: &PaperRef) -> Self {
        let (name, path) = (paper.name.clone(), paper.path.clone());
        Self { name, path, digest: Text(paper.digest.clone()) }
    }
}

impl From<PaperDoc> for PaperRef {
    fn from(doc: PaperDoc) -> Self {
        Self { name: doc.name, path: doc.path, digest: doc.digest.0 }
    }
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
    /// Since format 4, as all below it. Left out where `back_to` tells it: without it a stage builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duty: Option<Text<Duty>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<Text<Part>>,
    #[serde(default, skip_serializing_if = "is_false")]
    on_return: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    momentary: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tries: Option<TriesDoc>,
    #[serde(default, skip_serializing_if = "is_false")]
    optional: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    apart: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<NeedDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<Text<Missing>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer_within_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct TriesDoc {
    max: u32,
    then: Text<Exhausted>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct NeedDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paper: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl From<&StageShape> for StageDoc {
    fn from(shape: &StageShape) -> Self {
        let told = if shape.back_to.is_some() { Duty::Judge } else { Duty::Build };
        let need = |need: &Need| match need.clone() {
            Need::Paper(name) => NeedDoc { paper: Some(name), file: None },
            Need::File(path) => NeedDoc { paper: None, file: Some(path) },
        };
        Self {
            id: Text(shape.id.clone()),
            back_to: shape.back_to.clone().map(Text),
            duty: (shape.duty != told).then_some(Text(shape.duty)),
            part: (shape.part != Part::Items).then_some(Text(shape.part)),
            on_return: shape.on_return,
            momentary: shape.momentary,
            tries: shape.tries.map(|t| TriesDoc { max: t.max, then: Text(t.then) }),
            optional: shape.optional,
            apart: shape.apart,
            needs: shape.needs.iter().map(need).collect(),
            missing: (shape.missing != Missing::Halt).then_some(Text(shape.missing)),
            answer_within_ms: shape.answer_within.map(Span::millis),
            skipped: shape.skipped.clone(),
        }
    }
}

impl From<StageDoc> for StageShape {
    fn from(doc: StageDoc) -> Self {
        let told = if doc.back_to.is_some() { Duty::Judge } else { Duty::Build };
        let need = |need: NeedDoc| match (need.paper, need.file) {
            (Some(name), _) => Need::Paper(name),
            (None, file) => Need::File(file.unwrap_or_default()),
        };
        Self {
            id: doc.id.0,
            duty: doc.duty.map_or(told, |duty| duty.0),
            part: doc.part.map_or(Part::Items, |part| part.0),
            back_to: doc.back_to.map(|id| id.0),
            on_return: doc.on_return,
            momentary: doc.momentary,
            tries: doc.tries.map(|t| Tries { max: t.max, then: t.then.0 }),
            optional: doc.optional,
            apart: doc.apart,
            needs: doc.needs.into_iter().map(need).collect(),
            missing: doc.missing.map_or(Missing::Halt, |missing| missing.0),
            answer_within: doc.answer_within_ms.map(Span::from_millis),
            skipped: doc.skipped,
        }
    }
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
        let stages = charter.stages.iter().map(Into::into);
        let after = charter.after.iter().map(|(item, before)| AfterDoc {
            item: Text(item.clone()),
            after: before.iter().cloned().map(Text).collect(),
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
            flow: charter.flow.clone(),
            after: after.collect(),
            papers: charter.papers.iter().map(Into::into).collect(),
            documents: charter.documents.iter().map(Into::into).collect(),
            scan_every: charter.scan_every,
            onto: charter.onto.clone(),
            groups: (charter.groups != Groups::default()).then(|| GroupsDoc {
                parallel: charter.groups.parallel,
                items: charter
                    .groups
                    .items
                    .iter()
                    .map(|group| group.iter().cloned().map(Text).collect())
                    .collect(),
            }),
        }
    }
}

impl From<CharterDoc> for Charter {
    fn from(doc: CharterDoc) -> Self {
        let after = doc
            .after
            .into_iter()
            .map(|doc| (doc.item.0, doc.after.into_iter().map(|item| item.0).collect()));
        Self {
            run: doc.run.0,
            target: doc.target,
            plan: doc.plan.0,
            plan_digest: doc.plan_digest.0,
            workflow: doc.workflow.0,
            stages: doc.stages.into_iter().map(Into::into).collect(),
            items: doc.items.into_iter().map(|item| item.0).collect(),
            base: doc.base,
            start: doc.start.0,
            branch: doc.branch,
            worktree: doc.worktree,
            push: doc.push.0,
            limits: doc.limits.into(),
            flow: doc.flow,
            after: after.collect(),
            papers: doc.papers.into_iter().map(Into::into).collect(),
            documents: doc.documents.into_iter().map(Into::into).collect(),
            scan_every: doc.scan_every,
            onto: doc.onto,
            groups: doc.groups.map_or_else(Groups::default, |groups| Groups {
                parallel: groups.parallel,
                items: groups
                    .items
                    .into_iter()
                    .map(|group| group.into_iter().map(|item| item.0).collect())
                    .collect(),
            }),
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
