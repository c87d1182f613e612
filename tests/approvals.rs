//! A person's word: asked for, given, sent from another machine, bound to its commit, and nobody else's.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{collections::BTreeSet, process::Command};

use support::{Ran, TestRepo, text};

const WORKFLOW: &str = r#"
format = 2
name = "asked"
[[stage]]
id = "implement"
duty = "build"
[[stage]]
id = "review"
duty = "judge"
back_to = "implement"
tries = 1
then = "person"
[[stage]]
id = "sign-off"
duty = "human"
back_to = "implement"
ask = "Is it what was asked for?"
"#;

/// A run that waits for a person at `sign-off`.
fn waiting(workflow: &str, stages: &[(&str, &str)]) -> TestRepo {
    let repo = TestRepo::scripted(stages);
    repo.git(&["config", "--unset-all", "run.audit.command"]);
    repo.write("w.toml", workflow);
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=w"]);
    start(&repo).ends(5);
    repo
}

fn start(repo: &TestRepo) -> Ran {
    repo.run(&["start", "sprint-1", "--local", "--workflow", "./w.toml"])
}

fn state(repo: &TestRepo) -> String {
    repo.run(&["status", "--json"]).ends(0).json()["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_waits_with_five_and_goes_on_when_it_is_approved() {
    let repo = waiting(WORKFLOW, &[]);
    let status = repo.run(&["status"]).ends(0).out;
    assert!(status.contains("sign-off of sprint-1 waits for a person's word"), "{status}");
    assert!(status.contains("git run approve sign-off"), "{status}");
    repo.run(&["resume"]).ends(5);
    let said = repo.run(&["approve", "--as", "Ada", "--json"]).ends(0).json();
    assert_eq!(
        (said["word"].as_str(), said["stage"].as_str()),
        (Some("approve"), Some("sign-off"))
    );
    let fields: BTreeSet<_> = said.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = [
        "schema", "run", "item", "stage", "commit", "word", "signed", "sent_to", "asked", "papers",
        "waits",
    ];
    assert_eq!(fields, documented.into());
    repo.run(&["resume"]).ends(0);
    assert_eq!(state(&repo), "JACKED_OUT");
    assert_eq!(repo.recorded("approval-given").len(), 1);
    repo.run(&["approve", "--as", "Ada"]).ends(3);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn in_a_script_it_is_said_who_says_it() {
    let repo = waiting(WORKFLOW, &[]);
    let ran = repo.run(&["approve"]).ends(5);
    assert!(ran.err.contains("--as"), "{}", ran.err);
    repo.run(&["approve", "--as", " "]).ends(2);
    repo.run(&["reject", "--as", "Ada"]).ends(2);
    assert!(repo.recorded("approval-given").is_empty());
}

#[test]
fn an_agent_says_nothing() {
    let repo = waiting(WORKFLOW, &[]);
    for words in [
        &["approve", "--as", "Ada"][..],
        &["reject", "-m", "x", "--as", "Ada"],
        &["modify", "-m", "x", "--as", "Ada"],
        &["reopen", "implement", "-m", "x"],
    ] {
        let out = repo.program().env("GIT_RUN_AGENT", "1").args(words).output().unwrap();
        assert_eq!(Ran::of(out).code, Some(3), "{words:?}");
    }
    assert!(repo.recorded("approval-given").is_empty());
}

#[test]
fn aura_what_is_sent_back_arrives_in_the_next_brief() {
    let repo = waiting(
        WORKFLOW,
        &[("implement", "cat \"$GIT_RUN_BRIEF\" > brief.txt; echo $calls > work.txt")],
    );
    repo.run(&["modify", "sign-off", "-m", "Call it a greeter", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(5);
    assert!(repo.read("brief.txt").contains("Call it a greeter"));
    assert_eq!(repo.read("work.txt"), "2\n");
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(0);
}

#[test]
fn aura_what_is_rejected_goes_no_further_until_it_is_asked_again() {
    let repo = waiting(WORKFLOW, &[]);
    repo.run(&["reject", "-m", "not this", "--as", "Ada"]).ends(0);
    let status = repo.run(&["status"]).ends(0).out;
    assert!(status.contains("rejected") && status.contains("not this"), "{status}");
    repo.run(&["push"]).ends(3);
    repo.run(&["resume"]).ends(5);
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(0);
}

#[test]
fn a_word_is_for_one_commit() {
    let repo = waiting(WORKFLOW, &[]);
    repo.write("more.txt", "more\n");
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=more"]);
    let ran = repo.run(&["approve", "--as", "Ada"]).ends(3);
    assert!(ran.err.contains("the word is asked for"), "{}", ran.err);
    // What others added is judged first, and then the person is asked again.
    repo.run(&["resume"]).ends(5);
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.write("late.txt", "late\n");
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=late"]);
    repo.run(&["resume"]).ends(5);
    assert_eq!(repo.recorded("approval-asked").len(), 3);
}

#[test]
fn an_answer_that_comes_too_late_is_asked_for_again() {
    let workflow = WORKFLOW.replace("duty = \"human\"", "duty = \"human\"\nanswer_within = \"1s\"");
    let repo = waiting(&workflow, &[]);
    std::thread::sleep(std::time::Duration::from_millis(1200));
    let ran = repo.run(&["approve", "--as", "Ada"]).ends(3);
    assert!(ran.err.contains("the time for an answer is over"), "{}", ran.err);
    repo.run(&["resume"]).ends(5);
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(0);
}

#[test]
fn a_second_revise_is_a_persons_matter() {
    let repo = waiting(
        WORKFLOW,
        &[("implement", "echo $calls > work.txt"), ("review", "revise odd$calls")],
    );
    let status = repo.run(&["status"]).ends(0).out;
    assert!(status.contains("review of sprint-1 waits"), "{status}");
    assert_eq!(repo.read("work.txt"), "2\n", "one try to mend it");
    repo.run(&["approve", "review", "-m", "good enough", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(5);
    repo.run(&["approve", "sign-off", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(0);
    // A person's word for a judge is no full pass, and it is told by whom.
    let given = repo.recorded("approval-given");
    assert_eq!(given[0]["stage"], "review");
}

#[test]
fn aura_reopening_a_stage_reopens_what_follows_it() {
    let repo = waiting(WORKFLOW, &[("implement", "echo $calls > work.txt")]);
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["reopen", "nowhere", "-m", "x"]).ends(2);
    repo.run(&["reopen", "implement", "-m", "the name is wrong"]).ends(0);
    let gates = repo.run(&["status", "--json"]).ends(0).json()["gates"].clone();
    assert_eq!(gates, serde_json::json!(["review of sprint-1", "sign-off of sprint-1"]));
    repo.run(&["resume"]).ends(5);
    assert_eq!(repo.read("work.txt"), "2\n");
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(0);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn a_run_that_is_over_goes_on_from_the_stage_that_is_opened_again() {
    for push in [false, true] {
        let repo = waiting(WORKFLOW, &[("implement", "echo $calls > work.txt")]);
        if push {
            repo.remote();
            repo.run(&["halt", "--force"]).ends(0);
            repo.git(&["checkout", "--quiet", "main"]);
            repo.run(&["sprint-1", "--workflow", "./w.toml", "--branch", "feature/s"]).ends(5);
        }
        repo.run(&["approve", "--as", "Ada"]).ends(0);
        repo.run(&["resume"]).ends(0);
        let over = if push { "READY_FOR_HITL" } else { "JACKED_OUT" };
        assert_eq!(state(&repo), over);
        let run = repo.status()["run"].clone();
        let words = ["reopen", "review", "-m", "look again"];
        repo.run(&["reopen", "review", "--item", "sprint-9", "-m", "x"]).ends(1);
        let ran = repo.run(&words).ends(0);
        assert!(ran.out.contains("next: git run resume"), "{}", ran.out);
        let status = repo.status();
        assert_eq!((&status["run"], &status["state"]), (&run, &"HALTED".into()));
        // What was passed before says nothing of what is open again.
        repo.run(&["push"]).ends(3);
        repo.run(&["resume"]).ends(5);
        repo.run(&["approve", "--as", "Ada"]).ends(0);
        repo.run(&["resume"]).ends(0);
        assert_eq!(state(&repo), over);
        repo.run(&["verify"]).ends(0);
        // Without its branch it goes nowhere, and neither beside another run.
        let branch = repo.status()["branch"].as_str().unwrap().to_owned();
        repo.git(&["checkout", "--quiet", "main"]);
        repo.git(&["branch", "--quiet", "-m", &branch, "feature/moved"]);
        let ran = repo.run(&words).ends(1);
        assert!(ran.err.contains(&format!("git branch {branch} ")), "{}", ran.err);
    }
}

#[test]
fn the_word_comes_from_another_machine() {
    let repo = waiting(WORKFLOW, &[]);
    repo.remote();
    repo.run(&["sync", "push", "origin"]).ends(0);
    let run = repo.journal().split('/').nth(2).unwrap().to_owned();
    let other = repo.root().join("other");
    repo.git(&["clone", "--quiet", "../remote.git", other.to_str().unwrap()]);
    let there = |words: &[&str]| -> Ran {
        let mut command: Command = repo.program();
        Ran::of(command.current_dir(&other).args(words).output().unwrap())
    };
    there(&["sync", "fetch", "origin"]).ends(0);
    let said = there(&["approve", "--run", &run, "--as", "Bob", "-m", "fine"]).ends(0);
    assert!(said.out.contains("where it runs: git run sync fetch origin"), "{}", said.out);
    // It is not the other machine's run now.
    let refs = repo
        .command("git")
        .current_dir(&other)
        .args(["for-each-ref", "refs/run/"])
        .output()
        .unwrap();
    assert!(!text(&refs.stdout).contains("/journal"));
    // Here nothing has happened until it is fetched.
    repo.run(&["resume"]).ends(5);
    // A second halt was written meanwhile: what was said elsewhere is for what was there.
    repo.run(&["sync", "fetch", "origin"]).ends(0);
    let resumed = repo.run(&["resume"]);
    assert!(matches!(resumed.code, Some(0 | 5)), "{}", resumed.err);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn the_word_from_another_machine_is_taken_in_before_going_on() {
    let repo = waiting(WORKFLOW, &[]);
    repo.remote();
    repo.run(&["sync", "push", "origin"]).ends(0);
    let run = repo.journal().split('/').nth(2).unwrap().to_owned();
    let other = repo.root().join("other");
    repo.git(&["clone", "--quiet", "../remote.git", other.to_str().unwrap()]);
    let there = |words: &[&str]| -> Ran {
        Ran::of(repo.program().current_dir(&other).args(words).output().unwrap())
    };
    there(&["sync", "fetch", "origin"]).ends(0);
    there(&["approve", "--run", &run, "--as", "Bob"]).ends(0);
    // Said twice, it is refused: it waits no more.
    there(&["approve", "--run", &run, "--as", "Bob"]).ends(3);
    repo.run(&["sync", "fetch", "origin"]).ends(0);
    let resumed = repo.run(&["resume"]).ends(0);
    assert!(resumed.err.contains("said elsewhere"), "{}", resumed.err);
    assert_eq!(state(&repo), "JACKED_OUT");
    let log = repo.run(&["log", "--json"]).ends(0).out;
    assert!(log.contains("Bob"), "{log}");
    repo.run(&["verify"]).ends(0);
}
