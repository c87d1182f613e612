//! Commands that gates of the run ran before, out of its journal. No file of the work tree is asked: an
//! agent could have written it.

use anyhow::Context as _;

use crate::{
    domain::{
        check::Evidence,
        id::{Oid, StageId},
        run::Run,
    },
    git::Repo,
    report::gate,
    store::history,
};

/// The newest ones that are looked at.
const SETS_MAX: usize = 16;
const SET_BYTES_MAX: u64 = 16 * 1024 * 1024;
const PLACE: &str = "artifacts";

/// What commands came to in gates that passed.
pub fn evidence(repo: &Repo, run: &Run, tip: &Oid) -> anyhow::Result<Vec<Evidence>> {
    let mut sets = Vec::new();
    for item in &run.items {
        let place = format!("{PLACE}/{}", item.id);
        for name in history::names_at(repo, tip, &place)? {
            match number_of(&name) {
                Some((number, stage))
                    if StageId::parse(stage).is_ok_and(|id| run.stands_by(item, &id)) =>
                {
                    sets.push((number, format!("{place}/{name}")));
                }
                _ => {}
            }
        }
    }
    sets.sort_unstable_by(|a, b| b.cmp(a));
    let mut found = Vec::new();
    for (_, path) in sets.iter().take(SETS_MAX) {
        let text = history::read_file_at(repo, tip, path, SET_BYTES_MAX)?;
        // Of a version to come, or beyond all bounds: then it is run again, and that is all.
        let Ok(reports) = gate::read_set(&text.context("the journal lacks a report")?) else {
            continue;
        };
        let passed = reports.into_iter().filter(|report| report.answer.lets_through());
        found.extend(passed.flat_map(|report| report.evidence));
    }
    Ok(found)
}

/// The number of the call whose set of gates this is, and its stage.
fn number_of(name: &str) -> Option<(u64, &str)> {
    let (number, stage) = name.strip_suffix(".gates.json")?.split_once('-')?;
    Some((number.parse().ok()?, stage))
}
