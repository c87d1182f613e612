//! What is finished, read from the repository instead of from memory: the journal first, then what
//! commits say of themselves, and above all of it what the files still hold.
//!
//! Nothing here is counted: an item is found or not found, with what shows it and how strong that is.
//! `docs/RECONCILE.md` has the order of evidence for people.

pub mod content;
pub mod marks;
pub mod outside;
pub mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use self::{content::Kept, marks::Marks, pattern::CommitPattern};
use super::{
    event::{Answer, Answered, Inference},
    id::{ItemId, Oid, RunId},
    item::{Phase, Progress},
    run::{Run, State},
};

/// What shows that an item is finished, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// The journal says so, and that very commit is in the history.
    Recorded,
    Trailer,
    Note,
    Pattern,
    /// A commit has the tree that the judges passed.
    EqualTree,
    /// A commit makes the same change under another id.
    PatchId,
    /// What the item made is there, in whatever way it came.
    Content,
    /// A person says so.
    Trusted,
    /// A person takes care of it outside of the run.
    Managed,
    /// What it came from is gone, and a person said that it is asked for no more.
    Superseded,
}

impl Strength {
    pub const ALL: [Self; 10] = [
        Self::Recorded,
        Self::Trailer,
        Self::Note,
        Self::Pattern,
        Self::EqualTree,
        Self::PatchId,
        Self::Content,
        Self::Trusted,
        Self::Managed,
        Self::Superseded,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Trailer => "trailer",
            Self::Note => "note",
            Self::Pattern => "pattern",
            Self::EqualTree => "equal-tree",
            Self::PatchId => "patch-id",
            Self::Content => "content",
            Self::Trusted => "trusted",
            Self::Managed => "externally-managed",
            Self::Superseded => "superseded",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strength| strength.word() == word)
    }
}

/// What the journal tells of an item, whatever was rolled back since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    pub begun: bool,
    /// A person asked for it to be judged again, and it was not since.
    pub again: bool,
    /// The commit and tree that the judges passed.
    pub finished: Option<Finished>,
    pub commits: BTreeSet<Oid>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub head: Oid,
    pub tree: Oid,
}

/// A commit of the range, which begins where the run began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: Oid,
    pub tree: Oid,
    pub parents: Vec<Oid>,
    pub marks: Marks,
    /// Whose it is as notes have it.
    pub notes: Vec<(RunId, ItemId)>,
    /// Nobody else's history has it: a subject alone counts for something.
    pub own: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    pub strength: Strength,
    pub commit: Oid,
}

/// What each item's commits in the range say, oldest first, each commit once with the strongest word.
#[must_use]
pub fn claims(
    run: &Run,
    records: &[Record],
    commits: &[Commit],
    pattern: &CommitPattern,
) -> Vec<Vec<Evidence>> {
    let ids: Vec<ItemId> = run.items.iter().map(|item| item.id.clone()).collect();
    let recorded: BTreeSet<&Oid> = records.iter().flat_map(|record| &record.commits).collect();
    let mut found = vec![Vec::new(); ids.len()];
    for commit in commits {
        for (at, strength) in named(run, &ids, commit, pattern) {
            // The journal knows better: what it saw being made and not being finished is not finished.
            let unfinished = records[at].begun && records[at].finished.is_none();
            let ours = strength != Strength::Pattern || recorded.contains(&commit.id);
            if !(unfinished && ours) {
                found[at].push(Evidence { strength, commit: commit.id.clone() });
            }
        }
    }
    found
}

