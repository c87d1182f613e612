//! A place in a JSON file that knows its path: `tasks[3].file_scope.writes[0]`.

use crate::{
    config::plan_file::node::{Field, Node, Value},
    domain::{
        plan::Extra,
        plan_check::{Fault, Located, Text, quoted},
    },
};

#[derive(Default)]
pub(super) struct Reader {
    pub(super) faults: Vec<Fault>,
}

#[derive(Clone)]
pub(super) struct Cursor<'n> {
    pub(super) path: String,
    pub(super) node: &'n Node,
}

impl Reader {
    pub(super) fn fault(&mut self, line: u32, path: &str, what: &str, fix: impl Into<String>) {
        self.faults.push(Fault::new(line, format!("`{path}`: {what}"), fix));
    }

    /// What names its place itself.
    pub(super) fn flaw(&mut self, line: u32, what: String, fix: &str) {
        self.faults.push(Fault::new(line, what, fix));
    }

    fn wrong(&mut self, at: &Cursor<'_>, wanted: &str) {
        let what = format!("it is {}, not {wanted}", at.node.kind());
        self.fault(at.node.line, &at.path, &what, format!("write {wanted}"));
    }
}

impl<'n> Cursor<'n> {
    pub(super) fn root(node: &'n Node) -> Self {
        Self { path: String::new(), node }
    }

    pub(super) fn line(&self) -> u32 {
        self.node.line
    }

    pub(super) fn beneath(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn field(&self, key: &str) -> Option<Self> {
        let Value::Table(fields) = &self.node.value else { return None };
        let found = fields.iter().find(|field| field.key.value == key)?;
        let absent = matches!(found.node.value, Value::Null);
        (!absent).then(|| Self { path: self.beneath(key), node: &found.node })
    }

    pub(super) fn table(&self, reader: &mut Reader) -> Option<Self> {
        if let Value::Table(_) = &self.node.value {
            return Some(self.clone());
        }
        reader.wrong(self, "an object");
        None
    }

    pub(super) fn text(&self, key: &str, reader: &mut Reader) -> Option<Text> {
        self.field(key)?.as_text(reader)
    }

    fn as_text(&self, reader: &mut Reader) -> Option<Text> {
        if let Value::Text(text) = &self.node.value {
            return Some(Located::new(self.node.line, text.as_str()));
        }
        reader.wrong(self, "a text");
        None
    }

    /// A stand-in where it is missing, for what already has its fault.
    pub(super) fn required(&self, key: &str, reader: &mut Reader) -> Text {
        if self.field(key).is_none() {
            let fix = format!("write `\"{key}\": \"...\"`");
            reader.fault(self.line(), &self.beneath(key), "it is missing", fix);
        }
        let stand_in = || Located::new(self.line(), format!("line-{}", self.line()));
        self.text(key, reader).unwrap_or_else(stand_in)
    }

    pub(super) fn truth(&self, key: &str, reader: &mut Reader) -> Option<Located<bool>> {
        let said = self.field(key)?;
        if let Value::Bool(truth) = &said.node.value {
            return Some(Located::new(said.node.line, *truth));
        }
        reader.wrong(&said, "`true` or `false`");
        None
    }

    /// A whole number from one on; one where it is missing or wrong.
    pub(super) fn count(&self, key: &str, reader: &mut Reader) -> Located<u32> {
        let Some(said) = self.field(key) else {
            let path = self.beneath(key);
            reader.fault(self.line(), &path, "it is missing", "write a whole number from 1 on");
            return Located::new(self.line(), 1u32);
        };
        let number = match &said.node.value {
            Value::Number(digits) => digits.parse().ok().filter(|number| 1 <= *number),
            _ => None,
        };
        if number.is_none() {
            reader.wrong(&said, "a whole number from 1 on");
        }
        Located::new(said.node.line, number.unwrap_or(1u32))
    }

    /// The items under `key`; none where it is missing.
    pub(super) fn list(&self, key: &str, reader: &mut Reader) -> Vec<Self> {
        let Some(said) = self.field(key) else { return Vec::new() };
        let Value::List(items) = &said.node.value else {
            reader.wrong(&said, "a list");
            return Vec::new();
        };
        let item = |(at, node)| Self { path: format!("{}[{at}]", said.path), node };
        items.iter().enumerate().map(item).collect()
    }

    pub(super) fn texts(&self, key: &str, reader: &mut Reader) -> Vec<Text> {
        self.list(key, reader).iter().filter_map(|item| item.as_text(reader)).collect()
    }

    /// A text that need not be there, and says something where it is.
    pub(super) fn hint(&self, key: &str, meant: &str, reader: &mut Reader) {
        if let Some(said) = self.field(key) {
            let what = format!("{} is no field here", quoted(key));
            reader.fault(said.line(), &said.path, &what, format!("write `{meant}`"));
        }
    }

    /// Every field but these, as canonical JSON.
    pub(super) fn rest(&self, known: &[&str]) -> Extra {
        let Value::Table(fields) = &self.node.value else { return Extra::new() };
        let unknown = fields.iter().filter(|field: &&Field| !known.contains(&&*field.key.value));
        unknown.map(|f| (f.key.value.clone(), f.node.canonical().into_owned())).collect()
    }
}
