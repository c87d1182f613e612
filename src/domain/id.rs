//! The names that are kept for ever: runs, items, tasks, stages, git objects.
//!
//! Every name is parsed once, at the edge, and is safe to join into a ref name,
//! a path or a message afterwards.

use std::fmt;

/// The longest name of a run, an item, a task or a stage.
pub const NAME_BYTES_MAX: usize = 64;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    #[error("a {kind} name may not be empty")]
    Empty { kind: &'static str },
    #[error("the {kind} name `{}` is longer than {NAME_BYTES_MAX} bytes", shown(.name))]
    TooLong { kind: &'static str, name: String },
    #[error(
        "`{}` is no {kind} name: letters, digits, `-`, `_` and inner dots only, a letter or digit first",
        shown(.name)
    )]
    BadCharacter { kind: &'static str, name: String },
    #[error("`{}` is no object id: 40 or 64 lower-case hex digits", shown(.0))]
    NotAnObjectId(String),
    #[error("`{}` is no digest: 64 lower-case hex digits", shown(.0))]
    NotADigest(String),
}

/// What a stranger typed, cut and made safe to print.
fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

fn check(kind: &'static str, name: &str) -> Result<(), BadName> {
    if name.is_empty() {
        return Err(BadName::Empty { kind });
    }
    if NAME_BYTES_MAX < name.len() {
        return Err(BadName::TooLong { kind, name: name.to_owned() });
    }
    let bytes = name.as_bytes();
    let plain = bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !name.contains("..")
        && !name.ends_with('.')
        && !name.to_ascii_lowercase().ends_with(".lock");
    if plain { Ok(()) } else { Err(BadName::BadCharacter { kind, name: name.to_owned() }) }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Box<str>);

        impl $type {
            pub fn parse(text: &str) -> Result<Self, BadName> {
                check($kind, text)?;
                Ok(Self(text.into()))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(
    /// A run: `20261121-035233-7f3a9c12d4`, so that names sort by time.
    RunId, "run"
);
name!(
    /// What walks through a workflow: `sprint-1`, or a single task.
    ItemId, "item"
);
name!(
    /// A task of a plan.
    TaskId, "task"
);
name!(
    /// An acceptance criterion of a task.
    CriterionId, "criterion"
);
name!(
    /// A stage of a workflow.
    StageId, "stage"
);
name!(
    /// A plan or a workflow.
    PlanId, "plan"
);

name!(
    /// A remote whose runs are fetched.
    RemoteId, "remote"
);

impl RunId {
    /// The name of a run that begins at `stamp` (`YYYYMMDD-HHMMSS`), told apart by `nonce`.
    #[must_use]
    pub fn compose(stamp: &str, nonce: [u8; 5]) -> Self {
        let digits: String = stamp.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect();
        Self(format!("{digits}-{}", hex(&nonce)).into())
    }
}

/// A git object id, in either hash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Box<str>);

impl Oid {
    pub fn parse(text: &str) -> Result<Self, BadName> {
        if matches!(text.len(), 40 | 64) && is_lower_hex(text) {
            Ok(Self(text.into()))
        } else {
            Err(BadName::NotAnObjectId(text.to_owned()))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// A SHA-256, in hex. What is hashed is said where the digest is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Box<str>);

impl Digest {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(hex(&sha2::Sha256::digest(bytes)).into())
    }

    pub fn parse(text: &str) -> Result<Self, BadName> {
        if text.len() == 64 && is_lower_hex(text) {
            Ok(Self(text.into()))
        } else {
            Err(BadName::NotADigest(text.to_owned()))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loa_32_a_name_that_could_leave_its_directory_or_its_ref_is_refused() {
        for bad in [
            "", ".", "..", "a/b", "../x", "-x", "a..b", "a b", "a\n", "é", "x.lock", "x.LOCK",
            "x.", "@{", "a:b", "\u{202e}",
        ] {
            assert!(ItemId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ItemId::parse(&"a".repeat(NAME_BYTES_MAX + 1)).is_err());
        for good in ["sprint-1", "T-014", "v1.2", "A_b", "0"] {
            assert!(ItemId::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn runs_sort_by_the_time_at_which_they_began() {
        let early = RunId::compose("20261121-035233", [255; 5]);
        let late = RunId::compose("20261121-035234", [0; 5]);
        assert!(early < late);
        assert!(RunId::parse(early.as_str()).is_ok());
    }

    #[test]
    fn object_ids_are_whole_and_lower_case() {
        for bad in ["", "abc", &"A".repeat(40), &"g".repeat(40), &"a".repeat(41)] {
            assert!(Oid::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Oid::parse(&"a".repeat(40)).is_ok() && Oid::parse(&"0".repeat(64)).is_ok());
    }
}
