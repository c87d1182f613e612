//! Values that are written as one word each.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::domain::{
    deletion::Mode,
    drift::Follows,
    event::{self, Answer, PushMode, RollbackKind, Trip},
    finding::Severity,
    fix::{FixId, FixType},
    id::{Digest, ItemId, Oid, PlanId, RunId, StageId, TaskId},
    limits::BudgetLevel,
    outcome::{Failure, Verdict},
    reconcile::Strength,
    run::State,
    time::Timestamp,
    workflow::{Duty, Exhausted, Missing, Part},
};

/// A value that has one spelling.
pub(super) trait Word: Sized {
    fn spell(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<T>(pub(super) T);

impl<T: Word> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.spell())
    }
}

impl<'de, T: Word> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        T::read(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format_args!("unexpected text {text:?}")))
    }
}

macro_rules! names {
    ($($type:ty),*) => {$(
        impl Word for $type {
            fn spell(&self) -> String {
                self.to_string()
            }
            fn read(text: &str) -> Option<Self> {
                Self::parse(text).ok()
            }
        }
    )*};
}

macro_rules! words {
    ($($type:ty),*) => {$(
        impl Word for $type {
            fn spell(&self) -> String {
                self.word().to_owned()
            }
            fn read(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }
    )*};
}

names!(RunId, ItemId, TaskId, StageId, PlanId, Oid, Digest);
words!(
    Answer,
    Follows,
    Strength,
    PushMode,
    RollbackKind,
    Trip,
    Severity,
    BudgetLevel,
    Failure,
    Verdict,
    State,
    event::Word,
    FixType,
    Duty,
    Exhausted,
    Missing,
    Part
);

/// `100644`, as git spells it.
impl Word for Mode {
    fn spell(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// `F-012`
impl Word for FixId {
    fn spell(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// `2026-11-21T03:52:33.123Z`: always UTC, always three digits.
impl Word for Timestamp {
    fn spell(&self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.millis()).unwrap_or_default();
        format!("{at:.3}")
    }

    fn read(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Self::from_millis(at.as_millisecond()))
    }
}
