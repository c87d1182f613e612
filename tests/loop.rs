//! The loop with real agents: whatever an agent does, the run ends in good order and loses nothing.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::time::{Duration, Instant};

use predicates::prelude::*;
use serde_json::Value;
use support::{
    TestRepo,
    scripted::{eventually, works},
};

fn state(status: &Value) -> (&str, &str) {
    (status["state"].as_str().unwrap(), status["halt"]["cause"].as_str().unwrap_or("-"))
}

/// A run of `sprint-1` that is not pushed.
fn go(repo: &TestRepo, code: i32) -> Value {
    repo.run(&["sprint-1", "--local"]).ends(code);
    repo.run(&["verify"]).ends(0);
    repo.status()
}

#[track_caller]
fn says(status: &Value, part: &str) {
    let found = predicate::str::contains(part).eval(&status.to_string());
    assert!(found, "`{part}` is not in {status:#}");
}

fn clean(repo: &TestRepo) {
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

#[test]
fn s12_what_is_no_readable_report_is_no_pass() {
    for (script, word) in [
        (":", "no-report"),
        (": > \"$GIT_RUN_REPORT\"", "no-report"),
        ("report 'all is well'", "bad-report"),
        ("report '[]'", "bad-report"),
        ("report '{\"format\":1,\"verdict\":\"PASSED\"}'", "bad-report"),
        ("report '{\"format\":1,\"summary\":\"fine\"}'", "bad-report"),
        ("report '{\"format\":2,\"verdict\":\"pass\"}'", "bad-report"),
        ("pass; head -c 2000000 /dev/zero | tr '\\0' ' ' >> \"$GIT_RUN_REPORT\"", "bad-report"),
        ("mkfifo \"$GIT_RUN_REPORT\"", "bad-report"),
        ("mkdir \"$GIT_RUN_REPORT\"", "bad-report"),
        ("ln -s /etc/passwd \"$GIT_RUN_REPORT\"", "bad-report"),
        ("pass; exit 3", "exit"),
        ("pass; kill -9 $$", "killed"),
        ("pass; echo more >> work.txt", "voided"),
    ] {
        let repo = TestRepo::scripted(&[("review", script)]);
        repo.git(&["config", "run.breaker.failures", "1"]);
        let status = go(&repo, 4);
        assert_eq!(state(&status), ("HALTED", "breaker"), "{script}");
        let told = repo.told("text").join("\n");
        assert!(told.contains(&format!("({word}):")), "{script}: {told}");
        assert!(!told.contains("verdict pass"), "{script}: {told}");
        assert_eq!(repo.calls("audit"), 0, "{script}");
        assert!(!status.to_string().contains("root:"), "{script}");
    }
}

#[test]
fn a_judge_that_changes_the_tree_is_asked_again_about_the_new_tree() {
    for script in [
        "[ $calls = 1 ] && echo judged > judged.txt; pass",
        "[ $calls = 1 ] && echo judged > judged.txt && git add -A && git commit -qm judged; pass",
    ] {
        let repo = TestRepo::scripted(&[("review", script)]);
        go(&repo, 0);
        assert_eq!((repo.calls("review"), repo.calls("audit")), (2, 1), "{script}");
        assert_eq!(repo.git(&["show", "HEAD:judged.txt"]), "judged", "{script}");
        clean(&repo);
    }
}

#[test]
fn a_commit_between_review_and_audit_is_reviewed_too() {
    let late = "[ $calls = 1 ] && echo late > late.txt && git add -A && git commit -qm late; pass";
    let repo = TestRepo::scripted(&[("audit", late)]);
    go(&repo, 0);
    assert_eq!((repo.calls("review"), repo.calls("audit")), (2, 2));
    assert!(repo.events().contains(&"item-reopened".to_owned()));
    // Every judge's report is kept, the first review's as well as the second one's.
    for call in ["0002-review", "0003-audit", "0004-review", "0005-audit"] {
        repo.run(&["show", &format!("artifacts/sprint-1/{call}.json")]).ends(0);
    }
}

#[test]
fn the_work_is_committed_whoever_does_it() {
    for (script, seen) in [
        ("echo work > work.txt", "work-committed"),
        ("echo work > work.txt; git add -A; git commit -qm mine", "work-seen"),
        (
            "echo work > work.txt; git add -A; git commit -qm mine; echo more > more.txt",
            "work-seen",
        ),
        ("echo work > work.txt; git add -A; git commit -q --amend -m amended", "work-seen"),
        (
            "echo work > work.txt; git add -A; git tag x; git stash -q; git stash pop -q",
            "work-committed",
        ),
    ] {
        let repo = TestRepo::scripted(&[("implement", script)]);
        go(&repo, 0);
        assert!(repo.events().contains(&seen.to_owned()), "{script}: {:?}", repo.events());
        assert_eq!(repo.git(&["show", "HEAD:work.txt"]), "work", "{script}");
        clean(&repo);
        repo.git(&["fsck", "--strict"]);
    }
}

#[test]
fn loa_113_work_commits_say_where_they_come_from() {
    let repo = TestRepo::scripted(&[
        ("implement", "echo $calls > work.txt"),
        ("review", "if [ $calls = 1 ]; then revise 'not yet'; else pass; fi"),
    ]);
    let run = go(&repo, 0)["run"].as_str().unwrap().to_owned();
    let log = repo.git(&["log", "--reverse", "--format=%s%n%(trailers:only)", "main.."]);
    let expected = format!(
        "feat(sprint-1): implement sprint-1\nRun: {run}\nRun-Item: sprint-1\nRun-Stage: implement\nRun-Cycle: 1\n\n\
        fix(sprint-1): answer the findings of cycle 1\nRun: {run}\nRun-Item: sprint-1\nRun-Stage: implement\nRun-Cycle: 2"
    );
    assert_eq!(log, expected);
}

#[test]
fn an_agent_that_leaves_the_branch_is_noticed() {
    for (script, part) in [
        ("echo x > x; git switch -q -c other", "stands on `other`"),
        ("echo x > x; git checkout -q --detach", "a detached HEAD"),
        ("git switch -q main; git branch -qD feature/sprint-1", "stands on `main`"),
    ] {
        let repo = TestRepo::scripted(&[("implement", script)]);
        let before = repo.git(&["rev-parse", "main"]);
        let status = go(&repo, 5);
        assert_eq!(state(&status), ("HALTED", "person-needed"), "{script}");
        says(&status, part);
        assert_eq!(repo.git(&["rev-parse", "main"]), before, "{script}");
    }
}

#[test]
fn a_branch_that_was_taken_away_can_be_brought_back() {
    let script = "[ $calls = 1 ] && rm \".git/$(git symbolic-ref HEAD)\"; echo work > work.txt";
    let repo = TestRepo::scripted(&[("implement", script)]);
    let ran = repo.run(&["sprint-1", "--local"]).ends(1);
    let at = ran.err.find("git update-ref").unwrap();
    let command: Vec<_> = ran.err[at..].split('`').next().unwrap().split(' ').collect();
    repo.git(&command[1..]);
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.git(&["show", "HEAD:work.txt"]), "work");
}

