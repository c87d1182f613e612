//! How much of what each item did is still there, line by line. A commit's words may lie, and its id
//! changes with every rebase; what the files say does not.
//!
//! History is given as segments in order: what an item did, and what happened outside of all of them.
//! What another item takes away is superseded; what anybody else takes away is lost, and found again
//! when it comes back.

use std::collections::BTreeMap;

use crate::domain::id::Oid;

/// A file on one side of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub path: Vec<u8>,
    pub blob: Oid,
}

/// What became of one file: made, changed, moved, deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub from: Option<Side>,
    pub to: Option<Side>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Whose it is: a squash may be the work of several. Nobody's is outside of all items.
    pub items: Vec<usize>,
    pub changes: Vec<Change>,
}

/// What is left of an item's work. A file that it deleted counts as one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Lines that it made and that no other item took away.
    pub lines: u64,
    /// Those of them that are gone.
    pub lost: u64,
    /// The files that it made or changed, as they are called now.
    pub files: Vec<Vec<u8>>,
    /// Those in which something is lost.
    pub hurt: Vec<Vec<u8>>,
}

/// The measure of a small loss: at most one line in so many.
pub const MINOR_SHARE: u64 = 10;

impl Kept {
    /// Whether there is anything by which it can be told.
    #[must_use]
    pub fn tells(&self) -> bool {
        0 < self.lines
    }

    /// More than half of it is there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.lost.saturating_mul(2) < self.lines
    }

    /// At most a tenth of it is gone.
    #[must_use]
    pub fn is_minor(&self) -> bool {
        self.lost.saturating_mul(MINOR_SHARE) <= self.lines
    }
}

type Lines = BTreeMap<Vec<u8>, u64>;

#[derive(Debug, Default)]
struct File {
    there: Lines,
    lost: Lines,
    /// The item deleted it; whether it is there again.
    deleted: Option<bool>,
}

type Files = BTreeMap<Vec<u8>, File>;

/// What is left of each item's work after the last segment. `read` gives a file's content, and nothing
/// where it is no text or too large: such a file is one line.
pub fn trace(
    items: usize,
    segments: &[Segment],
    read: &mut dyn FnMut(&Oid) -> Option<Vec<u8>>,
) -> Vec<Kept> {
    let mut all: Vec<Files> = (0..items).map(|_| Files::new()).collect();
    for segment in segments {
        for change in &segment.changes {
            apply(&mut all, &segment.items, change, read);
        }
    }
    all.iter().map(kept).collect()
}

fn apply(
    all: &mut [Files],
    owners: &[usize],
    change: &Change,
    read: &mut dyn FnMut(&Oid) -> Option<Vec<u8>>,
) {
    let (from, to) = (change.from.as_ref(), change.to.as_ref());
    let path = |side: Option<&Side>| side.map(|side| side.path.clone());
    let Some(name) = path(from).or_else(|| path(to)) else { return };
    if owners.is_empty() && !all.iter().any(|files| files.contains_key(&name)) {
        return;
    }
    let mut side = |side: Option<&Side>| side.map_or_else(Lines::new, |side| lines(side, read));
    let (old, new) = (side(from), side(to));
    let (removed, added) = (minus(&old, &new), minus(&new, &old));
    let mut news = added.clone();
    for files in all.iter_mut() {
        let Some(mut file) = files.remove(&name) else { continue };
        let gone = take(&mut file.there, &removed);
        if owners.is_empty() {
            merge(&mut file.lost, gone);
        }
        let back = take(&mut file.lost, &added);
        news = minus(&news, &back);
        merge(&mut file.there, back);
        if let Some(again) = &mut file.deleted {
            *again = to.is_some();
        }
        // A file that is gone keeps its name: it may come back.
        files.insert(path(to).unwrap_or_else(|| name.clone()), file);
    }
    for owner in owners {
        let Some(files) = all.get_mut(*owner) else { continue };
        let file = files.entry(path(to).unwrap_or_else(|| name.clone())).or_default();
        // What came back to an item is that one's already.
        merge(&mut file.there, news.clone());
        file.deleted = to.is_none().then_some(false);
    }
}

fn kept(files: &Files) -> Kept {
    let mut kept = Kept::default();
    for (path, file) in files {
        let lost = file.lost.values().sum::<u64>() + u64::from(file.deleted == Some(true));
        kept.lines += file.there.values().sum::<u64>() + lost;
        kept.lines += u64::from(file.deleted == Some(false));
        kept.lost += lost;
        kept.files.push(path.clone());
        if 0 < lost {
            kept.hurt.push(path.clone());
        }
    }
    kept
}

