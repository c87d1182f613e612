//! Facts for `domain::reconcile`, looked up here: the journal, the run's own range, notes, trees and
//! files. Reads alone; what is found is written down by whoever asked.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::Context as _;

use crate::{
    config::settings::Settings,
    domain::{
        drift::Follows,
        event::{Answer, Answered, Event, SyncedItem},
        id::{ItemId, Oid, RunId},
        item::Progress,
        plan::Plan,
        reconcile::{
            self, Commit, Evidence, Finding, Finished, Looked, Record, Strength,
            content::{self, Change, Kept, Segment},
            outside::{self, AUTHORS_ASKED_MAX, By, How, Outside, Standing, Touched},
        },
        run::Run,
        view::Glance,
    },
    git::{
        Repo,
        history::{Met, Uncommitted},
    },
    store::{history, notes, wire::note},
};

/// Notes that are looked at.
/// The longest commit that is asked who wrote it.
const COMMIT_BYTES_MAX: u64 = 16 * 1024 * 1024;
const NOTES_MAX: usize = 1_000_000;
/// Commits whose patch ids are computed, the newest ones.
const PATCHES_MAX: usize = 500;
/// A file beyond it is compared as a whole.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Evidence of one item that is followed file by file.
const SEGMENTS_MAX: usize = 10_000;

#[derive(Debug, Clone)]
pub struct Report {
    pub run: Run,
    pub base: String,
    /// Where the run's branch stands; the base where the branch is gone.
    pub tip: Oid,
    pub tree: Oid,
    pub branch_gone: bool,
    pub commits: usize,
    pub findings: Vec<Finding>,
    /// The commits since the run last stood somewhere, and whether it is no more in the history.
    since: Vec<Oid>,
    rewritten: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum NoBase {
    #[error("the base branch `{0}`, which `run.baseBranch` names, does not exist")]
    Configured(String),
    #[error(
        "there is no base branch: neither `{0}`, nor the remote's default branch, nor main, nor master"
    )]
    Nowhere(String),
}

/// Looks at everything. A base that is missing is an error: it does not mean that nothing was done.
pub fn look(repo: &Repo, id: &RunId, run: &Run, settings: &Settings) -> anyhow::Result<Report> {
    let (base, bases) = base_of(repo, run, settings)?;
    let start = &run.charter.start;
    let branch = repo.refs().read(&format!("refs/heads/{}", run.charter.branch))?;
    let branch_gone = branch.is_none();
    let tip = branch.unwrap_or_else(|| bases[0].clone());
    let known = records(repo, id, run)?;
    let met = repo.met(&tip, std::slice::from_ref(start))?;
    let own = own_range(repo, run, &met, (&tip, branch_gone), &bases)?;
    let commits = with_notes(repo, &known.all(), met, &own)?;
    let claims = reconcile::claims(run, &known.records, &commits, &settings.commit_pattern);
    let tree = repo.tree_of(&tip)?;
    let mut looked = reached(run, &known, &commits, &claims);
    let segments = segments(repo, run, &known, &commits, &claims);
    let still = bases.iter().all(|base| base == start);
    measure(repo, &segments, &tree, (&bases, still), &tip, &mut looked)?;
    patches(repo, run, &known, &commits, &mut looked)?;
    let findings = reconcile::findings(run, &known.records, &looked);
    let (since, rewritten) = since(repo, run, &commits, &tip)?;
    let commits = commits.len();
    Ok(Report {
        run: run.clone(),
        base,
        tip,
        tree,
        branch_gone,
        commits,
        findings,
        since,
        rewritten,
    })
}

