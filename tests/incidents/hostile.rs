//! Checkpoints that somebody else wrote: by hand, by mistake, or to hurt.

use std::{fs, io::Write as _, process::Stdio};

use crate::{
    fixture::{assert_same, checkpoint, put, sound, state},
    support::{TestRepo, text},
};

/// An object as it is given, unlooked at.
fn object(repo: &TestRepo, kind: &str, data: &[u8]) -> String {
    let mut child = repo
        .command("git")
        .args(["hash-object", "-t", kind, "-w", "--literally", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(data).unwrap();
    text(&child.wait_with_output().unwrap().stdout).trim().to_owned()
}

fn bytes(id: &str) -> Vec<u8> {
    id.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn tree(repo: &TestRepo, entries: &[(&str, &[u8], &str)]) -> String {
    let mut data = Vec::new();
    for (mode, name, id) in entries {
        data.extend_from_slice(mode.as_bytes());
        data.push(b' ');
        data.extend_from_slice(name);
        data.push(0);
        data.extend(bytes(id));
    }
    object(repo, "tree", &data)
}

const CHAIN: &str = "refs/run/worktree/checkpoints";

/// The newest checkpoint written anew with this done to its text, as the newest one.
fn forge(repo: &TestRepo, change: impl FnOnce(String) -> String) {
    let tip = repo.git(&["rev-parse", CHAIN]);
    let raw = text(&repo.try_git(&["cat-file", "commit", &tip]).stdout);
    let forged = object(repo, "commit", change(raw).as_bytes());
    repo.git(&["update-ref", CHAIN, &forged]);
}

#[test]
fn a_tree_with_paths_that_lead_out_is_refused_and_nothing_changes() {
    let names: [&[u8]; 12] = [
        b".git",
        b".GIT",
        b".gIt",
        b"..",
        b".",
        b"git~1",
        b"GIT~1",
        ".git\u{200c}".as_bytes(),
        ".g\u{200c}it".as_bytes(),
        b"/etc/evil",
        b"a/../../evil",
        b".git ",
    ];
    let repo = TestRepo::new();
    let blob = object(&repo, "blob", b"evil\n");
    let inner = tree(&repo, &[("100755", b"config", &blob)]);
    for in_index in [false, true] {
        for (number, name) in names.iter().enumerate() {
            for (mode, id) in [("100644", &blob), ("40000", &inner)] {
                // One in a directory, one at the top.
                let mut evil = tree(&repo, &[(mode, name, id)]);
                if number % 2 == 0 {
                    evil = tree(&repo, &[("40000", b"sub", &evil)]);
                }
                put(&repo, b"new", b"1\n");
                let number = checkpoint(&repo);
                let good = repo.git(&["rev-parse", CHAIN]);
                let index = repo.git(&["rev-parse", "HEAD^{tree}"]);
                forge(&repo, |raw| {
                    if in_index {
                        assert!(raw.contains(&format!("\"index\":\"{index}\"")), "{raw}");
                        raw.replace(
                            &format!("\"index\":\"{index}\""),
                            &format!("\"index\":\"{evil}\""),
                        )
                    } else {
                        let old = raw.lines().next().unwrap().to_owned();
                        raw.replacen(&old, &format!("tree {evil}"), 1)
                    }
                });
                put(&repo, b"new", b"2\n");
                let before = state(&repo);
                let what = format!("{} {mode} index {in_index}", name.escape_ascii());
                let git = crate::fixture::files(&repo.work.join(".git").join("hooks"));
                let refs = repo.git(&["for-each-ref"]);
                for words in [vec!["rollback", "--to"], vec!["restore", ".", "--from"]] {
                    let number = number.to_string();
                    let mut words = words;
                    words.push(&number);
                    if in_index && words[0] == "restore" {
                        continue;
                    }
                    let ran = repo.run(&words);
                    assert!([1, 3, 70].contains(&ran.code.unwrap()), "{what}: {ran:?}");
                    assert!(
                        ran.err.starts_with("error:") && !ran.err.contains("panicked"),
                        "{what}: {ran:?}"
                    );
                    assert_same(&state(&repo), &before, &what);
                    assert_eq!(repo.git(&["for-each-ref"]), refs, "{what}");
                }
                assert_eq!(crate::fixture::files(&repo.work.join(".git").join("hooks")), git);
                assert!(!repo.root().join("evil").exists());
                repo.git(&["update-ref", CHAIN, &good]);
            }
        }
    }
}

#[test]
fn a_checkpoint_whose_objects_are_missing_is_refused_before_anything_moves() {
    let repo = TestRepo::new();
    put(&repo, b"new", b"only here\n");
    let number = checkpoint(&repo);
    put(&repo, b"new", b"2\n");
    let id = {
        let file = repo.root().join("probe");
        fs::write(&file, "only here\n").unwrap();
        repo.git(&["hash-object", file.to_str().unwrap()])
    };
    let loose = repo.work.join(".git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(loose).unwrap();
    let before = state(&repo);
    let ran = repo.run(&["rollback", "--to", &number.to_string()]).ends(1);
    assert!(ran.err.contains("missing"), "{ran:?}");
    assert_same(&state(&repo), &before, "refused");
}

#[test]
fn a_message_that_is_garbled_is_named_and_the_others_are_still_there() {
    let repo = TestRepo::new();
    for number in 1..=3 {
        put(&repo, b"new", format!("{number}\n").as_bytes());
        checkpoint(&repo);
    }
    let good = repo.git(&["rev-parse", CHAIN]);
    let garblings: [fn(String) -> String; 8] = [
        |raw| raw.split("{\"").next().unwrap().to_owned(),
        |raw| raw.replace("\"why\":", "\"who\":"),
        |raw| raw.replace("\"v\":1", "\"v\":99"),
        |raw| raw.replace("\"number\":3", "\"number\":-3"),
        |raw| raw.replace("\"number\":3", "\"number\":18446744073709551615"),
        |raw| raw + "\u{1b}[31m trailing\n",
        |raw| raw.replace("\"index\":\"", "\"index\":\"../../"),
        |raw| raw + &"{".repeat(200_000) + "\n",
    ];
    for (number, garble) in garblings.into_iter().enumerate() {
        forge(&repo, garble);
        let list = repo.run(&["checkpoint", "list", "--porcelain"]);
        assert!(list.code.unwrap() < 128 && !list.err.contains("panicked"), "{number}: {list:?}");
        assert!(list.out.lines().any(|line| line.starts_with("2\t")), "{number}: {list:?}");
        put(&repo, b"new", b"now\n");
        for words in [
            &["rollback", "--to", "3"][..],
            &["undo"],
            &["status"],
            &["checkpoint"],
            &["restore", "new@3"],
            &["sprint-1"],
        ] {
            let ran = repo.run(words);
            assert!(
                ran.code.is_some_and(|code| code < 128) && !ran.err.contains("panicked"),
                "{number}: {words:?}: {ran:?}"
            );
            assert!(
                !ran.err.contains('\u{1b}') && !ran.out.contains('\u{1b}'),
                "{number}: {ran:?}"
            );
        }
        repo.git(&["update-ref", CHAIN, &good]);
        sound_but_for_what_was_forged(&repo);
    }
    put(&repo, b"new", b"now\n");
    repo.run(&["rollback", "--to", "2"]).ends(0);
    assert_eq!(repo.read("new"), "2\n");
}

fn sound_but_for_what_was_forged(repo: &TestRepo) {
    assert!(!repo.work.join(".git/index.lock").exists());
}

#[test]
fn a_checkpoint_that_names_the_terminals_own_words_does_not_speak_to_it() {
    let repo = TestRepo::new();
    put(&repo, b"new\x1b[31m", b"1\n");
    repo.run(&["checkpoint", "-m", "red \u{1b}[31m\r\u{7}text"]).ends(0);
    put(&repo, b"new\x1b[31m", b"2\n");
    for words in [
        &["checkpoint", "list"][..],
        &["checkpoint", "list", "--porcelain"],
        &["checkpoint", "show", "1"],
        &["rollback", "-n", "--to", "1"],
        &["rollback", "--to", "1"],
        &["undo"],
    ] {
        let ran = repo.run(words).ends(0);
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{words:?}: {ran:?}");
        assert!(!ran.out.contains('\r') && !ran.out.contains('\u{7}'), "{words:?}: {ran:?}");
    }
    sound(&repo);
}
