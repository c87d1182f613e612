//! A command line of an agent, walked from left to right: every command in it is judged in every state
//! in which it might run.

mod carrier;
mod environment;
mod expand;
mod files;
mod find;
mod forge;
mod git;
mod guess;
pub mod lex;
mod program;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use lex::{Item, Joint, lex};
use state::State;

use super::{denial::Denial, facts::Facts, word::Word};

/// Scripts in scripts in scripts.
const DEPTH_MAX: u32 = 8;
/// Ways to get to one command; more of them are one that is not known.
const STATES_MAX: usize = 12;
/// Directories about which facts are asked.
const PLACES_MAX: usize = 24;
/// Commands that are judged, however often they are met.
const STEPS_MAX: usize = 4000;

/// Finds out about a directory, as it is written from where the line begins.
pub type Ask<'a> = dyn FnMut(&str) -> Facts + 'a;

/// One command, as it was understood, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub command: String,
    pub verdict: Result<(), Denial>,
}

/// A shell's command line.
pub fn line(text: &str, ask: &mut Ask<'_>) -> Vec<Step> {
    let mut walk = Walk::new(ask);
    if let Err(denial) = walk.script(text, vec![State::default()]) {
        walk.note(text, Err(denial));
    }
    walk.steps
}

/// The words after `git`.
pub fn git_words(words: &[String], ask: &mut Ask<'_>) -> Vec<Step> {
    let mut walk = Walk::new(ask);
    let words: Vec<Word> =
        std::iter::once("git").chain(words.iter().map(String::as_str)).map(Word::whole).collect();
    let shown: Vec<&str> = words.iter().map(|word| word.shown.as_str()).collect();
    let verdict = walk.command(&words, None, &State::default()).map(|_| ());
    walk.note(&shown.join(" "), verdict);
    walk.steps
}

struct Walk<'a, 'b> {
    ask: &'a mut Ask<'b>,
    found: BTreeMap<String, Facts>,
    steps: Vec<Step>,
    depth: u32,
    judged: usize,
    /// Functions that the line itself has defined.
    functions: BTreeSet<String>,
}

/// What a joint leads on from: the states after success, and those after failure.
#[derive(Default)]
struct Ends {
    well: Vec<State>,
    badly: Vec<State>,
}

impl<'a, 'b> Walk<'a, 'b> {
    fn new(ask: &'a mut Ask<'b>) -> Self {
        Self {
            ask,
            found: BTreeMap::new(),
            steps: Vec::new(),
            depth: 0,
            judged: 0,
            functions: BTreeSet::new(),
        }
    }

    fn note(&mut self, command: &str, verdict: Result<(), Denial>) {
        let mut command = command.trim().to_owned();
        crate::domain::finding::cut(&mut command, 500);
        let step = Step { command, verdict };
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    fn facts(&mut self, directory: &str) -> Facts {
        if let Some(known) = self.found.get(directory) {
            return known.clone();
        }
        if PLACES_MAX <= self.found.len() {
            return Facts::default();
        }
        let facts = (self.ask)(directory);
        self.found.insert(directory.to_owned(), facts.clone());
        facts
    }

    /// Judges a script; gives the states in which it may end.
    fn script(&mut self, text: &str, begin: Vec<State>) -> Result<Vec<State>, Denial> {
        if DEPTH_MAX <= self.depth {
            return Err(Denial::new("unclear", "it is a script in a script too often"));
        }
        let items = lex(text).map_err(|why| {
            Denial::new("unclear", format!("the command line cannot be read: {why}"))
                .next("one command at a time")
        })?;
        self.depth += 1;
        let first = self.items(&items, begin);
        let ended = match first {
            // What the last round of a loop leaves behind, the next one begins with.
            Ok(states) if items.contains(&Item::Loop) => self.items(&items, states),
            other => other,
        };
        self.depth -= 1;
        ended
    }

    fn items(&mut self, items: &[Item], begin: Vec<State>) -> Result<Vec<State>, Denial> {
        let mut ends = Ends { well: begin, badly: Vec::new() };
        let mut outer: Vec<Vec<State>> = Vec::new();
        let mut piped: Option<String> = None;
        for window in items.windows(3) {
            if let [Item::Command(simple, _), Item::Open(_), Item::Close] = window
                && let [name] = &simple.words[..]
            {
                self.functions.insert(name.shown.clone());
            }
        }
        for item in items {
            match item {
                Item::Command(simple, joint) => {
                    let before = match joint {
                        Joint::Then | Joint::Pipe => merged(&ends.well, &ends.badly),
                        Joint::And => ends.well.clone(),
                        Joint::Or => ends.badly.clone(),
                    };
                    let from = if *joint == Joint::Pipe { piped.take() } else { None };
                    let input = if *joint == Joint::Pipe {
                        program::Input::Piped(from)
                    } else {
                        program::Input::Inherited
                    };
                    let mut after = Vec::new();
                    for state in &before {
                        after.extend(self.simple(simple, &input, state)?);
                    }
                    piped = program::printed(simple, &before);
                    ends = match joint {
                        // Nothing but a variable that is set: that does not fail.
                        Joint::Then if simple.only_assigns() => {
                            Ends { well: few(after), badly: Vec::new() }
                        }
                        Joint::Then | Joint::Pipe => {
                            Ends { badly: perhaps(before, &after), well: few(after) }
                        }
                        Joint::And => {
                            Ends { well: few(after), badly: merged(&ends.badly, &before) }
                        }
                        Joint::Or => Ends { well: merged(&ends.well, &after), badly: before },
                    };
                }
                Item::Open(joint) => {
                    let now = match joint {
                        Joint::And => ends.well.clone(),
                        Joint::Or => ends.badly.clone(),
                        Joint::Then | Joint::Pipe => merged(&ends.well, &ends.badly),
                    };
                    outer.push(merged(&ends.well, &ends.badly));
                    ends = Ends { well: now, badly: Vec::new() };
                }
                Item::Close => {
                    let inner = merged(&ends.well, &ends.badly);
                    // Where a subshell stood is forgotten with it; what it did to branches is not.
                    if let Some(before) = outer.pop() {
                        let mut left = Vec::new();
                        for old in &before {
                            left.extend(inner.iter().map(|state| state.left_behind(old)));
                        }
                        let left = few(left);
                        ends = Ends { badly: merged(&before, &left), well: left };
                    }
                }
                Item::Loop => {
                    let now = merged(&ends.well, &ends.badly);
                    ends = Ends { well: now, badly: Vec::new() };
                }
            }
        }
        Ok(merged(&ends.well, &ends.badly))
    }
}

/// The states after a failure: what success would have made may be there.
fn perhaps(mut failed: Vec<State>, well: &[State]) -> Vec<State> {
    let made: BTreeSet<String> = well.iter().flat_map(|state| state.made.iter().cloned()).collect();
    for state in &mut failed {
        state.perhaps.extend(made.difference(&state.made).cloned());
    }
    failed
}

fn merged(some: &[State], more: &[State]) -> Vec<State> {
    few(some.iter().chain(more).cloned().collect())
}

/// Each state once, and not more of them than can be followed.
fn few(mut states: Vec<State>) -> Vec<State> {
    states.sort();
    states.dedup();
    if STATES_MAX < states.len() {
        return vec![State::unknown()];
    }
    states
}
