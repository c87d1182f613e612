//! `git run doctor`: what it says of a healthy clone, and of everything that can be wrong with one.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::Command,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use support::{ONE_SPRINT, Ran, TestRepo};

/// A clone as `git run init` leaves it, with a remote far away.
fn healthy() -> TestRepo {
    let repo = TestRepo::new();
    repo.run(&["init"]).ends(0);
    repo.git(&["remote", "add", "origin", "ssh://git@example.invalid/x.git"]);
    repo
}

fn asked(command: &mut Command) -> (Option<i32>, Value) {
    let ran = Ran::of(command.args(["doctor", "--json"]).output().unwrap());
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    (ran.code, ran.json())
}

/// The worst state of a layer, and what is said of it.
fn layer(answer: &Value, name: &str) -> (String, String) {
    let order = ["ok", "unknown", "open", "broken"];
    let all = answer["layers"].as_array().unwrap().iter().filter(|layer| layer["layer"] == name);
    let word = |layer: &Value| layer["state"].as_str().unwrap().to_owned();
    let worst = all.max_by_key(|layer| order.iter().position(|known| *known == word(layer)));
    let worst = worst.unwrap_or(&Value::Null);
    (word(worst), format!("{} {}", worst["says"], worst["next"]))
}

#[track_caller]
fn says(repo: &TestRepo, name: &str, state: &str, part: &str) {
    let (code, answer) = asked(&mut repo.program());
    let (found, said) = layer(&answer, name);
    assert_eq!(found, state, "{name}: {said}");
    assert!(said.contains(part), "{name}: no `{part}` in {said}");
    let broken = answer["layers"].as_array().unwrap().iter().any(|it| it["state"] == "broken");
    assert_eq!((code, &answer["ok"]), (Some(i32::from(broken)), &(!broken).into()), "{answer}");
}

#[test]
fn a_healthy_clone_has_nothing_broken_and_one_line_for_each_layer() {
    let repo = healthy();
    let before = repo.git(&["for-each-ref"]);
    let ran = repo.run(&["doctor"]).ends(0);
    for line in ran.out.lines() {
        let word = line.split_whitespace().next().unwrap();
        assert!(["ok", "open", "unknown"].contains(&word), "{line}");
    }
    for (name, state, part) in [
        ("git", "ok", "2."),
        ("repository", "ok", ""),
        ("enabled", "ok", ""),
        ("protected", "ok", "11 built in"),
        ("gates", "ok", "review and audit"),
        ("pushing", "ok", ""),
        ("hooks", "ok", "4"),
        ("hooks-path", "ok", ""),
        ("work-trees", "ok", "0"),
        ("agent-hooks", "open", "pre-tool-use"),
        ("fence", "ok", ""),
        ("inside", "ok", "person"),
        ("remotes", "ok", "origin"),
        ("server", "unknown", "protect your branches"),
        ("locks", "ok", ""),
        ("lanes", "ok", ""),
        ("runs", "ok", "0"),
        ("ssh-agent", "ok", ""),
        ("ssh-keys", "ok", ""),
        ("forge-login", "ok", ""),
        ("tokens", "ok", ""),
        ("netrc", "ok", ""),
        ("credential-helper", "ok", ""),
    ] {
        says(&repo, name, state, part);
        assert!(ran.out.contains(name), "{name}");
    }
    assert_eq!(repo.git(&["for-each-ref"]), before);
}

