//! Arbitrary bytes at every reader of what strangers write: none may panic, and none may accept what
//! it would not write itself. `PROPTEST_CASES=100000 cargo test --test fuzz` goes deeper.

use git_run::{
    agents::report_file,
    config::{plan_file, workflow_file},
    domain::{
        finding::{FINDINGS_MAX, MESSAGE_BYTES_MAX},
        ice::name::Protection,
        id::{ItemId, Oid, RunId},
        limits::micros,
        secret::{is_secret_path, redact},
        time::Span,
    },
    git::parameters,
    report::sanitise::sanitise,
    store::{
        layout,
        message::Message,
        wire::{event, state},
    },
};
use proptest::prelude::*;

/// Text that is nearly right: the words of the formats, in any order, with anything between them.
fn nearly(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(words).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => any::<i64>().prop_map(|number| number.to_string()),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\"v\"",
    "\"seq\"",
    "\"at\"",
    "\"event\"",
    "\"data\"",
    "\"actor\"",
    "\"lease\"",
    "\"lamport\"",
    "\"verdict\"",
    "\"findings\"",
    "\"rule\"",
    "\"message\"",
    "\"pass\"",
    "\"format\"",
    "\"charter\"",
    "1",
    "null",
    "true",
    "1e999",
    "-0",
    "\"2026-11-21T03:52:33.123Z\"",
    "\"stage-ended\"",
    "\\u0000",
    "\u{202e}",
];
const TOML: &[&str] = &[
    "\n",
    "[[stage]]",
    "[[sprint]]",
    "[[sprint.task]]",
    "format",
    "id",
    "name",
    "duty",
    "back_to",
    "title",
    " = ",
    "\"",
    "'",
    "1",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    "'build'",
    "'judge'",
    "\"\"\"",
    "#",
];

proptest! {
    #[test]
    fn no_reader_panics_at_arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = event::decode(&text);
        let _ = state::decode(&bytes);
        let _ = Message::parse(&bytes);
        let _ = report_file::parse(&bytes);
        let _ = workflow_file::read(&text);
        let _ = parameters::parse(&text);
        let _ = is_secret_path(&bytes);
        for name in ["x.toml", "x.json", "x.md"] {
            let _ = plan_file::read(name, &text);
        }
    }

    #[test]
    fn no_reader_of_json_panics_at_nearly_right_text(text in nearly(JSON)) {
        let _ = event::decode(&text);
        let _ = state::decode(text.as_bytes());
        let _ = plan_file::read("x.json", &text);
        if let Ok(report) = report_file::parse(text.as_bytes()) {
            prop_assert!(report.findings.len() <= FINDINGS_MAX);
            prop_assert!(report.findings.iter().all(|finding| finding.message.len() <= MESSAGE_BYTES_MAX));
        }
    }

    #[test]
    fn no_reader_of_toml_panics_at_nearly_right_text(text in nearly(TOML)) {
        let _ = workflow_file::read(&text);
        let _ = plan_file::read("x.toml", &text);
    }

    #[test]
    fn a_name_that_is_taken_is_safe_in_a_ref_and_in_a_path(text in any::<String>()) {
        if let Ok(name) = ItemId::parse(&text) {
            prop_assert!(!name.as_str().contains(['/', '\\', '\0', ':', '~', '^', '?', '*', '[', ' ']));
            prop_assert!(!name.as_str().contains("..") && !name.as_str().starts_with(['-', '.']));
        }
        let _ = Oid::parse(&text);
        let _ = micros(&text);
        let _ = Span::parse(&text);
        let _ = Protection::configured(std::slice::from_ref(&text)).of(&text);
    }

    #[test]
    fn only_a_journals_own_ref_leads_to_its_run(text in "refs/run/[a-z0-9./-]{0,40}(/journal)?") {
        if let Some(run) = layout::run_of_journal(&text) {
            prop_assert_eq!(layout::journal(&run), text);
        }
    }

    #[test]
    fn a_run_leads_to_its_journal_and_back(text in "[a-z0-9][a-z0-9-]{0,60}") {
        let run = RunId::parse(&text).unwrap();
        prop_assert_eq!(layout::run_of_journal(&layout::journal(&run)), Some(run));
    }

    #[test]
    fn what_is_shown_holds_no_control_character(text in any::<String>()) {
        prop_assert!(sanitise(&text).chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
    }

    #[test]
    fn redacting_twice_is_redacting_once(text in any::<String>()) {
        let once = redact(&text);
        prop_assert_eq!(redact(&once), once);
    }
}
