//! What the shell will make of a word, as far as the line itself says it.

use super::{
    Walk,
    lex::{Part, Raw},
    state::{Directory, State},
};
use crate::domain::ice::{
    denial::Denial,
    facts::Head,
    word::{Sure, Word},
};

/// Questions whose answer is the branch that is checked out.
const CURRENT_BRANCH: [&str; 4] = [
    "git branch --show-current",
    "git rev-parse --abbrev-ref HEAD",
    "git symbolic-ref --short HEAD",
    "git symbolic-ref --short -q HEAD",
];
const VALUE_BYTES_MAX: usize = 4096;

impl Walk<'_, '_> {
    /// The word, and the scripts in it judged.
    pub(super) fn expand(
        &mut self,
        raw: &Raw,
        state: &State,
    ) -> Result<(Word, Vec<State>), Denial> {
        let (mut lead, mut tail, mut sure) = (String::new(), String::new(), Sure::Whole);
        let mut after = Vec::new();
        for part in &raw.parts {
            let (text, unknown) = match part {
                Part::Text(text) => (Some(text.clone()), Sure::Part),
                Part::Pattern(_) => (None, Sure::Parts),
                Part::Unknown { quoted } => (None, one(*quoted)),
                Part::Variable { name, quoted } => {
                    let value = state.variables.get(name).cloned();
                    let value = value.or_else(|| self.known_to_all(name, state));
                    let splits = |value: &String| {
                        !quoted && value.contains([' ', '\t', '\n', '*', '?', '['])
                    };
                    (value.filter(|value| !splits(value)), one(*quoted))
                }
                Part::Script { text, quoted } => {
                    let states = self.script(text, vec![state.clone()])?;
                    after.extend(states.iter().map(|ended| ended.left_behind(state)));
                    (self.answer(text, state), one(*quoted))
                }
            };
            match text {
                Some(text) if lead.len() + text.len() < 16 * VALUE_BYTES_MAX => {
                    if sure == Sure::Whole {
                        lead.push_str(&text);
                    }
                    tail.push_str(&text);
                }
                Some(_) | None => {
                    tail.clear();
                    if sure != Sure::Parts {
                        sure = unknown;
                    }
                }
            }
        }
        let shown = if sure == Sure::Whole { lead.clone() } else { raw.shown.clone() };
        Ok((Word { lead, tail, shown, sure }, after))
    }

    /// Variables that every shell has, as long as the line does not set them.
    fn known_to_all(&mut self, name: &str, state: &State) -> Option<String> {
        let Directory::Known(directory) = &state.directory else { return None };
        let facts = self.facts(&directory.clone());
        let value = match name {
            "PWD" => facts.directory,
            "HOME" if state.bent.as_deref() != Some("HOME") => facts.home,
            _ => return None,
        };
        Some(value).filter(|value| !value.is_empty())
    }

    /// The directory of the repository itself, when that is what is asked.
    fn git_dir(&mut self, asked: &[&str], state: &State) -> Option<String> {
        let (["git", "rev-parse", options @ ..], Directory::Known(directory)) =
            (asked, &state.directory)
        else {
            return None;
        };
        let own = self.facts(&directory.clone()).kept.get(1).cloned()?;
        match options {
            [.., "--git-dir" | "--absolute-git-dir" | "--git-common-dir"] => Some(own),
            [.., "--git-path", path] => Some(format!("{own}/{path}")),
            [..] => None,
        }
    }

    /// What a script prints that only asks where it is.
    fn answer(&mut self, script: &str, state: &State) -> Option<String> {
        let asked: Vec<&str> =
            script.split_whitespace().filter(|word| *word != "2>/dev/null").collect();
        if asked.join(" ") == "git rev-parse --show-toplevel"
            && let Directory::Known(directory) = &state.directory
        {
            return self.facts(&directory.clone()).kept.first().cloned();
        }
        if let Some(git_dir) = self.git_dir(&asked, state) {
            return Some(git_dir);
        }
        if !CURRENT_BRANCH.contains(&asked.join(" ").as_str()) {
            return None;
        }
        let head = match (&state.head, &state.directory) {
            (Some(head), _) => head.clone(),
            (None, Directory::Known(directory)) => self.facts(&directory.clone()).head,
            (None, Directory::Unknown) => return None,
        };
        match head {
            Head::Branch(branch) => Some(branch),
            Head::Detached | Head::Fresh | Head::Nowhere | Head::Unknown => None,
        }
    }
}

fn one(quoted: bool) -> Sure {
    if quoted { Sure::Part } else { Sure::Parts }
}
