//! A no to the use of a tool, as each agent understands it. A yes is silence.

use serde_json::{Value, json};

use super::{sanitise::sanitise, verdict::is_allowed};
use crate::domain::ice::{shell::Step, tool::Client};

/// What is printed, and with what the program ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub out: Option<Value>,
    pub err: Option<String>,
    pub code: u8,
}

/// With this agents take a hook's standard error for the reason of a no.
pub const BLOCKED: u8 = 2;

#[must_use]
pub fn answer(client: Client, steps: &[Step]) -> Answer {
    if is_allowed(steps) {
        return Answer { out: None, err: None, code: 0 };
    }
    let why = why(steps);
    let said = |out: Value| Answer { out: Some(out), err: None, code: 0 };
    match client {
        Client::Claude | Client::Codex => said(json!({
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": why,
            },
        })),
        Client::Gemini => said(json!({ "decision": "deny", "reason": why })),
        Client::Opencode => Answer { out: None, err: Some(why), code: BLOCKED },
    }
}

/// Every refused part, with what may be done instead.
fn why(steps: &[Step]) -> String {
    let mut lines = Vec::new();
    for step in steps {
        let Err(denial) = &step.verdict else { continue };
        let command = step.command.replace('\n', " ");
        lines.push(format!("ICE: `{command}` refused: {} [{}]", denial.reason, denial.rule));
        lines.extend(denial.next.as_ref().map(|next| format!("instead: {next}")));
    }
    sanitise(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ice::denial::Denial;

    #[test]
    fn each_agent_is_answered_in_its_own_words() {
        let no = Err(Denial::new("protected", "`main` is protected").next("git switch -c x"));
        let steps = [
            Step { command: "ls".into(), verdict: Ok(()) },
            Step { command: "git push".into(), verdict: no },
        ];
        let why =
            "ICE: `git push` refused: `main` is protected [protected]\ninstead: git switch -c x";
        let said = |client| answer(client, &steps);
        for client in [Client::Claude, Client::Codex] {
            let out = said(client).out.unwrap();
            assert_eq!(out["hookSpecificOutput"]["permissionDecision"], "deny");
            assert_eq!(out["hookSpecificOutput"]["permissionDecisionReason"], why);
            assert_eq!(said(client).code, 0);
        }
        assert_eq!(said(Client::Gemini).out.unwrap(), json!({ "decision": "deny", "reason": why }));
        let opencode = Answer { out: None, err: Some(why.to_owned()), code: 2 };
        assert_eq!(said(Client::Opencode), opencode);
        for client in Client::ALL {
            let silence = Answer { out: None, err: None, code: 0 };
            assert_eq!(answer(client, &steps[..1]), silence);
        }
    }
}
