//! Every decision, pure: no IO, no clock, no environment, no randomness.

pub mod id;
pub mod near;
pub mod plan;
pub mod plan_check;
pub mod plan_graph;
pub mod plan_spec;
pub mod time;
