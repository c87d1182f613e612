//! Children, clocks, signals and the environment: the only room that touches the machine directly.
//!
//! It decides nothing about runs, and knows nothing of git.

pub mod clock;
pub mod env;
pub mod fault;
