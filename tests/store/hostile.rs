//! Journals that somebody made to do harm: shown or refused, in bounded memory, with one message.

use std::{io::Write as _, process::Stdio, time::Instant};

use git_run::{
    domain::id::Oid,
    git::{Repo, objects::Entry},
    store::{layout, wire::FORMAT},
};
use gix::objs::tree::EntryKind;

use crate::{
    fixture::{blob, chain, file, grown, open, point, run_id, with},
    support::{Ran, TestRepo, long},
};

const NEWER: u32 = FORMAT + 1;
const MEMORY_KB_MAX: u64 = 768 * 1024;
const SECONDS_MAX: u64 = 10;

/// A commit of any bytes whatsoever.
fn raw_commit(test: &TestRepo, tree: &Oid, parent: Option<&Oid>, message: &[u8]) -> Oid {
    let mut text = format!("tree {tree}\n");
    if let Some(parent) = parent {
        text.push_str(&format!("parent {parent}\n"));
    }
    text.push_str("author a <a@b> 1795000000 +0000\ncommitter a <a@b> 1795000000 +0000\n\n");
    let mut git = test.command("git");
    git.args(["hash-object", "-t", "commit", "-w", "--stdin", "--literally"]);
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    stdin.write_all(message).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Oid::parse(String::from_utf8_lossy(&output.stdout).trim()).unwrap()
}

/// The program, in bounded memory.
fn bounded(test: &TestRepo, words: &[&str]) -> Ran {
    let mut shell = test.command("sh");
    shell.args(["-c", &format!("ulimit -v {MEMORY_KB_MAX}; exec \"$0\" \"$@\"")]);
    let begun = Instant::now();
    let ran = Ran::of(shell.arg(crate::support::PROGRAM).args(words).output().unwrap());
    assert!(begun.elapsed().as_secs() < SECONDS_MAX, "{words:?} took {:?}", begun.elapsed());
    ran
}

/// Every reader ends with a documented code and one clear message, and no writer writes.
fn survives(test: &TestRepo, what: &str) {
    let id = run_id();
    let journal = layout::journal(&id);
    let before = test.git(&["rev-parse", &journal]);
    let id = id.as_str();
    let mut commands = vec![
        vec!["status", id],
        vec!["list"],
        vec!["log", id],
        vec!["show", "--run", id, "plan"],
        vec!["show", "--run", id, "2"],
        vec!["verify"],
        vec!["halt", "--force", id],
        vec!["resume", id],
    ];
    if long() {
        commands.extend([
            vec!["status"],
            vec!["status", "--json", id],
            vec!["list", "--json"],
            vec!["log", "--json", id],
            vec!["verify", "--json", id],
            vec!["halt", id],
        ]);
    }
    for words in &commands {
        let ran = bounded(test, words);
        let told = format!("{what}: {words:?}: {ran:?}");
        let writes = matches!(words[0], "halt" | "resume");
        let codes: &[i32] = if writes { &[1, 4, 6, 70] } else { &[0, 1, 70] };
        assert!(ran.code.is_some_and(|code| codes.contains(&code)), "{told}");
        assert!(!ran.err.contains("panicked"), "{told}");
        assert!(ran.err.len() < 2000 && ran.err.lines().count() <= 4, "{told}");
        let errors = ran.err.lines().filter(|line| line.starts_with("error:")).count();
        let on_stdout = matches!(words[0], "list" | "verify");
        assert!(ran.code == Some(0) || on_stdout || errors == 1, "{told}");
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{told}");
        assert_eq!(test.git(&["rev-parse", &journal]), before, "{told}: it was written to");
    }
}

/// A journal of a few remarks, its last commit, and that commit's message.
fn start(test: &TestRepo) -> (Repo, Oid, String) {
    let repo = open(test);
    grown(&repo, 3);
    let last = chain(&repo).pop().unwrap();
    (repo, last.tree, String::from_utf8(last.message).unwrap())
}