/// Lines without the space around them; empty ones are nobody's work.
fn lines(side: &Side, read: &mut dyn FnMut(&Oid) -> Option<Vec<u8>>) -> Lines {
    let mut found = Lines::new();
    match read(&side.blob) {
        Some(text) => {
            for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
                if !line.is_empty() {
                    *found.entry(line.to_vec()).or_default() += 1;
                }
            }
        }
        None => {
            found.insert(format!("\0{}", side.blob).into_bytes(), 1);
        }
    }
    found
}

fn minus(of: &Lines, without: &Lines) -> Lines {
    let left = |line: &Vec<u8>, count: u64| {
        count.saturating_sub(without.get(line).copied().unwrap_or_default())
    };
    let rest = of.iter().map(|(line, count)| (line.clone(), left(line, *count)));
    rest.filter(|(_, count)| 0 < *count).collect()
}

/// Takes out what is in both.
fn take(of: &mut Lines, wanted: &Lines) -> Lines {
    let mut taken = Lines::new();
    for (line, count) in wanted {
        let Some(there) = of.get_mut(line) else { continue };
        let both = (*there).min(*count);
        *there -= both;
        if 0 < both {
            taken.insert(line.clone(), both);
        }
    }
    of.retain(|_, count| 0 < *count);
    taken
}

fn merge(into: &mut Lines, more: Lines) {
    for (line, count) in more {
        *into.entry(line).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a: old > new` with lines as words; `-` is no file, `=b` moves it.
    fn traced(items: usize, script: &str) -> Vec<(u64, u64)> {
        let mut blobs: BTreeMap<Oid, Vec<u8>> = BTreeMap::new();
        let mut segments = Vec::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (who, rest) = line.split_once(' ').unwrap();
            let (path, rest) = rest.split_once(": ").unwrap();
            let (old, new) = rest.split_once(" > ").unwrap();
            let (new, to) = new.split_once(" =").unwrap_or((new, path));
            let mut side = |text: &str, path: &str| {
                (text != "-").then(|| {
                    let content = text.replace(' ', "\n").into_bytes();
                    let blob = Oid::parse(&format!("{:0>40x}", blobs.len() + 1)).unwrap();
                    blobs.insert(blob.clone(), content);
                    Side { path: path.into(), blob }
                })
            };
            let change = Change { from: side(old, path), to: side(new, to) };
            let items = who.split('+').filter_map(|item| item.parse().ok()).collect();
            segments.push(Segment { items, changes: vec![change] });
        }
        let kept = trace(items, &segments, &mut |id| blobs.get(id).cloned());
        kept.into_iter().map(|kept| (kept.lines, kept.lost)).collect()
    }

    #[test]
    fn what_others_take_away_is_lost_until_it_is_back() {
        for (script, expected) in [
            ("0 a: - > x y", (2, 0)),
            ("0 a: - > x y\n- a: x y > -", (2, 2)),
            ("0 a: - > x y\n- a: x y > -\n- a: - > y x z", (2, 0)),
            ("0 a: - > x y\n- a: x y > x q", (2, 1)),
            ("0 a: - > x y\n- a: x y > x y =b\n- b: x y > -", (2, 2)),
            ("0 a: - > x y\n- a: x y > z x y", (2, 0)),
            ("0 a: x y > -", (1, 0)),
            ("0 a: x y > -\n- a: - > x y", (1, 1)),
            ("0 a: b > b x\n- a: b x > b", (1, 1)),
            ("0 a: - > x x\n- a: x x > x", (2, 1)),
        ] {
            assert_eq!(traced(1, script), [expected], "{script}");
        }
    }

    #[test]
    fn what_another_item_takes_away_is_superseded() {
        for (script, expected) in [
            ("0 a: - > x y\n1 a: x y > x z", [(1, 0), (1, 0)]),
            ("0 a: - > x y\n1 a: x y > -", [(0, 0), (1, 0)]),
            ("0 a: - > x y\n1 a: x y > x y z\n- a: x y z > z", [(2, 2), (1, 0)]),
            ("0 a: - > x\n- a: x > -\n1 a: - > z", [(1, 1), (1, 0)]),
            ("0+1 a: - > x\n- a: x > -", [(1, 1), (1, 1)]),
        ] {
            assert_eq!(traced(2, script), expected, "{script}");
        }
    }

    #[test]
    fn the_measures_are_half_and_a_tenth() {
        let kept = |lines, lost| Kept { lines, lost, ..Kept::default() };
        for (lines, lost, there, minor) in [
            (10, 0, true, true),
            (10, 1, true, true),
            (10, 2, true, false),
            (10, 5, false, false),
            (1, 1, false, false),
        ] {
            assert_eq!(
                (kept(lines, lost).is_there(), kept(lines, lost).is_minor()),
                (there, minor)
            );
        }
        assert!(!kept(0, 0).tells());
    }
}
