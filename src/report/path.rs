//! Paths for machines: git allows any byte but NUL in them. For people: `sanitise::name`.

use serde_json::{Map, Value};

use crate::domain::path;

/// `path`, and `path_hex` where the bytes are no text.
#[must_use]
pub fn fields(path: &[u8]) -> Map<String, Value> {
    let (text, hex) = path::spell(path);
    let mut fields = Map::new();
    fields.insert("path".into(), text.into());
    if let Some(hex) = hex {
        fields.insert("path_hex".into(), hex.into());
    }
    fields
}
