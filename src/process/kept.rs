//! What is kept of a stream that may be endless: its beginning, its end, and a count of the rest.
//!
//! It never holds more than it was told.

use std::collections::VecDeque;

/// One part of this many is kept of the beginning, the others of the end.
const PARTS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    pub head: Vec<u8>,
    pub tail: Vec<u8>,
    /// How many bytes between `head` and `tail` are missing.
    pub dropped: u64,
    pub total: u64,
}

impl Kept {
    /// Both parts as one, with a line in place of what is missing.
    #[must_use]
    pub fn joined(&self) -> Vec<u8> {
        let mut all = self.head.clone();
        if self.dropped != 0 {
            all.extend_from_slice(format!("\n… {} bytes dropped …\n", self.dropped).as_bytes());
        }
        all.extend_from_slice(&self.tail);
        all
    }
}

#[derive(Debug)]
pub(super) struct Keeping {
    head_max: usize,
    tail_max: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Keeping {
    pub(super) fn new(bytes_max: usize) -> Self {
        let head_max = bytes_max / PARTS;
        let tail_max = bytes_max - head_max;
        Self { head_max, tail_max, head: Vec::new(), tail: VecDeque::new(), total: 0 }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.total += count(chunk.len());
        let (first, rest) = chunk.split_at(chunk.len().min(self.head_max - self.head.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.tail_max)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(self.tail_max);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn done(self) -> Kept {
        let dropped = self.total - count(self.head.len()) - count(self.tail.len());
        Kept { head: self.head, tail: self.tail.into(), dropped, total: self.total }
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept_however_the_bytes_arrive() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for (max, len) in [(80, 1000), (80, 80), (80, 79), (80, 81), (80, 0), (0, 10), (7, 10)] {
            for step in [1, 3, 64, 1000] {
                let mut keeping = Keeping::new(max);
                bytes[..len].chunks(step).for_each(|chunk| keeping.push(chunk));
                let kept = keeping.done();
                let (head, tail) = (kept.head.len(), kept.tail.len());
                assert_eq!(head + tail, len.min(max), "{max} {len} {step}");
                assert_eq!(kept.head, bytes[..head]);
                assert_eq!(kept.tail, bytes[len - tail..len]);
                assert_eq!(kept.dropped, (len - head - tail) as u64);
            }
        }
    }
}
