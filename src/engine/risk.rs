//! Whether a run may begin although a mistake would cost much.

use serde_json::{Value, json};

use super::{
    course::Course,
    preflight::Unfit,
    start::{NotStarted, Request},
};
use crate::{
    config::settings::Settings,
    domain::{
        plan::Plan,
        risk::{self, Action, Danger, Risk, action},
    },
};

/// Words that a message lists.
const WORDS_SHOWN_MAX: usize = 5;

/// What is risky about a run, and what follows from it.
#[derive(Debug, Clone)]
pub struct Found {
    pub danger: Danger,
    pub risks: Vec<Risk>,
    /// A dangerous stage that the run takes.
    pub stage: Option<String>,
    pub action: Action,
    /// Whether whoever looks on has to agree; else they are only told.
    pub asks: bool,
    allowed: bool,
}

impl Found {
    /// As the policy keeps it.
    #[must_use]
    pub fn value(&self) -> Value {
        let words = self.risks.iter().map(|risk| json!([risk.word, risk.place]));
        json!({
            "danger": self.danger.word(),
            "words": words.collect::<Vec<_>>(),
            "allowed": self.allowed,
        })
    }

    /// In one line, for whoever decides.
    #[must_use]
    pub fn says(&self) -> String {
        let mut words: Vec<_> = self.risks.iter().map(|risk| risk.word).collect();
        words.dedup();
        let more = words.len().saturating_sub(WORDS_SHOWN_MAX);
        words.truncate(WORDS_SHOWN_MAX);
        let more = if 0 < more { format!(" and {more} more") } else { String::new() };
        match (&self.stage, words.is_empty()) {
            (Some(stage), _) => format!("the stage `{stage}` is of {} danger", self.danger.word()),
            (None, false) => format!("the work is risky: {}{more}", words.join(", ")),
            (None, true) => "the work is not risky".to_owned(),
        }
    }
}

/// Refused where nobody looks on and nobody allowed it.
pub fn look(
    settings: &Settings,
    request: &Request,
    course: &Course,
    plan: &Plan,
) -> Result<Found, NotStarted> {
    let is_item = |id: &str| course.items.iter().any(|item| item.as_str() == id);
    let tasks = plan
        .tasks()
        .filter(|(sprint, task)| is_item(sprint.id.as_str()) || is_item(task.id.as_str()));
    let risks = risk::of_tasks(tasks.map(|(_, task)| task));
    let taken = |id: &crate::domain::id::StageId| {
        course.stages.iter().any(|shape| shape.id == *id && shape.is_taken())
    };
    let stage = course
        .workflow
        .stages()
        .iter()
        .filter(|stage| taken(stage.id()) && Danger::High <= stage.danger)
        .max_by_key(|stage| stage.danger);
    let of_work = if risks.is_empty() { Danger::Safe } else { Danger::High };
    let danger = of_work.max(stage.map_or(Danger::Safe, |stage| stage.danger));
    let blocks = settings.high_risk_blocks || !course.workflow.warns_of_risk || stage.is_some();
    let action = match action(danger, request.looked_on, request.allow_high) {
        Action::Block if blocks => Action::Block,
        Action::Block => Action::Warn,
        other => other,
    };
    let found = Found {
        danger,
        risks,
        stage: stage.map(|stage| stage.id().to_string()),
        action,
        asks: blocks && Danger::High <= danger && request.looked_on && !request.allow_high,
        allowed: request.allow_high,
    };
    if action != Action::Block {
        return Ok(found);
    }
    let hint = match danger {
        Danger::Critical => "start it at a terminal: what is critical is never done unseen",
        _ => {
            "--dry-run --allow-high shows what it would do; --allow-high begins it, and so does a yes at a terminal"
        }
    };
    Err(NotStarted::Unfit(Unfit { what: found.says(), hint: hint.to_owned(), refused: true }))
}