/// What is new in the range since the run last stood somewhere. It is counted in what was read already.
fn since(
    repo: &Repo,
    run: &Run,
    commits: &[Commit],
    tip: &Oid,
) -> anyhow::Result<(Vec<Oid>, bool)> {
    let known = run.reconciled.as_ref().unwrap_or(&run.head);
    if known == tip {
        return Ok((Vec::new(), false));
    }
    let parents: HashMap<&Oid, &[Oid]> =
        commits.iter().map(|commit| (&commit.id, commit.parents.as_slice())).collect();
    let there = *known == run.charter.start || parents.contains_key(known);
    if !there {
        let rewritten = !repo.is_ancestor(known, tip).unwrap_or(false);
        if !repo.has_object(known) {
            return Ok((Vec::new(), rewritten));
        }
        let since = repo.ids_between(tip, std::slice::from_ref(known))?;
        return Ok((since.into_iter().collect(), rewritten));
    }
    let (mut old, mut open) = (HashSet::new(), vec![known]);
    while let Some(id) = open.pop() {
        if let Some(parents) = parents.get(id).filter(|_| old.insert(id)) {
            open.extend(parents.iter());
        }
    }
    let since = commits.iter().filter(|commit| !old.contains(&commit.id));
    Ok((since.map(|commit| commit.id.clone()).collect(), false))
}

/// The run's charter, `run.baseBranch`, the remote's default branch, main, master; and where it stands,
/// here and at the remote.
pub fn base_of(repo: &Repo, run: &Run, settings: &Settings) -> anyhow::Result<(String, Vec<Oid>)> {
    let remote = settings.remote.as_deref().unwrap_or("origin");
    let prefix = format!("refs/remotes/{remote}/");
    let stands = |name: &str| -> anyhow::Result<Vec<Oid>> {
        let names = [format!("refs/heads/{name}"), format!("{prefix}{name}")];
        let found =
            names.iter().map(|name| repo.refs().read(name)).collect::<Result<Vec<_>, _>>()?;
        let mut found: Vec<Oid> = found.into_iter().flatten().collect();
        // The one that is ahead first: what was merged at the server is often only there.
        if let [here, there] = found.as_slice()
            && here != there
            && repo.is_ancestor(here, there).unwrap_or(false)
        {
            found.reverse();
        }
        Ok(found)
    };
    let chartered = &run.charter.base;
    let mut names = vec![chartered.clone()];
    if let Some(configured) = &settings.base {
        names.push(configured.clone());
    } else {
        let target = repo.refs().read_symbolic(&format!("{prefix}HEAD"))?;
        names.extend(target.and_then(|target| target.strip_prefix(&prefix).map(str::to_owned)));
        names.extend(["main".to_owned(), "master".to_owned()]);
    }
    for name in names.iter().filter(|name| **name != run.charter.branch) {
        let found = stands(name)?;
        if !found.is_empty() {
            return Ok((name.clone(), found));
        }
    }
    Err(match &settings.base {
        Some(configured) => NoBase::Configured(configured.clone()),
        None => NoBase::Nowhere(chartered.clone()),
    }
    .into())
}

/// What the journal tells, and the order in which items were finished.
#[derive(Debug, Default)]
struct Known {
    records: Vec<Record>,
    /// Each stretch of work that was judged in the end, in order: its item, and the trees around it.
    worked: Vec<(usize, Oid, Oid)>,
}

impl Known {
    fn all(&self) -> HashSet<Oid> {
        self.records.iter().flat_map(|record| record.commits.iter().cloned()).collect()
    }
}

