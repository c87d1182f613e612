//! Hand a whole plan to AI coding agents and still trust the repository afterwards.
//!
//! The rooms, from the outside in; `docs/ARCHITECTURE.md` is their map, and `tests/suite/tidy.rs` holds it.

#![forbid(unsafe_code)]

pub mod cli;

pub mod engine;
pub mod guard;
pub mod sync;

pub mod agents;
pub mod config;
pub mod gates;
pub mod store;

pub mod forge;
pub mod git;
pub mod process;

pub mod report;

pub mod domain;
