//! TASKS.md: a page that people read and change, and a plan. What has no place on the page stands
//! in a comment of one line, so that nothing is lost on the way there and back.

mod phrases;
mod read;
mod write;

pub(super) use read::draft;
pub use write::{Statuses, to_tasks};

use crate::domain::fix::{MENDS_KEY, TYPE_KEY};

/// What begins a comment of ours; JSON and the end of the comment follow.
const COMMENT: &str = "<!-- git-run: ";
const COMMENT_END: &str = " -->";

/// Texts of a task that are shown under a name of their own, and where they are kept.
const SHOWN: [(&str, &str); 9] = [
    ("Status", "status"),
    ("Type", TYPE_KEY),
    ("Mends", MENDS_KEY),
    ("Spec", "spec_ref"),
    ("Spec hash", "spec_hash"),
    ("Source", "source"),
    ("Complexity", "complexity"),
    ("Owner", "owner"),
    ("Group", "group"),
];
