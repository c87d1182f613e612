//! One test for each way in which tools like this one have lost somebody's work.
//!
//! `GIT_RUN_TESTS=long` kills at every crash point, and more often at random.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests start processes, and may panic"
)]

mod support;

#[path = "incidents/elsewhere.rs"]
mod elsewhere;
#[path = "incidents/fixture.rs"]
mod fixture;
#[path = "incidents/hostile.rs"]
mod hostile;
#[path = "incidents/ignored.rs"]
mod ignored;
#[path = "incidents/killed.rs"]
mod killed;
#[path = "incidents/left_out.rs"]
mod left_out;
#[path = "incidents/names.rs"]
mod names;
#[path = "incidents/progress.rs"]
mod progress;
#[path = "incidents/settings.rs"]
mod settings;
#[path = "incidents/trouble.rs"]
mod trouble;
#[path = "incidents/untouched.rs"]
mod untouched;
