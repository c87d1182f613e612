//! `policy.json`: what a run may do, frozen at its start.

use serde_json::json;

use super::{FORMAT, canonical, charter::CharterDoc};
use crate::domain::event::Charter;

/// The limits and the rules of the branches, as they were when the run began.
#[must_use]
pub fn encode(charter: &Charter, protected: &[String]) -> String {
    let doc = CharterDoc::from(charter);
    canonical(&json!({
        "format": FORMAT,
        "limits": doc.limits(),
        "push": charter.push.word(),
        "base": charter.base,
        "branch": charter.branch,
        "protected": protected,
    }))
}