#[test]
fn a_lock_that_an_agent_left_stops_the_run_and_nothing_is_lost() {
    let script = "echo work > work.txt; touch .git/index.lock";
    let repo = TestRepo::scripted(&[("implement", script)]);
    let status = go(&repo, 4);
    says(&status, "index.lock");
    assert_eq!(repo.read("work.txt"), "work\n");
    std::fs::remove_file(repo.work.join(".git/index.lock")).unwrap();
    repo.agent("implement", ":");
    repo.run(&["resume", "--reset-ice"]).ends(0);
    assert_eq!(repo.git(&["show", "HEAD:work.txt"]), "work");
}

#[test]
fn s12_secrets_that_an_agent_leaves_are_never_committed() {
    for script in [
        "echo work > work.txt; echo S=1 > .env; mkdir -p a; echo k > a/id_rsa",
        "echo S=1 > .env; mkdir -p a; echo k > a/id_rsa; echo work > work.txt; git add -A",
        "echo S=1 > .env; mkdir -p a; echo k > a/id_rsa; git add -A; echo work > work.txt; rm README; echo x > README",
    ] {
        let repo = TestRepo::scripted(&[("implement", script)]);
        go(&repo, 0);
        assert_eq!(repo.read(".env"), "S=1\n");
        assert_eq!(
            repo.git(&["ls-tree", "-r", "--name-only", "HEAD"]),
            "README\nplan.toml\nwork.txt"
        );
        let note = repo.git(&["notes", "--ref=run", "show", "HEAD"]);
        assert!(note.contains(".env") && note.contains("a/id_rsa"), "{note}");
    }
}

