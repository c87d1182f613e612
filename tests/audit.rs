//! Receipts and what had none: bypasses with real git and real remotes, none of which stays hidden.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use serde_json::Value;
use support::{ONE_SPRINT, Ran, TestRepo};

/// `main` and `feature/x` are at the remote, hooks are installed, and nothing has happened since.
fn guarded() -> TestRepo {
    let repo = TestRepo::new();
    repo.remote();
    repo.git(&["switch", "--quiet", "-c", "feature/x"]);
    repo.git(&["push", "--quiet", "-u", "origin", "feature/x"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo.run(&["hooks", "install"]).ends(0);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "new"]);
    repo
}

fn shell(repo: &TestRepo, line: &str) -> Ran {
    Ran::of(repo.command("sh").args(["-c", line]).output().unwrap())
}

fn as_agent(repo: &TestRepo, line: &str) -> Ran {
    Ran::of(repo.program().args(["ice", "exec", "--", "sh", "-c", line]).output().unwrap())
}

/// The movements without a receipt, as `ref motion`.
fn without(repo: &TestRepo, code: i32) -> Vec<String> {
    let answer = repo.run(&["audit", "--json"]).ends(code).json();
    let movements = answer["remotes"][0]["movements"].as_array().unwrap();
    let open = movements.iter().filter(|movement| movement["receipt"] == false);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    open.map(|movement| format!("{} {}", text(&movement["ref"]), text(&movement["motion"])))
        .collect()
}

#[test]
fn what_was_cleared_is_named_nowhere() {
    let repo = guarded();
    repo.git(&["push", "--quiet", "origin", "feature/x", "HEAD:refs/heads/feature/y"]);
    as_agent(&repo, "git commit -q --allow-empty -m 2 && git push -q origin feature/x").ends(0);
    repo.git(&["push", "--quiet", "origin", ":feature/y"]);
    repo.git(&["push", "--quiet", "../remote.git", "HEAD:refs/heads/feature/z"]);
    assert_eq!(without(&repo, 0), Vec::<String>::new());
    let out = repo.run(&["audit"]).ends(0).out;
    assert!(out.contains(", 0 without a receipt"), "{out}");
}

#[test]
fn a_run_leaves_a_receipt_for_its_own_push() {
    let repo = TestRepo::new();
    repo.remote();
    repo.git(&["fetch", "--quiet", "origin"]);
    repo.plan(ONE_SPRINT);
    repo.run(&["sprint-1"]).ends(0);
    assert_eq!(without(&repo, 0), Vec::<String>::new());
    let movements = repo.run(&["audit", "--json"]).ends(0).json();
    let moved = &movements["remotes"][0]["movements"][0];
    assert_eq!(
        (&moved["ref"], &moved["motion"]),
        (&"refs/heads/feature/sprint-1".into(), &"create".into())
    );
}

#[test]
fn no_bypass_stays_hidden() {
    for (line, named) in [
        ("git push -q --no-verify origin HEAD:main", "refs/heads/main forward"),
        (
            "git -c core.hooksPath=/dev/null push -q origin HEAD:feature/y",
            "refs/heads/feature/y create",
        ),
        ("git --git-dir=../remote.git update-ref refs/heads/main $(git rev-parse HEAD)", ""),
        ("git push -q --no-verify origin :feature/x", "refs/heads/feature/x delete"),
        ("git --git-dir=../remote.git branch -q -D feature/x", "refs/heads/feature/x delete"),
        ("git push -q --no-verify origin HEAD:refs/tags/v9", "refs/tags/v9 create"),
        ("git send-pack ../remote.git HEAD:refs/heads/main 2>/dev/null", "refs/heads/main forward"),
        (
            "git clone -q ../remote.git ../second && cd ../second && git commit -q --allow-empty -m x && git push -q origin HEAD:main",
            "refs/heads/main unknown",
        ),
        (
            "sleep 1.1 && git commit -q --amend --allow-empty -m again && git push -q origin feature/x && git commit -q --amend --allow-empty -m third && git push -q --no-verify -f origin feature/x",
            "refs/heads/feature/x rewrite",
        ),
    ] {
        let repo = guarded();
        let ran = shell(&repo, line);
        let expected: Vec<String> = if named.is_empty() {
            // An object that the remote does not have: nothing moved.
            assert_ne!(ran.code, Some(0), "{line}");
            Vec::new()
        } else {
            assert_eq!(ran.code, Some(0), "{line}\n{}", ran.err);
            vec![named.to_owned()]
        };
        let code = if named.is_empty() { 0 } else { 3 };
        assert_eq!(without(&repo, code), expected, "{line}");
        // Looking again does not make it right.
        assert_eq!(without(&repo, code), expected, "{line}, again");
    }
}

