//! Whether a bug may be mended without a person: what shows it, and what it must not be.

use super::{Judged, finding};
use crate::domain::finding::Severity;

/// What shows a bug, and what each of them is worth.
pub const SIGNALS: [(&str, u32); 5] = [
    ("failing-test", 2),
    ("repro-steps", 2),
    ("stack-trace", 1),
    ("production-log", 1),
    ("regression-of", 1),
];
/// With fewer it is rejected, with as many a person confirms it, with more it is accepted.
pub const CONFIRM: u32 = 2;
/// What is no bug but a feature.
pub const DISQUALIFIERS: [&str; 5] =
    ["new-endpoint", "new-page", "new-schema", "new-service", "new-setting"];

/// How well it can be had again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reproduction {
    Strong,
    Weak,
    ManualOnly,
}

impl Reproduction {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "strong" => Some(Self::Strong),
            "weak" => Some(Self::Weak),
            "manual-only" => Some(Self::ManualOnly),
            _ => None,
        }
    }
}

/// What a triage found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Triage {
    /// Signals with what shows each of them; without it a signal is none.
    pub signals: Vec<(String, String)>,
    pub disqualifiers: Vec<String>,
    pub reproduction: Option<Reproduction>,
}

impl Triage {
    /// What its signals are worth. The same one twice counts once.
    #[must_use]
    pub fn score(&self) -> u32 {
        let shown = |name: &str| {
            self.signals.iter().any(|(signal, shows)| signal == name && !shows.trim().is_empty())
        };
        SIGNALS.iter().filter(|(name, _)| shown(name)).map(|(_, worth)| worth).sum()
    }
}

#[must_use]
pub fn judge(triage: &Triage) -> Judged {
    let unknown = triage.signals.iter().map(|(name, _)| name);
    let unknown: Vec<_> =
        unknown.filter(|name| !SIGNALS.iter().any(|(known, _)| known == name)).collect();
    if let Some(name) = unknown.first() {
        return Judged::unknown(format!("`{}` is no signal of a bug", name.escape_debug()));
    }
    if !triage.disqualifiers.is_empty() {
        let found = triage.disqualifiers.iter().map(|what| {
            let message = format!("it asks for something new: {}", what.escape_debug());
            finding("feature", Severity::High, None, message)
        });
        let findings = found.collect();
        return Judged { findings, ..Judged::fail("rejected: this is a feature, and no bug") };
    }
    let score = triage.score();
    if triage.reproduction == Some(Reproduction::ManualOnly) {
        return Judged::fail(format!(
            "a person confirms it: it can only be had again by hand (score {score})"
        ));
    }
    match score {
        score if score < CONFIRM => Judged::fail(format!(
            "rejected: too little shows it (score {score}, {CONFIRM} is needed)"
        )),
        CONFIRM => {
            Judged::fail(format!("a person confirms it: just enough shows it (score {score})"))
        }
        score => Judged::pass(format!("accepted (score {score})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::check::Answer;

    #[test]
    fn loa_115_what_shows_a_bug_adds_up() {
        let no = &[][..];
        for (signals, disqualifiers, expected, says) in [
            (no, no, Answer::Fail, "rejected: too little"),
            (&["stack-trace"], no, Answer::Fail, "rejected: too little"),
            (&["failing-test"], no, Answer::Fail, "confirms"),
            (&["stack-trace", "production-log"], no, Answer::Fail, "confirms"),
            (&["failing-test", "stack-trace"], no, Answer::Pass, "score 3"),
            (&["failing-test", "repro-steps"], no, Answer::Pass, "score 4"),
            (&["failing-test", "failing-test"], no, Answer::Fail, "score 2"),
            (&["failing-test", "repro-steps"], &["new-endpoint"], Answer::Fail, "feature"),
            (&["a-feeling"], no, Answer::Unknown, "no signal"),
        ] {
            let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            let triage = Triage {
                signals: signals.iter().map(|s| ((*s).to_owned(), "seen".to_owned())).collect(),
                disqualifiers: own(disqualifiers),
                reproduction: Some(Reproduction::Strong),
            };
            let judged = judge(&triage);
            assert_eq!(judged.answer, expected, "{signals:?} {disqualifiers:?}");
            assert!(judged.why.contains(says), "{signals:?}: {}", judged.why);
        }
        let unsaid = Triage {
            signals: vec![("failing-test".into(), " ".into()), ("repro-steps".into(), "x".into())],
            ..Triage::default()
        };
        assert_eq!(unsaid.score(), 2, "a signal without evidence is none");
    }
}
