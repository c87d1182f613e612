//! What a workflow asks for before a branch may leave, and what a person answered for instead.

use std::fmt;

use super::{
    event::Approval,
    id::{ItemId, Oid, StageId},
    time::Timestamp,
};

/// The longest reason of an override.
pub const REASON_BYTES_MAX: usize = 1000;

/// A judge's stage of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gate {
    pub item: ItemId,
    pub stage: StageId,
}

/// `review of sprint-1`, as people read and type it.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.stage, self.item)
    }
}

impl Gate {
    /// Whether the word means this gate: its stage, `review of sprint-1`, or `sprint-1/review`.
    #[must_use]
    pub fn is_meant_by(&self, word: &str) -> bool {
        let words = word.split_whitespace().collect::<Vec<_>>().join(" ");
        words == self.stage.as_str()
            || words == self.to_string()
            || words == format!("{}/{}", self.item, self.stage)
    }
}

/// A person's word that stands for a judge's. It holds for this commit and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub gate: Gate,
    pub commit: Oid,
    pub tree: Oid,
    pub reason: String,
    pub person: String,
    pub at: Timestamp,
    /// The artifact that holds the signed statement.
    pub signed: Option<String>,
}

/// What a person signs. Nothing in it can be taken for another field: the reason is last, and the
/// names before it hold no line feed.
#[must_use]
pub fn statement(
    run: &super::id::RunId,
    gates: &[Gate],
    commit: &Oid,
    tree: &Oid,
    reason: &str,
) -> String {
    let gates: String = gates.iter().map(|gate| format!("gate {gate}\n")).collect();
    format!(
        "git-run: a person overrides gates\n\nrun {run}\ncommit {commit}\ntree {tree}\n{gates}\n{reason}\n"
    )
}

/// What a person signs who approves, rejects or sends back.
#[must_use]
pub fn word_statement(run: &super::id::RunId, of: &Approval, person: &str) -> String {
    let person: String = person.chars().filter(|c| !c.is_control()).collect();
    let skip = of.skip.as_ref().map_or(String::new(), |stage| format!("without {stage}\n"));
    format!(
        "git-run: a person's word\n\nrun {run}\ncommit {}\ntree {}\ngate {} of {}\nword {}\n{skip}by {person}\n\n{}\n",
        of.head,
        of.tree,
        of.stage,
        of.item,
        of.word.word(),
        of.text
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::{item, stage};

    #[test]
    fn a_gate_is_named_in_three_ways_and_no_other() {
        let gate = Gate { item: item("sprint-1"), stage: stage("review") };
        for word in ["review", "review of sprint-1", " review  of sprint-1 ", "sprint-1/review"] {
            assert!(gate.is_meant_by(word), "{word:?}");
        }
        for word in [
            "",
            "sprint-1",
            "audit",
            "review/sprint-1",
            "review of",
            "Review",
            "review of sprint-12",
        ] {
            assert!(!gate.is_meant_by(word), "{word:?}");
        }
    }
}
