//! Whatever is changed in a journal is found.

use git_run::{
    domain::id::Oid,
    git::{Repo, objects::Commit},
    store::{history, wire::FORMAT},
};

use crate::{
    fixture::{blob, chain, file, grown, open, point, rebuild, run_id, with},
    support::TestRepo,
};

const SEGMENT: &str = "0000000002-0000000065.jsonl";

/// Changes the chain, which keeps its links. The journal has 130 remarks, so trees at 64 and 128.
type Tampering = fn(&Repo, &mut Vec<Commit>);

fn edit(commit: &mut Commit, from: &str, to: &str) {
    let text = String::from_utf8(commit.message.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    commit.message = text.replace(from, to).into_bytes();
}

fn put(repo: &Repo, chain: &mut [Commit], from: usize, path: &[&str], content: &[u8]) {
    let entry = blob(repo, content);
    replant(chain, from, |tree| with(repo, tree, path, Some(entry.clone())));
}

/// Gives every commit from `from` on another tree.
fn replant(chain: &mut [Commit], from: usize, other: impl Fn(&Oid) -> Oid) {
    let mut known = std::collections::HashMap::new();
    for commit in &mut chain[from..] {
        let tree = commit.tree.clone();
        commit.tree = known.entry(tree.clone()).or_insert_with(|| other(&tree)).clone();
    }
}

fn state_with(repo: &Repo, tree: &Oid, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(file(repo, tree, &["state.json"])).unwrap();
    assert!(text.contains(from), "{text}");
    text.replace(from, to).into_bytes()
}

static TAMPERINGS: [(&str, Tampering); 21] = [
    ("an event's text", |_, c| edit(&mut c[40], "remark 39", "remark 00")),
    ("an event's lamport time", |_, c| edit(&mut c[40], "\"lamport\":41", "\"lamport\":241")),
    ("an event's number", |_, c| edit(&mut c[129], "\"seq\":130", "\"seq\":131")),
    ("the trailer seq", |_, c| edit(&mut c[40], "\nseq: 41", "\nseq: 42")),
    ("the trailer base", |_, c| edit(&mut c[40], "\nbase: 1", "\nbase: 2")),
    ("the trailer base of a new tree", |_, c| edit(&mut c[64], "\nbase: 65", "\nbase: 64")),
    ("a missing trailer", |_, c| edit(&mut c[40], "\nbase: 1", "")),
    ("a dropped append", |_, c| drop(c.remove(40))),
    ("a dropped newest tree", |_, c| drop(c.remove(128))),
    ("a dropped beginning", |_, c| drop(c.drain(..10))),
    ("two appends the other way round", |_, c| c.swap(40, 41)),
    ("an append twice", |_, c| {
        let again = Commit { ..c[40].clone() };
        c.insert(41, again);
    }),
    ("a state", |repo, c| {
        let state = state_with(repo, &c[64].tree, "\"commits\":0", "\"commits\":1");
        put(repo, &mut c[..128], 64, &["state.json"], &state);
    }),
    ("the newest state", |repo, c| {
        let state = state_with(repo, &c[128].tree, "\"READY\"", "\"COMPLETE\"");
        put(repo, c, 128, &["state.json"], &state);
    }),
    ("a segment", |repo, c| {
        let text = String::from_utf8(file(repo, &c[64].tree, &["events", SEGMENT])).unwrap();
        let text = text.replace("remark 39", "remark 00");
        put(repo, c, 64, &["events", SEGMENT], text.as_bytes());
    }),
    ("an old segment, in the newest tree only", |repo, c| {
        let text = String::from_utf8(file(repo, &c[64].tree, &["events", SEGMENT])).unwrap();
        let text = text.replace("remark 39", "remark 00");
        put(repo, c, 128, &["events", SEGMENT], text.as_bytes());
    }),
    ("a lost segment", |repo, c| {
        replant(c, 128, |tree| with(repo, tree, &["events", SEGMENT], None));
    }),
    ("a tree of an older format", |repo, c| put(repo, c, 128, &["format"], b"1\n")),
    ("a tree and a state of an older format", |repo, c| {
        put(repo, c, 128, &["format"], b"1\n");
        let state = state_with(repo, &c[128].tree, &format!("\"format\":{FORMAT}"), "\"format\":1");
        put(repo, c, 128, &["state.json"], &state);
    }),
    ("the frozen plan", |repo, c| put(repo, c, 128, &["plan.json"], b"{\"a\":1}")),
    ("a tree that does not come", |_, c| {
        let tree = c[63].tree.clone();
        for commit in &mut c[64..128] {
            commit.tree = tree.clone();
            let text = String::from_utf8(commit.message.clone()).unwrap();
            commit.message = text.replace("\nbase: 65", "\nbase: 1").into_bytes();
        }
    }),
];

#[test]
fn every_change_of_a_journal_is_found() {
    let test = TestRepo::new();
    let repo = open(&test);
    grown(&repo, 130);
    let whole = chain(&repo);
    rebuild(&repo, &whole);
    history::verify(&repo, &run_id()).unwrap();
    for (what, tamper) in TAMPERINGS {
        let mut chain = whole.clone();
        tamper(&repo, &mut chain);
        rebuild(&repo, &chain);
        let found = history::verify(&repo, &run_id());
        assert!(found.is_err(), "{what} was not found");
        let ran = test.run(&["verify"]).ends(70);
        assert!(ran.out.contains("NOT WHOLE"), "{what}: {}", ran.out);
    }
}

#[test]
fn a_journal_that_is_no_chain_of_commits_is_found() {
    let test = TestRepo::new();
    let repo = open(&test);
    let tip = grown(&repo, 3).tip().clone();
    let commit = repo.read_commit(&tip, 1 << 20).unwrap();
    let message = String::from_utf8(commit.message.clone()).unwrap();
    let parent = &commit.parents[0];
    test.git(&["tag", "-a", "-m", "x", "v1", tip.as_str()]);
    let tag = Oid::parse(&test.git(&["rev-parse", "v1"])).unwrap();
    let main = repo.head().unwrap().commit.unwrap();
    let two = repo.write_commit(&commit.tree, &[parent, &main], 0, &message).unwrap();
    let absent = Oid::parse(&"1".repeat(40)).unwrap();
    let orphan = repo.write_commit(&commit.tree, &[&absent], 0, &message).unwrap();
    for (what, to) in [
        ("a blob", repo.write_blob(b"x").unwrap()),
        ("a tree", commit.tree.clone()),
        ("a tag", tag),
        ("two parents", two),
        ("a missing object", absent),
        ("a missing parent", orphan),
        ("somebody else's commit", main),
    ] {
        point(&repo, &to);
        assert!(history::verify(&repo, &run_id()).is_err(), "{what}");
        test.run(&["verify"]).ends(70);
    }
}

#[test]
fn a_replaced_object_changes_nothing() {
    let test = TestRepo::new();
    let repo = open(&test);
    let tip = grown(&repo, 3).tip().clone();
    let main = repo.head().unwrap().commit.unwrap();
    test.git(&["replace", tip.as_str(), main.as_str()]);
    history::verify(&open(&test), &run_id()).unwrap();
    test.run(&["verify"]).ends(0);
}
