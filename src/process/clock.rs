//! The only place that reads a clock.
#![expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{Duration, Instant, SystemTime},
};

use crate::domain::time::Timestamp;

#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// How long ago `time` was; nothing when it lies ahead.
#[must_use]
pub fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

/// Some number below `max`, another one for every process and call.
#[must_use]
pub fn jitter(max: u64) -> u64 {
    RandomState::new().hash_one(Instant::now()) % max.max(1)
}

/// Five bytes that nobody else will have in the same second.
#[must_use]
pub fn nonce() -> [u8; 5] {
    let state = RandomState::new().hash_one((Instant::now(), std::process::id()));
    let bytes = state.to_le_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]]
}
