//! What is finished, read from real repositories after whatever people do to a branch: each row of what
//! counting subjects gets wrong, and its siblings.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use serde_json::Value;
use support::{Ran, TestRepo};

const THREE: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "Make one"
writes = ["one.txt"]
[sprint.task.steps]
implement = ["seq 100 110 > one.txt"]
review = ["test -f one.txt"]
audit = ["true"]
[[sprint]]
id = "sprint-2"
title = "Two"
[[sprint.task]]
id = "T-2"
title = "Make two"
writes = ["two.txt"]
[sprint.task.steps]
implement = ["seq 200 210 > two.txt"]
review = ["test -f two.txt"]
audit = ["true"]
[[sprint]]
id = "sprint-3"
title = "Three"
[[sprint.task]]
id = "T-3"
title = "Make three"
writes = ["three.txt"]
[sprint.task.steps]
implement = ["seq 300 310 > three.txt"]
review = ["test -f three.txt"]
audit = ["true"]
"#;

#[track_caller]
fn sh(repo: &TestRepo, script: &str) {
    let script = format!("set -e\n{script}");
    Ran::of(repo.command("sh").args(["-c", &script]).output().unwrap()).ends(0);
}

/// A plan of three sprints; none, or all, of them are done by a run on `feature/sprint-plan`.
fn finished() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(THREE);
    repo.run(&["sprint-plan", "--local", "--quiet"]).ends(0);
    repo
}

/// A run that halted before it did anything: its first review says fail.
fn halted(words: &[&str]) -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(&THREE.replace("seq 100 110 > one.txt", "exit 1"));
    repo.git(&["config", "run.breaker.failures", "1"]);
    let words = [&["--local", "--quiet"], words].concat();
    repo.run(&[&["sprint-plan"], &words[..]].concat()).ends(4);
    assert_eq!(repo.git(&["branch", "--show-current"]), "feature/sprint-plan");
    repo
}

fn commit(repo: &TestRepo, file: &str, message: &str) {
    repo.write(file, &format!("{file} 1\n{file} 2\n{file} 3\n"));
    repo.git(&["add", file]);
    repo.git(&["commit", "--quiet", "-m", message]);
}

fn reconciled(repo: &TestRepo) -> Value {
    let before = repo.refs("refs/");
    let value = repo.run(&["reconcile", "--json"]).ends(0).json();
    assert_eq!(value["schema"], "git-run/reconcile/1");
    assert_eq!(repo.refs("refs/"), before, "looking writes nothing");
    value
}

/// `sprint-1 in recorded` for each item.
fn found(repo: &TestRepo) -> Vec<String> {
    let value = reconciled(repo);
    let word = |item: &Value, key: &str| item[key].as_str().unwrap_or("-").to_owned();
    let items = value["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| {
            let id = word(item, "item").replace("sprint-", "");
            format!("{id} {} {}", word(item, "found"), word(item, "strength"))
        })
        .collect()
}

fn merged(repo: &TestRepo) -> Vec<bool> {
    let value = reconciled(repo);
    value["items"].as_array().unwrap().iter().map(|item| item["merged"] == true).collect()
}

const ALL_RECORDED: [&str; 3] = ["1 in recorded", "2 in recorded", "3 in recorded"];
const NOTHING: [&str; 3] = ["1 open -", "2 open -", "3 open -"];

// ---- the rows of `--sync-run-mode` ----

#[test]
fn s1_three_commits_of_one_sprint_are_one_sprint() {
    let repo = halted(&[]);
    for file in ["a", "b", "c"] {
        commit(&repo, file, "feat(sprint-1): again");
    }
    assert_eq!(found(&repo), ["1 in pattern", "2 open -", "3 open -"]);
}

