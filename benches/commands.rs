//! Whole processes beside their peers, in turn: A B A B …, median of each and of the ratio pair by pair.
//!
//! `cargo bench --bench commands`; `GIT_RUN_BINARY=<path>` measures another build of the program.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark starts processes, reads the clock and prints"
)]

mod scene;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use git_run::{domain::id::RunId, git::Repo, store::journal::Journal};
use scene::{Scene, git};

const ROUNDS: usize = 60;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, dir] = words.as_slice()
        && word == "append-one"
    {
        return append_one(Path::new(dir));
    }
    println!(
        "{:<52} {:>9} {:>9} {:>7}",
        "whole process, median of 60 in turn", "git-run", "peer", "ratio"
    );
    starts_and_looks();
    appends();
    idle_iterations();
}

/// What a cold process pays for one durable event: this program, started for nothing else.
fn append_one(dir: &Path) {
    let repo = Repo::at(dir).unwrap();
    let run = RunId::parse("20261121-000000-bench").unwrap();
    let mut journal = Journal::open(&repo, &run, Scene::actor()).unwrap();
    journal.append(vec![Scene::remark()], &[], Scene::now()).unwrap();
}

fn starts_and_looks() {
    for events in [10, 100_000] {
        let scene = Scene::with_events(events);
        let git_dir = scene.work.join(".git");
        let first = Repo::at(&git_dir).unwrap().refs().list("refs/run/").unwrap();
        assert!(!first.is_empty());
        if events == 10 {
            let ours = || started(&program(), &["--version"], &scene.work);
            row("start: `--version` beside `git --version`", ours, || {
                started_git(&["--version"], &scene.work)
            });
        }
        let ours = || started(&program(), &["status"], &scene.work);
        let name = format!("`status`, {events} events, beside `git rev-parse HEAD`");
        row(&name, ours, || started_git(&["rev-parse", "HEAD"], &scene.work));
    }
}

fn appends() {
    let scene = Scene::with_events(1_000);
    let words = ["status", "--for-agent", "--budget", "2000"];
    let ours = || started(&program(), &words, &scene.work);
    row("`status --for-agent`, 1,000 events, beside `git status`", ours, || {
        started_git(&["status", "--porcelain"], &scene.work)
    });
    let git_dir = scene.work.join(".git").to_str().unwrap().to_owned();
    let own = std::env::current_exe().unwrap();
    let cold = || started(&own, &["append-one", &git_dir], &scene.work);
    row("cold append beside four plumbing processes", cold, || four_processes(&scene.work));
    let cold = || started(&own, &["append-one", &git_dir], &scene.work);
    row("cold append beside `git notes append`", cold, || {
        started_git(
            &[
                "-c",
                "user.name=b",
                "-c",
                "user.email=b@b",
                "notes",
                "append",
                "-m",
                "event",
                "HEAD",
            ],
            &scene.work,
        )
    });
}

/// `hash-object`, `mktree`, `commit-tree`, `update-ref`: what a script does for one event.
fn four_processes(dir: &Path) -> Duration {
    let begun = Instant::now();
    std::fs::write(dir.join(".git/event"), format!("{{\"at\":{:?}}}", begun.elapsed())).unwrap();
    let blob = said(&["hash-object", "-w", ".git/event"], dir, None);
    let tree = said(&["mktree"], dir, Some(&format!("100644 blob {blob}\tevent\n")));
    let commit = said(
        &["-c", "user.name=b", "-c", "user.email=b@b", "commit-tree", &tree, "-m", "event"],
        dir,
        None,
    );
    said(&["update-ref", "refs/bench/journal", &commit], dir, None);
    begun.elapsed()
}

/// Twenty attempts of an agent that does nothing at all.
fn idle_iterations() {
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    std::fs::create_dir(&work).unwrap();
    git(&work, &["init", "--quiet", "--initial-branch=main"]);
    for (key, value) in [
        ("user.name", "b"),
        ("user.email", "b@b"),
        ("run.enabled", "true"),
        ("run.command", "true"),
        ("run.breaker.failures", "20"),
    ] {
        git(&work, &["config", key, value]);
    }
    let plan = "format = 1\nid = 'p'\ntitle = 'P'\n[[sprint]]\nid = 'sprint-1'\ntitle = 'S'\n[[sprint.task]]\nid = 'T-1'\ntitle = 'T'\n";
    std::fs::write(work.join("plan.toml"), plan).unwrap();
    git(&work, &["add", "plan.toml"]);
    git(&work, &["commit", "--quiet", "-m", "plan"]);
    let took = started(&program(), &["sprint-1", "--local", "--quiet"], &work);
    println!(
        "{:<52} {:>6.0} ms",
        "20 iterations of an agent that does nothing",
        took.as_secs_f64() * 1e3
    );
}

fn row(name: &str, mut ours: impl FnMut() -> Duration, mut peer: impl FnMut() -> Duration) {
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let _warm = (ours(), peer());
    for _ in 0..ROUNDS {
        let (mine, theirs) = (ours().as_secs_f64() * 1e3, peer().as_secs_f64() * 1e3);
        a.push(mine);
        b.push(theirs);
        ratios.push(mine / theirs);
    }
    println!("{name:<52} {:>6.2} ms {:>6.2} ms {:>7.2}", median(a), median(b), median(ratios));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn program() -> PathBuf {
    std::env::var_os("GIT_RUN_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_git-run").into(), PathBuf::from)
}

fn started(program: &Path, words: &[&str], dir: &Path) -> Duration {
    let mut command = Command::new(program);
    command
        .args(words)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    command.status().unwrap();
    begun.elapsed()
}

fn started_git(words: &[&str], dir: &Path) -> Duration {
    started(Path::new("git"), words, dir)
}

fn said(words: &[&str], dir: &Path, stdin: Option<&str>) -> String {
    use std::io::Write as _;
    let mut command = Command::new("git");
    command.args(words).current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(stdin.unwrap_or_default().as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {words:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
