//! What a task is accepted by, believed: each check has what its kind needs, and nothing else.

use std::collections::HashSet;

use super::{
    bounded, bounded_extra,
    draft::{DraftCriterion, DraftTask, DraftVerification, Text},
    fault::{Fault, is_deceptive, quoted},
    scopes::SCOPE_BYTES_MAX,
    texts,
};
use crate::domain::{
    criterion::{COMMAND_TIME_MAX, Criterion, FilePath, Pattern, Verification},
    finding::Severity,
    id::CriterionId,
    time::Span,
};

pub const VERIFICATIONS_MAX: usize = 50;

const KINDS: &str = "say `file`, `grep` or `command`";
const FIELDS: [(&str, &[&str]); 4] = [
    ("file", &["path"]),
    ("grep", &["path", "pattern"]),
    ("command", &["command", "must_succeed", "timeout"]),
    ("lsp", &["skip"]),
];

/// The criteria of one task; what is left out has a fault.
pub(super) fn checked(task: &DraftTask, faults: &mut Vec<Fault>) -> Vec<Criterion> {
    let own = quoted(&task.id.value);
    let mut seen = HashSet::new();
    for id in task.acceptance.iter().filter_map(|said| said.id.as_ref()) {
        if !seen.insert(id.value.as_str()) {
            let what = format!("the criterion {} of {own} is there twice", quoted(&id.value));
            faults.push(Fault::new(id.line, what, "give it a name of its own"));
        }
    }
    task.acceptance.iter().map(|said| criterion(&own, said, faults)).collect()
}

/// What is wrong with one check, whoever's it is.
#[must_use]
pub fn verification_faults(own: &str, said: &DraftVerification) -> Vec<Fault> {
    let mut faults = Vec::new();
    verification(own, said, &mut faults);
    faults
}

fn criterion(own: &str, said: &DraftCriterion, faults: &mut Vec<Fault>) -> Criterion {
    let what = format!("an acceptance criterion of {own}");
    let line = said.statement.line;
    bounded((&what, "verifications"), line, said.verifications.len(), VERIFICATIONS_MAX, faults);
    bounded_extra(&what, line, &said.extra, faults);
    Criterion {
        id: said.id.as_ref().and_then(|id| name(id, faults)),
        statement: texts::body(&what, &said.statement, faults),
        severity: said.severity.as_ref().map_or(Severity::Medium, |word| severity(word, faults)),
        verifications: said
            .verifications
            .iter()
            .filter_map(|said| verification(own, said, faults))
            .collect(),
        extra: said.extra.clone(),
    }
}

fn name(id: &Text, faults: &mut Vec<Fault>) -> Option<CriterionId> {
    let parsed = CriterionId::parse(&id.value);
    parsed
        .map_err(|bad| faults.push(Fault::new(id.line, bad.to_string(), "name it like `AC-1`")))
        .ok()
}

fn severity(word: &Text, faults: &mut Vec<Fault>) -> Severity {
    match Severity::parse(&word.value) {
        Some(
            severity @ (Severity::Low | Severity::Medium | Severity::High | Severity::Critical),
        ) => severity,
        Some(Severity::Info) | None => {
            let what = format!("{} is no severity of a criterion", quoted(&word.value));
            let fix = "say `critical`, `high`, `medium` or `low`";
            faults.push(Fault::new(word.line, what, fix));
            Severity::Medium
        }
    }
}

fn verification(
    own: &str,
    said: &DraftVerification,
    faults: &mut Vec<Fault>,
) -> Option<Verification> {
    let kind = said.kind.value.as_str();
    let Some((_, fields)) = FIELDS.iter().find(|(word, _)| *word == kind) else {
        let what = format!("{} is no kind of verification", quoted(kind));
        faults.push(Fault::new(said.kind.line, what, KINDS));
        return None;
    };
    foreign(own, said, fields, faults);
    let what = format!("a `{kind}` verification of {own}");
    let mut need = |field: &str, text: &Option<Text>| {
        if text.is_none() {
            let fault = format!("{what} has no `{field}`");
            faults.push(Fault::new(said.kind.line, fault, format!("write its `{field}`")));
        }
        text.clone()
    };
    match kind {
        "file" => {
            let at = need("path", &said.path);
            Some(Verification::File { path: path(&at?, faults)? })
        }
        "grep" => {
            let (at, sought) = (need("path", &said.path), need("pattern", &said.pattern));
            let (at, sought) =
                (at.map(|at| path(&at, faults)), sought.map(|s| pattern(&s, faults)));
            Some(Verification::Grep { path: at??, pattern: sought?? })
        }
        "command" => {
            let command = need("command", &said.command);
            let timeout = said.timeout.as_ref().and_then(|text| time(text, faults));
            let command = texts::body(&format!("the command of {what}"), &command?, faults);
            let must_succeed = said.must_succeed.as_ref().is_none_or(|said| said.value);
            Some(Verification::Command { command, must_succeed, timeout })
        }
        _ => {
            let Some(skip) = &said.skip else {
                let what = format!("{what} cannot be checked: no language server is asked");
                let fix = "say why it may be skipped in `skip`, or check it with a command";
                faults.push(Fault::new(said.kind.line, what, fix));
                return None;
            };
            let skip = texts::line(&format!("the `skip` of {what}"), skip, faults);
            Some(Verification::Lsp { said: said.extra.clone(), skip })
        }
    }
}

