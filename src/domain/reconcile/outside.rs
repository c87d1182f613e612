//! What others changed since the run's last event, and whose work that is: by the files that items are
//! known to have made, and by what their tasks may write.

use std::collections::BTreeSet;

use super::{Finding, Found, content::Kept};
use crate::domain::{
    id::{ItemId, Oid, TaskId},
    item::Progress,
    plan::{Plan, Scope, Sprint, Task},
    run::Run,
};

/// How a path stands, as seen from where the run stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Committed,
    Staged,
    Unstaged,
    Untracked,
}

impl Standing {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Staged => "staged",
            Self::Unstaged => "unstaged",
            Self::Untracked => "untracked",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    Added,
    Changed,
    Deleted,
    Renamed,
}

impl How {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    pub path: Vec<u8>,
    /// What it was called before.
    pub from: Option<Vec<u8>>,
    pub standing: Standing,
    pub how: How,
}

/// What is to be made of a touched file. Five, and a file is in the first that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Work that is finished, and needs another look.
    NeedsReVerification,
    /// Work that is finished, changed by a little.
    DoneExternal,
    /// An item that is at work.
    InProgress,
    /// An open item that others work on, or have finished.
    SatisfiedExternally,
    Unrelated,
}

impl Category {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NeedsReVerification => "needs-re-verification",
            Self::DoneExternal => "done-external",
            Self::InProgress => "in-progress",
            Self::SatisfiedExternally => "satisfied-externally",
            Self::Unrelated => "unrelated",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    pub touched: Touched,
    pub category: Category,
    pub item: Option<ItemId>,
    pub task: Option<TaskId>,
}

/// Since the run last stood somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside {
    /// The commits there are since, and whether some that were there are gone.
    pub commits: Vec<Oid>,
    pub rewritten: bool,
    /// Whose these commits are, as far as they were looked at.
    pub by: Vec<By>,
    pub files: Vec<Mapped>,
}

/// Commits of one author. Those that bear the run's own trailers were made by whoever works for it, and
/// the journal does not know of them all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub author: String,
    pub of_run: bool,
    pub commits: u32,
}

/// Commits that are asked who wrote them.
pub const AUTHORS_ASKED_MAX: usize = 500;

/// Each author once, and once more where the run's trailers stand; who has most comes first.
#[must_use]
pub fn counted_by(commits: impl Iterator<Item = (String, bool)>) -> Vec<By> {
    let mut all: Vec<By> = Vec::new();
    for (author, of_run) in commits {
        match all.iter_mut().find(|by| by.author == author && by.of_run == of_run) {
            Some(by) => by.commits = by.commits.saturating_add(1),
            None => all.push(By { author, of_run, commits: 1 }),
        }
    }
    all.sort_by(|a, b| b.commits.cmp(&a.commits).then_with(|| a.author.cmp(&b.author)));
    all
}

impl Outside {
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.commits.is_empty() && !self.rewritten && self.files.is_empty()
    }
}

#[must_use]
pub fn map(run: &Run, plan: &Plan, findings: &[Finding], touched: Vec<Touched>) -> Vec<Mapped> {
    let mut sorted = touched;
    sorted.sort();
    sorted.dedup();
    sorted.into_iter().map(|one| mapped(run, plan, findings, one)).collect()
}

fn mapped(run: &Run, plan: &Plan, findings: &[Finding], touched: Touched) -> Mapped {
    let paths: Vec<&[u8]> =
        [Some(touched.path.as_slice()), touched.from.as_deref()].into_iter().flatten().collect();
    let tasks = |at: usize| tasks_of(plan, run.items[at].id.as_str());
    let task_of = |at: usize| tasks(at).into_iter().find(|task| may_write(task, &paths));
    // What an item is known to have made says more than what a task may write.
    let made = findings.iter().rposition(|finding| has_made(&finding.kept, &paths));
    let at = made.or_else(|| (0..run.items.len()).find(|at| task_of(*at).is_some()));
    let Some(at) = at else {
        return Mapped { touched, category: Category::Unrelated, item: None, task: None };
    };
    let task = task_of(at).map(|task| task.id.clone());
    let category = category(&run.items[at].progress, &findings[at], &touched);
    Mapped { touched, category, item: Some(run.items[at].id.clone()), task }
}

fn category(progress: &Progress, finding: &Finding, touched: &Touched) -> Category {
    match progress {
        Progress::Active(_) | Progress::Paused(_) => Category::InProgress,
        Progress::Pending => Category::SatisfiedExternally,
        Progress::Done { .. } | Progress::Inferred { .. } => {
            // What is not committed was measured by nobody: only a new file is surely a little.
            let measured = match touched.standing {
                Standing::Committed => finding.kept.is_minor(),
                Standing::Staged | Standing::Unstaged | Standing::Untracked => {
                    touched.how == How::Added
                }
            };
            match finding.found {
                Found::In(_) if measured => Category::DoneExternal,
                Found::In(_) | Found::TakenAway | Found::Open => Category::NeedsReVerification,
            }
        }
    }
}

fn has_made(kept: &Kept, paths: &[&[u8]]) -> bool {
    kept.files.iter().any(|file| paths.contains(&file.as_slice()))
}

fn may_write(task: &Task, paths: &[&[u8]]) -> bool {
    let texts = paths.iter().filter_map(|path| std::str::from_utf8(path).ok());
    let texts: BTreeSet<&str> = texts.collect();
    let holds = |scope: &Scope| texts.iter().any(|path| scope.holds(path));
    task.writes.iter().any(holds)
}

/// The tasks that an item stands for.
fn tasks_of<'p>(plan: &'p Plan, item: &str) -> Vec<&'p Task> {
    let sprint = plan.sprints.iter().find(|sprint: &&Sprint| sprint.id.as_str() == item);
    match sprint {
        Some(sprint) => sprint.tasks.iter().collect(),
        None => plan
            .tasks()
            .filter(|(_, task)| task.id.as_str() == item)
            .map(|(_, task)| task)
            .collect(),
    }
}
