//! Killed at every crash point and at any time: the same command again finishes, or undo takes it back.

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::{
    fixture::{State, assert_same, checkpoint, put, sound, state},
    support::{Ran, TestRepo, long, text},
};

/// A repository in the middle of a merge, gone back to from commits, staged and untracked files.
struct Scene {
    repo: TestRepo,
    before: State,
    words: Vec<&'static str>,
}

fn scene(words: &[&'static str]) -> Scene {
    let repo = TestRepo::empty(&[]);
    put(&repo, b"dir/a", b"1\n");
    put(&repo, b"gone", b"1\n");
    commit(&repo, "a");
    repo.git(&["switch", "--quiet", "-c", "side"]);
    put(&repo, b"dir/a", b"side\n");
    commit(&repo, "side");
    repo.git(&["switch", "--quiet", "main"]);
    put(&repo, b"dir/a", b"main\n");
    commit(&repo, "main");
    assert!(!repo.try_git(&["merge", "side"]).status.success());
    put(&repo, b"new/untracked", b"1\n");
    put(&repo, b"staged", b"1\n");
    repo.git(&["add", "staged"]);
    checkpoint(&repo);
    repo.git(&["reset", "--quiet", "--hard"]);
    fs::remove_dir_all(repo.work.join("new")).unwrap();
    put(&repo, b"new", b"a file now\n");
    fs::remove_file(repo.work.join("gone")).unwrap();
    commit(&repo, "later");
    for number in 0..20 {
        put(&repo, format!("many/{number}").as_bytes(), b"untracked\n");
    }
    put(&repo, b"dir/a", b"and changed\n");
    match words[0] {
        "undo" | "redo" => {
            repo.run(&["rollback", "--to", "1"]).ends(0);
        }
        _ => {}
    }
    if words[0] == "redo" {
        repo.run(&["undo"]).ends(0);
    }
    let before = state(&repo);
    Scene { repo, before, words: words.to_vec() }
}

/// The same commit in every repository.
fn commit(repo: &TestRepo, message: &str) {
    repo.git(&["add", "--all"]);
    let mut git = repo.command("git");
    git.args(["commit", "--quiet", "-m", message]);
    git.env("GIT_AUTHOR_DATE", "1700000000 +0000").env("GIT_COMMITTER_DATE", "1700000000 +0000");
    assert!(git.output().unwrap().status.success());
}

const COMMANDS: [&[&str]; 5] =
    [&["rollback", "--to", "1"], &["rollback"], &["undo"], &["redo"], &["restore", "dir@1"]];

/// What the command makes of it when nobody kills it.
fn whole(words: &[&'static str]) -> (State, usize) {
    let scene = scene(words);
    let log = scene.repo.root().join("points");
    let mut program = scene.repo.program();
    program.args(words).env("GIT_RUN_CRASH_AT", "0").env("GIT_RUN_CRASH_LOG", &log);
    Ran::of(program.output().unwrap()).ends(0);
    let points = fs::read_to_string(&log).unwrap().lines().count();
    (state(&scene.repo), points)
}

/// Everything that must hold after a death. Whether the operation is half done.
fn holds(scene: &Scene, what: &str) -> bool {
    let Scene { repo, before, .. } = scene;
    repo.git(&["fsck", "--strict", "--no-dangling"]);
    let status = repo.run(&["status"]).ends(0);
    let half = is_half_done(repo);
    if half {
        let said = format!("{}{}", status.out, status.err);
        assert!(said.contains("git run undo"), "{what}: {said}");
        for words in [&["sprint-1", "--local"][..], &["resume"]] {
            let ran = repo.run(words);
            assert_eq!(ran.code, Some(5), "{what}: {words:?}: {ran:?}");
        }
    } else {
        // Either it had not begun or it had ended.
        let list = repo.run(&["checkpoint", "list", "--porcelain"]).ends(0);
        assert!(!list.out.is_empty(), "{what}: {before:?}");
    }
    half
}

/// The same again ends where it would have ended; before that, undo brings back what there was, and
/// then everything is put as the death left it.
fn goes_on(scene: &Scene, after: &State, what: &str) {
    let half = holds(scene, what);
    let Scene { repo, before, words } = scene;
    if half {
        // The same again would finish an undo: its opposite takes it back.
        let back = if words[0] == "undo" { "redo" } else { "undo" };
        in_a_copy(repo, || {
            repo.run(&[back]).ends(0);
            assert_same(&state(repo), before, &format!("{what}: taken back"));
            assert!(!is_half_done(repo), "{what}: taken back, and still half done");
            sound(repo);
        });
    }
    let ended = !half && state(repo) == *after;
    // To undo what was undone to its end would be another step.
    if !ended || !["undo", "redo"].contains(&words[0]) {
        repo.run(words).ends(0);
    }
    assert_same(&state(repo), after, &format!("{what}: the same again"));
    assert!(!is_half_done(repo), "{what}: still half done");
    sound(repo);
    if words[0] != "undo" {
        repo.run(&["undo"]).ends(0);
        assert_same(&state(repo), before, &format!("{what}: undone at last"));
    }
}

fn is_half_done(repo: &TestRepo) -> bool {
    repo.try_git(&["rev-parse", "-q", "--verify", "refs/worktree/run-operation"]).status.success()
}

/// At the same place, because that is what a work tree is known by.
fn in_a_copy(repo: &TestRepo, act: impl FnOnce()) {
    let aside = repo.root().join("aside");
    let copy = repo.command("cp").arg("-a").arg(&repo.work).arg(&aside).output().unwrap();
    assert!(copy.status.success());
    act();
    fs::remove_dir_all(&repo.work).unwrap();
    fs::rename(&aside, &repo.work).unwrap();
}

#[test]
fn killed_at_any_crash_point_the_same_again_finishes_and_undo_takes_it_back() {
    for words in COMMANDS {
        let (after, points) = whole(words);
        assert!(8 < points, "only {points} points: the sweep would prove little");
        let step = if long() { 1 } else { points.div_ceil(14) };
        let next = AtomicUsize::new(1);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(step, Ordering::SeqCst);
                        if points < at {
                            return;
                        }
                        let scene = scene(words);
                        let mut program = scene.repo.program();
                        program.args(words).env("GIT_RUN_CRASH_AT", at.to_string());
                        let output = program.output().unwrap();
                        assert_eq!(output.status.signal(), Some(9), "{}", text(&output.stderr));
                        goes_on(&scene, &after, &format!("{words:?} killed at {at} of {points}"));
                    }
                });
            }
        });
    }
}

