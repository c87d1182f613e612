//! What runs deleted: found in whatever way it was done, told once, and with its own name.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::process::ExitStatusExt as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::Value;
use support::{Ran, TestRepo, text};

/// Runs a shell script in the work tree.
#[track_caller]
fn sh(repo: &TestRepo, script: &str) {
    let script = format!("set -e\n{script}");
    Ran::of(repo.command("sh").args(["-c", &script]).output().unwrap()).ends(0);
}

/// A repository whose `main` has what `before` makes, and whose builder is `implement`.
fn prepared(before: &str, implement: &str) -> TestRepo {
    let repo = TestRepo::scripted(&[("implement", implement)]);
    sh(&repo, before);
    sh(&repo, "git add -A; git commit -qm 'what there is'");
    repo
}

fn went(before: &str, implement: &str) -> TestRepo {
    let repo = prepared(before, implement);
    repo.run(&["sprint-1", "--local"]).ends(0);
    repo.run(&["verify"]).ends(0);
    repo
}

fn deleted(repo: &TestRepo) -> Value {
    let value = repo.run(&["deleted", "--json"]).ends(0).json();
    assert_eq!(value["schema"], "git-run/deleted/1");
    value
}

/// `path: fate`, in the order of the list.
fn fates(repo: &TestRepo) -> Vec<String> {
    let value = deleted(repo);
    let word = |file: &Value, key: &str| file[key].as_str().unwrap().to_owned();
    let files = value["files"].as_array().unwrap();
    files.iter().map(|file| format!("{}: {}", word(file, "path"), word(file, "fate"))).collect()
}

/// The lines of the note on a commit.
fn note(repo: &TestRepo, commit: &str) -> Vec<Value> {
    let output = repo.try_git(&["notes", "--ref=run", "show", commit]);
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn paths(list: &Value) -> Vec<&str> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|of| of["path"].as_str().unwrap()).collect()
}

/// The journal's events of a kind, as they are written.
fn written(repo: &TestRepo, kind: &str) -> Vec<Value> {
    let seqs = repo.run(&["log", "--json"]).ends(0).out;
    let events = seqs.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event"] == kind)
        .map(|event| repo.run(&["show", &event["seq"].to_string()]).ends(0).json())
        .collect()
}

#[test]
fn loa_34_d2_every_commit_that_the_agent_made_is_looked_at() {
    let repo = went(
        "echo 1 > first; echo 22 > second; echo 333 > third",
        "git rm -q first; git commit -qm one; git rm -q second; git commit -qm two; rm third; echo w > w",
    );
    assert_eq!(fates(&repo), ["first: gone", "second: gone", "third: gone"]);
    let files = deleted(&repo)["files"].clone();
    for (file, (size, at)) in files.as_array().unwrap().iter().zip([(2, 2), (3, 1), (4, 0)]) {
        let commit = repo.git(&["rev-parse", &format!("HEAD~{at}")]);
        assert_eq!(file["commit"], commit.as_str());
        assert_eq!((file["size"].as_u64(), file["mode"].as_str()), (Some(size), Some("100644")));
        let place = [&file["item"], &file["sprint"], &file["stage"]];
        assert_eq!(place, ["sprint-1", "sprint-1", "implement"], "{file}");
        assert_eq!((&file["cycle"], &file["task"]), (&1.into(), &Value::Null));
        // The journal and the notes say the same as the commits.
        let lines = note(&repo, &commit);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["deleted"][0]["oid"], file["oid"]);
        assert_eq!(lines[0]["stage"], "implement");
        let blob = file["oid"].as_str().unwrap();
        assert_eq!(repo.git(&["cat-file", "-s", blob]), size.to_string());
    }
    assert_eq!(paths(&written(&repo, "work-seen")[0]["data"]["deleted"]), ["first", "second"]);
    assert_eq!(paths(&written(&repo, "work-committed")[0]["data"]["deleted"]), ["third"]);
    let out = repo.run(&["deleted"]).ends(0).out;
    let first: Vec<_> = out.lines().next().unwrap().split("  ").collect();
    assert_eq!(
        (first[0], first[1], first[2], first[4]),
        ("first", "2 bytes", "sprint-1, cycle 1", "gone")
    );
    assert!(out.contains("\n3 files deleted\n"), "{out}");
}

