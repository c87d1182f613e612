//! Bringing in what a lane built: whether it may be taken, as which tree, and making the work tree that.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use super::super::{RealWorld, work_of_item};
use crate::{
    domain::{
        checkpoint::Why,
        event::Event,
        finding::Finding,
        id::{ItemId, Oid},
        lane::{self, Lane},
        run::Run,
    },
    engine::{checkpoint, lanes as trees},
    git::{lane::Merged, tree_diff::changes},
};

impl RealWorld<'_> {
    pub(in super::super) fn join_lane(
        &mut self,
        run: &Run,
        item: &ItemId,
    ) -> anyhow::Result<Event> {
        let active = run.active().context("no item is at work")?;
        let lane = lane::to_join(run, item, active).context("no lane waits for this item")?;
        let tree = &lane.left().context("the lane has not ended")?.tree;
        let dropped = |why: &str, findings: Vec<Finding>| {
            Ok(Event::LaneDropped { item: item.clone(), why: why.to_owned(), findings })
        };
        if self.is_dirty()? {
            return dropped("the work tree holds changes that could not be committed", Vec::new());
        }
        let (head, head_tree) = self.here(run)?;
        let (_, tasks) = work_of_item(&self.plan, run, item)?;
        let changed = self.changed(&lane.base, tree)?;
        let writes: Vec<_> = tasks.iter().flat_map(|task| task.writes.iter().cloned()).collect();
        let mut findings = lane::outside(&changed, &writes);
        findings.extend(lane::shared(&changed, &self.earlier(run, lane)?));
        if !findings.is_empty() {
            return dropped("it changed files that it may not change", findings);
        }
        if !self.repo.is_ancestor(&lane.base, &head).unwrap_or(false) {
            let why = "the branch does not build on what the lane began with any more";
            return dropped(why, vec![lane::misfit(why)]);
        }
        let merged = match self.repo.merged(&lane.base, &head, tree)? {
            Merged::Tree(merged) => merged,
            Merged::Conflict(paths) => {
                return dropped("it does not fit what is on the branch", lane::conflicts(&paths));
            }
        };
        if merged == head_tree {
            return dropped("the branch has all of it already", Vec::new());
        }
        let in_the_way = self.in_the_way(&head_tree, &merged)?;
        if !in_the_way.is_empty() {
            let why = "files that git does not track are in the way";
            return dropped(why, lane::conflicts(&in_the_way));
        }
        Ok(Event::LaneJoined { item: item.clone(), head, tree: merged })
    }

    /// Paths that the tree would add where something is that no commit has: there, above it or below it.
    /// git takes what is ignored for worth nothing.
    fn in_the_way(&self, head: &Oid, tree: &Oid) -> anyhow::Result<Vec<Vec<u8>>> {
        let top = self.repo.worktree().context("a bare repository has no work tree")?;
        let (added, others): (Vec<_>, Vec<_>) =
            changes(&self.repo.git(), head, tree)?.into_iter().partition(|c| c.now.is_none());
        let gone = others.into_iter().filter(|change| change.then.is_none());
        let gone: BTreeSet<Vec<u8>> = gone.map(|change| change.path).collect();
        let mut found = Vec::new();
        for path in added.into_iter().map(|change| change.path) {
            if trees::is_in_the_way(top, &path, &gone)? {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn changed(&self, base: &Oid, tree: &Oid) -> anyhow::Result<Vec<Vec<u8>>> {
        let all = changes(&self.repo.git(), &self.repo.tree_of(base)?, tree)?;
        Ok(all.into_iter().map(|change| change.path).collect())
    }

    /// What was brought in of earlier items whose lanes began at the same commit. What was not taken of
    /// them is nowhere, and so in nobody's way.
    fn earlier(
        &self,
        run: &Run,
        lane: &Lane,
    ) -> anyhow::Result<BTreeMap<ItemId, BTreeSet<Vec<u8>>>> {
        let at = |id: &ItemId| run.items.iter().position(|item| item.id == *id);
        let mut found = BTreeMap::new();
        for other in &run.lanes {
            let before = other.base == lane.base && at(&other.item) < at(&lane.item);
            if let (lane::Phase::Joined(left), true) = (&other.phase, before) {
                let changed = self.changed(&other.base, &left.tree)?;
                found.insert(other.item.clone(), changed.into_iter().collect());
            }
        }
        Ok(found)
    }

    pub(in super::super) fn bring_in_lane(&mut self, run: &Run, tree: &Oid) -> anyhow::Result<()> {
        if self.repo.index_is(tree)? {
            return Ok(());
        }
        let dirty = self.is_dirty()?;
        self.dirty = None;
        if !dirty {
            return self.repo.bring_in(&run.head, tree);
        }
        // Somebody died in the middle of it: what is there is saved, and these paths are set anew.
        let settings = &self.settings.checkpoints;
        let why = Why::Stage;
        checkpoint::take(self.repo, settings, Some(run), why, None)?;
        let paths = self.changed(&run.head, tree)?;
        self.repo.bring_in_again(tree, &paths)
    }
}
