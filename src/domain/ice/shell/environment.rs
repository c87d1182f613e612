//! Variables on a command line: which of them are git's own, and which decide what git does.

use super::{git::bent, state::State};
use crate::domain::ice::{denial::Denial, word::Word};

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn is_gits(name: &str) -> bool {
    name.starts_with("GIT_") || matches!(name, "PATH" | "HOME" | "XDG_CONFIG_HOME" | "BASH_ENV")
}

/// Variables of git's own, but for those that only name people or keep git quiet.
pub(super) fn assignable(name: &str, value: Option<&str>) -> Result<(), Denial> {
    let harmless = match name {
        "GIT_AUTHOR_NAME"
        | "GIT_AUTHOR_EMAIL"
        | "GIT_AUTHOR_DATE"
        | "GIT_COMMITTER_NAME"
        | "GIT_COMMITTER_EMAIL"
        | "GIT_COMMITTER_DATE"
        | "GIT_OPTIONAL_LOCKS"
        | "GIT_MERGE_AUTOEDIT" => true,
        "GIT_EDITOR" | "GIT_SEQUENCE_EDITOR" | "GIT_PAGER" => {
            value.is_some_and(|value| matches!(value, "" | "true" | ":" | "cat" | "/bin/true"))
        }
        _ if name.starts_with("GIT_TRACE") || name == "GIT_CURL_VERBOSE" => {
            value.is_some_and(|value| matches!(value, "" | "0" | "1" | "2" | "true" | "false"))
        }
        "GIT_TERMINAL_PROMPT" => value == Some("0"),
        "LD_PRELOAD"
        | "LD_LIBRARY_PATH"
        | "BASH_ENV"
        | "DYLD_INSERT_LIBRARIES"
        | "PROMPT_COMMAND" => false,
        _ => !name.starts_with("GIT_"),
    };
    if harmless { Ok(()) } else { Err(bent(name)) }
}

/// Variables that are no fault by themselves, but decide which git runs and what it reads.
pub(super) fn bends(name: &str, value: Option<&str>) -> bool {
    match name {
        "HOME" | "PATH" | "XDG_CONFIG_HOME" | "SSH_ASKPASS" | "ENV" | "IFS" => true,
        "EDITOR" | "VISUAL" | "PAGER" => {
            !value.is_some_and(|value| matches!(value, "" | "true" | ":" | "cat" | "less"))
        }
        _ => false,
    }
}

pub(super) fn exported(args: &[Word], state: &State) -> Result<Vec<State>, Denial> {
    let mut after = state.clone();
    for word in args {
        let (name, value) = match word.lead.split_once('=') {
            Some((name, value)) => (name, word.known().map(|_| value)),
            None => (word.lead.as_str(), None),
        };
        if !is_name(name) {
            continue;
        }
        assignable(name, value)?;
        if word.lead.contains('=') {
            if bends(name, value) {
                after.bent = Some(name.to_owned());
            }
            after.set(name, value.map(str::to_owned));
        } else if bends(name, None) && state.variables.contains_key(name) {
            after.bent = Some(name.to_owned());
        }
    }
    Ok(vec![after])
}
