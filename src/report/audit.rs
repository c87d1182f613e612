//! What the remotes' refs did beside the receipts, for people and for scripts.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::sanitise::{name, one_line};
use crate::domain::{
    ice::{
        audit::{Movement, Remote, Told},
        judge::Motion,
        ledger::{Entry, What},
    },
    id::Oid,
    tale::counted,
    time::Timestamp,
};

/// Of the refusals, so many are shown.
const REFUSALS_SHOWN: usize = 10;

type Clock<'a> = &'a dyn Fn(Timestamp) -> String;

#[must_use]
pub fn text(remote: &Remote, time: Clock<'_>) -> String {
    let mut out = String::new();
    let without: Vec<_> = remote.movements.iter().filter(|told| !told.movement.receipt).collect();
    let _ = write!(out, "{}  {}: ", name(remote.name.as_bytes()), one_line(&remote.url));
    let Some(since) = remote.since else {
        let _ = writeln!(
            out,
            "seen for the first time, {}; from now on every movement needs a receipt",
            counted(remote.refs, "ref")
        );
        return out;
    };
    let moved = counted(remote.movements.len(), "movement");
    let _ = writeln!(out, "{moved} since {}, {} without a receipt", time(since), without.len());
    for told in without {
        let Movement { moved, after, before, pushed_here, .. } = &told.movement;
        let _ = writeln!(
            out,
            "  NO RECEIPT  {}  {}..{}  {}",
            name(moved.name.as_bytes()),
            short(moved.old.as_ref()),
            short(moved.new.as_ref()),
            motion(told)
        );
        let _ = if *pushed_here {
            writeln!(out, "              pushed from this clone at {}", time(*before))
        } else {
            writeln!(out, "              between {} and {}", time(*after), time(*before))
        };
        if !told.authors.is_empty() {
            let authors = told.authors.join(", ");
            let _ = writeln!(out, "              commits of {}", one_line(&authors));
        }
        for run in &told.runs {
            let _ = writeln!(out, "              commits of run {run}");
        }
    }
    out
}

#[must_use]
pub fn refusals(all: &[&Entry], time: Clock<'_>) -> String {
    let mut out = format!("{} refused here\n", counted(all.len(), "attempt"));
    for entry in all.iter().rev().take(REFUSALS_SHOWN).rev() {
        if let What::Refused { rule, tried, .. } = &entry.what {
            let _ = writeln!(
                out,
                "  {}  {} [{rule}] {}",
                time(entry.at),
                entry.layer.word(),
                one_line(tried)
            );
        }
    }
    out
}

#[must_use]
pub fn json(remotes: &[Remote], refused: &[&Entry], vouched: usize, time: Clock<'_>) -> Value {
    json!({
        "schema": "git-run/audit/1",
        "remotes": remotes.iter().map(|remote| of_remote(remote, time)).collect::<Vec<_>>(),
        "without_receipt": without(remotes),
        "vouched": vouched,
        "refusals": refused.iter().map(|entry| of_refusal(entry, time)).collect::<Vec<_>>(),
    })
}

#[must_use]
pub fn without(remotes: &[Remote]) -> usize {
    remotes
        .iter()
        .flat_map(|remote| &remote.movements)
        .filter(|told| !told.movement.receipt)
        .count()
}

fn of_remote(remote: &Remote, time: Clock<'_>) -> Value {
    json!({
        "name": remote.name,
        "url": remote.url,
        "refs": remote.refs,
        "since": remote.since.map(time),
        "movements": remote.movements.iter().map(|told| of_movement(told, time)).collect::<Vec<_>>(),
    })
}

fn of_movement(told: &Told, time: Clock<'_>) -> Value {
    let Movement { moved, after, before, receipt, pushed_here } = &told.movement;
    json!({
        "ref": moved.name,
        "old": moved.old.as_ref().map(|id| id.as_str()),
        "new": moved.new.as_ref().map(|id| id.as_str()),
        "after": time(*after),
        "before": time(*before),
        "receipt": receipt,
        "pushed_here": pushed_here,
        "motion": told.motion.word(),
        "protected": told.protected,
        "commits": told.commits,
        "authors": told.authors,
        "runs": told.runs.iter().map(|run| run.as_str()).collect::<Vec<_>>(),
    })
}

fn of_refusal(entry: &Entry, time: Clock<'_>) -> Value {
    let (rule, reason, tried) = match &entry.what {
        What::Refused { rule, reason, tried } => (Some(rule), Some(reason), Some(tried)),
        What::Cleared { .. } | What::Vouched { .. } | What::Seen { .. } => (None, None, None),
    };
    json!({
        "at": time(entry.at), "who": entry.who.word(), "layer": entry.layer.word(),
        "rule": rule, "why": reason, "tried": tried,
    })
}

fn motion(told: &Told) -> String {
    let mut what = match told.motion {
        Motion::Create => "created".to_owned(),
        Motion::Forward => match told.commits {
            Some(commits) => format!("forward by {}", counted(commits as usize, "commit")),
            None => "forward".to_owned(),
        },
        Motion::Rewrite => "REWRITTEN".to_owned(),
        Motion::Delete => "DELETED".to_owned(),
        Motion::Unknown => "to commits that were not fetched yet".to_owned(),
    };
    if told.protected {
        what.push_str(", protected");
    }
    what
}

fn short(id: Option<&Oid>) -> &str {
    id.map_or("nothing", Oid::short)
}
