//! Which checkpoints have had their time. It drops nothing itself.

use super::{
    checkpoint::{Made, Why},
    time::{Span, Timestamp},
};

/// How many checkpoints of a chain are kept, for how long, and how much they may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    pub count_max: u32,
    pub age_max: Span,
    pub bytes_max: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            count_max: 500,
            age_max: Span::from_secs(60 * 60 * 24 * 30),
            bytes_max: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// So many of the newest stay whatever their age or size is: the last one is what people come back for.
pub const NEWEST_KEPT: usize = 10;

/// Why a checkpoint is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    Age,
    Count,
    Bytes,
}

impl Expired {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Count => "count",
            Self::Bytes => "bytes",
        }
    }
}

/// Which of these checkpoints, oldest first, have expired. `bytes` is what each one added to the
/// object store. Those that somebody asked for go by age alone. An operation under way keeps its own,
/// and what it goes back to.
#[must_use]
pub fn expired(
    chain: &[Made],
    bytes: &[u64],
    keep: &Keep,
    busy: &[u64],
    now: Timestamp,
) -> Vec<(u64, Expired)> {
    let droppable = chain.len().saturating_sub(NEWEST_KEPT);
    let mut count = chain.len();
    let mut total: u64 = bytes.iter().sum();
    let mut found = Vec::new();
    for (made, bytes) in chain.iter().zip(bytes).take(droppable) {
        let checkpoint = &made.checkpoint;
        if busy.contains(&checkpoint.number) {
            continue;
        }
        let asked = checkpoint.why == Why::Asked;
        let why = if keep.age_max < now.since(checkpoint.at) {
            Expired::Age
        } else if !asked && (keep.count_max as usize) < count {
            Expired::Count
        } else if !asked && keep.bytes_max < total {
            Expired::Bytes
        } else {
            continue;
        };
        count -= 1;
        total = total.saturating_sub(*bytes);
        found.push((checkpoint.number, why));
    }
    found
}