fn named(
    run: &Run,
    ids: &[ItemId],
    commit: &Commit,
    pattern: &CommitPattern,
) -> Vec<(usize, Strength)> {
    if commit.marks.takes_back() {
        return Vec::new();
    }
    let own = run.charter.run.as_str();
    let at = |name: &str| ids.iter().position(|id| id.as_str() == name);
    let mut named: BTreeMap<usize, Strength> = BTreeMap::new();
    let trailers = &commit.marks.trailers;
    let by_trailer = trailers.iter().filter(|of| of.run == own).filter_map(|of| at(&of.item));
    for item in by_trailer {
        named.entry(item).or_insert(Strength::Trailer);
    }
    let notes = commit.notes.iter().filter(|(of, _)| *of == run.charter.run);
    for item in notes.filter_map(|(_, item)| at(item.as_str())) {
        named.entry(item).or_insert(Strength::Note);
    }
    // Whoever names a run is that run's, and a subject says nothing any more.
    let others = trailers.iter().any(|of| of.run != own)
        || commit.notes.iter().any(|(of, _)| *of != run.charter.run);
    if named.is_empty() && !others && commit.own {
        for item in pattern.named(&commit.marks.subject, ids) {
            named.entry(item).or_insert(Strength::Pattern);
        }
    }
    named.into_iter().collect()
}

/// What was looked up for one item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// The commit that the journal names is in the history.
    pub reached: bool,
    pub claims: Vec<Evidence>,
    /// Commits with the tree, or with the change, that the journal names.
    pub equal_trees: Vec<Oid>,
    pub same_patches: Vec<Oid>,
    /// What is left of its work in the branch, and in the base.
    pub kept: Kept,
    pub kept_in_base: Option<Kept>,
    /// Commits that say that they take some of it back.
    pub taken_back: Vec<Oid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Its work is in the branch.
    In(Strength),
    /// It was, and more than half of it is gone.
    TakenAway,
    /// Nothing shows that it is finished.
    Open,
}

impl Found {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::In(_) => "in",
            Self::TakenAway => "taken-away",
            Self::Open => "open",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub item: ItemId,
    /// What the journal says: `pending`, `active`, `done` or `inferred`.
    pub recorded: &'static str,
    pub found: Found,
    pub evidence: Vec<Evidence>,
    pub kept: Kept,
    pub taken_back: Vec<Oid>,
    pub merged: bool,
}

impl Finding {
    /// Whether it is there and differs from what was judged or inferred: minor up to a tenth.
    #[must_use]
    pub fn is_hurt(&self) -> bool {
        0 < self.kept.lost
    }
}

#[must_use]
pub fn findings(run: &Run, records: &[Record], looked: &[Looked]) -> Vec<Finding> {
    let all = run.items.iter().zip(records).zip(looked);
    all.map(|((item, record), looked)| {
        let progress = &item.progress;
        let (found, evidence) = judge(progress, record, looked);
        let in_base = looked.kept_in_base.as_ref();
        let merged = in_base.is_some_and(|kept| !kept.tells() || kept.is_there());
        Finding {
            item: item.id.clone(),
            recorded: word(progress),
            merged: merged && matches!(found, Found::In(_)),
            found,
            evidence,
            kept: looked.kept.clone(),
            taken_back: looked.taken_back.clone(),
        }
    })
    .collect()
}

#[must_use]
pub fn word(progress: &Progress) -> &'static str {
    match progress {
        Progress::Pending => "pending",
        Progress::Active(_) => "active",
        Progress::Paused(_) => "paused",
        Progress::Done { .. } => "done",
        Progress::Inferred { .. } => "inferred",
    }
}

