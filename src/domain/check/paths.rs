//! What changed, compared with what may change. Paths are bytes from beginning to end.

use super::{
    super::{
        finding::{Finding, Severity},
        plan::Scope,
        tale::counted,
    },
    Judged,
    change::Change,
    finding,
};

/// The policy of the team: a run that could edit it would choose its own rules.
pub const ALWAYS_PROTECTED: &str = ".gitrun.toml";

/// No evidence is no pass.
pub(super) const NOTHING: &str = "nothing changed in the range, so there is nothing to look at";

/// Whether every path lies in one of the scopes. Without any scope nothing can be told.
#[must_use]
pub fn scope(changes: &[Change], scopes: &[&Scope]) -> Judged {
    if scopes.is_empty() {
        return Judged::unknown("no task says what it may write, so nothing can be compared");
    }
    if changes.is_empty() {
        return Judged::fail(NOTHING);
    }
    let outside = changes.iter().filter(|change| !held(scopes, &change.path));
    let findings = outside.map(|change| {
        let message = "it lies in the write scope of no task".to_owned();
        finding("outside-scope", Severity::High, Some(&change.path), message)
    });
    Judged::by_findings(
        findings.collect(),
        |outside| format!("{} outside of the write scopes", counted(outside, "path")),
        format!("{} changed, all in the write scopes", counted(changes.len(), "path")),
    )
}

/// Deletions that no scope allows.
#[must_use]
pub fn deletions(changes: &[Change], scopes: &[&Scope]) -> Judged {
    let gone: Vec<_> = changes.iter().filter(|change| change.is_deletion()).collect();
    let outside = gone.iter().filter(|change| !held(scopes, &change.path));
    let findings = outside.map(|change| {
        let message = "it was deleted, and lies in the write scope of no task".to_owned();
        finding("deleted", Severity::High, Some(&change.path), message)
    });
    Judged::by_findings(
        findings.collect(),
        |outside| format!("{} deleted outside of the write scopes", counted(outside, "file")),
        match gone.len() {
            0 => "nothing was deleted".to_owned(),
            gone => format!("{} deleted, all in the write scopes", counted(gone, "file")),
        },
    )
}

fn held(scopes: &[&Scope], path: &[u8]) -> bool {
    scopes.iter().any(|scope| scope.holds_bytes(path))
}

/// Whether none of the paths lies at or below a protected one. Case is folded: some file systems do.
#[must_use]
pub fn protected(changes: &[Change], protected: &[String]) -> Judged {
    let findings: Vec<Finding> = changes
        .iter()
        .filter_map(|change| {
            let by = protected.iter().map(String::as_str).chain([ALWAYS_PROTECTED]);
            let by = by.into_iter().find(|own| is_below(&change.path, own))?;
            let message = format!("`{by}` is protected: a run does not touch it");
            Some(finding("protected-path", Severity::Critical, Some(&change.path), message))
        })
        .collect();
    Judged::by_findings(
        findings,
        |touched| format!("{} touched", counted(touched, "protected path")),
        "no protected path was touched",
    )
}

fn is_below(path: &[u8], protected: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let own = protected.trim_end_matches('/').to_ascii_lowercase();
    let rest = path.strip_prefix(own.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Whether no more changed than is allowed. `lines` is asked for only where there is a bound for them.
#[must_use]
pub fn size(
    files: usize,
    files_max: Option<u32>,
    lines: Option<u64>,
    lines_max: Option<u32>,
) -> Judged {
    let mut findings = Vec::new();
    let mut said = vec![counted(files, "file")];
    let too_many = |max: u32, what: &str| {
        let message = format!("more {what} changed than the {max} that are allowed");
        finding("diff-size", Severity::High, None, message)
    };
    if let Some(max) = files_max.filter(|max| u64::from(*max) < files as u64) {
        findings.push(too_many(max, "files"));
    }
    if let Some(lines) = lines {
        said.push(counted(usize::try_from(lines).unwrap_or(usize::MAX), "line"));
        if let Some(max) = lines_max.filter(|max| u64::from(*max) < lines) {
            findings.push(too_many(max, "lines"));
        }
    }
    let said = format!("{} changed", said.join(" and "));
    Judged::by_findings(findings, |_| format!("{said}, which is too much"), said.clone())
}

#[cfg(test)]
mod tests {
    use super::{super::Answer, *};
    use crate::domain::{id::Oid, restore::File};

    fn change(path: &[u8], gone: bool) -> Change {
        let file = || Some(File { mode: 0o100_644, id: Oid::parse(&"a".repeat(40)).unwrap() });
        Change { path: path.to_vec(), was: file(), is: if gone { None } else { file() } }
    }

    #[test]
    fn a5_a_path_of_any_bytes_is_in_scope_or_outside_as_it_is_and_not_as_it_is_quoted() {
        let src = Scope::parse("src/").unwrap();
        let inside = [change("src/é.py".as_bytes(), false), change(b"src/\xff\n", false)];
        assert_eq!(scope(&inside, &[&src]).answer, Answer::Pass);
        let judged = scope(&[change("srcs/é.py".as_bytes(), false)], &[&src]);
        assert_eq!(judged.answer, Answer::Fail);
        assert_eq!(judged.findings[0].path.as_deref(), Some("srcs/é.py"));
        assert_eq!(scope(&inside, &[]).answer, Answer::Unknown);
    }

    #[test]
    fn what_is_protected_is_protected_with_all_below_it_in_any_case() {
        let own = ["docs/law".to_owned(), ".github/".to_owned()];
        for bad in [".gitrun.toml", ".GitHub/x.yml", "docs/law", "docs/LAW/a", ".github"] {
            assert_eq!(
                protected(&[change(bad.as_bytes(), true)], &own).answer,
                Answer::Fail,
                "{bad}"
            );
        }
        for good in ["docs/lawn", "x/.gitrun.toml", ".githubs/a"] {
            assert_eq!(
                protected(&[change(good.as_bytes(), false)], &own).answer,
                Answer::Pass,
                "{good}"
            );
        }
    }

    #[test]
    fn a_deletion_needs_a_scope_and_a_size_its_bound() {
        let changes = [change(b"a", true), change(b"b", false)];
        let a = Scope::parse("a").unwrap();
        assert_eq!(deletions(&changes, &[&a]).answer, Answer::Pass);
        assert_eq!(deletions(&changes, &[]).findings.len(), 1);
        assert_eq!(size(3, Some(3), Some(10), Some(10)).answer, Answer::Pass);
        assert_eq!(size(4, Some(3), Some(11), Some(10)).findings.len(), 2);
    }
}
