//! What `--json` prints has the fields that `docs/FORMAT.md` lists, no more and no fewer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::collections::BTreeSet;

use serde_json::Value;
use support::{ONE_SPRINT, TestRepo};

const FORMAT: &str = include_str!("../docs/FORMAT.md");

/// The fields that the table of answers names for a schema.
fn documented(schema: &str) -> BTreeSet<String> {
    let row = FORMAT.lines().find(|line| line.starts_with(&format!("| `{schema}` |")));
    let row = row.unwrap_or_else(|| panic!("{schema} is not documented"));
    let mut depth = 0;
    let mut found = BTreeSet::new();
    for (at, part) in row.split(" | ").nth(2).unwrap().split('`').enumerate() {
        if at % 2 == 0 {
            depth += part.matches('(').count();
            depth -= part.matches(')').count();
        } else if depth == 0 {
            found.insert(part.to_owned());
        }
    }
    found
}

#[track_caller]
fn agrees(answer: &Value) {
    let schema = answer["schema"].as_str().unwrap();
    let printed: BTreeSet<String> = answer.as_object().unwrap().keys().cloned().collect();
    let printed: BTreeSet<String> =
        printed.into_iter().filter(|key| key != "schema" && !key.ends_with("_hex")).collect();
    assert_eq!(printed, documented(schema), "{schema}");
}

#[test]
fn loa_112_every_answer_has_the_documented_fields() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    let mut seen = BTreeSet::new();
    for (words, code) in [
        (&["sprint-1", "--dry-run", "--json"][..], 0),
        (&["sprint-plan", "--no-consolidate", "--dry-run", "--json"], 0),
        (&["plan", "graph", "--json"], 0),
        (&["plan", "context", "T-1", "--json"], 0),
        (&["workflow", "list", "--json"], 0),
        (&["workflow", "show", "tdd", "--json"], 0),
        (&["workflow", "check", "--json"], 0),
        (&["gate", "--list", "--json"], 0),
        (&["gate", "secrets", "--json"], 0),
        (&["sprint-9", "--json"], 2),
        (&["sprint-1", "--local", "--json"], 0),
        (&["status", "--json"], 0),
        (&["status", "--for-agent", "--json"], 0),
        (&["list", "--json"], 0),
        (&["verify", "--json"], 0),
        (&["show", "provenance", "--json"], 0),
        (&["push", "--dry-run", "--json"], 1),
        (&["pr", "--body-only", "--json"], 0),
        (&["verify", "--push", "HEAD..HEAD", "--onto", "main", "--json"], 0),
        (&["deleted", "--json"], 0),
        (&["reconcile", "--json"], 0),
        (&["plan", "sync", "--json"], 0),
        (&["checkpoint", "--json"], 0),
        (&["checkpoint", "list", "--json"], 0),
        (&["checkpoint", "show", "1", "--json"], 0),
        (&["checkpoint", "diff", "1", "--json"], 0),
        (&["rollback", "--to", "1", "--dry-run", "--json"], 0),
        (&["rollback", "--to", "1", "--json"], 0),
        (&["undo", "--json"], 0),
        (&["redo", "--json"], 0),
        (&["gc", "--json"], 0),
        (&["audit", "--json"], 0),
        (&["hooks", "status", "--json"], 1),
        (&["doctor", "--json"], 0),
        (&["show", "board", "--json"], 0),
        (&["halt", "--force", "--json"], 1),
        (&["fix", "sprint-1", "--message", "it is wrong", "--json"], 0),
    ] {
        let answer = repo.run(words).ends(code).json();
        // Without a run there is less to say of it.
        agrees(&answer);
        seen.insert(answer["schema"].as_str().unwrap().to_owned());
    }
    for line in repo.run(&["log", "--json"]).ends(0).out.lines() {
        agrees(&serde_json::from_str(line).unwrap());
    }
    let rows = FORMAT.lines().filter(|line| line.starts_with("| `git-run/")).count();
    // Two depend on what they found, one needs a run that can still be halted, and what leaves the
    // machine a remote: `tests/gates.rs` and `tests/sync.rs` read those. One needs a run of its own.
    // What a person says needs something that waits: `tests/approvals.rs`.
    assert_eq!(seen.len() + 10, rows, "{seen:?}");
}

#[test]
fn a_step_that_is_handed_out_has_the_documented_fields() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    agrees(&repo.run(&["next", "sprint-1", "--local", "--json"]).ends(0).json());
}
