//! From a plan to the page. What the page would say otherwise than the plan goes into a comment.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    super::{
        freeze::to_json,
        json,
        node::{Field, Node, Value, json_table, json_text},
    },
    COMMENT, COMMENT_END, SHOWN,
    phrases::{self, Head},
};
use crate::domain::{
    fix::{FixType, MENDS_KEY, TYPE_KEY},
    id::TaskId,
    plan::Plan,
    plan_graph,
    queue::{Kind, Stand, Status},
};

/// Where the tasks of a run stand; nothing for the words of the plan itself.
pub type Statuses = BTreeMap<TaskId, Status>;

/// The same plan gives the same page. The statuses, where there are any, take the place of those
/// that the plan says itself.
#[must_use]
pub fn to_tasks(plan: &Plan, statuses: Option<&Statuses>) -> String {
    let frozen = to_json(plan);
    let root = json::parse(&frozen).unwrap_or(Node { line: 1, value: Value::Table(Vec::new()) });
    let mut whole = Rest::of(&root);
    let mut out = String::new();
    let title = whole.take_text("title").unwrap_or_default();
    let _ = writeln!(out, "# {title}");
    whole.drop("format");
    let sprints = whole.take("sprint");
    let log = whole.take_if("session_log", log_items);
    if !whole.0.is_empty() {
        out.push('\n');
    }
    comment(&mut out, "", whole.0);
    for sprint in items(sprints) {
        self::sprint(&mut out, sprint, statuses);
    }
    let _ = writeln!(out, "\n## Dependency graph\n\n```mermaid\n{}```", plan_graph::mermaid(plan));
    if let Some(log) = log {
        out.push_str("\n## Session log\n\n");
        log.iter().for_each(|item| out.push_str(&format!("- {item}\n")));
    }
    out
}

fn sprint(out: &mut String, said: &Node, statuses: Option<&Statuses>) {
    let mut rest = Rest::of(said);
    let (id, title) = rest.names();
    let heading = format!("{id}: {title}");
    let _ = writeln!(out, "\n## {heading}");
    let understood = Head::Sprint { id: Some(id.clone()), title: title.clone() };
    let head = phrases::head(2, &heading);
    if head != understood {
        rest.say("kind", json_text("sprint"));
        rest.say("id", json_text(&id));
        rest.say("title", json_text(&title));
    }
    let tasks = rest.take("task");
    let goal = rest.take_if("goal", |node| text(node).filter(|text| is_plain(text)));
    if !rest.0.is_empty() {
        out.push('\n');
    }
    comment(out, "", rest.0);
    if let Some(goal) = goal {
        let _ = writeln!(out, "\nGoal: {goal}");
    }
    for task in items(tasks) {
        self::task(out, task, statuses);
    }
}

fn task(out: &mut String, said: &Node, statuses: Option<&Statuses>) {
    let mut rest = Rest::of(said);
    rest.drop("spec");
    let (id, title) = rest.names();
    let heading = format!("{id}: {title}");
    let _ = writeln!(out, "\n### {heading}\n");
    let understood = Head::Task { id: id.clone(), title: title.clone() };
    if phrases::head(3, &heading) != understood {
        rest.say("kind", json_text("task"));
        rest.say("id", json_text(&id));
        rest.say("title", json_text(&title));
    }
    let now = statuses.map(|statuses| {
        rest.drop("status");
        let id = TaskId::parse(&id).ok();
        id.and_then(|id| statuses.get(&id).copied()).unwrap_or(Status::Pending)
    });
    let own = rest.take_if("status", |node| {
        let status = Status::parse(text(node)?)?;
        (Some(status.word()) == text(node) && status != Status::Pending).then_some(status)
    });
    let status = now.or(own).unwrap_or(Status::Pending);
    let mut fields = vec![("Status", status.word().to_owned())];
    let is_source = |text: &str| is_value(text) && phrases::is_source(text);
    let from = rest.take_if("from", |node| match texts(node)?.as_slice() {
        [one] if is_source(one) => Some((*one).to_owned()),
        _ => None,
    });
    let has_from = from.is_some();
    let is_fix = TaskId::parse(&id).is_ok_and(|id| Kind::of(&id) == Kind::Fix);
    fields.extend(from.map(|from| ("Spec", from)));
    for (name, key) in SHOWN.iter().filter(|(_, key)| *key != "status") {
        // A line of this name that names a section would be read as where the task comes from.
        let fits = |text: &&str| {
            let understood = match *key {
                "spec_ref" => !(has_from || is_source(text)),
                TYPE_KEY => is_fix && FixType::parse(text).is_some(),
                MENDS_KEY => is_fix,
                _ => true,
            };
            is_value(text) && understood
        };
        let value = rest.take_if(key, |node| text(node).filter(fits));
        fields.extend(value.map(|value| (*name, value.to_owned())));
    }
    for (name, key, quote) in [("Depends on", "depends_on", ""), ("Files", "writes", "`")] {
        let list = rest.take_if(key, |node| texts(node).filter(|texts| is_list(texts)));
        let list = list.map(|l| l.iter().map(|t| format!("{quote}{t}{quote}")).collect::<Vec<_>>());
        fields.extend(list.map(|list| (name, list.join(", "))));
    }
    let acceptance = rest.take("acceptance");
    let notes =
        rest.take_if("notes", |node| text(node).filter(|text| text.split('\n').all(is_plain)));
    let has_kind = rest.0.contains_key("kind");
    if has_kind {
        // It must follow its heading: without it, nobody knows what the fields are about.
        comment(out, "", std::mem::take(&mut rest.0));
    }
    for (name, value) in fields {
        let _ = writeln!(out, "- {name}: {value}");
    }
    if let Some(notes) = notes {
        out.push('\n');
        notes.split('\n').for_each(|note| out.push_str(&format!("> {note}\n")));
    }
    if !rest.0.is_empty() {
        out.push('\n');
    }
    comment(out, "", rest.0);
    criteria(out, items(acceptance), status);
}

