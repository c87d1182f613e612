//! Paths as people and machines see them: git allows any byte but NUL in them.

use serde_json::{Map, Value};

/// As it is where that is harmless; else in quotes, with what is odd escaped.
#[must_use]
pub fn shown(path: &[u8]) -> String {
    let plain = std::str::from_utf8(path).ok().filter(|text| {
        !text.is_empty()
            && *text == super::sanitise::one_line(text)
            && !text.contains(['"', '\\', '\u{fffd}'])
            && text.trim() == *text
    });
    match plain {
        Some(text) => text.to_owned(),
        None => quoted(path),
    }
}

fn quoted(path: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                c if super::sanitise::one_line(c.encode_utf8(&mut [0; 4])) != c.to_string() => {
                    out.push_str(&c.escape_unicode().to_string());
                }
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\{byte:03o}"));
        }
    }
    out.push('"');
    out
}

/// `path`, and `path_hex` where the bytes are no text.
#[must_use]
pub fn fields(path: &[u8]) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("path".into(), String::from_utf8_lossy(path).into());
    if std::str::from_utf8(path).is_err() {
        let hex: String = path.iter().map(|byte| format!("{byte:02x}")).collect();
        fields.insert("path_hex".into(), hex.into());
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_told_apart_and_move_no_cursor() {
        for (path, expected) in [
            (b"src/a b.rs".as_slice(), "src/a b.rs"),
            ("é|-x".as_bytes(), "é|-x"),
            (b"a\nb", "\"a\\nb\""),
            (b"\x1b[2J", "\"\\u{1b}[2J\""),
            (b"\xff", "\"\\377\""),
            (b" a", "\" a\""),
            (b"say \"x\"", "\"say \\\"x\\\"\""),
            ("a\u{202e}b".as_bytes(), "\"a\\u{202e}b\""),
        ] {
            assert_eq!(shown(path), expected);
        }
    }
}
