//! What happens, in which order: step, announce, perform, record.

pub mod bug;
pub mod checkpoint;
pub mod context;
pub mod course;
pub mod deletions;
pub mod drift;
pub mod drive;
pub mod gc;
pub mod hand_over;
pub mod lanes;
pub mod preflight;
pub mod prerequisites;
pub mod proposal;
pub mod real;
pub mod reconcile;
pub mod restore;
pub mod risk;
pub mod start;
