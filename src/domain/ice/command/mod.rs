//! One git command of an agent: what it would do, and whether it may. What is not known is refused.

mod branch;
mod config;
mod fetch;
pub mod global;
mod history;
mod other;
mod push;
mod read;
mod tree;

use std::collections::BTreeSet;

use super::{
    denial::Denial,
    facts::{Facts, Head, Unsaved},
    judge::branch_is_free,
    name::unfit,
    options::unclear,
    word::Word,
};

/// Where the command would run, after everything before it on the same line.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub facts: &'a Facts,
    pub head: &'a Head,
    /// What `-` means to `git switch`.
    pub before: &'a Head,
    /// Branches that the same line has made.
    pub made: &'a BTreeSet<String>,
    /// Branches that it has made if it came so far; without them a push fails.
    pub perhaps: &'a BTreeSet<String>,
    /// The same line has changed where branches pull from.
    pub configured: bool,
    /// The same line has stashed something.
    pub stashed: bool,
    /// What is configured is as the facts have it.
    pub as_found: bool,
}

/// What a command that is allowed changes for those after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    pub head: Option<Head>,
    pub branch: Option<String>,
    /// A directory that is a work tree now.
    pub work_tree: Option<(String, Head)>,
    pub stashed: bool,
    /// A command that git would start, to be judged by itself.
    pub starts: Vec<Word>,
}

pub type Judged = Result<Effect, Denial>;

/// Judges what follows `git` and its own options.
pub fn judge(sub: &str, args: &[Word], place: &Place<'_>) -> Judged {
    let asks_for_help = match args {
        [one] => matches!(one.known(), Some("-h" | "--help")),
        [first, ..] => first.known() == Some("--help"),
        [] => false,
    };
    if asks_for_help || sub == "help" {
        return Ok(Effect::default());
    }
    if read::only_reads(sub) {
        return read::judge(sub, args);
    }
    if place.facts.bare && !matches!(sub, "fetch" | "config" | "remote" | "clone" | "init" | "run")
    {
        return Err(Denial::new(
            "elsewhere",
            "it would write into a bare repository, past every work tree and every hook",
        )
        .next("work in the work tree, and push from there"));
    }
    match sub {
        "push" => push::judge(args, place),
        "fetch" => fetch::fetch(args, place),
        "pull" => fetch::pull(args, place),
        "clone" | "init" | "remote" | "submodule" => fetch::copies(sub, args, place),
        "commit" | "merge" | "rebase" | "cherry-pick" | "revert" | "am" | "reset" | "bisect" => {
            history::judge(sub, args, place)
        }
        "checkout" | "switch" | "restore" | "stash" | "add" | "stage" | "rm" | "mv" | "apply"
        | "worktree" | "clean" | "read-tree" | "checkout-index" | "update-index"
        | "sparse-checkout" => tree::judge(sub, args, place),
        "branch" | "tag" | "notes" | "symbolic-ref" | "replace" | "reflog" => {
            branch::judge(sub, args, place)
        }
        "config" => config::judge(args),
        _ => other::judge(sub, args),
    }
}

/// Nothing moves a protected branch, be it here.
fn on_own_branch(sub: &str, place: &Place<'_>) -> Result<(), Denial> {
    match place.head {
        Head::Branch(branch) => branch_is_free(branch, &place.facts.protection).map_err(|denial| {
            let what = format!("`git {sub}` would move `{}`: {denial}", branch.escape_debug());
            Denial::new(denial.rule, what).next("git switch -c feature/<name>, and do it there")
        }),
        Head::Detached | Head::Fresh | Head::Nowhere => Ok(()),
        Head::Unknown => Err(Denial::new(
            "unclear",
            format!("it cannot be told which branch `git {sub}` would move"),
        )
        .next("do it in a line of its own, in the directory where it belongs")),
    }
}

/// What is not committed stays, or a checkpoint holds it.
fn loses_nothing(what: &str, place: &Place<'_>) -> Result<(), Denial> {
    match place.facts.unsaved {
        Unsaved::Nothing | Unsaved::Held => Ok(()),
        Unsaved::Something => {
            Err(Denial::new("unsaved", format!("`{what}` would discard work that nothing holds"))
                .next("git run checkpoint, and then the same again"))
        }
    }
}

/// The name of a branch that would be made.
fn new_branch(sub: &str, name: &Word, place: &Place<'_>) -> Result<String, Denial> {
    let Some(name) = name.known() else { return Err(unclear(sub, name)) };
    if let Some(why) = unfit(name) {
        let what = format!("`{}` is no name for a branch: {why}", name.escape_debug());
        return Err(Denial::new("name", what));
    }
    branch_is_free(name, &place.facts.protection)?;
    Ok(name.to_owned())
}

fn allowed() -> Judged {
    Ok(Effect::default())
}

fn never(rule: &'static str, what: impl Into<String>) -> Judged {
    Err(Denial::new(rule, what))
}
