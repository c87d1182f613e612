//! The last word: whether every gate of a set let this very tree through.

use super::{
    super::{finding::Severity, tale::counted},
    Answer, Judged, Report, Subject, finding,
};

pub const APPROVE: &str = "APPROVE";
pub const REJECT: &str = "REJECT";

/// `APPROVE` only where each of the wanted gates has a report of this subject that lets it through, and
/// one of them at least looked at something. What is missing is no pass.
#[must_use]
pub fn judge(wanted: &[&str], reports: &[Report], subject: &Subject) -> Judged {
    let mut findings = Vec::new();
    let mut passed = 0;
    for name in wanted {
        let report = reports.iter().find(|report| report.gate == *name);
        let why = match report {
            None => "there is no report of it".to_owned(),
            Some(report) if report.subject != *subject => {
                "its report is of another tree".to_owned()
            }
            Some(report) if !report.answer.lets_through() => {
                format!("{}: {}", report.answer.word(), report.why)
            }
            Some(report) => {
                passed += usize::from(report.answer == Answer::Pass);
                continue;
            }
        };
        findings.push(finding("not-passed", Severity::High, None, format!("`{name}` {why}")));
    }
    if findings.is_empty() && passed == 0 {
        return Judged::fail(format!("{REJECT}: no gate looked at anything"));
    }
    Judged::by_findings(
        findings,
        |open| format!("{REJECT}: {} did not pass", counted(open, "gate")),
        format!("{APPROVE}: {} passed", counted(passed, "gate")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Digest, Oid};

    fn subject(digit: &str) -> Subject {
        let id = Oid::parse(&digit.repeat(40)).unwrap();
        Subject { from: id.clone(), head: id.clone(), tree: id }
    }

    fn report(gate: &str, judged: Judged, of: &str) -> Report {
        Report::of(gate, subject(of), Digest::of(b""), judged)
    }

    #[test]
    fn s12_a4_what_is_missing_skipped_alone_unknown_or_of_another_tree_is_no_approval() {
        let pass = || report("a", Judged::pass(""), "1");
        let skip = |name| report(name, Judged::skipped("on purpose"), "1");
        for (reports, expected) in [
            (vec![pass(), skip("b")], Answer::Pass),
            (vec![pass()], Answer::Fail),
            (vec![], Answer::Fail),
            (vec![skip("a"), skip("b")], Answer::Fail),
            (vec![pass(), report("b", Judged::unknown("?"), "1")], Answer::Fail),
            (vec![pass(), report("b", Judged::fail("no"), "1")], Answer::Fail),
            (vec![pass(), report("b", Judged::pass(""), "2")], Answer::Fail),
        ] {
            let judged = judge(&["a", "b"], &reports, &subject("1"));
            assert_eq!(judged.answer, expected, "{reports:?}");
            let word = if expected == Answer::Pass { APPROVE } else { REJECT };
            assert!(judged.why.starts_with(word), "{}", judged.why);
        }
        assert_eq!(judge(&[], &[], &subject("1")).answer, Answer::Fail);
    }
}
