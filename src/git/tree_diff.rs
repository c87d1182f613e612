//! What differs between two trees, file by file: read in process, or as git itself says it.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, bail, ensure};
use gix::objs::tree::{EntryKind, EntryMode};

use super::{Repo, bulk::Bulk, objects::Entry, program::Git};
use crate::domain::{
    check::change,
    id::Oid,
    restore::{Change, File},
};

const TREE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// As deep as git goes by itself.
const DEPTH_MAX: usize = 2048;
/// How often one comparison meets the same two trees: a few small ones that name each other can stand for
/// more paths than there is time.
const MEETINGS_MAX: u32 = 10_000;
const CHANGES_MAX: usize = 1_000_000;

type Entries = BTreeMap<Vec<u8>, Entry>;

/// Every path whose file is not the same in both, in git's order. Renames are a removal and an addition.
fn compare(
    read: &dyn Fn(&Oid) -> anyhow::Result<Entries>,
    from: &Oid,
    to: &Oid,
) -> anyhow::Result<Vec<change::Change>> {
    let mut found = Vec::new();
    let mut left = vec![(Vec::new(), 0, Some(from.clone()), Some(to.clone()))];
    let mut met: HashMap<_, u32> = HashMap::new();
    while let Some((above, depth, from, to)) = left.pop() {
        if from == to {
            continue;
        }
        let meetings = met.entry((from.clone(), to.clone())).or_default();
        *meetings += 1;
        ensure!(
            *meetings <= MEETINGS_MAX,
            "the same trees are there more than {MEETINGS_MAX} times"
        );
        ensure!(depth < DEPTH_MAX, "the trees are more than {DEPTH_MAX} deep");
        let entries = |id: Option<Oid>| id.map_or(Ok(Entries::new()), |id| read(&id));
        let (was, mut is) = (entries(from)?, entries(to)?);
        let mut pairs: Vec<_> = was
            .into_iter()
            .map(|(name, was)| {
                let is = is.remove(&name);
                (name, Some(was), is)
            })
            .collect();
        pairs.extend(is.into_iter().map(|(name, is)| (name, None, Some(is))));
        for (name, was, is) in pairs {
            if was == is {
                continue;
            }
            let path = [&above[..], &name].concat();
            let (was_tree, was) = sides(was);
            let (is_tree, is) = sides(is);
            if was_tree.is_some() || is_tree.is_some() {
                left.push(([&path[..], b"/"].concat(), depth + 1, was_tree, is_tree));
            }
            if was.is_some() || is.is_some() {
                found.push(change::Change { path, was, is });
            }
        }
        ensure!(found.len() <= CHANGES_MAX, "more than {CHANGES_MAX} paths differ");
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// An entry is a tree or a file.
fn sides(entry: Option<Entry>) -> (Option<Oid>, Option<File>) {
    match entry {
        None => (None, None),
        Some(Entry { kind: EntryKind::Tree, id }) => (Some(id), None),
        Some(Entry { kind, id }) => {
            (None, Some(File { mode: EntryMode::from(kind).value().into(), id }))
        }
    }
}

impl Bulk<'_> {
    /// Every path whose file is not the same in both trees; they may be the repository's or its own.
    pub(super) fn compare(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<change::Change>> {
        compare(&|id| self.read_tree(id, TREE_BYTES_MAX), from, to)
    }

    /// What a tree has at a path, when it is a file.
    pub(super) fn file_of(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<Option<File>> {
        let entry = entry_of(&|id| self.read_tree(id, TREE_BYTES_MAX), tree, path)?;
        Ok(sides(entry).1)
    }
}

/// The same, as git itself says it: for whoever is about to write or remove these files.
pub fn changes(git: &Git, now: &Oid, then: &Oid) -> anyhow::Result<Vec<Change>> {
    if now == then {
        return Ok(Vec::new());
    }
    let words = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index"];
    parse(&git.output(&[&words[..], &[now.as_str(), then.as_str(), "--"]].concat())?)
}

impl Repo {
    /// Every path whose file is not the same in both trees, in git's order.
    pub fn compare(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<change::Change>> {
        compare(&|id| self.read_tree(id, TREE_BYTES_MAX), from, to)
    }

    /// Whether a tree has this path, a file's or a directory's.
    pub fn tree_has(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<bool> {
        Ok(self.tree_kind(tree, path)?.is_some())
    }

    /// Whether a tree has a file of this path.
    pub fn tree_has_file(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<bool> {
        Ok(self.tree_kind(tree, path)?.is_some_and(|kind| kind != EntryKind::Tree))
    }

    fn tree_kind(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<Option<EntryKind>> {
        let entry = entry_of(&|id| self.read_tree(id, TREE_BYTES_MAX), tree, path)?;
        Ok(entry.map(|entry| entry.kind))
    }
}

/// What a tree has at a path; at none, itself.
fn entry_of(
    read: &dyn Fn(&Oid) -> anyhow::Result<Entries>,
    tree: &Oid,
    path: &[u8],
) -> anyhow::Result<Option<Entry>> {
    let mut at = Entry { kind: EntryKind::Tree, id: tree.clone() };
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        if at.kind != EntryKind::Tree {
            return Ok(None);
        }
        let Some(entry) = read(&at.id)?.remove(part) else { return Ok(None) };
        at = entry;
    }
    Ok(Some(at))
}

/// `:mode mode id id letter<NUL>path<NUL>`
fn parse(out: &[u8]) -> anyhow::Result<Vec<Change>> {
    let mut fields = out.split(|byte| *byte == 0).filter(|field| !field.is_empty());
    let mut changes = Vec::new();
    while let Some(head) = fields.next() {
        let path = fields.next().context("a difference has no path")?.to_vec();
        let text = std::str::from_utf8(head)?.strip_prefix(':').context("it begins oddly")?;
        let [mode_now, mode_then, id_now, id_then, _] =
            text.split(' ').collect::<Vec<_>>().try_into().ok().context("it has odd fields")?;
        let (now, then) = (file(mode_now, id_now)?, file(mode_then, id_then)?);
        changes.push(Change { path, now, then });
    }
    Ok(changes)
}

fn file(mode: &str, id: &str) -> anyhow::Result<Option<File>> {
    match u32::from_str_radix(mode, 8) {
        Ok(0) => Ok(None),
        Ok(mode) => Ok(Some(File { mode, id: Oid::parse(id)? })),
        Err(_) => bail!("`{}` is no mode", mode.escape_debug()),
    }
}
