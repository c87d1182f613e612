//! Papers for real: what a stage is shown, what it hands in, and what is lacking of it.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::{RealWorld, work_of_item};
use crate::{
    agents::call::Called,
    domain::{
        claim,
        event::{PaperRef, StageStart},
        id::{Digest, ItemId},
        paper::{self, PAPER_BYTES_MAX},
        run::Run,
        secret,
        workflow::{Need, Stage},
    },
    store::{history, journal::Artifact},
};

impl RealWorld<'_> {
    /// The papers that a stage is shown: those that it needs, and all others that are there for it.
    pub(super) fn input(&self, run: &Run, item: &ItemId) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let mut found: Vec<(String, Vec<u8>)> = Vec::new();
        for paper in run.papers_for(item) {
            // Of several items that handed in the same, the first is there by its name.
            if found.iter().any(|(name, _)| *name == paper.name) {
                continue;
            }
            let (id, most) = (&run.charter.run, PAPER_BYTES_MAX as u64);
            let text = history::read_file(self.repo, id, &paper.path, most)?;
            found.push((paper.name.clone(), text.context("the journal lacks a paper")?));
        }
        Ok(found)
    }

    /// What should have been handed in and was not. What a judge itself says does not hold is a finding.
    pub(super) fn lacking(
        &self,
        run: &Run,
        start: &StageStart,
        stage: &Stage,
        called: &mut Called,
    ) -> anyhow::Result<Vec<String>> {
        let made = stage.makes.iter();
        let mut lacking: Vec<String> = made
            .filter_map(|paper| {
                paper::fault(paper, called.papers.get(&paper.name).map(String::as_str))
            })
            .collect();
        if let (true, Some(report)) = (stage.criteria, &mut called.report) {
            let (_, tasks) = work_of_item(&self.plan, run, &start.item)?;
            lacking.extend(claim::unproven(&tasks, &report.claims));
            report.findings.extend(claim::broken(&report.claims));
        }
        Ok(lacking)
    }

    /// Files that the stage at hand needs and that are not there.
    pub(super) fn lacks(&self, run: &Run) -> Vec<String> {
        let Some(shape) = run.active().and_then(|active| run.shape(&active.stage)) else {
            return Vec::new();
        };
        let files = shape.needs.iter().filter_map(|need| match need {
            Need::File(path) => Some(path.clone()),
            Need::Paper(_) => None,
        });
        let there = |path: &String| {
            let top = self.repo.worktree();
            top.is_some_and(|top| std::fs::metadata(top.join(path)).is_ok_and(|m| m.is_file()))
        };
        files.filter(|path| !there(path)).collect()
    }
}

/// The papers of a stage as they are kept, by the number of the call.
pub(super) fn kept_papers(
    stage: &Stage,
    run: &Run,
    start: &StageStart,
    handed: &BTreeMap<String, String>,
    artifacts: &mut Vec<Artifact>,
) -> Vec<PaperRef> {
    let mut papers = Vec::new();
    for made in &stage.makes {
        let Some(text) = handed.get(&made.name) else { continue };
        let content = secret::redact(text).into_bytes();
        let path = format!("{}/{:04}-{}/{}", start.item, run.calls_total, start.stage, made.name);
        papers.push(PaperRef {
            name: made.name.clone(),
            path: format!("artifacts/{path}"),
            digest: Digest::of(&content),
        });
        artifacts.push(Artifact { path, content });
    }
    papers
}