#[test]
fn s3_and_s4_another_plan_or_run_with_the_same_numbers_never_counts() {
    let repo = TestRepo::new();
    repo.git(&["switch", "--quiet", "-c", "feature/sprint-plan"]);
    commit(&repo, "old", "feat(sprint-1): of the plan before");
    repo.plan(&THREE.replace("seq 100 110 > one.txt", "exit 1"));
    repo.git(&["config", "run.breaker.failures", "1"]);
    repo.run(&["sprint-plan", "--local", "--quiet", "--base", "main"]).ends(4);
    assert_eq!(found(&repo), NOTHING, "it was there before the run began");
    commit(
        &repo,
        "b",
        "feat(sprint-2): x\n\nRun: 20200101-000000-0000000000\nRun-Item: sprint-2\n",
    );
    commit(&repo, "c", "feat(sprint-9): x");
    assert_eq!(found(&repo), NOTHING, "it is another run's, or no sprint of the plan");
    let own = repo.status()["run"].as_str().unwrap().to_owned();
    commit(&repo, "d", &format!("anything\n\nRun: {own}\nRun-Item: sprint-3\n"));
    assert_eq!(found(&repo), ["1 open -", "2 open -", "3 in trailer"]);
}

#[test]
fn s6_cwf_a_base_that_is_missing_is_an_error_and_the_default_of_the_remote_is_found() {
    let repo = halted(&[]);
    commit(&repo, "a", "feat(sprint-1): x");
    repo.git(&["branch", "-m", "main", "trunk"]);
    let ran = repo.run(&["reconcile", "--json"]).ends(1);
    assert!(ran.json()["error"].as_str().unwrap().contains("no base branch"), "{}", ran.out);
    assert_eq!(ran.json()["hint"], "git config run.baseBranch <branch>");
    repo.git(&["config", "run.baseBranch", "nowhere"]);
    assert!(repo.run(&["reconcile"]).ends(1).err.contains("`nowhere`"));
    repo.git(&["config", "run.baseBranch", "trunk"]);
    assert_eq!(reconciled(&repo)["base"], "trunk");
    repo.git(&["config", "--unset", "run.baseBranch"]);
    repo.git(&["branch", "master", "trunk"]);
    assert_eq!(reconciled(&repo)["base"], "master");
    repo.git(&["update-ref", "refs/remotes/origin/trunk", "trunk"]);
    repo.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk"]);
    assert_eq!(reconciled(&repo)["base"], "trunk");
}

#[test]
fn s7_a_squash_counts_by_its_trailers_and_not_by_its_subject() {
    let repo = halted(&[]);
    commit(&repo, "a", "feat: sprint 1 to 3");
    commit(&repo, "b", "fix(sprint-1): x");
    assert_eq!(found(&repo), NOTHING);
    let own = repo.status()["run"].as_str().unwrap().to_owned();
    let quoted: String = [2, 3]
        .iter()
        .map(|n| {
            format!("\n    feat(sprint-{n}): x\n    \n    Run: {own}\n    Run-Item: sprint-{n}\n")
        })
        .collect();
    commit(
        &repo,
        "c",
        &format!("feat: sprint 1 to 3\n\nSquashed commit of the following:\n{quoted}"),
    );
    assert_eq!(found(&repo), ["1 open -", "2 in trailer", "3 in trailer"]);
}

#[test]
fn s8_loa_32_only_the_sprints_in_scope_are_expected() {
    let repo = TestRepo::new();
    repo.plan(&THREE.replace("seq 200 210 > two.txt", "exit 1"));
    repo.git(&["config", "run.breaker.failures", "1"]);
    repo.run(&["sprint-plan", "--from", "2", "--to", "3", "--skip", "3", "--local", "--quiet"])
        .ends(4);
    commit(&repo, "a", "feat(sprint-1): x");
    commit(&repo, "b", "feat(sprint-3): x");
    assert_eq!(found(&repo), ["2 open -"]);
    commit(&repo, "c", "feat(sprint-2): x");
    assert_eq!(found(&repo), ["2 in pattern"]);
}

