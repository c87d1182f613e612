//! What differs between HEAD, index and work tree: `git status` as data.
//!
//! It writes nothing, not even the index's cache of what it saw.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _};

use anyhow::{Context as _, bail};
use gix::objs::tree::EntryKind;
use rustix::io::Errno;

use super::{Repo, objects::Entry, tree_edit::Edits};
use crate::domain::{
    checkpoint::{Submodule, Unmerged},
    id::Oid,
};

/// Everything that is not as HEAD has it.
#[derive(Debug, Default)]
pub struct Scan {
    /// What the index has at paths where HEAD has something else.
    pub staged: Edits,
    /// Tracked paths whose file is not as the index has it, with what git takes the file for.
    pub changed: Vec<Changed>,
    /// Tracked paths whose file is gone.
    pub removed: Vec<Vec<u8>>,
    pub untracked: Vec<Vec<u8>>,
    /// Repositories of their own inside the work tree, that are no submodules.
    pub nested: Vec<Vec<u8>>,
    pub submodules: Vec<Submodule>,
    pub unmerged: Vec<Unmerged>,
    pub intent_to_add: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub path: Vec<u8>,
    pub kind: EntryKind,
    /// What the index has there; nothing for a path that is not merged.
    pub index: Option<Entry>,
}

impl Repo {
    pub fn scan(&self) -> anyhow::Result<Scan> {
        let words = [
            "status",
            "--porcelain=v2",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=none",
        ];
        let finished = self.git().plumbing(&words)?;
        if !finished.status.success() {
            bail!("git status failed: {}", String::from_utf8_lossy(&finished.stderr).trim());
        }
        let mut scan = parse(&finished.stdout)?;
        if !finished.stderr.is_empty() {
            self.gone_behind_loops(&mut scan)?;
        }
        Ok(scan)
    }

    /// A tracked file behind a link that leads to itself is gone, but git only complains of the link.
    fn gone_behind_loops(&self, scan: &mut Scan) -> anyhow::Result<()> {
        let Some(top) = self.worktree() else { return Ok(()) };
        for path in self.git().output(&["ls-files", "-z"])?.split(|byte| *byte == 0) {
            let looked = fs::symlink_metadata(top.join(OsStr::from_bytes(path)));
            let is_loop =
                looked.is_err_and(|error| Errno::from_io_error(&error) == Some(Errno::LOOP));
            if is_loop && !scan.removed.iter().any(|known| known == path) {
                scan.removed.push(path.to_vec());
            }
        }
        Ok(())
    }
}

/// Reads `git status --porcelain=v2 -z --no-renames`.
pub fn parse(out: &[u8]) -> anyhow::Result<Scan> {
    let mut scan = Scan::default();
    for record in out.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let read = match record[0] {
            b'1' => ordinary(&mut scan, record),
            b'u' => unmerged(&mut scan, record),
            b'?' => untracked(&mut scan, record),
            b'#' | b'!' => Ok(()),
            _ => Err(anyhow::anyhow!("it is of an unknown kind")),
        };
        read.with_context(|| format!("what git says: `{}`", record.escape_ascii()))?;
    }
    Ok(scan)
}

fn fields<const N: usize>(record: &[u8]) -> anyhow::Result<[&[u8]; N]> {
    let parts: Vec<_> = record.splitn(N, |byte| *byte == b' ').collect();
    parts.try_into().ok().context("it has too few fields")
}

/// `1 XY sub mH mI mW hH hI path`
fn ordinary(scan: &mut Scan, record: &[u8]) -> anyhow::Result<()> {
    let [_, xy, sub, _, mode_index, mode_file, _, id_index, path] = fields::<9>(record)?;
    let [x, y] = *xy else { bail!("its state has not two letters") };
    let path = path.to_vec();
    let index = entry(mode_index, id_index)?;
    if x != b'.' {
        scan.staged.insert(path.clone(), index.clone());
    }
    let is_submodule = note_submodule(scan, &path, sub);
    match y {
        b'.' => {}
        b'D' => scan.removed.push(path),
        b'M' if is_submodule && sub.get(1) != Some(&b'C') => {}
        b'A' | b'M' | b'T' => {
            if y == b'A' {
                scan.intent_to_add.push(path.clone());
            }
            let kind = kind(mode_file)?.context("its file has no mode")?;
            scan.changed.push(Changed { path, kind, index });
        }
        _ => bail!("its state is unknown"),
    }
    Ok(())
}

