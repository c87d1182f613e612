//! What leaves the machine at the end of a run: its own branch, to one place, and nothing by force.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, os::unix::fs::PermissionsExt as _};

use support::{ONE_SPRINT, TestRepo};

const OWN: &str = "refs/heads/feature/sprint-1";

fn scripted() -> TestRepo {
    let repo = TestRepo::scripted(&[]);
    repo.remote();
    repo
}

/// A hook of the remote.
fn remote_hook(repo: &TestRepo, name: &str, script: &str) {
    let path = repo.root().join("remote.git/hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A second clone that pushes to the branch that the run will push to.
fn rival(repo: &TestRepo) -> String {
    repo.git(&["clone", "--quiet", "../remote.git", "../rival"]);
    let rival = |words: &[&str]| repo.git(&[&["-C", "../rival"], words].concat());
    rival(&["switch", "--quiet", "-c", "feature/sprint-1"]);
    rival(&["commit", "--quiet", "--allow-empty", "-m", "theirs"]);
    rival(&["push", "--quiet", "origin", "HEAD"]);
    rival(&["rev-parse", "HEAD"])
}

#[test]
fn only_the_runs_own_branch_is_pushed() {
    let repo = scripted();
    repo.git(&["branch", "private"]);
    repo.git(&["tag", "v1"]);
    repo.git(&["config", "push.followTags", "true"]);
    repo.git(&["config", "push.default", "matching"]);
    repo.git(&["config", "remote.origin.push", "refs/heads/*:refs/heads/*"]);
    repo.run(&["sprint-1"]).ends(0);
    assert_eq!(repo.remote_refs(), [OWN, "refs/heads/main"]);
    let there = repo.git(&["--git-dir=../remote.git", "rev-parse", "feature/sprint-1"]);
    assert_eq!(there, repo.git(&["rev-parse", "HEAD"]));
    let status = repo.status();
    assert_eq!(
        (&status["state"], &status["delivery"]["outcome"]),
        (&"READY_FOR_HITL".into(), &"pushed".into())
    );
}

#[test]
fn loa_113_without_a_wish_or_a_place_nothing_is_pushed() {
    for (words, settings, why) in [
        (&["sprint-1", "--local"][..], &[][..], "the run is local"),
        (&["sprint-1", "--confirm-push"], &[], "it was declined"),
        (&["sprint-1"], &["config", "run.autoPush", "false"], "the run is local"),
        (&["sprint-1"], &["config", "run.autoPush", "prompt"], "it was declined"),
        (&["sprint-1"], &["remote", "remove", "origin"], "there is no remote"),
    ] {
        let repo = scripted();
        if !settings.is_empty() {
            repo.git(settings);
        }
        repo.run(words).ends(0);
        assert_eq!(repo.remote_refs(), ["refs/heads/main"], "{words:?} {settings:?}");
        assert_eq!(repo.status()["delivery"]["why"], why);
    }
}

#[test]
fn loa_113_what_others_pushed_is_never_overwritten() {
    for known in [false, true] {
        let repo = scripted();
        let theirs = rival(&repo);
        if known {
            repo.git(&["fetch", "--quiet", "origin"]);
        }
        repo.git(&["config", "remote.origin.push", "+refs/heads/*:refs/heads/*"]);
        repo.run(&["sprint-1"]).ends(3);
        repo.run(&["resume", "--force"]).ends(3);
        let there = repo.git(&["--git-dir=../remote.git", "rev-parse", "feature/sprint-1"]);
        assert_eq!(there, theirs);
        // A person may leave it at that, and begin anew.
        repo.run(&["sprint-1"]).ends(5);
        repo.run(&["halt", "--force"]).ends(0);
        assert_eq!(repo.status()["state"], "JACKED_OUT");
    }
}

#[test]
fn the_default_branch_of_the_remote_is_never_pushed() {
    for name in ["feature/sprint-1", "Feature/Sprint-1"] {
        let repo = scripted();
        let head = format!("refs/heads/{name}");
        repo.git(&["--git-dir=../remote.git", "update-ref", &head, "main"]);
        repo.git(&["--git-dir=../remote.git", "symbolic-ref", "HEAD", &head]);
        let before = repo.git(&["--git-dir=../remote.git", "for-each-ref"]);
        let ran = repo.run(&["sprint-1"]).ends(3);
        assert!(ran.err.contains("default branch"), "{}", ran.err);
        assert_eq!(repo.git(&["--git-dir=../remote.git", "for-each-ref"]), before);
    }
}

#[test]
fn a_push_that_was_rejected_is_tried_again_by_resume() {
    let repo = scripted();
    remote_hook(&repo, "pre-receive", "echo 'closed on sundays' >&2; exit 1");
    let ran = repo.run(&["sprint-1"]).ends(1);
    assert!(ran.err.contains("push failed"), "{}", ran.err);
    let status = repo.status();
    assert_eq!(status["state"], "COMPLETE");
    assert!(status["delivery"]["why"].as_str().unwrap().contains("closed on sundays"));
    assert_eq!(status["next"]["command"], "git run resume");
    repo.run(&["resume"]).ends(1);
    fs::remove_file(repo.root().join("remote.git/hooks/pre-receive")).unwrap();
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.remote_refs(), [OWN, "refs/heads/main"]);
    assert_eq!(repo.calls("implement"), 1);
}

#[test]
fn a_remote_that_is_away_is_a_failure_and_not_the_end() {
    let repo = scripted();
    fs::rename(repo.root().join("remote.git"), repo.root().join("away.git")).unwrap();
    repo.run(&["sprint-1"]).ends(1);
    fs::rename(repo.root().join("away.git"), repo.root().join("remote.git")).unwrap();
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.remote_refs(), [OWN, "refs/heads/main"]);
}

