//! A plan as TOML, for people to go on with.

use std::fmt::Write as _;

use super::{
    Format, freeze, json,
    node::{Field, Node, Value, json_text},
    read_as,
};
use crate::domain::{id::PlanId, plan::Plan};

/// Nothing where TOML cannot say it, like a null or a number that is too large.
#[must_use]
pub fn to_toml(plan: &Plan) -> Option<String> {
    let root = json::parse(&freeze::to_json(plan)).ok()?;
    let mut out = String::from("format = 1\n");
    let sprints = table(&mut out, &root, &["id", "title"], &["format", "sprint"])?;
    for sprint in sprints {
        out.push_str("\n[[sprint]]\n");
        for task in table(&mut out, sprint, &["id", "title", "goal"], &["task"])? {
            out.push_str("\n[[sprint.task]]\n");
            table(&mut out, task, &["id", "title"], &["spec"])?;
        }
    }
    let name = PlanId::as_str(&plan.id);
    (read_as(Format::Toml, name, &out).as_ref() == Ok(plan)).then_some(out)
}

/// The fields of a table, those of `first` before the others; what is under the last of `apart` is
/// handed back.
fn table<'n>(
    out: &mut String,
    said: &'n Node,
    first: &[&str],
    apart: &[&str],
) -> Option<&'n [Node]> {
    let Value::Table(fields) = &said.value else { return None };
    let key = |field: &Field| field.key.value.clone();
    let lead = first.iter().filter_map(|name| fields.iter().find(|field| key(field) == *name));
    let others = fields.iter().filter(|f| !first.contains(&&*key(f)) && !apart.contains(&&*key(f)));
    for field in lead.chain(others) {
        let _ = writeln!(out, "{} = {}", name(&field.key.value), value(&field.node, true)?);
    }
    let items = fields.iter().find(|field| Some(&&*key(field)) == apart.last());
    match items.map(|field| &field.node.value) {
        Some(Value::List(items)) => Some(items),
        Some(_) | None => Some(&[]),
    }
}

fn name(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { text(key) }
}

/// A list of a field has a line for each item where one of them is long.
fn value(node: &Node, outermost: bool) -> Option<String> {
    const LIST_CHARS_MAX: usize = 80;
    Some(match &node.value {
        Value::Null => return None,
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(said) => text(said),
        Value::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| value(item, false)).collect();
            let items = items?;
            if outermost && LIST_CHARS_MAX < items.iter().map(|item| item.len() + 2).sum() {
                format!("[\n  {},\n]", items.join(",\n  "))
            } else {
                format!("[{}]", items.join(", "))
            }
        }
        Value::Table(fields) => {
            let pair =
                |f: &Field| Some(format!("{} = {}", name(&f.key.value), value(&f.node, false)?));
            let pairs: Option<Vec<String>> = fields.iter().map(pair).collect();
            let pairs = pairs?;
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
    })
}

/// JSON's escapes are TOML's, but that TOML wants one for the last control character, too.
fn text(said: &str) -> String {
    json_text(said).replace('\u{7f}', "\\u007F")
}