#[test]
fn any_file_name_can_be_committed() {
    let script = r#"
printf x > "$(printf 'bad\377name')"; printf x > "$(printf 'two\nlines')"; printf x > ./-rf
printf x > ':(top)x'; printf x > '*'; printf x > ' '; printf S > .env"#;
    let repo = TestRepo::scripted(&[("implement", script)]);
    go(&repo, 0);
    assert_eq!(repo.git(&["status", "--porcelain"]), "?? .env");
    assert_eq!(repo.git(&["ls-tree", "--name-only", "-z", "HEAD"]).split('\0').count(), 9);
}

#[test]
fn a_repository_inside_the_repository_does_not_keep_the_loop_busy() {
    for (script, code) in [
        // No commit in it: git refuses to add it.
        ("git init -q sub; echo b > sub/b", 4),
        ("git init -q sub; cd sub; echo a > a; git add a; git commit -qm a; echo b > b", 5),
    ] {
        let repo = TestRepo::scripted(&[("implement", script)]);
        let status = go(&repo, code);
        says(&status, "sub");
        says(&status, "commit-refused");
        assert_eq!(repo.read("sub/b"), "b\n", "{script}");
        assert!(repo.events().len() < 60, "{script}: {:?}", repo.events());
    }
}

#[test]
fn a_flood_of_output_is_bounded() {
    let script = "echo work > work.txt; head -c 100000000 /dev/zero | tr '\\0' x";
    let repo = TestRepo::scripted(&[("implement", script)]);
    go(&repo, 0);
    let size = repo.git(&["count-objects", "-v"]);
    let kib: u64 =
        size.lines().find_map(|line| line.strip_prefix("size: ")).unwrap().parse().unwrap();
    assert!(kib < 4096, "{size}");
}

#[test]
fn the_users_hooks_run_and_may_refuse() {
    let repo = TestRepo::scripted(&[]);
    repo.hook("pre-commit", "echo ran >> \"$HOME/hooks\"");
    repo.hook("commit-msg", "grep -q '^Run-Item: sprint-1$' \"$1\" && echo ran >> \"$HOME/hooks\"");
    go(&repo, 0);
    assert_eq!(std::fs::read_to_string(repo.root().join("hooks")).unwrap(), "ran\nran\n");
}

#[test]
fn a_hook_that_always_refuses_opens_the_breaker() {
    let repo = TestRepo::scripted(&[]);
    repo.hook("pre-commit", "echo 'no tabs please' >&2; exit 1");
    let status = go(&repo, 4);
    says(&status, "no tabs please");
    says(&status, "3 times in a row");
    assert_eq!(status["next"]["command"], "git run resume --reset-ice");
    assert_eq!(repo.calls("implement"), 3);
    assert_eq!(repo.read("work.txt"), "work\n");
    assert_eq!(repo.git(&["rev-parse", "HEAD"]), repo.git(&["rev-parse", "main"]));
}

#[test]
fn what_a_hook_refused_is_told_to_the_builder() {
    let repo = TestRepo::scripted(&[(
        "implement",
        "if grep -q 'no tabs' \"$GIT_RUN_BRIEF\"; then echo good > work.txt; else echo bad > work.txt; fi",
    )]);
    repo.hook("pre-commit", "grep -q good work.txt || { echo 'no tabs please' >&2; exit 1; }");
    go(&repo, 0);
    assert_eq!(repo.git(&["show", "HEAD:work.txt"]), "good");
}

#[test]
fn a_signing_key_that_does_not_work_stops_the_run_with_the_work_in_the_tree() {
    let repo = TestRepo::scripted(&[]);
    repo.git(&["config", "commit.gpgSign", "true"]);
    repo.git(&["config", "gpg.program", "/bin/false"]);
    let status = go(&repo, 4);
    says(&status, "gpg failed to sign");
    assert_eq!(repo.read("work.txt"), "work\n");
}

#[test]
fn an_agent_that_asks_for_later_is_called_again_then() {
    let later = r#"if [ $calls = 1 ]; then
  report '{"format":1,"retry_at":"'$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)'"}'; exit 75
