//! Gates that look at what a stage of the run handed in.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::examine::Case;
use crate::domain::check::{
    Judged, contract,
    eligibility::{self, Reproduction, Triage},
};

pub(super) const TRIAGE: &str = "triage.json";
pub(super) const CONTRACT: &str = "contract.md";

/// What a triage hands in. Fields that are not known say nothing.
#[derive(Debug, Deserialize)]
struct TriageDoc {
    #[serde(default)]
    signals: BTreeMap<String, String>,
    #[serde(default)]
    disqualifiers: Vec<String>,
    reproduction: Option<String>,
}

pub(super) fn eligibility(case: &Case<'_>) -> Judged {
    let Some(text) = case.papers.get(TRIAGE) else {
        return Judged::fail(format!("there is no `{TRIAGE}`, so nothing shows the bug"));
    };
    let doc: TriageDoc = match serde_json::from_str(text) {
        Ok(doc) => doc,
        Err(error) => return Judged::unknown(format!("`{TRIAGE}` cannot be read: {error}")),
    };
    let reproduction = match doc.reproduction.as_deref() {
        None => None,
        Some(word) => match Reproduction::parse(word) {
            Some(known) => Some(known),
            None => {
                return Judged::unknown(format!(
                    "`reproduction` is `{}`; it is one of strong, weak, manual-only",
                    word.escape_debug()
                ));
            }
        },
    };
    let signals = doc.signals.into_iter().collect();
    eligibility::judge(&Triage { signals, disqualifiers: doc.disqualifiers, reproduction })
}

pub(super) fn contract(case: &Case<'_>) -> Judged {
    let Some(text) = case.papers.get(CONTRACT) else {
        return Judged::fail(format!("there is no `{CONTRACT}`"));
    };
    match &case.plan {
        Ok(plan) => contract::judge(&case.tasks(plan), text),
        Err(why) => Judged::fail(why.clone()),
    }
}
