//! What the gates are set to. Where it was read, and when, is decided by whoever reads it.

use std::collections::BTreeMap;

use super::{
    super::time::Span,
    command::Expect,
    coverage::{DEFAULT_MIN, Hundredths},
    name::Check,
};

/// How long a command of a gate may take where nothing is said.
pub const TIMEOUT: Span = Span::from_secs(30 * 60);
/// The same for a command that verifies a criterion.
pub const VERIFY_TIMEOUT: Span = Span::from_secs(10 * 60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub protected: Vec<String>,
    pub files_max: Option<u32>,
    pub lines_max: Option<u32>,
    /// A criterion without a verification fails, and a task without a scope or criterion too.
    pub strict: bool,
    pub verify_timeout: Span,
    pub docs: Vec<String>,
    /// Where the registry of documents is, where there has to be one.
    pub docs_registry: Option<String>,
    /// Files and directories in which what looks like a secret is a remark: fixtures of tests.
    pub secrets_allowed: Vec<String>,
    pub coverage_min: Hundredths,
    pub quality: Vec<Suite>,
    pub quality_timeout: Span,
    /// Of tests, coverage and the user's own gates, by name.
    pub commands: BTreeMap<String, Command>,
}

/// One command of the quality suite, and what it cannot be run without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    pub id: String,
    pub command: String,
    pub needs_env: Vec<String>,
    pub needs_files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub command: String,
    pub timeout: Span,
    pub expect: Expect,
    /// Commands that print the version of what is used.
    pub versions: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            protected: Vec::new(),
            files_max: None,
            lines_max: None,
            strict: false,
            verify_timeout: VERIFY_TIMEOUT,
            docs: Vec::new(),
            docs_registry: None,
            secrets_allowed: Vec::new(),
            coverage_min: DEFAULT_MIN,
            quality: Vec::new(),
            quality_timeout: TIMEOUT,
            commands: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// The gates that there is something for. Without any command at all the quality suite is one of
    /// them, and fails: a set that runs nothing proves nothing.
    #[must_use]
    pub fn applicable(&self, of_run: bool) -> Vec<Check> {
        let set = |check: &Check| match check {
            Check::ValidatePlan | Check::TaskContexts => false,
            // They look at what a stage of a run has handed in.
            Check::Eligibility | Check::Contract => false,
            Check::Secrets
            | Check::Deletions
            | Check::ProtectedPaths
            | Check::Scope
            | Check::Parallel
            | Check::Plan => true,
            Check::DiffSize => self.files_max.is_some() || self.lines_max.is_some(),
            Check::Artifacts => of_run,
            Check::Docs => !self.docs.is_empty() || self.docs_registry.is_some(),
            Check::Quality => !self.quality.is_empty() || self.commands.is_empty(),
            Check::Tests | Check::Coverage => self.commands.contains_key(check.name()),
            Check::Own(_) | Check::Compliance => false,
        };
        let mut all: Vec<Check> = Check::BUILT_IN.into_iter().filter(set).collect();
        all.extend(self.commands.keys().filter_map(|name| match Check::parse(name) {
            Some(own @ Check::Own(_)) => Some(own),
            Some(_) | None => None,
        }));
        all.push(Check::Compliance);
        all
    }
}