#[test]
fn there_and_back_again_is_named_too() {
    let repo = guarded();
    let main = repo.git(&["rev-parse", "main"]);
    // Logs have whole seconds, and what was before the first look is nobody's business.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    repo.git(&["push", "--quiet", "--no-verify", "origin", "HEAD:main"]);
    repo.git(&["push", "--quiet", "--no-verify", "--force", "origin", &format!("{main}:main")]);
    assert_eq!(without(&repo, 3), ["refs/heads/main forward", "refs/heads/main rewrite"]);
    let out = repo.run(&["audit"]).ends(3).out;
    assert!(out.contains("pushed from this clone"), "{out}");
}

#[test]
fn a_person_vouches_and_an_agent_does_not() {
    let repo = guarded();
    repo.git(&["push", "--quiet", "--no-verify", "origin", "HEAD:main"]);
    repo.run(&["audit", "--vouch"]).ends(2);
    repo.run(&["audit", "--vouch", "-m", " "]).ends(2);
    as_agent(&repo, "git run audit --vouch -m 'it is fine'").ends(3);
    repo.program()
        .env("GIT_RUN_AGENT", "1")
        .args(["audit", "--vouch", "-m", "x"])
        .status()
        .unwrap();
    assert_eq!(without(&repo, 3), ["refs/heads/main forward"]);
    repo.run(&["audit", "--vouch", "-m", "a hotfix"]).ends(0);
    assert_eq!(without(&repo, 0), Vec::<String>::new());
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "more"]);
    repo.git(&["push", "--quiet", "--no-verify", "origin", "HEAD:main"]);
    assert_eq!(without(&repo, 3), ["refs/heads/main forward"]);
}

#[test]
fn what_an_agent_tried_is_written_down_with_its_command() {
    let repo = guarded();
    as_agent(
        &repo,
        "git push origin HEAD:main; git update-ref refs/heads/main HEAD; git run status",
    );
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2");
    let url = format!("https://me:{token}@host.invalid/a");
    as_agent(&repo, &format!("git push {url} HEAD:main"));
    let answer = repo.run(&["audit", "--json"]).ends(0).json();
    let refusals = answer["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 3, "{refusals:?}");
    assert_eq!(refusals[0]["tried"], "git push origin HEAD:main");
    assert!(refusals.iter().all(|refusal| refusal["who"] == "agent"));
    let log = repo.git(&["log", "--format=%B", "refs/run/worktree/verdicts"]);
    assert!(!log.contains(&token), "{log}");
}

#[test]
fn without_a_receipt_an_agent_sends_nothing() {
    let repo = guarded();
    let garbage = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-ref", "refs/run/worktree/verdicts", &garbage]);
    let before = repo.git(&["ls-remote", "../remote.git"]);
    let ran = as_agent(&repo, "git push origin feature/x");
    assert_ne!(ran.code, Some(0));
    assert!(ran.err.contains("[receipt]"), "{}", ran.err);
    assert_eq!(repo.git(&["ls-remote", "../remote.git"]), before);
    // People keep their git.
    repo.git(&["push", "--quiet", "origin", "feature/x"]);
    let audit = repo.run(&["audit"]).ends(70);
    assert!(audit.err.contains("refs/run/worktree/verdicts"), "{}", audit.err);
}

#[test]
fn entries_that_were_taken_out_are_missed() {
    let repo = guarded();
    repo.git(&["push", "--quiet", "origin", "feature/x"]);
    repo.run(&["audit"]).ends(0);
    let log = repo.git(&["rev-list", "--reverse", "refs/run/worktree/verdicts"]);
    let entries: Vec<&str> = log.lines().collect();
    assert!(3 <= entries.len(), "{log}");
    let tree = repo.git(&["rev-parse", &format!("{}^{{tree}}", entries[0])]);
    let message = repo.git(&["log", "-1", "--format=%B", entries[2]]);
    let forged = repo.git(&["commit-tree", &tree, "-p", entries[0], "-m", &message]);
    repo.git(&["update-ref", "refs/run/worktree/verdicts", &forged]);
    let audit = repo.run(&["audit"]).ends(70);
    assert!(audit.err.contains("a gap"), "{}", audit.err);
}

#[test]
fn many_at_once_lose_no_entry() {
    let repo = guarded();
    std::thread::scope(|scope| {
        for at in 0..8 {
            let repo = &repo;
            scope.spawn(move || {
                let refspec = format!("HEAD:refs/heads/feature/n{at}");
                repo.git(&["push", "--quiet", "origin", &refspec]);
            });
        }
    });
    assert_eq!(without(&repo, 0), Vec::<String>::new());
    let subjects = repo.git(&["log", "--format=%s", "refs/run/worktree/verdicts"]);
    assert_eq!(
        subjects.lines().filter(|line| line.contains(": cleared ")).count(),
        8,
        "{subjects}"
    );
}
