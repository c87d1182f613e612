//! Time as a value. Nothing here reads a clock.

use std::fmt;

/// Milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The years 1970 to 9999, without the last days, which cannot be written in every time zone; what
    /// a clock or a journal says outside of them is held at the ends.
    const MAX_MILLIS: i64 = 253_402_207_199_999;

    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, Self::MAX_MILLIS))
    }

    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; nothing when the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        Span(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    #[must_use]
    pub fn after(self, span: Span) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(span.0).unwrap_or(i64::MAX)))
    }
}

/// A length of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    #[must_use]
    pub const fn from_hours(hours: u64) -> Self {
        Self::from_secs(hours.saturating_mul(3600))
    }

    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `8h`, `90m`, `1h30m`, `45s`, `250ms`; a bare number is hours, as the older tools had it. No time
    /// at all is none: whoever writes a 0 means something else than to stop before the beginning.
    pub fn parse(text: &str) -> Result<Self, BadSpan> {
        let bad = || BadSpan(text.chars().take(40).collect());
        let some = |span: Self| if span == Self::ZERO { Err(bad()) } else { Ok(span) };
        if let Ok(hours) = text.parse::<u32>() {
            return some(Self::from_hours(u64::from(hours)));
        }
        let mut total = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
            rest = &rest[digits..];
            let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let unit = match &rest[..end] {
                "d" => 86_400_000,
                "h" => 3_600_000,
                "m" | "min" => 60_000,
                "s" => 1_000,
                "ms" => 1,
                _ => return Err(bad()),
            };
            total = number.checked_mul(unit).and_then(|n| total.checked_add(n)).ok_or_else(bad)?;
            rest = &rest[end..];
        }
        some(Self(total))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0 / 1000;
        let text = match (secs / 3600, secs / 60 % 60, secs % 60) {
            (0, 0, 0) => format!("{}ms", self.0),
            (0, 0, s) => format!("{s}s"),
            (0, m, 0) => format!("{m}m"),
            (0, m, s) => format!("{m}m{s}s"),
            (h, 0, _) => format!("{h}h"),
            (h, m, _) => format!("{h}h{m}m"),
        };
        f.pad(&text)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time: say it like `8h`, `90m` or `1h30m`")]
pub struct BadSpan(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_backwards_gives_no_time_at_all() {
        let (early, late) = (Timestamp::from_millis(5), Timestamp::from_millis(9));
        assert_eq!(late.since(early), Span::from_millis(4));
        assert_eq!(early.since(late), Span::ZERO);
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, millis) in [
            ("8", 28_800_000),
            ("8h", 28_800_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("2d", 172_800_000),
        ] {
            assert_eq!(Span::parse(text), Ok(Span::from_millis(millis)), "{text}");
        }
        for bad in [
            "",
            "0",
            "0h",
            "0m0s",
            "h",
            "8x",
            "-1h",
            "1.5h",
            "99999999999999999999h",
            "8h ",
            "4294967296999999999d",
        ] {
            assert!(Span::parse(bad).is_err(), "{bad:?}");
        }
    }
}