#[test]
fn d8_every_hook_that_does_not_hold_is_told() {
    let repo = TestRepo::new();
    says(&repo, "hooks", "open", "git run hooks install");
    repo.run(&["hooks", "install"]).ends(0);
    says(&repo, "hooks", "ok", "");
    let hook = repo.work.join(".git/hooks/pre-push");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).unwrap();
    says(&repo, "hooks", "broken", "pre-push is not-executable");
    repo.run(&["hooks", "install"]).ends(0);
    fs::write(&hook, "#!/bin/sh\n# git-run hook 0: old\n").unwrap();
    says(&repo, "hooks", "broken", "pre-push is stale");
    repo.run(&["hooks", "install"]).ends(0);
    repo.git(&["config", "core.hooksPath", ".husky"]);
    says(&repo, "hooks-path", "open", ".husky");
    repo.run(&["hooks", "install"]).ends(0);
    says(&repo, "hooks-path", "ok", "ours");
    says(&repo, "hooks", "ok", "");
    repo.git(&["config", "--unset", "git-run.hookspathbefore"]);
    says(&repo, "hooks", "broken", "what was there before");
}

#[test]
fn a_linked_work_tree_with_hooks_of_its_own_is_told() {
    let repo = healthy();
    repo.git(&["worktree", "add", "--quiet", "../second"]);
    says(&repo, "work-trees", "ok", "1 linked");
    repo.git(&["config", "extensions.worktreeConfig", "true"]);
    repo.git(&["-C", "../second", "config", "--worktree", "core.hooksPath", "/nowhere"]);
    says(&repo, "hooks", "ok", "");
    says(&repo, "work-trees", "open", "second");
}

#[test]
fn settings_that_are_none_are_broken() {
    for (key, value) in
        [("run.autoPush", "garbage"), ("run.nonsense", "1"), ("run.enabled", "perhaps")]
    {
        let repo = healthy();
        repo.git(&["config", key, value]);
        says(&repo, "settings", "broken", key.rsplit('.').next().unwrap());
    }
    let repo = healthy();
    repo.git(&["config", "run.enabled", "false"]);
    repo.git(&["config", "run.newTags", "true"]);
    repo.git(&["config", "run.protectedBranch", "live/*"]);
    repo.git(&["config", "run.agent", "command"]);
    says(&repo, "enabled", "open", "git run init");
    says(&repo, "pushing", "open", "new tags");
    says(&repo, "protected", "ok", "1 by run.protectedBranch");
    says(&repo, "gates", "open", "no agent");
}

#[test]
fn remotes_are_told_without_asking_them() {
    let repo = healthy();
    repo.git(&[
        "remote",
        "set-url",
        "--add",
        "--push",
        "origin",
        "https://u:secret@example.invalid/a",
    ]);
    repo.git(&["remote", "set-url", "--add", "--push", "origin", "https://example.invalid/b"]);
    says(&repo, "remotes", "open", "origin");
    let all = repo.run(&["doctor"]).ends(0).out;
    assert!(all.contains("several URLs") && all.contains("a password"), "{all}");
    assert!(!all.contains("secret"), "{all}");
    let repo = TestRepo::new();
    repo.remote();
    says(&repo, "server", "open", "directory of this machine");
    repo.run(&["-C", "../remote.git", "hooks", "install"]).ends(0);
    says(&repo, "server", "ok", "pre-receive");
    repo.git(&["remote", "remove", "origin"]);
    says(&repo, "remotes", "ok", "nothing is pushed");
}

#[test]
fn what_was_left_behind_is_told() {
    let repo = healthy();
    let lock = repo.work.join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    says(&repo, "locks", "unknown", "index.lock");
    let old = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(&lock).unwrap().set_modified(old).unwrap();
    says(&repo, "locks", "broken", "rm '");
    fs::remove_file(&lock).unwrap();
    repo.plan(ONE_SPRINT);
    repo.run(&["sprint-1", "--local"]).ends(0);
    says(&repo, "runs", "ok", "1");
    let journal = repo.journal();
    repo.git(&["update-ref", &journal.replace("sprint-1", "sprint-x"), "HEAD"]);
    says(&repo, "runs", "broken", "git run verify");
    repo.git(&["update-ref", "refs/worktree/run-operation", "HEAD"]);
    says(&repo, "restore", "broken", "git run rollback");
}

