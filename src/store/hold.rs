//! Who may write a run on this machine: a lock that the kernel frees. Between machines: the lease.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use rustix::io::{FdFlags, fcntl_setfd};

use crate::{
    domain::{
        event::ProcessMark,
        id::{Oid, RunId},
        run::{Run, State},
        time::Timestamp,
    },
    git::Repo,
    process::alive::{self, Standing},
};

/// Held while this value lives, and not a moment longer, however the process ends.
#[derive(Debug)]
pub struct Hold {
    worktree: File,
    _run: Option<File>,
}

/// A run alone, while no work tree matters: its journal is being moved as a whole.
#[derive(Debug)]
pub struct RunHold {
    _run: File,
}

impl RunHold {
    pub fn of(repo: &Repo, run: &RunId, me: &ProcessMark) -> Result<Self, HoldError> {
        Ok(Self { _run: lock(&run_path(repo, run), &format!("run `{run}`"), me)? })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("{what} is held by {who}")]
    Held { what: String, who: String },
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

const HOLDER_BYTES_MAX: u64 = 200;
/// How often, and how long apart, a lock that is held is looked at before it counts as held.
const LOOKS: u32 = 20;
const LOOK_PAUSE: Duration = Duration::from_millis(5);

impl Hold {
    /// This work tree, for nobody else's run.
    pub fn of_worktree(repo: &Repo, me: &ProcessMark) -> Result<Self, HoldError> {
        let path = repo.git_dir().join("git-run").join("worktree.lock");
        Ok(Self { worktree: lock(&path, "this work tree", me)?, _run: None })
    }

    /// The same, and held as long as any helper lives that is started from now on: a git that outlives
    /// us still moves files.
    pub fn with_helpers(repo: &Repo, me: &ProcessMark) -> Result<Self, HoldError> {
        let hold = Self::of_worktree(repo, me)?;
        fcntl_setfd(&hold.worktree, FdFlags::empty())
            .map_err(|error| anyhow::Error::from(error).context("cannot share the lock"))?;
        Ok(hold)
    }

    /// This work tree, and the run.
    pub fn of_run(repo: &Repo, run: &RunId, me: &ProcessMark) -> Result<Self, HoldError> {
        Self::of_worktree(repo, me)?.and_run(repo, run, me)
    }

    pub fn and_run(self, repo: &Repo, run: &RunId, me: &ProcessMark) -> Result<Self, HoldError> {
        let file = lock(&run_path(repo, run), &format!("run `{run}`"), me)?;
        Ok(Self { _run: Some(file), ..self })
    }
}

/// Whether the process that holds the run still stands. It is looked up by its mark and not by the
/// lock: somebody who only looks must never be in anybody's way.
#[must_use]
pub fn is_held(run: &Run) -> bool {
    let at_work = match run.state {
        State::Ready | State::JackIn | State::Running | State::Complete => true,
        State::Halted | State::ReadyForHitl | State::JackedOut => false,
    };
    at_work && run.holder.as_ref().is_some_and(|holder| alive::standing(holder) == Standing::Alive)
}

fn run_path(repo: &Repo, run: &RunId) -> PathBuf {
    repo.common_dir().join("git-run").join(format!("{run}.lock"))
}

fn lock(path: &Path, what: &str, me: &ProcessMark) -> Result<File, HoldError> {
    let open = || -> anyhow::Result<File> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        Ok(OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?)
    };
    let mut file = open().with_context(|| format!("cannot open `{}`", path.display()))?;
    match take(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut who = String::new();
            let _ = file.take(HOLDER_BYTES_MAX).read_to_string(&mut who);
            let who =
                if who.is_empty() { "another process".to_owned() } else { who.trim().to_owned() };
            return Err(HoldError::Held { what: what.to_owned(), who });
        }
        Err(TryLockError::Error(error)) => {
            let error =
                anyhow::Error::from(error).context(format!("cannot lock `{}`", path.display()));
            return Err(error.into());
        }
    }
    let said = (|| {
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "process {} on {}", me.pid, me.host)
    })();
    // Who it is is told for people's sake; the lock itself is the kernel's.
    if let Err(error) = said {
        tracing::debug!(%error, "the lock does not say whose it is");
    }
    Ok(file)
}

/// Takes the lock, or looks again a few times: a child that a dead holder was just starting has a copy
/// of it until it executes its program.
fn take(file: &File) -> Result<(), TryLockError> {
    for _ in 1..LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK_PAUSE),
            other => return other,
        }
    }
    file.try_lock()
}

/// The lease as it is shared: one commit that holds who, until when, and a nonce, so that two
/// claimants never make the same commit.
pub fn publish_lease(
    repo: &Repo,
    run: &RunId,
    generation: u64,
    holder: &ProcessMark,
    nonce: &str,
    until: Option<Timestamp>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let name = super::layout::lease(run);
    let old = repo.refs().read(&name)?;
    let text = super::wire::lease::encode(run, generation, holder, nonce, until);
    let what = if until.is_some() { "taken" } else { "released" };
    let message = format!(
        "lease {generation} {what} by process {} on {}\n\n{text}\n",
        holder.pid, holder.host
    );
    let tree = repo.empty_tree()?;
    let parents: Vec<_> = old.iter().collect();
    let new = repo.write_commit(&tree, &parents, now.millis() / 1000, &message)?;
    repo.refs().compare_and_swap(&name, old.as_ref(), Some(&new))?;
    Ok(())
}

/// A lease as somebody shared it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub generation: u64,
    pub holder: ProcessMark,
    /// Nothing when it was given back.
    pub until: Option<Timestamp>,
}

pub fn read_lease(repo: &Repo, tip: &Oid) -> anyhow::Result<Lease> {
    let commit = repo.read_commit(tip, super::message::MESSAGE_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&commit.message);
    let line = text.trim_end().rsplit('\n').next().unwrap_or_default();
    let (generation, holder, until) = super::wire::lease::decode(line)?;
    Ok(Lease { generation, holder, until })
}
