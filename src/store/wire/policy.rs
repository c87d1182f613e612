//! `policy.json`: what a run may do and by whom, frozen at its start.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{DecodeError, FORMAT, canonical, charter::CharterDoc, garbled};
use crate::domain::event::Charter;

/// What each stage runs, word by word. A run that goes on with something else asks a person first:
/// an agent could have chosen its own judge.
pub type Agents = BTreeMap<String, Vec<String>>;

/// The limits, the rules of the branches and the agents, as they were when the run began.
#[must_use]
pub fn encode(
    charter: &Charter,
    protected: &[String],
    agents: &Agents,
    remote: Option<&str>,
    more: &BTreeMap<&str, serde_json::Value>,
) -> String {
    let doc = CharterDoc::from(charter);
    let mut policy = json!({
        "format": FORMAT,
        "limits": doc.limits(),
        "push": charter.push.word(),
        "base": charter.base,
        "branch": charter.branch,
        "protected": protected,
        "agents": agents,
    });
    for (name, value) in more {
        policy[*name] = value.clone();
    }
    if let Some(url) = remote {
        policy["remote"] = url.into();
    }
    canonical(&policy)
}

/// The place that the run pushes to and no other; nothing where there was none at its start.
pub fn remote(text: &[u8]) -> Result<Option<String>, DecodeError> {
    #[derive(Deserialize)]
    struct PolicyDoc {
        remote: Option<String>,
    }
    serde_json::from_slice(text).map(|doc: PolicyDoc| doc.remote).map_err(garbled("a policy"))
}

/// Words that were found to be risky at the start, each with its place, and whether that was allowed.
pub fn risks(text: &[u8]) -> Result<(Vec<(String, String)>, bool), DecodeError> {
    #[derive(Deserialize, Default)]
    struct RiskDoc {
        #[serde(default)]
        words: Vec<(String, String)>,
        #[serde(default)]
        allowed: bool,
    }
    #[derive(Deserialize)]
    struct PolicyDoc {
        #[serde(default)]
        risk: RiskDoc,
    }
    let doc: PolicyDoc = serde_json::from_slice(text).map_err(garbled("a policy"))?;
    Ok((doc.risk.words, doc.risk.allowed))
}

/// What its gates ask for, as whoever knows them wrote it; nothing in a policy of before.
pub fn gates(text: &[u8]) -> Result<Option<serde_json::Value>, DecodeError> {
    #[derive(Deserialize)]
    struct PolicyDoc {
        gates: Option<serde_json::Value>,
    }
    serde_json::from_slice(text).map(|doc: PolicyDoc| doc.gates).map_err(garbled("a policy"))
}

/// Whether git was told to sign when the run began; then no word of a person goes without.
pub fn signs(text: &[u8]) -> Result<bool, DecodeError> {
    #[derive(Deserialize)]
    struct PolicyDoc {
        #[serde(default)]
        signs: bool,
    }
    serde_json::from_slice(text).map(|doc: PolicyDoc| doc.signs).map_err(garbled("a policy"))
}

/// The agents of a frozen policy.
pub fn agents(text: &[u8]) -> Result<Agents, DecodeError> {
    #[derive(Deserialize)]
    struct PolicyDoc {
        #[serde(default)]
        agents: Agents,
    }
    serde_json::from_slice(text).map(|doc: PolicyDoc| doc.agents).map_err(garbled("a policy"))
}