fn criteria(out: &mut String, said: &[Node], status: Status) {
    if !said.is_empty() {
        out.push_str("\nAcceptance:\n");
    }
    let mark = match (status, status.stand()) {
        (Status::Skipped | Status::Superseded, _) | (_, Stand::Open | Stand::Paused) => ' ',
        (_, Stand::Closed) => 'x',
    };
    for node in said {
        let mut rest = Rest::of(node);
        let statement = text(node).map(str::to_owned).or_else(|| rest.take_text("statement"));
        let statement = statement.unwrap_or_default();
        let first = statement.lines().next().unwrap_or_default().trim();
        let _ = writeln!(out, "- [{mark}] {first}");
        if first != statement {
            rest.say("statement", json_text(&statement));
        }
        comment(out, "  ", rest.0);
    }
}

/// The fields of an object that have found no place yet, as canonical JSON.
struct Rest<'n>(BTreeMap<&'n str, Kept<'n>>);

enum Kept<'n> {
    Node(&'n Node),
    Json(String),
}

impl<'n> Rest<'n> {
    fn of(node: &'n Node) -> Self {
        let Value::Table(fields) = &node.value else { return Self(BTreeMap::new()) };
        let pair = |field: &'n Field| (field.key.value.as_str(), Kept::Node(&field.node));
        Self(fields.iter().map(pair).collect())
    }

    fn take(&mut self, key: &str) -> Option<&'n Node> {
        match self.0.remove(key)? {
            Kept::Node(node) => Some(node),
            Kept::Json(_) => None,
        }
    }

    fn drop(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// What is under `key` where the page can say it; else it stays.
    fn take_if<T>(&mut self, key: &str, shown: impl FnOnce(&'n Node) -> Option<T>) -> Option<T> {
        let Some(Kept::Node(node)) = self.0.get(key) else { return None };
        let found = shown(node)?;
        self.0.remove(key);
        Some(found)
    }

    fn take_text(&mut self, key: &str) -> Option<String> {
        self.take_if(key, |node| text(node).map(str::to_owned))
    }

    fn names(&mut self) -> (String, String) {
        (self.take_text("id").unwrap_or_default(), self.take_text("title").unwrap_or_default())
    }

    fn say(&mut self, key: &'n str, json: String) {
        self.0.insert(key, Kept::Json(json));
    }
}

/// One line; `>` only occurs in texts, where it may be escaped, so nothing ends the comment early.
fn comment(out: &mut String, indent: &str, rest: BTreeMap<&str, Kept<'_>>) {
    if rest.is_empty() {
        return;
    }
    let json = |kept: &Kept<'_>| match kept {
        Kept::Node(node) => node.canonical().into_owned(),
        Kept::Json(json) => json.clone(),
    };
    let fields: BTreeMap<&str, String> =
        rest.iter().map(|(key, kept)| (*key, json(kept))).collect();
    let json = json_table(&fields).replace('>', "\\u003e");
    // Everything that some reader takes for the end of a line.
    let json = json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let json = json.replace('\u{85}', "\\u0085");
    let _ = writeln!(out, "{indent}{COMMENT}{json}{COMMENT_END}");
}

fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        Some(_) | None => &[],
    }
}

fn text(node: &Node) -> Option<&str> {
    if let Value::Text(text) = &node.value { Some(text) } else { None }
}

fn texts(node: &Node) -> Option<Vec<&str>> {
    let Value::List(items) = &node.value else { return None };
    items.iter().map(text).collect()
}

fn log_items(node: &Node) -> Option<Vec<&str>> {
    let fits =
        |item: &&str| is_plain(item) && !item.starts_with(['-', '*', '+', '#', '|', '<', '`', '~']);
    texts(node).filter(|items| !items.is_empty() && items.iter().all(fits))
}

/// Whether a line of the page gives it back.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r'])
}

fn is_value(text: &str) -> bool {
    is_plain(text) && !phrases::is_none(text) && !text.contains('`')
}

fn is_list(texts: &[&str]) -> bool {
    let fits = |text: &&&str| is_value(text) && !text.contains(',');
    !texts.is_empty() && texts.iter().all(|text| fits(&text))
}
