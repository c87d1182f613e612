//! What is read in process is what git itself says: differences of trees, and who is whose ancestor.
//!
//! `GIT_RUN_TESTS=long` tries more of both; the seed of what fails is in the message.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use git_run::{
    domain::{id::Oid, restore::File},
    git::{Repo, objects::Entry},
};
use gix::objs::tree::EntryKind;
use support::{TestRepo, long, text};

/// Small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// With an input, and what it wrote.
fn fed(mut command: Command, input: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn git(repo: &TestRepo, words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = repo.command("git");
    command.args(words);
    fed(command, input)
}

fn object(repo: &TestRepo, kind: &str, data: &[u8]) -> Oid {
    let words = ["hash-object", "-w", "-t", kind, "--literally", "--stdin"];
    Oid::parse(text(&git(repo, &words, data)).trim()).unwrap()
}

fn entry(mode: &str, name: &str, id: &Oid) -> Vec<u8> {
    let hex = id.as_str();
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
    let mut entry = format!("{mode} {name}\0").into_bytes();
    entry.extend(bytes.map(Result::unwrap));
    entry
}

/// A tree in which files, directories, links and submodules take each other's place.
fn tree(repo: &TestRepo, dice: &mut Dice, blobs: &[Oid]) -> Oid {
    let names =
        ["a", "a.b", "a-b", "a0", "ä", "x\ty", "z z", "-", "a/a", "a/b/c", "b/c", "b/c/d", "n\nl"];
    let mut input = Vec::new();
    for name in names {
        let mode = *dice.one(&["100644", "100755", "120000", "160000", "", "", ""]);
        if !mode.is_empty() {
            input.extend(format!("{mode} {}\t{name}\0", dice.one(blobs)).into_bytes());
        }
    }
    let index = repo.work.join(".git/index-of-a-tree");
    let mut command = repo.command("git");
    command
        .args(["update-index", "--add", "--replace", "-z", "--index-info"])
        .env("GIT_INDEX_FILE", &index);
    fed(command, &input);
    let mut command = repo.command("git");
    command.args(["write-tree", "--missing-ok"]).env("GIT_INDEX_FILE", &index);
    let id = Oid::parse(text(&fed(command, b"")).trim()).unwrap();
    let _ = std::fs::remove_file(index);
    id
}

#[test]
fn trees_differ_in_what_git_says_that_they_differ_in() {
    let repo = TestRepo::new();
    let blobs: Vec<Oid> = ["1", "2", "3"].map(|data| object(&repo, "blob", data.as_bytes())).into();
    let own = Repo::discover(&repo.work).unwrap();
    for seed in 1..=if long() { 500 } else { 30 } {
        let mut dice = Dice(seed * 0x9e37_79b9);
        let (from, to) = (tree(&repo, &mut dice, &blobs), tree(&repo, &mut dice, &blobs));
        let words = [
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            from.as_str(),
            to.as_str(),
        ];
        let said = git(&repo, &words, b"");
        let mut found = Vec::new();
        for change in own.compare(&from, &to).unwrap() {
            let side = |file: Option<File>| match file {
                Some(file) => (file.mode, file.id.to_string()),
                None => (0, "0".repeat(40)),
            };
            let letter = match (&change.was, &change.is) {
                (None, _) => 'A',
                (_, None) => 'D',
                (Some(was), Some(is)) if was.mode & 0o170_000 != is.mode & 0o170_000 => 'T',
                (Some(_), Some(_)) => 'M',
            };
            let ((was, old), (is, new)) = (side(change.was), side(change.is));
            found.extend(format!(":{was:06o} {is:06o} {old} {new} {letter}\0").into_bytes());
            found.extend([&change.path[..], b"\0"].concat());
        }
        assert_eq!(text(&found), text(&said), "seed {seed}");
    }
}

#[test]
fn a_tree_that_no_git_makes_is_refused() {
    let repo = TestRepo::new();
    let own = Repo::discover(&repo.work).unwrap();
    let blob = object(&repo, "blob", b"secret");
    let one = entry("100644", "a", &blob);
    let sound = object(&repo, "tree", &one);
    // The same name twice, and one of both could be a secret.
    let other = entry("100644", "a", &object(&repo, "blob", b"other"));
    let twice = object(&repo, "tree", &[one, other].concat());
    assert!(own.compare(&sound, &twice).unwrap_err().to_string().contains("has `a` twice"));
    // More trees than there is time for, out of forty small ones.
    let mut bomb = sound.clone();
    for _ in 0..40 {
        bomb = object(
            &repo,
            "tree",
            &[entry("40000", "a", &bomb), entry("40000", "b", &bomb)].concat(),
        );
    }
    let said = own.compare(&sound, &bomb).unwrap_err().to_string();
    assert!(said.contains("more than 10000 times"), "{said}");
    // Deeper than any path.
    let mut deep = sound.clone();
    for _ in 0..2100 {
        let above = Entry { kind: EntryKind::Tree, id: deep };
        deep = own.write_tree(&[(b"d".to_vec(), above)].into()).unwrap();
    }
    assert!(own.compare(&sound, &deep).unwrap_err().to_string().contains("deep"));
    let gone = Oid::parse(&"1".repeat(40)).unwrap();
    assert!(own.compare(&sound, &gone).is_err(), "what is not there cannot be told");
}

/// Commits with one to three parents and clocks that are wrong.
fn history(repo: &TestRepo, dice: &mut Dice, commits: usize) -> Vec<Oid> {
    let mut stream = String::new();
    for mark in 1..=commits {
        let secs = 1_000_000_000 + mark * 60;
        let secs = if dice.below(5) == 0 { dice.below(2_000_000_000) } else { secs };
        writeln!(
            stream,
            "commit refs/heads/h{mark}\nmark :{mark}\ncommitter c <c@c> {secs} +0000\ndata 0"
        )
        .unwrap();
        let mut parents: Vec<usize> =
            (0..dice.below(4)).map(|_| 1 + dice.below(mark)).filter(|at| *at < mark).collect();
        parents.dedup();
        for (at, parent) in parents.iter().enumerate() {
            writeln!(stream, "{} :{parent}", if at == 0 { "from" } else { "merge" }).unwrap();
        }
        stream.push('\n');
    }
    git(repo, &["fast-import", "--quiet", "--force"], stream.as_bytes());
    let ids = (1..=commits).map(|mark| repo.git(&["rev-parse", &format!("refs/heads/h{mark}")]));
    ids.map(|id| Oid::parse(id.trim()).unwrap()).collect()
}

#[test]
fn who_is_whose_ancestor_is_what_git_says() {
    for seed in 1..=if long() { 40 } else { 3 } {
        let repo = TestRepo::new();
        let mut dice = Dice(seed * 0x9e37_79b9 + 1);
        let ids = history(&repo, &mut dice, 25);
        if seed % 2 == 0 {
            repo.git(&["commit-graph", "write", "--reachable"]);
        }
        let own = Repo::discover(&repo.work).unwrap();
        for _ in 0..60 {
            let (one, other) = (dice.one(&ids), dice.one(&ids));
            let words = ["merge-base", "--is-ancestor", one.as_str(), other.as_str()];
            let said = repo.try_git(&words).status.code() == Some(0);
            assert_eq!(own.is_ancestor(one, other).unwrap(), said, "seed {seed}: {one} {other}");
        }
    }
}

#[test]
fn an_ancestor_that_is_none_cannot_be_told() {
    let repo = TestRepo::new();
    let own = Repo::discover(&repo.work).unwrap();
    let head = own.head().unwrap().commit.unwrap();
    let gone = Oid::parse(&"1".repeat(40)).unwrap();
    let blob = object(&repo, "blob", b"x");
    for (one, other) in
        [(&gone, &head), (&head, &gone), (&gone, &gone), (&blob, &head), (&blob, &blob)]
    {
        assert!(own.is_ancestor(one, other).is_err(), "{one} {other}");
    }
}
