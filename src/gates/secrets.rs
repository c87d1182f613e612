//! The secret scan: every path and every content that the range added, whether it is still there or not.

use std::collections::HashSet;

use super::sight::Sight;
use crate::domain::{
    check::{Judged, change::Change, finding, leak},
    finding::{Finding, Severity},
    restore::SUBMODULE,
    tale::counted,
};

/// A larger file is not looked into, which is no pass.
const BLOB_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Of the whole range.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;

struct Scan<'s, 'a> {
    sight: &'s Sight<'a>,
    allowed: &'s [String],
    findings: Vec<Finding>,
    seen: HashSet<(Vec<u8>, String)>,
    bytes: u64,
    unread: Option<String>,
}

pub(super) fn judge(sight: &Sight<'_>, allowed: &[String]) -> anyhow::Result<Judged> {
    let commits = sight.commits()?;
    let (findings, seen) = (Vec::new(), HashSet::new());
    let mut scan = Scan { sight, allowed, findings, seen, bytes: 0, unread: None };
    // The oldest first: a secret is told of where it came in.
    for commit in commits.iter().rev() {
        let place = format!("in {}", commit.id.short());
        for change in &commit.changes {
            scan.change(change, &place)?;
        }
        for hit in leak::added(None, &commit.message) {
            let message = format!(
                "the message of {} holds what looks like {}",
                commit.id.short(),
                hit.kind.says()
            );
            scan.findings.push(finding("secret", Severity::Critical, None, message));
        }
    }
    for change in sight.uncommitted()? {
        scan.change(change, "not committed")?;
    }
    let Scan { findings, seen, unread, .. } = scan;
    if let Some(unread) = unread.filter(|_| findings.is_empty()) {
        return Ok(Judged { findings, ..Judged::unknown(unread) });
    }
    Ok(Judged::by_findings(
        findings,
        |hits| format!("{} that looks like a secret", counted(hits, "place")),
        format!(
            "{} and {} looked at",
            counted(seen.len(), "content"),
            counted(commits.len(), "commit")
        ),
    ))
}

impl Scan<'_, '_> {
    fn change(&mut self, change: &Change, place: &str) -> anyhow::Result<()> {
        let Some(new) = change.is.as_ref().filter(|file| file.mode != SUBMODULE) else {
            return Ok(());
        };
        if !self.seen.insert((change.path.clone(), new.id.to_string())) {
            return Ok(());
        }
        if change.was.is_none() {
            self.found(&change.path, leak::named(&change.path, place));
        }
        let looked = self.sight.looked();
        let content = match looked.blob(&new.id, BLOB_BYTES_MAX) {
            Ok(content) if self.bytes + content.len() as u64 <= BYTES_MAX => content,
            Ok(_) => {
                self.unread
                    .get_or_insert_with(|| "the range added too much to be looked at".to_owned());
                return Ok(());
            }
            Err(error) => {
                let path = String::from_utf8_lossy(&change.path);
                self.unread
                    .get_or_insert_with(|| format!("`{path}` cannot be looked at: {error:#}"));
                return Ok(());
            }
        };
        self.bytes += content.len() as u64;
        if leak::added(None, &content).is_empty() {
            return Ok(());
        }
        let old = change.was.as_ref().filter(|file| file.mode != SUBMODULE);
        let old = old.map(|file| looked.blob(&file.id, BLOB_BYTES_MAX)).transpose()?;
        let hits = leak::added(old.as_deref(), &content);
        self.found(&change.path, leak::findings(&change.path, place, &hits));
        Ok(())
    }

    fn found(&mut self, path: &[u8], findings: impl IntoIterator<Item = Finding>) {
        let allowed = leak::is_allowed(path, self.allowed);
        let findings = findings.into_iter();
        self.findings.extend(findings.map(|one| if allowed { leak::remark(one) } else { one }));
    }
}
