//! Checkpoints for people and machines.

use serde_json::{Value, json};

use super::{
    path,
    sanitise::{name, one_line},
};
use crate::domain::{
    checkpoint::{Checkpoint, LeftOut, LeftOutReason, Made, Record},
    time::Timestamp,
};

/// Paths that are listed one by one; the rest is counted.
const LISTED_MAX: usize = 20;

type Time<'a> = &'a dyn Fn(Timestamp) -> String;

/// One line of the list.
#[must_use]
pub fn line(made: &Made, time: Time<'_>) -> String {
    let checkpoint = &made.checkpoint;
    let mut line = format!(
        "{:>5}  {}  {}  {}",
        checkpoint.number,
        time(checkpoint.at),
        made.commit.short(),
        one_line(&checkpoint.sentence())
    );
    let counts = checkpoint.counts;
    for (count, what) in [
        (counts.changed, "changed"),
        (counts.untracked, "untracked"),
        (counts.left_out, "left out"),
    ] {
        if 0 < count {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    line
}

/// Where it was made: `on main at 1a2b3c4`.
#[must_use]
pub fn standing(checkpoint: &Checkpoint) -> String {
    let branch = match &checkpoint.branch {
        Some(branch) => format!("on `{}`", one_line(branch)),
        None => "with HEAD detached".to_owned(),
    };
    match &checkpoint.head {
        Some(head) => format!("{branch} at {}", head.short()),
        None => format!("{branch}, which had no commit"),
    }
}

/// Everything that the checkpoint does not hold, and what git was in the middle of.
#[must_use]
pub fn remarks(record: &Record) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let progress = &record.progress.kinds;
    if !progress.is_empty() {
        lines.push(format!("in the middle of: {}", progress.join(", ")));
    }
    if !record.unmerged.is_empty() {
        let mut paths: Vec<_> = record.unmerged.iter().map(|side| &side.path).collect();
        paths.dedup();
        lines.push(format!("{} paths are not merged", paths.len()));
    }
    lines.extend(listed(&record.left_out, left_out_line));
    lines.extend(listed(&record.submodules, |submodule| {
        let mut what = Vec::new();
        for (is, word) in [
            (submodule.moved, "at another commit, which is recorded"),
            (submodule.modified, "changes inside, which are not"),
            (submodule.untracked, "untracked files inside, which are not"),
        ] {
            if is {
                what.push(word);
            }
        }
        format!("submodule {}: {}", name(&submodule.path), what.join(", "))
    }));
    lines
}

fn listed<T>(all: &[T], line: impl Fn(&T) -> String) -> Vec<String> {
    let mut lines: Vec<String> = all.iter().take(LISTED_MAX).map(line).collect();
    if LISTED_MAX < all.len() {
        lines.push(format!("… and {} more", all.len() - LISTED_MAX));
    }
    lines
}

#[must_use]
pub fn left_out_line(left: &LeftOut) -> String {
    let why = match left.reason {
        LeftOutReason::Large => "over the size limit",
        LeftOutReason::Secret => "looks like a secret",
        LeftOutReason::Unreadable => "cannot be read",
        LeftOutReason::Repository => "a repository of its own",
        LeftOutReason::Name => "git takes no such name",
    };
    let hash = left
        .hash
        .as_deref()
        .map_or(String::new(), |hash| format!(", {}", &hash[..12.min(hash.len())]));
    format!("left out: {} ({why}; {} bytes{hash})", name(&left.path), left.size)
}

#[must_use]
pub fn json(made: &Made, record: Option<&Record>, time: Time<'_>) -> Value {
    let checkpoint = &made.checkpoint;
    let place = checkpoint.place.as_ref();
    let at = place.and_then(|place| place.at.as_ref());
    let mut value = json!({
        "schema": "git-run/checkpoint/1",
        "number": checkpoint.number,
        "commit": made.commit.as_str(),
        "at": time(checkpoint.at),
        "why": checkpoint.why.word(),
        "sentence": checkpoint.sentence(),
        "message": checkpoint.message,
        "branch": checkpoint.branch,
        "head": checkpoint.head.as_ref().map(|head| head.as_str()),
        "index": checkpoint.index.as_str(),
        "tree": checkpoint.tree.as_str(),
        "run": place.map(|place| place.run.as_str()),
        "item": at.map(|at| at.item.as_str()),
        "stage": at.map(|at| at.stage.as_str()),
        "cycle": at.map(|at| at.cycle),
        "changed": checkpoint.counts.changed,
        "untracked": checkpoint.counts.untracked,
    });
    let left_out = match record {
        Some(record) => json!(record.left_out.iter().map(left_out_json).collect::<Vec<_>>()),
        None => json!(checkpoint.counts.left_out),
    };
    value["left_out"] = left_out;
    if let Some(record) = record {
        value["in_progress"] = json!(record.progress.kinds);
        let submodules = record.submodules.iter().map(|submodule| {
            let mut fields = path::fields(&submodule.path);
            fields.insert("moved".into(), submodule.moved.into());
            fields.insert("modified".into(), submodule.modified.into());
            fields.insert("untracked".into(), submodule.untracked.into());
            Value::Object(fields)
        });
        value["submodules"] = submodules.collect();
    }
    value
}

#[must_use]
pub fn left_out_json(left: &LeftOut) -> Value {
    let mut fields = path::fields(&left.path);
    fields.insert("reason".into(), left.reason.word().into());
    fields.insert("size".into(), left.size.into());
    fields.insert("hash".into(), left.hash.clone().into());
    Value::Object(fields)
}
