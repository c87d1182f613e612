//! What others push below `refs/run/` and `refs/notes/run`: whether it is what belongs there. Looks at
//! objects, and never at the refs that would lead to them.

use anyhow::ensure;

use super::{
    checkpoints, journal::TREE_BYTES_MAX, message::MESSAGE_BYTES_MAX, notes, verdicts, wire::note,
};
use crate::{
    domain::{
        ice::server::Leaf,
        id::{Oid, RunId},
    },
    git::Repo,
};

/// A leaf of a run beside its journal.
pub fn check_leaf(repo: &Repo, run: &RunId, leaf: Leaf, tip: &Oid) -> anyhow::Result<()> {
    match leaf {
        Leaf::Checkpoints => checkpoints::read(repo, tip).map(drop),
        Leaf::Lease => {
            let commit = repo.read_commit(tip, MESSAGE_BYTES_MAX)?;
            let text = String::from_utf8_lossy(&commit.message);
            let line = text.trim_end().rsplit('\n').next().unwrap_or_default();
            ensure!(note::run_of(line).as_ref() == Some(run), "it is no lease of run `{run}`");
            Ok(())
        }
        Leaf::Verdicts => verdicts::check(repo, tip),
        Leaf::Transcripts => {
            let tree = repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree;
            let names: Vec<_> = repo.read_tree(&tree, TREE_BYTES_MAX)?.into_keys().collect();
            ensure!(names == [b"transcript".to_vec()], "it is no transcript");
            Ok(())
        }
    }
}

/// Notes are a commit whose tree holds nothing that is not named by a commit's id, or a part of one.
pub fn check_notes(repo: &Repo, tip: &Oid) -> anyhow::Result<()> {
    let root = repo.read_commit(tip, MESSAGE_BYTES_MAX)?.tree;
    for name in repo.read_tree(&root, TREE_BYTES_MAX)?.keys() {
        let hex = name.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
        ensure!(hex && matches!(name.len(), 2 | 40 | 64), "they hold what is no note");
    }
    Ok(())
}

/// The runs that notes tell of a commit; nothing in the place of one that cannot be read.
pub fn runs_noted(repo: &Repo, tip: &Oid, commit: &Oid) -> anyhow::Result<Vec<Option<RunId>>> {
    let text = notes::read_at(repo, tip, commit)?.unwrap_or_default();
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(note::run_of).collect())
}
