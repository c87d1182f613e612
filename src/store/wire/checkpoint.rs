//! A checkpoint as the message of its commit, and its record as `record.json`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DecodeError, FORMAT, Text, canonical, garbled, path::PathDoc};
use crate::domain::{
    checkpoint::{
        Checkpoint, Counts, LeftOut, LeftOutReason, Operation, OperationKind, Progress, Record,
        RunPlace, StagePlace, Submodule, Unmerged, Why,
    },
    id::{ItemId, Oid, RunId, StageId},
    time::Timestamp,
};

pub const CHECKPOINT_BYTES_MAX: u64 = 256 * 1024;
pub const RECORD_BYTES_MAX: u64 = 64 * 1024 * 1024;
const WHAT: &str = "a checkpoint";
const RECORD: &str = "a checkpoint's record";

#[derive(Debug, Serialize, Deserialize)]
struct CheckpointDoc {
    v: u32,
    number: u64,
    at: Text<Timestamp>,
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    worktree: String,
    head: Option<Text<Oid>>,
    branch: Option<String>,
    index: Text<Oid>,
    previous: Option<Text<Oid>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Text<Oid>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<PlaceDoc>,
    changed: u64,
    untracked: u64,
    left_out: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<OperationDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    continues: Option<u64>,
    /// Since format 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lane: Option<Text<ItemId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was: Option<Text<Oid>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlaceDoc {
    run: Text<RunId>,
    seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<Text<ItemId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<Text<StageId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cycle: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    done: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct OperationDoc {
    kind: String,
    to: u64,
    target: Text<Oid>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    keep_files: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<PathDoc>,
}

/// The JSON line of a checkpoint's commit. Its tree is the commit's own.
#[must_use]
pub fn encode(made: &Checkpoint) -> String {
    let (operation, continues) = match &made.why {
        Why::Operation(operation) => (Some(OperationDoc::from(operation)), None),
        Why::Continued { operation } => (None, Some(*operation)),
        Why::Asked | Why::Stage | Why::Lane { .. } => (None, None),
    };
    canonical(&CheckpointDoc {
        v: FORMAT,
        number: made.number,
        at: Text(made.at),
        why: made.why.word().to_owned(),
        message: made.message.clone(),
        worktree: made.worktree.clone(),
        head: made.head.clone().map(Text),
        branch: made.branch.clone(),
        index: Text(made.index.clone()),
        previous: made.previous.clone().map(Text),
        record: made.record.clone().map(Text),
        place: made.place.as_ref().map(PlaceDoc::from),
        changed: made.counts.changed,
        untracked: made.counts.untracked,
        left_out: made.counts.left_out,
        operation,
        continues,
        lane: match &made.why {
            Why::Lane { item } => Some(Text(item.clone())),
            _ => None,
        },
        was: made.was.clone().map(Text),
    })
}

/// Numbers are exact in every reader of JSON up to here.
const NUMBER_MAX: u64 = 1 << 52;

/// Reads that line; `tree` is the commit's.
pub fn decode(line: &str, tree: &Oid) -> Result<Checkpoint, DecodeError> {
    let doc: CheckpointDoc = serde_json::from_str(line).map_err(garbled(WHAT))?;
    if FORMAT < doc.v {
        return Err(DecodeError::Newer { what: WHAT, found: doc.v });
    }
    let unknown = |why: &str| DecodeError::Garbled { what: WHAT, why: why.to_owned() };
    if NUMBER_MAX < doc.number {
        return Err(unknown("its number is larger than any that was given"));
    }
    let why = match (doc.why.as_str(), doc.operation, doc.continues) {
        ("asked", None, None) => Why::Asked,
        ("stage", None, None) => Why::Stage,
        ("lane", None, None) => match doc.lane {
            Some(item) => Why::Lane { item: item.0 },
            None => return Err(unknown("its lane is missing")),
        },
        ("continued", None, Some(operation)) => Why::Continued { operation },
        (_, Some(operation), None) => Why::Operation(
            operation.read().ok_or_else(|| unknown("its operation is none that is known"))?,
        ),
        _ => return Err(unknown("nobody knows why it was made")),
    };
    Ok(Checkpoint {
        number: doc.number,
        at: doc.at.0,
        why,
        message: doc.message,
        worktree: doc.worktree,
        head: doc.head.map(|head| head.0),
        branch: doc.branch,
        index: doc.index.0,
        tree: tree.clone(),
        previous: doc.previous.map(|previous| previous.0),
        record: doc.record.map(|record| record.0),
        place: doc.place.map(PlaceDoc::read),
        counts: Counts { changed: doc.changed, untracked: doc.untracked, left_out: doc.left_out },
        was: doc.was.map(|was| was.0),
    })
}

/// The same line for a commit that now follows another one, or none. What is not known to this
/// version stays in it.
pub fn moved(line: &str, previous: Option<&Oid>, was: &Oid) -> Result<String, DecodeError> {
    let mut doc: Value = serde_json::from_str(line).map_err(garbled(WHAT))?;
    let fields = doc
        .as_object_mut()
        .ok_or_else(|| DecodeError::Garbled { what: WHAT, why: "it is no object".into() })?;
    let previous = previous.map_or(Value::Null, |id| Value::from(id.as_str()));
    fields.insert("previous".into(), previous);
    // The first name is the one that people wrote down.
    fields.entry("was").or_insert_with(|| Value::from(was.as_str()));
    Ok(doc.to_string())
}

impl From<&RunPlace> for PlaceDoc {
    fn from(place: &RunPlace) -> Self {
        Self {
            run: Text(place.run.clone()),
            seq: place.seq,
            item: place.at.as_ref().map(|at| Text(at.item.clone())),
            stage: place.at.as_ref().map(|at| Text(at.stage.clone())),
            cycle: place.at.as_ref().map(|at| at.cycle),
            done: place.done,
        }
    }
}

impl PlaceDoc {
    fn read(self) -> RunPlace {
        let at = match (self.item, self.stage, self.cycle) {
            (Some(item), Some(stage), Some(cycle)) => {
                Some(StagePlace { item: item.0, stage: stage.0, cycle })
            }
            _ => None,
        };
        RunPlace { run: self.run.0, seq: self.seq, at, done: self.done }
    }
}

impl From<&Operation> for OperationDoc {
    fn from(operation: &Operation) -> Self {
        Self {
            kind: operation.kind.word().to_owned(),
            to: operation.to,
            target: Text(operation.target.clone()),
            keep_files: operation.keep_files,
            of: operation.path.as_deref().map(|path| PathDoc(path.to_vec())),
        }
    }
}

impl OperationDoc {
    fn read(self) -> Option<Operation> {
        let path = self.of.map(|path| path.0);
        Some(Operation {
            kind: OperationKind::parse(&self.kind)?,
            to: self.to,
            target: self.target.0,
            keep_files: self.keep_files,
            path,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct RecordDoc {
    v: u32,
    #[serde(default)]
    left_out: Vec<LeftOutDoc>,
    #[serde(default)]
    submodules: Vec<SubmoduleDoc>,
    #[serde(default)]
    unmerged: Vec<UnmergedDoc>,
    #[serde(default)]
    intent_to_add: Vec<PathDoc>,
    #[serde(default)]
    assume_unchanged: Vec<PathDoc>,
    #[serde(default)]
    skip_worktree: Vec<PathDoc>,
    #[serde(default)]
    progress: ProgressDoc,
}

#[derive(Debug, Serialize, Deserialize)]
struct LeftOutDoc {
    #[serde(flatten)]
    path: PathDoc,
    reason: String,
    size: u64,
    /// Nanoseconds do not fit into what every reader takes for a number.
    changed: String,
    hash: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SubmoduleDoc {
    #[serde(flatten)]
    path: PathDoc,
    moved: bool,
    modified: bool,
    untracked: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct UnmergedDoc {
    #[serde(flatten)]
    path: PathDoc,
    stage: u8,
    mode: String,
    id: Text<Oid>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct ProgressDoc {
    kinds: Vec<String>,
    files: Vec<(String, Text<Oid>)>,
}

#[must_use]
pub fn encode_record(record: &Record) -> String {
    let paths = |paths: &[Vec<u8>]| paths.iter().map(|path| PathDoc(path.to_vec())).collect();
    let doc = RecordDoc {
        v: FORMAT,
        left_out: record.left_out.iter().map(LeftOutDoc::from).collect(),
        submodules: record.submodules.iter().map(SubmoduleDoc::from).collect(),
        unmerged: record.unmerged.iter().map(UnmergedDoc::from).collect(),
        intent_to_add: paths(&record.intent_to_add),
        assume_unchanged: paths(&record.assume_unchanged),
        skip_worktree: paths(&record.skip_worktree),
        progress: ProgressDoc {
            kinds: record.progress.kinds.clone(),
            files: record
                .progress
                .files
                .iter()
                .map(|(path, id)| (path.clone(), Text(id.clone())))
                .collect(),
        },
    };
    format!("{}\n", canonical(&doc))
}

pub fn decode_record(text: &[u8]) -> Result<Record, DecodeError> {
    let doc: RecordDoc = serde_json::from_slice(text).map_err(garbled(RECORD))?;
    if FORMAT < doc.v {
        return Err(DecodeError::Newer { what: RECORD, found: doc.v });
    }
    let read = || -> Option<Record> {
        let paths = |docs: &[PathDoc]| docs.iter().map(|doc| doc.0.clone()).collect::<Vec<_>>();
        Some(Record {
            left_out: doc.left_out.iter().map(LeftOutDoc::read).collect::<Option<_>>()?,
            submodules: doc.submodules.iter().map(SubmoduleDoc::read).collect::<Option<_>>()?,
            unmerged: doc.unmerged.iter().map(UnmergedDoc::read).collect::<Option<_>>()?,
            intent_to_add: paths(&doc.intent_to_add),
            assume_unchanged: paths(&doc.assume_unchanged),
            skip_worktree: paths(&doc.skip_worktree),
            progress: Progress {
                kinds: doc.progress.kinds.clone(),
                files: doc
                    .progress
                    .files
                    .iter()
                    .map(|(path, id)| (path.clone(), id.0.clone()))
                    .collect(),
            },
        })
    };
    let why = "a field has a value that is none of its own".to_owned();
    read().ok_or(DecodeError::Garbled { what: RECORD, why })
}

impl From<&LeftOut> for LeftOutDoc {
    fn from(left: &LeftOut) -> Self {
        Self {
            path: PathDoc(left.path.clone()),
            reason: left.reason.word().to_owned(),
            size: left.size,
            changed: left.changed.to_string(),
            hash: left.hash.clone(),
        }
    }
}

impl LeftOutDoc {
    fn read(&self) -> Option<LeftOut> {
        Some(LeftOut {
            path: self.path.0.clone(),
            reason: LeftOutReason::parse(&self.reason)?,
            size: self.size,
            changed: self.changed.parse().ok()?,
            hash: self.hash.clone(),
        })
    }
}

impl From<&Submodule> for SubmoduleDoc {
    fn from(submodule: &Submodule) -> Self {
        Self {
            path: PathDoc(submodule.path.clone()),
            moved: submodule.moved,
            modified: submodule.modified,
            untracked: submodule.untracked,
        }
    }
}

impl SubmoduleDoc {
    fn read(&self) -> Option<Submodule> {
        let (moved, modified, untracked) = (self.moved, self.modified, self.untracked);
        Some(Submodule { path: self.path.0.clone(), moved, modified, untracked })
    }
}

impl From<&Unmerged> for UnmergedDoc {
    fn from(side: &Unmerged) -> Self {
        Self {
            path: PathDoc(side.path.clone()),
            stage: side.stage,
            mode: format!("{:06o}", side.mode),
            id: Text(side.id.clone()),
        }
    }
}

impl UnmergedDoc {
    fn read(&self) -> Option<Unmerged> {
        Some(Unmerged {
            path: self.path.0.clone(),
            stage: Some(self.stage).filter(|stage| (1..=3).contains(stage))?,
            mode: u32::from_str_radix(&self.mode, 8).ok()?,
            id: self.id.0.clone(),
        })
    }
}
