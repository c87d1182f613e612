//! The gates by name.

use std::fmt;

/// A gate that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    ValidatePlan,
    TaskContexts,
    Secrets,
    Deletions,
    DiffSize,
    ProtectedPaths,
    Scope,
    Parallel,
    Plan,
    Artifacts,
    Docs,
    Quality,
    Tests,
    Coverage,
    /// Of a bug, by its triage.
    Eligibility,
    /// Of a design, by the plan.
    Contract,
    /// A command of the user's own.
    Own(String),
    /// Whether all the others passed. Always the last.
    Compliance,
}

pub const NAME_BYTES_MAX: usize = 40;

impl Check {
    pub const BUILT_IN: [Self; 17] = [
        Self::ValidatePlan,
        Self::TaskContexts,
        Self::Secrets,
        Self::Deletions,
        Self::DiffSize,
        Self::ProtectedPaths,
        Self::Scope,
        Self::Parallel,
        Self::Plan,
        Self::Artifacts,
        Self::Docs,
        Self::Quality,
        Self::Tests,
        Self::Coverage,
        Self::Eligibility,
        Self::Contract,
        Self::Compliance,
    ];

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ValidatePlan => "validate-plan",
            Self::TaskContexts => "task-contexts",
            Self::Secrets => "secrets",
            Self::Deletions => "deletions",
            Self::DiffSize => "diff-size",
            Self::ProtectedPaths => "protected-paths",
            Self::Scope => "scope",
            Self::Parallel => "parallel",
            Self::Plan => "plan",
            Self::Artifacts => "artifacts",
            Self::Docs => "docs",
            Self::Quality => "quality",
            Self::Tests => "tests",
            Self::Coverage => "coverage",
            Self::Eligibility => "eligibility",
            Self::Contract => "contract",
            Self::Own(name) => name,
            Self::Compliance => "compliance",
        }
    }

    /// What it looks at, in a line.
    #[must_use]
    pub fn says(&self) -> &'static str {
        match self {
            Self::ValidatePlan => "the plan is there and sound",
            Self::TaskContexts => "every task says what it may write and when it is done",
            Self::Secrets => "nothing that was added looks like a secret",
            Self::Deletions => "nothing was deleted outside of the write scopes",
            Self::DiffSize => "no more files and lines changed than are allowed",
            Self::ProtectedPaths => "no protected path was touched",
            Self::Scope => "every changed path lies in the write scopes",
            Self::Parallel => "every task kept to its own files",
            Self::Plan => "every acceptance criterion is verified",
            Self::Artifacts => "every finished item has a report that names its files",
            Self::Docs => "no document links to what is not there",
            Self::Quality => "the commands of the quality suite succeed",
            Self::Tests => "the tests pass, or fail where they must",
            Self::Coverage => "enough is covered by tests",
            Self::Eligibility => "enough shows the bug, and it is none but a bug",
            Self::Contract => "the contract promises all that the plan asks for",
            Self::Own(_) => "a command of your own",
            Self::Compliance => "all of the others passed, for this very tree",
        }
    }

    /// The built-in gate of this name, or the name of a command's.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if let Some(known) = Self::BUILT_IN.into_iter().find(|check| check.name() == word) {
            return Some(known);
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = !word.is_empty() && word.len() <= NAME_BYTES_MAX && !word.starts_with('-');
        (fits && word.bytes().all(plain)).then(|| Self::Own(word.to_owned()))
    }

    /// Whether the user gives it its one command.
    #[must_use]
    pub fn takes_command(&self) -> bool {
        matches!(self, Self::Tests | Self::Coverage | Self::Own(_))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gate_is_known_by_its_name_and_odd_names_are_none() {
        for check in Check::BUILT_IN {
            assert_eq!(Check::parse(check.name()), Some(check));
        }
        assert_eq!(Check::parse("lint-2"), Some(Check::Own("lint-2".to_owned())));
        for bad in ["", "-x", "a b", "A", "a.b", "é", &"a".repeat(NAME_BYTES_MAX + 1)] {
            assert_eq!(Check::parse(bad), None, "{bad:?}");
        }
    }
}
