//! Hand a whole plan to AI coding agents and still trust the repository afterwards.
//!
//! The rooms, from the inside out; `docs/ARCHITECTURE.md` is their map, and `tests/tidy.rs` holds it.

#![forbid(unsafe_code)]

pub mod domain;
pub mod process;