#[test]
fn s9_and_s10_a_pattern_that_is_none_is_an_error_that_says_where() {
    let repo = halted(&[]);
    commit(&repo, "a", "done: sprint-1 and sprint-2.");
    for bad in ["^feat\\\\(sprint-", "[", "", "x*", "glob:feat*"] {
        repo.git(&["config", "run.commitPattern", bad]);
        for words in [&["reconcile"][..], &["start", "sprint-1", "--dry-run"]] {
            let ran = repo.run(words).ends(1);
            assert!(
                ran.err.contains("run.commitPattern") && ran.err.contains("config"),
                "{}",
                ran.err
            );
        }
    }
    repo.git(&["config", "run.commitPattern", "^done: "]);
    assert_eq!(found(&repo), ["1 in pattern", "2 in pattern", "3 open -"]);
    repo.git(&["config", "run.commitPattern", "glob:*sprint-{item} and*"]);
    assert_eq!(found(&repo), ["1 in pattern", "2 open -", "3 open -"]);
}

#[test]
fn s11_nothing_that_is_read_is_executed() {
    let repo = halted(&[]);
    for subject in
        ["feat($(touch pwned)): x", "feat(sprint-1;touch pwned): x", "feat(`touch pwned`): x"]
    {
        repo.write("a", subject);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        commit(&repo, &format!("f{}", subject.len()), subject);
    }
    assert_eq!(found(&repo), NOTHING);
    assert!(!repo.work.join("pwned").exists());
}

#[test]
fn s12_loa_32_applying_is_one_event_and_one_step() {
    let repo = halted(&[]);
    let before = repo.status();
    for n in 1..=3 {
        commit(&repo, &format!("f{n}"), &format!("feat(sprint-{n}): x"));
    }
    let seq = repo.status()["seq"].as_u64().unwrap();
    let applied = repo.run(&["reconcile", "--apply", "--json"]).ends(0).json();
    assert_eq!(applied["applied"], true);
    let events = repo.events();
    assert_eq!(events[usize::try_from(seq).unwrap()..], ["lease-taken", "reconciled"]);
    let written = repo.run(&["show", &events.len().to_string()]).ends(0).json();
    assert_eq!(written["data"]["items"][0]["inferred"], true);
    assert_eq!(written["data"]["items"][0]["evidence"], "pattern");
    assert!(written["at"].as_str().unwrap().ends_with('Z'));
    let status = repo.status();
    assert_eq!(status["progress"]["inferred"], 3);
    for counter in ["breaker", "calls", "usage", "timeout_ms"] {
        assert_eq!(status[counter], before[counter], "{counter} is never rebuilt");
    }
    assert_eq!(status["gates"].as_array().unwrap().len(), 6, "inferred is not judged");
    let text = repo.run(&["status"]).ends(0).out;
    assert!(text.contains("(0 recorded, 3 inferred)") && text.contains("not judged"), "{text}");
    repo.run(&["push"]).ends(3);
    let body = repo.run(&["pr", "--body-only"]).ends(0).out;
    assert!(body.contains("0 recorded, 3 inferred and not judged"), "{body}");
    // Twice is once, and the journal is whole.
    let events = repo.events();
    assert_eq!(repo.run(&["reconcile", "--apply", "--json"]).ends(0).json()["applied"], false);
    assert_eq!(repo.events().len(), events.len());
    repo.run(&["verify"]).ends(0);
}

// ---- the upstream assertions ----

#[test]
fn loa_32_as_many_distinct_sprints_as_the_plan_has_and_fewer_are_told_apart() {
    let repo = halted(&[]);
    assert_eq!(found(&repo), NOTHING);
    commit(&repo, "a", "feat(sprint-1): x");
    commit(&repo, "b", "feat(sprint-2): x");
    assert_eq!(found(&repo), ["1 in pattern", "2 in pattern", "3 open -"]);
    commit(&repo, "c", "feat(sprint-3)!: x");
    assert_eq!(found(&repo), ["1 in pattern", "2 in pattern", "3 in pattern"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "feat(sprint-4): x"]);
    assert_eq!(found(&repo).len(), 3);
}

