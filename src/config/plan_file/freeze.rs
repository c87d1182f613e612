//! A plan as the canonical JSON that is kept with a run: sorted keys, compact, and for each task
//! the digest that shows later whether someone touched it.

use std::collections::BTreeMap;

use super::{
    node::{json_list, json_table, json_text},
    schema::FORMAT,
};
use crate::domain::plan::{Extra, Plan, Sprint, Task};

type Fields<'p> = BTreeMap<&'p str, String>;

/// The same plan gives the same text, and [`read`](super::read) gives the same plan back.
#[must_use]
pub fn to_json(plan: &Plan) -> String {
    let mut fields = unknown(&plan.extra);
    fields.insert("format", FORMAT.to_string());
    fields.insert("id", json_text(plan.id.as_str()));
    fields.insert("title", json_text(&plan.title));
    fields.insert("sprint", json_list(plan.sprints.iter().map(sprint)));
    json_table(&fields)
}

fn sprint(sprint: &Sprint) -> String {
    let mut fields = unknown(&sprint.extra);
    fields.insert("id", json_text(sprint.id.as_str()));
    fields.insert("title", json_text(&sprint.title));
    if let Some(goal) = &sprint.goal {
        fields.insert("goal", json_text(goal));
    }
    fields.insert("task", json_list(sprint.tasks.iter().map(task)));
    json_table(&fields)
}

fn task(task: &Task) -> String {
    let mut fields = unknown(&task.extra);
    fields.insert("id", json_text(task.id.as_str()));
    fields.insert("title", json_text(&task.title));
    let mut list = |key, texts: Vec<&str>| {
        if !texts.is_empty() {
            fields.insert(key, json_list(texts.into_iter().map(json_text)));
        }
    };
    list("acceptance", task.acceptance.iter().map(String::as_str).collect());
    list("writes", task.writes.iter().map(|scope| scope.as_str()).collect());
    list("depends_on", task.depends_on.iter().map(|id| id.as_str()).collect());
    if !task.from.is_empty() {
        let sources = task.from.iter().map(|source| json_text(&source.pinned()));
        fields.insert("from", json_list(sources));
    }
    for (key, label) in [("owner", &task.owner), ("group", &task.group)] {
        if let Some(label) = label {
            fields.insert(key, json_text(label));
        }
    }
    if !task.steps.is_empty() {
        let commands = |texts: &[String]| json_list(texts.iter().map(|text| json_text(text)));
        let stages = task.steps.iter();
        let stages: Fields<'_> =
            stages.map(|(stage, texts)| (stage.as_str(), commands(texts))).collect();
        fields.insert("steps", json_table(&stages));
    }
    fields.insert("spec", json_text(task.spec.as_str()));
    json_table(&fields)
}

fn unknown(extra: &Extra) -> Fields<'_> {
    extra.iter().map(|(key, json)| (key.as_str(), json.clone())).collect()
}
