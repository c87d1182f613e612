//! What the guard costs: its pre-push hook beside an empty one, git inside of a fence beside git
//! outside, and people's own git with everything installed beside git with nothing. In turn, median.
//!
//! `cargo bench --bench guard`; `GIT_RUN_BINARY=<path>` measures another build of the program,
//! `GIT_RUN_BENCH_DIR=<dir>` another disk.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark starts processes, reads the clock and prints"
)]

mod scene;

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use git_run::{git::Repo, store::journal::Journal};

const ROUNDS: usize = 25;
const EMPTY_HOOK: &str = "#!/bin/sh\ncat >/dev/null\n";

fn main() {
    println!("{:<62} {:>9} {:>9} {:>9}", "median of 25 in turn", "guarded", "without", "more");
    for (runs, refs) in [(0, 1), (1, 1), (1000, 1), (1000, 1000)] {
        hook(runs, refs, true, false);
    }
    hook(1000, 1, true, true);
    hook(1000, 1000, true, true);
    hook(1000, 1000, false, true);
    people();
    agents();
}

/// The hook as git calls it, with so many runs in the repository and so many refs in the push.
/// Of the runs one is here, or all of them are elsewhere; their refs may be packed, as `git gc` does.
fn hook(runs: usize, refs: usize, here: bool, packed: bool) {
    let place = Place::new();
    place.with_runs(runs, here);
    if packed {
        place.git(&["pack-refs", "--all"]);
    }
    let mut lines = String::new();
    for (at, (old, new)) in place.commits(refs).iter().enumerate() {
        let name = format!("refs/heads/t{at}");
        writeln!(lines, "{name} {new} {name} {old}").unwrap();
    }
    place.run(&["hooks", "install"]);
    let ours = place.work().join(".git/hooks/pre-push");
    let empty = place.dir.path().join("empty");
    fs::write(&empty, EMPTY_HOOK).unwrap();
    fs::set_permissions(&empty, fs::Permissions::from_mode(0o755)).unwrap();
    let call = |hook: &Path| {
        let mut child = place
            .command(hook)
            .args(["origin", "../remote.git"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // An empty hook may be gone before it has read everything.
        let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
        assert!(child.wait().unwrap().success());
    };
    let elsewhere = if here || runs == 0 { "" } else { ", none of them here" };
    row(
        &format!(
            "pre-push: {runs} runs{}{elsewhere}, {refs} refs",
            if packed { " packed" } else { "" }
        ),
        &mut || call(&ours),
        &mut || call(&empty),
    );
}

fn people() {
    let (guarded, plain) = (Place::new(), Place::new());
    guarded.with_runs(1, true);
    guarded.run(&["init"]);
    let commit = |place: &Place| place.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
    row("people: git commit", &mut || commit(&guarded), &mut || commit(&plain));
    let fetch = |place: &Place| place.fetch(100);
    row("people: git fetch of 100 refs", &mut || fetch(&guarded), &mut || fetch(&plain));
    let push = |place: &Place| {
        commit(place);
        place.git(&["push", "-q", "origin", "HEAD:refs/heads/work"]);
    };
    row("people: git commit and push", &mut || push(&guarded), &mut || push(&plain));
}

fn agents() {
    let place = Place::new();
    place.run(&["hooks", "install"]);
    // One fence for all of them, as a stage has one.
    let inside = |line: &str| {
        let script = format!(
            "for i in $(seq {ROUNDS}); do s=$(date +%s%N); {line}; e=$(date +%s%N); echo $((e - s)); done"
        );
        let run = |words: &[&str]| {
            let mut command = match words {
                [] => place.command(Path::new("sh")),
                words => {
                    let mut command = place.command(&program());
                    command.args(words).arg("sh");
                    command
                }
            };
            let out = command.args(["-c", &script]).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            let text = String::from_utf8(out.stdout).unwrap();
            let mut all: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
            Duration::from_nanos(median(&mut all))
        };
        (run(&["ice", "exec", "--"]), run(&[]))
    };
    for (what, line) in [
        ("agents: git commit", "git commit -q --allow-empty -m x"),
        ("agents: git status", "git status --porcelain"),
        (
            "agents: git fetch of 100 refs",
            "git fetch -q --force ../remote.git 'refs/heads/t*:refs/remotes/origin/t*'",
        ),
    ] {
        if line.contains("fetch") {
            place.publish(100);
        }
        let (guarded, plain) = inside(line);
        print(what, guarded, plain);
    }
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// A work tree with one commit, and a bare remote that has it.
    fn new() -> Self {
        let parent =
            std::env::var_os("GIT_RUN_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let dir = tempfile::tempdir_in(parent).unwrap();
        let place = Self { dir };
        fs::create_dir(place.work()).unwrap();
        fs::write(
            place.dir.path().join("gitconfig"),
            "[user]\nname = b\nemail = b@b\n[maintenance]\nauto = false\n[gc]\nauto = 0\n",
        )
        .unwrap();
        place.git(&["init", "-q", "--initial-branch=main"]);
        place.git(&["commit", "-q", "--allow-empty", "-m", "first"]);
        place.git(&["clone", "-q", "--bare", ".", "../remote.git"]);
        place.git(&["remote", "add", "origin", "../remote.git"]);
        place
    }

    fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.work())
            .env("GIT_CONFIG_GLOBAL", self.dir.path().join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", self.dir.path());
        command
    }

    fn git(&self, words: &[&str]) {
        let status = self.command(Path::new("git")).args(words).status().unwrap();
        assert!(status.success(), "git {words:?}");
    }

    fn run(&self, words: &[&str]) {
        let out = self.command(&program()).args(words).output().unwrap();
        assert!(out.status.success(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Runs of this work tree, or of others; where they are here, the newest is the one that counts.
    fn with_runs(&self, count: usize, here: bool) {
        let repo = Repo::at(&self.work().join(".git")).unwrap();
        for at in 0..count {
            let mut charter = scene::charter_of(&repo, &format!("20260101-000000-{at:010x}"));
            if !here {
                charter.worktree = format!("/elsewhere/{at}");
            }
            let journal = scene::journal_of(&repo, charter);
            if here && at + 1 == count {
                let first = journal.tip().clone();
                git_run::store::catalog::point_here(&repo, &first).unwrap();
            }
            drop::<Journal<'_>>(journal);
        }
    }

    /// So many pairs of a commit and its child.
    fn commits(&self, count: usize) -> Vec<(String, String)> {
        let mut stream = String::new();
        for at in 0..count {
            for (mark, from) in [(2 * at + 1, None), (2 * at + 2, Some(2 * at + 1))] {
                let from = from
                    .map_or("from refs/heads/main^0".to_owned(), |mark| format!("from :{mark}"));
                write!(stream, "commit refs/heads/t{at}\nmark :{mark}\ncommitter b <b@b> {mark} +0000\ndata 1\nx\n{from}\n\n").unwrap();
            }
        }
        let marks = self.dir.path().join("marks");
        let mut child = self
            .command(Path::new("git"))
            .args(["fast-import", "--quiet", "--force"])
            .arg(format!("--export-marks={}", marks.display()))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        let text = fs::read_to_string(marks).unwrap();
        let mut ids: Vec<(usize, String)> = text
            .lines()
            .map(|line| {
                let (mark, id) = line.split_once(' ').unwrap();
                (mark[1..].parse().unwrap(), id.to_owned())
            })
            .collect();
        ids.sort();
        ids.chunks(2).map(|pair| (pair[0].1.clone(), pair[1].1.clone())).collect()
    }

    /// So many branches at the remote.
    fn publish(&self, count: usize) {
        let lines = (0..count).map(|at| format!("create refs/heads/t{at} refs/heads/main\n"));
        let mut child = self
            .command(Path::new("git"))
            .args(["--git-dir=../remote.git", "update-ref", "--stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let text: String = lines.collect();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Fetches branches that are not there yet.
    fn fetch(&self, count: usize) {
        if !self.dir.path().join("remote.git/refs/heads/t0").exists() {
            self.publish(count);
        }
        let _ = fs::remove_dir_all(self.work().join(".git/refs/remotes/origin"));
        self.git(&["fetch", "-q", "origin", "refs/heads/t*:refs/remotes/origin/t*"]);
    }
}

fn row(what: &str, ours: &mut dyn FnMut(), peer: &mut dyn FnMut()) {
    let (mut times, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.push(timed(ours));
        peers.push(timed(peer));
    }
    print(what, median(&mut times), median(&mut peers));
}

fn timed(work: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn print(what: &str, ours: Duration, peer: Duration) {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let (ours, peer) = (ms(ours), ms(peer));
    println!("{what:<62} {ours:>6.1} ms {peer:>6.1} ms {:>6.1} ms", ours - peer);
}

fn median<T: Copy + Ord>(all: &mut [T]) -> T {
    all.sort_unstable();
    all[all.len() / 2]
}

fn program() -> PathBuf {
    std::env::var_os("GIT_RUN_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_git-run")), PathBuf::from)
}