#[test]
fn loa_117_writing_it_down_takes_a_person_and_something_to_write() {
    let repo = halted(&[]);
    let seq = repo.status()["seq"].clone();
    commit(&repo, "a", "chore: x");
    assert_eq!(repo.run(&["reconcile", "--apply", "--json"]).ends(0).json()["applied"], false);
    assert_eq!(repo.status()["seq"], seq);
    commit(&repo, "b", "feat(sprint-1): x");
    for words in [&["reconcile", "--apply"][..], &["reconcile", "--answer", "sprint-2=trust"]] {
        let all = [&["ice", "exec", "--", "git-run"][..], words].concat();
        repo.run(&all).ends(3);
    }
    assert_eq!(repo.status()["seq"], seq);
    repo.run(&["ice", "exec", "--", "git-run", "reconcile"]).ends(0);
    repo.run(&["ice", "check", "--", "run", "reconcile", "--json"]).ends(0);
    for words in [&["--apply"][..], &["--answer", "a=trust"], &["--answer=a=trust"]] {
        let all = [&["ice", "check", "--", "run", "reconcile"][..], words].concat();
        repo.run(&all).ends(3);
    }
}

#[test]
fn a_rewritten_history_that_ends_with_the_judged_tree_takes_its_place() {
    let repo = finished();
    repo.git(&["commit", "--quiet", "--amend", "-m", "other words"]);
    assert_eq!(repo.status()["gates"], serde_json::json!([]));
    repo.run(&["reconcile", "--apply"]).ends(0);
    let head = repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(repo.status()["items"][2]["head"], head.as_str());
    assert_eq!(
        (&repo.status()["head"], &repo.status()["gates"]),
        (&head.as_str().into(), &serde_json::json!([]))
    );
    repo.write("more", "x");
    repo.git(&["add", "more"]);
    repo.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    assert_eq!(repo.run(&["reconcile", "--apply", "--json"]).ends(0).json()["applied"], false);
    assert_eq!(
        repo.status()["items"][2]["head"],
        head.as_str(),
        "another tree was judged by nobody"
    );
    repo.run(&["verify"]).ends(0);
}

#[test]
fn what_the_server_merged_is_found_in_the_remote_base() {
    let repo = finished();
    repo.remote();
    sh(
        &repo,
        "git switch -q -c tmp main; git merge -q --no-ff --no-edit feature/sprint-plan; git push -q origin HEAD:main; git switch -q main; git branch -qD tmp feature/sprint-plan",
    );
    assert_eq!(found(&repo), ALL_RECORDED);
    assert_eq!(merged(&repo), [true; 3]);
}

#[test]
fn an_empty_commit_shows_nothing() {
    let repo = halted(&[]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "feat(sprint-1): x"]);
    assert_eq!(found(&repo), NOTHING);
}

// ---- what people do to a finished branch ----