fn records(repo: &Repo, id: &RunId, run: &Run) -> anyhow::Result<Known> {
    let at = |item: &ItemId| run.items.iter().position(|known| known.id == *item);
    let mut known = Known { records: vec![Record::default(); run.items.len()], worked: Vec::new() };
    // Where the work of an item began, or began again: a rollback does not move that.
    let (mut active, mut began) = (None, BTreeMap::new());
    history::each_event(repo, id, |envelope, _| {
        match envelope.event {
            Event::ItemStarted { item, tree, .. } => {
                active = at(&item);
                if let Some(at) = active {
                    began.insert(at, tree);
                    known.worked.retain(|(other, _, _)| *other != at);
                    known.records[at] = Record { begun: true, ..Record::default() };
                }
            }
            // After a rollback or an answer an item is at work without being started.
            Event::StageStarted(start) if active.is_none() => {
                active = at(&start.item);
                if let Some(at) = active {
                    known.records[at].begun = true;
                    if known.records[at].again {
                        began.entry(at).or_insert(start.tree);
                    }
                }
            }
            Event::WorkCommitted(work) => {
                if let Some(at) = active {
                    known.records[at].commits.insert(work.commit);
                }
            }
            Event::WorkSeen { from, to, rewritten: false, .. } => {
                if let Some(at) = active {
                    // What was collected since is no evidence, and no reason to stop.
                    let seen = repo.ids_between(&to, &[from]).unwrap_or_default();
                    known.records[at].commits.extend(seen);
                }
            }
            Event::ItemFinished { item, head, tree } => {
                if let Some(at) = at(&item) {
                    let before = began.remove(&at).unwrap_or_else(|| tree.clone());
                    known.worked.push((at, before, tree.clone()));
                    known.records[at].finished = Some(Finished { head, tree });
                    known.records[at].again = false;
                }
                active = None;
            }
            Event::RolledBack(_) => active = None,
            Event::Reconciled(of) => {
                active = None;
                let again = |answered: &&Answered| answered.answer == Answer::ReVerify;
                for answered in of.answers.iter().filter(again) {
                    if let Some(at) = at(&answered.item) {
                        known.records[at].again = true;
                        began.insert(at, of.tree.clone());
                    }
                }
            }
            // What is asked for is another thing now: what showed it to be finished shows nothing.
            Event::PlanSynced(of) => {
                let again = |one: &&SyncedItem| one.follows == Follows::ReVerify;
                for one in of.items.iter().filter(again) {
                    if let Some(at) = at(&one.item) {
                        known.records[at].again = true;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    })
    .with_context(|| format!("the journal of run `{id}`"))?;
    Ok(known)
}

/// The commits that nobody else's history has. Where the branch is merged, those along its own line that
/// the base got by a merge, or that the journal has seen: whose the rest are cannot be told.
fn own_range(
    repo: &Repo,
    run: &Run,
    met: &[Met],
    (tip, branch_gone): (&Oid, bool),
    bases: &[Oid],
) -> anyhow::Result<HashSet<Oid>> {
    let start = &run.charter.start;
    let all = || met.iter().map(|met| met.id.clone()).collect::<HashSet<_>>();
    if !branch_gone && bases.iter().all(|base| base == start) {
        return Ok(all());
    }
    let merged =
        bases.iter().any(|base| base == tip || repo.is_ancestor(tip, base).unwrap_or(false));
    if !merged {
        let hidden: Vec<Oid> = [start].into_iter().chain(bases).cloned().collect();
        return repo.ids_between(tip, &hidden);
    }
    let parents: BTreeMap<&Oid, Option<&Oid>> =
        met.iter().map(|met| (&met.id, met.parents.first())).collect();
    let (mut line, mut at) = (HashSet::new(), tip);
    let mut of_base = HashSet::new();
    for base in bases {
        of_base.extend(repo.first_parents(base, start)?);
    }
    let mut seen = false;
    while at != start {
        seen |= *at == run.head || Some(at) == run.reconciled.as_ref();
        if seen || !of_base.contains(at) {
            line.insert(at.clone());
        }
        match parents.get(at).copied().flatten() {
            Some(parent) => at = parent,
            // The line does not come from where the run began: whose it is cannot be told.
            None => return Ok(HashSet::new()),
        }
    }
    Ok(line)
}

/// Oldest first, with the notes of those that the journal does not know.
fn with_notes(
    repo: &Repo,
    known: &HashSet<Oid>,
    met: Vec<Met>,
    own: &HashSet<Oid>,
) -> anyhow::Result<Vec<Commit>> {
    let annotated =
        if met.is_empty() { BTreeMap::new() } else { notes::annotated(repo, NOTES_MAX)? };
    let read = |id: &Oid| -> Vec<(RunId, ItemId)> {
        let Some(blob) = annotated.get(id).filter(|_| !known.contains(id)) else {
            return Vec::new();
        };
        let text = repo.read_blob(blob, notes::NOTE_BYTES_MAX).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().filter_map(note::item_of).collect()
    };
    let commit = |met: Met| Commit {
        notes: read(&met.id),
        own: own.contains(&met.id),
        id: met.id,
        tree: met.tree,
        parents: met.parents,
        marks: met.marks,
    };
    Ok(met.into_iter().rev().map(commit).collect())
}

fn reached(run: &Run, known: &Known, commits: &[Commit], claims: &[Vec<Evidence>]) -> Vec<Looked> {
    let ids: HashSet<&Oid> = commits.iter().map(|commit| &commit.id).collect();
    let takes_back: Vec<&Commit> =
        commits.iter().filter(|commit| !commit.marks.reverts.is_empty()).collect();
    let all = known.records.iter().zip(claims).enumerate();
    all.map(|(at, (record, claims))| {
        let Some(finished) = &record.finished else {
            return Looked { claims: claims.clone(), ..Looked::default() };
        };
        let is_in = |id: &Oid| ids.contains(id) || *id == run.charter.start;
        let reached = is_in(&finished.head);
        let same = commits
            .iter()
            .filter(|commit| commit.tree == finished.tree && commit.id != finished.head);
        let changed = known.worked.iter().any(|(of, before, after)| *of == at && before != after);
        let equal_trees = if reached || !changed {
            Vec::new()
        } else {
            same.map(|commit| commit.id.clone()).collect()
        };
        let of_item: BTreeSet<&Oid> =
            record.commits.iter().chain(claims.iter().map(|claim| &claim.commit)).collect();
        let is_of = |id: &String| of_item.iter().any(|own| own.as_str().starts_with(id.as_str()));
        let taken_back = takes_back.iter().filter(|commit| commit.marks.reverts.iter().any(is_of));
        Looked {
            reached,
            equal_trees,
            claims: claims.clone(),
            taken_back: taken_back.map(|commit| commit.id.clone()).collect(),
            ..Looked::default()
        }
    })
    .collect()
}

/// A stretch of history between two trees, and whose it is.
type Stretch = (Vec<usize>, Oid, Oid);

#[derive(Debug)]
struct Stretches {
    items: usize,
    all: Vec<Stretch>,
    /// The tree with which the last one ends.
    end: Option<Oid>,
}

/// What the journal saw being done, in that order, and then what commits show that it did not see.
fn segments(
    repo: &Repo,
    run: &Run,
    known: &Known,
    commits: &[Commit],
    claims: &[Vec<Evidence>],
) -> Stretches {
    let mut own: Vec<Stretch> = Vec::new();
    for (at, before, after) in &known.worked {
        // Objects that are gone are compared with nothing, and what was judged without being built
        // has its work in the commits that claim it.
        if before != after && repo.has_object(before) && repo.has_object(after) {
            own.push((vec![*at], before.clone(), after.clone()));
        }
    }
    let followed: BTreeSet<usize> = own.iter().flat_map(|(items, _, _)| items).copied().collect();
    let trees: BTreeMap<&Oid, &Oid> = commits.iter().map(|of| (&of.id, &of.tree)).collect();
    let mut by_commit: BTreeMap<&Oid, Vec<usize>> = BTreeMap::new();
    for (at, claims) in claims.iter().enumerate().filter(|(at, _)| !followed.contains(at)) {
        claims.iter().for_each(|claim| by_commit.entry(&claim.commit).or_default().push(at));
    }
    for commit in commits {
        let Some(items) = by_commit.get(&commit.id) else { continue };
        let before = match commit.parents.first() {
            Some(parent) => match trees.get(parent) {
                Some(tree) => (*tree).clone(),
                None => repo.tree_of(parent).unwrap_or_else(|_| repo.no_tree()),
            },
            None => repo.no_tree(),
        };
        own.push((items.clone(), before, commit.tree.clone()));
        if SEGMENTS_MAX < own.len() {
            break;
        }
    }
    let mut all: Vec<Stretch> = Vec::new();
    let mut end: Option<Oid> = None;
    for (items, before, after) in own {
        if let Some(end) = end.filter(|end| *end != before) {
            all.push((Vec::new(), end, before.clone()));
        }
        all.push((items, before, after.clone()));
        end = Some(after);
    }
    Stretches { items: run.items.len(), all, end }
}

fn measure(
    repo: &Repo,
    stretches: &Stretches,
    tree: &Oid,
    (bases, still): (&[Oid], bool),
    tip: &Oid,
    looked: &mut [Looked],
) -> anyhow::Result<()> {
    // A base that stands where the run began has nothing that the branch has not.
    let is_merged = |base: &Oid| base == tip || repo.is_ancestor(tip, base).unwrap_or(false);
    let merged = if still { bases.contains(tip) } else { bases.iter().any(is_merged) };
    let kept = kept(repo, stretches, tree)?;
    let in_base = match bases.first() {
        _ if merged => Some(kept.clone()),
        Some(_) if still => None,
        Some(base) => {
            let base_tree = repo.tree_of(base)?;
            let any = looked.iter().zip(&kept).any(|(_, kept)| kept.tells());
            let ahead = !repo.is_ancestor(base, tip).unwrap_or(false);
            (any && ahead).then(|| self::kept(repo, stretches, &base_tree)).transpose()?
        }
        None => None,
    };
    for (at, looked) in looked.iter_mut().enumerate() {
        looked.kept = kept[at].clone();
        // An item without content is merged with the branch and in no other way.
        looked.kept_in_base =
            in_base.as_ref().map(|kept| kept[at].clone()).filter(|kept| merged || kept.tells());
    }
    Ok(())
}

fn kept(repo: &Repo, stretches: &Stretches, end: &Oid) -> anyhow::Result<Vec<Kept>> {
    let mut all = stretches.all.clone();
    if let Some(last) = stretches.end.as_ref().filter(|last| *last != end) {
        all.push((Vec::new(), last.clone(), end.clone()));
    }
    let pairs: Vec<_> = all.iter().map(|(_, from, to)| (from.clone(), to.clone())).collect();
    let distinct: Vec<_> = pairs.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let changes: BTreeMap<_, _> =
        distinct.iter().cloned().zip(repo.differences(&distinct)?).collect();
    let owners = all.into_iter().map(|(items, _, _)| items);
    let segment =
        |(items, pair)| Segment { items, changes: changes.get(&pair).cloned().unwrap_or_default() };
    let segments: Vec<_> = owners.zip(pairs).map(segment).collect();
    let mut read = |id: &Oid| {
        let text = repo.read_blob(id, FILE_BYTES_MAX).ok()?;
        (!text.contains(&0)).then_some(text)
    };
    Ok(content::trace(stretches.items, &segments, &mut read))
}

/// The same change under another id: asked only where nothing better is known of an item that is there.
fn patches(
    repo: &Repo,
    run: &Run,
    known: &Known,
    commits: &[Commit],
    looked: &mut [Looked],
) -> anyhow::Result<()> {
    let wanting = |at: usize, looked: &Looked| {
        let nothing = !looked.reached && looked.claims.is_empty() && looked.equal_trees.is_empty();
        let active = matches!(run.items[at].progress, Progress::Active(_));
        nothing && !active && known.records[at].finished.is_some() && looked.kept.is_there()
    };
    let wanted: Vec<usize> =
        looked.iter().enumerate().filter(|(at, one)| wanting(*at, one)).map(|(at, _)| at).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let newest = commits.iter().rev().filter(|commit| commit.parents.len() == 1).take(PATCHES_MAX);
    let newest: Vec<Oid> = newest.map(|commit| commit.id.clone()).collect();
    let there: BTreeMap<String, Oid> = repo.patch_ids(&newest)?.into_iter().collect();
    for at in wanted {
        let record = &known.records[at];
        let at_hand: Vec<Oid> =
            record.commits.iter().filter(|id| repo.has_object(id)).cloned().collect();
        let mut same: BTreeSet<Oid> = BTreeSet::new();
        let of_commits = repo.patch_ids(&at_hand)?;
        same.extend(of_commits.iter().filter_map(|(patch, _)| there.get(patch).cloned()));
        for (_, before, after) in known.worked.iter().filter(|(of, _, _)| *of == at) {
            if let Some(whole) = repo.patch_id_between(before, after)? {
                same.extend(there.get(&whole).cloned());
            }
        }
        looked[at].same_patches = same.into_iter().collect();
    }
    Ok(())
}

/// The same in short and cheap, for who only looks in: nothing where the branch is where it was left.
pub fn glance(repo: &Repo, run: &Run, tree: bool) -> anyhow::Result<Option<Glance>> {
    let tip = repo.refs().read(&format!("refs/heads/{}", run.charter.branch))?;
    let here = repo.worktree().is_some() && run.charter.worktree == repo.identity();
    let uncommitted = if tree && here { repo.standing()?.len() } else { 0 };
    let moved = tip.filter(|tip| *tip != run.head && run.reconciled.as_ref() != Some(tip));
    let moved = moved.filter(|_| run.tree.is_some());
    let (commits, rewritten) = match &moved {
        Some(tip) => repo.survey(&run.head, tip).map(|(commits, kept)| (commits, !kept))?,
        None => (0, false),
    };
    let any = moved.is_some() || 0 < uncommitted;
    Ok(any.then_some(Glance { commits, rewritten, uncommitted }))
}

/// What others did since the run last stood somewhere or was reconciled: commits, and with `tree` what is
/// not committed in this work tree.
pub fn outside(repo: &Repo, report: &Report, plan: &Plan, tree: bool) -> anyhow::Result<Outside> {
    let run = &report.run;
    let known = run.reconciled.as_ref().unwrap_or(&run.head);
    let (mut touched, mut found) = (Vec::new(), Outside::default());
    // A run that never stood on its branch has nothing behind it, and a gone branch no outside.
    if run.tree.is_some() && !report.branch_gone && *known != report.tip {
        found.rewritten = report.rewritten;
        found.commits = report.since.clone();
        found.by = whose(repo, run, &found.commits)?;
        if repo.has_object(known) {
            let pair = (repo.tree_of(known)?, report.tree.clone());
            let changes = repo.differences(&[pair])?.pop().unwrap_or_default();
            touched.extend(changes.into_iter().filter_map(committed));
        }
    }
    let here = repo.worktree().is_some() && run.charter.worktree == repo.identity();
    if tree && here && repo.head()?.branch.as_deref() == Some(run.charter.branch.as_str()) {
        for one in repo.standing()? {
            touched.extend(uncommitted(one.index, Standing::Staged, &one));
            touched.extend(uncommitted(one.tree, Standing::Unstaged, &one));
        }
    }
    found.files = outside::map(run, plan, &report.findings, touched);
    Ok(found)
}

/// Whose the commits are: by the author that each names, and by the run's own trailers.
fn whose(repo: &Repo, run: &Run, commits: &[Oid]) -> anyhow::Result<Vec<By>> {
    let mut all = Vec::new();
    for id in commits.iter().take(AUTHORS_ASKED_MAX) {
        let (trailers, _) = repo.trailers(id)?;
        let of_run = trailers.get("run").is_some_and(|own| own == run.charter.run.as_str());
        all.push((repo.author_of(id, COMMIT_BYTES_MAX)?, of_run));
    }
    Ok(outside::counted_by(all.into_iter()))
}

fn committed(change: Change) -> Option<Touched> {
    let standing = Standing::Committed;
    Some(match (change.from, change.to) {
        (None, Some(to)) => Touched { path: to.path, from: None, standing, how: How::Added },
        (Some(from), None) => Touched { path: from.path, from: None, standing, how: How::Deleted },
        (Some(from), Some(to)) if from.path != to.path => {
            Touched { path: to.path, from: Some(from.path), standing, how: How::Renamed }
        }
        (Some(from), Some(_)) => {
            Touched { path: from.path, from: None, standing, how: How::Changed }
        }
        (None, None) => return None,
    })
}

/// One of git's two letters for a path.
fn uncommitted(letter: u8, standing: Standing, one: &Uncommitted) -> Option<Touched> {
    let (standing, how) = match letter {
        b' ' | b'!' => return None,
        b'?' if standing == Standing::Staged => return None,
        b'?' => (Standing::Untracked, How::Added),
        b'A' | b'C' => (standing, How::Added),
        b'D' => (standing, How::Deleted),
        b'R' => (standing, How::Renamed),
        _ => (standing, How::Changed),
    };
    let from = one.from.clone().filter(|_| how == How::Renamed);
    Some(Touched { path: one.path.clone(), from, standing, how })
}

/// Whether every one of these items is in the branch, by whatever evidence.
#[must_use]
pub fn all_in(findings: &[Finding], items: &[ItemId]) -> bool {
    let is_in = |item: &ItemId| {
        let found = findings.iter().find(|finding| finding.item == *item);
        found.is_some_and(|finding| matches!(finding.found, reconcile::Found::In(strength) if !matches!(strength, Strength::Managed | Strength::Superseded)))
    };
    items.iter().all(is_in)
}
