//! Deterministic gates: facts are looked up here, commands are run here, and `domain::check` decides.
//!
//! It takes nobody's word for a result: not an agent's, and not a file's.

mod adherence;
mod artifacts;
mod commands;
mod docs;
pub mod known;
mod machine;
mod papers;
mod registry;
mod secrets;
mod sight;

pub mod examine;
pub mod script;