#[test]
fn loa_117_a_finished_run_is_recorded_and_merged_in_every_way() {
    for (how, strengths) in [
        ("git switch -q main; git merge -q --ff feature/sprint-plan", ALL_RECORDED),
        ("git switch -q main; git merge -q --no-ff --no-edit feature/sprint-plan", ALL_RECORDED),
        (
            "git switch -q main; git merge -q --squash feature/sprint-plan; git commit -qm 'all of it'",
            ALL_RECORDED,
        ),
        (
            "git switch -q main; git merge -q --squash feature/sprint-plan; git commit -qm 'all of it'; git branch -qD feature/sprint-plan",
            ["1 in content", "2 in content", "3 in equal-tree"],
        ),
        (
            "git switch -q main; git merge -q --squash feature/sprint-plan; git commit -q --no-edit; git branch -qD feature/sprint-plan",
            ["1 in trailer", "2 in trailer", "3 in trailer"],
        ),
        (
            "git switch -q main; git merge -q --ff feature/sprint-plan; git branch -qD feature/sprint-plan",
            ALL_RECORDED,
        ),
        (
            "git switch -q main; echo x > x; git add x; git commit -qm x; git cherry-pick -n main~1..feature/sprint-plan; git commit -qm picked; git branch -qD feature/sprint-plan",
            ["1 in content", "2 in content", "3 in content"],
        ),
    ] {
        let repo = finished();
        assert_eq!(found(&repo), ALL_RECORDED);
        assert_eq!(merged(&repo), [false; 3]);
        sh(&repo, how);
        let found = found(&repo);
        // A tree and a patch are both good; the squash on a main that stood still is both.
        let found: Vec<_> = found.iter().map(|of| of.replace("patch-id", "content")).collect();
        assert_eq!(found, strengths, "{how}");
        assert_eq!(merged(&repo), [true; 3], "{how}");
    }
}

#[test]
fn rebased_picked_and_amended_work_is_known_again() {
    let apart = "git switch -q main; echo x > x; git add x; git commit -qm x; git switch -q feature/sprint-plan";
    let strip = "git filter-branch -f --msg-filter 'echo changed' main..HEAD >/dev/null 2>&1";
    for (how, strengths) in [
        (format!("{apart}; git rebase -q main"), ["1 in trailer", "2 in trailer", "3 in trailer"]),
        (
            format!("{apart}; git rebase -q main; {strip}"),
            ["1 in patch-id", "2 in patch-id", "3 in patch-id"],
        ),
        (
            "git commit -q --amend --no-edit --reset-author --date=2020-01-01T00:00:00".into(),
            ["1 in recorded", "2 in recorded", "3 in trailer"],
        ),
        (
            "git commit -q --amend -m other".into(),
            ["1 in recorded", "2 in recorded", "3 in equal-tree"],
        ),
        (
            "git reset -q --soft HEAD~3; git commit -qm 'feat: all of it'".into(),
            ["1 in content", "2 in content", "3 in equal-tree"],
        ),
        (
            "git merge -q --no-edit main || true; echo y > y; git add y; git commit -qm y".into(),
            ALL_RECORDED,
        ),
    ] {
        let repo = finished();
        sh(&repo, &how);
        assert_eq!(found(&repo), strengths, "{how}");
    }
}

#[test]
fn notes_tell_where_trailers_are_gone() {
    let repo = halted(&[]);
    let own = repo.status()["run"].as_str().unwrap().to_owned();
    commit(&repo, "a", "x");
    let note = format!("{{\"item\":\"sprint-2\",\"run\":\"{own}\"}}");
    repo.git(&["notes", "--ref=run", "add", "-m", &note]);
    commit(&repo, "b", "feat(sprint-3): x");
    repo.git(&[
        "notes",
        "--ref=run",
        "add",
        "-m",
        "{\"item\":\"sprint-3\",\"run\":\"20200101-000000-0000000000\"}",
    ]);
    assert_eq!(found(&repo), ["1 open -", "2 in note", "3 open -"]);
}

#[test]
fn reverts_take_away_and_reverts_of_reverts_give_back() {
    let repo = finished();
    let of = |n: usize| repo.git(&["log", "--format=%H", "--grep", &format!("^feat(sprint-{n})")]);
    let second = of(2);
    repo.git(&["revert", "--no-edit", &second]);
    assert_eq!(found(&repo), ["1 in recorded", "2 taken-away -", "3 in recorded"]);
    let value = reconciled(&repo);
    assert_eq!(value["items"][1]["reverted_by"][0], repo.git(&["rev-parse", "HEAD"]).as_str());
    repo.git(&["revert", "--no-edit", "HEAD"]);
    assert_eq!(found(&repo), ALL_RECORDED);
    sh(&repo, "git rm -q three.txt; git commit -qm 'no revert, and yet'");
    assert_eq!(found(&repo), ["1 in recorded", "2 in recorded", "3 taken-away -"]);
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    sh(
        &repo,
        "git mv three.txt drei.txt; git commit -qm moved; sed -i '$d' one.txt; git commit -qam 'one line'",
    );
    assert_eq!(found(&repo), ALL_RECORDED);
    let value = reconciled(&repo);
    assert_eq!(
        (&value["items"][0]["lost"], &value["items"][0]["change"]),
        (&1.into(), &"minor".into())
    );
    assert_eq!(value["items"][0]["hurt"][0]["path"], "one.txt");
}

