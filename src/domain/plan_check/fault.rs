//! One thing that is wrong with a plan file, and what to do about it. It never prints.

/// The longest piece of a stranger's text that a message repeats.
const QUOTE_CHARS_MAX: usize = 80;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Counted from one.
    pub line: u32,
    pub what: String,
    pub fix: String,
}

impl Fault {
    pub fn new(line: u32, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { line, what: what.into(), fix: fix.into() }
    }
}

/// What a file says, in backticks, cut and made safe to print on one line.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for c in text.chars().take(QUOTE_CHARS_MAX) {
        if c.is_control() || is_deceptive(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(QUOTE_CHARS_MAX).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

/// Characters that make a text read otherwise than it is: direction marks, invisible line ends,
/// and the tag characters that smuggle whole sentences past a human reader.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
