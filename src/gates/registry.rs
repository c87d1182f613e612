//! The registry of documents, as JSON of the tree that is judged.

use serde::Deserialize;
use serde_json::Value;

use super::sight::Sight;
use crate::domain::{
    check::{
        finding,
        registry::{ENTRIES_MAX, Entry, is_plain, said},
    },
    finding::{Finding, Severity},
};

const REGISTRY_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Debug, Deserialize)]
struct RegistryDoc {
    version: Option<Value>,
    docs: Vec<Value>,
}

/// What the registry names, or everything that is wrong with it.
pub(super) fn read(
    sight: &Sight<'_>,
    at: &str,
) -> anyhow::Result<Result<Vec<Entry>, Vec<Finding>>> {
    let one = |message: String| vec![fault(at, message)];
    let Some(file) = sight.file(at.as_bytes())? else {
        return Ok(Err(one("the registry of documents is set, and is not there".to_owned())));
    };
    let text = sight.looked().blob(&file.id, REGISTRY_BYTES_MAX)?;
    let read: RegistryDoc = match serde_json::from_slice(&text) {
        Ok(read) => read,
        Err(error) => return Ok(Err(one(format!("it is no registry: {error}")))),
    };
    if read.version.as_ref().is_some_and(|version| version.as_u64() != Some(1)) {
        return Ok(Err(one("its `version` is not 1".to_owned())));
    }
    if ENTRIES_MAX < read.docs.len() {
        return Ok(Err(one(format!("it names more than {ENTRIES_MAX} documents"))));
    }
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (place, doc) in read.docs.iter().enumerate() {
        match entry(doc) {
            Ok(entry) => entries.push(entry),
            Err(what) => faults.push(fault(at, format!("`docs[{place}]` {what}"))),
        }
    }
    Ok(if faults.is_empty() { Ok(entries) } else { Err(faults) })
}

/// Each document says what it is called, where it is, of which type and tier, and when it is read.
fn entry(doc: &Value) -> Result<Entry, String> {
    let text = |key: &str| {
        let found = doc.get(key).and_then(Value::as_str).map(str::trim);
        let found = found.filter(|text| !text.is_empty());
        found.map(str::to_owned).ok_or_else(|| format!("has no `{key}`"))
    };
    let (id, path) = (text("id")?, text("path")?);
    text("type")?;
    if doc.get("tier").and_then(Value::as_u64).is_none() {
        text("tier").map_err(|_| "has no `tier`, a number or a word".to_owned())?;
    }
    let when = doc.get("when").and_then(Value::as_array);
    let listed = when.is_some_and(|all| {
        let is_said = |one: &Value| one.as_str().is_some_and(|text| !text.trim().is_empty());
        !all.is_empty() && all.iter().all(is_said)
    });
    if !listed {
        text("when").map_err(|_| "has no `when`, a text or a list of them".to_owned())?;
    }
    if !is_plain(&path) {
        return Err(format!("is at `{}`, which is no file below the top", said(&path)));
    }
    Ok(Entry { id, path })
}

fn fault(at: &str, message: String) -> Finding {
    finding("bad-registry", Severity::High, Some(at.as_bytes()), message)
}
