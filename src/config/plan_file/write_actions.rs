//! A plan as `actions.json`. What that format asks for and the plan does not say is filled in with
//! what holds anyway: everything may be read, and what may be written is what the plan says.

use std::collections::BTreeMap;

use super::{
    freeze, json,
    node::{Field, Node, Value, json_list, json_table, json_text},
};
use crate::domain::plan::Plan;

type Fields<'n> = BTreeMap<&'n str, String>;

/// Nothing where a field of the plan is none that the format can hold.
#[must_use]
pub fn to_actions(plan: &Plan) -> Option<String> {
    let root = json::parse(&freeze::to_json(plan)).ok()?;
    let mut fields = rest(&root, &["format", "id", "sprint", "actions_version"]);
    let sprints = list(&root, "sprint");
    let tasks: Vec<&Node> = sprints.iter().flat_map(|sprint| list(sprint, "task")).collect();
    fields.insert("version", "1".to_owned());
    fields.insert("tasks", json_list(tasks.iter().map(|task| self::task(task))));
    let said = field(&root, "parallel_execution");
    let parallel = said.map(|said| parallel(said, &tasks));
    fields.insert(
        "parallel_execution",
        parallel.unwrap_or_else(|| r#"{"enabled":false}"#.to_owned()),
    );
    let text = json_table(&fields);
    let pretty: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(format!("{}\n", serde_json::to_string_pretty(&pretty).ok()?))
}

fn task(said: &Node) -> String {
    let mut fields = rest(
        said,
        &["title", "writes", "acceptance", "spec", "group", "file_scope", "id", "owner"],
    );
    let text = |key| field(said, key).map(|node| node.canonical().into_owned());
    fields.insert("id", text("id").unwrap_or_default());
    fields.insert("summary", text("title").unwrap_or_default());
    fields.insert("owner", text("owner").unwrap_or_else(|| json_text("implementor")));
    let mut scope = field(said, "file_scope").map(|node| rest(node, &[])).unwrap_or_default();
    scope.entry("allow").or_insert_with(|| r#"["./"]"#.to_owned());
    scope.extend(text("writes").map(|writes| ("writes", writes)));
    fields.insert("file_scope", json_table(&scope));
    let criteria = list(said, "acceptance");
    let mut said: Vec<String> =
        (1..).zip(criteria).map(|(number, node)| criterion(number, node)).collect();
    if said.is_empty() {
        said.push(r#"{"id":"AC-1","statement":"it is done"}"#.to_owned());
    }
    fields.insert("acceptance_criteria", json_list(said));
    json_table(&fields)
}

fn criterion(number: usize, node: &Node) -> String {
    let mut fields = rest(node, &[]);
    if let Value::Text(_) = &node.value {
        fields.insert("statement", node.canonical().into_owned());
    }
    fields.entry("id").or_insert_with(|| json_text(&format!("AC-{number}")));
    json_table(&fields)
}

/// The groups as they were, with the tasks that say that they are in them.
fn parallel(said: &Node, tasks: &[&Node]) -> String {
    let members = |group: &Node| {
        let name = field(group, "group_id").map(|id| id.canonical().into_owned());
        let own = tasks.iter().filter(|task| {
            name.is_some() && field(task, "group").map(|g| g.canonical().into_owned()) == name
        });
        let mut fields = rest(group, &[]);
        let ids = own.filter_map(|task| field(task, "id"));
        fields.insert("tasks", json_list(ids.map(|id| id.canonical().into_owned())));
        json_table(&fields)
    };
    let mut fields = rest(said, &[]);
    let groups = list(said, "groups");
    if !groups.is_empty() {
        fields.insert("groups", json_list(groups.iter().map(members)));
    }
    json_table(&fields)
}

fn field<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Value::Table(fields) = &node.value else { return None };
    fields.iter().find(|field| field.key.value == key).map(|field| &field.node)
}

fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    match field(node, key).map(|node| &node.value) {
        Some(Value::List(items)) => items,
        Some(_) | None => &[],
    }
}

fn rest<'n>(node: &'n Node, known: &[&str]) -> Fields<'n> {
    let Value::Table(fields) = &node.value else { return Fields::new() };
    let others = fields.iter().filter(|field: &&Field| !known.contains(&&*field.key.value));
    others.map(|f| (f.key.value.as_str(), f.node.canonical().into_owned())).collect()
}
