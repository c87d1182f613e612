//! Refs through one long-lived `git update-ref --stdin`: for reftables, for repositories with a
//! `reference-transaction` hook, and for deletions.

use std::{cell::RefCell, fs::File, thread, time::Duration};

use anyhow::{Context as _, bail, ensure};

use super::{RefError, RefStore};
use crate::{
    domain::id::Oid,
    git::program::Git,
    process::{
        clock,
        command::{ExitStatus, Invocation},
        coprocess::CoProcess,
        fault,
    },
};

const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// As long as `FileRefs` waits for somebody's lock.
const LOCK_SETTINGS: [&str; 3] =
    ["core.filesRefLockTimeout=2500", "core.packedRefsTimeout=2500", "reftable.lockTimeout=2500"];
/// Until then a transaction is tried again that met a lock though the ref stands as expected.
const LOCK_WAIT: Duration = Duration::from_millis(2500);
const LOCK_PAUSE_MS_MAX: u64 = 50;

/// A transaction that was not acknowledged.
struct Failed {
    /// Only then could it have been done nevertheless.
    asked_to_commit: bool,
    error: anyhow::Error,
}

impl Failed {
    fn before(error: anyhow::Error) -> Self {
        Self { asked_to_commit: false, error }
    }
}

pub struct ProgramRefs {
    git: Git,
    process: RefCell<Option<CoProcess>>,
}

impl std::fmt::Debug for ProgramRefs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramRefs").field("git", &self.git).finish_non_exhaustive()
    }
}

impl ProgramRefs {
    #[must_use]
    pub fn new(git: Git) -> Self {
        Self { git, process: RefCell::new(None) }
    }

    /// One transaction. When it fails the process is gone.
    fn transact(&self, command: &str) -> Result<(), Failed> {
        let mut slot = self.process.borrow_mut();
        let started = match slot.take() {
            Some(process) => Ok(process),
            None => CoProcess::start(self.invocation()).context("git update-ref"),
        };
        let mut process = started.map_err(Failed::before)?;
        // Not the branch that a symbolic ref of this name points to: the ref itself.
        let prepared = exchange(&mut process, "start", true)
            .and_then(|()| exchange(&mut process, "option no-deref", false))
            .and_then(|()| exchange(&mut process, command, false))
            .and_then(|()| exchange(&mut process, "prepare", true));
        if let Err(error) = prepared {
            return Err(Failed::before(explained(error, process)));
        }
        if let Err(error) = exchange(&mut process, "commit", true) {
            return Err(Failed { asked_to_commit: true, error: explained(error, process) });
        }
        *slot = Some(process);
        Ok(())
    }

    fn invocation(&self) -> Invocation {
        let mut invocation = self.git.invocation(&["update-ref", "--stdin"], ANSWER_DEADLINE);
        // git waits for a lock for a tenth of a second, which several writers need to themselves.
        for (at, setting) in LOCK_SETTINGS.into_iter().enumerate() {
            invocation.args.insert(2 * at, "-c".into());
            invocation.args.insert(2 * at + 1, setting.into());
        }
        invocation
    }

    /// What git says; nothing when it says quietly that there is no such thing.
    fn answer(&self, args: &[&str]) -> anyhow::Result<Option<String>> {
        let finished = self.git.plumbing(args)?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match finished.status {
            ExitStatus::Code(0) => Ok(Some(said(&finished.stdout))),
            ExitStatus::Code(1) => Ok(None),
            _ => bail!("git {} failed: {}", args[0], said(&finished.stderr)),
        }
    }

    /// git syncs neither the directory of a ref nor the footer of a reftable.
    fn sync(&self) -> anyhow::Result<()> {
        let dir = File::open(self.git.git_dir())?;
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&dir)?;
        #[cfg(not(target_os = "linux"))]
        dir.sync_all()?;
        Ok(())
    }
}

