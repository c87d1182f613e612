//! One `git …` on a command line: which repository, on which branch, and what the judge of git commands says.

use super::{
    Walk,
    state::{Directory, State, join},
};
use crate::domain::ice::{
    command::{self, Effect, Place, global},
    denial::Denial,
    facts::{Facts, Head},
    name::Protection,
    options::unclear,
    word::Word,
};

impl Walk<'_, '_> {
    /// Judges the words after `git`, and gives the state after them.
    pub(super) fn git(&mut self, words: &[Word], state: &State) -> Result<State, Denial> {
        let invocation = global::split(words)?;
        let Some(sub) = invocation.sub else { return Ok(state.clone()) };
        let mut there = state.clone();
        for directory in &invocation.directories {
            there.directory = match there.resolve(directory) {
                Some(path) => Directory::Known(path),
                None => Directory::Unknown,
            };
        }
        let moved = there.directory != state.directory;
        let facts = self.facts_in(&there);
        let writes = writes(sub, invocation.args);
        if writes && invocation.elsewhere {
            return Err(Denial::new(
                "elsewhere",
                "it would write into a repository that it names by force",
            )
            .next("git -C <directory of the work tree> …"));
        }
        if writes && let Some(name) = &state.bent {
            return Err(bent(name));
        }
        let mut heads = vec![state.head.clone().unwrap_or_else(|| facts.head.clone())];
        if moved
            || matches!(&there.directory, Directory::Known(path) if state.trees.contains_key(path))
        {
            // Another work tree, or another place in the same one.
            heads.push(facts.head.clone());
        }
        if let Directory::Known(path) = &there.directory
            && let Some(head) = state.trees.get(path)
        {
            heads = vec![head.clone()];
        }
        heads.dedup();
        let mut effect = Effect::default();
        for head in &heads {
            let place = Place {
                facts: &facts,
                head,
                before: &state.before,
                made: &state.made,
                perhaps: &state.perhaps,
                configured: state.configured,
                stashed: state.stashed,
                as_found: !state.configured && *head == facts.head,
            };
            effect = command::judge(sub, invocation.args, &place)?;
        }
        let sets_upstream = sub == "branch"
            && invocation.args.iter().any(|word| {
                word.lead.starts_with("-u")
                    || word.lead.starts_with("--set-up")
                    || word.lead.starts_with("--unset")
            });
        let head = heads.into_iter().next().unwrap_or_default();
        let mut after = self.after(effect, state, &there, head, moved)?;
        after.configured |= sets_upstream;
        Ok(after)
    }

    fn after(
        &mut self,
        effect: Effect,
        state: &State,
        there: &State,
        head: Head,
        moved: bool,
    ) -> Result<State, Denial> {
        let mut after = state.clone();
        if !effect.starts.is_empty() {
            let states = self.command(&effect.starts, None, state)?;
            after = states.into_iter().next().unwrap_or(after);
        }
        if let Some(new) = effect.head {
            match (&there.directory, moved) {
                (Directory::Known(path), true) => {
                    after.trees.insert(path.clone(), new);
                }
                _ => {
                    after.before = head;
                    after.head = Some(new.clone());
                    if let Directory::Known(path) = &there.directory
                        && after.trees.contains_key(path)
                    {
                        after.trees.insert(path.clone(), new);
                    }
                }
            }
        }
        after.made.extend(effect.branch);
        if let Some((path, head)) = effect.work_tree
            && let Directory::Known(base) = &there.directory
        {
            after.trees.insert(join(base, &path), head);
        }
        after.stashed |= effect.stashed;
        Ok(after)
    }

    fn facts_in(&mut self, state: &State) -> Facts {
        match &state.directory {
            Directory::Known(path) => {
                let mut facts = self.facts(path);
                if state.trees.contains_key(path)
                    && matches!(facts.head, Head::Nowhere | Head::Unknown)
                {
                    // A work tree that is not there yet has the remotes and names of the one beside it.
                    let here = self.facts("");
                    facts = Facts { head: Head::Unknown, ..here };
                }
                facts
            }
            Directory::Unknown => {
                Facts { protection: Protection::default(), head: Head::Unknown, ..Facts::default() }
            }
        }
    }
}

/// Whether a subcommand does anything but read.
fn writes(sub: &str, args: &[Word]) -> bool {
    let nowhere = Facts { head: Head::Unknown, bare: true, ..Facts::default() };
    let made = std::collections::BTreeSet::new();
    let place = Place {
        facts: &nowhere,
        head: &Head::Unknown,
        before: &Head::Unknown,
        made: &made,
        perhaps: &made,
        configured: false,
        stashed: false,
        as_found: false,
    };
    // Nothing but a reader passes in a place of which nothing is known.
    command::judge(sub, args, &place).is_err()
        || matches!(sub, "fetch" | "clone" | "init" | "config" | "run")
}

pub(super) fn bent(name: &str) -> Denial {
    Denial::new(
        "environment",
        format!("`{}` could make git do something else", name.escape_debug()),
    )
    .next("leave it out of the line")
}

/// A name of a program that only the shell will know.
pub(super) fn not_literal(word: &Word) -> Denial {
    let Denial { rule, reason, .. } = unclear("", word);
    Denial::new(rule, reason).next("write the name of the program out")
}
