//! Stages of gates for real. All that decides comes from the journal: an agent can write the
//! configuration.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context as _;

use super::RealWorld;
use crate::{
    domain::{
        check::{command::Expect, name::Check},
        event::StageStart,
        id::{Oid, StageId},
        run::Run,
        workflow::{self, Part, Stage},
    },
    gates::{
        self,
        script::{Asked, PolicyDoc},
    },
    report::gate,
    store::{history, journal::Artifact, wire::policy},
};

const POLICY_BYTES_MAX: u64 = 4 * 1024 * 1024;

impl RealWorld<'_> {
    /// What a stage of gates looks at, as a script for where its report goes. All that decides comes
    /// from the journal: an agent can write the configuration.
    pub(super) fn gates(
        &self,
        run: &Run,
        start: &StageStart,
        stage: &Stage,
    ) -> anyhow::Result<impl Fn(&Path) -> String + use<>> {
        let parse = |check: &workflow::Check| {
            let found = Check::parse(&check.gate);
            found.with_context(|| format!("`{}` is no gate", check.gate.escape_debug()))
        };
        let checks = stage.checks.iter().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
        let must_fail = stage.checks.iter().filter(|check| check.must_fail);
        let expect: BTreeMap<String, Expect> =
            must_fail.map(|check| (check.gate.clone(), Expect::Fail)).collect();
        let id = &run.charter.run;
        let policy = history::read_file(self.repo, id, "policy.json", POLICY_BYTES_MAX)?;
        let policy = policy::gates(&policy.context("the journal has no `policy.json`")?)?;
        let policy = match policy {
            Some(policy) => serde_json::from_value::<PolicyDoc>(policy)?.policy()?,
            None => self.settings.gates.clone(),
        };
        let items = match run.part_of(&start.item) {
            Part::Items => vec![start.item.to_string()],
            Part::Opening | Part::Closing => run
                .items
                .iter()
                .filter(|item| run.part_of(&item.id) == Part::Items)
                .map(|item| item.id.to_string())
                .collect(),
        };
        // What an item is held to is its own work; all of it together is held to all of it.
        let from = match run.part_of(&start.item) {
            Part::Items => run.work_began().cloned(),
            Part::Opening | Part::Closing => None,
        };
        let from = from.unwrap_or_else(|| run.charter.start.clone());
        // An item that judges what was there is held to all of it, whoever it is from.
        let asides = match run.active().is_some_and(|active| *active.from() == from) {
            true if run.part_of(&start.item) == Part::Items => run.work_asides(),
            _ => Vec::new(),
        };
        let mut papers = BTreeMap::new();
        for (name, content) in self.input(run, &start.item)? {
            papers.insert(name, String::from_utf8_lossy(&content).into_owned());
        }
        let again = run.part_of(&start.item) == Part::Items
            && run.active().is_some_and(|active| active.since.is_some());
        let verified = self.is_verified(run, &start.tree);
        let run = id.clone();
        Ok(move |report: &Path| {
            gates::script::script(&Asked {
                run: &run,
                from: &from,
                asides: &asides,
                gates: &checks,
                items: &items,
                expect: &expect,
                policy: &policy,
                papers: &papers,
                again,
                verified,
                report,
            })
            .to_json()
        })
    }

    /// Whether a judge named the evidence of each criterion, for this very tree.
    pub(super) fn is_verified(&self, run: &Run, tree: &Oid) -> bool {
        let of = |stage: &StageId| self.workflow.stage(stage).is_some_and(|stage| stage.criteria);
        let passed = run.active().map_or(&[][..], |active| active.passed.as_slice());
        passed.iter().any(|evidence| of(&evidence.stage) && evidence.tree == *tree)
    }
}

/// What the gates of a stage said, for machines and for people.
pub(super) fn kept_gates(run: &Run, start: &StageStart, text: &str) -> Vec<Artifact> {
    let path =
        |end: &str| format!("{}/{:04}-{}.gates.{end}", start.item, run.calls_total, start.stage);
    let whole = Artifact { path: path("json"), content: text.as_bytes().to_vec() };
    let page = gate::set_page(text);
    let page = page.map(|page| Artifact { path: path("md"), content: page.into_bytes() });
    [Some(whole), page].into_iter().flatten().collect()
}
