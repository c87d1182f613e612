//! What holds a run's branch back, what a person may answer for, and that nothing else opens it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, process::Command};

use support::{Ran, TestRepo, scripted::PLAN};

const OWN: &str = "refs/heads/feature/sprint-1";

/// A run that was halted because its review said fail; both gates are open.
fn halted() -> TestRepo {
    let repo = TestRepo::scripted(&[("review", r#"report '{"format":1,"verdict":"fail"}'"#)]);
    repo.remote();
    repo.run(&["sprint-1"]).ends(5);
    repo
}

/// A run that is complete and was not pushed.
fn local() -> TestRepo {
    let repo = TestRepo::scripted(&[]);
    repo.remote();
    repo.run(&["sprint-1", "--local"]).ends(0);
    repo
}

fn overridden(repo: &TestRepo) {
    for gate in ["review", "audit"] {
        repo.run(&["override", gate, "--reason", "seen by me"]).ends(0);
    }
}

fn remote_head(repo: &TestRepo) -> String {
    repo.git(&["--git-dir=../remote.git", "rev-parse", "feature/sprint-1"])
}

/// `git push` of the run's branch, with the hooks installed.
fn git_push(repo: &TestRepo, words: &[&str]) -> Ran {
    repo.run(&["hooks", "install"]).ends(0);
    let bin = repo.root().join("bin");
    fs::create_dir_all(&bin).unwrap();
    Ran::of(repo.try_git(&[&["push", "origin"], words].concat()))
}

/// Refused by the command and by the hook, and nothing left.
#[track_caller]
fn refused(repo: &TestRepo, code: i32, rule: &str) {
    let ran = repo.run(&["push"]).ends(code);
    if code == 3 {
        assert!(ran.err.contains(&format!("rule: {rule}")), "{}", ran.err);
        assert!(ran.err.contains("hint: "), "{}", ran.err);
    }
    repo.run(&["pr"]).ends(code);
    let hook = git_push(repo, &["feature/sprint-1"]);
    assert_ne!(hook.code, Some(0), "{}", hook.err);
    assert!(hook.err.contains("ICE: "), "{}", hook.err);
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
}

#[track_caller]
fn refused_by_rule(ran: &Ran, rule: &str) {
    assert!(ran.err.contains(&format!("rule: {rule}\n")), "{}", ran.err);
}

#[test]
fn cwf_36_an_override_opens_its_gate_for_its_commit_and_falls_with_the_next() {
    let repo = halted();
    assert_eq!(
        repo.status()["gates"],
        serde_json::json!(["review of sprint-1", "audit of sprint-1"])
    );
    let one = repo.run(&["override", "review", "--reason", "seen by me", "--json"]).ends(0).json();
    assert_eq!(one["schema"], "git-run/override/1");
    assert_eq!(one["open"], serde_json::json!(["audit of sprint-1"]));
    refused(&repo, 3, "gate");
    repo.run(&["override", "audit", "of", "sprint-1", "--reason", "it is a draft"]).ends(0);
    for words in [&["status"][..], &["log"], &["status", "--for-agent"]] {
        let said = repo.run(words).ends(0).out;
        assert!(said.contains("audit of sprint-1 overridden by"), "{words:?}: {said}");
        assert!(said.contains("it is a draft"), "{said}");
    }
    // The commit that it was given for, and no other.
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "later"]);
    refused(&repo, 3, "gate");
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let pushed = repo.run(&["push", "--json"]).ends(0).json();
    assert_eq!((&pushed["outcome"], &pushed["state"]), (&"pushed".into(), &"HALTED".into()));
    assert_eq!(remote_head(&repo), repo.git(&["rev-parse", "HEAD"]));
    assert_eq!(repo.run(&["push", "--json"]).ends(0).json()["outcome"], "there");
    repo.run(&["verify"]).ends(0);
    // What goes on is judged again.
    repo.agent("review", "pass");
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.status()["overrides"], serde_json::json!([]));
    assert_eq!(repo.status()["state"], "READY_FOR_HITL");
}

