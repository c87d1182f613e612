//! `docs/FORMAT.md` is true: its examples are read by the real decoders, and nothing is left out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;

use git_run::{
    agents::report_file,
    config::{plan_file, workflow_file},
    domain::{
        deletion::{DELETED_KEPT_MAX, DELETED_PATH_BYTES_MAX},
        event::Event,
    },
    store::{
        journal, message, notes,
        wire::{checkpoint, deletion, event, note, policy, state},
    },
};

const FORMAT: &str = include_str!("../docs/FORMAT.md");

/// The examples that are tagged so, without the fences.
fn examples(tag: &str) -> Vec<&'static str> {
    let tag = format!("<!-- {tag} -->\n```");
    let found: Vec<_> = FORMAT
        .split(&tag)
        .skip(1)
        .map(|rest| rest.split_once('\n').unwrap().1.split_once("\n```").unwrap().0)
        .collect();
    assert!(!found.is_empty(), "no example of `{tag}`");
    found
}

/// Every kind that the code knows, by name, from its source: there is no list at run time.
fn kinds() -> BTreeSet<String> {
    let source = include_str!("../src/domain/event.rs");
    let table = source.split_once("pub fn kind(&self) -> &str {").unwrap().1;
    let names = table.lines().filter_map(|line| line.split_once("=> \""));
    names.map(|(_, name)| name.split_once('"').unwrap().0.to_owned()).collect()
}

