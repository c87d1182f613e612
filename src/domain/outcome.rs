//! What the end of a stage means. The process, the report and git must agree; where they do not,
//! or where one of them says nothing, the answer is never a pass.

use super::{
    finding::{Finding, Severity},
    id::Oid,
    time::Timestamp,
    workflow::Duty,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Conditional,
    Revise,
    Fail,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Pass, Self::Conditional, Self::Revise, Self::Fail];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Conditional => "conditional",
            Self::Revise => "revise",
            Self::Fail => "fail",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Built,
    Judged(Verdict),
    /// No result. Counted: several in a row open the breaker.
    Failed {
        failure: Failure,
        detail: String,
    },
    /// The agent asks to be called again later; not its fault, so not counted.
    Held {
        until: Timestamp,
    },
    /// There is no such agent, or it may not work: a person is needed.
    Unavailable {
        why: String,
    },
    /// Stopped because somebody asked for it.
    Stopped,
    /// It cannot go on without a person's answer; the other items can.
    Blocked {
        why: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Exit,
    Killed,
    TimedOut,
    Silent,
    Flooded,
    NoReport,
    BadReport,
    NoChange,
    Voided,
    Incomplete,
}

impl Failure {
    pub const ALL: [Self; 10] = [
        Self::Exit,
        Self::Killed,
        Self::TimedOut,
        Self::Silent,
        Self::Flooded,
        Self::NoReport,
        Self::BadReport,
        Self::NoChange,
        Self::Voided,
        Self::Incomplete,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Killed => "killed",
            Self::TimedOut => "timed-out",
            Self::Silent => "silent",
            Self::Flooded => "flooded",
            Self::NoReport => "no-report",
            Self::BadReport => "bad-report",
            Self::NoChange => "no-change",
            Self::Voided => "voided",
            Self::Incomplete => "incomplete",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.word() == word)
    }
}

/// How the agent's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Exited(i32),
    Killed,
    TimedOut,
    Silent,
    Flooded,
    Stopped,
    CouldNotStart,
}

/// What was found where the report should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper<'a> {
    Missing,
    Unreadable(&'a str),
    Read {
        verdict: Option<Verdict>,
        findings: &'a [Finding],
        retry_at: Option<Timestamp>,
        /// What nobody but a person can decide.
        blocked: Option<&'a str>,
    },
}

/// Everything that is known when a stage has ended.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub duty: Duty,
    /// Papers that should have been handed in, and why each of them is not.
    pub lacking: &'a [String],
    /// Findings below it hold nothing up.
    pub severity_min: Option<Severity>,
    pub ending: Ending,
    pub paper: Paper<'a>,
    pub shown: (&'a Oid, &'a Oid),
    pub left: (&'a Oid, &'a Oid),
    pub clean: bool,
    /// Whether the item has any commit yet, this stage's own included.
    pub item_has_work: bool,
    pub now: Timestamp,
}

/// `EX_TEMPFAIL` of sysexits: come again later.
pub const EXIT_LATER: i32 = 75;
/// How long "later" is when the agent does not say.
pub const LATER: super::time::Span = super::time::Span::from_secs(60);
/// The latest "later" that an agent may ask for.
pub const LATEST: super::time::Span = super::time::Span::from_hours(24);
/// What the supervisor says when there is no such program, or it may not be run.
const EXIT_CANNOT_RUN: [i32; 2] = [126, 127];

#[must_use]
pub fn decide(facts: &Facts<'_>) -> Outcome {
    match facts.ending {
        Ending::Stopped => Outcome::Stopped,
        Ending::CouldNotStart => unavailable("the agent could not be started"),
        Ending::Exited(code) if EXIT_CANNOT_RUN.contains(&code) => unavailable(&format!(
            "the agent's command ended with {code}: no such program, or it may not be run"
        )),
        Ending::Exited(EXIT_LATER) => Outcome::Held { until: later(facts) },
        Ending::Exited(0) => after_success(facts),
        Ending::Exited(code) => failed(Failure::Exit, &format!("exit code {code}")),
        Ending::Killed => failed(Failure::Killed, "killed by a signal"),
        Ending::TimedOut => failed(Failure::TimedOut, "its time was up"),
        Ending::Silent => failed(Failure::Silent, "no output for too long"),
        Ending::Flooded => failed(Failure::Flooded, "too much output"),
    }
}