#[test]
fn an_override_opens_a_push_by_git_of_exactly_that_commit_and_nothing_by_force() {
    let repo = halted();
    // Somebody else's commits are there already.
    repo.git(&["push", "--quiet", "origin", "main:feature/sprint-1"]);
    let theirs = repo.git(&["commit-tree", "-m", "theirs", "-p", "main", "main^{tree}"]);
    repo.git(&["push", "--quiet", "origin", &format!("{theirs}:feature/sprint-1")]);
    overridden(&repo);
    let forced = git_push(&repo, &["+feature/sprint-1"]);
    assert_ne!(forced.code, Some(0), "{}", forced.err);
    let ran = repo.run(&["push"]).ends(3);
    refused_by_rule(&ran, "force");
    let deleted = git_push(&repo, &[":feature/sprint-1"]);
    assert_ne!(deleted.code, Some(0), "{}", deleted.err);
    assert_eq!(remote_head(&repo), theirs);
    repo.git(&["--git-dir=../remote.git", "update-ref", "-d", OWN]);
    let mine = git_push(&repo, &["feature/sprint-1"]);
    assert_eq!(mine.code, Some(0), "{}", mine.err);
    assert_eq!(remote_head(&repo), repo.git(&["rev-parse", "HEAD"]));
}

#[test]
fn an_override_helps_no_protected_branch() {
    let repo = halted();
    overridden(&repo);
    repo.git(&["config", "run.protectedBranch", "feature/*"]);
    refused(&repo, 3, "protected");
    repo.git(&["config", "--unset", "run.protectedBranch"]);
    repo.git(&["--git-dir=../remote.git", "symbolic-ref", OWN, "refs/heads/main"]);
    let before = repo.git(&["--git-dir=../remote.git", "rev-parse", "main"]);
    refused_by_rule(&repo.run(&["push"]).ends(3), "symref");
    assert_eq!(repo.git(&["--git-dir=../remote.git", "rev-parse", "main"]), before);
}

#[test]
fn an_override_is_refused_where_it_answers_nothing() {
    let repo = halted();
    for (words, code, part) in [
        (&["override", "review"][..], 2, "--reason"),
        (&["override", "--reason", "x"], 2, "<GATE>"),
        (&["override", "review", "--reason", " \n\u{200b}"], 2, "needs a reason"),
        (&["override", "implement", "--reason", "x"], 3, "open: review of sprint-1"),
        (&["override", "review of sprint-2", "--reason", "x"], 3, "open: audit of sprint-1"),
        (&["override", "review", "--reason", "x", "--run", "nope"], 1, "there is no run"),
    ] {
        let ran = repo.run(words).ends(code);
        assert!(ran.err.contains(part), "{words:?}: {}", ran.err);
    }
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "later"]);
    let ran = repo.run(&["override", "review", "--reason", "x"]).ends(3);
    refused_by_rule(&ran, "commit");
    repo.git(&["switch", "--quiet", "main"]);
    refused_by_rule(&repo.run(&["override", "review", "--reason", "x"]).ends(3), "commit");
    let done = local();
    let ran = done.run(&["override", "review", "--reason", "x"]).ends(3);
    assert!(ran.err.contains("nothing is open"), "{}", ran.err);
}

#[test]
fn cwf_36_only_a_person_overrides() {
    let repo = halted();
    for mark in
        ["CLAUDECODE", "GEMINI_CLI", "CODEX_SANDBOX", "OPENCODE", "CURSOR_AGENT", "GIT_RUN_AGENT"]
    {
        // In its own environment, and when whoever asks has emptied it.
        for emptied in ["", "env -u "] {
            let unset = if emptied.is_empty() { String::new() } else { format!("env -u {mark} ") };
            let line = format!("{unset}{} override review --reason x; exit $?", support::PROGRAM);
            let output = repo.command("sh").args(["-c", &line]).env(mark, "1").output().unwrap();
            refused_by_rule(&Ran::of(output).ends(3), "person");
        }
    }
    let fenced =
        repo.run(&["ice", "exec", "--", support::PROGRAM, "override", "review", "--reason", "x"]);
    assert_ne!(fenced.code, Some(0));
    assert_eq!(repo.status()["overrides"], serde_json::json!([]));
}

