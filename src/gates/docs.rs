//! The documents of the managed directories and of the registry: whether they are there, are known, and
//! link to what is there.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag};

use super::{registry, sight::Sight};
use crate::{
    config::plan_file,
    domain::{
        check::{
            self, Judged, finding,
            links::{self, Leads},
            policy::Policy,
            registry::Around,
        },
        finding::{Finding, Severity, cut},
        plan::Plan,
        tale::counted,
    },
};

const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
const DOCUMENTS_MAX: usize = 10_000;
const TARGET_BYTES_MAX: usize = 200;

pub(super) fn judge(
    sight: &Sight<'_>,
    policy: &Policy,
    plan: Option<&Plan>,
) -> anyhow::Result<Judged> {
    let dirs = &policy.docs;
    if dirs.is_empty() && policy.docs_registry.is_none() {
        return Ok(Judged::skipped(
            "no directory of documents is set: git config run.gate.docs.dir docs/",
        ));
    }
    let all = sight.files()?;
    let names: BTreeSet<&[u8]> = all.keys().map(Vec::as_slice).collect();
    let mut findings = Vec::new();
    let mut managed: BTreeSet<&[u8]> = BTreeSet::new();
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
        managed.extend(names.iter().filter(|path| inside(path) && is_document(path)));
    }
    if DOCUMENTS_MAX < managed.len() {
        return Ok(Judged::unknown(format!("there are more than {DOCUMENTS_MAX} documents")));
    }
    let managed: Vec<&[u8]> = managed.into_iter().collect();
    let mut looked: BTreeSet<&[u8]> = managed.iter().copied().collect();
    let entries = match &policy.docs_registry {
        None => Vec::new(),
        Some(registry) => match registry::read(sight, registry)? {
            Ok(entries) => {
                let asked = asked(plan);
                let around = Around { registry, files: &names, managed: &managed, asked: &asked };
                findings.extend(check::registry::judge(&entries, &around));
                entries
            }
            Err(faults) => {
                findings.extend(faults);
                Vec::new()
            }
        },
    };
    // What the registry names is held to its links as well, wherever it is.
    let named = entries.iter().filter_map(|entry| names.get(entry.path.as_bytes()));
    looked.extend(named.filter(|path| is_document(path)));
    for path in &looked {
        let Some(file) = all.get(*path) else { continue };
        let text = sight.looked().blob(&file.id, DOCUMENT_BYTES_MAX)?;
        broken(path, &String::from_utf8_lossy(&text), &names, &mut findings);
    }
    let seen = looked.len();
    if seen == 0 && entries.is_empty() && findings.is_empty() {
        return Ok(Judged::fail("there is no document where it was looked for"));
    }
    Ok(Judged::by_findings(
        findings,
        |wrong| format!("{} with documents or their links", counted(wrong, "fault")),
        format!("{} looked at, and every link leads somewhere", counted(seen, "document")),
    ))
}

/// What the tasks of the plan name; without a plan nobody names anything.
fn asked(plan: Option<&Plan>) -> Vec<(String, Vec<String>)> {
    let tasks = plan.into_iter().flat_map(Plan::tasks);
    tasks.map(|(_, task)| (task.id.to_string(), plan_file::doc_ids(task))).collect()
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
