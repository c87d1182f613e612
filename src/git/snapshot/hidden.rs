//! Tracked files that git was told not to look at: it would not see that they changed, so we look.

use gix::index::{decode, entry::Flags};

use super::super::Repo;

#[derive(Debug, Default)]
pub(super) struct Hidden {
    pub(super) assume_unchanged: Vec<Vec<u8>>,
    /// Set by hand. Those of a sparse checkout are git's own, and git minds them itself.
    pub(super) skip_worktree: Vec<Vec<u8>>,
}

impl Hidden {
    pub(super) fn paths(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.assume_unchanged.iter().chain(&self.skip_worktree)
    }
}

pub(super) fn find(repo: &Repo) -> anyhow::Result<Hidden> {
    let path = repo.git_dir().join("index");
    if !path.exists() {
        return Ok(Hidden::default());
    }
    let sparse = repo.setting_bool("core.sparseCheckout").ok().flatten().unwrap_or(false);
    let hash = repo.gix().object_hash();
    // Its checksum was looked at by git a moment ago.
    let index = gix::index::File::at(path, hash, true, decode::Options::default())
        .map_err(|error| anyhow::anyhow!("cannot read the index: {error}"))?;
    let mut hidden = Hidden::default();
    for entry in index.entries() {
        let flags = entry.flags;
        if !flags.intersects(Flags::ASSUME_VALID | Flags::SKIP_WORKTREE) {
            continue;
        }
        let path = entry.path(&index).to_vec();
        if flags.contains(Flags::ASSUME_VALID) {
            hidden.assume_unchanged.push(path);
        } else if !sparse {
            hidden.skip_worktree.push(path);
        }
    }
    Ok(hidden)
}
