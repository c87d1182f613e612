//! The title and the text of a pull request, from what a run did. What strangers wrote stands in code,
//! where it is no markup, calls nobody and closes nothing. It never says more than fits.

use std::fmt::Write as _;

use super::{
    deleted,
    sanitise::{one_line, sanitise},
};
use crate::domain::{
    deletion::Traced,
    event::Cause,
    finding::{Finding, cut},
    gate::Gate,
    id::{ItemId, Oid, RunId},
    item::{Item, Progress},
    reconcile::Strength,
    run::{Run, gates::INCOMPLETE},
    secret,
    tale::{because, counted},
};

/// Forges take 65536 characters; what a person writes beside it has to fit, too.
pub const BODY_BYTES_MAX: usize = 48_000;
const TITLE_BYTES_MAX: usize = 200;
const TEXT_BYTES_MAX: usize = 300;
const LINE_BYTES_MAX: usize = 1_000;
const DELETED_BYTES_MAX: usize = 16_000;
const COMMITS_BYTES_MAX: usize = 14_000;
const TABLE_BYTES_MAX: usize = 6_000;
const GATES_BYTES_MAX: usize = 6_000;
const FINDINGS_BYTES_MAX: usize = 4_000;
const CONFIDENCE_BYTES_MAX: usize = 3_000;

/// A commit of the run's own range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: Oid,
    pub subject: String,
    /// The item that was at work; nothing after the last verdict.
    pub item: Option<ItemId>,
}

#[derive(Debug)]
pub struct View<'a> {
    pub run: &'a Run,
    /// What the pull request is of.
    pub commit: &'a Oid,
    /// The plan's title, and those of its sprints and tasks.
    pub plan: &'a str,
    pub titles: &'a [(String, String)],
    /// Oldest first.
    pub commits: &'a [Commit],
    pub commits_unseen: u64,
    /// How many files each item changed; nothing where it cannot be told.
    pub files: &'a [Option<usize>],
    pub deleted: &'a [Traced],
    /// What speaks for it, and what to look at twice.
    pub confidence: &'a [(String, String)],
}

/// By which a pull request is known again.
#[must_use]
pub fn marker(run: &RunId) -> String {
    format!("<!-- git-run: {run} -->")
}

/// After it, a person's own words begin.
pub const END: &str = "<!-- git-run: end -->";

#[must_use]
pub fn title(view: &View<'_>, given: Option<&str>) -> String {
    let usual = || format!("{}: {}", view.run.charter.target, view.plan);
    // In a title nothing is code, so that nobody may be called.
    let given = given.filter(|text| !sanitise(text).trim().is_empty());
    let text = given.map_or_else(usual, str::to_owned).replace('@', "@ ");
    let mut text = secret::redact(one_line(&text).trim());
    if !view.run.all_done() && !text.starts_with(INCOMPLETE) {
        text = format!("{INCOMPLETE} {text}");
    }
    cut(&mut text, TITLE_BYTES_MAX);
    text
}

#[must_use]
pub fn body(view: &View<'_>) -> String {
    let run = &view.run.charter.run;
    let sections = [
        removed(view),
        what(view),
        table(view),
        gates(view),
        confidence(view),
        findings(view),
        commits(view),
        check(view),
    ];
    let mut text = format!("{}\n", marker(run));
    for section in sections.iter().filter(|section| !section.is_empty()) {
        // No name and no word of anybody's is taken for one of our marks.
        let _ = write!(text, "\n{}\n", section.trim_end().replace("<!--", "<! --"));
    }
    let _ = writeln!(text, "\n{END}");
    text
}

/// The text of a pull request with the run's part in it, and what people wrote around it as it was.
#[must_use]
pub fn merged(there: &str, body: &str, run: &RunId) -> String {
    let there = there.replace("\r\n", "\n");
    let (body, marker) = (body.trim_end(), marker(run));
    let Some((before, rest)) = there.split_once(&marker) else {
        return match there.trim() {
            "" => format!("{body}\n"),
            own => format!("{own}\n\n{body}\n"),
        };
    };
    let after = rest.split_once(END).map_or("", |(_, after)| after);
    format!("{before}{body}{after}")
}

