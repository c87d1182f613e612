//! Runs that leave this machine: which refs may be sent, and that nothing in them looks like a secret. What
//! is sent is what was cleared, by URL, id and full name, from where the remote's refs were seen.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};

use super::{fence, ledger, push::bends_no_further, scope};
use crate::{
    domain::{
        event::RefMove,
        ice::{denial::Denial, judge::Who, ledger::Layer, push_line::PushLine},
        id::{Digest, Oid},
        secret::{self, Kind},
        share::part_of,
    },
    git::{Repo, exchange::Sent},
    process::fault,
    store::{layout::NOTES, message::MESSAGE_BYTES_MAX, wire::event},
};

/// One object that is looked through. What is longer cannot be told, and stays.
const OBJECT_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What is looked through for one push.
const SCANNED_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// More finds than that are counted and not told.
const FINDS_MAX: usize = 20;

/// Where something that looks like a secret stands. It never says what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Find {
    /// The ref that would be sent.
    pub name: String,
    /// `event 12 (stage-ended)`, or a path in what is shared.
    pub place: String,
    pub kind: Kind,
    /// Names this find, so that a person can say that it is none: made from where it stands.
    pub digest: String,
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    #[error("{0}")]
    Denied(#[from] Denial),
    #[error("what would leave looks like it holds {}", counted(.0))]
    Secrets(Vec<Find>),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

fn counted(finds: &[Find]) -> String {
    crate::domain::tale::counted(finds.len(), "secret")
}

/// Refs of runs that may be sent to one place. Only the judging makes one.
#[derive(Debug)]
pub struct Cleared {
    url: String,
    moves: Vec<RefMove>,
}

/// Where a remote's runs are fetched from, or sent to.
pub fn url(repo: &Repo, remote: &str, sending: bool) -> anyhow::Result<String> {
    let mut words = vec!["remote", "get-url"];
    words.extend(sending.then_some("--push"));
    words.extend(["--all", "--end-of-options", remote]);
    let out = repo.git().output(&words)?;
    let text = String::from_utf8_lossy(&out).into_owned();
    let mut urls = text.lines();
    let url = urls.next().context("the remote has no URL")?;
    ensure!(!sending || urls.next().is_none(), "the remote `{remote}` pushes to several URLs");
    let url = url.strip_prefix(fence::SCHEME).unwrap_or(url);
    bends_no_further(repo, url)?;
    Ok(url.to_owned())
}

/// Sharing is for people, and for what they start outside of a run: what is sent cannot be taken back, and
/// what comes moves refs that no agent moves.
pub fn may_share() -> Result<(), Denial> {
    match scope::who() {
        Who::Person => Ok(()),
        Who::Agent => Err(Denial::new("share", "agents of a run share no runs")
            .next("a person types git run sync")),
    }
}

/// The permission to move these refs there, where there is one. What the remote is known
/// to have is not looked through again; `allowed` are finds that a person said are no secrets.
pub fn clear(
    repo: &Repo,
    url: &str,
    moves: Vec<RefMove>,
    known: &[Oid],
    allowed: &BTreeSet<String>,
) -> Result<Cleared, NotSent> {
    may_share()?;
    for moved in &moves {
        let ours = moved.name == NOTES || part_of(&moved.name).is_some();
        let forward = match (&moved.old, &moved.new) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(old), Some(new)) => repo.is_ancestor(old, new)?,
        };
        if !ours || !forward {
            let what = format!("`{}` is no ref of runs that goes forward", moved.name);
            return Err(Denial::new("share", what).next("git run sync status").into());
        }
    }
    let finds = scan(repo, &moves, known, allowed)?;
    if !finds.is_empty() {
        return Err(NotSent::Secrets(finds));
    }
    let lines: Vec<_> = moves
        .iter()
        .map(|moved| PushLine {
            local: moved.name.clone(),
            new: moved.new.clone(),
            remote: moved.name.clone(),
            old: moved.old.clone(),
        })
        .collect();
    ledger::cleared(repo, Layer::Run, url, &lines)?;
    Ok(Cleared { url: url.to_owned(), moves })
}

/// Does it. Where the server takes no push as one, it is done ref by ref.
pub fn send(repo: &Repo, cleared: &Cleared) -> anyhow::Result<BTreeMap<String, Sent>> {
    let Cleared { url, moves } = cleared;
    fault::point("before-share");
    let sent = repo.send_objects(url, moves, true)?;
    let unable = |sent: &Sent| matches!(sent, Sent::Refused(why) if why.contains("does not support --atomic"));
    let sent = match sent.values().any(unable) {
        true => repo.send_objects(url, moves, false)?,
        false => sent,
    };
    fault::point("after-share");
    Ok(sent)
}

/// Looks through all that the remote does not have yet.
fn scan(
    repo: &Repo,
    moves: &[RefMove],
    known: &[Oid],
    allowed: &BTreeSet<String>,
) -> anyhow::Result<Vec<Find>> {
    let mut finds = BTreeSet::new();
    let mut bytes = 0;
    for moved in moves {
        let Some(new) = &moved.new else { continue };
        let known: Vec<_> = known.iter().chain(&moved.old).cloned().collect();
        for (id, path) in repo.objects_beyond(new, &known)? {
            let Some(text) = text_of(repo, &id)
                .with_context(|| format!("`{}` cannot be looked through", moved.name))?
            else {
                continue;
            };
            bytes += text.len() as u64;
            ensure!(bytes <= SCANNED_BYTES_MAX, "there is too much to be looked through");
            for hit in secret::find(&text) {
                let line = text.split('\n').nth(hit.line - 1).unwrap_or_default();
                let place = place(&path, line, hit.line);
                let key = format!("{} {place} {}", moved.name, hit.kind.says());
                let digest = Digest::of(key.as_bytes()).to_string()[..16].to_owned();
                if !allowed.contains(&digest) && finds.len() < FINDS_MAX {
                    let name = moved.name.clone();
                    finds.insert(Find { name, place, kind: hit.kind, digest });
                }
            }
        }
    }
    Ok(finds.into_iter().collect())
}

/// An event stands in a message and in a segment: it is one place.
fn place(path: &str, line: &str, number: usize) -> String {
    match event::decode(line) {
        Ok(envelope) => format!("event {} ({})", envelope.seq, envelope.event.kind()),
        Err(_) if path.is_empty() => "a message".to_owned(),
        Err(_) => format!("`{path}`, line {number}"),
    }
}

/// A message or a file; nothing of a tree.
fn text_of(repo: &Repo, id: &Oid) -> anyhow::Result<Option<String>> {
    let bytes = match repo.kind_of(id)?.as_str() {
        "commit" => repo.read_commit(id, MESSAGE_BYTES_MAX)?.message,
        "blob" => repo.read_blob(id, OBJECT_BYTES_MAX)?,
        _ => return Ok(None),
    };
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