#[test]
fn a_reverted_merge_takes_all_of_it_away() {
    let repo = finished();
    sh(
        &repo,
        "git switch -q main; git merge -q --no-ff --no-edit feature/sprint-plan; git revert -m 1 --no-edit HEAD; git branch -qD feature/sprint-plan",
    );
    assert_eq!(found(&repo), ["1 taken-away -", "2 taken-away -", "3 taken-away -"]);
}

#[test]
fn others_that_a_rebase_brings_in_are_not_ours() {
    let repo = halted(&[]);
    sh(
        &repo,
        "git switch -q main; echo o > o; git add o; git commit -qm 'feat(sprint-2): of others'; git switch -q feature/sprint-plan; git merge -q --no-edit main",
    );
    commit(&repo, "a", "feat(sprint-1): x");
    assert_eq!(found(&repo), ["1 in pattern", "2 open -", "3 open -"]);
    sh(&repo, "git reset -q --hard HEAD~2; git rebase -q main");
    assert_eq!(found(&repo), NOTHING);
}

#[test]
fn work_that_the_journal_saw_unfinished_stays_unfinished_under_another_id() {
    let repo = TestRepo::new();
    repo.plan(&THREE.replace("test -f two.txt", "exit 3"));
    repo.git(&["config", "run.breaker.failures", "1"]);
    repo.run(&["sprint-plan", "--local", "--quiet"]).ends(4);
    assert_eq!(repo.status()["position"]["item"], "sprint-2");
    let expected = ["1 in recorded", "2 open -", "3 open -"];
    assert_eq!(found(&repo), expected);
    repo.git(&["commit", "--quiet", "--amend", "--no-edit", "--date=2020-01-01T00:00:00"]);
    assert_eq!(found(&repo), expected);
}

#[test]
fn the_same_target_again_says_that_it_is_done() {
    let repo = finished();
    let ran = repo.run(&["sprint-plan", "--local"]).ends(0);
    assert!(ran.out.contains("finished all of it") && ran.out.contains("--again"), "{}", ran.out);
    assert_eq!(
        repo.run(&["sprint-2", "--branch", "feature/sprint-plan", "--local"])
            .ends(0)
            .out
            .matches("finished")
            .count(),
        1
    );
    assert_eq!(repo.refs("refs/run/").iter().filter(|name| name.ends_with("/journal")).count(), 1);
    repo.git(&["revert", "--no-edit", "HEAD"]);
    repo.run(&["sprint-3", "--branch", "feature/sprint-plan", "--local", "--quiet"]).ends(0);
    assert_eq!(repo.refs("refs/run/").iter().filter(|name| name.ends_with("/journal")).count(), 2);
    // It begins anew, and its agent finds nothing to do.
    repo.run(&["sprint-3", "--branch", "feature/sprint-plan", "--local", "--quiet", "--again"])
        .ends(4);
    assert_eq!(repo.refs("refs/run/").iter().filter(|name| name.ends_with("/journal")).count(), 3);
}

