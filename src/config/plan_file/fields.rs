//! One table of a plan file, asked field by field. A field that is nearly a known one is a fault,
//! because whoever wrote it believes that it counts.

use super::node::{Field, Node, Value};
use crate::domain::{
    near,
    plan::Extra,
    plan_check::{Fault, Located, Text, quoted},
};

/// What other tools call a field of ours.
const SYNONYMS: &[(&str, &str)] = &[
    ("acceptance_criteria", "acceptance"),
    ("criteria", "acceptance"),
    ("dependencies", "depends_on"),
    ("depends", "depends_on"),
    ("deps", "depends_on"),
    ("files", "writes"),
    ("specs", "from"),
    ("sources", "from"),
];

/// Fields that would be lost in silence at any other place, and where each of them counts.
const PLACES: &[(&str, &str)] = &[
    ("sprint", "at the top of the file"),
    ("task", "in a sprint (in TOML: `[[sprint.task]]`)"),
    ("acceptance", "in a task"),
    ("writes", "in a task"),
    ("depends_on", "in a task"),
    ("from", "in a task"),
    ("steps", "in a task"),
];

pub(super) struct Fields<'n> {
    pub(super) what: &'static str,
    pub(super) line: u32,
    fields: &'n [Field],
    known: &'static [&'static str],
}

impl<'n> Fields<'n> {
    pub(super) fn open(
        what: &'static str,
        node: &'n Node,
        known: &'static [&'static str],
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let Value::Table(fields) = &node.value else {
            let said = format!("{what} is {}, not a table", node.kind());
            faults.push(Fault::new(node.line, said, "write it as a table of named fields"));
            return None;
        };
        for field in fields.iter().filter(|field| !known.contains(&field.key.value.as_str())) {
            if let Some(fix) = advice(&field.key.value, known) {
                let said = format!("{} is no field of {what}", quoted(&field.key.value));
                faults.push(Fault::new(field.key.line, said, fix));
            }
        }
        Some(Self { what, line: node.line, fields, known })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.fields.iter().find(|field| field.key.value == key).map(|field| &field.node)
    }

    pub(super) fn text(&self, key: &str, faults: &mut Vec<Fault>) -> Option<Text> {
        let node = self.get(key)?;
        let Value::Text(text) = &node.value else {
            let what = format!("`{key}` of {} is {}, not a text", self.what, node.kind());
            faults.push(Fault::new(node.line, what, "put it in double quotes"));
            return None;
        };
        Some(Located::new(node.line, text.as_str()))
    }

    pub(super) fn truth(&self, key: &str, faults: &mut Vec<Fault>) -> Option<Located<bool>> {
        let node = self.get(key)?;
        let Value::Bool(truth) = &node.value else {
            let what = format!("`{key}` of {} is {}, not a yes or no", self.what, node.kind());
            faults.push(Fault::new(node.line, what, "write `true` or `false`"));
            return None;
        };
        Some(Located::new(node.line, *truth))
    }

    pub(super) fn texts(&self, key: &str, faults: &mut Vec<Fault>) -> Vec<Text> {
        self.get(key).map(|node| texts(key, self.what, node, faults)).unwrap_or_default()
    }

    /// The tables under `key`, each still unopened.
    pub(super) fn list(&self, key: &str, faults: &mut Vec<Fault>) -> &'n [Node] {
        let Some(node) = self.get(key) else { return &[] };
        let Value::List(items) = &node.value else {
            let what = format!("`{key}` of {} is {}, not a list", self.what, node.kind());
            let path = if key == "task" { "sprint.task" } else { key };
            let fix = format!("write `[[{path}]]` with two brackets (in JSON: `\"{key}\": [...]`)");
            faults.push(Fault::new(node.line, what, fix));
            return &[];
        };
        items
    }

    pub(super) fn extra(&self) -> Extra {
        let unknown = |field: &&Field| !self.known.contains(&field.key.value.as_str());
        let unknown = self.fields.iter().filter(unknown);
        unknown.map(|f| (f.key.value.clone(), f.node.canonical().into_owned())).collect()
    }
}

pub(super) fn texts(key: &str, owner: &str, node: &Node, faults: &mut Vec<Fault>) -> Vec<Text> {
    let key = quoted(key);
    let Value::List(items) = &node.value else {
        let what = format!("{key} of {owner} is {}, not a list of texts", node.kind());
        faults.push(Fault::new(node.line, what, "put it in brackets: `[\"...\"]`"));
        return Vec::new();
    };
    let mut texts = Vec::new();
    for item in items {
        if let Value::Text(text) = &item.value {
            texts.push(Located::new(item.line, text.as_str()));
        } else {
            let what = format!("{key} of {owner} holds {}, not a text", item.kind());
            faults.push(Fault::new(item.line, what, "put it in double quotes"));
        }
    }
    texts
}

/// What to do about an unknown field that was meant to be a known one.
fn advice(key: &str, known: &[&str]) -> Option<String> {
    if let Some((_, place)) = PLACES.iter().find(|(word, _)| *word == key) {
        return Some(format!("write it {place}"));
    }
    let folded = key.to_ascii_lowercase().replace('-', "_");
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == folded).map(|(_, meant)| *meant);
    let synonym = synonym.filter(|meant| known.contains(meant));
    let meant = synonym.or_else(|| near::nearest(key, known.iter().copied()))?;
    Some(format!("write `{meant}`"))
}
