//! What an older version wrote is read for ever, and gone on with in the present format.

use std::{fs::File, path::Path};

use git_run::{
    domain::{
        event::{Event, ProcessMark},
        id::RunId,
        run::{Run, State},
    },
    git::Repo,
    store::{
        history,
        journal::{APPENDS_PER_TREE, Artifact, Journal},
        layout,
    },
};

use crate::{
    fixture::{actor, file, now, open, remark},
    support::TestRepo,
};

/// A run that the version of format 1 drove until its breaker opened, as `git fast-export` gave it.
const STREAM: &str = "tests/store/format-1.stream";
const TIP: &str = "cbef09fd43a03d2c1ecc03c7d0f62f5df849e945";

fn id() -> RunId {
    RunId::parse("20261121-145616-628125ef64").unwrap()
}

fn imported() -> TestRepo {
    let test = TestRepo::new();
    let stream = File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(STREAM)).unwrap();
    let mut command = test.command("git");
    assert!(command.args(["fast-import", "--quiet"]).stdin(stream).status().unwrap().success());
    assert_eq!(test.git(&["rev-parse", &layout::journal(&id())]), TIP);
    test
}

/// What stands in the newest tree: its format, and that of its state.
fn formats(repo: &Repo, journal: &Journal<'_>) -> (String, String) {
    let tree = repo.read_commit(journal.tip(), 1 << 24).unwrap().tree;
    let text = |name: &str| String::from_utf8(file(repo, &tree, &[name])).unwrap();
    let state = text("state.json");
    let of_state = state.split_once("\"format\":").unwrap().1[..1].to_owned();
    (text("format").trim().to_owned(), of_state)
}

fn is_whole(repo: &Repo, run: &Run) {
    let found = history::verify(repo, &id()).unwrap();
    assert_eq!(found.run, *run);
    assert_eq!(history::replay(repo, &id()).unwrap(), *run);
    assert_eq!(Journal::open(repo, &id(), actor()).unwrap().run(), run);
}

#[test]
fn a_journal_of_format_1_is_whole_and_is_gone_on_with_in_the_present_one() {
    let test = imported();
    let repo = open(&test);
    let mut journal = Journal::open(&repo, &id(), actor()).unwrap();
    assert_eq!((journal.run().state, journal.run().seq), (State::Halted, 17));
    is_whole(&repo, journal.run());
    assert_eq!(formats(&repo, &journal), ("1".into(), "1".into()));

    journal.take_lease(ProcessMark::default(), now()).unwrap();
    journal.append(vec![Event::BreakerReset, Event::RunResumed], &[], now()).unwrap();
    is_whole(&repo, journal.run());
    assert_eq!(formats(&repo, &journal), ("1".into(), "1".into()), "no tree was written yet");
    let newest = repo.read_commit(journal.tip(), 1 << 24).unwrap().message;
    assert!(
        String::from_utf8(newest)
            .unwrap()
            .contains("\"event\":\"run-resumed\",\"lamport\":20,\"lease\":2,\"seq\":20,\"v\":2}")
    );

    let artifact = Artifact { path: "a".into(), content: b"x".to_vec() };
    journal.append(remark("with an artifact"), &[artifact], now()).unwrap();
    assert_eq!(formats(&repo, &journal), ("2".into(), "2".into()));
    is_whole(&repo, journal.run());
    for _ in 0..=APPENDS_PER_TREE {
        journal.append(remark("x"), &[], now()).unwrap();
    }
    is_whole(&repo, journal.run());
    test.run(&["verify", id().as_str()]).ends(0);
}

#[test]
fn the_next_tree_of_a_journal_of_format_1_comes_when_it_is_due() {
    let test = imported();
    let repo = open(&test);
    let mut journal = Journal::open(&repo, &id(), actor()).unwrap();
    // Two appends of the 64 are there already.
    for n in 3..APPENDS_PER_TREE {
        journal.append(remark("x"), &[], now()).unwrap();
        assert_eq!(formats(&repo, &journal).0, "1", "{n}");
    }
    journal.append(remark("x"), &[], now()).unwrap();
    assert_eq!(formats(&repo, &journal), ("2".into(), "2".into()));
    is_whole(&repo, journal.run());
}
