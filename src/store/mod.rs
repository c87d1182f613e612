//! `refs/run/*` and the notes: layout, wire format, journal, leases. Decides nothing about runs.

pub mod catalog;
pub mod checkpoints;
mod glance;
pub mod history;
pub mod hold;
pub mod intent;
pub mod journal;
pub mod layout;
pub mod message;
pub mod notes;
pub mod received;
pub mod signatures;
pub mod transcript;
pub mod verdicts;
pub mod wire;
