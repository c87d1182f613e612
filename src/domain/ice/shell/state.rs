//! What the commands before have made of the place where the next one runs.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ice::facts::Head;

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    /// From where the line begins; nothing where it is not known.
    pub directory: Directory,
    /// What the same line has checked out; else it is as it was found.
    pub head: Option<Head>,
    pub before: Head,
    pub variables: BTreeMap<String, String>,
    /// Branches that the same line has made.
    pub made: BTreeSet<String>,
    /// Branches that it has made unless that failed.
    pub perhaps: BTreeSet<String>,
    /// Work trees that the same line has made.
    pub trees: BTreeMap<String, Head>,
    pub stashed: bool,
    /// Something that decides where pushes go was set.
    pub configured: bool,
    /// A variable of the environment that bends git was set.
    pub bent: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Directory {
    Known(String),
    Unknown,
}

impl Default for Directory {
    fn default() -> Self {
        Self::Known(String::new())
    }
}

/// Variables beyond that are not remembered.
const VARIABLES_MAX: usize = 100;

impl State {
    pub(super) fn unknown() -> Self {
        Self { directory: Directory::Unknown, head: Some(Head::Unknown), ..Self::default() }
    }

    pub(super) fn set(&mut self, name: &str, value: Option<String>) {
        match value {
            Some(value) if self.variables.len() < VARIABLES_MAX => {
                self.variables.insert(name.to_owned(), value);
            }
            Some(_) | None => {
                self.variables.remove(name);
            }
        }
    }

    /// What a subshell that ended in this state leaves to the one that was there before.
    pub(super) fn left_behind(&self, old: &Self) -> Self {
        Self {
            directory: old.directory.clone(),
            variables: old.variables.clone(),
            bent: old.bent.clone(),
            ..self.clone()
        }
    }

    pub(super) fn resolve(&self, path: &str) -> Option<String> {
        match &self.directory {
            Directory::Known(base) => Some(join(base, path)),
            Directory::Unknown => path.starts_with('/').then(|| join("", path)),
        }
    }
}

/// A path from another one, without `.` and with `..` applied to what is written.
pub(super) fn join(base: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
    let absolute = path.starts_with('/') || base.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => {
                parts.pop();
            }
            None if part == ".." && absolute => {}
            _ => parts.push(part),
        }
    }
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}
