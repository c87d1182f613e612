//! `artifacts/restore/<n>.json`: what became of every file when a checkpoint was restored.

use serde::Serialize;

use super::{FORMAT, Text, canonical, path::PathDoc};
use crate::domain::{
    checkpoint::{LeftOut, OperationKind},
    event::RefMove,
    id::Oid,
    restore::{FilePlan, Kept},
};

/// Paths that are listed of each kind; the rest is counted.
pub const LISTED_MAX: usize = 100_000;

#[derive(Debug)]
pub struct Report<'a> {
    pub kind: OperationKind,
    pub to: u64,
    pub commit: &'a Oid,
    pub saved: u64,
    pub moves: &'a [RefMove],
    pub files: &'a FilePlan,
    pub left_out_then: &'a [LeftOut],
    pub left_out_now: &'a [LeftOut],
}

#[derive(Debug, Serialize)]
struct ReportDoc {
    v: u32,
    kind: &'static str,
    to: u64,
    commit: Text<Oid>,
    saved: u64,
    refs: Vec<MoveDoc>,
    restored: Vec<FileDoc>,
    removed: Vec<PathDoc>,
    kept: Vec<KeptDoc>,
    left_out_then: Vec<PathDoc>,
    left_out_now: Vec<PathDoc>,
    counts: CountsDoc,
}

#[derive(Debug, Serialize)]
struct MoveDoc {
    #[serde(rename = "ref")]
    name: String,
    old: Option<Text<Oid>>,
    new: Option<Text<Oid>>,
}

#[derive(Debug, Serialize)]
struct FileDoc {
    #[serde(flatten)]
    path: PathDoc,
    mode: String,
    id: Text<Oid>,
}

#[derive(Debug, Serialize)]
struct KeptDoc {
    #[serde(flatten)]
    path: PathDoc,
    why: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<PathDoc>,
}

#[derive(Debug, Serialize)]
struct CountsDoc {
    restored: usize,
    removed: usize,
    kept: usize,
}

#[must_use]
pub fn encode(report: &Report<'_>) -> String {
    let files = report.files;
    let left = |all: &[LeftOut]| {
        all.iter().take(LISTED_MAX).map(|left| PathDoc(left.path.clone())).collect()
    };
    let doc = ReportDoc {
        v: FORMAT,
        kind: report.kind.word(),
        to: report.to,
        commit: Text(report.commit.clone()),
        saved: report.saved,
        refs: report.moves.iter().map(MoveDoc::from).collect(),
        restored: files
            .write
            .iter()
            .take(LISTED_MAX)
            .map(|(path, file)| FileDoc {
                path: PathDoc(path.clone()),
                mode: format!("{:06o}", file.mode),
                id: Text(file.id.clone()),
            })
            .collect(),
        removed: files.remove.iter().take(LISTED_MAX).map(|path| PathDoc(path.clone())).collect(),
        kept: files.keep.iter().take(LISTED_MAX).map(KeptDoc::from).collect(),
        left_out_then: left(report.left_out_then),
        left_out_now: left(report.left_out_now),
        counts: CountsDoc {
            restored: files.write.len(),
            removed: files.remove.len(),
            kept: files.keep.len(),
        },
    };
    format!("{}\n", canonical(&doc))
}

impl From<&RefMove> for MoveDoc {
    fn from(step: &RefMove) -> Self {
        let text = |id: &Option<Oid>| id.clone().map(Text);
        Self { name: step.name.clone(), old: text(&step.old), new: text(&step.new) }
    }
}

impl From<&(Vec<u8>, Kept)> for KeptDoc {
    fn from((path, why): &(Vec<u8>, Kept)) -> Self {
        let of = match why {
            Kept::InTheWay { of } => Some(PathDoc(of.clone())),
            Kept::Unsaved | Kept::UnknownThen | Kept::IgnoredThen | Kept::Submodule => None,
        };
        Self { path: PathDoc(path.clone()), why: why.word(), of }
    }
}
