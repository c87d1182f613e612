//! Writing down what the guard decided: each refused attempt with what was tried, and a receipt for
//! each push before it leaves.

use crate::{
    domain::{
        event::RefMove,
        finding::cut,
        ice::{
            denial::Denial,
            judge::Who,
            ledger::{Layer, Sight, TRIED_BYTES_MAX, What, plain_url},
            push_line::PushLine,
        },
        id::Oid,
        run::Run,
        secret,
    },
    git::Repo,
    guard::judged,
    process::{ancestry, clock},
    store::{catalog, verdicts},
};

/// Of the branches that a clone remembers, more are not written down at once.
const REFS_MAX: usize = 20_000;

/// The run of this work tree that is not over, or its work tree's standing chain.
fn chain(repo: &Repo) -> anyhow::Result<String> {
    let run = run_here(repo);
    verdicts::of(repo, run.as_ref().map(|run| &run.charter.run))
}

fn run_here(repo: &Repo) -> Option<Run> {
    let (id, tip) = catalog::here(repo).ok().flatten()?;
    catalog::present(repo, &id, &tip).ok().filter(|run| !run.state.is_over())
}

/// Keeps a refusal. It stays one when it cannot be kept, so nothing is said of that but to a trace.
pub fn refused(repo: &Repo, layer: Layer, denial: &Denial, tried: &str) {
    let mut tried = secret::redact(tried);
    cut(&mut tried, TRIED_BYTES_MAX);
    let mut reason = denial.reason.clone();
    cut(&mut reason, TRIED_BYTES_MAX);
    let what = What::Refused { rule: denial.rule.to_owned(), reason, tried };
    let kept = chain(repo)
        .and_then(|chain| verdicts::add(repo, &chain, judged::who(), layer, &what, clock::now()));
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
    let who = judged::who();
    let what = What::Cleared { url: place(repo, url), moves };
    let kept =
        chain(repo).and_then(|chain| verdicts::add(repo, &chain, who, layer, &what, clock::now()));
    match kept {
        Ok(_) => Ok(()),
        Err(error) if who == Who::Person => {
            tracing::warn!("a receipt was not written down: {error:#}");
            Ok(())
        }
        Err(error) => Err(Denial::new("receipt", format!("no receipt can be written: {error:#}"))),
    }
}

/// Notes where the refs of every remote stand, as far as this clone knows: what moves from here on
/// needs a receipt. Asks nobody.
pub fn remember_remotes(repo: &Repo) -> anyhow::Result<()> {
    let chain = chain(repo)?;
    for (name, url) in judged::remotes(repo)? {
        let refs = tracked(repo, &name)?;
        if !refs.is_empty() {
            let what = What::Seen { url: place(repo, &url), how: Sight::Tracking, refs };
            verdicts::add(repo, &chain, judged::who(), Layer::Audit, &what, clock::now())?;
        }
    }
    Ok(())
}

/// The branches of a remote as they were fetched or pushed last, by their names there.
fn tracked(repo: &Repo, remote: &str) -> anyhow::Result<Vec<(String, Oid)>> {
    let prefix = format!("refs/remotes/{remote}/");
    let all = repo.refs().list(&prefix)?;
    let branches = all.into_iter().filter_map(|(name, id)| {
        let branch = name.strip_prefix(&prefix)?;
        (branch != "HEAD").then(|| (format!("refs/heads/{branch}"), id))
    });
    Ok(branches.take(REFS_MAX).collect())
}

/// One name for one place, however it is spelled.
#[must_use]
pub fn place(repo: &Repo, url: &str) -> String {
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    match judged::directory(url, top) {
        Some(directory) => plain_url(&directory.to_string_lossy()),
        None => plain_url(url),
    }
}