fn after_success(facts: &Facts<'_>) -> Outcome {
    match facts.duty {
        Duty::Build => built(facts),
        Duty::Write => written(facts),
        Duty::Judge | Duty::Gate | Duty::Human => judged(facts),
    }
}

fn lacking(facts: &Facts<'_>) -> Option<Outcome> {
    let first = facts.lacking.first()?;
    let more = match facts.lacking.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(failed(Failure::Incomplete, &format!("{first}{more}")))
}

fn written(facts: &Facts<'_>) -> Outcome {
    if !facts.clean || facts.shown != facts.left {
        return failed(Failure::Voided, "a stage that writes papers changed the tree");
    }
    match facts.paper {
        Paper::Unreadable(why) => failed(Failure::BadReport, why),
        Paper::Read { verdict: Some(Verdict::Fail), .. } => Outcome::Judged(Verdict::Fail),
        Paper::Read { blocked: Some(why), .. } => Outcome::Blocked { why: why.to_owned() },
        Paper::Missing | Paper::Read { .. } => lacking(facts).unwrap_or(Outcome::Built),
    }
}

fn built(facts: &Facts<'_>) -> Outcome {
    match facts.paper {
        Paper::Unreadable(why) => failed(Failure::BadReport, why),
        Paper::Read { verdict: Some(Verdict::Fail), .. } => Outcome::Judged(Verdict::Fail),
        Paper::Read { blocked: Some(why), .. } => Outcome::Blocked { why: why.to_owned() },
        Paper::Missing | Paper::Read { .. } if facts.clean && !facts.item_has_work => failed(
            Failure::NoChange,
            "it ended well but changed nothing, so there is nothing to judge",
        ),
        Paper::Missing | Paper::Read { .. } => lacking(facts).unwrap_or(Outcome::Built),
    }
}

fn judged(facts: &Facts<'_>) -> Outcome {
    // A judge that changed what it judged has judged nothing.
    if !facts.clean || facts.shown != facts.left {
        return failed(Failure::Voided, "the judge changed the tree that it was shown");
    }
    match facts.paper {
        Paper::Missing => failed(Failure::NoReport, "no report was written"),
        Paper::Unreadable(why) => failed(Failure::BadReport, why),
        Paper::Read { verdict: None, .. } => {
            failed(Failure::BadReport, "the report has no verdict")
        }
        Paper::Read { verdict: Some(verdict), findings, .. } => {
            let said = effective(verdict, findings, facts.severity_min);
            let passes = matches!(said, Verdict::Pass | Verdict::Conditional);
            lacking(facts).filter(|_| passes).unwrap_or(Outcome::Judged(said))
        }
    }
}

/// The worse of what the judge said and what it found.
fn effective(verdict: Verdict, findings: &[Finding], min: Option<Severity>) -> Verdict {
    let worst = findings.iter().map(|finding| finding.severity).max();
    if let (Some(min), Some(worst), false) = (min, worst, verdict == Verdict::Fail) {
        return if min <= worst {
            Verdict::Revise
        } else if worst.blocks() {
            Verdict::Conditional
        } else {
            verdict
        };
    }
    match (verdict, worst) {
        (Verdict::Pass, Some(severity)) if severity.blocks() => Verdict::Revise,
        (Verdict::Conditional, Some(Severity::High | Severity::Critical)) => Verdict::Revise,
        (verdict, _) => verdict,
    }
}

fn later(facts: &Facts<'_>) -> Timestamp {
    match facts.paper {
        Paper::Read { retry_at: Some(at), .. } if facts.now < at => at.min(facts.now.after(LATEST)),
        _ => facts.now.after(LATER),
    }
}

fn failed(failure: Failure, detail: &str) -> Outcome {
    let mut detail = detail.to_owned();
    super::finding::cut(&mut detail, super::finding::MESSAGE_BYTES_MAX);
    Outcome::Failed { failure, detail }
}