#[test]
fn loa_35_resuming_says_what_was_done_meanwhile_and_goes_on_behind_it() {
    let repo = halted(&[]);
    commit(&repo, "a", "feat(sprint-1): x");
    repo.run(&["resume", "--reset-ice", "--quiet"]).ends(4);
    assert_eq!(
        found(&repo),
        NOTHING,
        "what the run saw while it worked on it is its own, and unfinished"
    );
    let repo = halted(&[]);
    commit(&repo, "a", "feat(sprint-1): x");
    let ran = repo.run(&["resume", "--reset-ice"]).ends(4);
    assert!(ran.err.contains("sprint-1  inferred to be done (pattern)"), "{}", ran.err);
    let repo = halted(&[]);
    commit(&repo, "a", "feat(sprint-1): x");
    repo.run(&["reconcile", "--apply"]).ends(0);
    // Its work is done, and what is inferred holds it back.
    repo.run(&["resume", "--reset-ice", "--quiet"]).ends(0);
    let items = repo.status()["items"].clone();
    let words: Vec<_> =
        items.as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(words, ["inferred", "done", "done"]);
    assert_eq!(outside(&repo), Vec::<String>::new(), "what the run itself did since is no news");
    repo.run(&["verify"]).ends(0);
}

// ---- what others changed ----

/// `category item task path how standing` of each file.
fn outside(repo: &TestRepo) -> Vec<String> {
    let value = reconciled(repo);
    let files = value["outside"]["files"].as_array().unwrap();
    let line = |file: &Value| {
        ["category", "item", "task", "path", "how", "standing"]
            .map(|key| file[key].as_str().unwrap_or("-").to_owned())
            .join(" ")
    };
    files.iter().map(line).collect()
}

#[test]
fn nothing_is_said_when_nothing_changed() {
    let repo = finished();
    assert_eq!(outside(&repo), Vec::<String>::new());
    assert!(!repo.run(&["reconcile"]).ends(0).out.contains("outside"));
    assert!(repo.status()["outside"].is_null());
    assert!(!repo.run(&["status", "--verbose"]).ends(0).out.contains("outside"));
}

#[test]
fn s15_each_change_is_mapped_to_whose_work_it_is() {
    let repo = finished();
    sh(
        &repo,
        "echo more >> one.txt; git commit -qam more; git rm -q two.txt; git commit -qm gone; git mv three.txt drei.txt; git commit -qm moved
        echo x > other; git add other; echo y > untracked; echo z >> one.txt",
    );
    assert_eq!(
        outside(&repo),
        [
            "done-external sprint-3 T-3 drei.txt renamed committed",
            "done-external sprint-1 T-1 one.txt changed committed",
            "needs-re-verification sprint-1 T-1 one.txt changed unstaged",
            "unrelated - - other added staged",
            "needs-re-verification sprint-2 T-2 two.txt deleted committed",
            "unrelated - - untracked added untracked",
        ]
    );
    assert_eq!(repo.status()["outside"]["commits"], 3);
    let mine = serde_json::json!({ "author": "Tester", "of_run": false, "commits": 3 });
    let answer = repo.run(&["reconcile", "--json"]).json();
    assert_eq!(answer["outside"]["by"], serde_json::json!([mine]));
    let text = repo.run(&["status", "--verbose"]).ends(0).out;
    assert!(text.contains("3 commits since its last event, 3 paths not committed"), "{text}");
    repo.git(&["reset", "--quiet", "--hard", "HEAD~4"]);
    assert_eq!(repo.status()["outside"]["rewritten"], true);
    assert!(repo.run(&["reconcile"]).ends(0).out.contains("rewritten"));
}

