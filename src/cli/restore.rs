//! `git run restore <path>[@<checkpoint>]`: one file or directory back from a checkpoint.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path},
};

use clap::Parser;

use super::{
    checkpoint::found,
    exit::{Exit, Fail},
    rollback::{Desk, Manner, continued},
    ui::Ui,
};
use crate::{
    domain::checkpoint::{Made, OperationKind, Wanted},
    engine::restore::Wish,
    git::Repo,
    report::sanitise::name,
    store::catalog,
};

#[derive(Debug, Parser)]
pub(super) struct RestoreArgs {
    /// The path, and from where: `src/a.rs`, `src/a.rs@7` (checkpoint 7), `src/a.rs@e12` (as it was at
    /// event 12 of the run).
    #[arg(value_name = "PATH[@N]")]
    pub path: OsString,
    /// From the checkpoint of this number; then an `@` in the path is part of its name.
    #[arg(long, value_name = "N")]
    pub from: Option<u64>,
    /// Say what would be done, and write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Say nothing but what is left alone.
    #[arg(short, long)]
    pub quiet: bool,
}

/// From where.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The newest checkpoint that has it.
    Newest,
    Number(u64),
    Event(u64),
    Commit(String),
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &RestoreArgs) -> Result<Exit, Fail> {
    let manner = Manner { dry_run: args.dry_run, quiet: args.quiet, force: false };
    let desk = Desk::open(ui, repo, manner)?;
    let (typed, source) = match args.from {
        Some(number) => (args.path.as_bytes(), Source::Number(number)),
        None => split(args.path.as_bytes()),
    };
    let path = from_top(repo, typed)?;
    if let Some((begun, operation)) = &desk.pending
        && (operation.kind, operation.path.as_ref()) == (OperationKind::Restore, Some(&path))
    {
        let wish = continued(repo, &desk.all, begun, operation)?;
        return desk.operate(ui, wish);
    }
    let to = choose(repo, &desk.all, &path, &source)?;
    let (kind, path) = (OperationKind::Restore, Some(path));
    desk.operate(ui, Wish { kind, to, keep_files: false, path, continues: None })
}

/// What follows the last `@`, when it can be a place in time.
fn split(typed: &[u8]) -> (&[u8], Source) {
    let whole = (typed, Source::Newest);
    let Some(at) = typed.iter().rposition(|byte| *byte == b'@') else { return whole };
    let Ok(text) = std::str::from_utf8(&typed[at + 1..]) else { return whole };
    let source = if let Ok(number) = text.parse() {
        Source::Number(number)
    } else if let Some(Ok(seq)) = text.strip_prefix('e').map(str::parse) {
        Source::Event(seq)
    } else if (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        Source::Commit(text.to_lowercase())
    } else {
        return whole;
    };
    (&typed[..at], source)
}

/// The path from the top of the work tree.
fn from_top(repo: &Repo, typed: &[u8]) -> Result<Vec<u8>, Fail> {
    let outside = || Fail::new(Exit::Usage, format!("{} is not in this work tree", name(typed)));
    let top = repo.worktree().and_then(|top| top.canonicalize().ok()).ok_or_else(outside)?;
    let here = std::env::current_dir().and_then(|dir| dir.canonicalize()).unwrap_or_default();
    let typed_path = Path::new(std::ffi::OsStr::from_bytes(typed));
    let start = if typed_path.is_absolute() { Path::new("/") } else { here.as_path() };
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for component in start.components().chain(typed_path.components()) {
        match component {
            Component::Normal(part) => parts.push(part.as_bytes().to_vec()),
            Component::ParentDir => drop(parts.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    let tops: Vec<Vec<u8>> = top
        .components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.as_bytes().to_vec()),
            _ => None,
        })
        .collect();
    let rest = parts.strip_prefix(tops.as_slice()).ok_or_else(outside)?;
    Ok(rest.join(&b'/'))
}

fn choose(repo: &Repo, all: &[Made], path: &[u8], source: &Source) -> Result<Made, Fail> {
    let no = |what: String| Fail::new(Exit::Failed, what).hint("git run checkpoint list");
    let chosen = match source {
        Source::Number(number) => found(all, &Wanted::Number(*number))?,
        Source::Commit(prefix) => all
            .iter()
            .find(|made| {
                let was =
                    made.checkpoint.was.as_ref().is_some_and(|id| id.as_str().starts_with(prefix));
                was || made.commit.as_str().starts_with(prefix)
            })
            .ok_or_else(|| no(format!("there is no checkpoint `{prefix}` here")))?,
        Source::Event(seq) => {
            let run = catalog::here(repo)?.map(|(run, _)| run);
            let before = |made: &&Made| {
                let place = made.checkpoint.place.as_ref();
                place.is_some_and(|place| Some(&place.run) == run.as_ref() && place.seq <= *seq)
            };
            all.iter()
                .rev()
                .find(before)
                .ok_or_else(|| no(format!("there is no checkpoint as old as event {seq}")))?
        }
        Source::Newest => {
            for made in all.iter().rev() {
                if repo.tree_has(&made.checkpoint.tree, path)? {
                    return Ok(made.clone());
                }
            }
            return Err(no(format!("no checkpoint has {}", name(path))));
        }
    };
    if repo.tree_has(&chosen.checkpoint.tree, path)? {
        return Ok(chosen.clone());
    }
    let number = chosen.checkpoint.number;
    Err(no(format!("checkpoint {number} does not have {}", name(path))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_last_at_sign_is_a_place_in_time_when_it_can_be_one() {
        for (typed, path, source) in [
            ("a.rs", "a.rs", Source::Newest),
            ("a.rs@7", "a.rs", Source::Number(7)),
            ("a@b/c", "a@b/c", Source::Newest),
            ("a@b@e12", "a@b", Source::Event(12)),
            ("a@1a2b3c4", "a", Source::Commit("1a2b3c4".into())),
            ("user@host", "user@host", Source::Newest),
        ] {
            assert_eq!(split(typed.as_bytes()), (path.as_bytes(), source), "{typed}");
        }
    }
}