#[test]
fn every_event_is_read_and_written_again_to_the_byte() {
    let mut seen = BTreeSet::new();
    for line in examples("event") {
        let envelope = event::decode(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(!matches!(envelope.event, Event::Newer { .. }), "{line}");
        assert_eq!(event::encode(&envelope), line);
        assert!(FORMAT.contains(&format!("#### `{}`", envelope.event.kind())));
        seen.insert(envelope.event.kind().to_owned());
    }
    assert!(25 < kinds().len());
    assert_eq!(seen, kinds(), "every kind has an example, and no other kind has");
}

#[test]
fn every_state_is_read_and_written_again_to_the_byte() {
    for text in examples("state") {
        let run = state::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(state::encode(&run), text);
    }
}

#[test]
fn a_message_is_read_as_the_grammar_says() {
    for text in examples("message") {
        let parsed = message::Message::parse(format!("{text}\n").as_bytes()).unwrap();
        assert_eq!(parsed.text(text.lines().next().unwrap()), format!("{text}\n"));
        let last = event::decode(parsed.lines.last().unwrap()).unwrap();
        assert_eq!(last.seq, parsed.seq);
    }
}

#[test]
fn the_frozen_documents_are_read_and_written_again() {
    let created = examples("event")[0];
    let Event::RunCreated(charter) = event::decode(created).unwrap().event else {
        panic!("the first example creates a run")
    };
    let protected = ["main".to_owned(), "master".to_owned()];
    let agents: policy::Agents = [("implement", "claude -p"), ("review", "steps")]
        .map(|(stage, words)| (stage.to_owned(), words.split(' ').map(str::to_owned).collect()))
        .into();
    assert_eq!(
        policy::encode(
            &charter,
            &protected,
            &agents,
            Some("https://host/ada/project"),
            &[("gates", serde_json::json!({}))].into()
        ),
        examples("policy")[0]
    );
    assert_eq!(policy::agents(examples("policy")[0].as_bytes()), Ok(agents));
    for text in examples("plan") {
        let plan = plan_file::read("plan.json", text).unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(plan_file::to_json(&plan), text);
    }
    for text in examples("workflow") {
        workflow_file::read(text).unwrap();
    }
    for text in examples("report") {
        report_file::parse(text.as_bytes()).unwrap();
    }
}

#[test]
fn a_note_and_a_lease_are_what_is_written() {
    let of = |kind: &str| {
        let lines = examples("event").into_iter().map(|line| event::decode(line).unwrap());
        lines.map(|found| found.event).find(|event| event.kind() == kind).unwrap()
    };
    let (Event::RunCreated(charter), Event::StageStarted(start), Event::WorkCommitted(mut work)) =
        (of("run-created"), of("stage-started"), of("work-committed"))
    else {
        panic!("examples of the wrong kind")
    };
    work.left_out.clear();
    let origin = note::Origin {
        run: charter.run.clone(),
        item: start.item,
        stage: start.stage,
        cycle: start.cycle,
        agent: start.agent,
    };
    assert_eq!(note::encode(&origin, &work), examples("note")[0]);
    let deleted =
        examples("event").into_iter().find_map(|line| match event::decode(line).unwrap().event {
            Event::WorkCommitted(work) if 0 < work.deleted.more => Some(work.deleted),
            _ => None,
        });
    work.deleted = deleted.unwrap();
    assert_eq!(note::encode(&origin, &work), examples("note")[1]);
    assert_eq!(deletion::encode(&work.deleted.kept[0]), examples("deletion")[0]);
    let Event::LeaseTaken { generation, holder } = of("lease-taken") else { panic!() };
    let lease = examples("lease")[0];
    let Event::CallsHeld { until } = of("calls-held") else { panic!() };
    let until = git_run::domain::time::Timestamp::from_millis(until.millis() - 55 * 60 * 1000);
    let written = git_run::store::wire::lease::encode(
        &charter.run,
        generation,
        &holder,
        "5b1d7c90aa",
        Some(until),
    );
    assert_eq!(written, lease);
}

#[test]
fn a_checkpoint_and_its_record_are_read_and_written_again_to_the_byte() {
    let tree = git_run::domain::id::Oid::parse(&"a".repeat(40)).unwrap();
    for line in examples("checkpoint") {
        assert_eq!(checkpoint::encode(&checkpoint::decode(line, &tree).unwrap()), line);
        let unknown = line.replacen("{", "{\"aaa\":[1],", 1);
        let moved = checkpoint::moved(&unknown, None, &tree).unwrap();
        assert!(moved.contains("\"aaa\":[1]") && moved.contains("\"previous\":null"), "{moved}");
        assert_eq!(checkpoint::decode(&moved, &tree).unwrap().was, Some(tree.clone()));
    }
    for text in examples("record") {
        let record = checkpoint::decode_record(text.as_bytes()).unwrap();
        assert_eq!(checkpoint::encode_record(&record), format!("{text}\n"));
    }
    assert_eq!((examples("checkpoint").len(), examples("record").len()), (1, 1));
}

#[test]
fn the_table_of_bounds_has_the_numbers_of_the_code() {
    for (name, number) in [
        ("EVENT_BYTES_MAX", event::EVENT_BYTES_MAX as u64),
        ("EVENTS_PER_APPEND_MAX", message::EVENTS_PER_APPEND_MAX as u64),
        ("MESSAGE_BYTES_MAX", message::MESSAGE_BYTES_MAX),
        ("APPENDS_PER_TREE", journal::APPENDS_PER_TREE as u64),
        ("STATE_BYTES_MAX", state::STATE_BYTES_MAX),
        ("NOTE_BYTES_MAX", notes::NOTE_BYTES_MAX),
        ("REPORT_BYTES_MAX", report_file::REPORT_BYTES_MAX),
        ("WORKFLOW_BYTES_MAX", workflow_file::WORKFLOW_BYTES_MAX as u64),
        ("CHECKPOINT_BYTES_MAX", checkpoint::CHECKPOINT_BYTES_MAX),
        ("RECORD_BYTES_MAX", checkpoint::RECORD_BYTES_MAX),
        ("NAME_BYTES_MAX", git_run::domain::id::NAME_BYTES_MAX as u64),
        ("FINDINGS_MAX", git_run::domain::finding::FINDINGS_MAX as u64),
        ("DELETED_KEPT_MAX", DELETED_KEPT_MAX as u64),
        ("DELETED_PATH_BYTES_MAX", DELETED_PATH_BYTES_MAX as u64),
    ] {
        let row = format!("| `{name}` | {number} |");
        assert!(FORMAT.contains(&row), "{row}");
    }
}

#[test]
fn a_gates_report_is_read_and_written_again() {
    for text in examples("gate") {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let report = git_run::report::gate::read(&value).unwrap();
        let mut again = git_run::report::gate::json(&report);
        // A fingerprint is made of the finding, and not read.
        again["findings"][0]["fingerprint"] = value["findings"][0]["fingerprint"].clone();
        assert_eq!(again, value);
    }
}
