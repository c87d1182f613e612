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

    /// What a script prints that only asks where it is.
    fn answer(&mut self, script: &str, state: &State) -> Option<String> {
        let asked: Vec<&str> =
            script.split_whitespace().filter(|word| *word != "2>/dev/null").collect();
        if asked.join(" ") == "git rev-parse --show-toplevel"
            && let Directory::Known(directory) = &state.directory
        {
            return self.facts(&directory.clone()).kept.first().cloned();
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
