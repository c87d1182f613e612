//! What `git run plan sync` found, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::sanitise::one_line;
use crate::domain::{
    drift::{Finding, Follows, Glance, Part, Seen},
    run::Run,
    tale::counted,
};

/// Tasks that are shown.
const SHOWN_MAX: usize = 100;

/// `2 tasks came from what changed since: git run plan sync`
#[must_use]
pub fn warning(glance: Glance) -> String {
    let mut said = Vec::new();
    if 0 < glance.tasks {
        said.push(format!(
            "{} came from a section that changed since",
            counted(glance.tasks, "task")
        ));
    }
    if 0 < glance.unknown {
        said.push(format!("of {} it cannot be told", counted(glance.unknown, "task")));
    }
    format!("{}: git run plan sync", said.join(", "))
}

#[must_use]
pub fn text(run: &Run, findings: &[Finding], applied: bool) -> String {
    let mut out = String::new();
    let id = &run.charter.run;
    if findings.is_empty() {
        say(&mut out, &format!("run {id}: its plan and its sections say what they said"));
        return out;
    }
    say(&mut out, &format!("run {id}: {} drifted", counted(findings.len(), "task")));
    for finding in findings.iter().take(SHOWN_MAX) {
        let whose = finding.item.as_ref().map_or("-", |item| item.as_str());
        let (status, drift) = (finding.status.word(), finding.drift.word());
        let then = meaning(finding.follows, applied);
        say(&mut out, &format!("  {} {whose}  {status}, {drift}: {then}", finding.task));
        let changed = finding.parts.iter().filter(|part| part.seen != Seen::Same);
        changed.for_each(|one| say(&mut out, &format!("      {}", part(one))));
    }
    if SHOWN_MAX < findings.len() {
        say(&mut out, &format!("  … and {} more with --json", findings.len() - SHOWN_MAX));
    }
    let count = findings.iter().filter(|finding| finding.follows.applies()).count();
    if 0 < count && !applied {
        let what = counted(count, "task");
        say(&mut out, &format!("next: git run plan sync --apply  (takes over {what})"));
    }
    out
}

fn meaning(follows: Follows, applied: bool) -> &'static str {
    match (follows, applied) {
        (Follows::Update, false) => "may be taken over before it begins",
        (Follows::Update, true) => "taken over",
        (Follows::ReVerify, false) => "done for other words; its judges have to look again",
        (Follows::ReVerify, true) => "taken over; its judges look again",
        (Follows::Supersede, false) => "nothing asks for it any more",
        (Follows::Supersede, true) => "superseded, and asked for no more",
        (Follows::Rename, _) => "the same text stands elsewhere; name it anew in the plan",
        (Follows::Flag, _) => "at work; what it began with counts until it is done",
        (Follows::Look, _) => "it cannot be told; nothing follows",
        (Follows::Nothing, _) => "not looked after by this run",
    }
}

fn part(part: &Part) -> String {
    let digest = |of: &Option<crate::domain::id::Digest>| {
        of.as_ref().map_or_else(|| "nothing".to_owned(), |digest| digest.short().to_owned())
    };
    let more = match &part.seen {
        Seen::Moved { to } => format!(", now at {to}"),
        Seen::Unknown { why } => format!(", {why}"),
        Seen::Gone => ", gone".to_owned(),
        Seen::Same | Seen::Changed => String::new(),
    };
    format!("{}  {} → {}{more}", part.name, digest(&part.old), digest(&part.new))
}

#[must_use]
pub fn json(run: &Run, findings: &[Finding], applied: bool) -> Value {
    json!({
        "schema": "git-run/plan-sync/1",
        "run": run.charter.run.as_str(),
        "state": run.state.word(),
        "plan": run.plan_path(),
        "applied": applied,
        "tasks": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn finding(of: &Finding) -> Value {
    let parts = of.parts.iter().map(|part| {
        let (word, more) = match &part.seen {
            Seen::Same => ("same", None),
            Seen::Changed => ("changed", None),
            Seen::Moved { to } => ("moved", Some(to)),
            Seen::Gone => ("gone", None),
            Seen::Unknown { why } => ("unknown", Some(why)),
        };
        json!({
            "source": part.name,
            "found": word,
            "more": more,
            "old": part.old.as_ref().map(|digest| digest.as_str()),
            "new": part.new.as_ref().map(|digest| digest.as_str()),
        })
    });
    json!({
        "task": of.task.as_str(),
        "item": of.item.as_ref().map(|item| item.as_str()),
        "status": of.status.word(),
        "drift": of.drift.word(),
        "follows": of.follows.word(),
        "sources": parts.collect::<Vec<_>>(),
    })
}

fn say(out: &mut String, line: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(out, "{}", one_line(line));
}
