//! The phrases of TASKS.md, each in one line: headings, fields, check boxes.

use super::super::phrases::{self, Heading};
use crate::domain::{
    id::{ItemId, TaskId},
    source::Source,
};

/// What a heading begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    Title(String),
    Sprint { id: Option<String>, title: String },
    Task { id: String, title: String },
    Graph,
    Log,
    Other,
}

/// Words before a colon that are no names.
const AREAS: [&str; 7] = ["area", "phase", "section", "milestone", "part", "module", "epic"];

pub(super) fn head(level: usize, text: &str) -> Head {
    let lower = text.to_lowercase();
    match (level, lower.as_str()) {
        (2.., "session log" | "session history") => return Head::Log,
        (2.., "dependency graph" | "graph") => return Head::Graph,
        _ => {}
    }
    if level == 1 {
        return Head::Title(text.to_owned());
    }
    if let Some((id, title)) = task(text, level == 2) {
        return Head::Task { id, title };
    }
    if level == 2 { sprint(text) } else { Head::Other }
}

fn sprint(text: &str) -> Head {
    if let Heading::Sprint { number, title } = phrases::heading(text) {
        let title = if title.is_empty() { format!("Sprint {number}") } else { title };
        return Head::Sprint { id: Some(format!("sprint-{number}")), title };
    }
    if let Some((id, title)) = text.split_once(':')
        && ItemId::parse(id).is_ok()
        && !AREAS.contains(&id.to_ascii_lowercase().as_str())
        && !title.trim().is_empty()
    {
        return Head::Sprint { id: Some(id.to_owned()), title: title.trim().to_owned() };
    }
    Head::Sprint { id: None, title: text.to_owned() }
}

/// `T-001: title`, `T-001 title`, `[T-001] title`. `strictly`: names like `T-001`, `T-001T`, `F-001` alone.
pub(super) fn task(text: &str, strictly: bool) -> Option<(String, String)> {
    let text = text.trim();
    let (word, rest) = match text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some(found) => found,
        None => {
            let end = text.find(|c: char| c == ':' || c.is_whitespace()).unwrap_or(text.len());
            text.split_at(end)
        }
    };
    let word = word.trim_matches(['`', '*']);
    TaskId::parse(word).ok()?;
    if !numbered(word) && (strictly || !rest.starts_with(':') || !has_digit(word)) {
        return None;
    }
    let title = rest.strip_prefix(':').unwrap_or(rest).trim();
    let title = title.strip_prefix(['-', '–', '—']).filter(|t| t.starts_with(' ')).unwrap_or(title);
    Some((word.to_owned(), title.trim().to_owned()))
}

fn has_digit(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_digit())
}

/// `T-001`, `T-001T`, `F-001`.
fn numbered(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let work = word.strip_prefix("T-").map(|rest| rest.strip_suffix('T').unwrap_or(rest));
    work.or(word.strip_prefix("F-")).is_some_and(digits)
}

/// The key of a field in small letters, and its value: `- **Depends on**: T-001`.
pub(super) fn field(line: &str) -> Option<(String, String)> {
    let bare = line.strip_prefix(['-', '*', '+']).filter(|rest| rest.starts_with(' '));
    let bare = bare.unwrap_or(line).trim();
    let (key, value) = bare.split_once(':')?;
    let bold = key.starts_with("**");
    let key = key.trim_matches('*').trim();
    let value = if bold { value.trim_start_matches('*') } else { value };
    let short = key.len() <= 30 && !key.is_empty();
    short.then(|| (key.to_lowercase().replace(['_', '-'], " "), value.trim().to_owned()))
}

/// `- [ ] it holds`, and whether it is ticked.
pub(super) fn check_box(line: &str) -> Option<&str> {
    let rest = line.strip_prefix(['-', '*', '+'])?.trim_start();
    let rest = rest.strip_prefix('[')?;
    let rest = rest.strip_prefix(' ').or_else(|| rest.strip_prefix(['x', 'X']))?;
    rest.strip_prefix(']').map(str::trim)
}

/// A text without the backticks around all of it.
pub(super) fn bare(text: &str) -> &str {
    let inner = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    inner.filter(|inner| !inner.contains('`')).unwrap_or(text)
}

pub(super) fn is_none(text: &str) -> bool {
    ["", "-", "–", "—", "none", "n/a"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `a, b`, or what stands in backticks where there are any.
pub(super) fn list(text: &str) -> Vec<String> {
    if is_none(text) {
        return Vec::new();
    }
    let parts: Vec<&str> = if text.contains('`') {
        text.split('`').skip(1).step_by(2).collect()
    } else {
        text.split(',').map(str::trim).collect()
    };
    parts.into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Whether it names a document, so that what stands there can be looked after.
pub(super) fn is_source(text: &str) -> bool {
    Source::parse(text).is_ok_and(|source| {
        let path = source.path.as_str();
        [".md", ".markdown"].iter().any(|end| path.ends_with(end))
    })
}
