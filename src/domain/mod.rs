//! Every decision, pure: no IO, no clock, no environment, no randomness.

pub mod clearance;
pub mod event;
pub mod finding;
pub mod id;
pub mod item;
pub mod limits;
pub mod outcome;
pub mod plan;
pub mod protected;
pub mod request;
pub mod run;
pub mod secret;
pub mod step;
pub mod tale;
pub mod time;
pub mod view;
pub mod workflow;
