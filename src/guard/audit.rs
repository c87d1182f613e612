//! What is known of the remotes' refs, gathered for the audit: what was seen, what was cleared, what
//! this clone wrote down, and where they are now.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, ensure};

use super::{judged, ledger, scope};
use crate::{
    config::settings::Settings,
    domain::{
        event::RefMove,
        ice::{
            audit::{Evidence, Movement, Noted, Remote, Sighting, Told, movements},
            judge::Who,
            ledger::{Entry, Layer, Sight, What},
            name::Protection,
        },
        id::{Oid, RunId},
    },
    git::Repo,
    process::clock,
    store::{catalog, layout, verdicts},
};

/// More refs of one remote are not looked at.
const REFS_MAX: usize = 20_000;
/// Of one movement, more commits are not looked at.
const COMMITS_MAX: usize = 200;
const AUTHORS_MAX: usize = 3;
const DEADLINE: Duration = Duration::from_secs(120);
/// For a remote that is a directory.
const HERE_DEADLINE: Duration = Duration::from_secs(10);

/// Everything that was written down, whoever wrote it.
#[derive(Debug)]
pub struct Ledger(Vec<Entry>);

impl Ledger {
    /// An error where a chain cannot be read: then it is not known what was cleared.
    pub fn read(repo: &Repo) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for chain in verdicts::chains(repo)? {
            all.extend(verdicts::every(repo, &chain)?);
        }
        all.sort_by_key(|entry| entry.at);
        Ok(Self(all))
    }

    /// The refusals, oldest first.
    pub fn refusals(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| matches!(entry.what, What::Refused { .. }))
    }

    fn evidence(&self, place: &str) -> Evidence {
        let mut evidence = Evidence::default();
        for entry in &self.0 {
            match &entry.what {
                What::Seen { url, how, refs } if url == place => {
                    evidence.sightings.push(Sighting {
                        at: entry.at,
                        refs: refs.iter().cloned().collect(),
                        whole: *how == Sight::Asked,
                    });
                }
                What::Cleared { url, moves } | What::Vouched { url, moves, .. } if url == place => {
                    evidence.receipts.extend(moves.iter().cloned());
                }
                What::Seen { .. }
                | What::Cleared { .. }
                | What::Vouched { .. }
                | What::Refused { .. } => {}
            }
        }
        evidence
    }
}

/// Asks the remote, compares, and writes down what was seen where that is new.
pub fn of_remote(repo: &Repo, kept: &Ledger, name: &str, url: &str) -> anyhow::Result<Remote> {
    let place = ledger::place(repo, url);
    let (refs, default) = ask(repo, url, DEADLINE)?;
    let count = refs.len();
    let mut evidence = kept.evidence(&place);
    let since = evidence.sightings.first().map(|sighting| sighting.at);
    let now = clock::now();
    let newest = evidence.sightings.iter().rev().find(|sighting| sighting.whole);
    if newest.is_none_or(|newest| newest.refs != refs) {
        let listed = refs.iter().map(|(name, id)| (name.clone(), id.clone())).collect();
        let what = What::Seen { url: place, how: Sight::Asked, refs: listed };
        let chain = verdicts::of(repo, None)?;
        verdicts::add(repo, &chain, scope::who(), Layer::Audit, &what, now)?;
    }
    evidence.sightings.push(Sighting { at: now, refs, whole: true });
    evidence.noted = noted(repo, name);
    let settings = Settings::read(repo)?;
    let protection = Protection {
        configured: settings.protected,
        base: settings.base,
        remote_defaults: default.into_iter().collect(),
    };
    let told = |movement| told(repo, movement, &protection);
    let movements = movements(&evidence).into_iter().map(told).collect();
    let url = ledger::place(repo, url);
    Ok(Remote { name: name.to_owned(), url, refs: count, since, movements })
}

