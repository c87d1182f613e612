//! Runs that are rolled back: they go on from where they were put, and count what they spent.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use serde_json::Value;
use support::{PROGRAM, TestRepo};

const TWO_SPRINTS: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "First"
[[sprint]]
id = "sprint-2"
title = "Two"
[[sprint.task]]
id = "T-2"
title = "Second"
"#;

const BUILD: &str = "echo \"$GIT_RUN_ITEM $calls\" >> \"$GIT_RUN_ITEM.txt\"";

fn two_sprints(stages: &[(&str, &str)]) -> TestRepo {
    let mut all = vec![("implement", BUILD)];
    all.retain(|(stage, _)| !stages.iter().any(|(own, _)| own == stage));
    all.extend_from_slice(stages);
    let repo = TestRepo::scripted(&all);
    repo.plan(TWO_SPRINTS);
    repo
}

fn checkpoints(repo: &TestRepo) -> Vec<Value> {
    let all = repo.run(&["checkpoint", "list", "--json"]).ends(0).json();
    all["checkpoints"].as_array().unwrap().clone()
}

/// The number of the newest checkpoint before this stage of this item.
fn before(repo: &TestRepo, item: &str, stage: &str) -> String {
    let all = checkpoints(repo);
    let found = all.iter().rev().find(|made| made["item"] == item && made["stage"] == stage);
    found.unwrap()["number"].to_string()
}

#[test]
fn a_run_that_is_rolled_back_goes_on_at_the_stage_of_the_checkpoint() {
    // The second sprint is found wanting until a person has looked.
    let review = "if [ \"$GIT_RUN_ITEM\" = sprint-2 ] && ! [ -e \"$HOME/looked\" ]; then revise no; else pass; fi";
    let repo = two_sprints(&[("review", review)]);
    repo.run(&["sprint-plan", "--local", "--max-cycles", "2"]).ends(4);
    let spent = repo.status()["calls"].as_u64().unwrap();
    repo.run(&["rollback", "--to", &before(&repo, "sprint-1", "implement")]).ends(0);
    let status = repo.status();
    assert_eq!((&status["state"], &status["progress"]["done"]), (&"HALTED".into(), &0.into()));
    assert_eq!(status["position"]["item"], "sprint-1");
    assert_eq!(status["calls"].as_u64().unwrap(), spent, "what was spent stays spent");
    assert_eq!(status["head"], repo.git(&["rev-parse", "HEAD"]).as_str());
    assert!(!repo.work.join("sprint-1.txt").exists() && !repo.work.join("sprint-2.txt").exists());
    std::fs::write(repo.root().join("looked"), "").unwrap();
    repo.run(&["resume", "--reset-ice"]).ends(0);
    let status = repo.status();
    assert_eq!((&status["state"], &status["progress"]["done"]), (&"JACKED_OUT".into(), &2.into()));
    assert_eq!(repo.read("sprint-1.txt").lines().count(), 1);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    repo.run(&["verify"]).ends(0);
    repo.git(&["fsck", "--strict"]);
    assert!(repo.events().contains(&"rolled-back".to_owned()));
}

#[test]
fn aura_a_stage_and_a_cycle_are_found_by_name() {
    let repo = TestRepo::scripted(&[
        ("implement", "echo $GIT_RUN_CYCLE >> work.txt"),
        ("review", "[ $calls -ge 3 ] && pass || revise again"),
        ("audit", "report '{\"format\":1,\"verdict\":\"fail\"}'"),
    ]);
    repo.run(&["sprint-1", "--local"]).ends(5);
    assert_eq!(repo.read("work.txt"), "1\n2\n3\n");
    for (words, expected) in [
        (["--cycle", "2"], "1\n"),
        (["--stage", "audit"], "1\n2\n3\n"),
        (["--cycle", "3"], "1\n2\n"),
        (["--cycle", "1"], ""),
    ] {
        let dry = repo.run(&[&["rollback", "--dry-run"], &words[..]].concat()).ends(0);
        assert!(dry.out.contains("nothing was written"), "{}", dry.out);
        repo.run(&[&["rollback"], &words[..]].concat()).ends(0);
        let found = std::fs::read_to_string(repo.work.join("work.txt")).unwrap_or_default();
        assert_eq!(found, expected, "{words:?}");
    }
    for words in [["--cycle", "9"], ["--stage", "nonsense"], ["--to", "999"]] {
        let ran = repo.run(&[&["rollback"], &words[..]].concat()).ends(1);
        assert!(ran.err.contains("hint: git run checkpoint list"), "{}", ran.err);
    }
}

