//! Writing down what the guard decided: each refused attempt with what was tried, and a receipt for
//! each push before it leaves.

use std::path::{Component, Path, PathBuf};

use crate::{
    domain::{
        event::RefMove,
        finding::cut,
        ice::{
            denial::Denial,
            judge::Who,
            ledger::{Layer, TRIED_BYTES_MAX, What, plain_url},
            push_line::PushLine,
        },
        secret,
    },
    git::Repo,
    guard::scope,
    process::{ancestry, clock},
    store::{catalog, verdicts},
};

/// The run of this work tree that is not over, or its work tree's standing chain.
pub(super) fn chain(repo: &Repo) -> anyhow::Result<String> {
    // One that cannot be read keeps nobody from writing down what was refused.
    let run = catalog::unfinished_here(repo).ok().flatten();
    verdicts::of(repo, run.as_ref().map(|run| &run.charter.run))
}

/// Keeps a refusal. It stays one when it cannot be kept, so nothing is said of that but to a trace.
pub fn refused(repo: &Repo, layer: Layer, denial: &Denial, tried: &str) {
    let mut tried = secret::redact(tried);
    cut(&mut tried, TRIED_BYTES_MAX);
    let mut reason = secret::redact(&denial.reason);
    cut(&mut reason, TRIED_BYTES_MAX);
    let what = What::Refused { rule: denial.rule.to_owned(), reason, tried };
    // Those are asked by agents, wherever they were started.
    let who = match layer {
        Layer::Tool | Layer::Verb => Who::Agent,
        _ => scope::who(),
    };
    let kept =
        chain(repo).and_then(|chain| verdicts::add(repo, &chain, who, layer, &what, clock::now()));
    if let Err(error) = kept {
        tracing::warn!("a refusal was not written down: {error:#}");
    }
}

/// What git was told to do, when it is git that calls.
#[must_use]
pub fn asked_of_parent() -> String {
    ancestry::parent_words().join(" ")
}

/// The receipt for a push. Nobody may send without one but a person, whom it does not hold up.
pub fn cleared(repo: &Repo, layer: Layer, url: &str, lines: &[PushLine]) -> Result<(), Denial> {
    let moves = lines.iter().filter(|line| line.old != line.new).map(|line| RefMove {
        name: line.remote.clone(),
        old: line.old.clone(),
        new: line.new.clone(),
    });
    let moves: Vec<_> = moves.collect();
    if moves.is_empty() {
        return Ok(());
    }
    let who = scope::who();
    let what = What::Cleared { url: place(repo, url), moves };
    let kept =
        chain(repo).and_then(|chain| verdicts::add(repo, &chain, who, layer, &what, clock::now()));
    match kept {
        Ok(_) => Ok(()),
        Err(error) if who == Who::Person && layer != Layer::Run => {
            tracing::warn!("a receipt was not written down: {error:#}");
            Ok(())
        }
        Err(error) => Err(Denial::new("receipt", format!("no receipt can be written: {error:#}"))),
    }
}

/// One name for one place, however it is spelled.
#[must_use]
pub fn place(repo: &Repo, url: &str) -> String {
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    if let Some(directory) = scope::directory(url, top) {
        return plain_url(&directory.to_string_lossy());
    }
    let url = plain_url(url);
    let path = url.strip_prefix("file://").unwrap_or(&url);
    // `host:path` is no directory, and neither is what has a scheme.
    let is_path = !path.split('/').next().unwrap_or_default().contains(':');
    if is_path {
        absolute(&top.canonicalize().unwrap_or_else(|_| top.to_owned()), path)
    } else {
        url
    }
}

/// Where a directory would be that is not there now.
fn absolute(top: &Path, path: &str) -> String {
    let mut whole = PathBuf::new();
    for part in top.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => whole.push(part),
        }
    }
    whole.to_string_lossy().into_owned()
}
