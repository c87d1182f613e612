//! What an agent should keep when it compacts its context, as each agent takes it.

use serde_json::json;

use super::sanitise::sanitise;
use crate::domain::ice::tool::Client;

#[must_use]
pub fn answer(client: Client, run: &str, hand_over: &str) -> String {
    let text = sanitise(&format!(
        "Keep this in the summary: the work here is run {run} of `git run`, and its state is in git.\n\
         {hand_over}Afterwards, before anything else: git run status --for-agent\n"
    ));
    match client {
        // Taken as instructions for the summary; opencode's plugin hands it on.
        Client::Claude | Client::Opencode => text,
        Client::Codex | Client::Gemini => format!("{}\n", json!({ "systemMessage": text })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_is_told_in_its_own_words() {
        for client in [Client::Claude, Client::Opencode] {
            let said = answer(client, "r1", "run: r1\n");
            assert!(said.starts_with("Keep this") && said.contains("\nrun: r1\n"), "{said}");
        }
        for client in [Client::Codex, Client::Gemini] {
            let said: serde_json::Value =
                serde_json::from_str(&answer(client, "r1", "run: r1\n")).unwrap();
            assert!(said["systemMessage"].as_str().unwrap().contains("run: r1\n"));
        }
    }
}
