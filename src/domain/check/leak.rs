//! What looks like a secret in what was added. What stood there before is nobody's addition.

use std::collections::HashSet;

use super::{
    super::{
        finding::{Finding, Severity},
        secret::{self, Hit},
    },
    finding,
};

/// The lines of `new` that look like a secret and that `old` did not have.
#[must_use]
pub fn added(old: Option<&[u8]>, new: &[u8]) -> Vec<Hit> {
    let new = String::from_utf8_lossy(new);
    let mut hits = secret::find(&new);
    if hits.is_empty() {
        return hits;
    }
    let Some(old) = old.map(String::from_utf8_lossy) else { return hits };
    let known: HashSet<&str> = old.split('\n').collect();
    let lines: Vec<&str> = new.split('\n').collect();
    hits.retain(|hit| lines.get(hit.line - 1).is_none_or(|line| !known.contains(line)));
    hits
}

/// A finding for each, and never what was found.
pub fn findings<'h>(
    path: &'h [u8],
    place: &'h str,
    hits: &'h [Hit],
) -> impl Iterator<Item = Finding> + 'h {
    hits.iter().map(move |hit| {
        let message = format!("it looks like {} ({place})", hit.kind.says());
        let line = u32::try_from(hit.line).ok();
        Finding { line, ..finding("secret", Severity::Critical, Some(path), message) }
    })
}

/// Whether somebody said of a path that what looks like a secret there is none. Letter by letter: what
/// loosens a rule is not guessed.
#[must_use]
pub fn is_allowed(path: &[u8], allowed: &[String]) -> bool {
    allowed.iter().any(|one| {
        let rest = path.strip_prefix(one.trim_end_matches('/').as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

/// The same finding where it is allowed: told, and in nobody's way.
#[must_use]
pub fn remark(finding: Finding) -> Finding {
    let message = format!("{}, which is allowed here", finding.message);
    Finding { severity: Severity::Info, message, ..finding }
}

/// A finding for a file that people keep secrets in.
#[must_use]
pub fn named(path: &[u8], place: &str) -> Option<Finding> {
    secret::is_secret_path(path).then(|| {
        let message = format!("people keep secrets in files of this name ({place})");
        finding("secret-file", Severity::Critical, Some(path), message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_added_counts() {
        let old = b"PASSWORD=hunter2hunter2\nx\n";
        let new = b"y\nPASSWORD=hunter2hunter2\nTOKEN=hunter3hunter3\n";
        assert_eq!(added(Some(old), new).iter().map(|hit| hit.line).collect::<Vec<_>>(), [3]);
        assert_eq!(added(None, new).len(), 2);
        let said: Vec<_> = findings(b"a", "in work", &added(None, new)).collect();
        assert!(said.iter().all(|finding| !finding.message.contains("hunter")));
        assert_eq!(said[0].line, Some(2));
    }
}
