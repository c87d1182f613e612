//! Which files commits took away, and which are gone from the work tree. Paths are bytes, separated
//! by zero bytes: nothing is quoted, and nothing is read line by line.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use anyhow::{Context as _, ensure};
use gix::{
    objs::{Kind, tree::EntryKind},
    prelude::HeaderExt as _,
};

use super::{
    Repo,
    objects::{Entry, from_gix, to_gix},
    worktree::COMMIT_BYTES_MAX,
};
use crate::domain::{
    deletion::{Deletion, Mode},
    id::Oid,
};

/// Files on one side beyond which git compares only whole contents and no longer likeness: its own
/// default, whatever the user has set, so that the answer is the same everywhere.
const RENAME_CANDIDATES_MAX: u32 = 1000;
/// Commits of one range that are looked at, the newest first.
pub const RANGE_COMMITS_MAX: usize = 5000;
/// Files that no commit has, and bytes of one, that are compared with what is gone.
const NEW_FILES_MAX: usize = 1000;
const NEW_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const TREE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most directories on the way to a file that are kept at hand.
const TREES_KEPT_MAX: usize = 10_000;

/// What became of one path between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Deleted { path: Vec<u8>, mode: Mode, oid: Oid },
    Renamed { from: Vec<u8>, to: Vec<u8> },
}

/// The deletions of a chain of commits along first parents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    /// Oldest first.
    pub chain: Vec<Oid>,
    pub deletions: Vec<Deletion>,
    /// Commits that were too many to be looked at.
    pub unseen: u64,
}

impl Repo {
    /// What a commit deleted, against its first parent. A first commit deleted nothing.
    pub fn deletions_of(&self, commit: &Oid) -> anyhow::Result<Vec<Deletion>> {
        let parents = self.read_commit(commit, COMMIT_BYTES_MAX)?.parents;
        let Some(parent) = parents.first() else { return Ok(Vec::new()) };
        self.deletions_of_pairs(&format!("{commit} {parent}\n"))
            .with_context(|| format!("what {} deleted", commit.short()))
    }

    /// What each commit of `from..to` deleted. Along first parents: what a merge brings in was done
    /// by the merge, and a branch that was merged is not taken apart.
    pub fn deletions_between(&self, from: &Oid, to: &Oid) -> anyhow::Result<Range> {
        let range = format!("{from}..{to}");
        let listed = |how: &str| -> anyhow::Result<String> {
            let words = ["rev-list", "--first-parent", "--parents", how, &range, "--"];
            Ok(String::from_utf8_lossy(&self.git().output(&words)?).into_owned())
        };
        let newest = listed(&format!("--max-count={RANGE_COMMITS_MAX}"))?;
        let mut lines: Vec<_> = newest.lines().collect();
        let unseen = match lines.len() {
            RANGE_COMMITS_MAX => {
                listed("--count")?.trim().parse::<u64>()?.saturating_sub(lines.len() as u64)
            }
            _ => 0,
        };
        lines.reverse();
        let (mut chain, mut pairs) = (Vec::new(), String::new());
        for line in lines {
            let mut ids = line.split(' ');
            chain.extend(ids.next().and_then(|id| Oid::parse(id).ok()));
            if let (Some(commit), Some(parent)) = (chain.last(), ids.next()) {
                pairs.push_str(&format!("{commit} {parent}\n"));
            }
        }
        let deletions = self
            .deletions_of_pairs(&pairs)
            .with_context(|| format!("what {}..{} deleted", from.short(), to.short()))?;
        Ok(Range { chain, deletions, unseen })
    }

