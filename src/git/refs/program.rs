//! Refs through one long-lived `git update-ref --stdin`: for reftables, for repositories with a
//! `reference-transaction` hook, and for deletions.

use std::{cell::RefCell, fs::File, time::Duration};

use anyhow::Context as _;

use super::{RefError, RefStore};
use crate::{
    domain::id::Oid,
    git::program::Git,
    process::{coprocess::CoProcess, fault},
};

const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

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

    /// One transaction. When it fails the process is gone, and nothing is known but what is read again.
    fn transact(&self, command: &str) -> anyhow::Result<()> {
        let mut slot = self.process.borrow_mut();
        let mut process = match slot.take() {
            Some(process) => process,
            None => {
                let args = ["update-ref", "--stdin"];
                CoProcess::start(self.git.invocation(&args, ANSWER_DEADLINE))
                    .context("git update-ref")?
            }
        };
        for (line, answer) in
            [("start", true), (command, false), ("prepare", true), ("commit", true)]
        {
            process.send(format!("{line}\n").as_bytes())?;
            if answer {
                let said = process.read_line(ANSWER_DEADLINE)?.unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                anyhow::ensure!(
                    said.trim() == format!("{line}: ok"),
                    "git update-ref said `{}`",
                    said.trim()
                );
            }
        }
        *slot = Some(process);
        Ok(())
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
        let finished =
            self.git.plumbing(&["rev-parse", "--verify", "--quiet", "--end-of-options", name])?;
        if !finished.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&finished.stdout);
        Ok(Some(Oid::parse(text.trim())?))
    }

    fn read_symbolic(&self, name: &str) -> anyhow::Result<Option<String>> {
        let finished = self.git.plumbing(&["symbolic-ref", "--quiet", name])?;
        let target = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
        Ok(finished.status.success().then_some(target))
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
        let Err(error) = self.transact(&command) else {
            fault::point("program-ref-done");
            return self.sync().map_err(|error| failed(format!("{error:#}")));
        };
        // Failed does not mean not done: what is there now decides.
        let found = self.read(name).map_err(|again| failed(format!("{error:#}; and {again:#}")))?;
        if found.as_ref() == new && expected != new {
            return self.sync().map_err(|error| failed(format!("{error:#}")));
        }
        if found.as_ref() == expected {
            return Err(failed(format!("{error:#}")));
        }
        Err(RefError::Stale { name: name.to_owned(), expected: expected.cloned(), found })
    }

    /// git's own locks say nothing about who holds them. A writer that loses its parent ends by itself
    /// and takes its lock along, so there is nothing to mend but after a power cut.
    fn mend(&self, _: &str) {}

    fn write_symbolic(&self, name: &str, target: &str) -> Result<(), RefError> {
        let failed = |why: String| RefError::Failed { name: name.to_owned(), why };
        fault::point("program-symbolic-ref");
        self.git
            .output(&["symbolic-ref", name, target])
            .map_err(|error| failed(format!("{error:#}")))?;
        self.sync().map_err(|error| failed(format!("{error:#}")))
    }
}