#[test]
fn hostile_messages_are_survived() {
    let test = TestRepo::new();
    let (repo, tree, message) = start(&test);
    let parent = chain(&repo).last().unwrap().parents[0].clone();
    let line = |event: &str, data: &str| {
        format!(
            "x\n\n{{\"actor\":{{\"host\":\"h\",\"person\":\"p\"}},\"at\":\"2026-11-21T03:52:33.123Z\",\
             \"data\":{data},\"event\":\"{event}\",\"lamport\":4,\"lease\":0,\"seq\":4,\"v\":1}}\n\n\
             seq: 4\nbase: 1\n"
        )
    };
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(20_000), close.repeat(20_000));
    let huge = "9".repeat(30_000);
    let messages: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("garbage", (0..=255).cycle().take(5000).collect()),
        ("not UTF-8", [message.as_bytes(), b"\xff\xfe"].concat()),
        ("20 MB", [message.as_bytes(), &b"x\n".repeat(10_000_000)].concat()),
        ("1 MB of lines", [message.as_bytes(), &b"{\n".repeat(500_000)].concat()),
        ("a long line", line("remarked", &format!("{{\"text\":\"{}\"}}", huge.repeat(40))).into()),
        ("deep lists", line("remarked", &deep("[", "]")).into()),
        ("deep objects", line("remarked", &deep("{\"a\":", "}")).into()),
        ("many values", line("remarked", &format!("[{}0]", "0,".repeat(30_000))).into()),
        ("a huge number", line("remarked", &huge).into()),
        ("no data", line("remarked", "null").into()),
        ("the wrong data", line("run-created", "{\"text\":\"x\"}").into()),
        ("escapes", line("remarked", "{\"text\":\"\\u001b]52;c;x\\u0007\\u202e\"}").into()),
        (
            "an end before the beginning",
            message.replace("seq: 4", "seq: 18446744073709551615").into(),
        ),
        ("a base that is far away", message.replace("base: 1", "base: 0").into()),
        ("numbers beyond all", message.replace("seq: 4", &format!("seq: {huge}")).into()),
        ("no event", b"x\n\nseq: 4\nbase: 1\n".to_vec()),
        ("an event that may not happen", line("run-completed", "{}").into()),
        ("a far time", line("remarked", "{\"text\":\"x\"}").replace("2026", "999999").into()),
        ("carriage returns", message.replace('\n', "\r\n").into()),
    ];
    for (what, message) in messages {
        point(&repo, &raw_commit(&test, &tree, Some(&parent), &message));
        if what == "escapes" {
            // That one is a journal like any other: it can be read, and so it can be written.
            for words in [&["log"][..], &["log", "--json"], &["verify"]] {
                let ran = bounded(&test, words);
                assert!(ran.code == Some(0) && !ran.out.contains('\u{1b}'), "{ran:?}");
            }
            continue;
        }
        survives(&test, what);
    }
}

#[test]
fn hostile_trees_are_survived() {
    let test = TestRepo::new();
    let (repo, tree, message) = start(&test);
    let parent = chain(&repo).last().unwrap().parents[0].clone();
    let state = String::from_utf8(file(&repo, &tree, &["state.json"])).unwrap();
    let entry = |kind, id: &Oid| Some(Entry { kind, id: id.clone() });
    let state_of = |text: &[u8]| with(&repo, &tree, &["state.json"], Some(blob(&repo, text)));
    let format_of = |text: &[u8]| with(&repo, &tree, &["format"], Some(blob(&repo, text)));
    let absent = Oid::parse(&"1".repeat(40)).unwrap();
    let big = vec![b' '; 50_000_000];
    let many = format!("{{\"format\":1,\"a\":[{}0]}}", "0,".repeat(2_000_000));
    let trees = [
        ("an empty tree", repo.empty_tree().unwrap()),
        ("a tree that is missing", absent.clone()),
        ("a tree that is a blob", repo.write_blob(b"x").unwrap()),
        ("no state", with(&repo, &tree, &["state.json"], None)),
        ("a state of 50 MB", state_of(&big)),
        ("a state of 2 million values", state_of(many.as_bytes())),
        ("a state of deep lists", state_of("[".repeat(1_000_000).as_bytes())),
        ("a state that is garbage", state_of(b"\xff\x00{")),
        ("a state without items", state_of(state.replace("\"sprint-1\"", "\"\"").as_bytes())),
        ("a state of another event", state_of(state.replace("\"seq\":1", "\"seq\":9").as_bytes())),
        (
            "a state of huge numbers",
            state_of(state.replace("\"commits\":0", "\"commits\":1e999").as_bytes()),
        ),
        ("a state of another run", state_of(state.replace("20261121", "20261122").as_bytes())),
        (
            "a state that is a link",
            with(&repo, &tree, &["state.json"], entry(EntryKind::Link, &absent)),
        ),
        (
            "a state that is a submodule",
            with(&repo, &tree, &["state.json"], entry(EntryKind::Commit, &absent)),
        ),
        (
            "a state that is a tree",
            with(&repo, &tree, &["state.json"], entry(EntryKind::Tree, &tree)),
        ),
        ("no format", with(&repo, &tree, &["format"], None)),
        ("a format that is no number", format_of(b"one\n")),
        ("a format of zero", format_of(b"0\n")),
    ];
    for (what, tree) in trees {
        point(&repo, &raw_commit(&test, &tree, Some(&parent), message.as_bytes()));
        survives(&test, what);
    }
    // A state that stands at a stage which its workflow does not have.
    let twice = state.replace("\"calls\":[]", "\"calls\":[],\"calls\":[]");
    point(
        &repo,
        &raw_commit(&test, &state_of(twice.as_bytes()), Some(&parent), message.as_bytes()),
    );
    survives(&test, "a state that says a thing twice");
}