#[test]
fn a_checkpoint_that_is_killed_is_there_or_not_and_the_next_one_is() {
    let log = TestRepo::new();
    put(&log, b"new", b"1\n");
    let file = log.root().join("points");
    let mut program = log.program();
    program.arg("checkpoint").env("GIT_RUN_CRASH_LOG", &file);
    Ran::of(program.output().unwrap()).ends(0);
    let points = fs::read_to_string(&file).unwrap().lines().count();
    for at in 1..=points {
        let repo = TestRepo::new();
        put(&repo, b"new", b"1\n");
        let before = state(&repo);
        let mut program = repo.program();
        program.arg("checkpoint").env("GIT_RUN_CRASH_AT", at.to_string());
        assert_eq!(program.output().unwrap().status.signal(), Some(9));
        assert_same(&state(&repo), &before, "killed");
        sound(&repo);
        let number = checkpoint(&repo);
        put(&repo, b"new", b"2\n");
        repo.run(&["rollback", "--to", &number.to_string()]).ends(0);
        assert_same(&state(&repo), &before, "back");
    }
}

#[test]
fn killed_at_any_time_with_every_git_that_it_started_it_is_finished_or_taken_back() {
    let rounds = if long() { 300 } else { 40 };
    let afters: Vec<State> = COMMANDS.iter().map(|words| whole(words).0).collect();
    let next = AtomicUsize::new(0);
    let deaths = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let round = next.fetch_add(1, Ordering::SeqCst);
                    if rounds <= round {
                        return;
                    }
                    let words = COMMANDS[round % COMMANDS.len()];
                    let scene = scene(words);
                    let mut program = scene.repo.program();
                    program.args(words).stdout(Stdio::null()).stderr(Stdio::null());
                    let mut child = program.spawn().unwrap();
                    thread::sleep(Duration::from_millis(4 + random(56)));
                    // Every second time what it started goes on for a moment without it.
                    let children = descendants(child.id());
                    let _ = child.kill();
                    if round.is_multiple_of(2) {
                        for pid in children {
                            let pid = rustix::process::Pid::from_raw(pid).unwrap();
                            let _ =
                                rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                        }
                    } else {
                        thread::sleep(Duration::from_millis(400));
                    }
                    let died = child.wait().unwrap().signal() == Some(9);
                    deaths.fetch_add(usize::from(died), Ordering::SeqCst);
                    let after = &afters[round % COMMANDS.len()];
                    goes_on(&scene, after, &format!("round {round}, {words:?}"));
                }
            });
        }
    });
    let deaths = deaths.load(Ordering::SeqCst);
    assert!(rounds / 4 < deaths, "only {deaths} deaths in {rounds} rounds prove little");
}

/// What a process of ours has started and what that has started.
fn descendants(pid: u32) -> Vec<i32> {
    let read = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut all = Vec::new();
    for child in read.split_whitespace().filter_map(|child| child.parse::<i32>().ok()) {
        all.push(child);
        all.extend(descendants(child.unsigned_abs()));
    }
    all
}

fn random(max: u64) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) % max
}
