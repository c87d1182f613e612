//! Whether what was finished left a report of what it changed.

use std::collections::BTreeSet;

use super::{
    super::{finding::Severity, tale::counted},
    Judged, finding,
};

/// A finished item: the files that its reports name, none where there is no report, and those that its
/// commits changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub item: String,
    pub named: Option<BTreeSet<String>>,
    pub changed: BTreeSet<String>,
}

/// Of one item.
const MISSING_SAID_MAX: usize = 20;

#[must_use]
pub fn judge(items: &[Finished]) -> Judged {
    if items.is_empty() {
        return Judged::fail("no item is finished, so there is no report to look at");
    }
    let mut findings = Vec::new();
    for Finished { item, named, changed } in items {
        let Some(named) = named.as_ref().filter(|named| !named.is_empty()) else {
            let message = format!("no report of `{item}` names the files that it changed");
            findings.push(finding("no-artifact", Severity::High, None, message));
            continue;
        };
        for path in changed.difference(named).take(MISSING_SAID_MAX) {
            let message = format!("`{item}` changed it, and its report does not name it");
            findings.push(finding("not-named", Severity::Medium, Some(path.as_bytes()), message));
        }
    }
    Judged::by_findings(
        findings,
        |missing| format!("{} of what the reports should name", counted(missing, "gap")),
        format!("{} finished, each with its report", counted(items.len(), "item")),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::Answer, *};

    #[test]
    fn s12_a_report_has_to_name_every_file() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let item = |named: Option<&[&str]>| Finished {
            item: "T-1".to_owned(),
            named: named.map(set),
            changed: set(&["a"]),
        };
        assert_eq!(judge(&[item(Some(&["a", "b"]))]).answer, Answer::Pass);
        for bad in [vec![], vec![item(None)], vec![item(Some(&[]))], vec![item(Some(&["b"]))]] {
            assert_eq!(judge(&bad).answer, Answer::Fail, "{bad:?}");
        }
    }
}
