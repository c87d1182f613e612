//! Who asks, and what is about the fenced repository at all: scratch repositories, as test suites make
//! them, are nobody's business.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use gix::bstr::ByteSlice as _;

use super::fence;
use crate::{
    domain::ice::judge::Who,
    git::Repo,
    process::{ancestry, env},
};

/// Who asks: inside of an agent's environment, and below anything that is inside, it is an agent,
/// whatever it says and whatever it forgot.
#[must_use]
pub fn who() -> Who {
    static WHO: OnceLock<Who> = OnceLock::new();
    let look = || match ancestry::is_below(&["GIT_RUN_AGENT", env::FENCE]) {
        true => Who::Agent,
        false => Who::Person,
    };
    *WHO.get_or_init(look)
}

/// The directories that agents here are kept from harming: the fenced repository, its work tree, and
/// the remotes of it that are directories. Nothing outside of a fence.
fn kept() -> anyhow::Result<Option<Vec<PathBuf>>> {
    let Some(fenced) = ancestry::outermost(fence::FENCED) else { return Ok(None) };
    let fenced = Repo::at(Path::new(&fenced))?;
    let base = fenced.worktree().unwrap_or_else(|| fenced.git_dir());
    let mut kept = Vec::new();
    for section in
        fenced.gix().config_snapshot().plumbing().sections_by_name("remote").into_iter().flatten()
    {
        let body = section.body();
        for url in ["url", "pushurl"].into_iter().flat_map(|key| body.values(key)) {
            kept.extend(directory(&url.to_str_lossy(), base));
        }
    }
    kept.extend(fenced.common_dir().canonicalize());
    kept.extend(base.canonicalize());
    Ok(Some(kept))
}

/// A repository that is none of those, and no submodule of one: of a test, or a second clone. What
/// happens inside of it is nobody's business.
pub(super) fn is_elsewhere(repo: &Repo) -> anyhow::Result<bool> {
    let Some(kept) = kept()? else { return Ok(false) };
    let here = repo.common_dir().canonicalize()?;
    // A work tree may have a directory of that name; the repository's own has a HEAD beside it.
    let is_within =
        |kept: &PathBuf| kept.join("HEAD").is_file() && here.starts_with(kept.join("modules"));
    Ok(!kept.contains(&here) && !kept.iter().any(is_within))
}

/// A repository in which commands need not be judged.
#[must_use]
pub fn is_scratch_here(repo: &Repo) -> bool {
    is_elsewhere(repo).unwrap_or(false)
}

/// Every remote with each URL that it pushes to.
pub fn remotes(repo: &Repo) -> anyhow::Result<Vec<(String, String)>> {
    let git = repo.git();
    let names = git.output(&["remote"])?;
    let mut all = Vec::new();
    for name in String::from_utf8_lossy(&names).lines() {
        let urls = git.output(&["remote", "get-url", "--push", "--all", name])?;
        let urls = String::from_utf8_lossy(&urls).into_owned();
        all.extend(urls.lines().map(|url| (name.to_owned(), url.to_owned())));
    }
    Ok(all)
}

/// The same for a repository that is just being made and cannot be opened yet.
#[must_use]
pub fn is_elsewhere_unopened() -> bool {
    let here = env::var("GIT_DIR").and_then(|dir| Path::new(&dir).canonicalize().ok());
    match (kept(), here) {
        (Ok(Some(kept)), Some(here)) => !kept.contains(&here),
        _ => false,
    }
}

/// A push from such a repository to a directory that is none of those either.
pub(super) fn is_scratch(repo: &Repo, url: &str) -> anyhow::Result<bool> {
    let Some(kept) = kept()? else { return Ok(false) };
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let Some(there) = directory(url, top) else { return Ok(false) };
    let apart = |kept: &PathBuf| !there.starts_with(kept) && !kept.starts_with(&there);
    Ok(is_elsewhere(repo)? && kept.iter().all(apart))
}

/// A push of an agent that is nobody's business.
pub(super) fn is_free(repo: &Repo, url: &str) -> bool {
    who() == Who::Agent && is_scratch(repo, url).unwrap_or(false)
}

/// The directory that a URL means, when it means one that is there.
pub(super) fn directory(url: &str, base: &Path) -> Option<PathBuf> {
    let url = url.strip_prefix(fence::SCHEME).unwrap_or(url);
    let path = url.strip_prefix("file://").unwrap_or(url);
    base.join(path).canonicalize().ok().filter(|path| path.is_dir())
}
