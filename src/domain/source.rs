//! Where a task comes from: a section of a document of the repository, and what stood there. It opens
//! no document.

use std::fmt;

use super::{
    id::Digest,
    plan::{BadScope, Scope},
};

/// Documents that one run looks after, the plan itself included.
pub const DOCUMENTS_MAX: usize = 100;
/// Sections that one task may come from.
pub const SOURCES_MAX: usize = 50;
const PINNED: &str = " sha256:";

/// `docs/spec.md#cart`, or `docs/spec.md` for all of it; with ` sha256:…` behind it also what stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub path: Scope,
    pub section: Option<String>,
    /// Of the section's normalised text.
    pub hash: Option<Digest>,
}

/// A file whose sections tasks come from, or the plan; the hash is of its very bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub path: String,
    pub hash: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSource {
    #[error(transparent)]
    Path(#[from] BadScope),
    #[error("`{0}` is a directory; name a document in it")]
    Directory(String),
    #[error("`{0}` names no section behind its `#`")]
    NoSection(String),
    #[error("`{0}` is no SHA-256: 64 characters of 0-9 and a-f")]
    BadHash(String),
}

impl Source {
    pub fn parse(text: &str) -> Result<Self, BadSource> {
        let shown = || text.chars().take(200).flat_map(char::escape_debug).collect::<String>();
        let (name, hash) = match text.rsplit_once(PINNED) {
            Some((name, hash)) => {
                let hash = Digest::parse(hash.trim()).map_err(|_| BadSource::BadHash(shown()))?;
                (name, Some(hash))
            }
            None => (text, None),
        };
        let (path, section) = match name.trim().split_once('#') {
            Some((path, section)) => (path.trim(), Some(section.trim())),
            None => (name.trim(), None),
        };
        let path = Scope::parse(path)?;
        if path.as_str().ends_with('/') {
            return Err(BadSource::Directory(shown()));
        }
        let says_nothing =
            |section: &str| section.is_empty() || section.chars().any(char::is_control);
        if section.is_some_and(says_nothing) {
            return Err(BadSource::NoSection(shown()));
        }
        Ok(Self { path, section: section.map(str::to_owned), hash })
    }

    /// As it is written down in a frozen plan.
    #[must_use]
    pub fn pinned(&self) -> String {
        match &self.hash {
            Some(hash) => format!("{self}{PINNED}{hash}"),
            None => self.to_string(),
        }
    }
}

/// Without the hash.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.section {
            Some(section) => write!(f, "{}#{section}", self.path.as_str()),
            None => f.write_str(self.path.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_document_of_the_repository_and_a_section_of_it() {
        let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        for (text, path, section, pinned) in [
            ("docs/spec.md#cart", "docs/spec.md", Some("cart"), false),
            (" docs/spec.md # Cart totals ", "docs/spec.md", Some("Cart totals"), false),
            ("docs/spec.md", "docs/spec.md", None, false),
            (&format!("a.md#c# sha256:{hash}"), "a.md", Some("c#"), true),
        ] {
            let found = Source::parse(text).unwrap();
            assert_eq!((found.path.as_str(), found.section.as_deref()), (path, section), "{text}");
            assert_eq!(found.hash.is_some(), pinned, "{text}");
            assert_eq!(Source::parse(&found.pinned()), Ok(found));
        }
        for bad in [
            "",
            "#cart",
            "../x.md#a",
            "/etc/passwd",
            "a/../b.md",
            "docs/",
            "docs/#a",
            "a.md#",
            "a.md# ",
            "*.md",
            ".git/config",
            "a.md#b\u{7}",
            "a.md sha256:12",
            "a.md#x sha256:ABC",
            "C:\\x.md",
        ] {
            assert!(Source::parse(bad).is_err(), "{bad:?}");
        }
    }
}
