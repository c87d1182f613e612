//! What a task asks for against what its plan and its sections say now: shown, and never applied by
//! itself. Counters have no part in it.

use super::{
    id::{Digest, ItemId, TaskId},
    item::{Item, Progress},
    plan::{Plan, Task},
    reconcile::Strength,
    run::Run,
    source::{Document, Source},
};

/// Whether a task of a frozen plan is asked for no more. Kept among the fields that plans may have.
pub const SUPERSEDED: &str = "superseded";

/// What became of one thing that a task comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Same,
    Changed,
    /// The same text stands in another section now.
    Moved {
        to: String,
    },
    Gone,
    /// It cannot be told, and why.
    Unknown {
        why: String,
    },
}

/// The same of a task, over everything that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drift {
    Same,
    Changed,
    Moved,
    Gone,
    Unknown,
}

impl Drift {
    pub const ALL: [Self; 5] = [Self::Same, Self::Changed, Self::Moved, Self::Gone, Self::Unknown];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Pending,
    InProgress,
    /// Judged, or shown by the repository to be finished.
    Done,
    /// A person trusts it, or takes care of it outside of the run.
    External,
    /// Not of this run, or superseded before.
    Skipped,
    /// In the plan now, and not in the one that the run began with.
    Added,
}

impl Status {
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::InProgress, Self::Done, Self::External, Self::Skipped, Self::Added];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::External => "external",
            Self::Skipped => "skipped",
            Self::Added => "added",
        }
    }
}

/// What follows; the first four only when a person applies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// What the task asks for becomes what its plan says now.
    Update,
    /// The same, and the judges look at its item again.
    ReVerify,
    /// It is asked for no more.
    Supersede,
    /// Nobody is at work on it, and the same is asked for: only the plan has to name the section anew.
    Rename,
    /// It is at work: what it asks for stays as it is until it is done.
    Flag,
    /// A person has to look.
    Look,
    Nothing,
}

impl Follows {
    pub const ALL: [Self; 7] = [
        Self::Update,
        Self::ReVerify,
        Self::Supersede,
        Self::Rename,
        Self::Flag,
        Self::Look,
        Self::Nothing,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::ReVerify => "re-verify",
            Self::Supersede => "supersede",
            Self::Rename => "rename",
            Self::Flag => "flag",
            Self::Look => "look",
            Self::Nothing => "nothing",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|follows| follows.word() == word)
    }

    /// Whether applying it changes the run.
    #[must_use]
    pub fn applies(self) -> bool {
        match self {
            Self::Update | Self::ReVerify | Self::Supersede => true,
            Self::Rename | Self::Flag | Self::Look | Self::Nothing => false,
        }
    }
}

/// The table: where a task stands, against what became of what it comes from.
#[must_use]
pub fn follows(status: Status, drift: Drift) -> Follows {
    match (status, drift) {
        (Status::External | Status::Skipped | Status::Added, _) | (_, Drift::Same) => {
            Follows::Nothing
        }
        (Status::Pending | Status::InProgress | Status::Done, Drift::Unknown) => Follows::Look,
        (Status::Pending | Status::InProgress | Status::Done, Drift::Moved) => Follows::Rename,
        (Status::Pending, Drift::Changed) => Follows::Update,
        (Status::Done, Drift::Changed) => Follows::ReVerify,
        (Status::Pending | Status::Done, Drift::Gone) => Follows::Supersede,
        (Status::InProgress, Drift::Changed | Drift::Gone) => Follows::Flag,
    }
}

/// The whole task, from its own text in the plan and from each section.
#[must_use]
pub fn of_task(own: &Seen, sections: &[Seen]) -> Drift {
    let all = || std::iter::once(own).chain(sections);
    if all().any(|seen| matches!(seen, Seen::Unknown { .. })) {
        return Drift::Unknown;
    }
    let gone = |seen: &Seen| *seen == Seen::Gone;
    if gone(own) || (!sections.is_empty() && sections.iter().all(gone)) {
        return Drift::Gone;
    }
    if all().any(|seen| matches!(seen, Seen::Changed | Seen::Gone)) {
        return Drift::Changed;
    }
    if all().any(|seen| matches!(seen, Seen::Moved { .. })) { Drift::Moved } else { Drift::Same }
}

/// One thing that a task comes from, then and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `plan.toml` for the task's own text, or a section.
    pub name: String,
    pub path: String,
    pub old: Option<Digest>,
    pub new: Option<Digest>,
    pub seen: Seen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub task: TaskId,
    /// The item that holds it; nothing for what is no part of the run.
    pub item: Option<ItemId>,
    pub status: Status,
    pub drift: Drift,
    pub follows: Follows,
    pub parts: Vec<Part>,
}

/// How much drifted, where somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Glance {
    /// Tasks that changed, moved or went.
    pub tasks: usize,
    /// Tasks of which it cannot be told.
    pub unknown: usize,
}

