//! What a task is accepted by: statements, and how a machine can see that they hold. It runs and
//! opens nothing.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};

use super::{
    finding::Severity,
    id::CriterionId,
    plan::{BadScope, Extra, Scope},
    time::Span,
};

/// The longest pattern, and how much memory one may take when it is compiled.
pub const PATTERN_BYTES_MAX: usize = 1024;
const PATTERN_MEMORY_MAX: usize = 1024 * 1024;

/// The longest time that a plan may give to one command.
pub const COMMAND_TIME_MAX: Span = Span::from_hours(24);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    pub id: Option<CriterionId>,
    pub statement: String,
    /// How bad it is when it does not hold; never [`Severity::Info`].
    pub severity: Severity,
    pub verifications: Vec<Verification>,
    pub extra: Extra,
}

/// One check that a machine can make. All of a criterion's hold, or it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// The file is there.
    File { path: FilePath },
    /// The pattern is somewhere in the file.
    Grep { path: FilePath, pattern: Pattern },
    /// The shell command ends with 0, or with anything else where it must not succeed.
    Command { command: String, must_succeed: bool, timeout: Option<Span> },
    /// What a language server would have to say. Nothing here asks one, so the plan must say why
    /// that may be skipped; `said` is what it says otherwise.
    Lsp { said: Extra, skip: String },
}

/// An exact file: relative to the top, with `/` between plain components.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Scope);

/// A regular expression that compiled; `^` and `$` stand for the ends of lines.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    #[error(transparent)]
    Scope(#[from] BadScope),
    #[error("`{0}` is a directory; name one file")]
    Directory(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    #[error("a pattern may not be empty")]
    Empty,
    #[error("a pattern is longer than {PATTERN_BYTES_MAX} bytes")]
    Long,
    #[error("it is no regular expression: {0}")]
    Syntax(String),
}

impl Criterion {
    /// A statement that only people and agents can judge.
    #[must_use]
    pub fn plain(statement: impl Into<String>) -> Self {
        Self {
            id: None,
            statement: statement.into(),
            severity: Severity::Medium,
            verifications: Vec::new(),
            extra: Extra::new(),
        }
    }

    /// Whether the statement is all that it says.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.asks_only_words() && self.extra.is_empty()
    }

    pub(super) fn asks_only_words(&self) -> bool {
        self.id.is_none() && self.severity == Severity::Medium && self.verifications.is_empty()
    }
}

impl Verification {
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Grep { .. } => "grep",
            Self::Command { .. } => "command",
            Self::Lsp { .. } => "lsp",
        }
    }
}

/// As a sentence: what must be so.
impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path } => write!(f, "`{}` is there", path.as_str()),
            Self::Grep { path, pattern } => {
                write!(f, "`{}` matches `{}`", path.as_str(), pattern.as_str())
            }
            Self::Command { command, must_succeed, .. } => {
                write!(f, "`{command}` {}", if *must_succeed { "succeeds" } else { "fails" })
            }
            Self::Lsp { skip, .. } => write!(f, "a language server is not asked: {skip}"),
        }
    }
}

impl FilePath {
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let scope = Scope::parse(text)?;
        if text.ends_with(['/', '\\']) {
            return Err(BadPath::Directory(text.chars().take(200).collect()));
        }
        Ok(Self(scope))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() {
            return Err(BadPattern::Empty);
        }
        if PATTERN_BYTES_MAX < text.len() {
            return Err(BadPattern::Long);
        }
        let mut builder = RegexBuilder::new(text);
        let built = builder.multi_line(true).size_limit(PATTERN_MEMORY_MAX).build();
        let regex = built.map_err(|error| BadPattern::Syntax(error.to_string()))?;
        Ok(Self { text: text.into(), regex })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The lines on which the first matches begin, from zero and each once.
    #[must_use]
    pub fn lines(&self, text: &str, max: usize) -> Vec<usize> {
        let (mut lines, mut line, mut at) = (Vec::new(), 0, 0);
        for found in self.regex.find_iter(text) {
            line +=
                text.as_bytes()[at..found.start()].iter().filter(|byte| **byte == b'\n').count();
            at = found.start();
            if lines.last() != Some(&line) {
                if lines.len() == max {
                    break;
                }
                lines.push(line);
            }
        }
        lines
    }

    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_plain_path_and_no_directory() {
        for bad in ["", "src/", "/etc/passwd", "../x", "src/*.rs", "~/x", "a//b", ".git/config"] {
            assert!(FilePath::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(FilePath::parse("src/é.py").unwrap().as_str(), "src/é.py");
    }

    #[test]
    fn a_pattern_is_looked_for_line_by_line() {
        let pattern = Pattern::parse("^fn main").unwrap();
        assert!(pattern.is_in("// a\nfn main() {}\n"));
        assert!(!pattern.is_in("// fn main\n"));
    }

    #[test]
    fn a_pattern_that_is_none_or_too_large_is_refused() {
        let nested = "(".repeat(300) + &")".repeat(300);
        for bad in
            ["", "(", "[a", "a{2,1}", r"(?=x)", r"\p{Greek}", "((a{100}){100}){100}", &nested]
        {
            assert!(Pattern::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Pattern::parse(&"a".repeat(PATTERN_BYTES_MAX + 1)), Err(BadPattern::Long));
    }
}
