//! Gates that this tool decides by itself: what each finds, from facts, and what its result means.
//!
//! Nobody reports a result: it is made here from what was looked at, and what was not looked at is no pass.

pub mod adherence;
pub mod artifacts;
pub mod change;
pub mod command;
pub mod compliance;
pub mod contract;
pub mod coverage;
pub mod eligibility;
pub mod leak;
pub mod links;
pub mod name;
pub mod parallel;
pub mod paths;
pub mod policy;
pub mod registry;

use super::{
    finding::{FINDINGS_MAX, Finding, Severity, cut},
    id::{Digest, Oid},
    path, secret,
    time::Span,
};
use command::{End, Expect, judge};

/// What is kept of the end of a command's output.
pub const TAIL_BYTES_MAX: usize = 8 * 1024;
/// Commands of one gate that are kept as evidence.
pub const EVIDENCE_MAX: usize = 200;
pub const WHY_BYTES_MAX: usize = 1000;
pub const COMMAND_BYTES_MAX: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Pass,
    /// On purpose, and it says why.
    Skipped,
    Fail,
    /// It could not be told, which is no pass.
    Unknown,
}

impl Answer {
    pub const ALL: [Self; 4] = [Self::Pass, Self::Skipped, Self::Fail, Self::Unknown];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.word() == word)
    }

    /// Whether it holds nothing up.
    #[must_use]
    pub fn lets_through(self) -> bool {
        match self {
            Self::Pass | Self::Skipped => true,
            Self::Fail | Self::Unknown => false,
        }
    }
}

/// What a gate came to, before it is said of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub answer: Answer,
    pub why: String,
    pub findings: Vec<Finding>,
    pub evidence: Vec<Evidence>,
}

impl Judged {
    fn of(answer: Answer, why: impl Into<String>) -> Self {
        Self { answer, why: why.into(), findings: Vec::new(), evidence: Vec::new() }
    }

    #[must_use]
    pub fn pass(why: impl Into<String>) -> Self {
        Self::of(Answer::Pass, why)
    }

    #[must_use]
    pub fn fail(why: impl Into<String>) -> Self {
        Self::of(Answer::Fail, why)
    }

    #[must_use]
    pub fn skipped(why: impl Into<String>) -> Self {
        Self::of(Answer::Skipped, why)
    }

    #[must_use]
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::of(Answer::Unknown, why)
    }

    /// A failure where anything was found that blocks, else a pass.
    #[must_use]
    pub fn by_findings(
        findings: Vec<Finding>,
        fails: impl FnOnce(usize) -> String,
        passes: impl Into<String>,
    ) -> Self {
        let blocking = findings.iter().filter(|finding| finding.severity.blocks()).count();
        let judged = if blocking == 0 { Self::pass(passes) } else { Self::fail(fails(blocking)) };
        Self { findings, ..judged }
    }

    #[must_use]
    pub fn with(self, evidence: Vec<Evidence>) -> Self {
        Self { evidence, ..self }
    }
}

/// A command that was run, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub command: String,
    pub end: End,
    pub took: Span,
    /// Of everything that it wrote, kept or not.
    pub output: Digest,
    /// The end of it, with what looks like a secret made unreadable.
    pub tail: String,
    /// What was in the work tree when it began.
    pub tree: Oid,
    /// Programs and what they call their version.
    pub versions: Vec<(String, String)>,
    /// It was run before, for this very tree, and holds still.
    pub reused: bool,
}

impl Evidence {
    /// Whether it shows what a line of shell would come to, were it run once more on this tree.
    #[must_use]
    pub fn shows(
        &self,
        line: &str,
        expect: Expect,
        tree: &Oid,
        versions: &[(String, String)],
    ) -> bool {
        let same_tools = self.versions.len() == versions.len()
            && versions.iter().all(|version| self.versions.contains(version));
        // What was cut or made unreadable could have been another line.
        let same_line =
            self.command == line && line.len() < COMMAND_BYTES_MAX && secret::redact(line) == line;
        same_line && same_tools && self.tree == *tree && judge(self.end, expect) == Answer::Pass
    }
}

/// What was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Where the range begins: the commit on which the run was built.
    pub from: Oid,
    pub head: Oid,
    /// HEAD's tree with everything that is not committed.
    pub tree: Oid,
}

/// What a gate says of one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub gate: String,
    pub answer: Answer,
    pub why: String,
    pub subject: Subject,
    /// Of everything that decides beside the tree: options, commands, plan, range, items.
    pub definition: Digest,
    pub findings: Vec<Finding>,
    pub findings_dropped: u32,
    pub evidence: Vec<Evidence>,
    pub evidence_dropped: u32,
}

impl Report {
    /// Every list and text of it within its bound; what is dropped is counted, the gravest is kept.
    #[must_use]
    pub fn of(gate: &str, subject: Subject, definition: Digest, judged: Judged) -> Self {
        let Judged { answer, mut why, mut findings, mut evidence } = judged;
        cut(&mut why, WHY_BYTES_MAX);
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let findings_dropped = dropped(findings.len(), FINDINGS_MAX);
        findings.truncate(FINDINGS_MAX);
        let findings = findings.into_iter().map(Finding::bounded).collect();
        let evidence_dropped = dropped(evidence.len(), EVIDENCE_MAX);
        evidence.truncate(EVIDENCE_MAX);
        for piece in &mut evidence {
            cut(&mut piece.command, COMMAND_BYTES_MAX);
        }
        let gate = gate.to_owned();
        Self {
            gate,
            answer,
            why,
            subject,
            definition,
            findings,
            findings_dropped,
            evidence,
            evidence_dropped,
        }
    }
}

fn dropped(there: usize, max: usize) -> u32 {
    u32::try_from(there.saturating_sub(max)).unwrap_or(u32::MAX)
}

/// A finding about a path, which need be no text.
#[must_use]
pub fn finding(rule: &str, severity: Severity, at: Option<&[u8]>, message: String) -> Finding {
    let path = at.map(|at| path::spell(at).0);
    Finding { rule: rule.to_owned(), severity, path, line: None, message }
}