/// An ssh key for signing, and whom git believes.
fn signing(repo: &TestRepo) {
    let key = repo.root().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "tester", "-f", key.to_str().unwrap()])
        .status()
        .unwrap();
    assert!(made.success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = repo.root().join("allowed");
    fs::write(&allowed, format!("tester@example.com {public}")).unwrap();
    for (name, value) in [
        ("gpg.format", "ssh"),
        ("user.signingKey", key.to_str().unwrap()),
        ("gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()),
        ("tag.gpgSign", "true"),
    ] {
        repo.git(&["config", name, value]);
    }
}

#[test]
fn an_override_is_signed_where_git_signs_and_verify_knows_a_forged_one() {
    let repo = halted();
    signing(&repo);
    repo.run(&["override", "review", "--reason", "seen\n\ngate audit of sprint-1"]).ends(0);
    let path = repo.status()["overrides"][0]["signed"].as_str().unwrap().to_owned();
    let raw = repo.run(&["show", &path]).ends(0).out;
    assert!(raw.contains("gate review of sprint-1\n") && raw.contains("SSH SIGNATURE"), "{raw}");
    let said = repo.run(&["verify"]).ends(0).out;
    assert!(said.contains("1 signature good"), "{said}");
    // A key that nobody believes is no lie of the journal, and no proof either.
    fs::write(repo.root().join("allowed"), "").unwrap();
    let said = repo.run(&["verify"]).ends(1).out;
    assert!(said.contains("NOT VOUCHED FOR"), "{said}");
    // A key that is gone: nothing is said in anybody's name.
    fs::remove_file(repo.root().join("key")).unwrap();
    refused_by_rule(&repo.run(&["override", "audit", "--reason", "x"]).ends(3), "signature");
    repo.git(&["config", "commit.gpgSign", "perhaps"]);
    refused_by_rule(&repo.run(&["override", "audit", "--reason", "x"]).ends(3), "signature");
    assert_eq!(repo.status()["overrides"].as_array().unwrap().len(), 1);
}

#[test]
fn a_local_run_is_pushed_when_a_person_says_so() {
    for words in [&["sprint-1", "--local"][..], &["sprint-1", "--confirm-push"]] {
        let repo = TestRepo::scripted(&[]);
        repo.remote();
        repo.git(&["branch", "private"]);
        repo.git(&["config", "push.followTags", "true"]);
        repo.git(&["config", "remote.origin.push", "+refs/heads/*:refs/heads/*"]);
        repo.run(words).ends(0);
        let events = repo.events().len();
        let would = repo.run(&["push", "--dry-run", "--json"]).ends(0).json();
        assert_eq!(would["outcome"], "would-push");
        assert_eq!((repo.events().len(), repo.remote_refs().len()), (events, 1));
        assert_eq!(repo.run(&["push", "--json"]).ends(0).json()["outcome"], "pushed");
        assert_eq!(repo.remote_refs(), [OWN, "refs/heads/main"]);
        assert_eq!(repo.status()["state"], "READY_FOR_HITL");
        let events = repo.events();
        assert_eq!(events[events.len() - 2..], ["delivery-started", "delivery-ended"]);
        assert_eq!(repo.run(&["push", "--json"]).ends(0).json()["outcome"], "there");
        assert_eq!(repo.events(), events, "what is there is not told again");
    }
}

#[test]
fn a_push_that_failed_or_was_lost_is_done_again() {
    let repo = TestRepo::scripted(&[]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    assert!(repo.run(&["push"]).ends(1).err.contains("no remote"));
    repo.remote();
    fs::rename(repo.root().join("remote.git"), repo.root().join("away.git")).unwrap();
    repo.run(&["push"]).ends(1);
    fs::rename(repo.root().join("away.git"), repo.root().join("remote.git")).unwrap();
    // Killed at every write in turn, each time on what the one before left.
    let mut crashes = 0;
    while !repo
        .program()
        .arg("push")
        .env("GIT_RUN_CRASH_AT", (crashes + 1).to_string())
        .output()
        .unwrap()
        .status
        .success()
    {
        crashes += 1;
        assert!(crashes < 200, "it never ends");
    }
    assert!(5 < crashes, "the crash point must sweep the whole push: {crashes}");
    assert_eq!(remote_head(&repo), repo.git(&["rev-parse", "HEAD"]));
    assert_eq!(repo.status()["delivery"]["outcome"], "pushed");
    repo.run(&["verify"]).ends(0);
}

#[test]
fn an_agent_does_not_push_what_a_person_kept_here() {
    let repo = local();
    let output = repo.program().arg("push").env("GIT_RUN_AGENT", "1").output().unwrap();
    refused_by_rule(&Ran::of(output).ends(3), "person");
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
}

/// SAFETY: in each of these states nothing leaves, by the command or by git with the hooks installed.
#[test]
fn what_cannot_be_told_to_be_proven_is_not_pushed() {
    type Spoil = fn(&TestRepo);
    let rows: [(&str, i32, &str, Spoil); 9] = [
        ("a gate is pending", 3, "gate", |_| {}),
        ("another commit was made after the verdict", 3, "gate", |repo| {
            overridden(repo);
            repo.git(&["commit", "--quiet", "--allow-empty", "-m", "later"]);
        }),
        ("the note says that it passed, and the log wins", 3, "gate", |repo| {
            let note = r#"{"item":"sprint-1","stage":"review","verdict":"pass","v":3}"#;
            repo.git(&["notes", "--ref=run", "add", "-f", "-m", note, "HEAD"]);
        }),
        ("the journal is gone", 3, "journal", |repo| {
            overridden(repo);
            repo.git(&["update-ref", "-d", &repo.journal()]);
        }),
        ("the journal leads to no commit", 3, "journal", |repo| {
            overridden(repo);
            let blob = repo.git(&["rev-parse", "HEAD:work.txt"]);
            let name = repo.journal();
            fs::write(repo.work.join(".git").join(&name), format!("{blob}\n")).unwrap();
        }),
        ("the journal cannot be read", 3, "journal", |repo| {
            overridden(repo);
            let garbled = repo.git(&["commit-tree", "-m", "no event", "HEAD^{tree}"]);
            repo.git(&["update-ref", &repo.journal(), &garbled]);
        }),
        ("a newer version wrote the journal", 3, "newer", |repo| {
            overridden(repo);
            newer(repo);
        }),
        ("the settings cannot be read", 3, "settings", |repo| {
            overridden(repo);
            repo.git(&["config", "run.maxCycles", "many"]);
        }),
        ("two runs claim the branch", 3, "claimed", |repo| {
            overridden(repo);
            rival(repo);
        }),
    ];
    for (what, code, rule, spoil) in rows {
        println!("{what}");
        let repo = halted();
        spoil(&repo);
        refused(&repo, code, rule);
    }
}

/// One more event, of a kind that nobody knows yet.
fn newer(repo: &TestRepo) {
    let name = repo.journal();
    let old = repo.git(&["cat-file", "commit", &name]);
    let (_, message) = old.split_once("\n\n").unwrap();
    let last = message.lines().rfind(|line| line.starts_with('{')).unwrap();
    let mut event: serde_json::Value = serde_json::from_str(last).unwrap();
    let seq = event["seq"].as_u64().unwrap() + 1;
    event["seq"] = seq.into();
    event["event"] = "moon-landed".into();
    event["v"] = 9.into();
    let base = message.lines().find_map(|line| line.strip_prefix("base: ")).unwrap();
    let text = format!("newer\n\n{event}\n\nseq: {seq}\nbase: {base}\n");
    let made = repo.git(&["commit-tree", "-m", &text, "-p", &name, &format!("{name}^{{tree}}")]);
    repo.git(&["update-ref", &name, &made]);
}

/// A second run, of another work tree, whose branch has the same name.
fn rival(repo: &TestRepo) {
    repo.git(&["worktree", "add", "--quiet", "--detach", "../second", "main"]);
    let second = |words: &[&str]| {
        let output = repo.program().current_dir(repo.root().join("second")).args(words).output();
        Ran::of(output.unwrap())
    };
    // The branch is freed for a moment.
    let here = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["switch", "--quiet", "--detach"]);
    second(&["sprint-1", "--branch", "feature/sprint-1"]).ends(4);
    repo.git(&["-C", "../second", "switch", "--quiet", "--detach"]);
    repo.git(&["update-ref", OWN, &here]);
    repo.git(&["switch", "--quiet", "feature/sprint-1"]);
}

#[test]
fn a_run_at_work_is_not_pushed() {
    let repo = TestRepo::scripted(&[(
        "review",
        "touch \"$HOME/at-work\"; while ! test -e \"$HOME/go\"; do sleep 0.05; done; pass",
    )]);
    repo.remote();
    let mut working = repo.program().args(["sprint-1", "--local"]).spawn().unwrap();
    while !repo.root().join("at-work").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for words in [&["push"][..], &["override", "review", "--reason", "x"]] {
        let ran = repo.run(words).ends(6);
        assert!(ran.err.contains("at work"), "{}", ran.err);
    }
    let hook = git_push(&repo, &["feature/sprint-1"]);
    assert!(hook.err.contains("ICE: ") && hook.code != Some(0), "{}", hook.err);
    fs::write(repo.root().join("go"), "").unwrap();
    assert!(working.wait().unwrap().success());
    repo.run(&["push"]).ends(0);
}

#[test]
fn what_passed_an_older_tree_passed_nothing() {
    let repo = TestRepo::scripted(&[("audit", r#"report '{"format":1,"verdict":"fail"}'"#)]);
    repo.remote();
    repo.run(&["sprint-1"]).ends(5);
    assert_eq!(repo.status()["gates"], serde_json::json!(["audit of sprint-1"]));
    repo.run(&["override", "sprint-1/audit", "--reason", "x"]).ends(0);
    repo.write("work.txt", "another tree\n");
    repo.git(&["commit", "--quiet", "-am", "after the review"]);
    let ran = repo.run(&["push"]).ends(3);
    assert!(ran.err.contains("review of sprint-1, audit of sprint-1"), "{}", ran.err);
    refused(&repo, 3, "gate");
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    repo.run(&["push"]).ends(0);
}

#[test]
fn a_runs_branch_is_held_back_in_every_work_tree() {
    let repo = halted();
    repo.run(&["hooks", "install"]).ends(0);
    repo.git(&["worktree", "add", "--quiet", "--detach", "../second", "main"]);
    let second = |words: &[&str]| Ran::of(repo.try_git(&[&["-C", "../second"], words].concat()));
    let ran = second(&["push", "origin", "feature/sprint-1"]);
    assert!(ran.code != Some(0) && ran.err.contains("not passed yet"), "{}", ran.err);
    second(&["push", "origin", "HEAD:refs/heads/other"]).ends(0);
    assert_eq!(repo.remote_refs(), ["refs/heads/main", "refs/heads/other"]);
    let mut elsewhere = repo.program();
    elsewhere.current_dir(repo.root().join("second"));
    let id = repo.status()["run"].as_str().unwrap().to_owned();
    let words = ["override", "review", "--reason", "x", "--run", &id];
    refused_by_rule(&Ran::of(elsewhere.args(words).output().unwrap()).ends(3), "commit");
}

#[test]
fn every_answer_has_the_documented_fields() {
    let repo = halted();
    let format = include_str!("../docs/FORMAT.md");
    for words in [
        &["override", "review", "--reason", "x", "--json"][..],
        &["override", "audit", "--reason", "x", "--json"],
        &["push", "--json"],
    ] {
        let answer = repo.run(words).ends(0).json();
        let row = format!("| `{}` |", answer["schema"].as_str().unwrap());
        let row = format.lines().find(|line| line.starts_with(&row)).unwrap();
        for key in answer.as_object().unwrap().keys().filter(|key| *key != "schema") {
            assert!(row.contains(&format!("`{key}`")), "{key}: {row}");
        }
    }
}

#[test]
fn a_run_whose_breaker_is_open_is_not_pushed() {
    let repo = TestRepo::scripted(&[("review", "revise same")]);
    repo.remote();
    repo.run(&["sprint-1", "--max-cycles", "1"]).ends(4);
    assert_eq!(repo.status()["breaker"]["state"], "open");
    refused(&repo, 3, "gate");
}

#[test]
fn a_branch_without_a_run_and_one_whose_run_is_over_is_a_persons_own() {
    let repo = TestRepo::new();
    repo.plan(PLAN);
    repo.remote();
    repo.git(&["switch", "--quiet", "-c", "mine"]);
    assert_eq!(git_push(&repo, &["mine"]).code, Some(0));
    let done = local();
    assert_eq!(git_push(&done, &["feature/sprint-1"]).code, Some(0));
    assert_eq!(done.run(&["push", "--json"]).ends(0).json()["outcome"], "there");
    assert_eq!(done.status()["state"], "READY_FOR_HITL");
}

#[test]
fn work_that_was_not_judged_does_not_leave_under_another_name() {
    let repo = halted();
    repo.git(&["branch", "mine", "main"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "and more"]);
    repo.git(&["tag", "-a", "-m", "v1", "v1"]);
    repo.git(&["branch", "merged", "main"]);
    repo.git(&[
        "update-ref",
        "refs/heads/merged",
        &repo.git(&["commit-tree", "-m", "merged", "-p", "main", "-p", "HEAD", "HEAD^{tree}"]),
    ]);
    let words = [
        &["HEAD:refs/heads/other"][..],
        &["feature/sprint-1:other"],
        &["HEAD~1:refs/heads/other"],
        &["+HEAD:other"],
        &["v1"],
        &["HEAD:refs/tags/v2"],
        &["merged"],
        &["merged:main"],
        &["mine", "HEAD:refs/heads/other"],
        &["--all"],
        &["--mirror"],
    ];
    for words in words {
        let ran = git_push(&repo, words);
        assert_ne!(ran.code, Some(0), "{words:?}");
        assert!(
            ran.err.contains("work of `feature/sprint-1`: not passed yet")
                || ran.err.contains("not passed yet: "),
            "{words:?}: {}",
            ran.err
        );
        assert_eq!(repo.remote_refs(), ["refs/heads/main"], "{words:?}");
    }
    // What is none of its work is nobody's business.
    assert_eq!(git_push(&repo, &["mine", "main"]).code, Some(0));
    repo.git(&["tag", "-a", "-m", "v0", "v0", "main"]);
    assert_eq!(git_push(&repo, &["v0", "main^{tree}:refs/tags/tree"]).code, Some(0));
    assert_eq!(git_push(&repo, &["--delete", "mine"]).code, Some(0));
    // From another work tree as well.
    repo.git(&["worktree", "add", "--quiet", "-b", "beside", "../beside", "main"]);
    repo.git(&["-C", "../beside", "push", "--quiet", "origin", "beside"]);
    let there = Ran::of(repo.try_git(&["-C", "../beside", "push", "origin", "feature/sprint-1:x"]));
    assert!(there.err.contains("not passed yet"), "{}", there.err);
    // What a person answers for may leave, and so may anything when the run is given up.
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    overridden(&repo);
    assert_eq!(git_push(&repo, &["HEAD:refs/heads/other"]).code, Some(0));
    assert_ne!(git_push(&repo, &["v1"]).code, Some(0));
    repo.run(&["halt", "--force"]).ends(0);
    assert_eq!(git_push(&repo, &["v1"]).code, Some(0));
}

#[test]
fn what_came_to_the_base_since_is_not_the_runs_work() {
    let repo = halted();
    let later = repo.git(&["commit-tree", "-m", "theirs", "-p", "main", "main^{tree}"]);
    repo.git(&["push", "--quiet", "origin", &format!("{later}:main")]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo.git(&["merge", "--quiet", "-m", "merge", "origin/main"]);
    assert_eq!(git_push(&repo, &["origin/main:refs/heads/mine"]).code, Some(0));
    assert_ne!(git_push(&repo, &["HEAD:refs/heads/mine"]).code, Some(0));
}

#[test]
fn what_came_after_the_last_verdict_stays_here() {
    let repo = local();
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "later"]);
    let ran = repo.run(&["push"]).ends(3);
    assert!(ran.err.contains("the workflow proved"), "{}", ran.err);
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
    let given_up = halted();
    given_up.run(&["halt", "--force"]).ends(0);
    refused_by_rule(&given_up.run(&["push"]).ends(3), "gate");
}
