//! Children, clocks, signals and the environment: the only room that touches the machine directly.
//!
//! It decides nothing about runs, and knows nothing of git.

pub mod agent;
pub mod alive;
pub mod ancestry;
pub mod clock;
pub mod command;
pub mod control;
pub mod coprocess;
pub mod env;
pub mod fault;
pub mod kept;
pub mod private;
pub mod replace;
pub mod runtime;
pub mod stop;
pub mod supervisor;
pub mod sweep;
pub mod table;
