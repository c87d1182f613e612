//! The lease of a run as it is shared between machines.

use serde::{Deserialize, Serialize};

use super::{DecodeError, FORMAT, Text, canonical, event::ProcessDoc, garbled};
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

/// Generation, holder and end of a lease.
pub fn decode(line: &str) -> Result<(u64, ProcessMark, Option<Timestamp>), DecodeError> {
    #[derive(Deserialize)]
    struct Known {
        generation: u64,
        holder: ProcessDoc,
        until: Option<Text<Timestamp>>,
    }
    let Known { generation, holder, until } =
        serde_json::from_str(line).map_err(garbled("a lease"))?;
    Ok((generation, holder.into(), until.map(|until| until.0)))
}
