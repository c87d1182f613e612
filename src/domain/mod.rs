//! Every decision, pure: no IO, no clock, no environment, no randomness.

pub mod checkpoint;
pub mod deletion;
pub mod drift;
pub mod event;
pub mod finding;
pub mod gate;
pub mod ice;
pub mod id;
pub mod item;
pub mod layer;
pub mod limits;
pub mod near;
pub mod outcome;
pub mod path;
pub mod plan;
pub mod plan_check;
pub mod plan_graph;
pub mod plan_spec;
pub mod reconcile;
pub mod request;
pub mod restore;
pub mod retention;
pub mod run;
pub mod secret;
pub mod share;
pub mod source;
pub mod step;
pub mod tale;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod view;
pub mod workflow;