#[test]
fn the_users_own_hook_may_forbid_the_push() {
    let repo = scripted();
    repo.hook("pre-push", "echo 'not today' >&2; exit 1");
    repo.run(&["sprint-1"]).ends(1);
    assert!(repo.status()["delivery"]["why"].as_str().unwrap().contains("not today"));
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
}

/// Where a push goes when everything is configured to go elsewhere: to where git says, or nowhere.
#[test]
fn no_setting_sends_the_push_elsewhere() {
    for (settings, code, there) in [
        // What `git remote get-url --push` says is where it goes.
        (&[("remote.origin.pushurl", "{}/other.git")][..], 0, "other.git"),
        (&[("url.{}/other.git.pushInsteadOf", "../remote.git")], 0, "other.git"),
        (&[("url.{}/other.git.insteadOf", "../remote.git")], 0, "other.git"),
        // And not where the answer would be sent on to.
        (
            &[
                ("url.{}/other.git.insteadOf", "../remote.git"),
                ("url.{}/evil.git.insteadOf", "{}/other.git"),
            ],
            1,
            "",
        ),
        (
            &[
                ("remote.origin.url", "{}/other.git"),
                ("url.{}/evil.git.pushInsteadOf", "{}/other.git"),
                ("remote.origin.pushurl", "{}/other.git"),
            ],
            1,
            "",
        ),
        (&[("remote.../remote.git.pushurl", "{}/evil.git")], 1, ""),
        (&[("remote.../remote.git.url", "{}/evil.git")], 1, ""),
        (&[("remote.origin.mirror", "true")], 0, "remote.git"),
        (&[("remote.origin.receivepack", "false")], 0, "remote.git"),
        (&[("remote.origin.pushurl", "{}/a.git"), ("+remote.origin.pushurl", "{}/b.git")], 1, ""),
        (&[("remote.origin.pushurl", "ext::sh -c 'touch {}/evil'")], 1, ""),
    ] {
        let repo = scripted();
        repo.git(&["branch", "private"]);
        let root = repo.root().canonicalize().unwrap();
        for bare in ["other.git", "evil.git"] {
            repo.git(&["init", "--quiet", "--bare", &format!("../{bare}")]);
        }
        for (key, value) in settings {
            let filled = |text: &str| text.replace("{}", root.to_str().unwrap());
            let (add, key) = (key.starts_with('+'), filled(key.trim_start_matches('+')));
            let words = if add { &["config", "--add"][..] } else { &["config"] };
            repo.git(&[words, &[&key, &filled(value)]].concat());
        }
        repo.run(&["sprint-1"]).ends(code);
        for bare in ["remote.git", "other.git", "evil.git"] {
            let refs =
                repo.git(&[&format!("--git-dir=../{bare}"), "for-each-ref", "--format=%(refname)"]);
            let refs: Vec<_> = refs.lines().filter(|name| *name != "refs/heads/main").collect();
            let expected = if bare == there { vec![OWN] } else { vec![] };
            assert_eq!(refs, expected, "{bare}: {settings:?}");
        }
        assert!(!root.join("evil").exists());
    }
}

