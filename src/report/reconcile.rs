//! What `git run reconcile` found, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{path, sanitise::one_line};
use crate::domain::{
    id::Oid,
    reconcile::{
        Evidence, Finding, Found, Strength,
        outside::{Category, Mapped, Outside},
    },
    run::Run,
    tale::counted,
};

/// Pieces of evidence, and files, that are shown of one item.
const SHOWN_MAX: usize = 3;
/// Files that others changed, likewise.
const FILES_SHOWN_MAX: usize = 50;
const AUTHORS_SHOWN_MAX: usize = 10;

/// Where it was looked.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub run: &'a Run,
    pub base: &'a str,
    pub tip: &'a Oid,
    pub branch_gone: bool,
    pub commits: usize,
}

#[must_use]
pub fn text(place: Place<'_>, findings: &[Finding], applied: bool) -> String {
    let charter = &place.run.charter;
    let mut out = String::new();
    let whose = if place.branch_gone {
        format!("`{}` is gone; looked at its base `{}`", charter.branch, place.base)
    } else {
        format!("`{}` (on {})", charter.branch, place.base)
    };
    let (start, tip) = (charter.start.short(), place.tip.short());
    let commits = counted(place.commits, "commit");
    say(&mut out, &format!("run {}  {whose}, {commits} in {start}..{tip}", charter.run));
    for finding in findings {
        say(&mut out, &line(finding));
    }
    let news = findings.iter().filter(|finding| is_news(finding)).count();
    if 0 < news && !applied {
        let what = counted(news, "item");
        say(
            &mut out,
            &format!(
                "next: git run reconcile --apply  (writes {what} down as inferred; judged by nobody)"
            ),
        );
    }
    out
}

/// What others changed; nothing where nothing changed.
#[must_use]
pub fn outside(outside: &Outside) -> String {
    let mut out = String::new();
    if outside.is_silent() {
        return out;
    }
    let rewritten = if outside.rewritten { ", and its history was rewritten" } else { "" };
    let commits = counted(outside.commits.len(), "commit");
    say(&mut out, &format!("outside of the run since its last event: {commits}{rewritten}"));
    for by in outside.by.iter().take(AUTHORS_SHOWN_MAX) {
        let of_run = if by.of_run { ", with the run's own trailers" } else { "" };
        let (commits, author) = (counted(by.commits as usize, "commit"), &by.author);
        say(&mut out, &format!("  {commits} by {author}{of_run}"));
    }
    for one in outside.files.iter().take(FILES_SHOWN_MAX) {
        let path = String::from_utf8_lossy(&one.touched.path).into_owned();
        let from = one.touched.from.as_ref().map(|from| String::from_utf8_lossy(from).into_owned());
        let from = from.map(|from| format!(" (was {from})")).unwrap_or_default();
        let whose = match (&one.item, &one.task) {
            (Some(item), Some(task)) => format!(" {item} {task}"),
            (Some(item), None) => format!(" {item}"),
            (None, _) => String::new(),
        };
        let (category, standing) = (one.category.word(), one.touched.standing.word());
        let how = one.touched.how.word();
        say(&mut out, &format!("  {category}{whose}: {path}{from} {how}, {standing}"));
    }
    if FILES_SHOWN_MAX < outside.files.len() {
        let more = outside.files.len() - FILES_SHOWN_MAX;
        say(&mut out, &format!("  … and {more} more with --json"));
    }
    let hurt = |one: &&Mapped| one.category == Category::NeedsReVerification;
    if let Some(item) = outside.files.iter().find(hurt).and_then(|one| one.item.as_ref()) {
        say(
            &mut out,
            &format!("next: git run reconcile --answer {item}=re-verify|trust|externally-managed"),
        );
    }
    out
}

/// In the branch, and the journal does not know.
#[must_use]
pub fn is_news(finding: &Finding) -> bool {
    matches!(finding.found, Found::In(_)) && matches!(finding.recorded, "pending" | "active")
}

