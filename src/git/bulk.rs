//! Many objects at once: one pack and one sync for all of them, instead of two syncs for each.
//!
//! Nothing that it was given is safe before `finish` has returned.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
};

use anyhow::Context as _;
use gix::objs::{Exists as _, Find as _, Kind, compute_hash};

use super::{
    Repo,
    objects::{Entry, decode_tree, encode_tree, from_gix},
    pack::{self, Keep, Object},
    program::Git,
};
use crate::{domain::id::Oid, process::clock};

/// So few objects are written one by one: a pack for each would only be in git's way.
const LOOSE_MAX: usize = 6;
/// What is collected before it is written.
const BYTES_MAX: usize = 64 * 1024 * 1024;

#[must_use = "nothing is written before `finish`"]
pub struct Bulk<'r> {
    repo: &'r Repo,
    objects: Vec<Object>,
    bytes: usize,
    seen: HashSet<Oid>,
    /// Trees that may not be written yet, for whoever builds on them.
    trees: HashMap<Oid, Vec<u8>>,
    /// Where objects go that the repository shall never see; it is gone when this value is.
    scratch: Option<tempfile::TempDir>,
    /// What there is already. Looking again for packs of others with each new object costs more than
    /// writing what they may have.
    known: gix::OdbHandle,
}

impl std::fmt::Debug for Bulk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bulk").field("objects", &self.objects.len()).finish_non_exhaustive()
    }
}

impl<'r> Bulk<'r> {
    pub fn new(repo: &'r Repo) -> Self {
        Self {
            repo,
            objects: Vec::new(),
            bytes: 0,
            seen: HashSet::new(),
            trees: HashMap::new(),
            scratch: None,
            known: {
                let mut known = repo.gix().objects.clone();
                known.refresh_never();
                known
            },
        }
    }

    /// One whose objects are for looking at only: nothing of the repository is written.
    pub fn scratch(repo: &'r Repo) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
        Ok(Self { scratch: Some(scratch), ..Self::new(repo) })
    }

    /// The `git` that sees these objects once they are written.
    #[must_use]
    pub fn git(&self) -> Git {
        match &self.scratch {
            Some(scratch) => self.repo.git().writing_into(scratch.path(), &self.repo.objects_dir()),
            None => self.repo.git(),
        }
    }

    /// A directory for files that nobody needs afterwards.
    pub fn private_dir(&self) -> anyhow::Result<tempfile::TempDir> {
        match &self.scratch {
            Some(scratch) => Ok(tempfile::tempdir_in(scratch.path())?),
            None => self.repo.private_dir(),
        }
    }

    /// The content of a blob that is in the scratch place alone.
    pub(super) fn own_blob(&self, id: &Oid, bytes_max: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(scratch) = &self.scratch else { return Ok(None) };
        if !self.seen.contains(id) && self.repo.has_object(id) {
            return Ok(None);
        }
        let own = gix::odb::at(scratch.path(), self.repo.gix().object_hash())?;
        let mut data = Vec::new();
        let found = own.try_find(&super::objects::to_gix(id)?, &mut data);
        let found =
            found.map_err(|error| anyhow::anyhow!("object `{id}` cannot be read: {error}"))?;
        let Some(kind) = found.map(|found| found.kind) else { return Ok(None) };
        anyhow::ensure!(kind == Kind::Blob, "object `{id}` is a {kind}, not a blob");
        anyhow::ensure!(
            data.len() as u64 <= bytes_max,
            "object `{id}` has more than {bytes_max} bytes"
        );
        Ok(Some(data))
    }

    pub(super) fn read_tree(
        &self,
        id: &Oid,
        bytes_max: u64,
    ) -> anyhow::Result<BTreeMap<Vec<u8>, Entry>> {
        match self.trees.get(id) {
            Some(data) => decode_tree(id, data, self.repo.gix().object_hash()),
            None => self.repo.read_tree(id, bytes_max),
        }
    }

    pub fn blob(&mut self, data: Vec<u8>) -> anyhow::Result<Oid> {
        self.add(Kind::Blob, data)
    }

    pub(super) fn tree(&mut self, entries: &BTreeMap<Vec<u8>, Entry>) -> anyhow::Result<Oid> {
        let data = encode_tree(entries)?;
        let id = self.add(Kind::Tree, data.clone())?;
        self.trees.insert(id.clone(), data);
        Ok(id)
    }

    fn add(&mut self, kind: Kind, data: Vec<u8>) -> anyhow::Result<Oid> {
        let id = compute_hash(self.repo.gix().object_hash(), kind, &data)
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let (known, gix_id) = (self.known.exists(&id), id);
        let id = from_gix(&id);
        if !self.seen.insert(id.clone()) {
            return Ok(id);
        }
        if known {
            self.freshen(&id);
            return Ok(id);
        }
        self.bytes += data.len();
        self.objects.push(Object { id: gix_id, kind, data });
        if BYTES_MAX < self.bytes {
            self.flush()?;
        }
        Ok(id)
    }

    /// Everything so far is in the object store, and on the disk.
    pub fn written(&mut self) -> anyhow::Result<()> {
        self.flush()
    }

    /// The same, at the end.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.flush()
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let objects = std::mem::take(&mut self.objects);
        self.bytes = 0;
        if objects.is_empty() {
            return Ok(());
        }
        if objects.len() <= LOOSE_MAX && self.scratch.is_none() {
            for object in objects {
                self.repo.write(object.kind, &object.data)?;
            }
            return Ok(());
        }
        let store = self.repo.objects_dir();
        let place = self.scratch.as_ref().map_or(store.as_path(), tempfile::TempDir::path);
        let keep = if self.scratch.is_some() { Keep::ForNow } else { Keep::OnDisk };
        pack::write(place, self.repo.gix().object_hash(), &objects, keep)
            .with_context(|| format!("cannot write objects into `{}`", place.display()))
    }

    /// Something that nothing points to may be old enough to be pruned in this very moment. git makes
    /// it young when it would write it again, and so does this.
    fn freshen(&self, id: &Oid) {
        if self.scratch.is_none() {
            let (fan, rest) = id.as_str().split_at(2);
            make_young(&self.repo.objects_dir().join(fan).join(rest));
        }
    }
}

/// What is in a pack, or somebody else's, stays as old as it is.
fn make_young(path: &Path) {
    if let Ok(file) = fs::File::open(path) {
        let _ = file.set_modified(clock::file_time());
    }
}
