//! The reports that finished items left in the journal.

use std::collections::{BTreeMap, BTreeSet};

use super::sight::Sight;
use crate::{
    domain::{
        check::{Judged, artifacts, artifacts::Finished},
        event::Event,
        id::RunId,
        item::Progress,
        path,
        run::Run,
    },
    git::Repo,
    store::history,
};

const REPORT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// `items` are those that were asked about; without any, all that are finished.
pub(super) fn judge(
    repo: &Repo,
    sight: &Sight<'_>,
    run: &RunId,
    items: &[String],
) -> anyhow::Result<Judged> {
    let (state, reports) = told(repo, run)?;
    let finished = state.items.iter().filter(|item| matches!(item.progress, Progress::Done { .. }));
    let finished: Vec<String> = match items {
        [] => finished.map(|item| item.id.to_string()).collect(),
        items => items.to_vec(),
    };
    let standing: BTreeSet<&[u8]> =
        sight.changes()?.iter().map(|change| change.path.as_slice()).collect();
    let mut found = Vec::new();
    for item in finished {
        let own =
            sight.commits()?.iter().filter(|commit| commit.item(Some(run.as_str())) == Some(&item));
        let paths = own.flat_map(|commit| &commit.changes).map(|change| change.path.as_slice());
        let changed = paths.filter(|path| standing.contains(path)).map(|path| path::spell(path).0);
        let changed = changed.collect();
        let named = named(repo, run, reports.get(&item).map_or(&[][..], Vec::as_slice))?;
        found.push(Finished { item, named, changed });
    }
    Ok(artifacts::judge(&found))
}

/// The run as its journal has it, and where the reports of each item's stages are. That of a lane counts
/// as soon as what it built is brought in, and else not at all.
fn told(repo: &Repo, id: &RunId) -> anyhow::Result<(Run, BTreeMap<String, Vec<String>>)> {
    let (mut run, mut reports) = (None::<Run>, BTreeMap::<String, Vec<String>>::new());
    let mut ahead = BTreeMap::new();
    history::each_event(repo, id, |envelope, _| {
        match &mut run {
            Some(run) => run.apply(&envelope)?,
            None => run = Some(Run::begin(&envelope)?),
        }
        let report = match envelope.event {
            Event::StageEnded(end) => end.report,
            Event::LaneEnded(of) => {
                ahead.insert(of.item, of.end.report);
                None
            }
            Event::LaneJoined { item, .. } => ahead.get(&item).cloned().flatten(),
            _ => None,
        };
        if let (Some(report), Some(run)) = (report, &run) {
            // `artifacts/<item>/<number>-<stage>.json`
            let item = report.split('/').nth(1).unwrap_or_default();
            if run.items.iter().any(|known| known.id.as_str() == item) {
                reports.entry(item.to_owned()).or_default().push(report);
            }
        }
        Ok(())
    })?;
    let run = run.ok_or_else(|| anyhow::anyhow!("the journal of run `{id}` holds no event"))?;
    Ok((run, reports))
}

/// Every file that the reports name; nothing where there is no report.
fn named(repo: &Repo, run: &RunId, reports: &[String]) -> anyhow::Result<Option<BTreeSet<String>>> {
    let mut found = None::<BTreeSet<String>>;
    for path in reports {
        let Some(text) = history::read_file(repo, run, path, REPORT_BYTES_MAX)? else { continue };
        let found = found.get_or_insert_default();
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&text) else { continue };
        let files = value["files"].as_array().map(Vec::as_slice).unwrap_or_default();
        found.extend(
            files
                .iter()
                .filter_map(|file| file.as_str())
                .map(|file| file.trim_start_matches("./").to_owned()),
        );
    }
    Ok(found)
}
