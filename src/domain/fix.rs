//! What is to be mended in a finished item: its number, what kind of thing went wrong, how far it is.
//! It asks for nothing by itself.

use std::fmt;

use super::{
    finding::Finding,
    id::{Digest, ItemId, TaskId},
    item::PERSON,
    plan::Task,
    queue::Kind,
};

/// Where a task of a plan says its type.
pub const TYPE_KEY: &str = "fix_type";
/// Where it says what it mends.
pub const MENDS_KEY: &str = "mends";

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FixType {
    /// It fails when it is run.
    RuntimeError,
    /// What was right before is wrong now.
    Regression,
    /// The parts are right, and wrong together.
    IntegrationFailure,
    /// Whoever built it did not know something.
    ContextGap,
    /// It was built as it was thought, and that is wrong.
    DesignGap,
}

impl FixType {
    pub const ALL: [Self; 5] = [
        Self::RuntimeError,
        Self::Regression,
        Self::IntegrationFailure,
        Self::ContextGap,
        Self::DesignGap,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::RuntimeError => "runtime-error",
            Self::Regression => "regression",
            Self::IntegrationFailure => "integration-failure",
            Self::ContextGap => "context-gap",
            Self::DesignGap => "design-gap",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|of| of.word() == word)
    }

    /// The type that a fix task of a plan says; nothing for any other task.
    #[must_use]
    pub fn said(task: &Task) -> Option<Self> {
        let said = task.extra.get(TYPE_KEY).filter(|_| Kind::of(&task.id) == Kind::Fix)?;
        Self::parse(said.trim_matches('"'))
    }

    /// Every word, for whoever said another one.
    #[must_use]
    pub fn words() -> String {
        Self::ALL.map(Self::word).join(", ")
    }
}

impl fmt::Display for FixType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// `F-012`: each number of a run and its plan is given once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FixId(u32);

impl FixId {
    /// The number in a name like `F-012`; nothing for any other name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("F-")?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// The one behind all of these; nothing where there are no more numbers.
    #[must_use]
    pub fn after(taken: impl Iterator<Item = Self>) -> Option<Self> {
        taken.max().map_or(Some(1), |Self(last)| last.checked_add(1)).map(Self)
    }
}

impl fmt::Display for FixId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("F-{:03}", self.0))
    }
}

/// What is to be mended in a finished item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Its number; nothing where an older version asked for it.
    pub id: Option<FixId>,
    pub of: Option<FixType>,
    pub item: ItemId,
    pub finding: Finding,
}

impl Fix {
    /// By what it is known again, whatever somebody took it for.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Finding { rule: PERSON.to_owned(), ..self.finding.clone() }.fingerprint()
    }

    /// `F-012`, or `-` where it has no number.
    #[must_use]
    pub fn name(&self) -> String {
        self.id.map_or_else(|| "-".to_owned(), |id| id.to_string())
    }

    /// `regression in T-001`
    #[must_use]
    pub fn about(&self) -> String {
        match self.of {
            Some(of) => format!("{of} in {}", self.item),
            None => format!("in {}", self.item),
        }
    }
}

/// The names among these that are numbers of fixes.
pub fn numbers<'t>(tasks: impl Iterator<Item = &'t TaskId>) -> impl Iterator<Item = FixId> {
    tasks.filter_map(|id| FixId::parse(id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_is_read_back_from_its_word_and_no_other_word_is_one() {
        for of in FixType::ALL {
            assert_eq!(FixType::parse(of.word()), Some(of));
        }
        for word in ["", "Regression", "regression ", "supply-chain", "bug"] {
            assert_eq!(FixType::parse(word), None, "{word:?}");
        }
    }

    #[test]
    fn a_number_is_three_digits_or_more_and_never_given_twice() {
        for (text, shown) in [("F-1", "F-001"), ("F-012", "F-012"), ("F-1234", "F-1234")] {
            assert_eq!(FixId::parse(text).unwrap().to_string(), shown);
        }
        for text in ["F-", "f-1", "F-+1", "F-1a", "T-1", "F-99999999999", ""] {
            assert_eq!(FixId::parse(text), None, "{text:?}");
        }
        let after = |taken: &[&str]| {
            let taken = taken.iter().map(|text| FixId::parse(text).unwrap());
            FixId::after(taken).map(|id| id.to_string())
        };
        assert_eq!(after(&[]).as_deref(), Some("F-001"));
        assert_eq!(after(&["F-003", "F-7", "F-005"]).as_deref(), Some("F-008"));
        assert_eq!(after(&["F-4294967295"]), None);
    }
}
