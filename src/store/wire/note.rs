//! One line of a note on a commit of work. Notes are an index; the journal is the record.

use serde::{Deserialize, Serialize};

use super::{FORMAT, Text, canonical, deletion::DeletionDoc, event::is_zero};
use crate::domain::{
    event::Work,
    id::{ItemId, Oid, RunId, StageId},
};

#[derive(Debug, Serialize, Deserialize)]
struct NoteDoc {
    v: u32,
    run: Text<RunId>,
    item: Text<ItemId>,
    stage: Text<StageId>,
    cycle: u32,
    agent: String,
    commit: Text<Oid>,
    tree: Text<Oid>,
    #[serde(default)]
    left_out: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deleted: Vec<DeletionDoc>,
    #[serde(default, skip_serializing_if = "is_zero")]
    deleted_more: u64,
}

/// Whose work a commit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub run: RunId,
    pub item: ItemId,
    pub stage: StageId,
    pub cycle: u32,
    pub agent: String,
}

/// The run that a line of a note names.
#[must_use]
pub fn run_of(line: &str) -> Option<RunId> {
    #[derive(Deserialize)]
    struct Named {
        run: Text<RunId>,
    }
    serde_json::from_str::<Named>(line).ok().map(|named| named.run.0)
}

/// The run and the item that a line of a note names.
#[must_use]
pub fn item_of(line: &str) -> Option<(RunId, ItemId)> {
    #[derive(Deserialize)]
    struct Named {
        run: Text<RunId>,
        item: Text<ItemId>,
    }
    serde_json::from_str::<Named>(line).ok().map(|named| (named.run.0, named.item.0))
}

#[must_use]
pub fn encode(origin: &Origin, work: &Work) -> String {
    canonical(&NoteDoc {
        v: FORMAT,
        run: Text(origin.run.clone()),
        item: Text(origin.item.clone()),
        stage: Text(origin.stage.clone()),
        cycle: origin.cycle,
        agent: origin.agent.clone(),
        commit: Text(work.commit.clone()),
        tree: Text(work.tree.clone()),
        left_out: work.left_out.clone(),
        deleted: work.deleted.kept.iter().map(Into::into).collect(),
        deleted_more: work.deleted.more,
    })
}
