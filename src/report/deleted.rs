//! The deleted files of a run: for people, for scripts, for machines, and for a pull request.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::sanitise::name;
use crate::domain::{
    deletion::{self, Deletion, Fate, Tally, Traced},
    path::spell,
    run::Run,
    tale::counted,
};

pub const NOTHING: &str = "No files deleted during this run.\n";
const HEADING: &str = "DELETED FILES - REVIEW CAREFULLY";
const NOT_COMMITTED: &str = "not committed";

/// A line for each file and commit, the newest last.
#[must_use]
pub fn text(files: &[Traced]) -> String {
    if files.is_empty() {
        return NOTHING.to_owned();
    }
    let mut out = String::new();
    for Traced { deletion, fate } in files {
        let fate = match fate {
            Fate::Gone => "gone".to_owned(),
            Fate::CameBack => "came back".to_owned(),
            Fate::Moved { to } => format!("moved to {}", name(to)),
        };
        let commit = deletion.commit.as_ref().map_or(NOT_COMMITTED, |commit| commit.short());
        let place = place(deletion).unwrap_or_else(|| "-".to_owned());
        let (path, size) = (name(&deletion.path), size(deletion));
        let _ = writeln!(out, "{path}  {size}  {place}  {commit}  {fate}");
    }
    let _ = writeln!(out, "{}", sum(deletion::tree(files).tally));
    out
}

/// Markdown for a pull request. The names stand in a fenced block, each on one line and after
/// something else than back quotes, so that none can end it.
#[must_use]
pub fn tree(run: &Run, files: &[Traced]) -> String {
    tree_within(run, files, usize::MAX)
}

/// The same, with no more names than take so many bytes, and how many there are besides.
#[must_use]
pub fn tree_within(run: &Run, files: &[Traced], bytes_max: usize) -> String {
    let tree = deletion::tree(files);
    if files.is_empty() {
        return NOTHING.to_owned();
    }
    let (mut lines, mut left_away) = (String::new(), 0);
    for (dir, leaves) in &tree.dirs {
        if bytes_max < lines.len() {
            left_away += leaves.len();
            continue;
        }
        let dir = if dir.is_empty() { "./".to_owned() } else { name(dir) };
        let _ = writeln!(lines, "{dir}");
        for (at, (leaf, deletion)) in leaves.iter().enumerate() {
            if bytes_max < lines.len() {
                left_away += 1;
                continue;
            }
            let branch = if at + 1 == leaves.len() { "└─" } else { "├─" };
            let place = place(deletion).unwrap_or_else(|| "outside of any stage".to_owned());
            let open = if deletion.commit.is_none() { ", not committed" } else { "" };
            let _ = writeln!(lines, "{branch} {} ({place}{open})", name(leaf));
        }
    }
    let fence = "`".repeat(longest_run_of_back_quotes(&lines).max(2) + 1);
    let mut out = format!("## {HEADING}\n\n");
    let _ = writeln!(out, "Run `{}`: {}.\n", run.charter.run, sum(tree.tally));
    if tree.tally.gone == 0 {
        return out;
    }
    let _ = writeln!(out, "{fence}text\n{lines}{fence}\n");
    if 0 < left_away {
        let _ = writeln!(
            out,
            "… and {} more: `git run deleted --tree {}`\n",
            counted(left_away, "file"),
            run.charter.run
        );
    }
    out.push_str(
        "> **Warning:** merging this deletes these files. Make sure that each is meant.\n",
    );
    out
}

