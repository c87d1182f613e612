//! The guard around agents, and the hooks: attacked with real git and real remotes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use support::{ONE_SPRINT, PROGRAM, Ran, TestRepo};

/// A repository on `feature/x`, one commit ahead of its remote, with `main` and `release/1.0` there.
fn guarded() -> TestRepo {
    let repo = TestRepo::new();
    repo.remote();
    repo.git(&["push", "--quiet", "origin", "main:release/1.0", "main:teammate/y"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo.git(&["switch", "--quiet", "-c", "feature/x"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "pushed"]);
    repo.git(&["push", "--quiet", "-u", "origin", "feature/x"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "ahead"]);
    repo
}

/// A command as an agent would type it.
fn as_agent(repo: &TestRepo, line: &str) -> Ran {
    let words = ["ice", "exec", "--", "sh", "-c", line];
    Ran::of(repo.program().args(words).output().unwrap())
}

fn remote(repo: &TestRepo) -> String {
    let words = ["--git-dir=../remote.git", "for-each-ref", "--format=%(refname) %(objectname)"];
    repo.git(&words)
}

#[test]
fn nothing_that_an_agent_types_moves_what_is_protected() {
    let repo = guarded();
    repo.run(&["hooks", "install"]).ends(0);
    let before = remote(&repo);
    for line in [
        "git push origin HEAD:main",
        "git push origin +HEAD:refs/heads/main",
        "git push --force origin HEAD:release/1.0",
        "git push origin :teammate/y",
        "git push --delete origin feature/x",
        "git push --mirror",
        "git push --no-verify origin HEAD:main",
        "git -c core.hooksPath=/dev/null push origin HEAD:main",
        "GIT_CONFIG_COUNT=0 git push origin HEAD:main",
        "GIT_CONFIG_PARAMETERS=\"'core.hooksPath'='/dev/null'\" git push --no-verify origin HEAD:main",
        "git config alias.x 'push origin HEAD:main'; git x",
        "git config remote.origin.push HEAD:refs/heads/main && git push",
        "git push ../remote.git HEAD:Main",
        "git push file://$PWD/../remote.git HEAD:main",
        "git push origin HEAD:refs/heads/mаin",
        "git push origin HEAD:refs/for/main HEAD:refs/run/x/journal",
        "env -i PATH=\"/usr/local/bin:/usr/bin:/bin\" git push origin HEAD:main",
        "env -u GIT_RUN_AGENT -u GIT_RUN_FENCE git push origin HEAD:main",
        "GIT_RUN_FENCED=/nowhere git push origin HEAD:main",
        "git clone -q ../remote.git ../second; cd ../second; git commit -q --allow-empty -m x; git push origin HEAD:main",
        "git tag -a v9 -m v9; git push origin v9",
        "git commit -q --amend --allow-empty -m again; git reset -q --hard HEAD~1; git commit -q --allow-empty -m other; git reset -q --hard ORIG_HEAD; git push -f origin main:feature/x",
    ] {
        let ran = as_agent(&repo, line);
        assert_eq!(remote(&repo), before, "{line}\n{}{}", ran.out, ran.err);
        assert_ne!(ran.code, Some(0), "{line}");
        let _ = repo.try_git(&["config", "--unset", "remote.origin.push"]);
        let _ = fs::remove_dir_all(repo.root().join("second"));
    }
}

#[test]
fn nothing_that_an_agent_types_moves_protected_branches_or_run_refs_here() {
    let repo = guarded();
    repo.run(&["checkpoint", "-q"]).ends(0);
    repo.git(&["tag", "v1"]);
    // What was refused is written down, and that alone.
    let written = "--exclude=refs/run/worktree/verdicts";
    let refs = || repo.git(&["for-each-ref", written, "--format=%(refname) %(objectname)"]);
    let before = refs();
    for line in [
        "git branch -f main HEAD",
        "git update-ref refs/heads/main HEAD",
        "git update-ref -d refs/run/worktree/checkpoints",
        "git branch -D feature/x",
        "git branch -m feature/x feature/z",
        "git tag -f v1 HEAD~1",
        "git tag -d v1",
        "git replace HEAD HEAD~1",
        "git fetch -q origin teammate/y:main --force",
        "git symbolic-ref refs/heads/alias refs/heads/main",
        "git notes --ref=run add -m x HEAD",
        "git switch -q main && git commit -q --allow-empty -m on-main",
    ] {
        let ran = as_agent(&repo, line);
        assert_eq!(refs(), before, "{line}\n{}{}", ran.out, ran.err);
        repo.git(&["switch", "--quiet", "feature/x"]);
    }
}

#[test]
fn what_an_agent_needs_goes_through() {
    let repo = guarded();
    repo.hook("commit-msg", "echo chained >> \"$HOME/hooks.log\"");
    repo.run(&["hooks", "install"]).ends(0);
    for (line, effect) in [
        ("git push origin feature/x", "refs/heads/feature/x"),
        (
            "git switch -q -c feature/new && git push -q -u origin feature/new && git switch -q feature/x",
            "refs/heads/feature/new",
        ),
        ("git commit -q --allow-empty -m one && git push", "refs/heads/feature/x"),
    ] {
        let before = remote(&repo);
        let ran = as_agent(&repo, line).ends(0);
        let after = remote(&repo);
        assert!(before != after && after.contains(effect), "{line}: {}", ran.err);
    }
    for line in [
        "git fetch -q origin",
        "git gc -q --auto; git pack-refs --all",
        "git stash list; git status -s; git log --oneline -2",
        "echo y >> README; git stash -q; git stash pop -q; git run checkpoint -q; git checkout -q README",
        "git merge -q --no-edit origin/main",
        "git rebase -q origin/main",
        "git switch -q -c scratch && git commit -q --allow-empty -m y && git switch -q feature/x",
        "git run checkpoint -q -m mine && git run status",
        "echo x > new && git add new && git commit -q -m new",
    ] {
        as_agent(&repo, line).ends(0);
    }
    let log = fs::read_to_string(repo.root().join("hooks.log")).unwrap();
    assert!(2 <= log.lines().count(), "the repository's own hooks are called: {log}");
    // A test suite that makes repositories of its own is left alone, `main` and all.
    let line = "mkdir ../scratch && cd ../scratch && git init -q --bare r.git && git init -q w && cd w \
        && git commit -q --allow-empty -m x && git push -q ../r.git HEAD:main && git switch -q -c b && git branch -f main HEAD";
    as_agent(&repo, line).ends(0);
}

#[test]
fn what_would_lose_work_is_refused_with_what_to_do_instead() {
    let repo = guarded();
    repo.write("README", "changed\n");
    repo.git(&["stash", "--quiet"]);
    repo.write("README", "changed again\n");
    repo.write("untracked", "mine\n");
    for line in [
        "git stash drop",
        "git stash pop",
        "git stash clear",
        "git clean -fdxq",
        "git reset --hard -q",
        "git checkout -q -- README",
        "git reflog expire --expire=now --all",
        "git prune --expire=now",
        "git branch -C feature/x main",
        "git config core.hooksPath /dev/null",
    ] {
        let ran = as_agent(&repo, line);
        assert_eq!(ran.code, Some(3), "{line}: {}", ran.err);
        assert!(ran.err.contains("ICE: denied"), "{line}: {}", ran.err);
    }
    assert_eq!(
        (repo.read("README"), repo.read("untracked")),
        ("changed again\n".into(), "mine\n".into())
    );
    assert_eq!(repo.git(&["stash", "list"]).lines().count(), 1);
    // Once a checkpoint holds it, it may go.
    as_agent(&repo, "git run checkpoint -q && git reset -q --hard").ends(0);
    assert_eq!(repo.read("README"), "hello\n");
    repo.run(&["rollback", "-q"]).ends(0);
    assert_eq!(repo.read("README"), "changed again\n");
}

#[test]
fn people_keep_their_git() {
    let repo = guarded();
    repo.run(&["hooks", "install"]).ends(0);
    repo.git(&["push", "--quiet", "--force", "origin", "feature/x:main"]);
    repo.git(&["branch", "-f", "main", "feature/x"]);
    repo.git(&["tag", "v1"]);
    repo.git(&["push", "--quiet", "origin", "v1", ":teammate/y"]);
    // What the team's policy says holds for everybody.
    repo.git(&["config", "run.protectedBranch", "release/*"]);
    let refused = repo.try_git(&["push", "origin", "feature/x:release/1.0"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ICE"), "{refused:?}");
}

fn bytes(dir: &Path) -> Vec<(String, u32, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(Result::unwrap)
        .map(|entry| {
            let mode = entry.metadata().unwrap().permissions().mode();
            (entry.file_name().into_string().unwrap(), mode, fs::read(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn loa_35b_hooks_that_were_there_are_called_and_are_there_again_afterwards() {
    let repo = guarded();
    repo.hook("pre-push", "cat >> \"$HOME/pushed\"; [ ! -e \"$HOME/no\" ]");
    let hooks = repo.work.join(".git/hooks");
    let before = bytes(&hooks);
    repo.run(&["hooks", "install"]).ends(0);
    repo.run(&["hooks", "install"]).ends(0);
    let status = repo.run(&["hooks", "status"]).ends(0);
    assert_eq!(status.out.matches(" current ").count(), 4, "{}", status.out);
    repo.git(&["push", "--quiet", "origin", "feature/x"]);
    let told = fs::read_to_string(repo.root().join("pushed")).unwrap();
    assert!(told.starts_with("refs/heads/feature/x "), "{told}");
    fs::write(repo.root().join("no"), "").unwrap();
    assert!(!repo.try_git(&["push", "origin", "feature/x:feature/y"]).status.success());
    fs::set_permissions(hooks.join("pre-push"), fs::Permissions::from_mode(0o644)).unwrap();
    let status = repo.run(&["hooks", "status"]).ends(1);
    assert!(status.out.contains("not-executable"), "{}", status.out);
    repo.run(&["hooks", "uninstall"]).ends(0);
    assert_eq!(bytes(&hooks), before);
}

#[test]
fn a_hooks_directory_of_somebody_else_is_not_written_to() {
    let repo = guarded();
    let theirs = repo.work.join(".husky");
    fs::create_dir(&theirs).unwrap();
    repo.script(&theirs.join("pre-push"), "#!/bin/sh\nbasename \"$0\" >> \"$HOME/pushed\"\n");
    repo.git(&["config", "core.hooksPath", ".husky"]);
    let (before, config) = (bytes(&theirs), repo.read(".git/config"));
    repo.run(&["hooks", "install"]).ends(0);
    repo.git(&["push", "--quiet", "origin", "feature/x"]);
    assert_eq!(fs::read_to_string(repo.root().join("pushed")).unwrap(), "pre-push\n");
    as_agent(&repo, "git push origin HEAD:main").ends(3);
    assert_eq!(bytes(&theirs), before);
    repo.run(&["hooks", "uninstall"]).ends(0);
    assert_eq!(repo.git(&["config", "core.hooksPath"]), ".husky");
    assert_eq!(repo.read(".git/config"), config);
}

#[test]
fn a_clone_is_made_ready_once_and_is_as_it_was_afterwards() {
    let repo = guarded();
    let (config, hooks) = (repo.read(".git/config"), bytes(&repo.work.join(".git/hooks")));
    let ran = repo.run(&["init", "--agent", "steps", "--remote", "origin"]).ends(0);
    assert!(ran.out.contains("next: git run plan check"), "{}", ran.out);
    repo.run(&["hooks", "status"]).ends(0);
    assert_eq!(repo.git(&["config", "--local", "run.enabled"]), "true");
    repo.run(&["init"]).ends(0);
    repo.git(&["config", "--local", "--unset", "run.agent"]);
    repo.git(&["config", "--local", "--unset", "run.remote"]);
    repo.run(&["init", "--undo"]).ends(0);
    assert_eq!((repo.read(".git/config"), bytes(&repo.work.join(".git/hooks"))), (config, hooks));
}

/// Whoever asks: what the hook does not understand does not leave.
#[test]
fn what_a_hook_cannot_read_is_refused() {
    let repo = guarded();
    repo.run(&["hooks", "install"]).ends(0);
    let (head, zero) = (repo.git(&["rev-parse", "HEAD"]), "0".repeat(40));
    let missing = "a".repeat(40);
    for (line, code) in [
        (String::new(), 0),
        (format!("refs/heads/x {head} refs/heads/x {zero}\n"), 0),
        (format!("a b:c {head} refs/heads/x {zero}\n"), 0),
        (format!("refs/heads/x {head} refs/heads/x {zero}"), 1),
        (format!("refs/heads/x {missing} refs/heads/x {zero}\n"), 1),
        (format!("refs/heads/x {head} x {zero}\n"), 1),
        (format!("refs/heads/x {head} refs/heads/x\n"), 1),
        (format!("(delete) {head} refs/heads/x {zero}\n"), 1),
        ("\n".to_owned(), 1),
        ("\0\0\0 \u{1b}\n".to_owned(), 1),
        (format!("refs/heads/x {head} refs/heads/x {zero}\ngarbage\n"), 1),
    ] {
        let mut hook = repo.command(repo.work.join(".git/hooks/pre-push"));
        hook.args(["origin", "../remote.git"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = hook.spawn().unwrap();
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let ended = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(code), "{line:?}: {}", ended.err);
    }
}

#[test]
fn loa_35b_no_program_means_no_push() {
    let repo = guarded();
    let copy = repo.root().join("git-run");
    // By another process: a file that this one holds open for writing, however shortly, may be held open
    // by a child of another test as well, and then nobody can execute it.
    Ran::of(repo.command("cp").arg(PROGRAM).arg(&copy).output().unwrap()).ends(0);
    let ran = Ran::of(repo.command(&copy).args(["hooks", "install"]).output().unwrap());
    ran.ends(0);
    fs::remove_file(&copy).unwrap();
    let before = remote(&repo);
    let path = std::env::var("PATH").unwrap();
    let without: Vec<_> =
        path.split(':').filter(|dir| !Path::new(dir).join("git-run").exists()).collect();
    let mut push = repo.command("git");
    push.args(["push", "origin", "feature/x"]).env("PATH", without.join(":"));
    assert!(!push.output().unwrap().status.success());
    assert_eq!(remote(&repo), before);
}

/// People's commits start no program of ours, and an agent's do, whatever it did to its environment.
#[test]
fn a_commit_is_looked_at_while_a_fence_stands() {
    let repo = guarded();
    repo.hook("pre-commit", "echo theirs >> \"$HOME/hooks.log\"");
    repo.run(&["hooks", "install"]).ends(0);
    let real = repo.command("sh").args(["-c", "command -v git"]).output().unwrap();
    let real = String::from_utf8(real.stdout).unwrap();
    let emptied = format!(
        "env -i HOME=\"$HOME\" PATH=/usr/local/bin:/usr/bin:/bin {} -c user.name=a -c user.email=a@b commit -q --allow-empty -m on-main",
        real.trim()
    );
    repo.git(&["switch", "--quiet", "main"]);
    let before = repo.git(&["rev-parse", "main"]);
    let ran = as_agent(&repo, &emptied);
    assert_eq!(repo.git(&["rev-parse", "main"]), before, "{}", ran.err);
    assert!(ran.err.contains("ICE"), "{}", ran.err);
    // Nobody is inside any more, also when the one who put it up was killed.
    assert!(!repo.work.join(".git/git-run/fences").exists());
    fs::create_dir_all(repo.work.join(".git/git-run/fences")).unwrap();
    fs::write(repo.work.join(".git/git-run/fences/1"), "999999\n1\nx\ny\n").unwrap();
    as_agent(&repo, "true").ends(0);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "a person's"]);
    let log = fs::read_to_string(repo.root().join("hooks.log")).unwrap();
    assert_eq!(log, "theirs\n");
}

#[test]
fn d8_a_run_does_not_begin_with_hooks_that_judge_no_longer() {
    let repo = guarded();
    repo.plan(ONE_SPRINT);
    repo.run(&["hooks", "install"]).ends(0);
    let hook = repo.work.join(".git/hooks/pre-push");
    let sound = fs::read(&hook).unwrap();
    let set = |mode: u32| fs::set_permissions(&hook, fs::Permissions::from_mode(mode)).unwrap();
    let refused = |word: &str| {
        let ran = repo.run(&["sprint-1", "--local"]).ends(1);
        assert!(ran.err.contains(word) && ran.err.contains("git run hooks install"), "{}", ran.err);
        let began = repo.refs("refs/run/").iter().any(|name| name.ends_with("/journal"));
        assert!(!began, "nothing began");
    };
    set(0o644);
    refused("`pre-push` is not-executable");
    set(0o755);
    fs::write(&hook, [&sound[..], b"exit 0\n"].concat()).unwrap();
    refused("`pre-push` is stale");
    fs::remove_file(&hook).unwrap();
    refused("`pre-push` is absent");
    fs::create_dir(&hook).unwrap();
    refused("`pre-push` is no-file");
    fs::remove_dir(&hook).unwrap();
    repo.run(&["hooks", "install"]).ends(0);
    repo.run(&["sprint-1", "--local"]).ends(0);
}

/// The rows of the older tool's hook against destructive commands, and those that its regular
/// expressions never saw, as lines of shell in a work tree with something that is saved nowhere.
#[test]
fn loa_35_a7_what_destroys_is_refused_and_what_only_looks_so_is_not() {
    let repo = guarded();
    repo.write("README", "not saved\n");
    repo.write("new", "not saved either\n");
    repo.git(&["branch", "other"]);
    let judged = |line: &str| repo.run(&["ice", "check", "--shell", line]).code;
    for line in [
        "git push --force",
        "git push -f origin feature/x",
        "git push --force origin main",
        "git reset --hard",
        "git clean -f",
        "git clean -fd",
        "git branch -D other",
        "git branch -d -f other",
        "git branch --delete --force other",
        "git stash drop",
        "git stash clear",
        "git checkout -- README",
        "rm -rf /",
        "sudo rm -rf /",
        "rm -rf ~",
        "git commit -m \"$(rm -rf /)\"",
        "git commit -m x && rm -rf /",
    ] {
        assert_eq!(judged(line), Some(3), "{line}");
    }
    for line in [
        "git reset --soft HEAD~1",
        "git clean -nfd",
        "git stash list",
        "git checkout main",
        "git commit -m \"text: rm -rf / and git push --force\"",
        "rm -rf target",
        "rm -rf /tmp/x",
    ] {
        assert_eq!(judged(line), Some(0), "{line}");
    }
    // Stricter than there: a branch of its own is not taken away either, and a lease is no reason
    // to drop what others may have fetched.
    for line in ["git branch -d other", "git push --force-with-lease origin feature/x"] {
        assert_eq!(judged(line), Some(3), "{line}");
    }
    // Less strict: where a checkpoint has all of it, nothing is lost.
    repo.run(&["checkpoint", "-q"]).ends(0);
    for line in ["git reset --hard", "git checkout -- README"] {
        assert_eq!(judged(line), Some(0), "{line}");
    }
}