/// Fields that would be overlooked: what a check leaves out must not seem to be checked.
fn foreign(own: &str, said: &DraftVerification, fields: &[&str], faults: &mut Vec<Fault>) {
    let line = said.kind.line;
    let there = [
        ("path", said.path.as_ref().map(|text| text.line)),
        ("pattern", said.pattern.as_ref().map(|text| text.line)),
        ("command", said.command.as_ref().map(|text| text.line)),
        ("must_succeed", said.must_succeed.as_ref().map(|truth| truth.line)),
        ("timeout", said.timeout.as_ref().map(|text| text.line)),
        ("skip", said.skip.as_ref().map(|text| text.line)),
    ];
    let there = there.iter().filter_map(|(field, at)| Some((*field, (*at)?)));
    let kind = said.kind.value.as_str();
    let unknown = said.extra.keys().filter(|_| kind != "lsp").map(|key| (key.as_str(), line));
    for (field, line) in there.chain(unknown).filter(|(field, _)| !fields.contains(field)) {
        let what = format!("{} is no field of a `{kind}` verification of {own}", quoted(field));
        faults.push(Fault::new(line, what, format!("it has `{}`", fields.join("`, `"))));
    }
}

fn path(text: &Text, faults: &mut Vec<Fault>) -> Option<FilePath> {
    let odd = |c: char| is_deceptive(c) || c == '\\';
    let parsed = match FilePath::parse(&text.value) {
        Ok(path) if text.value.len() <= SCOPE_BYTES_MAX && !text.value.contains(odd) => {
            return Some(path);
        }
        Ok(_) => format!(
            "the path {} is longer than {SCOPE_BYTES_MAX} bytes, or has a backslash or an invisible character",
            quoted(&text.value)
        ),
        Err(bad) => bad.to_string(),
    };
    faults.push(Fault::new(text.line, parsed, "write a path like `src/main.rs`"));
    None
}

fn pattern(text: &Text, faults: &mut Vec<Fault>) -> Option<Pattern> {
    let parsed = Pattern::parse(&text.value).map_err(|bad| bad.to_string());
    let hidden = |c: char| is_deceptive(c) || (c.is_control() && c != '\n' && c != '\t');
    match parsed {
        Ok(pattern) if !text.value.contains(hidden) => return Some(pattern),
        Ok(_) => {
            let what = format!("the pattern {} holds an invisible character", quoted(&text.value));
            faults.push(Fault::new(text.line, what, "write it as an escape, like `\\u200E`"));
        }
        Err(bad) => {
            let what = format!("the pattern {}: {bad}", quoted(&text.value));
            let fix = "look-around and references to groups are not understood; say it without";
            faults.push(Fault::new(text.line, what.replace('\n', " "), fix));
        }
    }
    None
}

/// With its unit: elsewhere a bare number is hours, and nobody means hours here.
fn time(text: &Text, faults: &mut Vec<Fault>) -> Option<Span> {
    let bare = text.value.bytes().all(|byte| byte.is_ascii_digit());
    let span = Span::parse(&text.value).ok().filter(|_| !bare);
    let span = span.filter(|span| Span::ZERO < *span && *span <= COMMAND_TIME_MAX);
    if span.is_none() {
        let what = format!("{} is no time for a command", quoted(&text.value));
        let fix = format!("say it like `90s` or `10m`, up to {COMMAND_TIME_MAX}");
        faults.push(Fault::new(text.line, what, fix));
    }
    span
}
