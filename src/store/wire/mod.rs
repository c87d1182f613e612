//! How events, states and the frozen documents are written down. `docs/FORMAT.md` is this in prose.
//!
//! The types here are the written ones: they may grow fields, and nothing in them is ever renamed.

pub mod charter;
pub mod checkpoint;
pub mod deletion;
pub mod event;
mod lane;
pub mod lease;
pub mod note;
mod path;
pub mod policy;
pub mod restore;
pub mod state;
mod text;
pub mod verdict;

use text::Text;

/// The version that this program writes, and the newest that it may write to. A journal of an older
/// one is gone on with in this one: its next event, and its next tree.
pub const FORMAT: u32 = 5;

/// A written thing that is no written thing of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("{what} is {found} bytes long, more than the {max} that are read")]
    TooLong { what: &'static str, found: usize, max: usize },
    #[error("{what} cannot be read: {why}")]
    Garbled { what: &'static str, why: String },
    #[error("{what} is of format {found}, and this version knows {FORMAT}")]
    Newer { what: &'static str, found: u32 },
}

fn garbled(what: &'static str) -> impl FnOnce(serde_json::Error) -> DecodeError {
    move |error| DecodeError::Garbled { what, why: error.to_string() }
}

/// Canonical JSON: keys sorted at every depth, no white space, whole numbers only.
fn canonical<T: serde::Serialize>(value: &T) -> String {
    // Through `Value`, whose objects are sorted maps. None of the written types can fail: their keys
    // are texts and their numbers whole.
    serde_json::to_value(value).map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
