//! The `git` program, for what gix cannot do: explicit arguments, a clean environment, a deadline.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use crate::process::{
    command::{ExitStatus, Finished, Group, Invocation, run},
    env,
};

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
const DROPPED: [&str; 23] = [
    "GIT_ATTR_SOURCE",
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
    /// Where new objects go instead, and where the old ones are.
    objects: Option<(PathBuf, PathBuf)>,
}

impl Git {
    #[must_use]
    pub fn at(git_dir: &Path, worktree: Option<&Path>) -> Self {
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Self { git_dir: absolute(git_dir), worktree: worktree.map(absolute), objects: None }
    }

    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The same, but what it writes goes into a directory of its own beside the repository's objects.
    #[must_use]
    pub(super) fn writing_into(self, scratch: &Path, objects: &Path) -> Self {
        let absolute = objects.canonicalize().unwrap_or_else(|_| objects.to_owned());
        Self { objects: Some((scratch.to_owned(), absolute)), ..self }
    }

    #[must_use]
    pub fn worktree(&self) -> Option<&Path> {
        self.worktree.as_deref()
    }

    /// Plumbing: as its exit code says, with replace refs and grafts off.
    pub fn plumbing<A: AsRef<OsStr>>(&self, args: &[A]) -> anyhow::Result<Finished> {
        self.asked(args, &[])
    }

    fn asked<A: AsRef<OsStr>>(&self, args: &[A], stdin: &[u8]) -> anyhow::Result<Finished> {
        let mut invocation = self.invocation(args, PLUMBING_DEADLINE);
        invocation.stdin = stdin.to_vec();
        invocation.env_set.push(("GIT_NO_REPLACE_OBJECTS".into(), "1".into()));
        invocation.env_set.push(("GIT_GRAFT_FILE".into(), "/dev/null".into()));
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

    /// Plumbing with an input, and with an index of our own where one is named; its output.
    pub fn feed<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        stdin: &[u8],
        index: Option<&Path>,
    ) -> anyhow::Result<Vec<u8>> {
        let invocation = self.feeding(args, stdin, index);
        let finished = run(&invocation).with_context(|| format!("git {}", first(args)))?;
        if finished.status.success() {
            return Ok(finished.stdout);
        }
        Err(failed(args, &finished))
    }

    /// A question about paths to which 1 is an answer as well: no. No path may begin with a colon.
    pub fn ask<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        stdin: &[u8],
        index: &Path,
    ) -> anyhow::Result<Vec<u8>> {
        let mut invocation = self.feeding(args, stdin, Some(index));
        invocation.env_set.push(("GIT_LITERAL_PATHSPECS".into(), "0".into()));
        let finished = run(&invocation).with_context(|| format!("git {}", first(args)))?;
        match finished.status {
            ExitStatus::Code(0 | 1) => Ok(finished.stdout),
            ExitStatus::Code(_) | ExitStatus::Signal(_) => Err(failed(args, &finished)),
        }
    }

    fn feeding<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        stdin: &[u8],
        index: Option<&Path>,
    ) -> Invocation {
        let mut all: Vec<OsString> = Vec::new();
        if index.is_some() {
            // A hook would be told of an index that is not the user's.
            all.extend(["-c".into(), "core.hooksPath=/dev/null".into()]);
        }
        all.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        let mut invocation = self.invocation(&all, COMMIT_DEADLINE);
        invocation.env_set.push(("GIT_NO_REPLACE_OBJECTS".into(), "1".into()));
        invocation.env_set.push(("GIT_OPTIONAL_LOCKS".into(), "0".into()));
        if let Some(index) = index {
            invocation.env_set.push(("GIT_INDEX_FILE".into(), index.into()));
        }
        invocation.stdin = stdin.to_vec();
        invocation.group = Group::Own;
        invocation
    }

    /// Plumbing whose paths are patterns with a meaning; its output.
    pub fn with_patterns<A: AsRef<OsStr>>(&self, args: &[A]) -> anyhow::Result<Vec<u8>> {
        let mut invocation = self.invocation(args, PLUMBING_DEADLINE);
        invocation.env_set.push(("GIT_LITERAL_PATHSPECS".into(), "0".into()));
        invocation.group = Group::Own;
        let finished = run(&invocation).with_context(|| format!("git {}", first(args)))?;
        if finished.status.success() {
            return Ok(finished.stdout);
        }
        Err(failed(args, &finished))
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
        Err(failed(args, &finished))
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
        self.network_within(args, NETWORK_DEADLINE)
    }

    /// The same for who does not want to wait for it.
    pub fn network_within<A: AsRef<OsStr>>(
        &self,
        args: &[A],
        deadline: Duration,
    ) -> anyhow::Result<Finished> {
        let mut invocation = self.invocation(args, deadline);
        // With either of them, a rewritten history looks as if it only went forward.
        invocation.env_set.push(("GIT_GRAFT_FILE".into(), "/dev/null".into()));
        invocation.env_set.push(("GIT_NO_REPLACE_OBJECTS".into(), "1".into()));
        run(&invocation).with_context(|| format!("git {}", first(args)))
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
        let mut env_set = vec![
            ("LC_ALL".into(), "C".into()),
            ("GIT_TERMINAL_PROMPT".into(), "0".into()),
            ("GIT_LITERAL_PATHSPECS".into(), "1".into()),
        ];
        if let Some((scratch, objects)) = &self.objects {
            env_set.push(("GIT_OBJECT_DIRECTORY".into(), scratch.into()));
            env_set.push(("GIT_ALTERNATE_OBJECT_DIRECTORIES".into(), quoted(objects)));
        }
        Invocation {
            program: env::git(),
            args: all,
            env_set,
            env_remove: dropped(),
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

/// Inside of a fence, git is told by configuration to ask us; what we do ourselves is not asked about.
fn dropped() -> Vec<OsString> {
    let fenced = env::is_fenced().then_some("GIT_CONFIG_COUNT");
    DROPPED.into_iter().chain(fenced).map(Into::into).collect()
}

/// A list has colons between its paths, unless a path is in quotes.
fn quoted(path: &Path) -> OsString {
    let mut text = OsString::from("\"");
    for part in path.as_os_str().as_encoded_bytes().split_inclusive(|b| matches!(b, b'"' | b'\\')) {
        let (last, rest) = part.split_last().unwrap_or((&0, &[]));
        let escaped = matches!(last, b'"' | b'\\');
        text.push(OsStr::from_bytes(if escaped { rest } else { part }));
        if escaped {
            text.push("\\");
            text.push(OsStr::from_bytes(&[*last]));
        }
    }
    text.push("\"");
    text
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut text = OsString::from(option);
    text.push(path);
    text
}

fn failed<A: AsRef<OsStr>>(args: &[A], finished: &Finished) -> anyhow::Error {
    let said = String::from_utf8_lossy(&finished.stderr);
    anyhow::anyhow!("git {} failed: {}", first(args), said.trim())
}

/// The command's name: what comes after the settings.
fn first<A: AsRef<OsStr>>(args: &[A]) -> String {
    let mut words = args.iter().map(|arg| arg.as_ref().to_string_lossy());
    while let Some(word) = words.next() {
        if word != "-c" {
            return word.into_owned();
        }
        words.next();
    }
    String::new()
}
