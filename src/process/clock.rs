//! The clock: the one place that asks what time it is, and since which boot.
//!
//! It never waits, and never decides anything by what it read.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// The wall clock. It may jump, so nothing is ordered by it.
#[must_use]
pub fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_after_this_was_written() {
        assert!(Timestamp::from_millis(1_760_000_000_000) < now());
        assert_eq!(boot_id(), boot_id());
    }
}
