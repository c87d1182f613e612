//! Every decision, pure: no IO, no clock, no environment, no randomness.

pub mod id;
pub mod plan;
pub mod time;
