//! Which run a commit says that it is of: the trailers of its message, wherever a merge has put them.

use crate::domain::id::RunId;

/// What git and forges put in front of a message that they quote.
const QUOTING: [char; 5] = [' ', '\t', '>', '*', '-'];

/// The runs that a message names; nothing in the place of one that cannot be read.
///
/// `Run:` alone is a word that people use too: it counts where a run's own name follows it, or where
/// `Run-Item:` stands in the same message.
#[must_use]
pub fn runs_named(message: &str) -> Vec<Option<RunId>> {
    let trailers = || message.lines().filter_map(trailer);
    let item = trailers().any(|(key, _)| key.eq_ignore_ascii_case("run-item"));
    let mut found: Vec<Option<RunId>> = Vec::new();
    for (_, value) in trailers().filter(|(key, _)| key.eq_ignore_ascii_case("run")) {
        let run = RunId::parse(value).ok().filter(|run| item || is_composed(run.as_str()));
        if (run.is_some() || item) && !found.contains(&run) {
            found.push(run);
        }
    }
    if item && found.is_empty() {
        found.push(None);
    }
    found
}

fn trailer(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_start_matches(QUOTING).split_once(':')?;
    Some((key.trim_end(), value.trim()))
}

/// `20261121-035233-7f3a9c12d4`.
fn is_composed(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [day, time, chance] = parts.as_slice() else { return false };
    let digits = |text: &str, long| text.len() == long && text.bytes().all(|b| b.is_ascii_digit());
    let hex = chance.len() == 10 && chance.bytes().all(|b| b.is_ascii_hexdigit());
    digits(day, 8) && digits(time, 6) && hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_of_the_runs_that_its_message_names() {
        const A: &str = "20261121-035233-7f3a9c12d4";
        for (message, expected) in [
            ("fix: x", vec![]),
            ("docs: how\n\nRun: make test", vec![]),
            ("docs: how\n\nRun: tests", vec![]),
            ("x\n\nRun: 20261121-035233-7f3a9c12d4", vec![Some(A)]),
            ("x\n\nrun : 20261121-035233-7f3a9c12d4\r\n\ny", vec![Some(A)]),
            ("x\n\n    Run: 20261121-035233-7f3a9c12d4\n    Run-Item: a", vec![Some(A)]),
            ("x\n\n* > Run: 20261121-035233-7f3a9c12d4\n", vec![Some(A)]),
            ("x\n\nRun: mine\nRun-Item: a", vec![Some("mine")]),
            ("x\n\nRun: a/b\nRun-Item: a", vec![None]),
            ("x\n\nRUN-ITEM: a", vec![None]),
            (
                "x\n\nRun: mine\nRun-Item: a\nRun: mine\nRun: other",
                vec![Some("mine"), Some("other")],
            ),
        ] {
            let found = runs_named(message);
            let found: Vec<_> = found.iter().map(|run| run.as_ref().map(RunId::as_str)).collect();
            assert_eq!(found, expected, "{message:?}");
        }
    }
}
