//! One of the two ways to touch the machine: children, clocks, the environment, signals.

pub mod clock;
pub mod command;
pub mod env;
pub mod fault;
