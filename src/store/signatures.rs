//! The statements that people signed: whether each says what the journal says, and whose it is.

use anyhow::{Context as _, ensure};

use super::history;
use crate::{
    domain::{
        event::{Approval, Event, GateOverride},
        gate::{Gate, statement, word_statement},
        id::{ItemId, RunId, StageId},
    },
    git::{Repo, signed},
};

/// More than any statement with its signature takes.
const STATEMENT_BYTES_MAX: u64 = 1024 * 1024;

/// What became of what people signed for a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Signatures {
    pub good: usize,
    /// Those that git does not vouch for here: the event's number, and why.
    pub not_vouched: Vec<(u64, String)>,
}

/// Checks every signed override and every signed word. A statement that says something else than its event is an error.
pub fn check(repo: &Repo, run: &RunId) -> anyhow::Result<Signatures> {
    let mut signed = Vec::new();
    history::each_event(repo, run, |envelope, _| {
        let (path, statement) = match envelope.event {
            Event::GateOverridden(of) => (of.signed.clone(), Statement::Override(of)),
            Event::ApprovalGiven(of) => {
                (of.signed.clone(), Statement::Word(of, envelope.actor.person))
            }
            _ => return Ok(()),
        };
        signed.extend(path.map(|path| (envelope.seq, path, statement)));
        Ok(())
    })?;
    let mut found = Signatures::default();
    for (seq, path, of) in signed {
        let raw = history::read_file(repo, run, &path, STATEMENT_BYTES_MAX)?
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