#[test]
fn a_run_whose_process_is_gone_is_told() {
    let repo = TestRepo::scripted(&[("implement", "touch \"$HOME/at-work\"; sleep 60")]);
    let working = repo.begin(&["sprint-1", "--local"]);
    repo.await_file("at-work");
    says(&repo, "runs", "ok", "");
    working.signal("-KILL");
    let _ = working.ended();
    says(&repo, "runs", "broken", "git run resume");
    repo.run(&["halt", "--force"]).ends(0);
    says(&repo, "runs", "ok", "");
}

#[test]
fn what_opens_doors_is_named_and_not_read_out() {
    let repo = healthy();
    fs::create_dir(repo.root().join(".ssh")).unwrap();
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n";
    fs::write(repo.root().join(".ssh/id_x"), key).unwrap();
    fs::write(repo.root().join(".ssh/known_hosts"), "x\n").unwrap();
    fs::write(repo.root().join(".netrc"), "machine h password secret\n").unwrap();
    fs::create_dir_all(repo.root().join(".config/gh")).unwrap();
    fs::write(repo.root().join(".config/gh/hosts.yml"), "oauth_token: secret\n").unwrap();
    repo.git(&["config", "credential.helper", "/usr/bin/secret-dir/store --file=secret"]);
    let mut command = repo.program();
    command.env("GH_TOKEN", "secret").env("SSH_AUTH_SOCK", repo.root());
    let (code, answer) = asked(&mut command);
    assert_eq!(code, Some(0));
    for (name, part) in [
        ("ssh-agent", "SSH_AUTH_SOCK"),
        ("ssh-keys", "~/.ssh/id_x"),
        ("forge-login", "gh"),
        ("tokens", "GH_TOKEN"),
        ("netrc", "~/.netrc"),
        ("credential-helper", "`store`"),
    ] {
        let (state, said) = layer(&answer, name);
        assert_eq!(state, "open", "{name}");
        assert!(said.contains(part), "{name}: {said}");
    }
    assert!(!answer.to_string().contains("secret"), "{answer}");
    // An empty helper forgets those before it.
    repo.git(&["config", "--add", "credential.helper", ""]);
    says(&repo, "credential-helper", "ok", "");
}

#[test]
fn an_agents_environment_is_known_and_so_is_what_is_left_of_one() {
    let repo = healthy();
    let inside = |line: &str| {
        let ran = repo.run(&["ice", "exec", "--", "sh", "-c", line]);
        let answer = ran.json();
        layer(&answer, "inside").0
    };
    assert_eq!(inside("git run doctor --json"), "ok");
    let hooks = repo.run(&["ice", "exec", "--", "git-run", "doctor"]).ends(0).out;
    assert!(hooks.contains("those of the fence are in force"), "{hooks}");
    assert_eq!(inside("env -u GIT_RUN_FENCE git-run doctor --json"), "open");
    assert_eq!(inside("rm \"$GIT_RUN_FENCE/bin/git\"; git-run doctor --json"), "broken");
    fs::create_dir(repo.work.join(".claude")).unwrap();
    repo.write(".claude/settings.json", "git run hook claude pre-tool-use");
    says(&repo, "agent-hooks", "ok", ".claude/settings.json");
}

#[test]
fn where_there_is_no_repository_that_is_what_is_broken() {
    let repo = TestRepo::new();
    let (code, answer) = asked(repo.program().current_dir(repo.root()));
    assert_eq!(code, Some(1));
    assert_eq!(layer(&answer, "repository").0, "broken");
    assert_eq!(layer(&answer, "git").0, "ok");
    // A reader of a directory that is odd comes to an end as well.
    let bare =
        Ran::of(repo.command("git").args(["init", "-q", "--bare", "../b.git"]).output().unwrap());
    bare.ends(0);
    let (code, _) = asked(repo.program().current_dir(repo.root().join("b.git")));
    assert_eq!(code, Some(0));
}