#[test]
fn hostile_segments_are_survived() {
    let test = TestRepo::new();
    let (repo, tree, message) = start(&test);
    let parent = chain(&repo).last().unwrap().parents[0].clone();
    let name = ["events", "0000000001-0000000001.jsonl"];
    let absent = Oid::parse(&"1".repeat(40)).unwrap();
    for (what, entry) in [
        ("garbage", Some(blob(&repo, b"\xff\xfe"))),
        ("50 MB without a line", Some(blob(&repo, &vec![b'x'; 50_000_000]))),
        ("70 MB of lines", Some(blob(&repo, &b"{}\n".repeat(24_000_000)))),
        ("a submodule", Some(Entry { kind: EntryKind::Commit, id: absent })),
        ("nothing", None),
    ] {
        let tree = with(&repo, &tree, &name, entry);
        point(&repo, &raw_commit(&test, &tree, Some(&parent), message.as_bytes()));
        for words in [&["log"][..], &["verify"], &["show", "--run", run_id().as_str(), "1"]] {
            let ran = bounded(&test, words);
            assert!(matches!(ran.code, Some(1 | 70)), "{what}: {words:?}: {ran:?}");
            assert!(!ran.err.contains("panicked"), "{what}: {ran:?}");
        }
        // The present needs no segment.
        assert_eq!(bounded(&test, &["status"]).code, Some(0), "{what}");
    }
}

#[test]
fn an_endless_chain_without_a_tree_is_survived() {
    let test = TestRepo::new();
    let (repo, tree, message) = start(&test);
    let filler = "y".repeat(300_000);
    for (what, lines) in
        [("of empty appends", String::new()), ("of long ones", format!("{{{filler}\n"))]
    {
        let mut tip = None;
        for _ in 0..300 {
            let message = format!("x\n\n{lines}\nseq: 900\nbase: 1\n");
            let parent: Vec<_> = tip.iter().collect();
            tip = Some(repo.write_commit(&tree, &parent, 0, &message).unwrap());
        }
        let last = message.replace("seq: 4", "seq: 901");
        point(&repo, &repo.write_commit(&tree, &[tip.as_ref().unwrap()], 0, &last).unwrap());
        survives(&test, what);
    }
}

#[test]
fn what_a_newer_version_wrote_is_shown_and_never_written_to() {
    let test = TestRepo::new();
    let (repo, tree, message) = start(&test);
    let parent = chain(&repo).last().unwrap().parents[0].clone();
    let state = String::from_utf8(file(&repo, &tree, &["state.json"])).unwrap();
    let newer_state = state.replace(
        &format!("\"format\":{FORMAT}"),
        &format!("\"colour\":\"red\",\"format\":{NEWER}"),
    );
    let put =
        |path: &str, text: &str| with(&repo, &tree, &[path], Some(blob(&repo, text.as_bytes())));
    for (what, tree, message) in [
        ("an event of an unknown kind", tree.clone(), message.replace("\"remarked\"", "\"sung\"")),
        (
            "an event of a newer version",
            tree.clone(),
            message.replace(&format!("\"v\":{FORMAT}"), &format!("\"v\":{NEWER}")),
        ),
        ("a newer format", put("format", &format!("{NEWER}\n")), message.clone()),
        ("a newer state", put("state.json", &newer_state), message.clone()),
    ] {
        point(&repo, &raw_commit(&test, &tree, Some(&parent), message.as_bytes()));
        let status = bounded(&test, &["status", "--json"]).ends(0).json();
        assert_eq!(status["state"], "READY", "{what}");
        survives(&test, what);
        for words in [&["halt"][..], &["halt", "--force"], &["resume"]] {
            let ran = bounded(&test, words).ends(1);
            assert!(ran.err.contains("newer version"), "{what}: {words:?}: {}", ran.err);
        }
    }
}
