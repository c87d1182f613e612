//! Trees from trees: entries put in and taken out, and only the directories on the way written anew.

use std::collections::BTreeMap;

use gix::objs::tree::EntryKind;

use super::{bulk::Bulk, objects::Entry};
use crate::domain::id::Oid;

/// A directory with more entries than fit is not read.
const TREE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Deeper than any file system goes.
const DEPTH_MAX: usize = 2048;

/// Paths and what shall be there; nothing is there after `None`.
pub type Edits = BTreeMap<Vec<u8>, Option<Entry>>;

/// The tree that `base` becomes by the edits. What is put in wins over what stands in its way.
pub fn edit(bulk: &mut Bulk<'_>, base: Option<&Oid>, edits: &Edits) -> anyhow::Result<Oid> {
    let edits: Vec<_> = edits.iter().map(|(path, entry)| (path.as_slice(), entry)).collect();
    match within(bulk, base, &edits, 0)? {
        Some(tree) => Ok(tree),
        None => bulk.tree(&BTreeMap::new()),
    }
}

/// What goes on below one name.
#[derive(Default)]
struct Below<'a> {
    here: Option<&'a Option<Entry>>,
    inside: Vec<(&'a [u8], &'a Option<Entry>)>,
}

/// Nothing when the tree became empty: git has no empty directories.
fn within(
    bulk: &mut Bulk<'_>,
    base: Option<&Oid>,
    edits: &[(&[u8], &Option<Entry>)],
    depth: usize,
) -> anyhow::Result<Option<Oid>> {
    anyhow::ensure!(depth < DEPTH_MAX, "a path has more than {DEPTH_MAX} directories");
    if let (Some(base), []) = (base, edits) {
        return Ok(Some(base.clone()));
    }
    let mut entries = match base {
        Some(base) => bulk.read_tree(base, TREE_BYTES_MAX)?,
        None => BTreeMap::new(),
    };
    let mut names: BTreeMap<&[u8], Below<'_>> = BTreeMap::new();
    for (path, entry) in edits.iter().copied() {
        match path.iter().position(|byte| *byte == b'/') {
            Some(at) => names.entry(&path[..at]).or_default().inside.push((&path[at + 1..], entry)),
            None => names.entry(path).or_default().here = Some(entry),
        }
    }
    for (name, below) in names {
        if let Some(entry) = below.here {
            match entry {
                Some(entry) => drop(entries.insert(name.to_vec(), entry.clone())),
                // What is taken out is a file; a directory of its name is none.
                None if entries.get(name).is_some_and(|old| old.kind == EntryKind::Tree) => {}
                None => drop(entries.remove(name)),
            }
        }
        let adds = below.inside.iter().any(|(_, entry)| entry.is_some());
        let old = entries.get(name).filter(|old| old.kind == EntryKind::Tree);
        // What is taken out below a file or below nothing is out already.
        if below.inside.is_empty() || (old.is_none() && !adds) {
            continue;
        }
        let old = old.map(|old| old.id.clone());
        match within(bulk, old.as_ref(), &below.inside, depth + 1)? {
            Some(id) => {
                entries.insert(name.to_vec(), Entry { kind: EntryKind::Tree, id });
            }
            None => drop(entries.remove(name)),
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    bulk.tree(&entries).map(Some)
}
