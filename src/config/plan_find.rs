//! Where a repository's plan lies: what `run.plan` says, or the first of the usual places.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};

use crate::git::Repo;

pub const PLAN_BYTES_MAX: u64 = 1024 * 1024;

/// Looked at in this order, relative to the top of the work tree.
pub const PLACES: [&str; 14] = [
    ".gitrun/plan.toml",
    ".gitrun/plan.json",
    ".gitrun/plan.md",
    "plan.toml",
    "plan.json",
    "plan.md",
    "PLAN.md",
    "docs/plan.toml",
    "docs/plan.json",
    "docs/plan.md",
    "sprint.md",
    "SPRINT.md",
    "docs/sprint.md",
    "grimoires/loa/sprint.md",
];

#[derive(Debug)]
pub struct PlanText {
    /// As a message names it.
    pub name: String,
    pub text: String,
}

pub fn find(repo: &Repo, wanted: Option<&str>) -> anyhow::Result<Option<PlanText>> {
    let top = repo.worktree().context("a bare repository has no plan")?;
    if let Some(wanted) = wanted {
        return read(top, wanted)?
            .map(Some)
            .with_context(|| format!("there is no plan at `{wanted}`"));
    }
    for place in PLACES {
        if let Some(found) = read(top, place)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The plan at this very place; nothing where there is no file.
pub fn read(top: &Path, name: &str) -> anyhow::Result<Option<PlanText>> {
    let path = top.join(name);
    let size = match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) | Err(_) => return Ok(None),
    };
    if PLAN_BYTES_MAX < size {
        bail!("the plan `{name}` has {size} bytes, more than the {PLAN_BYTES_MAX} that are read");
    }
    let bytes = fs::read(&path).with_context(|| format!("cannot read the plan `{name}`"))?;
    let text =
        String::from_utf8(bytes).with_context(|| format!("the plan `{name}` is not UTF-8"))?;
    Ok(Some(PlanText { name: name.to_owned(), text }))
}