/// Notes where the refs of every remote are: what moves from here on needs a receipt. A remote on
/// this machine is asked, another one when there is patience for it; else it counts what this clone
/// knows of it.
pub fn first_look(repo: &Repo, patience: Option<Duration>) -> anyhow::Result<()> {
    let chain = ledger::chain(repo)?;
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    for (name, url) in scope::remotes(repo)? {
        let is_here = scope::directory(&url, top).is_some();
        let deadline = if is_here { Some(HERE_DEADLINE) } else { patience };
        let asked = deadline.and_then(|deadline| ask(repo, &url, deadline).ok());
        let (how, refs) = match asked {
            Some((refs, _)) => (Sight::Asked, refs.into_iter().collect()),
            None => (Sight::Tracking, tracked(repo, &name)?),
        };
        if how == Sight::Asked || !refs.is_empty() {
            let what = What::Seen { url: ledger::place(repo, &url), how, refs };
            verdicts::add(repo, &chain, scope::who(), Layer::Audit, &what, clock::now())?;
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

/// Its branches and tags, and the branch that it calls its default.
fn ask(
    repo: &Repo,
    url: &str,
    deadline: Duration,
) -> anyhow::Result<(BTreeMap<String, Oid>, Option<String>)> {
    let url = url.strip_prefix(super::fence::SCHEME).unwrap_or(url);
    let words =
        ["ls-remote", "--symref", "--end-of-options", url, "HEAD", "refs/heads/*", "refs/tags/*"];
    let answer = repo.git().network_within(&words, deadline)?;
    ensure!(
        answer.status.success(),
        "the remote cannot be asked: {}",
        String::from_utf8_lossy(&answer.stderr).trim()
    );
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let (mut refs, mut default) = (BTreeMap::new(), None);
    for line in text.lines() {
        let Some((id, name)) = line.split_once('\t') else { continue };
        if name == "HEAD" {
            default = default.or(id.strip_prefix("ref: refs/heads/").map(str::to_owned));
        } else if !name.ends_with("^{}")
            && let Ok(id) = Oid::parse(id)
        {
            refs.insert(name.to_owned(), id);
        }
    }
    ensure!(refs.len() <= REFS_MAX, "the remote has more than {REFS_MAX} refs");
    Ok((refs, default))
}

/// What the logs of its tracking branches say.
fn noted(repo: &Repo, remote: &str) -> Vec<Noted> {
    let prefix = format!("refs/remotes/{remote}/");
    let mut all = Vec::new();
    for (name, _) in repo.refs().list(&prefix).unwrap_or_default() {
        let Some(branch) = name.strip_prefix(&prefix).filter(|branch| *branch != "HEAD") else {
            continue;
        };
        for line in repo.reflog(&name) {
            // A log begins where this clone began to look, and not where the branch did.
            let pushed = line.message.starts_with("update by push");
            if line.old != line.new && (line.old.is_some() || pushed) {
                let name = format!("refs/heads/{branch}");
                let moved = RefMove { name, old: line.old, new: line.new };
                all.push(Noted { moved, at: line.at, pushed });
            }
        }
    }
    all
}

fn told(repo: &Repo, movement: Movement, protection: &Protection) -> Told {
    let (old, new) = (movement.moved.old.as_ref(), movement.moved.new.as_ref());
    let motion = judged::motion_between(repo, old, new);
    let commits = match (old, new) {
        (Some(old), Some(new)) if repo.has_object(old) && repo.has_object(new) => {
            repo.survey(old, new).ok().map(|(commits, _)| commits)
        }
        _ => None,
    };
    let branch = movement.moved.name.strip_prefix("refs/heads/");
    let protected = branch.is_some_and(|branch| protection.of(branch).is_some());
    let (authors, runs) = match new {
        Some(new) if repo.has_object(new) => of_commits(repo, old, new).unwrap_or_default(),
        Some(_) | None => Default::default(),
    };
    Told { movement, motion, protected, commits, authors, runs }
}

/// Who made the commits that came, and the runs that their trailers name.
fn of_commits(
    repo: &Repo,
    old: Option<&Oid>,
    new: &Oid,
) -> anyhow::Result<(Vec<String>, Vec<RunId>)> {
    let count = format!("--max-count={COMMITS_MAX}");
    let format = "--format=%an%x00%(trailers:key=Run,valueonly,separator=%x2c)%x00";
    let mut words =
        vec!["log", "--no-show-signature", &count, format, "--end-of-options", new.as_str()];
    let not = old.filter(|old| repo.has_object(old)).map(|old| format!("^{old}"));
    words.extend(not.as_deref());
    let out = repo.git().output(&words).context("the commits cannot be read")?;
    let text = String::from_utf8_lossy(&out).into_owned();
    let fields: Vec<&str> = text.split('\0').map(str::trim).collect();
    let (mut authors, mut runs) = (Vec::new(), Vec::new());
    for pair in fields.chunks_exact(2) {
        let author = pair[0].to_owned();
        if !authors.contains(&author) && authors.len() < AUTHORS_MAX {
            authors.push(author);
        }
        for run in pair[1].split(',').filter_map(|run| RunId::parse(run.trim()).ok()) {
            if !runs.contains(&run) {
                runs.push(run);
            }
        }
    }
    Ok((authors, runs))
}

/// A person says that these movements are right.
pub fn vouch(repo: &Repo, remote: &Remote, reason: &str) -> anyhow::Result<usize> {
    ensure!(scope::who() == Who::Person, "only a person can vouch for a movement");
    let without = remote.movements.iter().filter(|told| !told.movement.receipt);
    let moves: Vec<RefMove> = without.map(|told| told.movement.moved.clone()).collect();
    if moves.is_empty() {
        return Ok(0);
    }
    let count = moves.len();
    let what = What::Vouched { url: remote.url.clone(), moves, reason: reason.to_owned() };
    let chain = layout::verdicts(&catalog::standing_owner(repo)?);
    verdicts::add(repo, &chain, Who::Person, Layer::Audit, &what, clock::now())?;
    Ok(count)
}