fn judge(progress: &Progress, record: &Record, looked: &Looked) -> (Found, Vec<Evidence>) {
    let said = match progress {
        Progress::Inferred {
            strength: strength @ (Strength::Trusted | Strength::Managed | Strength::Superseded),
            head,
            ..
        } => {
            let evidence = Evidence { strength: *strength, commit: head.clone() };
            return (Found::In(*strength), vec![evidence]);
        }
        Progress::Active(_) | Progress::Paused(_) => None,
        Progress::Pending | Progress::Done { .. } | Progress::Inferred { .. } => {
            record.finished.as_ref()
        }
    };
    let mut evidence = Vec::new();
    if let Some(finished) = said {
        if looked.reached {
            let (strength, commit) = (Strength::Recorded, finished.head.clone());
            evidence.push(Evidence { strength, commit });
        }
        let rest =
            [(Strength::EqualTree, &looked.equal_trees), (Strength::PatchId, &looked.same_patches)];
        for (strength, commits) in rest {
            evidence
                .extend(commits.iter().map(|commit| Evidence { strength, commit: commit.clone() }));
        }
    }
    evidence.extend(looked.claims.iter().cloned());
    evidence.sort();
    evidence.dedup_by(|b, a| a.commit == b.commit);
    // What is being done again is not finished because it was once, or because a commit says so.
    let redone = record.finished.is_some() || record.again;
    if matches!(progress, Progress::Active(_) | Progress::Paused(_)) && redone {
        return (Found::Open, evidence);
    }
    let there = if looked.kept.tells() {
        looked.kept.is_there()
    } else {
        // It changed no file that is still its own: then what the journal says has to do. A commit
        // without content shows nothing.
        let is_done = matches!(progress, Progress::Done { .. });
        said.is_some() && (is_done || !evidence.is_empty())
    };
    let strongest = evidence.first().map(|evidence| evidence.strength);
    let found = match (strongest, there) {
        (Some(strength), true) => Found::In(strength),
        (None, true) if said.is_some() => Found::In(Strength::Content),
        // What is pending again was taken back by the run itself.
        (_, false) if said.is_some() && *progress != Progress::Pending => Found::TakenAway,
        (Some(_), false) if looked.kept.tells() => Found::TakenAway,
        (Some(_) | None, _) => Found::Open,
    };
    (found, evidence)
}

/// Evidence that one event keeps of an item; the report has all of it.
pub const EVIDENCE_KEPT_MAX: usize = 20;

/// What applying the findings writes down: items that the journal does not know to be finished, and the
/// last one when a rewritten history ends with the very tree that its judges passed.
#[must_use]
pub fn inferences(run: &Run, findings: &[Finding], head: &Oid, tree: &Oid) -> Vec<Inference> {
    let last = run.latest();
    let all = run.items.iter().zip(findings).enumerate();
    all.filter_map(|(at, (item, finding))| {
        let Found::In(strength) = finding.found else { return None };
        let wanted = match &item.progress {
            Progress::Pending => true,
            Progress::Active(active) | Progress::Paused(active) => {
                !matches!(active.phase, Phase::Working(_))
            }
            Progress::Done { head: known, tree: passed, .. } => {
                Some(at) == last && known != head && passed == tree
            }
            Progress::Inferred { .. } => false,
        };
        wanted.then(|| Inference {
            item: item.id.clone(),
            strength,
            commits: finding
                .evidence
                .iter()
                .take(EVIDENCE_KEPT_MAX)
                .map(|evidence| evidence.commit.clone())
                .collect(),
        })
    })
    .collect()
}

/// Why nothing can be written down about it now.
#[must_use]
pub fn cannot_apply(run: &Run, answers: &[Answered]) -> Option<String> {
    if run.newer {
        return Some("its journal was written by a newer version".to_owned());
    }
    if matches!(run.state, State::Ready | State::JackIn) {
        return Some("it has not begun".to_owned());
    }
    if run.intent.is_some() {
        return Some("the refs of an intent are not settled".to_owned());
    }
    if let Some(active) = run.active() {
        if matches!(active.phase, Phase::Working(_)) {
            return Some("a stage is at work".to_owned());
        }
        if active.committing.is_some() {
            return Some("a commit is announced".to_owned());
        }
    }
    if let Some(lane) = run.lanes.iter().find(|lane| lane.is_working() || lane.is_joining()) {
        let what = if lane.is_working() { "at work" } else { "being brought in" };
        return Some(format!("the lane of `{}` is {what}", lane.item));
    }
    let again = answers.iter().filter(|answer| answer.answer == Answer::ReVerify);
    let again: Vec<_> = again.map(|answer| &answer.item).collect();
    match again.as_slice() {
        [] => None,
        [_] if run.state.is_over() => Some("it is over; start a new one".to_owned()),
        [one] => {
            let other = run.active_item().filter(|item| item.id != **one)?;
            Some(format!("`{}` is at work, and items are verified one at a time", other.id))
        }
        _ => Some("items are verified one at a time".to_owned()),
    }
}
