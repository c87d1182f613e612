//! Every kind of repository, and every way to be called in one.

use std::fs;

use crate::support::{ONE_SPRINT, PROGRAM, Ran, TestRepo};

#[test]
fn a_sprint_runs_to_its_end_in_every_kind_of_repository() {
    for init in [
        &[][..],
        &["--object-format=sha256"],
        &["--ref-format=reftable"],
        &["--object-format=sha256", "--ref-format=reftable"],
    ] {
        let repo = TestRepo::with(init);
        repo.plan(ONE_SPRINT);
        repo.run(&["sprint-1", "--local"]).ends(0);
        let status = repo.run(&["status", "--json"]).ends(0).json();
        assert_eq!(status["state"], "JACKED_OUT", "{init:?}");
        repo.run(&["verify"]).ends(0);
        repo.git(&["pack-refs", "--all"]);
        repo.git(&["gc", "--quiet", "--prune=now"]);
        repo.git(&["fsck", "--strict"]);
        repo.run(&["verify"]).ends(0);
        repo.run(&["log"]).ends(0);
    }
}

#[test]
fn two_work_trees_do_not_see_each_others_position() {
    for init in [&[][..], &["--ref-format=reftable"]] {
        let repo = TestRepo::with(init);
        repo.plan(&two_sprints());
        repo.git(&["worktree", "add", "--quiet", "-b", "side", "../side"]);
        let side = repo.root().canonicalize().unwrap().join("side");
        let there = |words: &[&str]| {
            Ran::of(repo.program().current_dir(&side).args(words).output().unwrap())
        };
        repo.run(&["sprint-1", "--local"]).ends(0);
        assert!(there(&["status"]).ends(0).out.contains("no run in this work tree"));
        there(&["sprint-2", "--local"]).ends(0);
        let (one, two) = (
            repo.run(&["status", "--json"]).ends(0).json(),
            there(&["status", "--json"]).ends(0).json(),
        );
        assert!(one["run"].is_string() && one["run"] != two["run"], "{one} {two}");
        // Both are listed, wherever one asks.
        for list in [repo.run(&["list"]), there(&["list"])] {
            let out = list.ends(0).out;
            assert_eq!(out.lines().filter(|line| !line.starts_with("next: ")).count(), 2, "{out}");
        }
        there(&["verify"]).ends(0);
        // Without its pointer, a work tree still finds its own run.
        fs::remove_file(repo.work.join(".git/refs/worktree/run")).ok();
        assert_eq!(repo.run(&["status", "--json"]).ends(0).json()["run"], one["run"]);
    }
}

fn two_sprints() -> String {
    let second = ONE_SPRINT.split_once("[[sprint]]").unwrap().1;
    let second = second.replace("sprint-1", "sprint-2").replace("T-1", "T-2");
    format!("{ONE_SPRINT}\n[[sprint]]{second}")
}

#[test]
fn a_bare_repository_is_read_and_starts_nothing() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let id = repo.run(&["status", "--json"]).ends(0).json()["run"].as_str().unwrap().to_owned();
    repo.git(&["clone", "--quiet", "--mirror", ".", "../bare.git"]);
    let bare = repo.root().canonicalize().unwrap().join("bare.git");
    let bare = bare.to_str().unwrap();
    for place in [["-C", bare], ["--git-dir", bare]] {
        for words in [&["list"][..], &["status", &id], &["log", &id], &["verify"], &["status"]] {
            let words = [&place[..], words].concat();
            let ran = repo.run(&words).ends(0);
            assert!(!ran.out.is_empty(), "{words:?}");
        }
        let ran = repo.run(&[&place[..], &["start", "sprint-1"]].concat()).ends(1);
        assert!(ran.err.contains("bare"), "{}", ran.err);
    }
    // As a hook of a bare repository is called.
    let mut hook = repo.program();
    let ran = hook.current_dir(bare).env("GIT_DIR", ".").arg("verify").output().unwrap();
    assert!(Ran::of(ran).ends(0).out.contains("whole"));
}

#[test]
fn an_unknown_extension_is_refused() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.git(&["config", "extensions.foo", "true"]);
    repo.run(&["status"]).ends(0);
    repo.git(&["config", "core.repositoryFormatVersion", "1"]);
    for words in [&["status"][..], &["sprint-1", "--local"], &["verify"]] {
        let ran = repo.run(words).ends(1);
        assert!(ran.err.contains("extensions.foo"), "{}", ran.err);
    }
    assert!(!repo.work.join(".git/refs/run").exists());
}

#[test]
fn the_environment_of_a_hook_changes_nothing() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    fs::create_dir(repo.work.join("sub")).unwrap();
    let git_dir = repo.work.join(".git");
    let mut command = repo.program();
    command
        .current_dir(repo.work.join("sub"))
        .env("GIT_DIR", &git_dir)
        .env("GIT_WORK_TREE", &repo.work)
        .env("GIT_INDEX_FILE", git_dir.join("another-index"))
        .env("GIT_PREFIX", "sub/")
        .args(["sprint-1", "--local"]);
    Ran::of(command.output().unwrap()).ends(0);
    assert!(!git_dir.join("another-index").exists(), "the user's index is the one that is used");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    // From inside of a hook, of a commit that somebody makes.
    let hook = git_dir.join("hooks/post-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    let said = repo.root().join("said");
    fs::write(
        &hook,
        format!("#!/bin/sh\n'{PROGRAM}' status --porcelain >'{0}' 2>&1\n'{PROGRAM}' verify >>'{0}' 2>&1\n", said.display()),
    )
    .unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "x"]);
    let said = fs::read_to_string(said).unwrap();
    assert!(said.contains("state JACKED_OUT") && said.contains("whole"), "{said}");
}

#[test]
fn settings_of_the_command_line_of_git_are_heard() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.git(&["config", "run.enabled", "false"]);
    let ran = repo.run(&["sprint-1", "--local"]).ends(1);
    assert!(ran.err.contains("run.enabled"), "{}", ran.err);
    let path = std::path::Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    let mut git = repo.command("git");
    git.env("PATH", path).args(["-c", "run.enabled=true", "run", "sprint-1", "--local"]);
    Ran::of(git.output().unwrap()).ends(0);
    let mut garbled = repo.program();
    let ran = garbled.env("GIT_CONFIG_PARAMETERS", "'run.enabled").arg("status").output().unwrap();
    Ran::of(ran).ends(1);
}

#[test]
fn a_strangers_repository_is_read_and_not_written() {
    for init in [&[][..], &["--ref-format=reftable"]] {
        let repo = TestRepo::with(init);
        repo.plan(ONE_SPRINT);
        repo.run(&["sprint-1", "--local"]).ends(0);
        let chown = repo.command("chown").args(["-R", "4242:4242", "."]).output().unwrap();
        if !chown.status.success() {
            eprintln!("SKIPPED: only root can give a repository away");
            return;
        }
        for words in [&["status"][..], &["list"], &["log"], &["verify"]] {
            repo.run(words).ends(0);
        }
        for words in [&["sprint-1", "--local"][..], &["halt"], &["resume"]] {
            let ran = repo.run(words).ends(1);
            assert!(ran.err.contains("safe.directory"), "{words:?}: {}", ran.err);
        }
        let config = repo.root().join("gitconfig");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{text}[safe]\n\tdirectory = {}\n", repo.work.display()))
            .unwrap();
        // Now it is the run's own state that says no.
        let ran = repo.run(&["resume"]);
        assert!(ran.err.contains("JACKED_OUT") && !ran.err.contains("safe."), "{ran:?}");
    }
}