#[test]
fn d2_what_moved_or_came_back_is_not_lost() {
    let repo = went(
        "seq 100 > renamed; seq 200 300 > edited; seq 400 500 > apart; echo b > back; echo s > stays; echo o > over",
        "git mv renamed new-name; git mv edited new-edited; sed -i 3d new-edited; git commit -qam moved
        git rm -q back apart; git commit -qm gone; seq 400 500 > together; echo again > back; rm stays; mkdir stays; echo s > stays/s",
    );
    let mut found = fates(&repo);
    found.sort();
    assert_eq!(found, ["apart: moved", "back: came-back"]);
    let value = deleted(&repo);
    let moved = value["files"].as_array().unwrap().iter().find(|of| of["fate"] == "moved").unwrap();
    assert_eq!(moved["moved_to"], "together");
    assert_eq!([&value["gone"], &value["came_back"], &value["moved"]], [0, 1, 1]);
    let out = repo.run(&["deleted"]).ends(0).out;
    assert!(out.contains("  came back\n") && out.contains("  moved to together\n"), "{out}");
    let tree = repo.run(&["deleted", "--tree"]).ends(0).out;
    assert!(
        tree.contains("0 files deleted, 1 came back, 1 moved") && !tree.contains("└─"),
        "{tree}"
    );
}

const ODD: &str = r#"mkdir dir; printf 1 > é; printf 2 > "$(printf 'two\nlines')"; printf 3 > 'a|b'; printf 4 > ./-rf
printf 5 > "$(printf 'dir/bad\377')"; printf 6 > "$(printf 'esc\033]52;c;x\007')"; printf 7 > 'a b'
printf 8 > "$(printf 'tab\there')"; printf 9 > '```'; printf 10 > "$(printf '\302\233m\342\200\256x')"; ln -s nowhere link"#;

#[test]
fn d2_any_name_is_told_as_it_is_and_none_reaches_the_terminal_raw() {
    let delete =
        "git ls-files -z | xargs -0 rm --; git checkout -q -- README plan.toml; echo w > w";
    let repo = went(ODD, delete);
    let files = deleted(&repo)["files"].clone();
    let found: BTreeSet<_> = paths(&files).into_iter().collect();
    let expected = [
        "-rf",
        "```",
        "a b",
        "a|b",
        "dir/bad\u{fffd}",
        "esc\u{1b}]52;c;x\u{7}",
        "link",
        "tab\there",
        "two\nlines",
        "\u{9b}m\u{202e}x",
        "é",
    ];
    assert_eq!(found, expected.into());
    let files = files.as_array().unwrap();
    let of = |path: &str| files.iter().find(|file| file["path"] == path).unwrap();
    assert_eq!(of("dir/bad\u{fffd}")["path_hex"], "6469722f626164ff");
    assert_eq!(of("é")["path_hex"], Value::Null);
    assert_eq!((&of("link")["mode"], &of("link")["size"]), (&"120000".into(), &7.into()));
    // The journal has the bytes too.
    let event = written(&repo, "work-committed")[0]["data"]["deleted"].clone();
    let bad = event.as_array().unwrap().iter().find(|of| of.get("path_hex").is_some()).unwrap();
    assert_eq!(bad["path_hex"], "6469722f626164ff");
    for words in [&["deleted"][..], &["deleted", "--tree"], &["deleted", "--porcelain"], &["log"]] {
        let out = repo.run(words).ends(0).out;
        assert!(
            !out.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}', '\r']),
            "{words:?}: {out:?}"
        );
    }
    let out = repo.run(&["deleted"]).ends(0).out;
    for shown in ["é  1 byte  ", r#""two\nlines"  1 byte"#, "a|b  ", "-rf  ", r#""dir/bad\xff"  "#]
    {
        assert!(out.contains(shown), "{shown}: {out}");
    }
    let lines = repo.run(&["deleted", "--porcelain"]).ends(0).out;
    assert!(lines.lines().all(|line| line.split('\t').count() == 11), "{lines}");
    let raw = repo.program().args(["deleted", "-z"]).output().unwrap().stdout;
    let records: Vec<_> = raw.split(|byte| *byte == 0).collect();
    assert_eq!(records.len(), 12, "each ends with a zero byte");
    let name =
        |record: &&[u8]| record.splitn(11, |byte| *byte == b'\t').nth(10).map(<[u8]>::to_vec);
    let names: BTreeSet<_> = records.iter().filter_map(name).collect();
    for raw in [&b"dir/bad\xff"[..], b"two\nlines", b"tab\there", "é".as_bytes()] {
        assert!(names.contains(raw), "{raw:?}");
    }
}

