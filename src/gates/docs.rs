//! The documents of the managed directories: whether what they link to is there.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::sight::Sight;
use crate::domain::{
    check::{
        Judged, finding,
        links::{self, Leads},
    },
    finding::{Finding, Severity, cut},
    tale::counted,
};

const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
const DOCUMENTS_MAX: usize = 10_000;
const TARGET_BYTES_MAX: usize = 200;

pub(super) fn judge(sight: &Sight<'_>, dirs: &[String]) -> anyhow::Result<Judged> {
    if dirs.is_empty() {
        return Ok(Judged::skipped(
            "no directory of documents is set: git config run.gate.docs.dir docs/",
        ));
    }
    let all = sight.files()?;
    let names: BTreeSet<&[u8]> = all.keys().map(Vec::as_slice).collect();
    let mut findings = Vec::new();
    let mut seen = 0;
    for dir in dirs {
        let top = dir.trim_matches('/').as_bytes();
        if top != b"." && !links::is_there(&names, top) {
            let message = "a directory of documents that is not there".to_owned();
            findings.push(finding("missing-directory", Severity::High, Some(top), message));
            continue;
        }
        let inside = |path: &[u8]| {
            let rest = path.strip_prefix(top);
            top == b"." || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        for (path, file) in all.iter().filter(|(path, _)| inside(path) && is_document(path)) {
            seen += 1;
            if DOCUMENTS_MAX < seen {
                return Ok(Judged::unknown(format!(
                    "there are more than {DOCUMENTS_MAX} documents"
                )));
            }
            let text = sight.looked().blob(&file.id, DOCUMENT_BYTES_MAX)?;
            broken(path, &String::from_utf8_lossy(&text), &names, &mut findings);
        }
    }
    if seen == 0 && findings.is_empty() {
        return Ok(Judged::fail("there is no document in the directories that are set"));
    }
    Ok(Judged::by_findings(
        findings,
        |broken| format!("{} to nowhere", counted(broken, "link")),
        format!("{} looked at, and every link leads somewhere", counted(seen, "document")),
    ))
}

fn is_document(path: &[u8]) -> bool {
    let path = path.to_ascii_lowercase();
    path.ends_with(b".md") || path.ends_with(b".markdown")
}

fn broken(path: &[u8], text: &str, names: &BTreeSet<&[u8]>, findings: &mut Vec<Finding>) {
    for (event, place) in Parser::new_ext(text, Options::empty()).into_offset_iter() {
        let (Event::Start(Tag::Link { dest_url, .. }) | Event::Start(Tag::Image { dest_url, .. })) =
            event
        else {
            continue;
        };
        let why = match links::resolve(path, &dest_url) {
            Leads::Elsewhere => continue,
            Leads::To(target) if links::is_there(names, &target) => continue,
            Leads::To(_) => "which is not there",
            Leads::Outside => "which is outside of the repository",
        };
        let line = 1 + text[..place.start].bytes().filter(|byte| *byte == b'\n').count();
        let mut target = dest_url.to_string();
        cut(&mut target, TARGET_BYTES_MAX);
        let message = format!("it links to `{target}`, {why}");
        let line = u32::try_from(line).ok();
        findings.push(Finding {
            line,
            ..finding("broken-link", Severity::Medium, Some(path), message)
        });
    }
}