/// What could be lost comes first.
fn removed(view: &View<'_>) -> String {
    let mut lines = String::new();
    for line in deleted::tree_within(view.run, view.deleted, DELETED_BYTES_MAX).lines() {
        // Line by line: what looks like the begin of a key hides no other name.
        let mut line = secret::redact(line).trim_end_matches('\n').to_owned();
        cut(&mut line, LINE_BYTES_MAX);
        lines.push_str(&line);
        lines.push('\n');
    }
    lines
}

fn what(view: &View<'_>) -> String {
    let run = view.run;
    let charter = &run.charter;
    let done = run.items.iter().filter(|item| is_done(item)).count();
    let inferred = run.items.iter().filter(|item| is_inferred(item)).count();
    let recorded = match inferred {
        0 => String::new(),
        inferred => format!(" ({} recorded, {inferred} inferred and not judged)", done - inferred),
    };
    let mut text = format!(
        "## What\n\nRun `{}` of {} on {}: {} of {} done{recorded}, {}.\n",
        charter.run,
        code(&charter.target),
        code(&charter.branch),
        done,
        counted(run.items.len(), "item"),
        counted(view.commits.len(), "commit")
    );
    if let Some(onto) = &charter.onto {
        let _ = writeln!(text, "\nIt builds on {}, which is merged before it.", code(onto));
    }
    if let Some(cause) = &run.halt {
        let why = match cause {
            Cause::PersonNeeded { why } | Cause::AgentUnavailable { why } => why.clone(),
            other => because(other),
        };
        let _ = writeln!(text, "\n**Incomplete.** It was halted: {}", code(&why));
    }
    text
}

fn is_inferred(item: &Item) -> bool {
    matches!(&item.progress, Progress::Inferred { strength, .. } if *strength != Strength::Superseded)
}

fn is_done(item: &Item) -> bool {
    matches!(item.progress, Progress::Done { .. } | Progress::Inferred { .. })
}

fn table(view: &View<'_>) -> String {
    let head = "| item | title | state | cycles | files |\n| --- | --- | --- | ---: | ---: |\n";
    let rows = view.run.items.iter().enumerate().map(|(at, item)| {
        let title = view.titles.iter().find(|(id, _)| id == item.id.as_str());
        let title = title.map(|(_, title)| cell(&code(title))).unwrap_or_default();
        let (state, cycles) = match &item.progress {
            Progress::Pending => ("pending".to_owned(), 0),
            Progress::Active(active) => (format!("{} is next", active.stage), active.cycle),
            Progress::Paused(active) => (format!("{} waits", active.stage), active.cycle),
            Progress::Done { cycles, .. } => ("done".to_owned(), *cycles),
            Progress::Inferred { strength: Strength::Superseded, .. } => {
                ("superseded, asked for no more".to_owned(), 0)
            }
            Progress::Inferred { strength, cycles, .. } => {
                (format!("inferred ({}), not judged", strength.word()), *cycles)
            }
        };
        let files = view.files.get(at).copied().flatten();
        let files = files.map_or_else(|| "-".to_owned(), |files| files.to_string());
        format!("| `{}` | {title} | {state} | {cycles} | {files} |\n", item.id)
    });
    format!("## Items\n\n{head}{}", within(rows, TABLE_BYTES_MAX, "git run status"))
}

fn confidence(view: &View<'_>) -> String {
    // That something changed says nothing by itself.
    if view.confidence.iter().all(|(what, _)| what == "files changed") {
        return String::new();
    }
    let lines = view.confidence.iter().map(|(what, how)| {
        let mut how = how.clone();
        cut(&mut how, TEXT_BYTES_MAX);
        format!("- {}: {}\n", code(what), code(&how))
    });
    format!("## Confidence\n\n{}", within(lines, CONFIDENCE_BYTES_MAX, "git run show"))
}