#[test]
fn aura_undo_takes_back_what_the_last_stage_did_and_redo_does_it_again() {
    let repo = TestRepo::scripted(&[("review", "revise no")]);
    repo.run(&["sprint-1", "--local", "--max-cycles", "1"]).ends(4);
    let head = repo.git(&["rev-parse", "HEAD"]);
    // The review changed nothing, so the step before it is what people see.
    repo.run(&["undo"]).ends(0);
    assert!(!repo.work.join("work.txt").exists());
    assert_eq!(repo.git(&["rev-parse", "HEAD"]), repo.git(&["rev-parse", "main"]));
    repo.run(&["redo"]).ends(0);
    assert_eq!(
        (repo.read("work.txt").as_str(), repo.git(&["rev-parse", "HEAD"])),
        ("work\n", head)
    );
    repo.run(&["redo"]).ends(1);
    repo.run(&["verify"]).ends(0);
    // Somebody's own commit is not taken back by accident.
    repo.write("mine.txt", "mine\n");
    repo.git(&["add", "mine.txt"]);
    repo.git(&["commit", "--quiet", "-m", "mine"]);
    let ran = repo.run(&["undo"]).ends(1);
    assert!(
        ran.err.contains("not by this tool") && ran.err.contains("rollback --to"),
        "{}",
        ran.err
    );
    assert_eq!(repo.read("mine.txt"), "mine\n");
}

#[test]
fn an_agent_saves_its_work_and_cannot_roll_back_under_the_run() {
    let script = format!(
        "echo a > work.txt; {PROGRAM} checkpoint -q -m mine; {PROGRAM} rollback --to 1; echo $? > \"$HOME/code\"; {PROGRAM} undo; echo $? >> \"$HOME/code\""
    );
    let repo = TestRepo::scripted(&[("implement", &script)]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let codes = std::fs::read_to_string(repo.root().join("code")).unwrap();
    assert_eq!(codes, "6\n6\n");
    let all = checkpoints(&repo);
    let mine = all.iter().find(|made| made["message"] == "mine").unwrap();
    assert_eq!((&mine["stage"], &mine["untracked"]), (&"implement".into(), &1.into()));
    assert_eq!(repo.read("work.txt"), "a\n");
    let made = repo.events().iter().filter(|event| *event == "checkpoint-made").count();
    assert_eq!(made, all.len(), "the journal says every one of them");
}

#[test]
fn what_a_dead_run_left_is_rolled_back_and_the_run_goes_on() {
    let slow = "echo half > half.txt; touch \"$HOME/begun\"; [ $calls -gt 1 ] || sleep 60; echo work > work.txt; rm half.txt";
    let repo = TestRepo::scripted(&[("implement", slow)]);
    let running = repo.begin(&["sprint-1", "--local"]);
    repo.await_file("begun");
    let ran = repo.run(&["rollback"]).ends(6);
    assert!(ran.err.contains("is held by process"), "{}", ran.err);
    running.signal("-KILL");
    running.ended();
    support::scripted::eventually("the agent to be gone", || {
        repo.run(&["rollback"]).code == Some(0)
    });
    assert!(!repo.work.join("half.txt").exists());
    assert!(repo.events().contains(&"stage-lost".to_owned()));
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.read("work.txt"), "work\n");
    // What the dead agent had written is not lost either.
    let saved = checkpoints(&repo).iter().find(|made| made["why"] == "rollback").unwrap().clone();
    repo.run(&["restore", &format!("half.txt@{}", saved["number"])]).ends(0);
    assert_eq!(repo.read("half.txt"), "half\n");
}

