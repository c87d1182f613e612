//! A checkpoint: what it holds, why it was made, and which one is meant.
//!
//! It names objects and never reads them; what may be restored is decided in `restore`.

use super::{
    event::Place,
    id::{ItemId, Oid, RunId, StageId},
    run::Run,
    time::Timestamp,
};

/// What a rollback can go back to: HEAD, branch, index and work tree as they were at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Unique in its work tree, and never given twice.
    pub number: u64,
    pub at: Timestamp,
    pub why: Why,
    pub message: Option<String>,
    pub worktree: String,
    /// No commit on an unborn branch.
    pub head: Option<Oid>,
    /// The branch's short name; none while HEAD is detached.
    pub branch: Option<String>,
    /// The tree of the index, without paths that are not merged.
    pub index: Oid,
    /// The tree of the work tree.
    pub tree: Oid,
    pub previous: Option<Oid>,
    /// The commit whose tree holds what trees cannot say.
    pub record: Option<Oid>,
    pub place: Option<RunPlace>,
    pub counts: Counts,
    /// What the commit was called before older ones were dropped.
    pub was: Option<Oid>,
}

/// A checkpoint with the commit that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub commit: Oid,
    pub checkpoint: Checkpoint,
}

impl Checkpoint {
    /// What it was made for, in words for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let at = self.place.as_ref().and_then(|place| place.at.as_ref());
        match (&self.why, &self.message, at) {
            (Why::Stage, _, Some(at)) => {
                format!("before {} of {} (cycle {})", at.stage, at.item, at.cycle)
            }
            (Why::Stage, _, None) => "before a stage".to_owned(),
            (Why::Lane { item }, _, _) => format!("what the lane of {item} left"),
            (Why::Operation(operation), _, _) => match (operation.kind, &operation.path) {
                (OperationKind::Restore, Some(path)) => {
                    let path = String::from_utf8_lossy(path).escape_debug().to_string();
                    format!("before restoring {path} from {}", operation.to)
                }
                (kind, _) => format!("before {} to {}", kind.word(), operation.to),
            },
            (Why::Continued { operation }, _, _) => {
                format!("while finishing what began at {operation}")
            }
            (Why::Asked, Some(message), _) => message.clone(),
            (Why::Asked, None, _) => "asked for".to_owned(),
        }
    }
}

/// Where a run stood when the checkpoint was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPlace {
    pub run: RunId,
    pub seq: u64,
    /// The stage that was at work or next; none before the first item, and when all were done.
    pub at: Option<StagePlace>,
    pub done: bool,
}

impl RunPlace {
    /// Where `run` stands now.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let place = run.place();
        let cycle = run.active().map_or(1, |active| active.cycle);
        let done = place == Place::Unknown;
        let at = match place {
            Place::At { item, stage } => Some(StagePlace { item, stage, cycle }),
            Place::Start | Place::Unknown => None,
        };
        Self { run: run.charter.run.clone(), seq: run.seq, at, done }
    }

    /// Where a rollback puts `run`.
    #[must_use]
    pub fn back_to(place: Option<&Self>, run: &RunId) -> Place {
        match place.filter(|place| place.run == *run && !place.done) {
            None => Place::Unknown,
            Some(Self { at: None, .. }) => Place::Start,
            Some(Self { at: Some(at), .. }) => {
                Place::At { item: at.item.clone(), stage: at.stage.clone() }
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagePlace {
    pub item: ItemId,
    pub stage: StageId,
    pub cycle: u32,
}

/// How much of the work tree is in no commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub changed: u64,
    pub untracked: u64,
    pub left_out: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Somebody asked for it.
    Asked,
    /// A stage was about to start.
    Stage,
    /// What was built ahead, in a work tree of its own.
    Lane { item: ItemId },
    /// An operation was about to change branch, index or files.
    Operation(Operation),
    /// An operation that was interrupted is being finished.
    Continued { operation: u64 },
}

impl Why {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Stage => "stage",
            Self::Lane { .. } => "lane",
            Self::Operation(operation) => operation.kind.word(),
            Self::Continued { .. } => "continued",
        }
    }
}

/// What is about to be done to branch, index and work tree. It stands in the checkpoint that was
/// made before it, so that whoever finds it unfinished can finish it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub kind: OperationKind,
    /// The checkpoint that is restored.
    pub to: u64,
    pub target: Oid,
    /// Branch and index go back, files stay.
    pub keep_files: bool,
    /// Only this path is restored, and neither branch nor index.
    pub path: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    Rollback,
    Restore,
    /// Takes back the operation before which the restored checkpoint was made.
    Undo,
    /// Takes back the undo before which the restored checkpoint was made.
    Redo,
}

