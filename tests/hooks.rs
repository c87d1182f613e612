//! Hooks of somebody else behind ours: they see what they would see alone, end as they would end, and
//! are as they were when ours are gone.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use support::{TestRepo, text};

/// Who it is, from where it is called, and everything that it is told.
const PROBE: &str = "#!/bin/sh\necho \"$(basename \"$0\") $(cd \"$(dirname \"$0\")/../..\" && pwd) $GIT_DIR $PWD\" \"$@\" >> \"$HOME/log\"\ncat >> \"$HOME/log\"\n";

fn cloned() -> TestRepo {
    let repo = TestRepo::new();
    repo.git(&["init", "--quiet", "--bare", "../remote.git"]);
    repo.git(&["remote", "add", "origin", "../remote.git"]);
    repo
}

/// What a push said and how it ended; the hook's log.
fn pushed(repo: &TestRepo) -> (Option<i32>, String) {
    let _ = fs::remove_file(repo.root().join("log"));
    repo.try_git(&["--git-dir=../remote.git", "update-ref", "-d", "refs/heads/topic"]);
    let mut push = repo.command("timeout");
    let push = push.args(["9", "git", "push", "--quiet", "origin", "HEAD:topic"]).output().unwrap();
    (push.status.code(), fs::read_to_string(repo.root().join("log")).unwrap_or_default())
}

/// Every file of the repository's own that is no object, with what it is.
fn state(repo: &TestRepo) -> String {
    let list = "find .git own ../own \\( -path .git/objects -o -path .git/logs -o -path .git/refs \\) -prune -o \
        \\( -type f -o -type l \\) ! -name '*.sample' -printf '%p %M %l ' -exec sha1sum {} \\; 2>/dev/null | sort";
    text(&repo.command("sh").args(["-c", list]).output().unwrap().stdout)
}

fn script(repo: &TestRepo, path: &str, body: &str) {
    let path = repo.work.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    repo.script(&path, body);
}

#[track_caller]
fn is_called_as_before(repo: &TestRepo, what: &str) {
    let alone = pushed(repo);
    let before = state(repo);
    repo.run(&["hooks", "install"]).ends(0);
    let installed = state(repo);
    repo.run(&["hooks", "install"]).ends(0);
    assert_eq!(state(repo), installed, "{what}: twice is once");
    repo.run(&["hooks", "status"]).ends(0);
    assert_eq!(pushed(repo), alone, "{what}");
    repo.run(&["hooks", "uninstall"]).ends(0);
    assert_eq!(state(repo), before, "{what}: as it was");
}

#[test]
fn loa_35b_what_a_hook_is_told_and_how_it_ends_is_as_without_ours() {
    let marked = PROBE.replace("#!/bin/sh\n", "#!/bin/sh\n# git-run hook is what comes first\n");
    let failing = |code: u8| format!("{PROBE}exit {code}\n");
    for (what, body) in [
        ("passes", PROBE.to_owned()),
        ("speaks of our mark", marked),
        ("has no interpreter", PROBE.replace("#!/bin/sh\n", "")),
        ("ends with 1", failing(1)),
        ("ends with 7", failing(7)),
        ("ends with 127", failing(127)),
        ("is killed", format!("{PROBE}kill -9 $$\n")),
        ("reads nothing", "#!/bin/sh\n".to_owned()),
    ] {
        let repo = cloned();
        script(&repo, ".git/hooks/pre-push", &body);
        is_called_as_before(&repo, what);
    }
}

#[test]
fn a_hook_may_be_a_link_or_not_executable() {
    let repo = cloned();
    script(&repo, "../own/pre-push", PROBE);
    symlink("../../../own/pre-push", repo.work.join(".git/hooks/pre-push")).unwrap();
    is_called_as_before(&repo, "a link");
    fs::remove_file(repo.work.join(".git/hooks/pre-push")).unwrap();
    symlink("/nowhere/at/all", repo.work.join(".git/hooks/pre-push")).unwrap();
    is_called_as_before(&repo, "a link to nothing");
    fs::remove_file(repo.work.join(".git/hooks/pre-push")).unwrap();
    fs::write(repo.work.join(".git/hooks/pre-push"), PROBE).unwrap();
    is_called_as_before(&repo, "not executable");
}

