//! Whether the documents of a repository are those that its registry names, and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use super::finding;
use crate::domain::{
    finding::{Finding, Severity, cut},
    path,
};

/// Documents that a registry may name.
pub const ENTRIES_MAX: usize = 10_000;
const SAID_BYTES_MAX: usize = 200;

/// A document that the registry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub path: String,
}

/// What is looked at beside the registry.
#[derive(Debug)]
pub struct Around<'a> {
    /// Where the registry is, for what is wrong with it.
    pub registry: &'a str,
    /// Every file of the tree.
    pub files: &'a BTreeSet<&'a [u8]>,
    /// The documents of the managed directories.
    pub managed: &'a [&'a [u8]],
    /// The tasks of the plan, each with the ids of the documents that it names.
    pub asked: &'a [(String, Vec<String>)],
}

#[must_use]
pub fn judge(entries: &[Entry], around: &Around<'_>) -> Vec<Finding> {
    let at = Some(around.registry.as_bytes());
    let mut findings = Vec::new();
    let mut say = |rule: &str, at: Option<&[u8]>, message: String| {
        findings.push(finding(rule, Severity::High, at, message));
    };
    let (mut ids, mut paths) = (BTreeSet::new(), BTreeMap::new());
    for Entry { id, path } in entries {
        if !ids.insert(id.as_str()) {
            say("document-twice", at, format!("the id `{}` is there twice", said(id)));
        }
        if let Some(first) = paths.insert(path.as_str(), id) {
            let message = format!("`{}` and `{}` are both `{}`", said(first), said(id), said(path));
            say("document-twice", at, message);
        } else if !around.files.contains(path.as_bytes()) {
            let message =
                format!("`{}` is the document `{}`, and is not there", said(path), said(id));
            say("missing-document", at, message);
        }
    }
    for document in around.managed {
        let known = std::str::from_utf8(document).is_ok_and(|path| paths.contains_key(path));
        if !known {
            let message = "it is in a managed directory, and the registry does not name it".into();
            say("orphan-document", Some(document), message);
        }
    }
    for (task, asked) in around.asked {
        for id in asked.iter().filter(|id| !ids.contains(id.as_str())) {
            let message = format!(
                "`{}` names the document `{}`, which the registry does not have",
                said(task),
                said(id)
            );
            say("unknown-document", None, message);
        }
    }
    findings
}

/// Whether a path is one of a file below the top, spelled in the one way that counts.
#[must_use]
pub fn is_plain(path: &str) -> bool {
    let odd = |part: &str| matches!(part, "" | "." | "..");
    !path.contains(['\\', '\0']) && !path.split('/').any(odd)
}

/// A word of the registry as it can be shown.
#[must_use]
pub fn said(text: &str) -> String {
    let mut text = path::spell(text.as_bytes()).0;
    cut(&mut text, SAID_BYTES_MAX);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, path: &str) -> Entry {
        Entry { id: id.into(), path: path.into() }
    }

    #[test]
    fn registry_tree_and_plan_name_the_same_documents() {
        let files: BTreeSet<&[u8]> = [&b"docs/a.md"[..], b"docs/b.md", b"src/x"].into();
        let managed: [&[u8]; 2] = [b"docs/a.md", b"docs/b.md"];
        let asked = |id: &str| [("T-1".to_owned(), vec![id.to_owned()])];
        let both = [entry("a", "docs/a.md"), entry("b", "docs/b.md")];
        for (entries, id, rules) in [
            (&both[..], "a", &[][..]),
            (&both[..1], "a", &["orphan-document"][..]),
            (&both[..], "c", &["unknown-document"]),
            (&[both[0].clone(), entry("a", "docs/b.md")], "a", &["document-twice"]),
            (
                &[both[0].clone(), both[1].clone(), entry("c", "docs/a.md")],
                "a",
                &["document-twice"],
            ),
            (
                &[both[0].clone(), both[1].clone(), entry("c", "docs/c.md")],
                "c",
                &["missing-document"],
            ),
            // A directory is no document.
            (&[both[0].clone(), both[1].clone(), entry("d", "docs")], "d", &["missing-document"]),
        ] {
            let asked = asked(id);
            let around =
                Around { registry: "r.json", files: &files, managed: &managed, asked: &asked };
            let found = judge(entries, &around);
            let found: Vec<&str> = found.iter().map(|finding| finding.rule.as_str()).collect();
            assert_eq!(found, rules, "{entries:?}");
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        for good in ["a", "docs/a.md", "docs/é b.md"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "./a", "../a", "a/../b", "a\\b"] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