impl OperationKind {
    pub const ALL: [Self; 4] = [Self::Rollback, Self::Restore, Self::Undo, Self::Redo];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Restore => "restore",
            Self::Undo => "undo",
            Self::Redo => "redo",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What trees cannot say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    pub left_out: Vec<LeftOut>,
    pub submodules: Vec<Submodule>,
    pub unmerged: Vec<Unmerged>,
    pub intent_to_add: Vec<Vec<u8>>,
    pub assume_unchanged: Vec<Vec<u8>>,
    pub skip_worktree: Vec<Vec<u8>>,
    pub progress: Progress,
}

impl Record {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A file whose content is not in the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub path: Vec<u8>,
    pub reason: LeftOutReason,
    pub size: u64,
    /// When it was last changed, in nanoseconds, so that it need not be read again to be hashed.
    pub changed: i128,
    /// SHA-256 of its bytes; of a repository inside the work tree, its commit; nothing when unreadable.
    pub hash: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOutReason {
    Large,
    Secret,
    Unreadable,
    /// A git repository of its own, which is no submodule.
    Repository,
    /// Its name is one that git takes nowhere, because it could mean `.git` on another system.
    Name,
}

impl LeftOutReason {
    pub const ALL: [Self; 5] =
        [Self::Large, Self::Secret, Self::Unreadable, Self::Repository, Self::Name];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Secret => "secret",
            Self::Unreadable => "unreadable",
            Self::Repository => "repository",
            Self::Name => "name",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

/// A submodule with something that the checkpoint does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    pub path: Vec<u8>,
    pub moved: bool,
    pub modified: bool,
    pub untracked: bool,
}

/// One side of a path that is not merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmerged {
    pub path: Vec<u8>,
    pub stage: u8,
    pub mode: u32,
    pub id: Oid,
}

/// What git is in the middle of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// `merge`, `cherry-pick`, `revert`, `rebase`, `am`, `bisect`, in this order.
    pub kinds: Vec<String>,
    /// The files that say so: path below the git directory, and the blob with its content.
    pub files: Vec<(String, Oid)>,
}

impl Progress {
    /// Whether a few files are all of it, so that they can be put back.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.kinds.iter().all(|kind| ["merge", "cherry-pick", "revert"].contains(&kind.as_str()))
            && !self.files.iter().any(|(path, _)| path.starts_with("sequencer/"))
    }
}

/// What can be undone and redone after these checkpoints, oldest first: the checkpoints to restore,
/// the next one last.
#[must_use]
pub fn undoable(chain: &[Made]) -> Undoable {
    let mut all = Undoable::default();
    for Made { checkpoint: made, .. } in chain {
        match &made.why {
            Why::Stage => all.done(made.number),
            Why::Operation(operation) => match operation.kind {
                OperationKind::Rollback | OperationKind::Restore => all.done(made.number),
                OperationKind::Undo => {
                    // Steps that changed nothing were passed over.
                    while all.undo.pop().is_some_and(|number| number != operation.to) {}
                    all.redo.push(made.number);
                }
                OperationKind::Redo => {
                    while all.redo.pop().is_some_and(|number| number != operation.to) {}
                    // What it saved may be newer than what was undone.
                    all.undo.push(made.number);
                }
            },
            Why::Asked | Why::Lane { .. } | Why::Continued { .. } => {}
        }
    }
    all
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undoable {
    pub undo: Vec<u64>,
    pub redo: Vec<u64>,
}

impl Undoable {
    fn done(&mut self, number: u64) {
        self.undo.push(number);
        self.redo.clear();
    }
}

/// Which checkpoint somebody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The newest that somebody asked for or a stage began with: what an operation saved would only
    /// take that operation back, so that the same again would not be the same.
    Newest,
    Number(u64),
    /// The one before the stage's last start.
    Stage(String),
    /// The one before the cycle's first stage, of the item that was at work last.
    Cycle(u32),
}

/// Finds it among the checkpoints, oldest first.
#[must_use]
pub fn pick<'a>(chain: &'a [Made], wanted: &Wanted) -> Option<&'a Made> {
    let place = |made: &Made| made.checkpoint.place.as_ref().and_then(|place| place.at.clone());
    let is_stage = |made: &Made| made.checkpoint.why == Why::Stage;
    match wanted {
        Wanted::Newest => chain
            .iter()
            .rev()
            .find(|made| matches!(made.checkpoint.why, Why::Asked | Why::Stage))
            .or(chain.last()),
        Wanted::Number(number) => chain.iter().find(|made| made.checkpoint.number == *number),
        Wanted::Stage(stage) => chain.iter().rev().find(|made| {
            is_stage(made) && place(made).is_some_and(|at| at.stage.as_str() == stage)
        }),
        Wanted::Cycle(cycle) => {
            let item = chain.iter().rev().find(|made| is_stage(made)).and_then(place)?.item;
            let begins = |at: StagePlace| at.item == item && at.cycle == *cycle;
            chain.iter().find(|made| is_stage(made) && place(made).is_some_and(begins))
        }
    }
}

#[cfg(test)]
mod tests;
