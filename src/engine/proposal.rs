//! What a pull request tells of, gathered from the journal and from the run's own commits. Looking
//! writes nothing.

use std::collections::BTreeMap;

use crate::{
    domain::{
        deletion::Traced,
        id::{ItemId, Oid},
        item::{Item, Progress},
        paper::PAPER_BYTES_MAX,
        passage::Passages,
        plan::Plan,
        run::Run,
    },
    git::Repo,
    report::pull_request::{Commit, View},
    store::{history, wire::policy},
};

use super::deletions;

/// What a triage hands in.
const TRIAGE: &str = "triage.json";
const POLICY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Everything of a run that stands in its pull request.
#[derive(Debug)]
pub struct Facts {
    run: Run,
    commit: Oid,
    plan: String,
    titles: Vec<(String, String)>,
    commits: Vec<Commit>,
    commits_unseen: u64,
    files: Vec<Option<usize>>,
    deleted: Vec<Traced>,
    confidence: Vec<(String, String)>,
    passages: Passages,
}

impl Facts {
    pub fn gather(repo: &Repo, run: &Run, plan: &Plan, commit: &Oid) -> anyhow::Result<Self> {
        let found = deletions::find(repo, &run.charter.run, plan)?;
        let (chain, commits_unseen) = repo.subjects_between(&run.charter.start, commit)?;
        let items = owners(run, &chain);
        let files = files(repo, run, &chain, commit);
        let commits = chain
            .into_iter()
            .zip(items)
            .map(|((id, subject), item)| Commit { id, subject, item })
            .collect();
        let sprints = plan.sprints.iter().map(|s| (s.id.to_string(), s.title.clone()));
        let tasks = plan.tasks().map(|(_, task)| (task.id.to_string(), task.title.clone()));
        Ok(Self {
            commits,
            commits_unseen,
            files,
            deleted: found.files,
            confidence: confidence(repo, run, commit)?,
            passages: passages(repo, run)?,
            plan: plan.title.clone(),
            titles: sprints.chain(tasks).collect(),
            run: run.clone(),
            commit: commit.clone(),
        })
    }

    #[must_use]
    pub fn view(&self) -> View<'_> {
        View {
            run: &self.run,
            commit: &self.commit,
            plan: &self.plan,
            titles: &self.titles,
            commits: &self.commits,
            commits_unseen: self.commits_unseen,
            files: &self.files,
            deleted: &self.deleted,
            confidence: &self.confidence,
            passages: &self.passages,
        }
    }
}

/// How each gate was passed, as the journal tells it.
fn passages(repo: &Repo, run: &Run) -> anyhow::Result<Passages> {
    let (mut found, mut before) = (Passages::default(), None::<Run>);
    history::each_event(repo, &run.charter.run, |envelope, _| {
        match &mut before {
            Some(run) => {
                found.note(&envelope, run);
                run.apply(&envelope)?;
            }
            None => before = Some(Run::begin(&envelope)?),
        }
        Ok(())
    })?;
    Ok(found)
}

/// What speaks for the work and what to look at twice: what the triage found, how much changed, what is
/// risky, and the papers that were handed in.
fn confidence(repo: &Repo, run: &Run, commit: &Oid) -> anyhow::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    let mut say = |what: &str, how: String| all.push((what.to_owned(), how));
    let id = &run.charter.run;
    if let Some(held) = run.papers.iter().find(|held| held.paper.name == TRIAGE) {
        let text = history::read_file(repo, id, &held.paper.path, PAPER_BYTES_MAX as u64)?;
        let triage: serde_json::Value =
            serde_json::from_slice(&text.unwrap_or_default()).unwrap_or_default();
        if let Some(word) = triage["reproduction"].as_str() {
            say("reproduction", word.to_owned());
        }
        for (signal, shows) in triage["signals"].as_object().into_iter().flatten() {
            if let Some(shows) = shows.as_str().filter(|shows| !shows.trim().is_empty()) {
                say(signal, shows.to_owned());
            }
        }
    }
    if let Ok(files) = repo.files_changed(&run.charter.start, commit) {
        say("files changed", files.to_string());
    }
    let policy = history::read_file(repo, id, "policy.json", POLICY_BYTES_MAX)?;
    let (risks, allowed) = policy::risks(&policy.unwrap_or_default()).unwrap_or_default();
    for (word, place) in risks {
        let allowed = if allowed { ", allowed at the start" } else { "" };
        say("risk", format!("{word} in {place}{allowed}"));
    }
    for held in &run.papers {
        say("paper", format!("{} of {}: {}", held.paper.name, held.item, held.paper.path));
    }
    Ok(all)
}

/// Whose each commit is, oldest first: an item's work goes up to where it was finished, as the journal
/// says. What a subject says is anybody's.
fn owners(run: &Run, chain: &[(Oid, String)]) -> Vec<Option<ItemId>> {
    let order = in_order(run, chain);
    let mut at = 0;
    let pass = |commit: &Oid, at: &mut usize| {
        let ends = |item: &&Item| item.done_at().is_some_and(|(head, _)| head == commit);
        while order.get(*at).is_some_and(ends) {
            *at += 1;
        }
    };
    pass(&run.charter.start, &mut at);
    let mut found = Vec::with_capacity(chain.len());
    for (commit, _) in chain {
        found.push(order.get(at).map(|item| item.id.clone()));
        pass(commit, &mut at);
    }
    found
}

/// How many files each item changed, from where the one before it ended.
fn files(repo: &Repo, run: &Run, chain: &[(Oid, String)], commit: &Oid) -> Vec<Option<usize>> {
    let mut from = &run.charter.start;
    let mut counted = BTreeMap::new();
    for item in in_order(run, chain) {
        let to = match &item.progress {
            Progress::Pending | Progress::Paused(_) | Progress::Inferred { .. } => continue,
            Progress::Active(_) => commit,
            Progress::Done { head, .. } => head,
        };
        counted.insert(&item.id, repo.files_changed(from, to).ok());
        from = to;
    }
    run.items.iter().map(|item| counted.get(&item.id).copied().flatten()).collect()
}

/// The items as they were finished, and behind them what is not: what paused is overtaken by others.
fn in_order<'a>(run: &'a Run, chain: &[(Oid, String)]) -> Vec<&'a Item> {
    let ends = |item: &Item| {
        let (head, _) = item.done_at()?;
        let place = chain.iter().position(|(commit, _)| commit == head);
        place.map(|place| place + 1).or((*head == run.charter.start).then_some(0))
    };
    let mut items: Vec<(usize, &Item)> =
        run.items.iter().map(|item| (ends(item).unwrap_or(usize::MAX), item)).collect();
    items.sort_by_key(|(place, _)| *place);
    items.into_iter().map(|(_, item)| item).collect()
}
