//! A deleted file as it is written: in events, in notes, and a line each in a list of them all.

use serde::{Deserialize, Serialize};

use super::{Text, canonical, path::PathDoc};
use crate::domain::{
    deletion::{Deletion, Mode, Scene},
    id::{ItemId, Oid, StageId, TaskId},
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeletionDoc {
    #[serde(flatten)]
    path: PathDoc,
    mode: Text<Mode>,
    oid: Text<Oid>,
    size: Option<u64>,
    commit: Option<Text<Oid>>,
    #[serde(flatten)]
    at: Option<AtDoc>,
}

/// All of it, or nothing but what a task or a sprint alone leaves out.
#[derive(Debug, Serialize, Deserialize)]
struct AtDoc {
    item: Text<ItemId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sprint: Option<Text<ItemId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<Text<TaskId>>,
    stage: Text<StageId>,
    cycle: u32,
}

/// The line of one deletion in a list, without its line feed.
#[must_use]
pub fn encode(deletion: &Deletion) -> String {
    canonical(&DeletionDoc::from(deletion))
}

impl From<&Deletion> for DeletionDoc {
    fn from(of: &Deletion) -> Self {
        let at = of.place.as_ref().map(|place| AtDoc {
            item: Text(place.item.clone()),
            sprint: place.sprint.clone().map(Text),
            task: place.task.clone().map(Text),
            stage: Text(place.stage.clone()),
            cycle: place.cycle,
        });
        Self {
            path: PathDoc(of.path.clone()),
            mode: Text(of.mode),
            oid: Text(of.oid.clone()),
            size: of.size,
            commit: of.commit.clone().map(Text),
            at,
        }
    }
}

impl From<DeletionDoc> for Deletion {
    fn from(doc: DeletionDoc) -> Self {
        let place = doc.at.map(|at| Scene {
            item: at.item.0,
            sprint: at.sprint.map(|sprint| sprint.0),
            task: at.task.map(|task| task.0),
            stage: at.stage.0,
            cycle: at.cycle,
        });
        Self {
            path: doc.path.0,
            mode: doc.mode.0,
            oid: doc.oid.0,
            size: doc.size,
            commit: doc.commit.map(|commit| commit.0),
            place,
        }
    }
}
