//! `refs/notes/run`: on each commit of work, whose work it is. JSON lines, one per run and stage.
//!
//! `git notes` loses concurrent writes without an error; this is a compare-and-swap like any other.

use std::{collections::BTreeMap, thread, time::Duration};

use anyhow::bail;
use gix::objs::tree::EntryKind;

use super::{journal::TREE_BYTES_MAX, layout::NOTES, message::MESSAGE_BYTES_MAX};
use crate::{
    domain::{id::Oid, time::Timestamp},
    git::{Repo, objects::Entry, refs::RefError},
    process::clock,
};

/// How often a line that lost a race is tried again.
const TRIES_MAX: u32 = 500;
const PAUSE_MS_MAX: u64 = 32;
pub const NOTE_BYTES_MAX: u64 = 256 * 1024;

/// Adds a line to the note on `commit`; a line that is there already is not added twice.
pub fn add_line(repo: &Repo, commit: &Oid, line: &str, now: Timestamp) -> anyhow::Result<()> {
    for tries in 0..TRIES_MAX {
        let old = repo.refs().read(NOTES)?;
        let root = match &old {
            Some(tip) => Some(repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree),
            None => None,
        };
        let Some(tree) = with_line(repo, root.as_ref(), commit.as_str(), line)? else {
            return Ok(());
        };
        let parents: Vec<_> = old.iter().collect();
        let new = repo.write_commit(&tree, &parents, now.millis() / 1000, "notes of git-run\n")?;
        match repo.refs().compare_and_swap(NOTES, old.as_ref(), Some(&new)) {
            Ok(()) => return Ok(()),
            Err(RefError::Stale { .. }) => {
                // Whoever lost often waits longer, so that some get through.
                let pause = PAUSE_MS_MAX.min(u64::from(tries)) + 1;
                thread::sleep(Duration::from_millis(clock::jitter(pause)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("gave up on `{NOTES}` after {TRIES_MAX} lost races")
}

/// The note on a commit.
pub fn read(repo: &Repo, commit: &Oid) -> anyhow::Result<Option<String>> {
    let Some(tip) = repo.refs().read(NOTES)? else { return Ok(None) };
    read_at(repo, &tip, commit)
}

/// The same, as of these notes.
pub fn read_at(repo: &Repo, tip: &Oid, commit: &Oid) -> anyhow::Result<Option<String>> {
    let mut tree =
        repo.read_tree(&repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree, TREE_BYTES_MAX)?;
    let mut rest = commit.as_str();
    loop {
        if let Some(entry) = tree.get(rest.as_bytes()) {
            return Ok(Some(
                String::from_utf8_lossy(&repo.read_blob(&entry.id, NOTE_BYTES_MAX)?).into_owned(),
            ));
        }
        let Some(entry) = rest.get(..2).and_then(|fan| tree.get(fan.as_bytes())) else {
            return Ok(None);
        };
        if entry.kind != EntryKind::Tree {
            return Ok(None);
        }
        tree = repo.read_tree(&entry.id, TREE_BYTES_MAX)?;
        rest = &rest[2..];
    }
}

/// Every commit that has a note, with the note's blob; at most so many.
pub fn annotated(repo: &Repo, most: usize) -> anyhow::Result<BTreeMap<Oid, Oid>> {
    let mut found = BTreeMap::new();
    let Some(tip) = repo.refs().read(NOTES)? else { return Ok(found) };
    let mut open = vec![(String::new(), repo.read_commit(&tip, MESSAGE_BYTES_MAX)?.tree)];
    while let Some((prefix, tree)) = open.pop() {
        for (name, entry) in repo.read_tree(&tree, TREE_BYTES_MAX)? {
            let name = format!("{prefix}{}", String::from_utf8_lossy(&name));
            match entry.kind {
                // The names of notes are ids, whatever is between their digits.
                EntryKind::Tree if name.len() < 64 => open.push((name, entry.id)),
                EntryKind::Tree => {}
                _ => {
                    if let Ok(commit) = Oid::parse(&name) {
                        found.insert(commit, entry.id);
                    }
                }
            }
        }
        if most < found.len() {
            bail!("`{NOTES}` has more than {most} notes");
        }
    }
    Ok(found)
}

/// The tree with the line added, following git's fan-out; nothing when the line is there.
fn with_line(
    repo: &Repo,
    tree: Option<&Oid>,
    rest: &str,
    line: &str,
) -> anyhow::Result<Option<Oid>> {
    let mut entries = match tree {
        Some(tree) => repo.read_tree(tree, TREE_BYTES_MAX)?,
        None => BTreeMap::new(),
    };
    // New notes go two digits deep, as git itself does once there are many.
    let whole = matches!(rest.len(), 40 | 64);
    let fan = rest.get(..2).filter(|_| !entries.contains_key(rest.as_bytes()) && whole);
    let fan = fan.or_else(|| {
        rest.get(..2)
            .filter(|fan| entries.get(fan.as_bytes()).is_some_and(|e| e.kind == EntryKind::Tree))
    });
    if let Some(fan) = fan {
        let inner = entries.get(fan.as_bytes()).map(|entry| entry.id.clone());
        let Some(id) = with_line(repo, inner.as_ref(), &rest[2..], line)? else { return Ok(None) };
        entries.insert(fan.into(), Entry { kind: EntryKind::Tree, id });
        return repo.write_tree(&entries).map(Some);
    }
    let mut note = match entries.get(rest.as_bytes()) {
        Some(entry) => {
            String::from_utf8_lossy(&repo.read_blob(&entry.id, NOTE_BYTES_MAX)?).into_owned()
        }
        None => String::new(),
    };
    if note.lines().any(|known| known == line) {
        return Ok(None);
    }
    if !note.is_empty() && !note.ends_with('\n') {
        note.push('\n');
    }
    note.push_str(line);
    note.push('\n');
    anyhow::ensure!(
        note.len() as u64 <= NOTE_BYTES_MAX,
        "the note would be longer than {NOTE_BYTES_MAX} bytes"
    );
    entries.insert(
        rest.into(),
        Entry { kind: EntryKind::Blob, id: repo.write_blob(note.as_bytes())? },
    );
    repo.write_tree(&entries).map(Some)
}