    /// The deletions of lines `<commit> <parent>`.
    fn deletions_of_pairs(&self, pairs: &str) -> anyhow::Result<Vec<Deletion>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let words = diff_words("diff-tree", "D");
        let out =
            self.git().answer(&[&words[..], &["--stdin".into()]].concat(), pairs.as_bytes())?;
        let mut commit = None;
        let mut found = Vec::new();
        for field in parse(&out)? {
            match field {
                Field::Commit(id) => commit = Some(id),
                Field::Change(Change::Deleted { path, mode, oid }) => {
                    found.push(self.deletion(path, mode, oid, commit.clone()));
                }
                Field::Change(Change::Renamed { .. }) => {}
            }
        }
        Ok(found)
    }

    /// What is deleted and what is renamed when `from` and `to` alone are compared.
    pub fn changed_between(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<Change>> {
        let words = diff_words("diff-tree", "DR");
        let out = self.git().output(&[&words[..], &[from.to_string(), to.to_string()]].concat())?;
        changes(&out)
    }

    /// What is deleted when `from` and `to` alone are compared, as if `to` had done it at once.
    pub fn deletions_from(&self, from: &Oid, to: &Oid) -> anyhow::Result<Vec<Deletion>> {
        let changes = self.changed_between(from, to)?.into_iter();
        Ok(changes
            .filter_map(|change| match change {
                Change::Deleted { path, mode, oid } => {
                    Some(self.deletion(path, mode, oid, Some(to.clone())))
                }
                Change::Renamed { .. } => None,
            })
            .collect())
    }

    /// What HEAD has and the work tree has no longer, deleted or moved to a file that no commit has.
    pub fn deletions_uncommitted(&self) -> anyhow::Result<(Vec<Deletion>, Vec<Change>)> {
        let words = diff_words("diff-index", "D");
        let out = self.git().output(&[&words[..], &["HEAD".into(), "--".into()]].concat())?;
        let mut gone = Vec::new();
        for change in changes(&out)? {
            // Taken out of the index alone: the file is still there.
            if let Change::Deleted { path, mode, oid } = change
                && !self.is_in_worktree(&path, mode)
            {
                gone.push(self.deletion(path, mode, oid, None));
            }
        }
        let moved = if gone.is_empty() { Vec::new() } else { self.moved_unstaged(&gone)? };
        Ok((gone, moved))
    }

    /// Files that no commit has and whose content is that of a file that is gone.
    fn moved_unstaged(&self, gone: &[Deletion]) -> anyhow::Result<Vec<Change>> {
        let Some(top) = self.worktree() else { return Ok(Vec::new()) };
        let mut by_content: HashMap<&Oid, Vec<&Deletion>> = HashMap::new();
        for deletion in gone.iter().rev() {
            by_content.entry(&deletion.oid).or_default().push(deletion);
        }
        let sizes: HashSet<u64> = gone.iter().filter_map(|deletion| deletion.size).collect();
        let out = self.git().output(&["ls-files", "-z", "--others", "--exclude-standard"])?;
        let mut moved = Vec::new();
        for path in out.split(|byte| *byte == 0).filter(|path| !path.is_empty()).take(NEW_FILES_MAX)
        {
            let Some(id) = content_id(self, &top.join(OsStr::from_bytes(path)), &sizes) else {
                continue;
            };
            if let Some(deletion) = by_content.get_mut(&id).and_then(Vec::pop) {
                moved.push(Change::Renamed { from: deletion.path.clone(), to: path.to_vec() });
            }
        }
        Ok(moved)
    }

    /// Which of the paths are files, links or submodules in the tree of `commit`.
    pub fn present_in(
        &self,
        commit: &Oid,
        paths: &HashSet<Vec<u8>>,
    ) -> anyhow::Result<HashSet<Vec<u8>>> {
        let root = self.tree_of(commit)?;
        let mut trees = HashMap::new();
        let mut present = HashSet::new();
        for path in paths {
            if self.has_path(&root, path, &mut trees)? {
                present.insert(path.clone());
            }
        }
        Ok(present)
    }

    fn has_path(
        &self,
        root: &Oid,
        path: &[u8],
        trees: &mut HashMap<Oid, BTreeMap<Vec<u8>, Entry>>,
    ) -> anyhow::Result<bool> {
        let mut id = root.clone();
        let mut parts = path.split(|byte| *byte == b'/').peekable();
        while let Some(part) = parts.next() {
            if TREES_KEPT_MAX <= trees.len() {
                trees.clear();
            }
            if !trees.contains_key(&id) {
                trees.insert(id.clone(), self.read_tree(&id, TREE_BYTES_MAX)?);
            }
            let Some(entry) = trees.get(&id).and_then(|tree| tree.get(part)) else {
                return Ok(false);
            };
            match (entry.kind, parts.peek()) {
                (EntryKind::Tree, Some(_)) => id = entry.id.clone(),
                (kind, next) => return Ok(kind != EntryKind::Tree && next.is_none()),
            }
        }
        Ok(false)
    }

    /// Whether the work tree has such a file here. What is reached through a link is elsewhere.
    #[must_use]
    pub fn is_in_worktree(&self, path: &[u8], mode: Mode) -> bool {
        let Some(top) = self.worktree() else { return false };
        let mut at = top.to_owned();
        let mut parts = path.split(|byte| *byte == b'/').peekable();
        while let Some(part) = parts.next() {
            if matches!(part, b"" | b"." | b"..") {
                return false;
            }
            at.push(OsStr::from_bytes(part));
            let Ok(about) = fs::symlink_metadata(&at) else { return false };
            if parts.peek().is_some() && !about.is_dir() {
                return false;
            }
        }
        let Ok(about) = fs::symlink_metadata(&at) else { return false };
        if mode == Mode::SUBMODULE { at.join(".git").exists() } else { !about.is_dir() }
    }

    fn deletion(&self, path: Vec<u8>, mode: Mode, oid: Oid, commit: Option<Oid>) -> Deletion {
        let size = if mode == Mode::SUBMODULE { None } else { self.size_of(&oid) };
        Deletion { path, mode, oid, size, commit, place: None }
    }

    /// The size of an object that is here, from its header alone.
    fn size_of(&self, id: &Oid) -> Option<u64> {
        Some(self.gix().objects.header(to_gix(id).ok()?).ok()?.size())
    }
}

