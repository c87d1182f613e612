//! What the deterministic gates of a run cost without commands of the user's own: as a whole command, and in
//! process, beside `git status` of the same repository.
//!
//! `cargo bench --bench gates`; `GIT_RUN_BINARY=<path>` measures another build of the program.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark starts processes, reads the clock and prints"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const ROUNDS: usize = 25;
const GATES: [&str; 9] = [
    "validate-plan",
    "task-contexts",
    "secrets",
    "deletions",
    "diff-size",
    "protected-paths",
    "scope",
    "parallel",
    "plan",
];

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// So many files, so many commits of a run on top of them, and one file that is not committed.
    fn new(files: usize, commits: usize) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(place.work()).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        for (key, value) in [
            ("user.name", "b"),
            ("user.email", "b@b"),
            ("run.enabled", "true"),
            ("run.gate.diff-size.maxFiles", "100000"),
            ("run.gate.diff-size.maxLines", "1000000"),
        ] {
            place.git(&["config", key, value]);
        }
        for at in 0..files {
            place.write(&format!("base/{}/{at}", at % 97), &format!("{at}\n").repeat(20));
        }
        place.write("plan.toml", "format = 1\nid = \"p\"\n[[sprint]]\nid = \"sprint-1\"\n[[sprint.task]]\nid = \"T-1\"\ntitle = \"One\"\nwrites = [\"src/\"]\n\
            [[sprint.task.acceptance]]\nstatement = \"there\"\nverifications = [{ type = \"file\", path = \"src/0\" }, { type = \"grep\", path = \"src/0\", pattern = \"^fn\" }]\n");
        place.git(&["add", "-A"]);
        place.git(&["commit", "--quiet", "-m", "base"]);
        place.git(&["switch", "--quiet", "-c", "feature"]);
        for at in 0..commits {
            place.write(&format!("src/{at}"), &format!("fn f{at}() {{}}\n").repeat(100));
            place.git(&["add", "-A"]);
            place.git(&[
                "commit",
                "--quiet",
                "-m",
                &format!("feat: {at}\n\nRun: r\nRun-Item: T-1\n"),
            ]);
        }
        place.git(&["gc", "--quiet"]);
        place.write("src/new", "fn new() {}\n");
        place
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(self.work())
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn git(&self, words: &[&str]) {
        assert!(self.command("git").args(words).status().unwrap().success(), "git {words:?}");
    }
}

fn main() {
    println!("{:<44} {:>10} {:>12}", "median of 25 in turn", "nine gates", "git status");
    for (files, commits) in [(10, 1), (1_000, 10), (10_000, 100)] {
        let place = Place::new(files, commits);
        let binary = std::env::var_os("GIT_RUN_BINARY")
            .unwrap_or_else(|| env!("CARGO_BIN_EXE_git-run").into());
        let ours = || {
            let mut command = place.command(Path::new(&binary));
            assert!(command.arg("gate").args(GATES).status().unwrap().success());
        };
        let status = || place.git(&["status", "--porcelain"]);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            a.push(timed(&ours));
            b.push(timed(&status));
        }
        let name = format!("{files} files, {commits} commits in the range");
        println!("{name:<44} {:>7.1} ms {:>9.1} ms", median(&mut a), median(&mut b));
    }
}

fn timed(work: &dyn Fn()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(all: &mut [Duration]) -> f64 {
    all.sort();
    all[all.len() / 2].as_secs_f64() * 1000.0
}
