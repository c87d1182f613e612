//! One commit of a journal as text: a sentence for people, one JSON line per event, two trailers.

use super::wire::{DecodeError, event::EVENT_BYTES_MAX};

/// Events that one append may hold.
pub const EVENTS_PER_APPEND_MAX: usize = 16;
pub const MESSAGE_BYTES_MAX: u64 = (EVENTS_PER_APPEND_MAX * EVENT_BYTES_MAX) as u64 + 4096;
const SUBJECT_BYTES_MAX: usize = 200;
const WHAT: &str = "a journal's commit";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub lines: Vec<String>,
    /// The last event of this commit, and the last one that the tree's state holds.
    pub seq: u64,
    pub base: u64,
}

impl Message {
    #[must_use]
    pub fn text(&self, subject: &str) -> String {
        let mut subject: String = subject.chars().filter(|c| !c.is_control()).collect();
        crate::domain::finding::cut(&mut subject, SUBJECT_BYTES_MAX);
        let Self { lines, seq, base } = self;
        format!("{subject}\n\n{}\n\nseq: {seq}\nbase: {base}\n", lines.join("\n"))
    }

    pub fn parse(message: &[u8]) -> Result<Self, DecodeError> {
        let bad = |why: &str| DecodeError::Garbled { what: WHAT, why: why.to_owned() };
        let text = std::str::from_utf8(message).map_err(|_| bad("it is not UTF-8"))?;
        let (mut lines, mut seq, mut base) = (Vec::new(), None, None);
        for line in text.split('\n').skip(1) {
            if line.starts_with('{') {
                lines.push(line.to_owned());
            } else if let Some(number) = line.strip_prefix("seq: ") {
                seq = number.parse().ok();
            } else if let Some(number) = line.strip_prefix("base: ") {
                base = number.parse().ok();
            }
        }
        match (seq, base) {
            (Some(seq), Some(base)) if base <= seq && 1 <= seq => Ok(Self { lines, seq, base }),
            _ => Err(bad("its trailers `seq:` and `base:` are missing or contradict each other")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message =
            Message { lines: vec!["{\"a\":1}".into(), "{\"b\":2}".into()], seq: 9, base: 7 };
        let text = message.text("sprint-2: review found 3 findings\n(cycle 2)");
        assert_eq!(Message::parse(text.as_bytes()), Ok(message));
        assert_eq!(text.lines().next(), Some("sprint-2: review found 3 findings(cycle 2)"));
    }

    #[test]
    fn a_message_that_lost_its_trailers_is_refused() {
        for bad in [
            "",
            "x",
            "x\n\n{}\n",
            "x\n\n{}\n\nseq: 1\n",
            "x\n\nseq: 1\nbase: 2\n",
            "x\n\nseq: 0\nbase: 0\n",
        ] {
            assert!(Message::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Message::parse(b"x\n\n\xff\n\nseq: 1\nbase: 1\n").is_err());
    }
}
