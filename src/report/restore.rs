//! What a rollback will do, or did: refs, files, and what is left alone.

use serde_json::{Value, json};

use super::{path::fields, sanitise::name};
use crate::domain::{
    checkpoint::{Made, OperationKind},
    event::RefMove,
    id::Oid,
    restore::{FilePlan, Kept},
};

/// Paths of each kind that are listed; the rest is counted.
const LISTED_MAX: usize = 20;

/// Everything that is said of an operation.
#[derive(Debug)]
pub struct Told<'a> {
    pub kind: OperationKind,
    pub to: &'a Made,
    pub moves: &'a [RefMove],
    pub files: &'a FilePlan,
    pub index: bool,
    /// The checkpoint that holds what was there before; none when nothing is done.
    pub saved: Option<u64>,
    pub report: Option<&'a str>,
}

fn short(id: &Option<Oid>) -> &str {
    id.as_ref().map_or("nothing", Oid::short)
}

/// The plan, line by line.
#[must_use]
pub fn lines(told: &Told<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for step in told.moves {
        lines.push(format!("{}: {} → {}", step.name, short(&step.old), short(&step.new)));
    }
    if told.index {
        lines.push("index: as it was then".to_owned());
    }
    let files = told.files;
    let written = files.write.iter().map(|(path, _)| path);
    lines.extend(listed("restore", written, files.write.len()));
    lines.extend(listed("remove", files.remove.iter(), files.remove.len()));
    lines.extend(kept_lines(files));
    lines
}

/// What is left alone although the checkpoint has it otherwise.
#[must_use]
pub fn kept_lines(files: &FilePlan) -> Vec<String> {
    let mut lines: Vec<String> = files
        .keep
        .iter()
        .take(LISTED_MAX)
        .map(|(path, why)| format!("leave alone: {} ({})", name(path), because(why)))
        .collect();
    if LISTED_MAX < files.keep.len() {
        lines.push(format!("leave alone: … and {} more", files.keep.len() - LISTED_MAX));
    }
    lines
}

fn listed<'a>(word: &str, paths: impl Iterator<Item = &'a Vec<u8>>, count: usize) -> Vec<String> {
    let mut lines: Vec<String> =
        paths.take(LISTED_MAX).map(|path| format!("{word}: {}", name(path))).collect();
    if LISTED_MAX < count {
        lines.push(format!("{word}: … and {} more", count - LISTED_MAX));
    }
    lines
}

fn because(why: &Kept) -> String {
    match why {
        Kept::Unsaved => "it could not be saved".into(),
        Kept::UnknownThen => "it was there then, and was not saved".into(),
        Kept::IgnoredThen => "it is ignored by the rules of then".into(),
        Kept::InTheWay { of } => format!("{} is in the way", name(of)),
        Kept::Submodule => "a submodule: git submodule update moves it".into(),
    }
}

#[must_use]
pub fn json(told: &Told<'_>, dry_run: bool) -> Value {
    let files = told.files;
    let checkpoint = &told.to.checkpoint;
    json!({
        "schema": "git-run/restore/1",
        "operation": told.kind.word(),
        "dry_run": dry_run,
        "to": { "number": checkpoint.number, "commit": told.to.commit.as_str() },
        "saved": told.saved,
        "refs": told.moves.iter().map(|step| json!({
            "ref": step.name,
            "old": step.old.as_ref().map(|id| id.as_str()),
            "new": step.new.as_ref().map(|id| id.as_str()),
        })).collect::<Vec<_>>(),
        "index": told.index,
        "restored": files.write.iter().map(|(path, _)| fields(path).into()).collect::<Vec<Value>>(),
        "removed": files.remove.iter().map(|path| fields(path).into()).collect::<Vec<Value>>(),
        "kept": files.keep.iter().map(|(path, why)| {
            let mut entry = fields(path);
            entry.insert("why".into(), why.word().into());
            Value::Object(entry)
        }).collect::<Vec<_>>(),
        "report": told.report,
    })
}
