//! What strangers wrote, made safe for a terminal: a commit's subject or an agent's output must not
//! move the cursor, write the clipboard or turn the direction of the text.

/// Replaces control characters but line feeds and tabs, and drops what cannot be seen.
#[must_use]
pub fn sanitise(text: &str) -> String {
    text.chars()
        .filter(|c| !is_invisible(*c))
        .map(|c| if is_control(c) { '\u{fffd}' } else { c })
        .collect()
}

/// The same for a text that must stay on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    sanitise(text).replace(['\n', '\t'], " ")
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_reaches_the_terminal() {
        assert_eq!(
            sanitise("a\x1b]52;c;x\x07b\u{9b}1m\r\nc\td"),
            "a\u{fffd}]52;c;x\u{fffd}b\u{fffd}1m\u{fffd}\nc\td"
        );
        assert_eq!(one_line("a\nb\u{202e}c"), "a bc");
    }
}
