//! Lanes as they are written: their events, and what a state remembers of them. Nothing in here is ever
//! renamed.

use serde::{Deserialize, Serialize};

use super::{
    Text,
    charter::PaperDoc,
    event::{FindingDoc, ProcessDoc, StageEndDoc},
};
use crate::domain::{
    id::{ItemId, Oid, StageId},
    lane::{Lane, LaneEnd, LaneStart, Left, Phase, Saved},
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LaneStartDoc {
    item: Text<ItemId>,
    stage: Text<StageId>,
    agent: String,
    base: Text<Oid>,
    worktree: String,
    process: Option<ProcessDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LaneEndDoc {
    item: Text<ItemId>,
    end: StageEndDoc,
    saved: Option<SavedDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LaneJoinedDoc {
    pub(super) item: Text<ItemId>,
    pub(super) head: Text<Oid>,
    pub(super) tree: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LaneDroppedDoc {
    pub(super) item: Text<ItemId>,
    pub(super) why: String,
    pub(super) findings: Vec<FindingDoc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SavedDoc {
    number: u64,
    commit: Text<Oid>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LaneDoc {
    #[serde(flatten)]
    start: LaneStartDoc,
    phase: PhaseDoc,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum PhaseDoc {
    Working,
    Ended(LeftDoc),
    Joining {
        #[serde(flatten)]
        left: LeftDoc,
        joins: Text<Oid>,
    },
    Joined(LeftDoc),
    Dropped {
        why: String,
        #[serde(flatten)]
        left: LeftDoc,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct LeftDoc {
    built: bool,
    stopped: bool,
    tree: Text<Oid>,
    saved: Option<SavedDoc>,
    papers: Vec<PaperDoc>,
}

impl From<&LaneStart> for LaneStartDoc {
    fn from(start: &LaneStart) -> Self {
        Self {
            item: Text(start.item.clone()),
            stage: Text(start.stage.clone()),
            agent: start.agent.clone(),
            base: Text(start.base.clone()),
            worktree: start.worktree.clone(),
            process: start.process.as_ref().map(Into::into),
        }
    }
}

impl From<LaneStartDoc> for LaneStart {
    fn from(doc: LaneStartDoc) -> Self {
        Self {
            item: doc.item.0,
            stage: doc.stage.0,
            agent: doc.agent,
            base: doc.base.0,
            worktree: doc.worktree,
            process: doc.process.map(Into::into),
        }
    }
}

impl From<&LaneEnd> for LaneEndDoc {
    fn from(of: &LaneEnd) -> Self {
        let saved = of.saved.as_ref().map(Into::into);
        Self { item: Text(of.item.clone()), end: (&of.end).into(), saved }
    }
}

impl From<LaneEndDoc> for LaneEnd {
    fn from(doc: LaneEndDoc) -> Self {
        Self { item: doc.item.0, end: doc.end.into(), saved: doc.saved.map(Into::into) }
    }
}

impl From<&Saved> for SavedDoc {
    fn from(saved: &Saved) -> Self {
        Self { number: saved.number, commit: Text(saved.commit.clone()) }
    }
}

impl From<SavedDoc> for Saved {
    fn from(doc: SavedDoc) -> Self {
        Self { number: doc.number, commit: doc.commit.0 }
    }
}

impl From<&Left> for LeftDoc {
    fn from(left: &Left) -> Self {
        Self {
            built: left.built,
            stopped: left.stopped,
            tree: Text(left.tree.clone()),
            saved: left.saved.as_ref().map(Into::into),
            papers: left.papers.iter().map(Into::into).collect(),
        }
    }
}

impl From<LeftDoc> for Left {
    fn from(doc: LeftDoc) -> Self {
        Self {
            built: doc.built,
            stopped: doc.stopped,
            tree: doc.tree.0,
            saved: doc.saved.map(Into::into),
            papers: doc.papers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&Lane> for LaneDoc {
    fn from(lane: &Lane) -> Self {
        let start = LaneStart {
            item: lane.item.clone(),
            stage: lane.stage.clone(),
            agent: lane.agent.clone(),
            base: lane.base.clone(),
            worktree: lane.worktree.clone(),
            process: lane.process.clone(),
        };
        let phase = match &lane.phase {
            Phase::Working => PhaseDoc::Working,
            Phase::Ended(left) => PhaseDoc::Ended(left.into()),
            Phase::Joining { left, tree } => {
                PhaseDoc::Joining { left: left.into(), joins: Text(tree.clone()) }
            }
            Phase::Joined(left) => PhaseDoc::Joined(left.into()),
            Phase::Dropped { why, left } => {
                PhaseDoc::Dropped { why: why.clone(), left: left.into() }
            }
        };
        Self { start: (&start).into(), phase }
    }
}

impl From<LaneDoc> for Lane {
    fn from(doc: LaneDoc) -> Self {
        let phase = match doc.phase {
            PhaseDoc::Working => Phase::Working,
            PhaseDoc::Ended(left) => Phase::Ended(left.into()),
            PhaseDoc::Joining { left, joins } => {
                Phase::Joining { left: left.into(), tree: joins.0 }
            }
            PhaseDoc::Joined(left) => Phase::Joined(left.into()),
            PhaseDoc::Dropped { why, left } => Phase::Dropped { why, left: left.into() },
        };
        Self { phase, ..Self::begun(&doc.start.into()) }
    }
}
