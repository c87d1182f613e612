//! What an agent is told that is about to stop although a step of a run is its own, as each agent takes it.

use serde_json::json;

use super::sanitise::{one_line, sanitise};
use crate::domain::ice::tool::Client;

/// More tasks in the background are counted and not named.
const TASKS_NAMED_MAX: usize = 10;
/// More of a task's name says nothing more.
const NAME_CHARS_MAX: usize = 60;

/// `step` is the step that was handed out; `tasks` are those that still work in the background.
#[must_use]
pub fn answer(client: Client, run: &str, step: &str, tasks: &[String]) -> String {
    let mut text = format!(
        "Run {run} of `git run` waits for what comes of the step that you were handed: {step}.\n\
         When it is done: git run report --file <report>. What it is: git run status --for-agent.\n\
         To leave it: git run halt --reason <why>.\n"
    );
    if !tasks.is_empty() {
        let name = |task: &String| one_line(task).chars().take(NAME_CHARS_MAX).collect::<String>();
        let named: Vec<_> = tasks.iter().take(TASKS_NAMED_MAX).map(name).collect();
        let more = tasks.len().saturating_sub(TASKS_NAMED_MAX);
        let more = if 0 < more { format!(" and {more} more") } else { String::new() };
        text.push_str(&format!("At work in the background: {}{more}.\n", named.join(", ")));
    }
    let text = sanitise(&text);
    match client {
        Client::Claude | Client::Codex => {
            format!("{}\n", json!({ "decision": "block", "reason": text }))
        }
        Client::Gemini => format!("{}\n", json!({ "decision": "deny", "reason": text })),
        // Its plugin hands it on.
        Client::Opencode => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_is_kept_in_its_own_words_and_tasks_are_bounded() {
        let tasks: Vec<String> =
            (0..12).map(|n| format!("t-{n}\n\u{1b}[31m{}", "x".repeat(99))).collect();
        for (client, word) in
            [(Client::Claude, "block"), (Client::Codex, "block"), (Client::Gemini, "deny")]
        {
            let said: serde_json::Value =
                serde_json::from_str(&answer(client, "r1", "s implement", &tasks)).unwrap();
            assert_eq!(said["decision"], word);
            let reason = said["reason"].as_str().unwrap();
            assert!(reason.contains("s implement") && reason.contains("and 2 more"), "{reason}");
            assert!(!reason.contains('\u{1b}') && reason.len() < 1500, "{reason}");
        }
        assert!(answer(Client::Opencode, "r1", "s", &[]).starts_with("Run r1 "));
    }
}