#[test]
fn loa_114_the_tree_for_a_pull_request_cannot_be_left_by_a_name() {
    let names = "mkdir -p src/a; echo 1 > src/a/x; echo 2 > src/a/y; echo 3 > top; echo 4 > '````'; printf 5 > \"$(printf '\\n```\\n# title')\"";
    let repo = went(names, "rm -r src top '````' *title; echo w > w");
    let tree = repo.run(&["deleted", "--tree"]).ends(0).out;
    let run = repo.status()["run"].as_str().unwrap().to_owned();
    let expected = format!(
        "## DELETED FILES - REVIEW CAREFULLY\n\nRun `{run}`: 5 files deleted.\n\n`````text\n./\n\
        ├─ \"\\n```\\n# title\" (sprint-1, cycle 1)\n├─ ```` (sprint-1, cycle 1)\n└─ top (sprint-1, cycle 1)\n\
        src/a/\n├─ x (sprint-1, cycle 1)\n└─ y (sprint-1, cycle 1)\n`````\n\n\
        > **Warning:** merging this deletes these files. Make sure that each is meant.\n"
    );
    assert_eq!(tree, expected);
}

#[test]
fn the_work_tree_is_looked_at_too() {
    let repo = went(
        "mkdir d; echo 1 > d/one; echo 2 > two; echo 3 > three; seq 50 > four; ln -s d five; seq 60 > six",
        "echo w > w",
    );
    assert_eq!(repo.run(&["deleted"]).ends(0).out, "No files deleted during this run.\n");
    assert_eq!(repo.run(&["deleted", "--tree"]).ends(0).out, "No files deleted during this run.\n");
    assert_eq!(repo.run(&["deleted", "--porcelain"]).ends(0).out, "");
    // `three` leaves the index alone, `four` is moved without telling git, `six` with telling it, and
    // where `d` was, a link leads to a place that has a `one` of its own.
    sh(&repo, "rm two five; git rm -q --cached three; mv four 4; git mv six 6");
    sh(&repo, "mkdir \"$HOME/x\"; mv d/one \"$HOME/x/one\"; rmdir d; ln -s \"$HOME/x\" d");
    let before = repo.everything();
    let mut found = fates(&repo);
    assert!(before == repo.everything(), "looking writes nothing");
    found.sort();
    assert_eq!(found, ["d/one: gone", "five: gone", "four: moved", "two: gone"]);
    let files = deleted(&repo)["files"].clone();
    assert!(files.as_array().unwrap().iter().all(|file| file["commit"].is_null()));
    assert!(repo.run(&["deleted"]).ends(0).out.contains("two  2 bytes  -  not committed  gone\n"));
    // A commit that no journal knows is the run's as long as it is on its branch.
    sh(&repo, "git add -A; git commit -qm 'by hand'");
    let files = deleted(&repo)["files"].clone();
    let commits: BTreeSet<_> = files
        .as_array()
        .unwrap()
        .iter()
        .map(|of| &of["commit"])
        .collect::<Vec<_>>()
        .into_iter()
        .map(Value::to_string)
        .collect();
    assert_eq!(commits, [format!("\"{}\"", repo.git(&["rev-parse", "HEAD"]))].into());
}

