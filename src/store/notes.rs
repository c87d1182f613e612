//! `refs/notes/run`: on each commit of work, whose work it is. JSON lines, one per run and stage.
//!
//! `git notes` loses concurrent writes without an error; this is a compare-and-swap like any other.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use anyhow::{bail, ensure};
use gix::objs::tree::EntryKind;

use super::{journal::TREE_BYTES_MAX, layout::NOTES, message::MESSAGE_BYTES_MAX, wire::note};
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

/// More notes are not merged.
const NOTES_MAX: usize = 100_000;
/// Trees of one set of notes that are read, and bytes of notes.
const TREES_MAX: usize = 70_000;
const ENTRIES_MAX: usize = 250_000;
const MERGED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a merge of notes did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    pub added: usize,
    /// Lines that are no notes of runs, or for which a note has no room. They were left out.
    pub left_out: usize,
}

/// Takes a remote's notes into one's own, as `cat_sort_uniq` does: no line of one's own is lost. Nothing
/// when everything is here already.
pub fn merge(repo: &Repo, theirs: &Oid, now: Timestamp) -> anyhow::Result<Option<Merged>> {
    for tries in 0..TRIES_MAX {
        let own = repo.refs().read(NOTES)?;
        if let Some(own) = &own
            && (own == theirs || repo.is_ancestor(theirs, own)?)
        {
            return Ok(None);
        }
        let (new, merged) = union(repo, own.as_ref(), theirs, now)?;
        match repo.refs().compare_and_swap(NOTES, own.as_ref(), Some(&new)) {
            Ok(()) => return Ok(Some(merged)),
            Err(RefError::Stale { .. }) => {
                let pause = PAUSE_MS_MAX.min(u64::from(tries)) + 1;
                thread::sleep(Duration::from_millis(clock::jitter(pause)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    bail!("gave up on `{NOTES}` after {TRIES_MAX} lost races")
}

fn union(
    repo: &Repo,
    own: Option<&Oid>,
    theirs: &Oid,
    now: Timestamp,
) -> anyhow::Result<(Oid, Merged)> {
    let mut all = match own {
        Some(own) => Flat::read(repo, own)?,
        None => Flat::default(),
    };
    let brought = Flat::read(repo, theirs)?;
    let (mut merged, mut bytes) = (Merged { added: 0, left_out: 0 }, 0);
    for (commit, blob) in &brought.notes {
        let before = all.notes.get(commit);
        if before == Some(blob) {
            continue;
        }
        let (text, found) = united(repo, before, blob)?;
        bytes += text.len() as u64;
        ensure!(bytes <= MERGED_BYTES_MAX, "they have more than {MERGED_BYTES_MAX} bytes");
        merged.added += found.added;
        merged.left_out += found.left_out;
        if 0 < found.added {
            let id = match found.is_theirs {
                true => blob.clone(),
                false => repo.write_blob(text.as_bytes())?,
            };
            all.notes.insert(commit.clone(), id);
        }
    }
    let forward = match own {
        Some(own) => repo.is_ancestor(own, theirs)?,
        None => true,
    };
    if forward && all == brought {
        return Ok((theirs.clone(), merged));
    }
    let tree = all.write(repo)?;
    let parents: Vec<_> = own.into_iter().chain([theirs]).collect();
    let new =
        repo.write_commit(&tree, &parents, now.millis() / 1000, "notes of git-run, merged\n")?;
    Ok((new, merged))
}

struct United {
    added: usize,
    left_out: usize,
    /// Theirs holds just these lines.
    is_theirs: bool,
}

/// The lines of both, each once and in order.
fn united(repo: &Repo, own: Option<&Oid>, theirs: &Oid) -> anyhow::Result<(String, United)> {
    let read = |id: &Oid| -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&repo.read_blob(id, NOTE_BYTES_MAX)?).into_owned())
    };
    let own = own.map(read).transpose()?.unwrap_or_default();
    let mut lines: BTreeSet<&str> = own.lines().filter(|line| !line.is_empty()).collect();
    let mut length: usize = lines.iter().map(|line| line.len() + 1).sum();
    let mut found = United { added: 0, left_out: 0, is_theirs: false };
    let theirs = read(theirs)?;
    for line in theirs.lines().filter(|line| !line.is_empty()) {
        if lines.contains(line) {
            continue;
        }
        let room = (length + line.len() + 1) as u64 <= NOTE_BYTES_MAX;
        if room && note::run_of(line).is_some() {
            length += line.len() + 1;
            lines.insert(line);
            found.added += 1;
        } else {
            found.left_out += 1;
        }
    }
    let of_theirs: BTreeSet<_> = theirs.lines().filter(|line| !line.is_empty()).collect();
    found.is_theirs = lines == of_theirs;
    let text = lines.into_iter().map(|line| format!("{line}\n")).collect();
    Ok((text, found))
}

/// Notes without their fan-out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flat {
    notes: BTreeMap<String, Oid>,
    /// What else stands in the root, which is nobody's to throw away.
    others: BTreeMap<Vec<u8>, Entry>,
}

impl Flat {
    fn read(repo: &Repo, tip: &Oid) -> anyhow::Result<Self> {
        let root = repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree;
        let (mut flat, mut trees, mut seen) = (Self::default(), 0, 0);
        let mut left = vec![(String::new(), root)];
        while let Some((prefix, tree)) = left.pop() {
            trees += 1;
            ensure!(trees <= TREES_MAX, "they have more than {TREES_MAX} trees");
            let entries = repo.read_tree(&tree, TREE_BYTES_MAX)?;
            seen += entries.len();
            ensure!(seen <= ENTRIES_MAX, "their trees have more than {ENTRIES_MAX} entries");
            for (name, entry) in entries {
                let hex = name.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
                let whole = format!("{prefix}{}", String::from_utf8_lossy(&name));
                match entry.kind {
                    EntryKind::Tree if hex && name.len() == 2 && whole.len() < 64 => {
                        left.push((whole, entry.id));
                    }
                    EntryKind::Blob if hex && matches!(whole.len(), 40 | 64) => {
                        flat.notes.insert(whole, entry.id);
                        ensure!(flat.notes.len() <= NOTES_MAX, "there are more than {NOTES_MAX}");
                    }
                    _ if prefix.is_empty() => drop(flat.others.insert(name, entry)),
                    _ => {}
                }
            }
        }
        Ok(flat)
    }

    /// One level deep, as new notes go.
    fn write(self, repo: &Repo) -> anyhow::Result<Oid> {
        let mut fans: BTreeMap<String, BTreeMap<Vec<u8>, Entry>> = BTreeMap::new();
        for (commit, id) in self.notes {
            let (fan, rest) = commit.split_at(2);
            let entry = Entry { kind: EntryKind::Blob, id };
            fans.entry(fan.to_owned()).or_default().insert(rest.into(), entry);
        }
        let mut root = self.others;
        for (fan, entries) in fans {
            let id = repo.write_tree(&entries)?;
            root.insert(fan.into_bytes(), Entry { kind: EntryKind::Tree, id });
        }
        repo.write_tree(&root)
    }
}
