//! An entry of the guard's ledger as a line in the message of its commit.

use serde::{Deserialize, Serialize};

use super::{DecodeError, Text, canonical, garbled};
use crate::domain::{
    event::RefMove,
    ice::{
        judge::Who,
        ledger::{Entry, Layer, Sight, What},
    },
    id::Oid,
    time::Timestamp,
};

pub const VERDICT_FORMAT: u32 = 1;
pub const VERDICT_BYTES_MAX: u64 = 4 * 1024 * 1024;
const WHAT: &str = "a verdict";

#[derive(Debug, Serialize, Deserialize)]
struct EntryDoc {
    v: u32,
    number: u64,
    refusals: u64,
    at: Text<Timestamp>,
    who: String,
    layer: String,
    #[serde(flatten)]
    what: WhatDoc,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
enum WhatDoc {
    Refused { rule: String, reason: String, tried: String },
    Cleared { url: String, moves: Vec<MoveDoc> },
    Vouched { url: String, moves: Vec<MoveDoc>, reason: String },
    Seen { url: String, how: String, refs: Vec<RefDoc> },
}

#[derive(Debug, Serialize, Deserialize)]
struct MoveDoc {
    name: String,
    old: Option<Text<Oid>>,
    new: Option<Text<Oid>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RefDoc {
    name: String,
    id: Text<Oid>,
}

#[must_use]
pub fn encode(entry: &Entry) -> String {
    let moves = |moves: &[RefMove]| moves.iter().map(MoveDoc::from).collect();
    let what = match entry.what.clone() {
        What::Refused { rule, reason, tried } => WhatDoc::Refused { rule, reason, tried },
        What::Cleared { url, moves: all } => WhatDoc::Cleared { url, moves: moves(&all) },
        What::Vouched { url, moves: all, reason } => {
            WhatDoc::Vouched { url, moves: moves(&all), reason }
        }
        What::Seen { url, how, refs } => {
            let refs = refs.into_iter().map(|(name, id)| RefDoc { name, id: Text(id) }).collect();
            WhatDoc::Seen { url, how: how.word().to_owned(), refs }
        }
    };
    canonical(&EntryDoc {
        v: VERDICT_FORMAT,
        number: entry.number,
        refusals: entry.refusals,
        at: Text(entry.at),
        who: entry.who.word().to_owned(),
        layer: entry.layer.word().to_owned(),
        what,
    })
}

pub fn decode(line: &str) -> Result<Entry, DecodeError> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    let version: Version = serde_json::from_str(line).map_err(garbled(WHAT))?;
    if VERDICT_FORMAT < version.v {
        return Err(DecodeError::Newer { what: WHAT, found: version.v });
    }
    let doc: EntryDoc = serde_json::from_str(line).map_err(garbled(WHAT))?;
    let unknown = |what: &str, word: &str| DecodeError::Garbled {
        what: WHAT,
        why: format!("`{}` is no {what}", word.escape_debug()),
    };
    let moves = |moves: Vec<MoveDoc>| moves.into_iter().map(RefMove::from).collect();
    Ok(Entry {
        number: doc.number,
        refusals: doc.refusals,
        at: doc.at.0,
        who: Who::parse(&doc.who).ok_or_else(|| unknown("who", &doc.who))?,
        layer: Layer::parse(&doc.layer).ok_or_else(|| unknown("layer", &doc.layer))?,
        what: match doc.what {
            WhatDoc::Refused { rule, reason, tried } => What::Refused { rule, reason, tried },
            WhatDoc::Cleared { url, moves: all } => What::Cleared { url, moves: moves(all) },
            WhatDoc::Vouched { url, moves: all, reason } => {
                What::Vouched { url, moves: moves(all), reason }
            }
            WhatDoc::Seen { url, how, refs } => What::Seen {
                url,
                how: Sight::parse(&how).ok_or_else(|| unknown("sight", &how))?,
                refs: refs.into_iter().map(|entry| (entry.name, entry.id.0)).collect(),
            },
        },
    })
}

impl From<&RefMove> for MoveDoc {
    fn from(of: &RefMove) -> Self {
        let text = |id: &Option<Oid>| id.clone().map(Text);
        Self { name: of.name.clone(), old: text(&of.old), new: text(&of.new) }
    }
}

impl From<MoveDoc> for RefMove {
    fn from(doc: MoveDoc) -> Self {
        Self { name: doc.name, old: doc.old.map(|id| id.0), new: doc.new.map(|id| id.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(what: What) -> Entry {
        Entry {
            number: 7,
            refusals: 3,
            at: Timestamp::from_millis(1_763_740_800_000),
            who: Who::Agent,
            layer: Layer::Helper,
            what,
        }
    }

    #[test]
    fn every_kind_is_read_as_it_was_written() {
        let id = Oid::parse(&"a".repeat(40)).unwrap();
        let moves = vec![RefMove { name: "refs/heads/x".into(), old: None, new: Some(id.clone()) }];
        let url = "https://host/a".to_owned();
        for what in [
            What::Refused { rule: "force".into(), reason: "a\n\"b".into(), tried: "git x".into() },
            What::Cleared { url: url.clone(), moves: moves.clone() },
            What::Vouched { url: url.clone(), moves, reason: "a merge".into() },
            What::Seen { url, how: Sight::Asked, refs: vec![("refs/heads/main".into(), id)] },
        ] {
            let line = encode(&entry(what.clone()));
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(decode(&line), Ok(entry(what)), "{line}");
        }
    }

    #[test]
    fn what_is_newer_or_garbled_is_said_to_be() {
        assert!(matches!(decode(r#"{"v":2,"x":1}"#), Err(DecodeError::Newer { found: 2, .. })));
        for bad in ["", "{}", r#"{"v":1}"#, "[", "null"] {
            assert!(matches!(decode(bad), Err(DecodeError::Garbled { .. })), "{bad}");
        }
        let line = encode(&entry(What::Cleared { url: String::new(), moves: Vec::new() }));
        for (from, to) in [("agent", "robot"), ("push-helper", "door"), ("cleared", "guessed")] {
            assert!(decode(&line.replace(from, to)).is_err(), "{to}");
        }
    }
}
