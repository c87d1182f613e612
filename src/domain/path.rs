//! A path as text. git's paths are bytes, and what is written down or shown is Unicode.

/// The path as a text, and its bytes in hex where the text alone would lose some of them.
#[must_use]
pub fn spell(path: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(path) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => {
            let hex = path.iter().map(|byte| format!("{byte:02x}")).collect();
            (String::from_utf8_lossy(path).into_owned(), Some(hex))
        }
    }
}

/// The path that was spelled so; nothing when the hex is none.
#[must_use]
pub fn unspell(text: &str, hex: Option<&str>) -> Option<Vec<u8>> {
    let Some(hex) = hex else { return Some(text.as_bytes().to_vec()) };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_read_as_it_was_spelled() {
        for (path, text, hex) in [
            (&b"src/a.rs"[..], "src/a.rs", None),
            ("\u{e9}|\n".as_bytes(), "\u{e9}|\n", None),
            (b"bad\xff", "bad\u{fffd}", Some("626164ff")),
            (b"\xc3", "\u{fffd}", Some("c3")),
        ] {
            assert_eq!(spell(path), (text.to_owned(), hex.map(str::to_owned)));
            assert_eq!(unspell(text, hex).as_deref(), Some(path));
        }
        for bad in ["6", "6g", "+1"] {
            assert_eq!(unspell("a", Some(bad)), None, "{bad}");
        }
    }
}