fi; echo work > work.txt"#;
    let repo = TestRepo::scripted(&[("implement", later)]);
    let began = Instant::now();
    go(&repo, 0);
    assert!(Duration::from_millis(800) < began.elapsed());
    assert_eq!(repo.calls("implement"), 2);
}

#[test]
fn loa_114_a_run_that_waits_hears_that_it_is_to_halt() {
    for (stage, settings) in
        [("exit 75", &[][..]), ("echo work > work.txt", &["run.callsPerHour", "1"][..])]
    {
        let repo = TestRepo::scripted(&[("implement", stage)]);
        if let [key, value] = settings {
            repo.git(&["config", key, value]);
        }
        let working = repo.begin(&["sprint-1", "--local"]);
        eventually("the wait", || {
            let log = repo.run(&["log", "--json"]).out;
            log.contains("calls-held") || log.contains("called later")
        });
        repo.run(&["halt", "--reason", "lunch"]).ends(0);
        working.ended().ends(5);
        let status = repo.status();
        assert_eq!(state(&status), ("HALTED", "asked"));
        says(&status, "lunch");
    }
}

#[test]
fn loa_114_loa_34_the_rate_limit_counts_calls_before_they_are_made() {
    let repo = TestRepo::scripted(&[]);
    repo.git(&["config", "run.callsPerHour", "2"]);
    let working = repo.begin(&["sprint-1", "--local"]);
    eventually("the wait", || repo.run(&["log", "--json"]).out.contains("calls-held"));
    assert_eq!((repo.calls("implement"), repo.calls("review"), repo.calls("audit")), (1, 1, 0));
    assert!(repo.run(&["status"]).ends(0).out.contains("waiting   for the next call, until "));
    working.signal("-INT");
    working.ended().ends(130);
}

#[test]
fn an_agent_that_is_not_there_halts_the_run() {
    let repo = TestRepo::scripted(&[("implement", "exit 127")]);
    let status = go(&repo, 1);
    assert_eq!(state(&status), ("HALTED", "agent-unavailable"));
    assert_eq!(repo.calls("implement"), 1);
    repo.agent("implement", "echo work > work.txt");
    repo.run(&["resume"]).ends(0);
}

#[test]
fn an_agent_that_ignores_term_is_ended_at_its_deadline() {
    for (settings, words, trip) in [
        (&["run.stageTimeout", "1s"], &["sprint-1", "--local"][..], "failures"),
        (&["run.silence", "1s"], &["sprint-1", "--local"][..], "failures"),
        (
            &["run.stageTimeout", "1h"],
            &["sprint-1", "--local", "--timeout", "1s"][..],
            "time-limit",
        ),
    ] {
        let script = "trap '' TERM INT HUP; echo $$ > \"$HOME/pid\"; while :; do sleep 0.1; done";
        let repo = TestRepo::scripted(&[("implement", script)]);
        let failures = if trip == "failures" { "1" } else { "3" };
        repo.git(&["config", "run.breaker.failures", failures]);
        repo.git(&["config", settings[0], settings[1]]);
        let began = Instant::now();
        repo.run(words).ends(4);
        assert!(began.elapsed() < Duration::from_secs(12), "{settings:?}");
        assert!(!works(&std::fs::read_to_string(repo.root().join("pid")).unwrap()));
        says(
            &repo.status(),
            if trip == "failures" { "1 times in a row" } else { "the run has run for" },
        );
    }
}

#[test]
fn a_daemon_that_an_agent_leaves_is_gone_afterwards() {
    let script = r#"setsid sh -c 'trap "" TERM HUP; echo $$ > "$HOME/pid"; while :; do sleep 0.1; done' \
  > /dev/null 2>&1 < /dev/null &
while ! [ -s "$HOME/pid" ]; do sleep 0.01; done; echo work > work.txt"#;
    let repo = TestRepo::scripted(&[("implement", script)]);
    go(&repo, 0);
    assert!(!works(&std::fs::read_to_string(repo.root().join("pid")).unwrap()));
}

