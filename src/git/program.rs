//! The `git` program, for what gix cannot do: explicit arguments, a clean environment, a deadline.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};

use crate::process::command::{ExitStatus, Finished, Group, Invocation, run};

/// Plumbing answers at once; what is slower than this hangs.
const PLUMBING_DEADLINE: Duration = Duration::from_secs(120);
/// A commit runs the user's own hooks.
const COMMIT_DEADLINE: Duration = Duration::from_secs(3600);
/// A remote that says nothing for so long hangs.
const NETWORK_DEADLINE: Duration = Duration::from_secs(600);
const OUTPUT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Settings that keep a repository's own configuration from running anything behind our back.
const SETTINGS: [&str; 5] = [
    "core.fsmonitor=false",
    "core.fsync=committed,loose-object,reference",
    "safe.bareRepository=explicit",
    "protocol.ext.allow=never",
    "advice.graftFileDeprecated=false",
];

/// What git lets through to a child that works on this very repository (`git rev-parse
/// --local-env-vars`), and what would change an answer; all of it is said by argument instead.
const DROPPED: [&str; 22] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_QUARANTINE_PATH",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_LITERAL_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
    "GIT_REFLOG_ACTION",
];

#[derive(Debug, Clone)]
pub struct Git {
    git_dir: PathBuf,
    worktree: Option<PathBuf>,
}

impl Git {
    #[must_use]
    pub fn at(git_dir: &Path, worktree: Option<&Path>) -> Self {
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self { git_dir: absolute(git_dir), worktree: worktree.map(absolute) }
    }

    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Plumbing: as its exit code says, with replace refs and grafts off.
    pub fn plumbing<A: AsRef<OsStr>>(&self, args: &[A]) -> anyhow::Result<Finished> {
        self.asked(args, &[])
    }

    fn asked<A: AsRef<OsStr>>(&self, args: &[A], stdin: &[u8]) -> anyhow::Result<Finished> {
        let mut invocation = self.invocation(args, PLUMBING_DEADLINE);
        invocation.stdin = stdin.to_vec();
        invocation.env_set.push(("GIT_NO_REPLACE_OBJECTS".into(), "1".into()));
        invocation.env_set.push(("GIT_OPTIONAL_LOCKS".into(), "0".into()));
        // A Ctrl-C asks us to halt in good order; it must not end a question that we are just asking.
        invocation.group = Group::Own;
        let asked = || run(&invocation).with_context(|| format!("git {}", first(args)));
        let finished = asked()?;
        match finished.status {
            // A child is still in our group for the moment before it leaves it. Asking again is free.
            ExitStatus::Signal(_) => asked(),
            ExitStatus::Code(_) => Ok(finished),
        }
    }

    /// Plumbing that must succeed; its output.
    pub fn output<A: AsRef<OsStr>>(&self, args: &[A]) -> anyhow::Result<Vec<u8>> {
        self.answer(args, &[])
    }

    /// The same, with something to read.
    pub fn answer<A: AsRef<OsStr>>(&self, args: &[A], stdin: &[u8]) -> anyhow::Result<Vec<u8>> {
        let finished = self.asked(args, stdin)?;
        if finished.status.success() {
            return Ok(finished.stdout);
        }
        bail!("git {} failed: {}", first(args), String::from_utf8_lossy(&finished.stderr).trim());
    }

    /// A command that changes the work tree or makes a commit, with the user's own hooks and identity.
    pub fn porcelain<A: AsRef<OsStr>>(&self, args: &[A], stdin: &[u8]) -> anyhow::Result<Finished> {
        let mut invocation = self.invocation(args, COMMIT_DEADLINE);
        invocation.stdin = stdin.to_vec();
        invocation.env_set.push(("GIT_EDITOR".into(), ":".into()));
        run(&invocation).with_context(|| format!("git {}", first(args)))
    }

    /// A command of that kind which may be done twice and runs no hook that a person would want to
    /// interrupt: halting in good order needs it done, whatever the terminal sends meanwhile.
    pub fn repeatable<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        stdin: &[u8],
    ) -> anyhow::Result<Finished> {
        let mut invocation = self.invocation(args, COMMIT_DEADLINE);
        invocation.stdin = stdin.to_vec();
        invocation.group = Group::Own;
        let done = || run(&invocation).with_context(|| format!("git {}", first(args)));
        let finished = done()?;
        match finished.status {
            ExitStatus::Signal(_) => done(),
            ExitStatus::Code(_) => Ok(finished),
        }
    }

    /// A command that talks to a remote: it may ask the person at the terminal, and it has an end.
    pub fn network<A: AsRef<OsStr>>(&self, args: &[A]) -> anyhow::Result<Finished> {
        run(&self.invocation(args, NETWORK_DEADLINE))
            .with_context(|| format!("git {}", first(args)))
    }

    pub(super) fn invocation<A: AsRef<OsStr>>(&self, args: &[A], deadline: Duration) -> Invocation {
        let mut all: Vec<OsString> = vec!["--no-pager".into()];
        for setting in SETTINGS {
            all.extend(["-c".into(), setting.into()]);
        }
        all.push(joined("--git-dir=", &self.git_dir));
        if let Some(worktree) = &self.worktree {
            all.push(joined("--work-tree=", worktree));
        }
        all.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        Invocation {
            program: "git".into(),
            args: all,
            env_set: vec![
                ("LC_ALL".into(), "C".into()),
                ("GIT_TERMINAL_PROMPT".into(), "0".into()),
                ("GIT_LITERAL_PATHSPECS".into(), "1".into()),
            ],
            env_remove: DROPPED.iter().map(Into::into).collect(),
            env_clear: false,
            cwd: Some(self.worktree.clone().unwrap_or_else(|| self.git_dir.clone())),
            stdin: Vec::new(),
            deadline,
            stdout_bytes_max: OUTPUT_BYTES_MAX,
            // The terminal's Ctrl-C reaches git and its hooks together with us.
            group: Group::Ours,
        }
    }
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut text = OsString::from(option);
    text.push(path);
    text
}

fn first<A: AsRef<OsStr>>(args: &[A]) -> String {
    args.first().map(|arg| arg.as_ref().to_string_lossy().into_owned()).unwrap_or_default()
}
