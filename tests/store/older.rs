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
        wire::FORMAT,
    },
};

use crate::{
    fixture::{actor, file, now, open, remark},
    support::TestRepo,
};

/// A run that an older version drove until its breaker opened, as `git fast-export` gave it.
struct Older {
    format: &'static str,
    run: &'static str,
    tip: &'static str,
    /// Events, and appends since the newest tree.
    events: u64,
    appends: usize,
    /// The next lease.
    lease: u64,
}

const OLDER: [Older; 4] = [
    Older {
        format: "1",
        run: "20261121-145616-628125ef64",
        tip: "cbef09fd43a03d2c1ecc03c7d0f62f5df849e945",
        events: 17,
        appends: 2,
        lease: 2,
    },
    Older {
        format: "2",
        run: "20261121-175405-3e10c7df1c",
        tip: "d5e19df420f357f669516c0c9af013dd922dabcd",
        events: 23,
        appends: 2,
        lease: 2,
    },
    Older {
        format: "3",
        run: "20261121-204818-c3deec42ce",
        tip: "1519220d468ccfcbfcf687c56d8468db52304123",
        events: 31,
        appends: 2,
        lease: 3,
    },
    // Its lanes assumed things, which nobody counted then.
    Older {
        format: "4",
        run: "20261122-011414-c2d46d99e4",
        tip: "ba3477c894e46359188b8c54fa4b15d6cf649bd0",
        events: 56,
        appends: 0,
        lease: 3,
    },
];

impl Older {
    fn id(&self) -> RunId {
        RunId::parse(self.run).unwrap()
    }

    fn imported(&self) -> TestRepo {
        let test = TestRepo::new();
        let name = format!("tests/store/format-{}.stream", self.format);
        let stream = File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        let mut command = test.command("git");
        assert!(command.args(["fast-import", "--quiet"]).stdin(stream).status().unwrap().success());
        assert_eq!(test.git(&["rev-parse", &layout::journal(&self.id())]), self.tip);
        test
    }
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
    let id = &run.charter.run;
    let found = history::verify(repo, id).unwrap();
    assert_eq!(found.run, *run);
    assert_eq!(history::replay(repo, id).unwrap(), *run);
    assert_eq!(Journal::open(repo, id, actor()).unwrap().run(), run);
}

#[test]
fn an_older_journal_is_whole_and_is_gone_on_with_in_the_present_format() {
    for older in OLDER {
        let test = older.imported();
        let repo = open(&test);
        let mut journal = Journal::open(&repo, &older.id(), actor()).unwrap();
        assert_eq!((journal.run().state, journal.run().seq), (State::Halted, older.events));
        is_whole(&repo, journal.run());
        let then = || (older.format.to_owned(), older.format.to_owned());
        assert_eq!(formats(&repo, &journal), then());

        journal.take_lease(ProcessMark::default(), now()).unwrap();
        journal.append(vec![Event::BreakerReset, Event::RunResumed], &[], now()).unwrap();
        is_whole(&repo, journal.run());
        assert_eq!(formats(&repo, &journal), then(), "no tree was written yet");
        let newest = repo.read_commit(journal.tip(), 1 << 24).unwrap().message;
        let line = format!(
            "\"event\":\"run-resumed\",\"lamport\":{0},\"lease\":{1},\"seq\":{0},\"v\":{FORMAT}}}",
            older.events + 3,
            older.lease
        );
        assert!(String::from_utf8(newest).unwrap().contains(&line));

        let artifact = Artifact { path: "a".into(), content: b"x".to_vec() };
        journal.append(remark("with an artifact"), &[artifact], now()).unwrap();
        assert_eq!(formats(&repo, &journal), (FORMAT.to_string(), FORMAT.to_string()));
        is_whole(&repo, journal.run());
        for _ in 0..=APPENDS_PER_TREE {
            journal.append(remark("x"), &[], now()).unwrap();
        }
        is_whole(&repo, journal.run());
        test.run(&["verify", older.run]).ends(0);
    }
}

#[test]
fn the_next_tree_of_an_older_journal_comes_when_it_is_due() {
    for older in OLDER {
        let test = older.imported();
        let repo = open(&test);
        let mut journal = Journal::open(&repo, &older.id(), actor()).unwrap();
        for n in older.appends + 1..APPENDS_PER_TREE {
            journal.append(remark("x"), &[], now()).unwrap();
            assert_eq!(formats(&repo, &journal).0, older.format, "{n}");
        }
        journal.append(remark("x"), &[], now()).unwrap();
        assert_eq!(formats(&repo, &journal), (FORMAT.to_string(), FORMAT.to_string()));
        is_whole(&repo, journal.run());
    }
}
