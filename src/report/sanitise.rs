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

/// A file's name. One that could be taken for something else is put in quotes, with `\n`, `\xff` and
/// `\u{202e}` for what cannot be shown: nothing of it is lost, and it stays on its line.
#[must_use]
pub fn name(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        chunk.valid().chars().for_each(|c| put(c, &mut text));
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    let plain = text.as_bytes() == path && !text.is_empty() && !text.contains(char::is_whitespace);
    if plain { text } else { format!("\"{text}\"") }
}

fn put(c: char, text: &mut String) {
    match c {
        // It stands for itself between double quotes, and accents follow their letter on some systems.
        '\'' | '\u{300}'..='\u{36f}' => text.push(c),
        '\n' | '\t' | '\r' => text.extend(c.escape_debug()),
        c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if is_invisible(c) => text.extend(c.escape_unicode()),
        c => text.extend(c.escape_debug()),
    }
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
    fn a_name_is_told_from_everything_that_it_could_be_taken_for() {
        for (path, shown) in [
            (&b"src/a-b_c.rs"[..], "src/a-b_c.rs"),
            ("été/日本|*.md".as_bytes(), "été/日本|*.md"),
            ("e\u{301}".as_bytes(), "e\u{301}"),
            (b"-rf", "-rf"),
            (b"it's", "it's"),
            (b"two words", "\"two words\""),
            (b"a\nb\t\r", r#""a\nb\t\r""#),
            (b"\x1b]52;c;x\x07\x7f", r#""\x1b]52;c;x\x07\x7f""#),
            (b"bad\xff\xc3", r#""bad\xff\xc3""#),
            ("\u{9b}\u{202e}\u{2028}\u{feff}".as_bytes(), r#""\u{9b}\u{202e}\u{2028}\u{feff}""#),
            (b"\\n\"", r#""\\n\"""#),
            (b"", "\"\""),
        ] {
            assert_eq!(name(path), shown);
            assert!(!name(path).contains(|c: char| c.is_control() || is_invisible(c)));
        }
    }

    #[test]
    fn no_escape_reaches_the_terminal() {
        assert_eq!(
            sanitise("a\x1b]52;c;x\x07b\u{9b}1m\r\nc\td"),
            "a\u{fffd}]52;c;x\u{fffd}b\u{fffd}1m\u{fffd}\nc\td"
        );
        assert_eq!(one_line("a\nb\u{202e}c"), "a bc");
    }
}