#[test]
fn s15_answers_are_written_down_and_silence_what_they_answer() {
    let repo = finished();
    sh(&repo, "seq 5 > two.txt; git commit -qam other");
    assert_eq!(outside(&repo), ["needs-re-verification sprint-2 T-2 two.txt changed committed"]);
    repo.run(&["reconcile", "--answer", "nobody=trust"]).ends(2);
    repo.run(&["reconcile", "--answer", "sprint-2=maybe"]).ends(2);
    repo.run(&["reconcile", "--answer", "T-2=re-verify"]).ends(5);
    repo.run(&["reconcile", "--answer", "T-2=trust"]).ends(0);
    assert_eq!(outside(&repo), Vec::<String>::new());
    assert!(repo.status()["outside"].is_null());
    assert_eq!(repo.status()["items"][1]["status"], "done");
    assert!(!repo.status()["gates"].as_array().unwrap().is_empty(), "trusted is not judged");
    repo.run(&["push"]).ends(3);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn a_second_judgement_does_not_make_the_work_of_others_ones_own() {
    let repo = TestRepo::new();
    repo.plan(&THREE.replace("seq 300 310 > three.txt", "exit 1"));
    repo.git(&["config", "run.breaker.failures", "1"]);
    repo.run(&["sprint-plan", "--local", "--quiet"]).ends(4);
    sh(
        &repo,
        "seq 300 310 > three.txt; git add three.txt; git commit -qm 'feat(sprint-3): by hand'",
    );
    repo.run(&["reconcile", "--apply"]).ends(0);
    repo.run(&["reconcile", "--answer", "sprint-1=re-verify"]).ends(0);
    repo.run(&["resume", "--reset-ice", "--quiet"]).ends(0);
    assert_eq!(found(&repo), ["1 in recorded", "2 in recorded", "3 in pattern"]);
    sh(&repo, "git rm -q two.txt three.txt; git commit -qm gone");
    assert_eq!(found(&repo), ["1 in recorded", "2 taken-away -", "3 taken-away -"]);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn what_is_to_be_verified_again_goes_to_its_first_judge() {
    let repo = halted(&[]);
    commit(&repo, "a", "feat(sprint-1): x");
    repo.run(&["reconcile", "--apply"]).ends(0);
    sh(&repo, "seq 100 110 > one.txt; git add one.txt; git commit -qm by-hand");
    assert_eq!(outside(&repo), ["done-external sprint-1 T-1 one.txt added committed"]);
    repo.run(&["reconcile", "--answer", "sprint-1=re-verify"]).ends(0);
    let status = repo.status();
    assert_eq!(
        (&status["position"]["item"], &status["position"]["stage"]),
        (&"sprint-1".into(), &"review".into())
    );
    assert_eq!(found(&repo), NOTHING, "what is judged again is open until it is judged");
    assert_eq!(repo.run(&["reconcile", "--apply", "--json"]).ends(0).json()["applied"], false);
    repo.run(&["resume", "--reset-ice", "--quiet"]).ends(0);
    assert_eq!(found(&repo), ALL_RECORDED);
    let status = repo.status();
    assert_eq!(status["progress"]["inferred"], 0, "the judges saw it");
    assert_eq!(status["gates"], serde_json::json!([]));
    repo.run(&["verify"]).ends(0);
}

#[test]
fn others_are_told_from_whoever_works_for_the_run() {
    let repo = finished();
    let run = repo.status()["run"].as_str().unwrap().to_owned();
    sh(
        &repo,
        &format!(
            "echo a > a; git add a; git commit -qm a --author 'Bob <bob@example.com>'
            echo b > b; git add b; git commit -qm b --author 'Bob <bob@example.com>'
            echo c > c; git add c; git commit -qm \"c

Run: {run}\""
        ),
    );
    let by = repo.run(&["reconcile", "--json"]).json()["outside"]["by"].clone();
    let bob = serde_json::json!({ "author": "Bob", "of_run": false, "commits": 2 });
    let own = serde_json::json!({ "author": "Tester", "of_run": true, "commits": 1 });
    assert_eq!(by, serde_json::json!([bob, own]));
    let text = repo.run(&["reconcile"]).out;
    assert!(text.contains("2 commits by Bob\n"), "{text}");
    assert!(text.contains("1 commit by Tester, with the run's own trailers"), "{text}");
}
