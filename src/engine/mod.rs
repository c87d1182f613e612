//! What happens, in which order: step, announce, perform, record.

pub mod deletions;
pub mod drive;
pub mod preflight;
pub mod real;
pub mod start;
