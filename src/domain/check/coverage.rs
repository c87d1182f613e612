//! The percentage that a command prints.

/// In hundredths of a percent.
pub type Hundredths = u32;

pub const DEFAULT_MIN: Hundredths = 8000;

/// The last percentage of the output, or a number that is alone on its last line; nothing where there is
/// none, or where it is no share of anything.
#[must_use]
pub fn of(output: &str) -> Option<Hundredths> {
    let plain = without_colours(output);
    if let Some(at) = plain.rfind('%') {
        let before = plain[..at].trim_end_matches(' ');
        let digit = |c: char| c.is_ascii_digit() || c == '.';
        let start = before
            .rfind(|c| !digit(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let (ahead, number) = before.split_at(start);
        // `8,95 %` is less than nine in half of the world, and two columns of which one says 95 elsewhere.
        let either = |ahead: &str| ahead.ends_with(|c: char| c.is_ascii_digit());
        if ahead.ends_with('-') || ahead.strip_suffix(',').is_some_and(either) {
            return None;
        }
        return parse(number);
    }
    parse(plain.trim().lines().next_back()?.trim())
}

/// `80`, `80.5` or `80.55`, up to 100; further digits do not count.
#[must_use]
pub fn parse(text: &str) -> Option<Hundredths> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let part: String = part.chars().chain(['0', '0']).take(2).collect();
    let value = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part.parse().ok()?)?;
    (value <= 10_000).then_some(value)
}

#[must_use]
pub fn show(value: Hundredths) -> String {
    match value % 100 {
        0 => format!("{} %", value / 100),
        part => format!("{}.{part:02} %", value / 100),
    }
}

/// What terminals take for colours, `ESC [ … letter`, left out.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.peek() == Some(&'[') {
            chars.by_ref().skip(1).find(|c| c.is_ascii_alphabetic());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_percentage_counts_and_no_number_is_none() {
        for (output, expected) in [
            ("lines: 81.25%", Some(8125)),
            ("a 10%\nTOTAL  20  3  85 %\n", Some(8500)),
            ("83.2\n", Some(8320)),
            ("100%", Some(10_000)),
            ("\u{1b}[32m99.999\u{1b}[0m%", Some(9999)),
            ("é80%", Some(8000)),
            ("101%", None),
            ("-5%", None),
            ("12 passed", None),
            ("%", None),
            ("", None),
            ("1.2.3%", None),
            ("79,9%", None),
            ("8,95 %", None),
            ("src/a.rs,85%", Some(8500)),
            ("1,234, 85.5%", Some(8550)),
            (",%", None),
        ] {
            assert_eq!(of(output), expected, "{output:?}");
        }
        assert_eq!((show(8000), show(8105)), ("80 %".to_owned(), "81.05 %".to_owned()));
    }
}
