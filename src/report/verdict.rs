//! What the judge of command lines said, for people and for scripts.

use serde_json::{Value, json};

use super::sanitise::sanitise;
use crate::domain::ice::shell::Step;

#[must_use]
pub fn is_allowed(steps: &[Step]) -> bool {
    steps.iter().all(|step| step.verdict.is_ok())
}

#[must_use]
pub fn text(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        let command = sanitise(&step.command.replace('\n', " "));
        match &step.verdict {
            Ok(()) => out.push_str(&format!("allowed  {command}\n")),
            Err(denial) => {
                out.push_str(&format!("denied   {command}\n"));
                out.push_str(&format!("  rule   {}\n", denial.rule));
                out.push_str(&format!("  why    {}\n", sanitise(&denial.reason)));
                if let Some(next) = &denial.next {
                    out.push_str(&format!("  next   {}\n", sanitise(next)));
                }
            }
        }
    }
    out
}

#[must_use]
pub fn json(steps: &[Step]) -> Value {
    let step = |step: &Step| {
        let denial = step.verdict.as_ref().err();
        json!({
            "command": step.command,
            "allowed": denial.is_none(),
            "rule": denial.map(|denial| denial.rule),
            "why": denial.map(|denial| &denial.reason),
            "next": denial.and_then(|denial| denial.next.as_ref()),
        })
    };
    json!({
        "schema": "git-run/verdict/1",
        "allowed": is_allowed(steps),
        "commands": steps.iter().map(step).collect::<Vec<_>>(),
    })
}
