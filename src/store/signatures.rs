//! The statements that people signed: whether each says what the journal says, and whose it is.

use anyhow::{Context as _, ensure};

use super::{history, wire::policy};
use crate::{
    domain::{
        event::{Approval, Event, GateOverride},
        gate::{Gate, statement, word_statement},
        id::{ItemId, Oid, RunId, StageId},
    },
    git::{Repo, signed},
};

/// More than any statement with its signature takes.
const STATEMENT_BYTES_MAX: u64 = 1024 * 1024;

/// More than any policy takes.
const POLICY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What became of what people signed for a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Signatures {
    pub good: usize,
    /// Events without a signature in a run that began where git was told to sign.
    pub unsigned: Vec<u64>,
    /// Those that git does not vouch for here: the event's number, and why.
    pub not_vouched: Vec<(u64, String)>,
}

/// Whether the run began where git was told to sign.
pub fn are_asked_for(repo: &Repo, tip: &Oid) -> anyhow::Result<bool> {
    let policy = history::read_file_at(repo, tip, "policy.json", POLICY_BYTES_MAX)?;
    Ok(policy.is_some_and(|text| policy::signs(&text).unwrap_or(true)))
}

/// Checks every signed override and every signed word. A statement that says something else than its event is an error.
pub fn check(repo: &Repo, run: &RunId) -> anyhow::Result<Signatures> {
    check_at(repo, run, &history::tip(repo, run)?)
}

/// Why the words of a journal are not all those of persons, where they are to be signed: one without a
/// signature, with that of somebody else, or under another text. Where git cannot tell whose a signature
/// is, that there is one has to do.
pub fn doubt(repo: &Repo, run: &RunId, tip: &Oid) -> anyhow::Result<Option<String>> {
    if !are_asked_for(repo, tip)? && !repo.signs()? {
        return Ok(None);
    }
    let found = match check_at(repo, run, tip) {
        Ok(found) => found,
        Err(error) => return Ok(Some(format!("{error:#}"))),
    };
    if let Some(seq) = found.unsigned.first() {
        return Ok(Some(format!(
            "event {seq} of `{run}` is a person's word, and nobody signed it"
        )));
    }
    let doubted = found.not_vouched.first().filter(|_| repo.can_vouch());
    Ok(doubted.map(|(seq, why)| {
        format!("git does not vouch for who signed event {seq} of `{run}`: {why}")
    }))
}

fn check_at(repo: &Repo, run: &RunId, tip: &Oid) -> anyhow::Result<Signatures> {
    let (mut signed, mut unsigned) = (Vec::new(), Vec::new());
    history::each_event_at(repo, tip.clone(), &mut |envelope, _| {
        let (path, statement) = match envelope.event {
            Event::GateOverridden(of) => (of.signed.clone(), Statement::Override(of)),
            Event::ApprovalGiven(of) => {
                (of.signed.clone(), Statement::Word(of, envelope.actor.person))
            }
            _ => return Ok(()),
        };
        match path {
            Some(path) => signed.push((envelope.seq, path, statement)),
            None => unsigned.push(envelope.seq),
        }
        Ok(())
    })?;
    let mut found = Signatures::default();
    // As the journal began: a later tree may say anything.
    if !unsigned.is_empty() && are_asked_for(repo, &history::first(repo, tip)?)? {
        found.unsigned = unsigned;
    }
    for (seq, path, of) in signed {
        let raw = history::read_file_at(repo, tip, &path, STATEMENT_BYTES_MAX)?
            .with_context(|| format!("event {seq} names `{path}`, and it is not there"))?;
        ensure!(
            of.is_said_by(&raw, run),
            "`{path}` says something else than event {seq}, which it was signed for"
        );
        match repo.verify_signed(&raw)? {
            Ok(()) => found.good += 1,
            Err(why) => found.not_vouched.push((seq, why)),
        }
    }
    Ok(found)
}

/// What a person said in an event.
enum Statement {
    Override(Box<GateOverride>),
    Word(Box<Approval>, String),
}

impl Statement {
    /// Whether this very statement was signed.
    fn is_said_by(&self, raw: &[u8], run: &RunId) -> bool {
        match self {
            Self::Override(of) => says(raw, run, of),
            Self::Word(of, person) => {
                let of_tree = raw.starts_with(format!("tree {}\n", of.tree).as_bytes());
                of_tree && signed::message(raw) == Some(word_statement(run, of, person))
            }
        }
    }
}

/// Whether this very statement was signed, of this gate and maybe others.
fn says(raw: &[u8], run: &RunId, of: &GateOverride) -> bool {
    let Some(message) = signed::message(raw) else { return false };
    let tree = format!("tree {}\n", of.tree);
    let of_tree = raw.starts_with(tree.as_bytes());
    // Up to the empty line before the reason; what the reason says names no gate.
    let head = message.split("\n\n").nth(1).unwrap_or_default();
    let gates: Vec<Gate> = head
        .lines()
        .filter_map(|line| line.strip_prefix("gate ")?.split_once(" of "))
        .filter_map(|(stage, item)| {
            let (item, stage) = (ItemId::parse(item).ok()?, StageId::parse(stage).ok()?);
            Some(Gate { item, stage })
        })
        .collect();
    of_tree
        && gates.contains(&of.gate)
        && message == statement(run, &gates, &of.commit, &of.tree, &of.reason)
}
