//! The clock: the one place that asks what time it is, and since which boot.
//!
//! It never waits, and never decides anything by what it read.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::domain::time::Timestamp;

/// The wall clock. It may jump, so nothing is ordered by it.
#[must_use]
pub fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// The same, for the times of files.
#[must_use]
pub fn file_time() -> SystemTime {
    SystemTime::now()
}

/// A clock that never goes backwards, for deadlines. It stands still while the machine sleeps.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Which boot of this machine it is; process ids and start times mean something within one only.
#[must_use]
pub fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    let plain = !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| id.to_owned())
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
    let mut bytes = [0; 5];
    let state = RandomState::new().hash_one((Instant::now(), std::process::id()));
    bytes.copy_from_slice(&state.to_le_bytes()[..5]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_after_this_was_written() {
        assert!(Timestamp::from_millis(1_760_000_000_000) < now());
        assert_eq!(boot_id(), boot_id());
    }
}
