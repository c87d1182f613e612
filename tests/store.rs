//! The store under attack: journals, leases, intents, notes, and every kind of repository.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unnecessary_wraps,
    reason = "tests start processes, and may panic"
)]

mod support;

#[path = "store/fixture.rs"]
mod fixture;
#[path = "store/hostile.rs"]
mod hostile;
#[path = "store/journal.rs"]
mod journal;
#[path = "store/notes.rs"]
mod notes;
#[path = "store/older.rs"]
mod older;
#[path = "store/places.rs"]
mod places;
#[path = "store/tamper.rs"]
mod tamper;
#[path = "store/trouble.rs"]
mod trouble;
#[path = "store/writers.rs"]
mod writers;
