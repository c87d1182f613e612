//! A path as it is written: `path` is text, and where the bytes are none, `path_hex` holds them too.

use serde::{Deserialize, Serialize};

use crate::domain::path;

/// To be flattened into the document that has the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SpelledDoc", into = "SpelledDoc")]
pub(super) struct PathDoc(pub(super) Vec<u8>);

#[derive(Debug, Serialize, Deserialize)]
struct SpelledDoc {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
}

impl From<PathDoc> for SpelledDoc {
    fn from(doc: PathDoc) -> Self {
        let (path, path_hex) = path::spell(&doc.0);
        Self { path, path_hex }
    }
}

impl TryFrom<SpelledDoc> for PathDoc {
    type Error = String;

    fn try_from(doc: SpelledDoc) -> Result<Self, String> {
        let bytes = path::unspell(&doc.path, doc.path_hex.as_deref());
        bytes.map(Self).ok_or_else(|| "`path_hex` is not hex".to_owned())
    }
}
