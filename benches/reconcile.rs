//! `git run reconcile` beside `git log` over the same range, in turn; the base stands still, and there is a
//! commit graph.
//!
//! `cargo bench --bench reconcile`; `GIT_RUN_BINARY=<path>` measures another build of the program.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark starts processes, reads the clock and prints"
)]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const ROUNDS: usize = 15;
const PLAN: &str = "format = 1\nid = \"p\"\ntitle = \"P\"\n[[sprint]]\nid = \"sprint-1\"\ntitle = \"One\"\n\
    [[sprint.task]]\nid = \"T-1\"\ntitle = \"t\"\n[sprint.task.steps]\nimplement = [\"echo 1 > one.txt\"]\n\
    review = [\"true\"]\naudit = [\"true\"]\n";

fn main() {
    println!("{:<12} {:<52} {:>10}", "commits", "median of 15 in turn", "time");
    for commits in [2_000, 50_000] {
        let dir = tempfile::tempdir().unwrap();
        scene(dir.path(), commits);
        let ways: [(&str, &[&str]); 4] = [
            ("git-run reconcile", &["reconcile"]),
            ("git-run --version (the floor of a process)", &["--version"]),
            (
                "git log --format=%H%x00%T%x00%P%x00%B",
                &["log", "--format=%H%x00%T%x00%P%x00%B", "main..HEAD"],
            ),
            ("git rev-list --count", &["rev-list", "--count", "main..HEAD"]),
        ];
        let mut times = vec![Vec::new(); ways.len()];
        for _ in 0..ROUNDS {
            for (at, (name, words)) in ways.iter().enumerate() {
                let program =
                    if name.starts_with("git-run") { program() } else { "git".to_owned() };
                let mut command = command(dir.path(), &program);
                command.args(*words).stdout(Stdio::null());
                let start = Instant::now();
                assert!(command.status().unwrap().success(), "{name}");
                times[at].push(start.elapsed());
            }
        }
        for ((name, _), times) in ways.iter().zip(&mut times) {
            println!("{commits:<12} {name:<52} {:>7.1} ms", median(times).as_secs_f64() * 1000.0);
        }
    }
}

/// A finished run, and so many commits of others on its branch.
fn scene(dir: &Path, commits: usize) {
    let git = |words: &[&str]| {
        assert!(command(dir, "git").args(words).status().unwrap().success(), "{words:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    for (key, value) in [
        ("user.name", "B"),
        ("user.email", "b@example.com"),
        ("run.enabled", "true"),
        ("run.agent", "steps"),
    ] {
        git(&["config", key, value]);
    }
    fs::write(dir.join("plan.toml"), PLAN).unwrap();
    git(&["add", "plan.toml"]);
    git(&["commit", "--quiet", "-m", "plan"]);
    let words = ["sprint-1", "--local", "--quiet"];
    assert!(command(dir, &program()).args(words).stdout(Stdio::null()).status().unwrap().success());
    let mut import = command(dir, "git");
    let words = ["fast-import", "--quiet", "--force"];
    let mut child = import.args(words).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for at in 0..commits {
        let message =
            format!("fix: the part {at}\n\nIt was wrong.\n\nSigned-off-by: A <a@example.com>\n");
        let from = if at == 0 { "from refs/heads/feature/sprint-1^0\n" } else { "" };
        let text = format!("{at}\n");
        write!(
            input,
            "commit refs/heads/feature/sprint-1\ncommitter A <a@example.com> {} +0000\ndata {}\n{message}\n{from}M 100644 inline file\ndata {}\n{text}\n",
            1_900_000_000 + at,
            message.len(),
            text.len()
        )
        .unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    git(&["reset", "--quiet", "--hard"]);
    git(&["repack", "-q", "-ad"]);
    git(&["commit-graph", "write", "--reachable"]);
}

fn command(dir: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap();
    command.current_dir(dir).env_clear().env("PATH", path).env("HOME", dir);
    command.env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

fn program() -> String {
    std::env::var("GIT_RUN_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_git-run").to_owned())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