impl Glance {
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let count = |wanted: &dyn Fn(Follows) -> bool| {
            findings.iter().filter(|finding| wanted(finding.follows)).count()
        };
        Self {
            tasks: count(&|follows| !matches!(follows, Follows::Look | Follows::Nothing)),
            unknown: count(&|follows| follows == Follows::Look),
        }
    }

    #[must_use]
    pub fn is_silent(self) -> bool {
        self.tasks == 0 && self.unknown == 0
    }
}

/// Where the task stands in a run, and the item that holds it.
#[must_use]
pub fn status(run: &Run, sprint: &ItemId, task: &Task) -> (Status, Option<ItemId>) {
    let named = |name: &str| run.items.iter().find(|item| item.id.as_str() == name);
    let Some(item) = named(task.id.as_str()).or_else(|| named(sprint.as_str())) else {
        return (Status::Skipped, None);
    };
    let status = match &item.progress {
        _ if is_superseded(task) => Status::Skipped,
        Progress::Pending => Status::Pending,
        Progress::Active(_) | Progress::Paused(_) => Status::InProgress,
        Progress::Inferred { strength: Strength::Superseded, .. } => Status::Skipped,
        Progress::Inferred { strength: Strength::Trusted | Strength::Managed, .. } => {
            Status::External
        }
        Progress::Done { .. } | Progress::Inferred { .. } => Status::Done,
    };
    (status, Some(item.id.clone()))
}

#[must_use]
pub fn is_superseded(task: &Task) -> bool {
    task.extra.get(SUPERSEDED).is_some_and(|value| value == "true")
}

/// The plan when what follows is applied: `now` is what its document says, with its sections looked up.
#[must_use]
pub fn applied(frozen: &Plan, now: &Plan, findings: &[Finding]) -> Plan {
    let mut plan = frozen.clone();
    for task in plan.sprints.iter_mut().flat_map(|sprint| &mut sprint.tasks) {
        let found = findings.iter().find(|finding| finding.task == task.id);
        match found.map(|finding| finding.follows) {
            Some(Follows::Update | Follows::ReVerify) => {
                if let Some((_, newer)) = now.tasks().find(|(_, newer)| newer.id == task.id) {
                    *task = newer.clone();
                    // What is asked for no more is said by following from it, and by no file.
                    task.extra.remove(SUPERSEDED);
                }
            }
            Some(Follows::Supersede) => {
                task.extra.insert(SUPERSEDED.to_owned(), "true".to_owned());
            }
            Some(Follows::Rename | Follows::Flag | Follows::Look | Follows::Nothing) | None => {}
        }
    }
    plan
}

/// What each item comes to in the plan that is `applied`, in the order of the run: judged again, or
/// asked for no more.
#[must_use]
pub fn items(run: &Run, applied: &Plan, findings: &[Finding]) -> Vec<(ItemId, Follows)> {
    let asks = |id: &ItemId| {
        let of_it = applied
            .tasks()
            .filter(|(sprint, task)| status(run, &sprint.id, task).1.as_ref() == Some(id));
        of_it.into_iter().any(|(_, task)| !is_superseded(task))
    };
    let come_to = |item: &Item| {
        let comes_to = |follows: Follows| {
            let of_it = |one: &&Finding| one.item.as_ref() == Some(&item.id);
            findings.iter().filter(of_it).any(|one| one.follows == follows)
        };
        let ends = item.progress == Progress::Pending && !asks(&item.id);
        let follows = if comes_to(Follows::ReVerify) {
            Follows::ReVerify
        } else if ends && comes_to(Follows::Supersede) {
            Follows::Supersede
        } else {
            return None;
        };
        Some((item.id.clone(), follows))
    };
    run.items.iter().filter_map(come_to).collect()
}

/// The documents to be looked after from now on, the plan first: those with something open are still
/// to be told of.
#[must_use]
pub fn settled(then: &[Document], now: &[Document], findings: &[Finding]) -> Vec<Document> {
    let is_open = |one: &&Finding| !one.follows.applies() && one.follows != Follows::Nothing;
    let parts = || findings.iter().filter(is_open).flat_map(|one| &one.parts);
    let open = |path: &str| parts().any(|part| part.path == path && part.seen != Seen::Same);
    let newest = |old: &Document| {
        let new = now.iter().find(|new| new.path == old.path && !open(&old.path));
        new.unwrap_or(old).clone()
    };
    let known = |new: &&Document| then.iter().any(|old| old.path == new.path);
    let added = now.iter().filter(|new| !known(new)).cloned();
    then.iter().map(newest).chain(added).collect()
}

/// Whether two lists of sections hold the same texts, whatever they are called.
#[must_use]
pub fn same_texts(then: &[Source], now: &[Option<Digest>]) -> bool {
    then.len() == now.len()
        && then.iter().zip(now).all(|(then, now)| then.hash.is_some() && then.hash == *now)
}

/// What a task asks for together with what its sections say, as one number.
#[must_use]
pub fn asked(task: &Task) -> Digest {
    let sections = task.from.iter().map(Source::pinned);
    let all: Vec<String> = std::iter::once(task.spec.to_string()).chain(sections).collect();
    Digest::of(all.join("\n").as_bytes())
}

#[cfg(test)]
mod tests;
