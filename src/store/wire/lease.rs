//! The lease of a run as it is shared between machines.

use serde::Serialize;

use super::{FORMAT, Text, canonical, event::ProcessDoc};
use crate::domain::{event::ProcessMark, id::RunId, time::Timestamp};

#[derive(Debug, Serialize)]
struct LeaseDoc<'a> {
    v: u32,
    run: Text<RunId>,
    generation: u64,
    holder: ProcessDoc,
    nonce: &'a str,
    /// Nothing when it was given back.
    until: Option<Text<Timestamp>>,
}

#[must_use]
pub fn encode(
    run: &RunId,
    generation: u64,
    holder: &ProcessMark,
    nonce: &str,
    until: Option<Timestamp>,
) -> String {
    canonical(&LeaseDoc {
        v: FORMAT,
        run: Text(run.clone()),
        generation,
        holder: holder.into(),
        nonce,
        until: until.map(Text),
    })
}
