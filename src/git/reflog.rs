//! What git wrote down about a ref's movements.

use std::fs;

use super::Repo;
use crate::domain::{id::Oid, time::Timestamp};

/// Of a longer log only the end is read.
const LOG_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub old: Option<Oid>,
    pub new: Option<Oid>,
    pub at: Timestamp,
    pub message: String,
}

impl Repo {
    /// The log of a ref, oldest first; empty where git keeps none as a file.
    #[must_use]
    pub fn reflog(&self, name: &str) -> Vec<LogLine> {
        let bytes = fs::read(self.common_dir().join("logs").join(name)).unwrap_or_default();
        let end = &bytes[bytes.len().saturating_sub(LOG_BYTES_MAX)..];
        end.split(|byte| *byte == b'\n').filter_map(line).collect()
    }
}

/// `<old> <new> <name> <<mail>> <seconds> <zone>TAB<message>`
fn line(line: &[u8]) -> Option<LogLine> {
    let line = String::from_utf8_lossy(line);
    let (head, message) = line.split_once('\t').unwrap_or((&line, ""));
    let mut ids = head.splitn(3, ' ');
    let id = |text: &str| -> Option<Option<Oid>> {
        let id = Oid::parse(text).ok()?;
        Some((!text.bytes().all(|byte| byte == b'0')).then_some(id))
    };
    let (old, new) = (id(ids.next()?)?, id(ids.next()?)?);
    let seconds: i64 = ids.next()?.rsplit(' ').nth(1)?.parse().ok()?;
    let at = Timestamp::from_millis(seconds.checked_mul(1000)?);
    Some(LogLine { old, new, at, message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whoever_moved_the_ref() {
        let (a, zero) = ("a".repeat(40), "0".repeat(40));
        let read =
            line(format!("{zero} {a} A B <a@b c> 1700000000 +0100\tupdate by push").as_bytes());
        let read = read.unwrap();
        assert_eq!((read.old, read.new), (None, Some(Oid::parse(&a).unwrap())));
        assert_eq!(
            (read.at.millis(), read.message.as_str()),
            (1_700_000_000_000, "update by push")
        );
        for bad in [String::new(), format!("{a} x"), format!("{a} {a} A <b> x +0"), "\t".to_owned()]
        {
            assert_eq!(line(bad.as_bytes()), None, "{bad}");
        }
    }
}
