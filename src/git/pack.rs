//! A pack of whole objects with its index; made durable by three syncs, however many objects.
//!
//! Format: git's `gitformat-pack`, version 2 of both files.

use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use anyhow::{Context as _, ensure};
use gix::{
    ObjectId,
    hash::Kind as Hash,
    objs::Kind,
    zlib::{
        Compression, Status,
        stream::deflate::{Compress, FlushCompress},
    },
};

use super::objects::sync_dir;
use crate::process::fault;

/// An offset of four bytes has its highest bit for something else.
const PACK_BYTES_MAX: usize = 0x7fff_ffff;
const CHUNK_BYTES: usize = 64 * 1024;

/// One object as it is to be packed.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) id: ObjectId,
    pub(super) kind: Kind,
    pub(super) data: Vec<u8>,
}

/// Whether what is written has to outlive the machine's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    OnDisk,
    /// In a place that is gone when this process is.
    ForNow,
}

/// Where an object stands in the pack.
struct Placed {
    id: ObjectId,
    offset: u32,
    crc: u32,
}

/// Writes the objects as one pack into `directory`, an object store's own.
pub(super) fn write(
    directory: &Path,
    hash: Hash,
    objects: &[Object],
    keep: Keep,
) -> anyhow::Result<()> {
    let (pack, placed, name) = pack(hash, objects)?;
    let index = index(hash, placed, &name)?;
    let directory = directory.join("pack");
    fs::create_dir_all(&directory)?;
    let path = |end: &str| directory.join(format!("pack-{name}.{end}"));
    fault::point("pack");
    // git looks for the index: as long as there is none, there is no pack.
    put(&directory, &path("pack"), &pack, keep)?;
    fault::point("pack-without-index");
    put(&directory, &path("idx"), &index, keep)?;
    if keep == Keep::OnDisk {
        sync_dir(&directory)?;
    }
    fault::point("pack-written");
    Ok(())
}

fn put(directory: &Path, path: &Path, bytes: &[u8], keep: Keep) -> anyhow::Result<()> {
    // git removes files of such names when they are left behind.
    let mut file = tempfile::Builder::new().prefix("tmp_pack_").tempfile_in(directory)?;
    let written = file.write_all(bytes).and_then(|()| {
        file.as_file().set_permissions(Permissions::from_mode(0o444))?;
        match keep {
            Keep::OnDisk => file.as_file().sync_all(),
            Keep::ForNow => Ok(()),
        }
    });
    written.with_context(|| format!("cannot write `{}`", path.display()))?;
    let kept: File = file
        .persist(path)
        .map_err(|error| error.error)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    drop(kept);
    Ok(())
}

fn pack(hash: Hash, objects: &[Object]) -> anyhow::Result<(Vec<u8>, Vec<Placed>, ObjectId)> {
    let count = u32::try_from(objects.len()).context("too many objects for a pack")?;
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend_from_slice(&count.to_be_bytes());
    let mut compress = Compress::new(Compression::BEST_SPEED);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut placed = Vec::with_capacity(objects.len());
    for object in objects {
        let start = pack.len();
        ensure!(start < PACK_BYTES_MAX, "the pack would be too large");
        entry_header(&mut pack, object.kind, object.data.len());
        deflate(&mut compress, &mut chunk, &object.data, &mut pack)?;
        let crc = crc32fast::hash(&pack[start..]);
        placed.push(Placed { id: object.id, offset: start as u32, crc });
    }
    let sum = sum(hash, &pack)?;
    pack.extend_from_slice(sum.as_slice());
    Ok((pack, placed, sum))
}

fn deflate(
    compress: &mut Compress,
    chunk: &mut [u8],
    mut data: &[u8],
    out: &mut Vec<u8>,
) -> anyhow::Result<()> {
    compress.reset();
    loop {
        let (read, written) = (compress.total_in(), compress.total_out());
        let status = compress.compress(data, chunk, FlushCompress::Finish)?;
        data = &data[(compress.total_in() - read) as usize..];
        out.extend_from_slice(&chunk[..(compress.total_out() - written) as usize]);
        if status == Status::StreamEnd {
            return Ok(());
        }
    }
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

fn index(hash: Hash, mut placed: Vec<Placed>, pack: &ObjectId) -> anyhow::Result<Vec<u8>> {
    placed.sort_unstable_by_key(|object| object.id);
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    let mut below = placed.iter().peekable();
    let mut count: u32 = 0;
    for first in 0..=u8::MAX {
        while below.next_if(|object| object.id.first_byte() == first).is_some() {
            count += 1;
        }
        index.extend_from_slice(&count.to_be_bytes());
    }
    placed.iter().for_each(|object| index.extend_from_slice(object.id.as_slice()));
    placed.iter().for_each(|object| index.extend_from_slice(&object.crc.to_be_bytes()));
    placed.iter().for_each(|object| index.extend_from_slice(&object.offset.to_be_bytes()));
    index.extend_from_slice(pack.as_slice());
    let sum = sum(hash, &index)?;
    index.extend_from_slice(sum.as_slice());
    Ok(index)
}

fn sum(hash: Hash, bytes: &[u8]) -> anyhow::Result<ObjectId> {
    let mut hasher = gix::hash::hasher(hash);
    hasher.update(bytes);
    hasher.try_finalize().map_err(|error| anyhow::anyhow!("{error}"))
}
