//! Many objects at once: one pack and one sync for all of them, instead of two syncs for each.
//!
//! Nothing that it was given is safe before `finish` has returned.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    io::Write as _,
    path::Path,
};

use anyhow::Context as _;
use gix::{
    objs::{Kind, compute_hash},
    zlib::{Compression, stream::deflate},
};

use super::{
    Repo,
    objects::{Entry, decode_tree, encode_tree, from_gix},
    program::Git,
};
use crate::{
    domain::id::Oid,
    process::{clock, fault},
};

/// So few objects are written one by one: a pack for each would only be in git's way.
const LOOSE_MAX: usize = 6;
/// What is collected before it is written.
const BYTES_MAX: usize = 64 * 1024 * 1024;

#[must_use = "nothing is written before `finish`"]
pub struct Bulk<'r> {
    repo: &'r Repo,
    objects: Vec<(Kind, Vec<u8>)>,
    bytes: usize,
    seen: HashSet<Oid>,
    /// Trees that may not be written yet, for whoever builds on them.
    trees: HashMap<Oid, Vec<u8>>,
    /// Where objects go that the repository shall never see; it is gone when this value is.
    scratch: Option<tempfile::TempDir>,
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
        let id = from_gix(&id);
        if !self.seen.insert(id.clone()) {
            return Ok(id);
        }
        if self.repo.has_object(&id) {
            self.freshen(&id);
            return Ok(id);
        }
        self.bytes += data.len();
        self.objects.push((kind, data));
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
            for (kind, data) in objects {
                self.repo.write(kind, &data)?;
            }
            return Ok(());
        }
        fault::point("pack");
        let pack = pack(self.repo, &objects)?;
        drop(objects);
        // git names the pack, makes its index and syncs both.
        let words = ["index-pack", "--stdin"];
        self.git().feed(&words, &pack, None).with_context(|| {
            format!("cannot write objects into `{}`", self.repo.objects_dir().display())
        })?;
        fault::point("pack-written");
        Ok(())
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

/// A pack as it goes over a pipe: header, whole objects, checksum.
fn pack(repo: &Repo, objects: &[(Kind, Vec<u8>)]) -> anyhow::Result<Vec<u8>> {
    let count = u32::try_from(objects.len()).context("too many objects for a pack")?;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&count.to_be_bytes());
    for (kind, data) in objects {
        entry_header(&mut pack, *kind, data.len());
        let mut deflate = deflate::Write::new(&mut pack, Compression::BEST_SPEED);
        deflate.write_all(data)?;
        deflate.flush()?;
    }
    let mut hasher = gix::hash::hasher(repo.gix().object_hash());
    hasher.update(&pack);
    let sum = hasher.try_finalize().map_err(|error| anyhow::anyhow!("{error}"))?;
    pack.extend_from_slice(sum.as_slice());
    Ok(pack)
}

/// Kind and size: four bits of the size beside the kind, then seven for each further byte.
fn entry_header(pack: &mut Vec<u8>, kind: Kind, size: usize) {
    let kind: u8 = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut byte = (kind << 4) | (size & 0x0f) as u8;
    let mut rest = size >> 4;
    while rest != 0 {
        pack.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    pack.push(byte);
}