#[test]
fn what_stands_beside_a_hook_is_found_from_it() {
    let repo = cloned();
    script(&repo, ".git/hooks/helper.sh", "echo helped >> \"$HOME/log\"\n");
    script(&repo, ".git/hooks/pre-push", &format!("{PROBE}. \"$(dirname \"$0\")/helper.sh\"\n"));
    is_called_as_before(&repo, "with a helper");
}

#[test]
fn loa_35b_a_hooks_directory_is_called_wherever_it_is_set() {
    for (what, scope, value) in [
        ("relative", "--local", "own/hooks"),
        ("with a slash", "--local", "./own/hooks/"),
        ("in the user's home", "--global", "~/{top}/own/hooks"),
        ("of one work tree", "--worktree", "own/hooks"),
        ("missing", "--local", "nowhere"),
        ("nothing", "--local", ""),
        ("no directory", "--local", "/dev/null"),
    ] {
        let repo = cloned();
        let top = repo.work.file_name().unwrap().to_str().unwrap();
        let value = &*value.replace("{top}", top);
        repo.git(&["config", "extensions.worktreeConfig", "true"]);
        script(&repo, "own/hooks/pre-push", PROBE);
        repo.git(&["config", scope, "core.hooksPath", value]);
        is_called_as_before(&repo, what);
        assert_eq!(repo.git(&["config", scope, "--get-all", "core.hooksPath"]), value, "{what}");
    }
}

#[test]
fn a_setting_that_has_the_last_word_keeps_it() {
    let repo = cloned();
    script(&repo, "own/hooks/pre-push", PROBE);
    repo.write("../included", "[core]\n\thooksPath = own/hooks\n");
    repo.git(&["config", "include.path", "../../included"]);
    is_called_as_before(&repo, "included");
}

#[test]
fn an_install_that_cannot_be_done_leaves_nothing() {
    let repo = cloned();
    repo.git(&["config", "core.hooksPath", "a"]);
    repo.git(&["config", "--add", "core.hooksPath", "b"]);
    let before = state(&repo);
    repo.run(&["hooks", "install"]).ends(1);
    assert_eq!(state(&repo), before);
}

#[test]
fn loa_35b_a_linked_work_tree_has_the_hooks_of_all() {
    let repo = cloned();
    script(&repo, ".git/hooks/pre-push", PROBE);
    repo.git(&["worktree", "add", "--quiet", "-b", "linked", "../linked"]);
    let linked = Linked { repo: &repo, at: repo.root().join("linked") };
    linked.program(&["hooks", "install"]);
    repo.run(&["hooks", "status"]).ends(0);
    linked.push();
    let log = fs::read_to_string(repo.root().join("log")).unwrap();
    assert!(log.starts_with("pre-push "), "{log}");
    repo.run(&["hooks", "uninstall"]).ends(0);
    assert_eq!(fs::read_to_string(repo.work.join(".git/hooks/pre-push")).unwrap(), PROBE);
}

struct Linked<'a> {
    repo: &'a TestRepo,
    at: PathBuf,
}

impl Linked<'_> {
    fn program(&self, words: &[&str]) {
        let mut command = self.repo.program();
        assert!(command.current_dir(&self.at).args(words).output().unwrap().status.success());
    }

    fn push(&self) {
        let mut command = self.repo.command("git");
        let push = command.current_dir(&self.at).args(["push", "--quiet", "origin", "HEAD:topic"]);
        assert!(push.output().unwrap().status.success());
    }
}

/// Git tells its hooks where they are; what else stands in the environment of whoever pushes does not.
#[test]
fn loa_35b_what_the_environment_says_of_another_repository_leads_nowhere() {
    let repo = cloned();
    repo.git(&["config", "run.protectedBranch", "live"]);
    repo.run(&["hooks", "install"]).ends(0);
    let other = TestRepo::new();
    for (name, value) in [
        ("PROJECT_ROOT", other.work.clone()),
        ("CLAUDE_PROJECT_DIR", other.work.clone()),
        ("GIT_RUN_ID", "20200101-000000-0000000000".into()),
        ("PWD", other.work.clone()),
        ("OLDPWD", other.work.clone()),
    ] {
        let mut push = repo.command("git");
        let push = push.args(["push", "--quiet", "origin", "HEAD:live"]).env(name, value).output();
        assert!(!push.unwrap().status.success(), "{name}");
    }
    let there = repo.git(&["--git-dir=../remote.git", "for-each-ref"]);
    assert_eq!(there, "");
}
