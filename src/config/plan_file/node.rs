//! A tree of values that know their lines: what TOML and JSON have in common. It knows no field
//! of a plan.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value as Json;

use crate::domain::plan_check::Located;

/// How deep values may stand in each other; the deepest that a plan itself needs is six.
pub(super) const DEPTH_MAX: usize = 32;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// As JSON writes it.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// Each key once, in the order of the file.
    Table(Vec<Field>),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: Located<String>,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "a null",
            Value::Bool(_) => "a yes or no",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Compact JSON with sorted keys: the same for the same value in any format.
    pub(super) fn canonical(&self) -> Cow<'_, str> {
        match &self.value {
            Value::Null => "null".into(),
            Value::Bool(true) => "true".into(),
            Value::Bool(false) => "false".into(),
            Value::Number(number) => number.into(),
            Value::Text(text) => json_text(text).into(),
            Value::List(items) => json_list(items.iter().map(Self::canonical)).into(),
            Value::Table(fields) => {
                let fields = fields.iter();
                let fields: BTreeMap<&str, Cow<'_, str>> = fields
                    .map(|field| (field.key.value.as_str(), field.node.canonical()))
                    .collect();
                json_table(&fields).into()
            }
        }
    }
}

pub(super) fn json_text(text: &str) -> String {
    Json::from(text).to_string()
}

pub(super) fn json_list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> String {
    let items: Vec<S> = items.into_iter().collect();
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("[{}]", items.join(","))
}

pub(super) fn json_table<V: AsRef<str>>(fields: &BTreeMap<&str, V>) -> String {
    let pairs = fields.iter();
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{}:{}", json_text(key), value.as_ref())).collect();
    format!("{{{}}}", pairs.join(","))
}