fn unavailable(why: &str) -> Outcome {
    Outcome::Unavailable { why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: char) -> Oid {
        Oid::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn word(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Built => "built".into(),
            Outcome::Judged(verdict) => verdict.word().into(),
            Outcome::Failed { failure, .. } => format!("failed:{}", failure.word()),
            Outcome::Held { .. } => "held".into(),
            Outcome::Unavailable { .. } => "unavailable".into(),
            Outcome::Stopped => "stopped".into(),
            Outcome::Blocked { .. } => "blocked".into(),
        }
    }

    fn finding(severity: Severity) -> Finding {
        Finding { rule: "r".into(), severity, path: None, line: None, message: "m".into() }
    }

    #[test]
    fn a_judge_passes_only_when_process_report_and_git_agree() {
        let (a, b) = (oid('a'), oid('b'));
        let low = [finding(Severity::Low)];
        let high = [finding(Severity::High)];
        let info = [finding(Severity::Info)];
        let read =
            |verdict, findings| Paper::Read { verdict, findings, retry_at: None, blocked: None };
        let exit = Ending::Exited;
        for (expected, ending, paper, tree, clean) in [
            ("pass", exit(0), read(Some(Verdict::Pass), &[][..]), &a, true),
            ("pass", exit(0), read(Some(Verdict::Pass), &info), &a, true),
            ("revise", exit(0), read(Some(Verdict::Pass), &low), &a, true),
            ("conditional", exit(0), read(Some(Verdict::Conditional), &low), &a, true),
            ("revise", exit(0), read(Some(Verdict::Conditional), &high), &a, true),
            ("revise", exit(0), read(Some(Verdict::Revise), &[]), &a, true),
            ("fail", exit(0), read(Some(Verdict::Fail), &[]), &a, true),
            ("failed:bad-report", exit(0), read(None, &[]), &a, true),
            ("failed:no-report", exit(0), Paper::Missing, &a, true),
            ("failed:bad-report", exit(0), Paper::Unreadable("x"), &a, true),
            ("failed:voided", exit(0), read(Some(Verdict::Pass), &[]), &b, true),
            ("failed:voided", exit(0), read(Some(Verdict::Pass), &[]), &a, false),
            ("failed:exit", exit(1), read(Some(Verdict::Pass), &[]), &a, true),
            ("failed:timed-out", Ending::TimedOut, read(Some(Verdict::Pass), &[]), &a, true),
            ("failed:killed", Ending::Killed, read(Some(Verdict::Pass), &[]), &a, true),
            ("failed:silent", Ending::Silent, read(Some(Verdict::Pass), &[]), &a, true),
            ("failed:flooded", Ending::Flooded, read(Some(Verdict::Pass), &[]), &a, true),
            ("held", exit(75), read(Some(Verdict::Pass), &[]), &a, true),
            ("unavailable", exit(127), Paper::Missing, &a, true),
            ("unavailable", Ending::CouldNotStart, Paper::Missing, &a, true),
            ("stopped", Ending::Stopped, read(Some(Verdict::Pass), &[]), &a, true),
        ] {
            let facts = Facts {
                duty: Duty::Judge,
                lacking: &[],
                severity_min: None,
                ending,
                paper,
                shown: (&a, &a),
                left: (&a, tree),
                clean,
                item_has_work: true,
                now: Timestamp::default(),
            };
            assert_eq!(word(&decide(&facts)), expected, "{facts:?}");
        }
    }

    #[test]
    fn a_builder_that_changed_nothing_has_not_built() {
        let (a, b) = (oid('a'), oid('b'));
        for (expected, tree, clean, has_work, paper) in [
            ("failed:no-change", &a, true, false, Paper::Missing),
            ("built", &a, false, false, Paper::Missing),
            ("built", &b, true, true, Paper::Missing),
            ("built", &a, true, true, Paper::Missing),
            ("failed:bad-report", &a, false, true, Paper::Unreadable("x")),
            (
                "fail",
                &a,
                false,
                true,
                Paper::Read {
                    verdict: Some(Verdict::Fail),
                    findings: &[],
                    retry_at: None,
                    blocked: None,
                },
            ),
        ] {
            let facts = Facts {
                duty: Duty::Build,
                lacking: &[],
                severity_min: None,
                ending: Ending::Exited(0),
                paper,
                shown: (&a, &a),
                left: (tree, tree),
                clean,
                item_has_work: has_work,
                now: Timestamp::default(),
            };
            assert_eq!(word(&decide(&facts)), expected, "{facts:?}");
        }
    }
}
