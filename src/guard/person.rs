//! Whether a person is asking. What only a person may decide is not decided below an agent, whatever
//! its environment says now. It never reads a value, only whether a mark is there.

use crate::{
    domain::ice::{denial::Denial, judge::Who},
    process::ancestry,
};

/// What known agents set in the environment of every command that they run. `docs/ICE.md` lists them.
pub const MARKS: [&str; 16] = [
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "GEMINI_CLI",
    "QWEN_CODE",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CODEX_THREAD_ID",
    "OPENCODE",
    "CURSOR_AGENT",
    "COPILOT_CLI",
    "AMP_CURRENT_THREAD_ID",
    "AUGMENT_AGENT",
    "CLINE_ACTIVE",
    "GOOSE_TERMINAL",
    "CRUSH",
    "TRAE_AI_SHELL_ID",
];

/// Refused to whatever runs below an agent, ours or one that is known.
pub fn only(what: &str) -> Result<(), Denial> {
    let no = |why: &str| {
        Err(Denial::new("person", format!("{what} is for a person to say, and {why}"))
            .next("a person types it in a terminal of their own"))
    };
    if super::scope::who() == Who::Agent {
        return no("this is the environment of a run's agent");
    }
    match MARKS.into_iter().find(|mark| ancestry::is_below(&[mark])) {
        Some(mark) => no(&format!("`{mark}` says that an agent is asking")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::MARKS;

    #[test]
    fn every_mark_is_documented() {
        let page = include_str!("../../docs/ICE.md");
        for mark in MARKS {
            assert!(page.contains(&format!("`{mark}`")), "{mark}");
        }
    }
}
