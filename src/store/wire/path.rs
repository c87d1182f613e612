//! A path as JSON: its text, and its bytes where they are no text.

use serde::{Deserialize, Serialize};

/// `path` alone where the bytes are UTF-8; else `path` is for eyes and `path_hex` has the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathDoc {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
}

impl PathDoc {
    #[must_use]
    pub fn new(path: &[u8]) -> Self {
        match std::str::from_utf8(path) {
            Ok(text) => Self { path: text.to_owned(), path_hex: None },
            Err(_) => Self {
                path: String::from_utf8_lossy(path).into_owned(),
                path_hex: Some(path.iter().map(|byte| format!("{byte:02x}")).collect()),
            },
        }
    }

    /// The bytes; nothing when the hex is no hex.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let Some(hex) = &self.path_hex else { return Some(self.path.clone().into_bytes()) };
        let digits = hex.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        (digits.len() % 2 == 0).then(|| digits.chunks(2).map(byte).collect())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_survives_as_its_bytes() {
        for path in [b"a".as_slice(), "é\n|\"".as_bytes(), b"\xff\xfe/x", b""] {
            assert_eq!(PathDoc::new(path).bytes().as_deref(), Some(path));
        }
        let bad = PathDoc { path: "x".into(), path_hex: Some("0".into()) };
        assert_eq!(bad.bytes(), None);
    }
}