#[test]
fn loa_114_the_breaker_opens_with_evidence_and_says_how_to_go_on() {
    let same = "revise 'the same'";
    let new = "revise \"another one: $(printf '%*s' $calls '' | tr ' ' x)\"";
    let changing = "echo $calls > work.txt";
    for (stages, settings, evidence, calls) in [
        (
            [("implement", changing), ("review", same)],
            &[][..],
            "the same finding was reported in 3",
            3,
        ),
        (
            [("implement", "echo work > work.txt"), ("review", new)],
            &["run.breaker.plateau", "50"],
            "the tree stayed as it was for 5",
            5,
        ),
        (
            [("implement", changing), ("review", new)],
            &[],
            "the open findings did not fall for 4",
            5,
        ),
        (
            [("implement", "exit 1"), ("review", same)],
            &[],
            "a stage ended without a result 3 times in a row",
            3,
        ),
        (
            [("implement", changing), ("review", new)],
            &["run.maxCycles", "2"],
            "the item has used up 2 of at most 2",
            2,
        ),
    ] {
        let repo = TestRepo::scripted(&stages);
        if let [key, value] = settings {
            repo.git(&["config", key, value]);
        }
        let status = go(&repo, 4);
        assert_eq!(state(&status), ("HALTED", "breaker"), "{evidence}");
        says(&status, evidence);
        assert_eq!(status["next"]["command"], "git run resume --reset-ice");
        let at_least = repo.calls("implement");
        assert!(calls <= at_least && at_least <= calls + 1, "{evidence}: {at_least}");
    }
}

#[test]
fn loa_114_loa_34_an_open_breaker_is_closed_by_a_person_alone() {
    let repo =
        TestRepo::scripted(&[("implement", "echo $calls > work.txt"), ("review", "revise same")]);
    go(&repo, 4);
    let calls = repo.calls("implement");
    repo.run(&["resume"]).ends(4);
    assert_eq!(repo.calls("implement"), calls);
    // The trial fails: the breaker opens at once again.
    repo.run(&["resume", "--reset-ice"]).ends(4);
    says(&repo.status(), "the trial cycle ended with");
    assert_eq!(repo.calls("implement"), calls + 1);
    repo.agent("review", "pass");
    repo.run(&["resume", "--reset-ice"]).ends(0);
    assert_eq!(repo.status()["breaker"]["state"], "closed");
}

#[test]
fn aura_a_budget_is_looked_at_before_the_next_call() {
    let used = |tokens: u32, cost: &str| {
        format!(
            "echo work > work.txt; report '{{\"format\":1,\"usage\":{{\"input_tokens\":{tokens},\"output_tokens\":0}},\"cost\":{cost}}}'"
        )
    };
    for (words, script, level, code, reviews) in [
        (["--budget-tokens", "1000"], used(740, "0"), "fine", 0, 1),
        (["--budget-tokens", "1000"], used(750, "0"), "warn", 0, 1),
        (["--budget-tokens", "1000"], used(850, "0"), "hand-over", 0, 1),
        (["--budget-tokens", "1000"], used(900, "0"), "stop", 4, 0),
        (["--budget-cost", "2.00"], used(0, "1.799999"), "hand-over", 0, 1),
        (["--budget-cost", "2.00"], used(0, "1.8"), "stop", 4, 0),
        (["--budget-cost", "2.00"], used(0, "18e-1"), "stop", 4, 0),
    ] {
        let repo = TestRepo::scripted(&[("implement", &script)]);
        repo.run(&["sprint-1", "--local", words[0], words[1]]).ends(code);
        assert_eq!(repo.status()["budget"], level, "{script}");
        assert_eq!(repo.calls("review"), reviews, "{script}");
    }
}

#[test]
fn the_verdict_fail_is_never_tried_again_by_itself() {
    for stage in ["review", "audit", "implement"] {
        let fail = "echo x > \"$HOME/x\"; report '{\"format\":1,\"verdict\":\"fail\"}'";
        let repo = TestRepo::scripted(&[(stage, fail)]);
        let status = go(&repo, 5);
        assert_eq!(state(&status), ("HALTED", "fail-verdict"), "{stage}");
        assert_eq!(repo.calls(stage), 1);
    }
}

const THREE: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "one"
[[sprint]]
id = "sprint-2"
title = "Two"
[[sprint.task]]
id = "T-2"
title = "two"
[[sprint.task]]
id = "T-3"
title = "three"
[[sprint]]
id = "sprint-3"
title = "Three"
[[sprint.task]]
id = "T-4"
title = "four"
"#;

