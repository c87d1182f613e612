//! What differs between two trees, file by file: git's own comparison as data.

use anyhow::{Context as _, bail};

use gix::objs::tree::EntryKind;

use super::{Repo, program::Git};
use crate::domain::{
    id::Oid,
    restore::{Change, File},
};

const TREE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Every file that is not the same in both, in git's order. Renames are a removal and an addition.
pub fn changes(git: &Git, now: &Oid, then: &Oid) -> anyhow::Result<Vec<Change>> {
    if now == then {
        return Ok(Vec::new());
    }
    let words = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index"];
    parse(&git.output(&[&words[..], &[now.as_str(), then.as_str(), "--"]].concat())?)
}

impl Repo {
    /// Whether a tree has this path, a file's or a directory's.
    pub fn tree_has(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<bool> {
        Ok(self.tree_kind(tree, path)?.is_some())
    }

    /// Whether a tree has a file of this path.
    pub fn tree_has_file(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<bool> {
        Ok(self.tree_kind(tree, path)?.is_some_and(|kind| kind != EntryKind::Tree))
    }

    fn tree_kind(&self, tree: &Oid, path: &[u8]) -> anyhow::Result<Option<EntryKind>> {
        let (mut tree, mut kind) = (tree.clone(), EntryKind::Tree);
        for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
            if kind != EntryKind::Tree {
                return Ok(None);
            }
            let entries = self.read_tree(&tree, TREE_BYTES_MAX)?;
            let Some(entry) = entries.get(part) else { return Ok(None) };
            (tree, kind) = (entry.id.clone(), entry.kind);
        }
        Ok(Some(kind))
    }
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