#[test]
fn merges_submodules_and_rewritten_histories_are_told_once() {
    let before = "echo 1 > one; echo 2 > two; echo 3 > three; git init -q ../lib; \
        git -C ../lib commit -q --allow-empty -m lib; \
        git -c protocol.file.allow=always submodule --quiet add ../lib lib";
    for (script, expected) in [
        ("git rm -q one; echo S > .env", &["one: gone"][..]),
        ("git rm -q one; rm two; echo S > .env; echo w > w", &["one: gone", "two: gone"]),
        ("git rm -qf lib; echo w > w", &["lib: gone"]),
        (
            "git switch -qc side; git rm -q one; git commit -qm side; git switch -q -; git rm -q two
            git commit -qm main; git merge -q --no-ff --no-edit side",
            &["one: gone", "two: gone"],
        ),
        ("git rm -q one; git commit -qm one; git rm -q two; git commit -q --amend -m both", &["one: gone", "two: gone"]),
        (
            "git rm -q one; new=$(git commit-tree -m orphan $(git write-tree)); git reset -q --soft $new",
            &["one: gone"],
        ),
    ] {
        let repo = went(before, script);
        let mut found = fates(&repo);
        found.sort();
        assert_eq!(found, expected, "{script}");
        for commit in repo.git(&["rev-list", "main..HEAD"]).lines() {
            assert!(note(&repo, commit).len() < 2, "{script}");
        }
    }
}

#[test]
fn d2_a_repository_with_one_commit_and_a_run_of_a_task_are_nothing_special() {
    let repo = TestRepo::empty(&["--object-format=sha256"]);
    repo.write("README", "hello\n");
    repo.plan(
        &support::ONE_SPRINT.replace("echo done > done.txt", "rm README; echo done > done.txt"),
    );
    sh(&repo, "git add -A; git commit -q --amend --no-edit");
    assert_eq!(repo.git(&["rev-list", "--count", "HEAD"]), "1");
    let none = repo.run(&["deleted"]).ends(1);
    assert!(none.err.contains("there is no run in this work tree"), "{}", none.err);
    assert_eq!(repo.run(&["deleted", "--json"]).ends(1).json()["exit"], 1);
    repo.run(&["T-1", "--local"]).ends(0);
    let file = deleted(&repo)["files"][0].clone();
    let place = [&file["path"], &file["item"], &file["sprint"], &file["task"]];
    assert_eq!(place, ["README", "T-1", "sprint-1", "T-1"]);
    assert!(
        repo.run(&["deleted"]).ends(0).out.contains("README  6 bytes  sprint-1/T-1, cycle 1  ")
    );
    // The next run on the same branch has its own deletions, and the first keeps to its own.
    let first = repo.status()["run"].as_str().unwrap().to_owned();
    repo.write(
        "plan.toml",
        &support::ONE_SPRINT
            .replace("echo done > done.txt", "rm done.txt; echo x > x")
            .replace("test -f done.txt", "true")
            .replace("! grep -q bad done.txt", "true"),
    );
    sh(&repo, "git add -A; git commit -qm 'the plan'");
    let branch = repo.git(&["branch", "--show-current"]);
    repo.run(&["T-1", "--local", "--branch", &branch]).ends(0);
    assert_eq!(fates(&repo), ["done.txt: gone"]);
    let of_first = repo.run(&["deleted", &first, "--json"]).ends(0).json();
    assert_eq!(paths(&of_first["files"]), ["README"]);
}

#[test]
fn a_run_that_was_stopped_and_resumed_knows_both_of_its_cycles() {
    let repo = prepared(
        "echo one > a1; echo two > a2",
        "rm -f a$calls; echo $calls > w; git add -A; [ $calls = 2 ] || git commit -qm mine",
    );
    repo.agent("review", "if [ $calls = 1 ]; then revise 'not yet'; else pass; fi");
    repo.git(&["config", "run.maxCycles", "1"]);
    repo.run(&["sprint-1", "--local"]).ends(4);
    assert_eq!(fates(&repo), ["a1: gone"]);
    repo.git(&["config", "run.maxCycles", "5"]);
    repo.run(&["resume", "--reset-ice"]).ends(0);
    assert_eq!(fates(&repo), ["a1: gone", "a2: gone"]);
    let files = deleted(&repo)["files"].clone();
    let cycles: Vec<_> =
        files.as_array().unwrap().iter().map(|file| file["cycle"].as_u64()).collect();
    assert_eq!(cycles, [Some(1), Some(2)]);
}

