//! What is appended is read again, whatever was appended.

use git_run::{
    domain::{
        event::{Event, Place, Rollback, RollbackKind},
        id::Oid,
    },
    store::{
        history,
        journal::{APPENDS_PER_TREE, AppendError, Artifact, Journal},
        wire::{FORMAT, event::EVENT_BYTES_MAX},
    },
};

use crate::{
    fixture::{actor, chain, charter, created, file, now, open, remark, run_id},
    support::TestRepo,
};

#[test]
fn a_journal_is_reopened_as_it_was_left_after_every_append() {
    for init in [&[][..], &["--ref-format=reftable"], &["--object-format=sha256"]] {
        let repo = TestRepo::with(init);
        let repo = open(&repo);
        let mut journal = created(&repo);
        for n in 0..2 * APPENDS_PER_TREE + 5 {
            if init.is_empty() || n % 20 == 0 {
                let again = Journal::open(&repo, &run_id(), actor()).unwrap();
                assert_eq!((again.run(), again.tip()), (journal.run(), journal.tip()), "{n}");
            }
            let artifacts = if n % 50 == 30 {
                vec![Artifact { path: format!("reports/{n}.json"), content: b"{}".to_vec() }]
            } else {
                Vec::new()
            };
            let mut events = remark(format!("remark {n}\n\"\\ \u{1b}[31m é \u{202e}"));
            events.extend(remark("seq: 7\nbase: 9\n{}"));
            journal.append(events, &artifacts, now()).unwrap();
        }
        let run = journal.run().clone();
        assert_eq!(run.seq, 1 + 2 * (2 * APPENDS_PER_TREE as u64 + 5));
        assert_eq!(history::replay(&repo, &run_id()).unwrap(), run);
        let found = history::verify(&repo, &run_id()).unwrap();
        assert_eq!((found.run, found.appends), (run, 2 * APPENDS_PER_TREE + 6));
        let report = history::read_file(&repo, &run_id(), "artifacts/reports/30.json", 100);
        assert_eq!(report.unwrap().as_deref(), Some(&b"{}"[..]));
    }
}

#[test]
fn a_tree_is_written_with_every_64th_append_and_with_every_artifact() {
    let repo = TestRepo::new();
    let repo = open(&repo);
    let mut journal = created(&repo);
    for n in 1..=100 {
        let artifact = Artifact { path: "a/b".into(), content: b"x".to_vec() };
        let artifacts = if n == 70 { vec![artifact] } else { Vec::new() };
        journal.append(remark("x"), &artifacts, now()).unwrap();
    }
    let chain = chain(&repo);
    let fresh = (1..chain.len()).filter(|at| chain[*at].tree != chain[at - 1].tree);
    assert_eq!(fresh.collect::<Vec<_>>(), [64, 70]);
    let base = |at: usize| {
        let text = String::from_utf8(chain[at].message.clone()).unwrap();
        text.lines().last().unwrap().to_owned()
    };
    assert_eq!(
        [base(0), base(63), base(64), base(69), base(70), base(100)],
        ["base: 1", "base: 1", "base: 65", "base: 65", "base: 71", "base: 71"]
    );
    let tree: &Oid = &chain[100].tree;
    for (name, lines) in [
        ("0000000001-0000000001.jsonl", 1),
        ("0000000002-0000000065.jsonl", 64),
        ("0000000066-0000000071.jsonl", 6),
    ] {
        let segment = String::from_utf8(file(&repo, tree, &["events", name])).unwrap();
        assert_eq!(segment.lines().count(), lines, "{name}");
    }
    assert_eq!(file(&repo, tree, &["format"]), format!("{FORMAT}\n").into_bytes());
}

#[test]
fn an_event_that_could_not_be_read_again_is_not_written() {
    let repo = TestRepo::new();
    let repo = open(&repo);
    let mut journal = created(&repo);
    let tip = journal.tip().clone();
    let refused = journal.append(remark("x".repeat(EVENT_BYTES_MAX)), &[], now());
    assert!(matches!(refused, Err(AppendError::Other(_))), "{refused:?}");
    assert!(
        journal
            .append(std::iter::repeat_n(remark("x"), 17).flatten().collect(), &[], now())
            .is_err()
    );
    // All or none: a good one before a bad one does not land either.
    let mut mixed = remark("good");
    mixed.push(Event::RunResumed);
    assert!(matches!(journal.append(mixed, &[], now()), Err(AppendError::Refused(_))));
    assert_eq!(journal.tip(), &tip);
    journal.refresh().unwrap();
    assert_eq!(journal.tip(), &tip);
    journal.append(Vec::new(), &[], now()).unwrap();
    assert_eq!(journal.tip(), &tip, "nothing is nothing");
}

#[test]
fn a_run_of_too_much_work_is_refused_before_it_exists() {
    let repo = TestRepo::new();
    let repo = open(&repo);
    let mut charter = charter(&repo);
    charter.branch = "x".repeat(EVENT_BYTES_MAX);
    let frozen = git_run::store::journal::Frozen {
        plan: String::new(),
        policy: String::new(),
        workflow: String::new(),
    };
    let event = Event::RunCreated(Box::new(charter));
    assert!(Journal::create(&repo, actor(), event, &frozen, &[], now()).is_err());
    assert_eq!(repo.refs().list("refs/run/").unwrap(), []);
}

#[test]
fn a_journal_of_another_run_is_not_opened() {
    let repo = TestRepo::new();
    let tip = created(&open(&repo)).tip().clone();
    repo.git(&["update-ref", "refs/run/other/journal", tip.as_str()]);
    let repo = open(&repo);
    let other = git_run::domain::id::RunId::parse("other").unwrap();
    assert!(Journal::open(&repo, &other, actor()).is_err());
    assert!(history::verify(&repo, &other).is_err());
}

#[test]
fn a_checkpoint_and_a_rollback_are_kept_and_the_newest_checkpoint_is_shown() {
    let test = TestRepo::new();
    let repo = open(&test);
    let mut journal = created(&repo);
    let shown = || {
        let text = test.run(&["status", "--verbose"]).ends(0).out;
        (test.run(&["status", "--json"]).ends(0).json()["checkpoint"].clone(), text)
    };
    let (json, text) = shown();
    assert!(json.is_null() && !text.contains("checkpoint"), "{text}");
    let commit = repo.head().unwrap().commit.unwrap();
    for number in [6, 7] {
        let (commit, tree, why) = (commit.clone(), commit.clone(), "asked for".into());
        let event = Event::CheckpointMade { number, commit, tree, why };
        journal.append(vec![event], &[], now()).unwrap();
    }
    let (json, text) = shown();
    assert!(json == 7 && text.contains(" checkpoint 7\n"), "{text}");
    let path = "rollback/0007.json".to_owned();
    let back = Rollback {
        how: RollbackKind::Rollback,
        to: 6,
        commit: commit.clone(),
        saved: 7,
        head: commit.clone(),
        tree: commit,
        place: Place::Start,
        report: Some(format!("artifacts/{path}")),
    };
    let artifact = Artifact { path, content: b"{}".to_vec() };
    journal.append(vec![Event::RolledBack(Box::new(back))], &[artifact], now()).unwrap();
    assert_eq!(shown().0, 7);
    assert_eq!(history::verify(&repo, &run_id()).unwrap().run, *journal.run());
    assert_eq!(Journal::open(&repo, &run_id(), actor()).unwrap().run(), journal.run());
}