/// `u XY sub m1 m2 m3 mW h1 h2 h3 path`
fn unmerged(scan: &mut Scan, record: &[u8]) -> anyhow::Result<()> {
    let [_, _, sub, m1, m2, m3, mode_file, h1, h2, h3, path] = fields::<11>(record)?;
    note_submodule(scan, path, sub);
    for (stage, mode, id) in [(1, m1, h1), (2, m2, h2), (3, m3, h3)] {
        if let Some(entry) = entry(mode, id)? {
            let mode: gix::objs::tree::EntryMode = entry.kind.into();
            let (mode, id) = (u32::from(mode.value()), entry.id);
            scan.unmerged.push(Unmerged { path: path.to_vec(), stage, mode, id });
        }
    }
    // The index as a tree has no entry for it.
    scan.staged.insert(path.to_vec(), None);
    if let Some(kind) = kind(mode_file)? {
        scan.changed.push(Changed { path: path.to_vec(), kind, index: None });
    }
    Ok(())
}

/// `? path`; a directory that git does not look into is a repository of its own.
fn untracked(scan: &mut Scan, record: &[u8]) -> anyhow::Result<()> {
    let [_, path] = fields::<2>(record)?;
    match path.strip_suffix(b"/") {
        Some(directory) => scan.nested.push(directory.to_vec()),
        None => scan.untracked.push(path.to_vec()),
    }
    Ok(())
}

/// `N...`, or `S` with `C` for other commits, `M` for changes and `U` for untracked files inside.
fn note_submodule(scan: &mut Scan, path: &[u8], sub: &[u8]) -> bool {
    let [b'S', moved, modified, untracked] = *sub else { return false };
    let (moved, modified, untracked) = (moved == b'C', modified == b'M', untracked == b'U');
    if moved || modified || untracked {
        scan.submodules.push(Submodule { path: path.to_vec(), moved, modified, untracked });
    }
    true
}

fn entry(mode: &[u8], id: &[u8]) -> anyhow::Result<Option<Entry>> {
    let Some(kind) = kind(mode)? else { return Ok(None) };
    Ok(Some(Entry { kind, id: Oid::parse(std::str::from_utf8(id)?)? }))
}

/// A line of `git ls-files --stage`: `mode id stage<TAB>path`.
pub(super) fn staged_line(line: &[u8]) -> anyhow::Result<(Entry, Vec<u8>)> {
    let at = line.iter().position(|byte| *byte == b'\t').context("it has no path")?;
    let [mode, id, _] = fields::<3>(&line[..at])?;
    let entry = entry(mode, id)?.context("it has no mode")?;
    Ok((entry, line[at + 1..].to_vec()))
}

/// The kind of an entry by its octal mode; nothing for `000000`.
pub(super) fn kind(mode: &[u8]) -> anyhow::Result<Option<EntryKind>> {
    Ok(match mode {
        b"000000" => None,
        b"100644" | b"100664" => Some(EntryKind::Blob),
        b"100755" => Some(EntryKind::BlobExecutable),
        b"120000" => Some(EntryKind::Link),
        b"160000" => Some(EntryKind::Commit),
        b"040000" => Some(EntryKind::Tree),
        _ => bail!("`{}` is no mode", mode.escape_ascii()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    const NO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn every_kind_of_line_is_read_with_its_bytes() {
        let out = [
            format!("1 M. N... 100644 100755 100755 {NO} {ID} staged"),
            format!("1 .M N... 100644 100644 120000 {ID} {ID} a b\n\"c"),
            format!("1 .D N... 100644 100644 000000 {ID} {ID} gone"),
            format!("1 D. N... 100644 000000 000000 {ID} {NO} unstaged"),
            format!("1 .A N... 000000 000000 100644 {NO} {NO} later"),
            format!("1 .M S.MU 160000 160000 160000 {ID} {ID} dirty"),
            format!("1 .M SC.. 160000 160000 160000 {ID} {ID} moved"),
            format!("u UU N... 100644 100644 100644 100644 {ID} {ID} {ID} both"),
            "? new file".to_owned(),
            "? inner/".to_owned(),
        ];
        let scan = parse(out.join("\0").as_bytes()).unwrap();
        let names = |paths: Vec<&[u8]>| paths.join(&b'|');
        assert_eq!(
            names(scan.changed.iter().map(|c| &*c.path).collect()),
            b"a b\n\"c|later|moved|both"
        );
        assert_eq!(
            scan.staged.keys().map(Vec::as_slice).collect::<Vec<_>>(),
            [b"both".as_slice(), b"staged", b"unstaged"]
        );
        assert_eq!(
            (scan.removed, scan.untracked),
            (vec![b"gone".to_vec()], vec![b"new file".to_vec()])
        );
        assert_eq!((scan.nested.len(), scan.submodules.len(), scan.unmerged.len()), (1, 2, 3));
        assert_eq!(scan.intent_to_add, [b"later".to_vec()]);
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        for bad in ["x", "1 M. N...", "1 XYZ N... 1 1 1 a b c", "2 R. N... 1 1 1 a b R100 c", "?"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