/// One item on one line; what is recorded and what is inferred is said in words.
#[must_use]
pub fn line(finding: &Finding) -> String {
    let (mark, what) = match finding.found {
        Found::In(strength) if finding.recorded == "done" => {
            ("[x]", format!("recorded as done, and in the branch ({})", strength.word()))
        }
        Found::In(Strength::Superseded) => ("[-]", "superseded, asked for no more".to_owned()),
        Found::In(strength) => ("[~]", format!("inferred to be done ({})", strength.word())),
        Found::TakenAway => {
            ("[!]", format!("{}, and its work is not in the branch", finding.recorded))
        }
        Found::Open => ("[ ]", format!("{}, nothing shows that it is finished", finding.recorded)),
    };
    let mut line = format!("  {mark} {}  {what}", finding.item);
    if finding.merged {
        line.push_str(", merged into the base");
    }
    let shown = finding.evidence.iter().take(SHOWN_MAX);
    let shown = shown.map(|of| format!("{} {}", of.strength.word(), of.commit.short()));
    let shown: Vec<_> = shown.collect();
    if !shown.is_empty() {
        let more = finding.evidence.len().saturating_sub(SHOWN_MAX);
        let more = if 0 < more { format!(" and {more} more") } else { String::new() };
        let _ = write!(line, ": {}{more}", shown.join(", "));
    }
    if finding.is_hurt() {
        let size = if finding.kept.is_minor() { "minor" } else { "major" };
        let (lost, lines) = (finding.kept.lost, finding.kept.lines);
        let _ = write!(line, "; {size}: {lost} of {lines} lines are gone");
        let files = finding.kept.hurt.iter().take(SHOWN_MAX);
        let files: Vec<_> = files.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        let _ = write!(line, " ({})", files.join(", "));
    }
    if !finding.taken_back.is_empty() {
        let ids: Vec<_> = finding.taken_back.iter().take(SHOWN_MAX).map(|id| id.short()).collect();
        let _ = write!(line, "; reverted by {}", ids.join(", "));
    }
    line
}

#[must_use]
pub fn json(place: Place<'_>, findings: &[Finding], outside: &Outside, applied: bool) -> Value {
    json!({
        "schema": "git-run/reconcile/1",
        "run": place.run.charter.run.as_str(),
        "state": place.run.state.word(),
        "base": place.base,
        "branch": place.run.charter.branch,
        "branch_gone": place.branch_gone,
        "start": place.run.charter.start.as_str(),
        "tip": place.tip.as_str(),
        "commits": place.commits,
        "applied": applied,
        "items": findings.iter().map(item).collect::<Vec<_>>(),
        "outside": {
            "commits": outside.commits.len(),
            "rewritten": outside.rewritten,
            "by": outside.by.iter().map(|by| json!({
                "author": by.author, "of_run": by.of_run, "commits": by.commits,
            })).collect::<Vec<_>>(),
            "files": outside.files.iter().map(touched).collect::<Vec<_>>(),
        },
    })
}

fn touched(one: &Mapped) -> Value {
    let mut fields = path::fields(&one.touched.path);
    let from = one.touched.from.as_ref().map(|from| Value::Object(path::fields(from)));
    fields.insert("from".into(), from.into());
    fields.insert("standing".into(), one.touched.standing.word().into());
    fields.insert("how".into(), one.touched.how.word().into());
    fields.insert("category".into(), one.category.word().into());
    fields.insert("item".into(), one.item.as_ref().map(|item| item.as_str()).into());
    fields.insert("task".into(), one.task.as_ref().map(|task| task.as_str()).into());
    Value::Object(fields)
}

fn item(finding: &Finding) -> Value {
    let evidence =
        |of: &Evidence| json!({ "strength": of.strength.word(), "commit": of.commit.as_str() });
    let strength = match finding.found {
        Found::In(strength) => Some(strength.word()),
        Found::TakenAway | Found::Open => None,
    };
    let hurt = finding.kept.hurt.iter().map(|bytes| Value::Object(path::fields(bytes)));
    json!({
        "item": finding.item.as_str(),
        "recorded": finding.recorded,
        "found": finding.found.word(),
        "strength": strength,
        "inferred": is_news(finding) || (finding.recorded == "inferred" && strength.is_some()),
        "merged": finding.merged,
        "evidence": finding.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "lines": finding.kept.lines,
        "lost": finding.kept.lost,
        "change": if !finding.is_hurt() { "none" } else if finding.kept.is_minor() { "minor" } else { "major" },
        "hurt": hurt.collect::<Vec<_>>(),
        "reverted_by": finding.taken_back.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
    })
}

fn say(out: &mut String, line: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(out, "{}", one_line(line));
}