#[test]
fn loa_113_a_part_of_the_plan_is_run() {
    for (words, items) in [
        (&["sprint-plan"][..], "sprint-1 sprint-2 sprint-3"),
        (&["sprint-plan", "--from", "2", "--to", "3", "--skip", "3"], "sprint-2"),
        (&["sprint-plan", "--from", "sprint-2"], "sprint-2 sprint-3"),
        (&["T-3"], "T-3"),
        (&["sprint-3", "sprint-1"], "sprint-1 sprint-3"),
    ] {
        let repo = TestRepo::scripted(&[("implement", "echo $GIT_RUN_ITEM >> work.txt")]);
        repo.plan(THREE);
        let ran = [words, &["--local"]].concat();
        repo.run(&ran).ends(0);
        assert_eq!(repo.git(&["show", "HEAD:work.txt"]).replace('\n', " "), items);
    }
}

#[test]
fn loa_113_halting_waits_for_the_present_stage() {
    let repo = TestRepo::scripted(&[(
        "implement",
        "echo work > work.txt; touch \"$HOME/begun\"; while ! [ -e \"$HOME/end\" ]; do sleep 0.02; done",
    )]);
    let working = repo.begin(&["sprint-1", "--local"]);
    repo.await_file("begun");
    let ran = repo.run(&["halt", "--reason", "lunch"]).ends(0);
    assert!(ran.out.contains("after the present stage"), "{}", ran.out);
    std::fs::write(repo.root().join("end"), "").unwrap();
    working.ended().ends(5);
    assert_eq!(
        (repo.calls("review"), repo.git(&["show", "HEAD:work.txt"])),
        (0, "work".to_owned())
    );
    assert!(repo.run(&["halt"]).ends(0).out.contains("halted already"));
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.calls("implement"), 1);
}

#[test]
fn loa_113_halting_by_force_stops_the_agent_and_then_gives_the_run_up() {
    let slow = "echo work > work.txt; echo $$ > \"$HOME/pid\"; sleep 60";
    let repo = TestRepo::scripted(&[("implement", slow)]);
    let working = repo.begin(&["sprint-1", "--local"]);
    repo.await_file("pid");
    repo.run(&["halt", "--force"]).ends(0);
    working.ended().ends(5);
    assert!(!works(&std::fs::read_to_string(repo.root().join("pid")).unwrap()));
    assert!(repo.git(&["log", "-1", "--format=%s"]).starts_with("wip(sprint-1): "));
    repo.run(&["sprint-1"]).ends(5);
    repo.run(&["halt", "--force"]).ends(0);
    assert_eq!(repo.status()["state"], "JACKED_OUT");
    repo.run(&["resume"]).ends(1);
}

#[test]
fn one_signal_halts_in_good_order() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let slow = "echo work > work.txt; touch \"$HOME/begun\"; sleep 60";
        let repo = TestRepo::scripted(&[("implement", slow)]);
        let working = repo.begin(&["sprint-1", "--local"]);
        repo.await_file("begun");
        working.signal(signal);
        working.ended().ends(130);
        assert_eq!(repo.status()["state"], "HALTED", "{signal}");
        assert!(repo.git(&["log", "-1", "--format=%s"]).starts_with("wip(sprint-1): "), "{signal}");
        clean(&repo);
        repo.agent("implement", ":");
        repo.run(&["resume"]).ends(0);
    }
}

/// The terminal sends Ctrl-C to the whole group, git included, at any moment.
#[test]
fn a_ctrl_c_of_the_terminal_loses_nothing_whenever_it_comes() {
    for (at, delay) in [0, 30, 60, 90, 130, 180, 240].into_iter().enumerate() {
        let work = "echo work > work.txt; pass; sleep 0.05";
        let repo = TestRepo::scripted(&[("implement", work), ("review", "sleep 0.05; pass")]);
        let working = repo.begin_group(&["sprint-1", "--local"]);
        eventually("the run", || !repo.refs("refs/heads/feature/").is_empty());
        std::thread::sleep(Duration::from_millis(delay));
        working.signal_group("-INT");
        let ran = working.ended();
        assert!(matches!(ran.code, Some(0 | 130)), "{at}: {ran:?}");
        if ran.code == Some(130) {
            // A commit that the signal ended may be told as refused; its work is in the tree then.
            let findings = repo.status()["findings"].clone();
            if findings.as_array().is_none_or(Vec::is_empty) {
                clean(&repo);
            } else {
                assert_eq!(findings[0]["rule"], "commit-refused", "{at}: {findings}");
            }
            repo.run(&["resume"]).ends(0);
        }
        assert_eq!(repo.git(&["show", "HEAD:work.txt"]), "work");
        repo.run(&["verify"]).ends(0);
    }
}

