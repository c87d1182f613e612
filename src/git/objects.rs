//! Objects, bounded when read and durable when written.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use gix::{
    objs::{CommitRef, Exists as _, Find as _, Kind, TreeRefIter, Write as _, tree::EntryKind},
    prelude::HeaderExt as _,
};

use super::Repo;
use crate::{domain::id::Oid, process::fault};

/// A commit as far as the journal needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub message: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    pub id: Oid,
}

/// Who a commit of this program's own says that it is from. Nobody's name is needed for it.
const SIGNATURE: &str = "git-run <git-run@localhost>";

impl Repo {
    pub fn read_commit(&self, id: &Oid, bytes_max: u64) -> anyhow::Result<Commit> {
        let data = self.read(id, Kind::Commit, bytes_max)?;
        let commit = CommitRef::from_bytes(&data, self.gix().object_hash())
            .with_context(|| format!("commit `{id}` cannot be decoded"))?;
        Ok(Commit {
            tree: from_gix(&commit.tree()),
            parents: commit.parents().map(|parent| from_gix(&parent)).collect(),
            message: commit.message.to_vec(),
        })
    }

    /// Who wrote a commit, as it says: a name, else an address.
    pub fn author_of(&self, id: &Oid, bytes_max: u64) -> anyhow::Result<String> {
        let data = self.read(id, Kind::Commit, bytes_max)?;
        let commit = CommitRef::from_bytes(&data, self.gix().object_hash())
            .with_context(|| format!("commit `{id}` cannot be decoded"))?;
        let author = commit.author()?;
        let said = if author.name.is_empty() { author.email } else { author.name };
        Ok(String::from_utf8_lossy(said).into_owned())
    }

    pub fn read_blob(&self, id: &Oid, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
        self.read(id, Kind::Blob, bytes_max)
    }

    pub fn read_tree(&self, id: &Oid, bytes_max: u64) -> anyhow::Result<BTreeMap<Vec<u8>, Entry>> {
        decode_tree(id, &self.read(id, Kind::Tree, bytes_max)?, self.gix().object_hash())
    }

    fn read(&self, id: &Oid, kind: Kind, bytes_max: u64) -> anyhow::Result<Vec<u8>> {
        let gix_id = to_gix(id)?;
        if kind == Kind::Tree && gix_id.is_empty_tree() {
            return Ok(Vec::new());
        }
        // The header first: nobody makes this process unpack what it would not read.
        let header = self
            .gix()
            .objects
            .header(gix_id)
            .with_context(|| format!("object `{id}` is missing"))?;
        ensure!(header.kind() == kind, "object `{id}` is a {}, not a {kind}", header.kind());
        ensure!(
            header.size() <= bytes_max,
            "object `{id}` has {} bytes, more than the {bytes_max} that are read",
            header.size()
        );
        let mut data = Vec::new();
        match self.gix().objects.try_find(&gix_id, &mut data) {
            Ok(Some(_)) => Ok(data),
            Ok(None) => bail!("object `{id}` is missing"),
            Err(error) => bail!("object `{id}` cannot be read: {error}"),
        }
    }

    /// `commit`, `tree`, `blob` or `tag`.
    pub fn kind_of(&self, id: &Oid) -> anyhow::Result<String> {
        let gix_id = to_gix(id)?;
        if gix_id.is_empty_tree() {
            return Ok(Kind::Tree.to_string());
        }
        let header = self.gix().objects.header(gix_id);
        Ok(header.with_context(|| format!("object `{id}` is missing"))?.kind().to_string())
    }

    #[must_use]
    pub fn has_object(&self, id: &Oid) -> bool {
        // gix takes the empty tree for granted, but `git fsck` misses it.
        to_gix(id).is_ok_and(|id| self.gix().objects.exists(&id))
    }

    pub fn write_blob(&self, data: &[u8]) -> anyhow::Result<Oid> {
        self.write(Kind::Blob, data)
    }

    /// A tree of these entries. The names are the caller's own and hold no slash.
    pub fn write_tree(&self, entries: &BTreeMap<Vec<u8>, Entry>) -> anyhow::Result<Oid> {
        self.write(Kind::Tree, &encode_tree(entries)?)
    }