#[test]
fn thousands_of_deletions_are_bounded_where_they_are_written_and_complete_where_they_are_listed() {
    let repo = went(
        "mkdir many; for i in $(seq 5000); do echo $i > many/$i; done",
        "git rm -rq many; git commit -qm mine; echo w > w",
    );
    let data = written(&repo, "work-seen")[0]["data"].clone();
    assert_eq!((paths(&data["deleted"]).len(), &data["deleted_more"]), (200, &4800.into()));
    let commit = repo.git(&["rev-parse", "HEAD~1"]);
    let line = note(&repo, &commit).remove(0);
    assert_eq!((paths(&line["deleted"]).len(), &line["deleted_more"]), (200, &4800.into()));
    let list =
        repo.run(&["show", &format!("artifacts/sprint-1/deleted-{commit}.jsonl")]).ends(0).out;
    assert_eq!(list.lines().count(), 5000);
    let value = deleted(&repo);
    assert_eq!((paths(&value["files"]).len(), &value["gone"]), (5000, &5000.into()));
    let last: Value = serde_json::from_str(list.lines().last().unwrap()).unwrap();
    assert_eq!(last["oid"], value["files"][4999]["oid"]);
    assert_eq!(repo.run(&["deleted", "--tree"]).ends(0).out.lines().count(), 5000 + 9);
}

#[test]
fn notes_are_there_once_wherever_the_run_was_killed() {
    const SCRIPT: &str = "if [ -f one ]; then git rm -q one; git commit -qm mine; fi; rm -f two; echo w > w; echo S > .env";
    let make = || prepared("echo 1 > one; echo 2 > two", SCRIPT);
    let start = |repo: &TestRepo, at: usize, log: &str| {
        let mut program = repo.program();
        program.args(["sprint-1", "--local", "-q"]).env("GIT_RUN_CRASH_AT", at.to_string());
        program.env("GIT_RUN_CRASH_LOG", repo.root().join(log)).output().unwrap()
    };
    let whole = make();
    assert!(start(&whole, 0, "points").status.success());
    let points = std::fs::read_to_string(whole.root().join("points")).unwrap().lines().count();
    let expected = told(&whole);
    assert_eq!(expected.len(), 2);
    let step = points.div_ceil(if support::long() { points } else { 16 });
    let next = AtomicUsize::new(1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(step, Ordering::SeqCst);
                    if points < at {
                        return;
                    }
                    let repo = make();
                    assert_eq!(start(&repo, at, "died").status.signal(), Some(9), "point {at}");
                    if repo.status()["state"] != "JACKED_OUT" {
                        repo.run(&["sprint-1", "--local"]).ends(0);
                    }
                    assert_eq!(told(&repo), expected, "point {at} of {points}");
                    repo.run(&["verify"]).ends(0);
                }
            });
        }
    });
}

/// By path: how often the notes, the journal and the list say that it was deleted.
fn told(repo: &TestRepo) -> BTreeMap<String, [usize; 3]> {
    let mut found: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let mut count = |list: &Value, at: usize| {
        for path in paths(list) {
            found.entry(path.to_owned()).or_default()[at] += 1;
        }
    };
    for commit in repo.git(&["rev-list", "main..HEAD"]).lines() {
        let lines = note(repo, commit);
        assert!(lines.len() < 2, "{lines:?}");
        lines.iter().for_each(|line| count(&line["deleted"], 0));
    }
    for kind in ["work-seen", "work-committed"] {
        written(repo, kind).iter().for_each(|event| count(&event["data"]["deleted"], 1));
    }
    count(&deleted(repo)["files"], 2);
    assert!(found.values().all(|counts| *counts == [1, 1, 1]), "{found:?}");
    found
}
