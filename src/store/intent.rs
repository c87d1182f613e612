//! Brings several refs to where a declared intent says. Safe to be run again at any time.

use crate::{
    domain::event::RefMove,
    git::{Repo, refs::RefError},
    process::fault,
};

/// Moves every ref that still stands at its old place; what stands at its new one is left alone.
/// The refs that stand elsewhere are named: somebody else moved them.
pub fn roll_forward(repo: &Repo, moves: &[RefMove]) -> anyhow::Result<Vec<String>> {
    let mut conflicts = Vec::new();
    for RefMove { name, old, new } in moves {
        fault::point("intent-ref");
        let now = repo.refs().read(name)?;
        if now == *new {
            continue;
        }
        let swap = || repo.refs().compare_and_swap(name, old.as_ref(), new.as_ref());
        let swapped = match swap() {
            // The intent is ours: a lock that outlived a whole try is that of a holder who died in it.
            Err(RefError::Locked { .. }) => {
                repo.refs().mend(name);
                swap()
            }
            other => other,
        };
        match swapped {
            Ok(()) => {}
            Err(RefError::Stale { .. }) => conflicts.push(name.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(conflicts)
}
