//! What the verifications of a plan's criteria came to.

use super::{
    super::{
        finding::{Finding, Severity},
        tale::counted,
    },
    Answer, Judged, finding,
};

/// One verification: whether it holds, and what it was, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub answer: Answer,
    pub what: String,
    pub why: String,
}

/// A criterion of a task, with what its verifications showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub task: String,
    pub statement: String,
    /// How bad it is when it does not hold.
    pub severity: Severity,
    pub seen: Vec<Seen>,
}

/// A criterion that nothing verifies is a remark, or with `strict` a failure; a plan of which nothing at all
/// was verified is always one.
#[must_use]
pub fn judge(criteria: &[Verified], strict: bool) -> Judged {
    let mut findings = Vec::new();
    let (mut held, mut skipped, mut unknown) = (0, 0, None);
    for criterion in criteria {
        let Verified { task, statement, severity, seen } = criterion;
        if seen.is_empty() {
            let severity = if strict { *severity } else { Severity::Info };
            findings.push(said("not-verified", severity, task, statement, "nothing verifies it"));
        }
        for one in seen {
            match one.answer {
                Answer::Pass => held += 1,
                Answer::Skipped => {
                    skipped += 1;
                    findings.push(said("skipped", Severity::Info, task, statement, &one.what));
                }
                Answer::Fail => {
                    let why = format!("{}: {}", one.what, one.why);
                    findings.push(said("not-met", *severity, task, statement, &why));
                }
                Answer::Unknown => {
                    let why = format!("{}: {}", one.what, one.why);
                    unknown.get_or_insert_with(|| why.clone());
                    findings.push(said("not-known", *severity, task, statement, &why));
                }
            }
        }
    }
    let failed = findings
        .iter()
        .filter(|finding| finding.rule != "not-known" && finding.severity.blocks())
        .count();
    let judged = match (failed, unknown) {
        (0, Some(why)) => Judged::unknown(why),
        (0, None) if held == 0 && criteria.is_empty() => {
            Judged::fail("the plan has no acceptance criterion")
        }
        (0, None) if held == 0 && 0 < skipped => Judged::fail("every verification was skipped"),
        (0, None) if held == 0 => Judged::fail("no criterion of the plan has a verification"),
        (0, None) => Judged::pass(format!(
            "{} of {} held",
            counted(held, "verification"),
            criteria_said(criteria.len())
        )),
        (failed, _) => Judged::fail(format!("{} not met", criteria_said(failed))),
    };
    Judged { findings, ..judged }
}

fn criteria_said(number: usize) -> String {
    format!("{number} {}", if number == 1 { "criterion" } else { "criteria" })
}

fn said(rule: &str, severity: Severity, task: &str, statement: &str, why: &str) -> Finding {
    finding(rule, severity, None, format!("`{task}`: {statement}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criterion(answers: &[Answer]) -> Verified {
        let seen =
            |answer: &Answer| Seen { answer: *answer, what: "w".to_owned(), why: "y".to_owned() };
        Verified {
            task: "T-1".to_owned(),
            statement: "s".to_owned(),
            severity: Severity::High,
            seen: answers.iter().map(seen).collect(),
        }
    }

    #[test]
    fn a4_nothing_verified_is_no_pass_and_one_doubt_is_enough() {
        let (pass, fail, skip, unknown) =
            (Answer::Pass, Answer::Fail, Answer::Skipped, Answer::Unknown);
        for (criteria, strict, expected) in [
            (vec![], false, fail),
            (vec![criterion(&[])], false, fail),
            (vec![criterion(&[skip])], false, fail),
            (vec![criterion(&[pass])], true, pass),
            (vec![criterion(&[pass]), criterion(&[])], false, pass),
            (vec![criterion(&[pass]), criterion(&[])], true, fail),
            (vec![criterion(&[pass, skip])], true, pass),
            (vec![criterion(&[pass, fail])], false, fail),
            (vec![criterion(&[pass, unknown])], false, unknown),
            (vec![criterion(&[fail, unknown])], false, fail),
        ] {
            assert_eq!(judge(&criteria, strict).answer, expected, "{criteria:?} {strict}");
        }
    }
}