fn gates(view: &View<'_>) -> String {
    let run = view.run;
    let open = run.open_gates(Some(view.commit));
    let all = run.items.iter().flat_map(|item| {
        run.gates_of(item).map(|stage| Gate { item: item.id.clone(), stage: stage.id.clone() })
    });
    let lines = all.map(|gate| {
        let answered =
            run.overrides.iter().find(|one| one.gate == gate && one.commit == *view.commit);
        match answered {
            Some(one) => format!(
                "- [ ] {gate}: **overridden** by {} for {}{}: {}\n",
                code(&one.person),
                one.commit.short(),
                if one.signed.is_some() { ", signed" } else { "" },
                code(&one.reason)
            ),
            None if open.contains(&gate) => format!("- [ ] {gate}: open\n"),
            None => format!("- [x] {gate}: passed\n"),
        }
    });
    format!("## Gates\n\n{}", within(lines, GATES_BYTES_MAX, "git run status"))
}

fn findings(view: &View<'_>) -> String {
    let found = view.run.active().map_or(&[][..], |active| &active.findings);
    if found.is_empty() {
        return String::new();
    }
    let line = |finding: &Finding| {
        let place = match (&finding.path, finding.line) {
            (Some(path), Some(line)) => format!(" {}", code(&format!("{path}:{line}"))),
            (Some(path), None) => format!(" {}", code(path)),
            (None, _) => String::new(),
        };
        let (rule, message) = (code(&finding.rule), code(&finding.message));
        format!("- {} {rule}{place}: {message}\n", finding.severity)
    };
    let lines = within(found.iter().map(line), FINDINGS_BYTES_MAX, "git run status --verbose");
    format!("## Open findings\n\n{lines}")
}

fn commits(view: &View<'_>) -> String {
    let mut last = None;
    let lines = view.commits.iter().map(|commit| {
        let head = match (&commit.item, last == Some(&commit.item)) {
            (_, true) => String::new(),
            (Some(item), false) => format!("\n**{item}**\n\n"),
            (None, false) => "\n**after the last verdict**\n\n".to_owned(),
        };
        last = Some(&commit.item);
        format!("{head}- {} {}\n", commit.id.short(), code(&commit.subject))
    });
    let (start, end) = (view.run.charter.start.short(), view.commit.short());
    let all = format!("git log {start}..{end}");
    let mut text = format!("## Commits\n{}", within(lines, COMMITS_BYTES_MAX, &all));
    if 0 < view.commits_unseen {
        let _ = writeln!(text, "\n{} older ones are not shown: `{all}`", view.commits_unseen);
    }
    text
}

fn check(view: &View<'_>) -> String {
    let charter = &view.run.charter;
    let (run, start) = (&charter.run, &charter.start);
    let end = view.commit;
    format!(
        "## How to check\n\nWhere the run was made, its journal is `refs/run/{run}/journal`:\n\n```sh\n\
         git run verify {run}   # the journal is whole, and who signed\n\
         git run log {run}      # every step of it\n\
         git run show plan --run {run}\n\
         git run show artifacts/pull-request.md --run {run}\n\
         git diff {start} {end}\n```\n"
    )
}

/// As many lines as fit, and how many do not.
fn within(lines: impl Iterator<Item = String>, bytes_max: usize, all: &str) -> String {
    let (mut text, mut more) = (String::new(), 0);
    for line in lines {
        if 0 < more || bytes_max < text.len() + line.len() {
            more += 1;
        } else {
            text.push_str(&line);
        }
    }
    if 0 < more {
        let _ = writeln!(text, "\n… and {more} more: `{all}`");
    }
    text
}

/// A stranger's words as code on one line: in code nothing is markup, nobody is called, and no issue
/// is closed.
fn code(text: &str) -> String {
    let mut text = secret::redact(&sanitise(text));
    text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&mut text, TEXT_BYTES_MAX);
    if text.is_empty() {
        return "–".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A pipe ends a cell even in code, and behind a backslash or two it may or may not.
fn cell(text: &str) -> String {
    text.replace('|', "¦")
}

#[cfg(test)]
mod tests;