/// Raw output without quoting, with renames found in the same way for everybody.
fn diff_words(command: &str, filter: &str) -> Vec<String> {
    let words = [command, "-r", "-z", "--raw", "-M", "--no-ext-diff", "--ignore-submodules=none"];
    let mut words: Vec<_> = words.map(str::to_owned).into();
    words.extend([format!("-l{RENAME_CANDIDATES_MAX}"), format!("--diff-filter={filter}")]);
    words
}

/// The id that the content of a file would have; nothing when its size is none of these.
fn content_id(repo: &Repo, path: &Path, sizes: &HashSet<u64>) -> Option<Oid> {
    let about = fs::symlink_metadata(path).ok()?;
    if !sizes.contains(&about.len()) || NEW_FILE_BYTES_MAX < about.len() {
        return None;
    }
    let content = if about.is_symlink() {
        fs::read_link(path).ok()?.as_os_str().as_bytes().to_vec()
    } else if about.is_file() {
        fs::read(path).ok()?
    } else {
        return None;
    };
    let hash = repo.gix().object_hash();
    Some(from_gix(&gix::objs::compute_hash(hash, Kind::Blob, &content).ok()?))
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Commit(Oid),
    Change(Change),
}

fn changes(out: &[u8]) -> anyhow::Result<Vec<Change>> {
    let fields = parse(out)?.into_iter();
    Ok(fields
        .filter_map(|field| match field {
            Field::Change(change) => Some(change),
            Field::Commit(_) => None,
        })
        .collect())
}

/// `:<mode> <mode> <id> <id> D`, zero, path, zero; a rename has two paths; before the changes of a
/// commit stands its id.
fn parse(out: &[u8]) -> anyhow::Result<Vec<Field>> {
    let mut fields = out.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let Some(field) = fields.next().filter(|field| !field.is_empty()) {
        let text = std::str::from_utf8(field).context("git wrote a header that is no text")?;
        let Some(header) = text.strip_prefix(':') else {
            found.push(Field::Commit(Oid::parse(text)?));
            continue;
        };
        let mut words = header.split(' ');
        let mut word = || words.next().context("git wrote too short a header");
        let (mode, _, oid, _, status) = (word()?, word()?, word()?, word()?, word()?);
        let mut path = || fields.next().filter(|path| !path.is_empty()).map(<[u8]>::to_vec);
        let first = path().context("git wrote a change without a path")?;
        found.push(Field::Change(if status.starts_with(['R', 'C']) {
            let to = path().context("git wrote a rename with one path")?;
            Change::Renamed { from: first, to }
        } else {
            ensure!(status == "D", "git wrote a change of the kind `{status}`");
            let mode = Mode::parse(mode).context("git wrote a mode that is none")?;
            Change::Deleted { path: first, mode, oid: Oid::parse(oid)? }
        }));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "78981922613b2afb6025042ff6bd878ac1994e85";
    const NULL: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn raw_output_is_read_byte_by_byte() {
        let mut out = format!("{ID}\0:100644 000000 {ID} {NULL} D\0").into_bytes();
        out.extend_from_slice(b"-a|\n\xff\xc3\xa9\0");
        out.extend_from_slice(format!(":100644 100644 {ID} {ID} R086\0a b\0:c\0").as_bytes());
        let id = Oid::parse(ID).unwrap();
        let path = b"-a|\n\xff\xc3\xa9".to_vec();
        let expected = vec![
            Field::Commit(id.clone()),
            Field::Change(Change::Deleted { path, mode: Mode(0o100_644), oid: id }),
            Field::Change(Change::Renamed { from: b"a b".to_vec(), to: b":c".to_vec() }),
        ];
        assert_eq!(parse(&out).unwrap(), expected);
        assert_eq!(parse(b"").unwrap(), []);
    }

    #[test]
    fn what_is_cut_short_or_strange_is_an_error() {
        for bad in [
            "x".to_owned(),
            format!(":100644 000000 {ID} {NULL} D"),
            format!(":100644 000000 {ID} {NULL} D\0\0"),
            format!(":100644 000000 {ID} {NULL} A\0a\0"),
            format!(":100644 000000 {ID} {NULL}\0a\0"),
            format!(":100644 000000 {ID} {ID} R100\0a\0"),
            format!(":1x 000000 {ID} {NULL} D\0a\0"),
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