impl RefStore for ProgramRefs {
    fn read(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", name];
        let Some(text) = self.answer(&args)? else { return Ok(None) };
        Ok(Some(Oid::parse(&text)?))
    }

    fn read_symbolic(&self, name: &str) -> anyhow::Result<Option<String>> {
        self.answer(&["symbolic-ref", "--quiet", name])
    }

    fn list(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        // No `%(objecttype)`: it would read every object.
        let out =
            self.git.output(&["for-each-ref", "--format=%(objectname) %(refname)", prefix])?;
        let text = String::from_utf8_lossy(&out);
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(id, name)| Ok((name.to_owned(), Oid::parse(id)?)))
            .collect()
    }

    fn compare_and_swap(
        &self,
        name: &str,
        expected: Option<&Oid>,
        new: Option<&Oid>,
    ) -> Result<(), RefError> {
        let failed = |why: String| RefError::Failed { name: name.to_owned(), why };
        let command = match (expected, new) {
            (None, Some(new)) => format!("create {name} {new}"),
            (Some(old), Some(new)) => format!("update {name} {new} {old}"),
            (Some(old), None) => format!("delete {name} {old}"),
            (None, None) => return Ok(()),
        };
        fault::point("program-ref");
        let begun = clock::monotonic();
        for tries in 1_u32.. {
            let Err(Failed { asked_to_commit, error }) = self.transact(&command) else {
                fault::point("program-ref-done");
                return self.sync().map_err(|error| failed(format!("{error:#}")));
            };
            // Failed does not mean not done: what is there now decides.
            let found =
                self.read(name).map_err(|again| failed(format!("{error:#}; and {again:#}")))?;
            if asked_to_commit && found.as_ref() == new {
                return self.sync().map_err(|error| failed(format!("{error:#}")));
            }
            if found.as_ref() != expected {
                let expected = expected.cloned();
                return Err(RefError::Stale { name: name.to_owned(), expected, found });
            }
            let why = format!("{error:#}");
            match lock_in(&why) {
                Some(lock) if LOCK_WAIT < begun.elapsed() => {
                    return Err(RefError::Locked { name: name.to_owned(), lock });
                }
                Some(_) => thread::sleep(Duration::from_millis(clock::jitter(LOCK_PAUSE_MS_MAX))),
                // The process may have been killed since it was last asked; a new one is not.
                None if tries == 1 => {}
                None => return Err(failed(why)),
            }
        }
        Err(failed("it was never tried".to_owned()))
    }

    /// git's own locks say nothing about who holds them. A writer that loses its parent ends by itself
    /// and takes its lock along, so there is nothing to mend but after a power cut.
    fn mend(&self, _: &str) {}
}

/// One line to git, and its answer where it gives one.
fn exchange(process: &mut CoProcess, line: &str, answered: bool) -> anyhow::Result<()> {
    process.send(format!("{line}\n").as_bytes())?;
    if answered {
        let said = process.read_line(ANSWER_DEADLINE)?.unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        ensure!(said.trim() == format!("{line}: ok"), "git update-ref said `{}`", said.trim());
    }
    Ok(())
}

/// The error, or better: what git had to say about it.
fn explained(error: anyhow::Error, process: CoProcess) -> anyhow::Error {
    let stderr = process.finish().map(|finished| finished.stderr).unwrap_or_default();
    match String::from_utf8_lossy(&stderr).trim() {
        "" => error,
        said => anyhow::anyhow!("{}", said.to_owned()),
    }
}

/// The lock that git could not take, when that is what it complains of.
fn lock_in(complaint: &str) -> Option<String> {
    if let Some((_, rest)) = complaint.split_once("Unable to create '")
        && let Some((lock, _)) = rest.split_once("': File exists")
    {
        return Some(lock.to_owned());
    }
    let reftable = ["data is locked", "data concurrently modified", "cannot lock references"];
    reftable.iter().any(|words| complaint.contains(words)).then(|| "tables.list.lock".to_owned())
}
