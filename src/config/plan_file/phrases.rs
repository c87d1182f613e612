//! The phrases of a Markdown plan: `Sprint 1: Cart`, `T-001: title`, `Files: a, b`. Each is read
//! from plain text, and what is none of them stays what it is.

use super::outline::Line;
use crate::domain::id::TaskId;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heading {
    Sprint {
        number: u32,
        title: String,
    },
    /// It begins like a sprint and goes on like none: nobody can tell.
    Nearly,
    Other,
}

/// What a line under a task is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Acceptance,
    Writes,
    DependsOn,
    From,
    Owner,
    Group,
}

const DASHES: [char; 3] = ['-', '–', '—'];

/// `Sprint 1: title`, `Sprint 1 - title` or `Sprint 1`.
pub(super) fn heading(text: &str) -> Heading {
    let text = text.trim();
    let Some((word, rest)) = text.split_at_checked(6) else { return Heading::Other };
    let number = rest.trim_start();
    if !word.eq_ignore_ascii_case("sprint") || !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Heading::Other;
    }
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    let (digits, after) = number.split_at(end);
    let (Ok(number), true) = (digits.parse(), rest.starts_with(char::is_whitespace)) else {
        return Heading::Nearly;
    };
    let dash = || after.trim_start().strip_prefix(DASHES);
    let title = if after.starts_with(char::is_whitespace) { dash() } else { None };
    match title.or(after.trim_start().strip_prefix(':')) {
        Some(title) => Heading::Sprint { number, title: title.trim().to_owned() },
        None if after.is_empty() => Heading::Sprint { number, title: String::new() },
        None => Heading::Nearly,
    }
}

pub(super) fn is_acceptance(text: &str) -> bool {
    let words = text.trim().trim_end_matches(':').trim_end().to_ascii_lowercase();
    matches!(words.as_str(), "acceptance criteria" | "acceptance criterion" | "acceptance")
}

/// `Files: a, b` and its like: the label, and what comes behind the colon.
pub(super) fn label(text: &str) -> Option<(Label, &str)> {
    let (word, rest) = text.split_once(':')?;
    let label = match word.trim().to_ascii_lowercase().as_str() {
        "acceptance" | "acceptance criteria" | "acceptance criterion" | "ac" => Label::Acceptance,
        "files" | "file" | "writes" => Label::Writes,
        "depends on" | "depends" | "depends_on" | "dependencies" => Label::DependsOn,
        "spec" | "specs" | "from" => Label::From,
        "owner" => Label::Owner,
        "group" => Label::Group,
        _ => return None,
    };
    Some((label, rest.trim()))
}

/// The values of a list in one line, where a single `none` or `-` means that there are none.
pub(super) fn values(rest: &str) -> Vec<String> {
    let none = ["", "-", "–", "—", "none", "n/a"];
    if none.iter().any(|word| rest.eq_ignore_ascii_case(word)) {
        return Vec::new();
    }
    rest.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

/// The name of a task, where its line begins with one, and its title.
///
/// Bold or code at the beginning counts, `T-001:`, `T-001 -`, `[T-001]`, and in capitals also
/// `T-001` alone; always with a digit in it, so that `Note: ...` stays a title.
pub(super) fn task_head(line: &Line) -> (Option<String>, String) {
    let text = line.text.trim();
    let start = line.text.len() - line.text.trim_start().len();
    let lead = line.lead.checked_sub(start).and_then(|lead| text.split_at_checked(lead));
    let found = lead
        .and_then(|(lead, rest)| Some((name(lead.trim().trim_end_matches(':'))?, rest)))
        .or_else(|| {
            let (inner, rest) = text.strip_prefix('[')?.split_once(']')?;
            Some((name(inner)?, rest))
        })
        .or_else(|| separated(text));
    match found {
        Some((id, rest)) => {
            let title = rest.trim_start();
            let title = title.strip_prefix(':').or_else(|| title.strip_prefix(DASHES));
            (Some(id.to_owned()), title.unwrap_or(rest).trim().to_owned())
        }
        None => (None, text.to_owned()),
    }
}

/// A dependency as people write it: `T-001`, `Task 1.1`.
pub(super) fn reference(text: &str) -> &str {
    name(text).unwrap_or(text)
}

fn separated(text: &str) -> Option<(&str, &str)> {
    let bare = without_task(text);
    let end = bare.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(bare.len());
    let (word, rest) = bare.split_at(end);
    let id = name(word)?;
    let colon =
        rest.strip_prefix(':').is_some_and(|r| r.is_empty() || r.starts_with(char::is_whitespace));
    let after = rest.trim_start().strip_prefix(DASHES);
    let dash = after.is_some_and(|after| after.starts_with(char::is_whitespace));
    (colon || dash || (is_capital(id) && !rest.trim().is_empty())).then_some((id, rest))
}

/// `T-001`: capitals, a dash, digits.
fn is_capital(id: &str) -> bool {
    id.split_once('-').is_some_and(|(word, number)| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_uppercase())
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

fn name(text: &str) -> Option<&str> {
    let id = without_task(text.trim());
    let digit = id.bytes().any(|b| b.is_ascii_digit());
    let more = id.bytes().any(|b| b.is_ascii_alphabetic() || b == b'.');
    (digit && more && TaskId::parse(id).is_ok()).then_some(id)
}

fn without_task(text: &str) -> &str {
    match text.split_at_checked(5) {
        Some((word, rest)) if word.eq_ignore_ascii_case("task ") => rest.trim_start(),
        _ => text,
    }
}