#[test]
fn a_finished_run_stays_finished_and_hears_of_the_rollback() {
    let repo = TestRepo::scripted(&[]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    repo.run(&["rollback", "--to", "1"]).ends(0);
    assert_eq!(repo.status()["state"], "JACKED_OUT");
    assert!(!repo.work.join("work.txt").exists());
    assert_eq!(repo.events().last().unwrap(), "rolled-back");
    let report = repo.run(&["show", "artifacts/restore/4.json"]).ends(0).json();
    assert_eq!(report["removed"][0]["path"], "work.txt");
    assert_eq!((&report["to"], &report["saved"]), (&1.into(), &4.into()));
    repo.run(&["verify"]).ends(0);
    // The numbers go on, on whichever chain.
    repo.run(&["sprint-1", "--local"]).ends(0);
    repo.run(&["checkpoint", "-m", "after"]).ends(0);
    let numbers: Vec<u64> =
        checkpoints(&repo).iter().map(|made| made["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
}

#[test]
fn a_secret_that_an_agent_removed_is_told_of_although_nobody_has_it() {
    let repo = TestRepo::scripted(&[("implement", "rm .env; echo work > work.txt")]);
    repo.write(".env", "KEY=1\n");
    repo.run(&["sprint-1", "--local"]).ends(0);
    let ran = repo.run(&["deleted"]).ends(0);
    assert!(
        ran.out.contains("nobody has a copy; seen at checkpoint 1, left out: .env"),
        "{}",
        ran.out
    );
    let gone = &repo.run(&["deleted", "--json"]).ends(0).json()["gone_unsaved"];
    assert_eq!((&gone[0]["path"], &gone[0]["size"]), (&".env".into(), &6.into()));
    repo.write(".env", "KEY=1\n");
    let ran = repo.run(&["deleted"]).ends(0);
    assert!(!ran.out.contains(".env"), "{}", ran.out);
}

#[test]
fn what_is_dropped_is_named_and_numbers_stay() {
    let repo = TestRepo::new();
    for at in 0..15 {
        repo.write("file.txt", &format!("{at}\n"));
        repo.run(&["checkpoint", "-m", &format!("at {at}")]).ends(0);
    }
    let nothing = repo.run(&["gc"]).ends(0);
    assert!(nothing.out.contains("0 checkpoints are dropped, 15 kept"), "{}", nothing.out);
    repo.git(&["config", "run.checkpoint.maxAge", "1s"]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let dry = repo.run(&["gc", "--dry-run", "--json"]).ends(0).json();
    assert_eq!(checkpoints(&repo).len(), 15);
    let done = repo.run(&["gc", "--json"]).ends(0).json();
    assert_eq!(dry["chains"][0]["dropped"], done["chains"][0]["dropped"]);
    let numbers: Vec<u64> =
        checkpoints(&repo).iter().map(|made| made["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (6..=15).collect::<Vec<_>>());
    repo.git(&["gc", "--quiet", "--prune=now"]);
    repo.git(&["fsck", "--strict"]);
    repo.run(&["rollback", "--to", "9"]).ends(0);
    assert_eq!(repo.read("file.txt"), "8\n");
    repo.run(&["undo"]).ends(0);
    assert_eq!(repo.read("file.txt"), "14\n");
    repo.run(&["rollback", "--to", "3"]).ends(1);
    repo.git(&["config", "run.checkpoint.maxAge", "never"]);
    let ran = repo.run(&["gc"]).ends(1);
    assert!(ran.err.contains("`run.checkpoint.maxAge` is `never`"), "{}", ran.err);
}

#[test]
fn s15_what_takes_too_much_room_goes_first_and_what_was_asked_for_stays() {
    let repo = TestRepo::scripted(&[("implement", "head -c 200000 /dev/urandom > big.bin")]);
    repo.git(&["config", "run.checkpoint.maxBytes", "300k"]);
    repo.run(&["checkpoint", "-m", "keep me"]).ends(0);
    for _ in 0..14 {
        std::fs::write(repo.work.join("noise.bin"), noise()).unwrap();
        repo.run(&["checkpoint", "-q"]).ends(0);
        repo.run(&["rollback", "-q", "--to", "1"]).ends(0);
    }
    let before = checkpoints(&repo).len();
    let done = repo.run(&["gc", "--json"]).ends(0).json();
    let dropped = done["chains"][0]["dropped"].as_array().unwrap();
    assert!(!dropped.is_empty() && dropped.iter().all(|one| one["why"] == "bytes"), "{done}");
    assert_eq!(checkpoints(&repo).len() + dropped.len(), before);
    assert_eq!(checkpoints(&repo)[0]["message"], "keep me");
}

fn noise() -> Vec<u8> {
    use std::io::Read as _;
    let mut bytes = vec![0; 100_000];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

/// The older tool's checkpoint lay in the work tree, and its restore cleaned that first: edit, new file
/// and checkpoint were gone, and it said OK.
#[test]
fn a1_what_was_not_committed_comes_back_and_so_does_what_was_there_before() {
    let repo = TestRepo::new();
    repo.write("README", "edited\n");
    repo.write("staged", "staged\n");
    repo.git(&["add", "staged"]);
    repo.write("new/file", "untracked\n");
    repo.run(&["checkpoint", "-m", "mine"]).ends(0);
    let status = repo.git(&["status", "--porcelain", "-uall"]);
    // Nothing of the checkpoint lies in the work tree, so no rule for ignoring it is needed.
    assert_eq!(status, "M README\nA  staged\n?? new/file");
    repo.git(&["reset", "--quiet", "--hard"]);
    repo.git(&["clean", "-qfdx"]);
    repo.write("later", "later\n");
    for _ in 0..2 {
        repo.run(&["rollback", "--to", "1"]).ends(0);
        assert_eq!(repo.git(&["status", "--porcelain", "-uall"]), status);
        assert_eq!(
            (repo.read("README").as_str(), repo.read("new/file").as_str()),
            ("edited\n", "untracked\n")
        );
        repo.run(&["undo"]).ends(0);
        assert_eq!(repo.read("later"), "later\n");
        assert!(!repo.work.join("staged").exists());
    }
    assert!(repo.run(&["checkpoint", "list"]).ends(0).out.contains("mine"));
}
