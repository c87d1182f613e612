//! Whether a contract promises all that the plan asks for. It may promise more, never less.

use super::{Judged, finding};
use crate::domain::{finding::Severity, plan::Task};

/// Each line of the contract that begins a list item or a table row promises something.
#[must_use]
pub fn judge(tasks: &[&Task], contract: &str) -> Judged {
    let promises: Vec<String> = contract.lines().filter_map(promise).collect();
    let mut asked = 0;
    let mut findings = Vec::new();
    for task in tasks {
        for criterion in &task.acceptance {
            asked += 1;
            let wanted = plain(&criterion.statement);
            if !promises.iter().any(|promise| promise.contains(&wanted)) {
                let message = format!(
                    "{}: the plan asks for \"{}\", and no point of a list or row of a table of the contract has these words",
                    task.id, criterion.statement
                );
                findings.push(finding("weaker", Severity::High, None, message));
            }
        }
    }
    if asked == 0 {
        return Judged::unknown("the plan has no acceptance criteria to hold the contract to");
    }
    Judged::by_findings(
        findings,
        |missing| format!("the contract leaves out {missing} of {asked} criteria"),
        format!("the contract promises all {asked} criteria"),
    )
}

/// The text of a list item or a table row; a struck or unticked-as-dropped one promises nothing.
fn promise(line: &str) -> Option<String> {
    let line = line.trim();
    let text =
        ["- ", "* ", "+ ", "|"].iter().find_map(|mark| line.strip_prefix(mark)).or_else(|| {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let rest = line.get(digits..)?;
            rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")).filter(|_| 0 < digits)
        })?;
    let dropped = text.contains("~~") || text.trim_start().starts_with("[-]");
    (!dropped).then(|| plain(text))
}

/// White space, case and marks of emphasis do not count.
fn plain(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !matches!(c, '*' | '`' | '_')).collect();
    bare.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        check::Answer,
        criterion::Criterion,
        id::{Digest, TaskId},
    };

    fn task(criteria: &[&str]) -> Task {
        Task {
            id: TaskId::parse("T-1").unwrap(),
            title: "T".into(),
            acceptance: criteria.iter().map(|text| Criterion::plain(*text)).collect(),
            writes: Vec::new(),
            depends_on: Vec::new(),
            from: Vec::new(),
            owner: None,
            group: None,
            steps: std::collections::BTreeMap::new(),
            spec: Digest::of(b""),
            extra: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_contract_may_promise_more_and_never_less() {
        let task = task(&["prints hello", "exits with 0"]);
        for (contract, expected) in [
            ("- prints hello\n- exits with 0\n", Answer::Pass),
            (
                "1. It `prints  Hello`, shown by test_a\n2. exits with **0**\n3. more\n",
                Answer::Pass,
            ),
            ("| prints hello | test_a |\n| exits with 0 | test_b |\n", Answer::Pass),
            ("- prints hello\n", Answer::Fail),
            ("prints hello and exits with 0\n", Answer::Fail),
            ("- prints hello\n- ~~exits with 0~~\n", Answer::Fail),
            ("- prints hello\n- [-] exits with 0\n", Answer::Fail),
            ("", Answer::Fail),
        ] {
            assert_eq!(judge(&[&task], contract).answer, expected, "{contract:?}");
        }
        assert_eq!(judge(&[], "- x\n").answer, Answer::Unknown);
    }
}