#[test]
fn a_second_signal_does_not_wait_for_the_agent() {
    let deaf = "trap '' TERM INT HUP; echo work > work.txt; echo $$ > \"$HOME/pid\"; while :; do sleep 0.1; done";
    let repo = TestRepo::scripted(&[("implement", deaf)]);
    let working = repo.begin(&["sprint-1", "--local"]);
    repo.await_file("pid");
    let began = Instant::now();
    working.signal("-INT");
    std::thread::sleep(Duration::from_millis(400));
    working.signal("-INT");
    working.ended().ends(130);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(!works(&std::fs::read_to_string(repo.root().join("pid")).unwrap()));
    clean(&repo);
}

#[test]
fn a_runner_that_is_killed_leaves_nobody_and_the_run_goes_on() {
    let slow = "[ $calls = 1 ] || { echo work > work.txt; exit 0; }; sleep 60 & echo $! > \"$HOME/child\"; echo $$ > \"$HOME/pid\"; sleep 60";
    let repo = TestRepo::scripted(&[("implement", slow)]);
    let working = repo.begin(&["sprint-1", "--local"]);
    repo.await_file("pid");
    working.signal("-KILL");
    assert_eq!(working.ended().code, None);
    let gone = |name: &str| !works(&std::fs::read_to_string(repo.root().join(name)).unwrap());
    eventually("the agent's end", || gone("pid") && gone("child"));
    let status = repo.status();
    assert_eq!(
        (&status["state"], &status["position"]["doing"]),
        (&"RUNNING".into(), &"in doubt".into())
    );
    assert_eq!(status["next"]["command"], "git run resume");
    repo.run(&["resume"]).ends(0);
    assert!(repo.events().contains(&"stage-lost".to_owned()));
    assert_eq!(repo.git(&["show", "HEAD:work.txt"]), "work");
}

#[test]
fn loa_113_of_two_runners_one_works() {
    let slow = "echo work > work.txt; touch \"$HOME/begun\"; while ! [ -e \"$HOME/end\" ]; do sleep 0.02; done";
    let repo = TestRepo::scripted(&[("implement", slow)]);
    let (first, second) =
        (repo.begin(&["sprint-1", "--local"]), repo.begin(&["sprint-1", "--local"]));
    repo.await_file("begun");
    for words in [&["sprint-1"][..], &["T-1"], &["resume"]] {
        let ran = repo.run(words).ends(6);
        assert!(ran.err.contains("is held by process"), "{}", ran.err);
    }
    std::fs::write(repo.root().join("end"), "").unwrap();
    let mut codes = [first.ended().code, second.ended().code];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(6)]);
    assert_eq!((repo.calls("implement"), repo.refs("refs/run/").len()), (1, 4));
}

#[test]
fn an_agent_cannot_choose_its_own_judge() {
    // `git config` would be refused; a file can be written all the same.
    let chosen =
        "echo work > work.txt; printf '[run \"review\"]\\n\\tcommand = true\\n' >> .git/config";
    let repo =
        TestRepo::scripted(&[("implement", chosen), ("review", "report '{\"verdict\":\"fail\"}'")]);
    repo.run(&["sprint-1", "--local"]).ends(5);
    assert_eq!(repo.git(&["config", "run.review.command"]), "true", "the agent did write it");
    let before = repo.events();
    let refused = repo.run(&["resume"]).ends(5);
    assert!(refused.err.contains("the agent of `review` was"), "{}", refused.err);
    assert_eq!(repo.events(), before, "nothing was written");
    // A person may mean it.
    repo.git(&["config", "run.maxCycles", "1"]);
    repo.run(&["resume", "--force"]).ends(4);
}

#[test]
fn an_agent_for_a_stage_that_there_is_not_starts_nothing() {
    let repo = TestRepo::scripted(&[]);
    repo.git(&["config", "run.reveiw.command", "true"]);
    let before = repo.everything();
    let refused = repo.run(&["sprint-1"]).ends(1);
    assert!(
        refused.err.contains("`reveiw`") && refused.err.contains("implement, review, audit"),
        "{}",
        refused.err
    );
    assert_eq!(repo.everything(), before);
}