#[test]
fn a_remote_that_is_named_in_the_settings_must_be_there() {
    let repo = scripted();
    repo.git(&["config", "run.remote", "upstream"]);
    let ran = repo.run(&["sprint-1"]).ends(1);
    assert!(ran.err.contains("`upstream`"), "{}", ran.err);
    assert_eq!(repo.refs("refs/run/"), [""; 0], "nobody works for hours and then cannot deliver");
    repo.git(&["remote", "rename", "origin", "upstream"]);
    repo.run(&["sprint-1"]).ends(0);
    assert_eq!(repo.remote_refs(), [OWN, "refs/heads/main"]);
}

#[test]
fn a_branch_that_became_protected_is_not_pushed() {
    let repo = scripted();
    remote_hook(&repo, "pre-receive", "exit 1");
    repo.run(&["sprint-1"]).ends(1);
    fs::remove_file(repo.root().join("remote.git/hooks/pre-receive")).unwrap();
    repo.git(&["config", "run.protectedBranch", "FEATURE/*"]);
    repo.run(&["resume"]).ends(3);
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
}

/// An agent that writes the configuration does not choose where the work goes.
#[test]
fn a_run_pushes_to_where_it_was_meant_to_when_it_began() {
    for line in [
        "sed -i 's#url = ../remote.git#url = ../elsewhere.git#' .git/config",
        "printf '[remote \"origin\"]\\n\\tpushurl = ../elsewhere.git\\n' >> .git/config",
        "printf '[url \"../elsewhere.git\"]\\n\\tpushInsteadOf = ../remote.git\\n' >> .git/config",
        "printf '[url \"../elsewhere.git\"]\\n\\tinsteadOf = ../remote.git\\n' >> .git/config",
    ] {
        let repo = TestRepo::scripted(&[("implement", &format!("{line}; echo work > work.txt"))]);
        repo.remote();
        repo.git(&["init", "--quiet", "--bare", "../elsewhere.git"]);
        let ran = repo.run(&["sprint-1"]);
        assert!(repo.git(&["config", "--list"]).contains("elsewhere"), "{line}: {}", ran.err);
        assert!(ran.err.contains("when it began"), "{line}: {}", ran.err);
        assert_eq!(repo.git(&["--git-dir=../elsewhere.git", "for-each-ref"]), "", "{line}");
    }
}

#[test]
fn a_remote_that_became_another_is_told_and_not_pushed_to() {
    let repo = TestRepo::new();
    repo.remote();
    repo.plan(ONE_SPRINT);
    repo.run(&["sprint-1", "--local"]).ends(0);
    repo.git(&["clone", "--quiet", "--bare", "../remote.git", "../other.git"]);
    repo.git(&["config", "remote.origin.url", "../other.git"]);
    let ran = repo.run(&["push"]).ends(3);
    assert!(ran.err.contains("other") && ran.err.contains("when it began"), "{}", ran.err);
    repo.git(&["config", "remote.origin.url", "../remote.git/"]);
    repo.run(&["push"]).ends(0);
}
