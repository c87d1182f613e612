//! The frozen work: sprints in order, each with tasks.
//!
//! A plan that exists is sound: [`check`](super::plan_check::check) is the only maker. What a file says before
//! that is a [`Draft`](super::plan_check::Draft).

use std::collections::BTreeMap;

use super::{
    criterion::Criterion,
    id::{Digest, ItemId, PlanId, StageId, TaskId},
    source::Source,
};

/// Fields that this version does not know, kept as canonical JSON text.
pub type Extra = BTreeMap<String, String>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub id: PlanId,
    pub title: String,
    pub sprints: Vec<Sprint>,
    pub extra: Extra,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sprint {
    pub id: ItemId,
    pub title: String,
    pub goal: Option<String>,
    pub tasks: Vec<Task>,
    pub extra: Extra,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub id: TaskId,
    pub title: String,
    pub acceptance: Vec<Criterion>,
    /// The files and directories that the task may change; empty means not said.
    pub writes: Vec<Scope>,
    pub depends_on: Vec<TaskId>,
    /// The sections that it comes from. What it asks for stands in its own words all the same.
    pub from: Vec<Source>,
    pub owner: Option<String>,
    /// Tasks of one sprint with the same group may run side by side.
    pub group: Option<String>,
    /// Shell steps by stage, for the `steps` agent. `fix` stands in for `implement` from cycle 2 on.
    pub steps: BTreeMap<StageId, Vec<String>>,
    /// SHA-256 over the task as it was written down, for noticing drift.
    pub spec: Digest,
    pub extra: Extra,
}

/// A path that a task may write: an exact file, or a directory when it ends in `/`.
/// Relative, with `/` between plain components.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadScope {
    #[error("a write scope may not be empty")]
    Empty,
    #[error("`{0}` is absolute; say it relative to the top of the repository")]
    Absolute(String),
    #[error("`{0}` climbs out with `..`; say it relative to the top of the repository")]
    Climbs(String),
    #[error("`{0}` is a glob; name the file, or the directory with a final `/`")]
    Glob(String),
    #[error("`{0}` has an empty, `.` or `.git` component, or a control character")]
    Odd(String),
}

impl Scope {
    pub fn parse(text: &str) -> Result<Self, BadScope> {
        let own = || text.chars().take(200).flat_map(char::escape_debug).collect::<String>();
        let drive = matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if text.is_empty() {
            return Err(BadScope::Empty);
        }
        if text.starts_with(['/', '~', '\\']) || drive {
            return Err(BadScope::Absolute(own()));
        }
        if text.contains(['*', '?', '[', ']', '{', '}']) {
            return Err(BadScope::Glob(own()));
        }
        let inner = text.strip_suffix('/').unwrap_or(text);
        for component in inner.split(['/', '\\']) {
            match component {
                ".." => return Err(BadScope::Climbs(own())),
                "" | "." => return Err(BadScope::Odd(own())),
                name if name.eq_ignore_ascii_case(".git") => return Err(BadScope::Odd(own())),
                name if name.chars().any(char::is_control) => return Err(BadScope::Odd(own())),
                _ => {}
            }
        }
        Ok(Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both could name the same file. Case is folded: some file systems do.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.0.to_lowercase(), other.0.to_lowercase());
        let covers = |outer: &str, inner: &str| match outer.strip_suffix('/') {
            Some(dir) => inner == dir || inner.starts_with(outer),
            None => inner == outer || inner.strip_suffix('/') == Some(outer),
        };
        covers(&a, &b) || covers(&b, &a)
    }

    /// Whether `path`, relative to the top, lies inside.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        self.holds_bytes(path.as_bytes())
    }

    /// The same of a path that need be no text.
    #[must_use]
    pub fn holds_bytes(&self, path: &[u8]) -> bool {
        let own = self.0.as_bytes();
        if own.ends_with(b"/") { path.starts_with(own) } else { path == own }
    }
}

impl Plan {
    #[must_use]
    pub fn sprint(&self, id: &ItemId) -> Option<&Sprint> {
        self.sprints.iter().find(|sprint| sprint.id == *id)
    }

    pub fn tasks(&self) -> impl Iterator<Item = (&Sprint, &Task)> {
        self.sprints.iter().flat_map(|sprint| sprint.tasks.iter().map(move |task| (sprint, task)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_is_no_plain_path_is_refused() {
        for bad in [
            "",
            "/etc",
            "~/x",
            "../x",
            "a/../b",
            "a/..",
            "src/*.rs",
            "a//b",
            "./a",
            ".git/config",
            "a/.GIT/x",
            "C:\\x",
            "a\nb",
            "{a,b}",
        ] {
            assert!(Scope::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["src/main.rs", "src/", "é.py", "a b", "x..y"] {
            assert!(Scope::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn scopes_overlap_where_one_file_could_lie_in_both() {
        for (a, b, expected) in [
            ("src/", "src/main.rs", true),
            ("src/", "src/", true),
            ("src", "src/", true),
            ("SRC/a", "src/A", true),
            ("src/a", "src/b", false),
            ("src/", "srcs/a", false),
            ("a", "ab", false),
        ] {
            let (a, b) = (Scope::parse(a).unwrap(), Scope::parse(b).unwrap());
            assert_eq!(a.overlaps(&b), expected, "{a:?} {b:?}");
            assert_eq!(b.overlaps(&a), expected, "{b:?} {a:?}");
        }
    }
}
