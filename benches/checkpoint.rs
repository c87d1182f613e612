//! A checkpoint beside what others do for it: dirtied afresh before each, in turn, median, and what it
//! added to the object store.
//!
//! `cargo bench --bench checkpoint`; `GIT_RUN_BINARY=<path>` measures another build of the program,
//! `GIT_RUN_BENCH_DIR=<dir>` another disk.
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

const ROUNDS: usize = 15;

fn main() {
    println!(
        "{:<34} {:<34} {:>9} {:>9} {:>12}",
        "median of 15 in turn", "", "time", "× status", "bytes added"
    );
    for files in [10_000, 100_000] {
        let scene = Scene::with_files(files);
        for (changed, new) in [(0, 0), (10, 5), (100, 50), (1000, 500)] {
            compare(&scene, changed, new);
        }
    }
}

fn compare(scene: &Scene, changed: usize, new: usize) {
    type Way = fn(&Scene);
    let ways: [(&str, Way); 4] = [
        ("git status (the floor)", |scene| drop(scene.git(&["status", "--porcelain"]))),
        ("git-run checkpoint", |scene| scene.run(&program(), &["checkpoint", "--quiet"])),
        ("git stash create", |scene| drop(scene.git(&["stash", "create"]))),
        ("private index, add -A, write-tree", private_index),
    ];
    let mut times = vec![Vec::new(); ways.len()];
    let mut bytes = vec![Vec::new(); ways.len()];
    for round in 0..ROUNDS {
        for (at, (_, way)) in ways.iter().enumerate() {
            scene.dirty(changed, new, round * ways.len() + at);
            let before = scene.object_bytes();
            let start = Instant::now();
            way(scene);
            times[at].push(start.elapsed());
            bytes[at].push(scene.object_bytes().saturating_sub(before));
        }
    }
    let medians: Vec<Duration> = times.iter_mut().map(|all| median(all)).collect();
    let what = format!("{} files, {changed} changed, {new} new", scene.files);
    for (at, (name, _)) in ways.iter().enumerate() {
        println!(
            "{:<34} {name:<34} {:>6.1} ms {:>9.2} {:>12}",
            if at == 0 { what.as_str() } else { "" },
            medians[at].as_secs_f64() * 1000.0,
            medians[at].as_secs_f64() / medians[0].as_secs_f64(),
            median(&mut bytes[at])
        );
    }
    scene.clean(new);
}

fn private_index(scene: &Scene) {
    let index = scene.dir.path().join("index");
    fs::copy(scene.work.join(".git/index"), &index).unwrap();
    for words in [&["add", "-A"][..], &["write-tree"]] {
        let mut git = scene.command("git");
        git.args(words).env("GIT_INDEX_FILE", &index);
        assert!(git.stdout(Stdio::null()).status().unwrap().success());
    }
}

fn median<T: Copy + Ord>(all: &mut [T]) -> T {
    all.sort_unstable();
    all[all.len() / 2]
}

fn program() -> PathBuf {
    std::env::var_os("GIT_RUN_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_git-run").into(), PathBuf::from)
}

struct Scene {
    dir: tempfile::TempDir,
    work: PathBuf,
    files: usize,
}

impl Scene {
    fn with_files(files: usize) -> Self {
        let dir = match std::env::var_os("GIT_RUN_BENCH_DIR") {
            Some(place) => tempfile::tempdir_in(place).unwrap(),
            None => tempfile::tempdir().unwrap(),
        };
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        let scene = Self { dir, work, files };
        for words in [
            &["init", "--quiet"][..],
            &["config", "user.name", "Bench"],
            &["config", "user.email", "bench@example.com"],
            &["config", "gc.auto", "0"],
        ] {
            scene.git(words);
        }
        for at in 0..files {
            let path = scene.file(at);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("file {at}\n").repeat(20)).unwrap();
        }
        scene.git(&["add", "--all"]);
        scene.git(&["commit", "--quiet", "-m", "all"]);
        scene.git(&["repack", "-adq"]);
        // What was written in the same second as the index is looked at again and again.
        std::thread::sleep(Duration::from_millis(1100));
        scene.git(&["status"]);
        scene
    }

    fn file(&self, at: usize) -> PathBuf {
        self.work.join(format!("d{}/e{}/f{at}.txt", at % 100, at / 100 % 10))
    }

    fn dirty(&self, changed: usize, new: usize, salt: usize) {
        for at in 0..changed {
            let at = at * 97 % self.files;
            fs::write(self.file(at), format!("file {at} {salt}\n").repeat(20)).unwrap();
        }
        for at in 0..new {
            let path = self.work.join(format!("d{}/new{at}.txt", at % 100));
            fs::write(path, format!("new {at} {salt}\n").repeat(20)).unwrap();
        }
    }

    fn clean(&self, new: usize) {
        for at in 0..new {
            fs::remove_file(self.work.join(format!("d{}/new{at}.txt", at % 100))).unwrap();
        }
        self.git(&["checkout", "--quiet", "--", "."]);
        std::thread::sleep(Duration::from_millis(1100));
        self.git(&["status"]);
    }

    fn object_bytes(&self) -> u64 {
        fn below(dir: &Path) -> u64 {
            let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
            let size = |entry: fs::DirEntry| match entry.metadata() {
                Ok(about) if about.is_dir() => below(&entry.path()),
                Ok(about) => about.len(),
                Err(_) => 0,
            };
            entries.map(size).sum()
        }
        below(&self.work.join(".git/objects"))
    }

    fn git(&self, words: &[&str]) -> Vec<u8> {
        let output = self.command("git").args(words).output().unwrap();
        assert!(output.status.success(), "git {words:?}");
        output.stdout
    }

    fn run(&self, program: &Path, words: &[&str]) {
        let status = self.command(program).args(words).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{words:?}");
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.work)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8");
        command
    }
}