    pub fn write_commit(
        &self,
        tree: &Oid,
        parents: &[&Oid],
        secs: i64,
        message: &str,
    ) -> anyhow::Result<Oid> {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        text.push_str(&format!(
            "author {SIGNATURE} {secs} +0000\ncommitter {SIGNATURE} {secs} +0000\n\n"
        ));
        text.push_str(message);
        self.write(Kind::Commit, text.as_bytes())
    }

    /// The id of the tree without entries, which every git knows.
    #[must_use]
    pub fn no_tree(&self) -> Oid {
        from_gix(&gix::ObjectId::empty_tree(self.gix().object_hash()))
    }

    pub fn empty_tree(&self) -> anyhow::Result<Oid> {
        self.write(Kind::Tree, &[])
    }

    /// Written, and on the disk: neither git nor gix syncs a loose object by itself.
    pub(super) fn write(&self, kind: Kind, data: &[u8]) -> anyhow::Result<Oid> {
        fault::point("object");
        let id = self
            .gix()
            .objects
            .write_buf(kind, data)
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| {
                format!("cannot write a {kind} into `{}`", self.objects_dir().display())
            })?;
        let id = from_gix(&id);
        let path = self.objects_dir().join(&id.as_str()[..2]).join(&id.as_str()[2..]);
        sync(&path).with_context(|| format!("cannot sync `{}`", path.display()))?;
        fault::point("object-synced");
        Ok(id)
    }

    pub(super) fn objects_dir(&self) -> PathBuf {
        self.gix().objects.store_ref().path().to_owned()
    }
}

pub(super) fn decode_tree(
    id: &Oid,
    data: &[u8],
    hash: gix::hash::Kind,
) -> anyhow::Result<BTreeMap<Vec<u8>, Entry>> {
    let mut entries = BTreeMap::new();
    for entry in TreeRefIter::from_bytes(data, hash) {
        let entry = entry.with_context(|| format!("tree `{id}` cannot be decoded"))?;
        let found = Entry { kind: entry.mode.kind(), id: from_gix(entry.oid) };
        // No git makes such a tree, and which of both it would be is anybody's guess.
        let twice = entries.insert(entry.filename.to_vec(), found).is_some();
        ensure!(!twice, "tree `{id}` has `{}` twice", entry.filename.escape_ascii());
    }
    Ok(entries)
}

/// A tree as git writes it.
pub(super) fn encode_tree(entries: &BTreeMap<Vec<u8>, Entry>) -> anyhow::Result<Vec<u8>> {
    let mut sorted: Vec<_> = entries.iter().collect();
    // git sorts a directory as if its name ended in a slash.
    sorted.sort_by_cached_key(|(name, entry)| {
        let mut key = (*name).clone();
        if entry.kind == EntryKind::Tree {
            key.push(b'/');
        }
        key
    });
    let mut data = Vec::new();
    for (name, entry) in sorted {
        let mode: gix::objs::tree::EntryMode = entry.kind.into();
        data.extend_from_slice(format!("{:o} ", mode.value()).as_bytes());
        data.extend_from_slice(name);
        data.push(0);
        data.extend_from_slice(to_gix(&entry.id)?.as_slice());
    }
    Ok(data)
}

/// Syncs a file and the directory that names it. An object that is in a pack already is durable.
fn sync(path: &Path) -> std::io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_data()?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    sync_dir(path.parent().unwrap_or(path))
}

pub(super) fn sync_dir(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

pub(super) fn to_gix(id: &Oid) -> anyhow::Result<gix::ObjectId> {
    gix::ObjectId::from_hex(id.as_str().as_bytes())
        .with_context(|| format!("`{id}` is no object id here"))
}

#[expect(clippy::expect_used, reason = "gix prints ids as lower-case hex of the right length")]
pub(super) fn from_gix(id: &gix::oid) -> Oid {
    Oid::parse(&id.to_hex().to_string()).expect("an object id in hex")
}