/// One object, versioned by its `schema`.
#[must_use]
pub fn json(run: &Run, end: &str, files: &[Traced], unseen: u64) -> Value {
    let Tally { gone, came_back, moved } = deletion::tree(files).tally;
    json!({
        "schema": "git-run/deleted/1",
        "run": run.charter.run.as_str(),
        "branch": run.charter.branch,
        "start": run.charter.start.as_str(),
        "end": end,
        "total": gone + came_back + moved,
        "gone": gone,
        "came_back": came_back,
        "moved": moved,
        "commits_unseen": unseen,
        "files": files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn file(Traced { deletion, fate }: &Traced) -> Value {
    let place = deletion.place.as_ref();
    let mut value = json!({
        "mode": deletion.mode.to_string(),
        "oid": deletion.oid.as_str(),
        "size": deletion.size,
        "commit": deletion.commit.as_ref().map(|commit| commit.as_str()),
        "item": place.map(|place| place.item.as_str()),
        "sprint": place.and_then(|place| place.sprint.as_ref()).map(|sprint| sprint.as_str()),
        "task": place.and_then(|place| place.task.as_ref()).map(|task| task.as_str()),
        "stage": place.map(|place| place.stage.as_str()),
        "cycle": place.map(|place| place.cycle),
        "fate": fate.word(),
    });
    let mut put = |key: &str, path: &[u8]| {
        let (text, hex) = spell(path);
        value[key] = text.into();
        if let Some(hex) = hex {
            value[format!("{key}_hex")] = hex.into();
        }
    };
    put("path", &deletion.path);
    if let Fate::Moved { to } = fate {
        put("moved_to", to);
    }
    value
}

/// Stable fields with tabs between, the path last and, of what was moved, the new path after it.
/// `zero`: names are bytes, and a zero byte ends each of them; else they are quoted where odd.
#[must_use]
pub fn porcelain(files: &[Traced], zero: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for Traced { deletion, fate } in files {
        let place = deletion.place.as_ref();
        let or_none = |field: Option<String>| field.unwrap_or_else(|| "-".to_owned());
        let fields = [
            fate.word().to_owned(),
            or_none(deletion.commit.as_ref().map(ToString::to_string)),
            deletion.mode.to_string(),
            deletion.oid.to_string(),
            or_none(deletion.size.map(|size| size.to_string())),
            or_none(place.map(|place| place.item.to_string())),
            or_none(place.and_then(|place| place.sprint.as_ref()).map(ToString::to_string)),
            or_none(place.and_then(|place| place.task.as_ref()).map(ToString::to_string)),
            or_none(place.map(|place| place.stage.to_string())),
            or_none(place.map(|place| place.cycle.to_string())),
        ];
        out.extend(fields.join("\t").into_bytes());
        let to = if let Fate::Moved { to } = fate { Some(to) } else { None };
        for (at, path) in std::iter::once(&deletion.path).chain(to).enumerate() {
            match (zero, at) {
                (true, 0) | (false, _) => out.push(b'\t'),
                (true, _) => out.push(0),
            }
            if zero { out.extend(path) } else { out.extend(name(path).into_bytes()) }
        }
        out.push(if zero { 0 } else { b'\n' });
    }
    out
}

/// `sprint-1, cycle 2`, or `sprint-1/T-3, cycle 2` for a task.
fn place(deletion: &Deletion) -> Option<String> {
    let place = deletion.place.as_ref()?;
    let cycle = place.cycle;
    Some(match (&place.sprint, &place.task) {
        (Some(sprint), Some(task)) => format!("{sprint}/{task}, cycle {cycle}"),
        _ => format!("{}, cycle {cycle}", place.item),
    })
}

fn size(deletion: &Deletion) -> String {
    match deletion.size {
        Some(size) => counted(usize::try_from(size).unwrap_or(usize::MAX), "byte"),
        None if deletion.mode == deletion::Mode::SUBMODULE => "submodule".to_owned(),
        None => "size unknown".to_owned(),
    }
}

fn sum(Tally { gone, came_back, moved }: Tally) -> String {
    let mut text = format!("{} deleted", counted(gone, "file"));
    if 0 < came_back {
        let _ = write!(text, ", {came_back} came back");
    }
    if 0 < moved {
        let _ = write!(text, ", {moved} moved");
    }
    text
}

fn longest_run_of_back_quotes(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
