//! What a range of commits changed, as facts.

use super::super::{id::Oid, reconcile::marks::Marks, restore::File};

/// A path that is not the same in two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: Vec<u8>,
    pub was: Option<File>,
    pub is: Option<File>,
}

impl Change {
    #[must_use]
    pub fn is_deletion(&self) -> bool {
        self.is.is_none()
    }
}

/// A commit, and what it changed itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: Oid,
    pub is_merge: bool,
    pub marks: Marks,
    pub message: Vec<u8>,
    pub changes: Vec<Change>,
}

impl Commit {
    /// The item of the run that its trailers name; of any run where none is asked for.
    #[must_use]
    pub fn item(&self, run: Option<&str>) -> Option<&str> {
        let of = |trailer: &&super::super::reconcile::marks::Trailer| {
            run.is_none_or(|run| trailer.run == run)
        };
        self.marks.trailers.iter().rev().find(of).map(|trailer| trailer.item.as_str())
    }
}
