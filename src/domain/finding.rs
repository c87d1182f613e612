//! One problem that a reviewing stage reported, and the fingerprint by which it is known again.

use std::fmt;

use super::id::Digest;

pub const FINDINGS_MAX: usize = 100;
pub const RULE_BYTES_MAX: usize = 100;
pub const PATH_BYTES_MAX: usize = 500;
pub const MESSAGE_BYTES_MAX: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }

    /// Whether work goes on until it is gone. A mere remark never holds anything up.
    #[must_use]
    pub fn blocks(self) -> bool {
        match self {
            Self::Info => false,
            Self::Low | Self::Medium | Self::High | Self::Critical => true,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub rule: String,
    pub severity: Severity,
    pub path: Option<String>,
    pub line: Option<u32>,
    pub message: String,
}

impl Finding {
    /// SHA-256 over the normalised rule, path and message: the line, the severity, numbers, case,
    /// punctuation and white space do not count, so a finding that moved is still the same one.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let path = self.path.as_deref().unwrap_or_default();
        let path = path.trim_start_matches("./").replace('\\', "/");
        let rule = normalised(&self.rule);
        Digest::of(format!("{rule}\0{path}\0{}", normalised(&self.message)).as_bytes())
    }

    /// The finding with every text cut to its bound.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut(&mut self.rule, RULE_BYTES_MAX);
        cut(&mut self.message, MESSAGE_BYTES_MAX);
        if let Some(path) = &mut self.path {
            cut(path, PATH_BYTES_MAX);
        }
        self
    }
}

/// Shortens a text to at most `bytes_max` bytes, at a character's border.
pub fn cut(text: &mut String, bytes_max: usize) {
    if bytes_max < text.len() {
        let end = (0..=bytes_max - 3).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

/// Words in lower case with single spaces; a word that holds a digit (a time, a line, an id) is `#`.
fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        if word.is_empty() {
            continue;
        }
        let word =
            if word.chars().any(char::is_numeric) { "#".to_owned() } else { word.to_lowercase() };
        if word == "#" && out.ends_with('#') {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &str, path: &str, line: u32, message: &str) -> Finding {
        Finding {
            rule: rule.into(),
            severity: Severity::High,
            path: Some(path.into()),
            line: Some(line),
            message: message.into(),
        }
    }

    #[test]
    fn d3_loa_33_a_finding_that_moved_or_was_reported_at_another_time_is_the_same_one() {
        let first = finding(
            "unused-variable",
            "src/a.rs",
            10,
            "`x` is never read (seen 2026-11-21 10:00:01)",
        );
        for again in [
            finding(
                "unused-variable",
                "src/a.rs",
                99,
                "`x` is never read (seen 2026-11-22 23:59:59)",
            ),
            finding(
                "Unused-Variable",
                "./src/a.rs",
                10,
                "`x`  is never read, (Seen 2027-01-01 00:00:00).",
            ),
        ] {
            assert_eq!(first.fingerprint(), again.fingerprint(), "{again:?}");
        }
        for other in [
            finding(
                "unused-variable",
                "src/b.rs",
                10,
                "`x` is never read (seen 2026-11-21 10:00:01)",
            ),
            finding(
                "unused-import",
                "src/a.rs",
                10,
                "`x` is never read (seen 2026-11-21 10:00:01)",
            ),
            finding(
                "unused-variable",
                "src/a.rs",
                10,
                "`y` is never read (seen 2026-11-21 10:00:01)",
            ),
        ] {
            assert_ne!(first.fingerprint(), other.fingerprint(), "{other:?}");
        }
    }

    #[test]
    fn every_text_of_a_finding_is_cut_at_a_characters_border() {
        let long = "é".repeat(600);
        let cut = finding(&long, &long, 1, &long).bounded();
        assert!(cut.rule.len() <= RULE_BYTES_MAX && cut.message.len() <= MESSAGE_BYTES_MAX);
        assert!(cut.path.unwrap().len() <= PATH_BYTES_MAX && cut.message.ends_with('…'));
    }
}
