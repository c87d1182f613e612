//! `refs/run/<run>/transcripts`: what agents said, redacted and bounded. Stays on this machine.

use anyhow::Context as _;

use super::layout;
use crate::{
    domain::{
        id::{Digest, RunId},
        time::Timestamp,
    },
    git::Repo,
};

/// Keeps a transcript and returns its digest, which is all that the journal says of it.
pub fn keep(
    repo: &Repo,
    run: &RunId,
    subject: &str,
    text: &[u8],
    now: Timestamp,
) -> anyhow::Result<Digest> {
    let name = layout::transcripts(run);
    let old = repo.refs().read(&name)?;
    let blob = repo.write_blob(text)?;
    let entry = crate::git::objects::Entry { kind: gix::objs::tree::EntryKind::Blob, id: blob };
    let tree = repo.write_tree(&std::iter::once((b"transcript".to_vec(), entry)).collect())?;
    let parents: Vec<_> = old.iter().collect();
    let digest = Digest::of(text);
    let message = format!("{subject}\n\nsha256: {digest}\n");
    let new = repo.write_commit(&tree, &parents, now.millis() / 1000, &message)?;
    repo.refs()
        .compare_and_swap(&name, old.as_ref(), Some(&new))
        .context("keeping a transcript")?;
    Ok(digest)
}
