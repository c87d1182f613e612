//! What a git or a run left behind when it was ended: locks, and journals that nobody goes on with.

use std::path::{Path, PathBuf};

use crate::{
    domain::{
        layer::{Layer, RunStanding, Standing, locks as judge_locks, runs as judge_runs},
        run::{Run, State},
    },
    git::{Repo, lane::LaneTree},
    process::{alive, clock},
    store::{
        catalog, hold,
        layout::{self, OPERATION, RUNS, run_of_journal},
    },
};

const NAMES: [&str; 6] = [
    "index.lock",
    "HEAD.lock",
    "config.lock",
    "packed-refs.lock",
    "shallow.lock",
    "config.worktree.lock",
];
/// Entries below `refs/` that are looked at.
const ENTRIES_MAX: usize = 20_000;
const RUNS_MAX: usize = 500;

pub(super) fn locks(repo: &Repo) -> Layer {
    let mut found: Vec<PathBuf> = Vec::new();
    for dir in [repo.git_dir(), repo.common_dir()] {
        found.extend(NAMES.iter().map(|name| dir.join(name)));
    }
    let mut left = ENTRIES_MAX;
    below(&repo.common_dir().join("refs"), &mut left, &mut found);
    let tables = repo.common_dir().join("reftable/tables.list.lock");
    found.push(tables);
    found.retain(|path| path.symlink_metadata().is_ok());
    found.sort();
    found.dedup();
    let aged = |path: &PathBuf| {
        let modified = path.symlink_metadata().and_then(|about| about.modified()).ok();
        let age = modified.map_or(0, |at| clock::age(at).as_millis());
        (path.to_string_lossy().into_owned(), u64::try_from(age).unwrap_or(u64::MAX))
    };
    judge_locks(&found.iter().map(aged).collect::<Vec<_>>())
}

fn below(dir: &Path, left: &mut usize, found: &mut Vec<PathBuf>) {
    for entry in dir.read_dir().into_iter().flatten().flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(&path, left, found);
        } else if path.extension().is_some_and(|extension| extension == "lock") {
            found.push(path);
        }
    }
}

/// Work trees of lanes that nobody works in any more.
pub(super) fn lanes(repo: &Repo) -> Layer {
    let busy = |lane: &LaneTree| -> bool {
        let tip = repo.refs().read(&layout::journal(&lane.run)).ok().flatten();
        let run = tip.and_then(|tip| catalog::present(repo, &lane.run, &tip).ok());
        run.is_some_and(|run| hold::is_held(&run))
    };
    let left: Vec<LaneTree> = repo.lanes().into_iter().filter(|lane| !busy(lane)).collect();
    let Some(first) = left.first() else {
        return Layer::ok("lanes", "no work tree of a lane is left over");
    };
    let (count, place) = (left.len(), first.worktree.display());
    Layer::new("lanes", Standing::Open, format!("{count} left over, the first in `{place}`"))
        .next("git run gc saves what is there, and takes away what is saved")
}

pub(super) fn runs(repo: &Repo) -> Vec<Layer> {
    let refs = match repo.refs().list(RUNS) {
        Ok(refs) => refs,
        Err(error) => {
            return vec![
                Layer::new("runs", Standing::Broken, format!("{error:#}"))
                    .next("git fsck --no-dangling"),
            ];
        }
    };
    let journals = refs.into_iter().filter(|(name, _)| name.ends_with("/journal"));
    let found: Vec<(String, RunStanding)> = journals
        .take(RUNS_MAX)
        .map(|(name, tip)| match run_of_journal(&name) {
            None => (name, RunStanding::Unreadable),
            Some(id) => {
                let run = catalog::present(repo, &id, &tip);
                let standing = run.map_or(RunStanding::Unreadable, |run| standing(&run));
                (id.to_string(), standing)
            }
        })
        .collect();
    let mut layers = judge_runs(&found);
    if !matches!(repo.refs().read(OPERATION), Ok(None)) {
        let says = "a rollback or restore was begun here, and has not ended";
        layers.push(Layer::new("restore", Standing::Broken, says).next("git run rollback"));
    }
    layers
}

fn standing(run: &Run) -> RunStanding {
    match run.state {
        State::Halted | State::ReadyForHitl | State::JackedOut => RunStanding::Sound,
        State::Ready | State::JackIn | State::Running | State::Complete => {
            match run.holder.as_ref().map(alive::standing) {
                None | Some(alive::Standing::Alive) => RunStanding::Sound,
                Some(alive::Standing::Gone) if run.state == State::Complete => RunStanding::Sound,
                Some(alive::Standing::Gone) => RunStanding::Abandoned,
                Some(alive::Standing::CannotTell { .. }) => RunStanding::Elsewhere,
            }
        }
    }
}
