//! A repository of a test's own: its own HOME, its own configuration, nobody else's git.

#![allow(dead_code, unreachable_pub, reason = "every test binary uses another part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

pub mod lanes;
pub mod scripted;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use assert_fs::TempDir;

/// The program under test, as cargo built it.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_git-run");

pub struct TestRepo {
    dir: TempDir,
    pub work: PathBuf,
}

impl TestRepo {
    /// A repository with one commit on `main`, in which runs are enabled and the agent is `steps`.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// The same, with further words for `git init`: `--object-format=sha256`, `--ref-format=reftable`.
    pub fn with(init: &[&str]) -> Self {
        let repo = Self::empty(init);
        repo.write("README", "hello\n");
        repo.git(&["add", "README"]);
        repo.git(&["commit", "--quiet", "-m", "first"]);
        repo
    }

    /// A repository without a commit.
    pub fn empty(init: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let work = dir.path().canonicalize().unwrap().join("work");
        fs::create_dir(&work).unwrap();
        fs::write(dir.path().join("gitconfig"), CONFIG).unwrap();
        let repo = Self { dir, work };
        let mut words = vec!["init", "--quiet", "--initial-branch=main"];
        words.extend(init);
        repo.git(&words);
        repo
    }

    /// The directory that holds the work tree, the configuration, and whatever a test puts beside them.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.work.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.work.join(path)).unwrap()
    }

    /// Writes `plan.toml` and commits it.
    pub fn plan(&self, text: &str) {
        self.write("plan.toml", text);
        self.git(&["add", "plan.toml"]);
        self.git(&["commit", "--quiet", "-m", "docs: the plan"]);
    }

    /// `git`, which must succeed; what it said, trimmed.
    pub fn git(&self, words: &[&str]) -> String {
        let output = self.try_git(words);
        assert!(output.status.success(), "git {words:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    pub fn try_git(&self, words: &[&str]) -> Output {
        self.command("git").args(words).output().unwrap()
    }

    /// The program under test.
    pub fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.program().args(words).output().unwrap())
    }

    pub fn program(&self) -> Command {
        self.command(PROGRAM)
    }

    /// Any program, in the work tree, with nothing of the tester's own environment but the PATH.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.work)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.root())
            .env("GIT_CONFIG_GLOBAL", self.root().join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC");
        command
    }

    /// Names of refs below a prefix.
    pub fn refs(&self, prefix: &str) -> Vec<String> {
        let out = self.git(&["for-each-ref", "--format=%(refname)", prefix]);
        out.lines().map(str::to_owned).collect()
    }

    /// The data of every event of this kind of this work tree's run, oldest first.
    pub fn recorded(&self, kind: &str) -> Vec<serde_json::Value> {
        let status = self.run(&["status", "--json"]).ends(0).json();
        let journal = format!("refs/run/{}/journal", status["run"].as_str().expect("a run"));
        let journal = self.git(&["log", "--reverse", "--format=%B", &journal]);
        let lines = journal.lines().filter(|line| line.starts_with("{\"actor\""));
        let all = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        all.filter(|event| event["event"] == kind).map(|event| event["data"].clone()).collect()
    }

    /// The only run's journal.
    pub fn journal(&self) -> String {
        let all = self.refs("refs/run/");
        all.into_iter().find(|name| name.ends_with("/journal")).expect("a journal")
    }
}

const CONFIG: &str = "[user]\n\tname = Tester\n\temail = tester@example.com\n[init]\n\tdefaultBranch = main\n\
    [run]\n\tenabled = true\n\tagent = steps\n[commit]\n\tgpgSign = false\n[advice]\n\tdetachedHead = false\n";

/// How the program under test ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// A clean end: a code below 128 and not a panic's.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One sprint: review passes when `done.txt` is there, audit when it does not say `bad`.
pub const ONE_SPRINT: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "Make done.txt"
[sprint.task.steps]
implement = ["echo done > done.txt"]
review = ["test -f done.txt"]
audit = ["! grep -q bad done.txt"]
"#;

/// A directory with everything in it, but for git's sample hooks.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, there) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&path, &there);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), &there).unwrap();
        } else if path.extension().is_none_or(|extension| extension != "sample") {
            fs::copy(&path, &there).unwrap();
        }
    }
}

/// Whether there is time for the large numbers.
pub fn long() -> bool {
    std::env::var_os("GIT_RUN_TESTS").is_some_and(|value| value == "long")
}
