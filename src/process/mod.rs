//! Children, clocks, signals and the environment: the only room that touches the machine directly.
//!
//! It decides nothing about runs, and knows nothing of git.

pub mod alive;
pub mod clock;
pub mod command;
pub mod coprocess;
pub mod env;
pub mod fault;
pub mod sweep;
pub mod table;
