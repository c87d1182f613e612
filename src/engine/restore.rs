//! Rollback, undo, redo, restore: one operation. Look, plan, save what is there, announce, move, record.
//!
//! It may die anywhere: the checkpoint that it made says what it was about to do, and whoever comes
//! next finishes it. The journal is never rewound.

use std::collections::BTreeSet;

use crate::{
    config::settings::Checkpoints,
    domain::{
        checkpoint::{
            Checkpoint, LeftOutReason, Made, Operation, OperationKind, Record, RunPlace, Unmerged,
            Why, undoable,
        },
        event::{Event, Place, RefMove, Rollback, RollbackKind},
        id::{ItemId, Oid},
        item::{Item, Phase, Progress},
        restore::{self, Change, Facts, FilePlan, Refused, Standing},
        run::Run,
    },
    git::{
        Repo,
        bulk::Bulk,
        restore::{PrivateIndex, Rules, ignored_by, in_the_way, sweep, tree_after},
        snapshot::{self, Snapshot},
        tree_diff,
    },
    process::{
        alive::{self, Standing as Alive},
        clock, fault,
    },
    store::{
        checkpoints::{self, Purpose},
        journal::{AppendError, Artifact, Journal},
        layout,
        wire::restore as wire,
    },
};

/// What somebody wants back.
#[derive(Debug, Clone)]
pub struct Wish {
    pub kind: OperationKind,
    pub to: Made,
    pub keep_files: bool,
    pub path: Option<Vec<u8>>,
    /// An operation that began and did not end, and is ended now.
    pub continues: Option<Made>,
}

/// Everything that will be done, before any of it is.
#[derive(Debug)]
pub struct Plan {
    pub to: Made,
    pub kind: OperationKind,
    pub moves: Vec<RefMove>,
    pub files: FilePlan,
    /// Whether the index becomes another one.
    pub index: bool,
    pub progress: bool,
    /// What the checkpoint never had, and is left alone.
    pub then: Record,
    /// What could not be saved, and is left alone.
    pub now: Record,
}

impl Plan {
    /// Whether everything is as the checkpoint has it already.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.moves.is_empty()
            && self.files.write.is_empty()
            && self.files.remove.is_empty()
            && !self.index
            && !self.progress
    }
}

/// What was done.
#[derive(Debug)]
pub struct Done {
    /// The checkpoint that holds what was there before.
    pub saved: u64,
    pub report: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the run `{run}` is at work here: {why}")]
    Busy { run: String, why: String },
    #[error("it cannot be told whether the run `{run}` still works here: {why}")]
    InDoubt { run: String, why: String },
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// A wish that was looked at: what is there, what will be done. Nothing is written but objects.
#[derive(Debug)]
pub struct Prepared<'r> {
    pub plan: Plan,
    wish: Wish,
    bulk: Bulk<'r>,
    now: Snapshot,
    index: PrivateIndex,
    tree_after: Oid,
}

/// Looks and decides. With `scratch` the repository does not even get an object.
pub fn prepare<'r>(
    repo: &'r Repo,
    settings: &Checkpoints,
    wish: Wish,
    scratch: bool,
) -> Result<Prepared<'r>, NotRestored> {
    let then = checkpoints::record(repo, &wish.to)?;
    if wish.path.is_none() {
        may_restore(repo, &wish, &then)?;
    }
    if !scratch {
        sweep(repo.git_dir(), wish.path.is_none())?;
    }
    let mut bulk = if scratch { Bulk::scratch(repo)? } else { Bulk::new(repo) };
    let now = repo.snapshot(&super::checkpoint::rules(settings), &[], &mut bulk)?;
    bulk.written()?;
    let files = file_plan(repo, &bulk, &wish, &now, &then)?;
    let tree_after = tree_after(&mut bulk, &now.tree, &files)?;
    bulk.written()?;
    let index = PrivateIndex::of(repo, &bulk, &now)?;
    index.try_move(&now.tree, &tree_after)?;
    if wish.path.is_none() {
        index.try_install(&wish.to.checkpoint.index, &then)?;
    }
    all_there(repo, &wish, &files)?;
    let plan = plan(&wish, files, &now, then);
    Ok(Prepared { plan, wish, bulk, now, index, tree_after })
}

/// What is missing is noticed while nothing has moved.
fn all_there(repo: &Repo, wish: &Wish, files: &FilePlan) -> anyhow::Result<()> {
    let head = wish.to.checkpoint.head.as_ref().filter(|_| wish.path.is_none());
    if let Some(head) = head {
        repo.tree_of(head)?;
    }
    for (path, file) in &files.write {
        anyhow::ensure!(
            file.mode == restore::SUBMODULE || repo.has_object(&file.id),
            "the content of `{}` is missing: object `{}`",
            String::from_utf8_lossy(path).escape_debug(),
            file.id
        );
    }
    Ok(())
}

fn may_restore(repo: &Repo, wish: &Wish, then: &Record) -> Result<(), NotRestored> {
    let head = repo.head()?;
    let mut aside = Bulk::scratch(repo)?;
    let progress = snapshot::in_progress(repo, &mut aside)?;
    let now = Standing { branch: head.branch, head: head.commit, progress };
    Ok(restore::may_restore(&wish.to.checkpoint, &then.progress, &now)?)
}

fn file_plan(
    repo: &Repo,
    bulk: &Bulk<'_>,
    wish: &Wish,
    now: &Snapshot,
    then: &Record,
) -> Result<FilePlan, NotRestored> {
    if wish.keep_files {
        return Ok(FilePlan::default());
    }
    let target = &wish.to.checkpoint;
    let mut changes = tree_diff::changes(&bulk.git(), &now.tree, &target.tree)?;
    if let Some(path) = &wish.path {
        // Bringing something back takes nothing away.
        let takes_away = wish.kind != OperationKind::Restore;
        changes.retain(|change| {
            is_at_or_below(&change.path, path) && (takes_away || change.then.is_some())
        });
    }
    let written = changes.iter().filter(|change| change.then.is_some());
    if let Some(bad) = written.map(|change| &change.path).find(|path| !restore::is_safe_path(path))
    {
        let path = String::from_utf8_lossy(bad).into_owned();
        return Err(Refused::BadPath { number: target.number, path }.into());
    }
    let facts = facts(repo, bulk, &changes, wish, now, then)?;
    Ok(restore::plan(&changes, &facts))
}

fn is_at_or_below(path: &[u8], wanted: &[u8]) -> bool {
    match path.strip_prefix(wanted) {
        Some(rest) => wanted.is_empty() || rest.is_empty() || rest.starts_with(b"/"),
        None => false,
    }
}

fn facts(
    repo: &Repo,
    bulk: &Bulk<'_>,
    changes: &[Change],
    wish: &Wish,
    now: &Snapshot,
    then: &Record,
) -> Result<Facts, NotRestored> {
    let paths = |record: &Record| -> BTreeSet<Vec<u8>> {
        record.left_out.iter().map(|left| left.path.clone()).collect()
    };
    let inner: BTreeSet<Vec<u8>> = now
        .record
        .left_out
        .iter()
        .filter(|left| left.reason == LeftOutReason::Repository)
        .map(|left| left.path.clone())
        .collect();
    let ignored_then = ignored_then(repo, bulk, changes, &wish.to.checkpoint, now)?;
    let (unsaved, unknown_then): (BTreeSet<_>, BTreeSet<_>) = (paths(&now.record), paths(then));
    let staying = unsaved.iter().chain(&unknown_then).chain(&ignored_then).cloned().collect();
    let in_the_way = in_the_way(repo, changes, &inner, &staying);
    Ok(Facts { unsaved, unknown_then, ignored_then, in_the_way })
}

/// What would be removed, was not tracked then, and is hidden by the rules of then: it may have been
/// there, whether somebody tracked it since or not.
fn ignored_then(
    repo: &Repo,
    bulk: &Bulk<'_>,
    changes: &[Change],
    target: &Checkpoint,
    now: &Snapshot,
) -> anyhow::Result<BTreeSet<Vec<u8>>> {
    let rules_change = changes
        .iter()
        .any(|change| change.path == b".gitignore" || change.path.ends_with(b"/.gitignore"));
    let rules = if rules_change { Rules::Of(&target.tree) } else { Rules::OfWorktree };
    let gone = changes.iter().filter(|change| change.then.is_none()).map(|change| &change.path);
    // By the same rules, what is not tracked and was seen is not ignored.
    let may_be = |path: &&Vec<u8>| rules_change || now.untracked.binary_search(path).is_err();
    let gone: Vec<Vec<u8>> = gone.filter(may_be).cloned().collect();
    let mut ignored = BTreeSet::new();
    for path in ignored_by(repo, bulk, rules, &gone)? {
        if !repo.tree_has_file(&target.index, &path)? {
            ignored.insert(path);
        }
    }
    Ok(ignored)
}

fn plan(wish: &Wish, files: FilePlan, now: &Snapshot, then: Record) -> Plan {
    let target = &wish.to.checkpoint;
    let whole = wish.path.is_none();
    let name = match &now.head.branch {
        Some(branch) => format!("refs/heads/{branch}"),
        None => "HEAD".to_owned(),
    };
    let step = RefMove { name, old: now.head.commit.clone(), new: target.head.clone() };
    let moves = if whole && step.old != step.new { vec![step] } else { Vec::new() };
    let was = &now.record;
    Plan {
        to: wish.to.clone(),
        kind: wish.kind,
        moves,
        files,
        index: whole && (now.index != target.index || beyond_tree(was) != beyond_tree(&then)),
        progress: whole && was.progress != then.progress,
        now: now.record.clone(),
        then,
    }
}

/// What an index has beside its tree.
fn beyond_tree(record: &Record) -> (&[Unmerged], [&[Vec<u8>]; 3]) {
    let paths = [&record.intent_to_add, &record.assume_unchanged, &record.skip_worktree];
    (&record.unmerged, paths.map(Vec::as_slice))
}

/// The run of this work tree, which is told what was done; it must not be at work.
#[derive(Debug)]
pub struct Told<'r> {
    pub journal: Journal<'r>,
    pub place: Place,
}

/// Whether the run may be rolled back now; what it lost when its process died is written down.
pub fn told<'r>(
    mut journal: Journal<'r>,
    wish: &Wish,
    vouched: bool,
) -> Result<Told<'r>, NotRestored> {
    let id = journal.run().charter.run.clone();
    let run = || id.to_string();
    let place = RunPlace::back_to(wish.to.checkpoint.place.as_ref(), &id);
    if let Some(Phase::Working(working)) = journal.run().active().map(|a| a.phase.clone())
        && !journal.run().state.is_over()
    {
        let standing = working.process.as_ref().map_or(Alive::Gone, alive::standing);
        match standing {
            Alive::Gone => {}
            Alive::CannotTell { .. } if vouched => {}
            Alive::Alive => {
                return Err(NotRestored::Busy { run: run(), why: "a stage is at work".into() });
            }
            Alive::CannotTell { why } => return Err(NotRestored::InDoubt { run: run(), why }),
        }
        let why = "its process is gone".to_owned();
        journal.append(vec![Event::StageLost { why }], &[], clock::now())?;
    }
    if let Some(why) = journal.run().cannot_roll_back(&place) {
        return Err(NotRestored::Busy { run: run(), why });
    }
    Ok(Told { journal, place })
}

/// Does it. `show` is called with the plan when everything there was is saved, and before anything moves.
pub fn perform(
    repo: &Repo,
    run: Option<&Run>,
    told: Option<Told<'_>>,
    prepared: Prepared<'_>,
    show: &mut dyn FnMut(&Plan, u64),
) -> Result<Done, NotRestored> {
    let Prepared { plan, wish, bulk, now, index, tree_after } = prepared;
    let after_death = repo.refs().read(layout::OPERATION)?.is_some();
    if after_death {
        repo.mend_after_death()?;
    }
    let saved = save(repo, run, &wish, &now, bulk)?;
    let (number, begun) = match &wish.continues {
        Some(begun) => (begun.checkpoint.number, begun.clone()),
        None => (saved.checkpoint.number, saved.clone()),
    };
    show(&plan, number);
    fault::point("operation-announced");
    let because =
        format!("git-run: {} to checkpoint {}", wish.kind.word(), wish.to.checkpoint.number);
    for step in &plan.moves {
        repo.move_branch(step, &because, after_death)?;
    }
    index.move_files(&now.tree, &tree_after)?;
    if wish.path.is_none() {
        index.install(&wish.to.checkpoint.index, &plan.then)?;
        repo.restore_progress(&now.record.progress, &plan.then.progress)?;
    }
    let report = match told {
        Some(told) => tell(repo, told, &plan, &wish, &begun)?,
        None => None,
    };
    fault::point("before-operation-ends");
    repo.refs()
        .compare_and_swap(layout::OPERATION, Some(&begun.commit), None)
        .map_err(anyhow::Error::from)?;
    Ok(Done { saved: number, report })
}

/// Everything there is, on the chain, with what is about to be done.
fn save(
    repo: &Repo,
    run: Option<&Run>,
    wish: &Wish,
    now: &Snapshot,
    bulk: Bulk<'_>,
) -> anyhow::Result<Made> {
    let why = match &wish.continues {
        Some(begun) => Why::Continued { operation: begun.checkpoint.number },
        None => Why::Operation(Operation {
            kind: wish.kind,
            to: wish.to.checkpoint.number,
            target: wish.to.commit.clone(),
            keep_files: wish.keep_files,
            path: wish.path.clone(),
        }),
    };
    let purpose = Purpose { why, message: None, place: run.map(RunPlace::of), worktree: None };
    let chain = super::checkpoint::chain(repo, run)?;
    let begins = wish.continues.is_none();
    let mut pending = repo.refs().read(layout::OPERATION)?;
    // A checkpoint on the chain counts as a step that was done: it gets there after it was announced,
    // so that what dies in between is finished by the next one, and is no step that nobody made.
    let mut announce = |commit: &Oid| {
        if begins {
            repo.refs().compare_and_swap(layout::OPERATION, pending.as_ref(), Some(commit))?;
            pending = Some(commit.clone());
        }
        Ok(())
    };
    checkpoints::add(repo, &chain, now, &purpose, bulk, clock::now(), &mut announce)
}

/// Puts the checkpoint of an operation that died while it was announced on its chain. When others came
/// there first, it is as if it had never begun: nothing moves before its checkpoint is there.
pub fn settle(repo: &Repo) -> anyhow::Result<()> {
    let Some((begun, _)) = pending(repo)? else { return Ok(()) };
    let chain = match &begun.checkpoint.place {
        Some(place) => checkpoints::of_run(&place.run),
        None => checkpoints::standing(repo)?,
    };
    let tip = repo.refs().read(&chain)?;
    if tip == begun.checkpoint.previous {
        repo.refs().compare_and_swap(&chain, tip.as_ref(), Some(&begun.commit))?;
        return Ok(());
    }
    let is_there = checkpoints::every(repo, &chain)?.into_iter().any(|made| {
        made.commit == begun.commit || made.checkpoint.was.as_ref() == Some(&begun.commit)
    });
    if !is_there {
        repo.refs().compare_and_swap(layout::OPERATION, Some(&begun.commit), None)?;
    }
    Ok(())
}

/// Writes into the run's journal what was done, with the report of every file.
fn tell(
    repo: &Repo,
    told: Told<'_>,
    plan: &Plan,
    wish: &Wish,
    begun: &Made,
) -> Result<Option<String>, NotRestored> {
    let saved = begun.checkpoint.number;
    let Told { mut journal, place } = told;
    let path = format!("restore/{saved}.json");
    let content = wire::encode(&wire::Report {
        kind: wish.kind,
        to: wish.to.checkpoint.number,
        commit: &wish.to.commit,
        saved,
        moves: &plan.moves,
        files: &plan.files,
        left_out_then: &plan.then.left_out,
        left_out_now: &plan.now.left_out,
    });
    let artifact = Artifact { path: path.clone(), content: content.into_bytes() };
    let how = match wish.kind {
        OperationKind::Rollback => Some(RollbackKind::Rollback),
        OperationKind::Undo => Some(RollbackKind::Undo),
        OperationKind::Redo => Some(RollbackKind::Redo),
        OperationKind::Restore => None,
    };
    let head = repo.head()?.commit;
    let undone = match &head {
        Some(head) => undone(repo, journal.run(), head)?,
        None => Vec::new(),
    };
    let event = match (how, head, &wish.path) {
        (Some(how), Some(head), None) => Event::RolledBack(Box::new(Rollback {
            how,
            to: wish.to.checkpoint.number,
            commit: wish.to.commit.clone(),
            saved,
            tree: repo.tree_of(&head)?,
            head,
            place,
            undone,
            report: Some(path.clone()),
        })),
        _ => {
            let number = wish.to.checkpoint.number;
            let what = wish.path.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let text = format!(
                "{} of `{}` from checkpoint {number}",
                wish.kind.word(),
                what.escape_debug()
            );
            Event::Remarked { text }
        }
    };
    journal.append(vec![super::checkpoint::event(begun), event], &[artifact], clock::now())?;
    Ok(Some(path))
}

/// The items that were finished, or begun, at commits that this one does not have.
fn undone(repo: &Repo, run: &Run, head: &Oid) -> anyhow::Result<Vec<ItemId>> {
    let start = &run.charter.start;
    // Where the branch stands before the run began, all of it is gone.
    let there = repo.ids_between(head, std::slice::from_ref(start))?;
    let is_gone = |commit: &Oid| commit != start && commit != head && !there.contains(commit);
    let of = |item: &Item| match &item.progress {
        Progress::Done { head, .. } => is_gone(head),
        Progress::Paused(active) | Progress::Active(active) => is_gone(&active.started),
        Progress::Pending | Progress::Inferred { .. } => false,
    };
    Ok(run.items.iter().filter(|item| of(item)).map(|item| item.id.clone()).collect())
}

/// An operation that began here and did not end, with the checkpoint that it made.
pub fn pending(repo: &Repo) -> anyhow::Result<Option<(Made, Operation)>> {
    let Some(commit) = repo.refs().read(layout::OPERATION)? else { return Ok(None) };
    let made = checkpoints::read(repo, &commit)?;
    match made.checkpoint.why.clone() {
        Why::Operation(operation) => Ok(Some((made, operation))),
        Why::Asked | Why::Stage | Why::Lane { .. } | Why::Continued { .. } => {
            anyhow::bail!("`{}` names a checkpoint that announces nothing", layout::OPERATION)
        }
    }
}

/// Why there is nothing to take back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoStep {
    #[error("there is nothing to {0}")]
    Nothing(&'static str),
    #[error("the branch was moved to {} since, and not by this tool", .head.short())]
    Moved { number: u64, head: Oid },
    #[error("checkpoint {0} is not kept any more")]
    Dropped(u64),
}

/// The next step back, or forward again.
pub fn step(
    repo: &Repo,
    all: &[Made],
    kind: OperationKind,
    run: Option<&Run>,
) -> anyhow::Result<Result<Wish, NoStep>> {
    let what = kind.word();
    let undoable = undoable(all);
    let numbers: Vec<u64> = if kind == OperationKind::Redo { undoable.redo } else { undoable.undo };
    let begun = pending(repo)?.map(|(begun, _)| begun.checkpoint.number);
    let mut aside = Bulk::scratch(repo)?;
    let rules = super::checkpoint::rules(&Checkpoints::default());
    let now = repo.snapshot(&rules, &[], &mut aside)?;
    let find = |number: u64| all.iter().find(|made| made.checkpoint.number == number);
    for number in numbers.into_iter().rev() {
        let Some(to) = find(number) else { return Ok(Err(NoStep::Dropped(number))) };
        let checkpoint = &to.checkpoint;
        let then = checkpoints::record(repo, to)?;
        let same = (&checkpoint.head, &checkpoint.index, &checkpoint.tree)
            == (&now.head.commit, &now.index, &now.tree)
            && beyond_tree(&then) == beyond_tree(&now.record)
            && then.progress == now.record.progress;
        // What changes nothing is no step that anybody sees, unless it is half done.
        if same && begun != Some(number) {
            continue;
        }
        let expected = match &checkpoint.why {
            Why::Operation(operation) if operation.path.is_some() => Some(checkpoint.head.clone()),
            // By number: its commit may have been written anew when older ones were dropped.
            Why::Operation(operation) => find(operation.to).map(|to| to.checkpoint.head.clone()),
            Why::Stage => run.map(|run| Some(run.head.clone())),
            Why::Asked | Why::Lane { .. } | Why::Continued { .. } => None,
        };
        let path = match &checkpoint.why {
            Why::Operation(operation) => operation.path.clone(),
            Why::Asked | Why::Stage | Why::Lane { .. } | Why::Continued { .. } => None,
        };
        match (&now.head.commit, expected) {
            (Some(head), Some(expected)) if expected.as_ref() != Some(head) && begun.is_none() => {
                return Ok(Err(NoStep::Moved { number, head: head.clone() }));
            }
            _ => {}
        }
        let wish = Wish { kind, to: to.clone(), keep_files: false, path, continues: None };
        return Ok(Ok(wish));
    }
    Ok(Err(NoStep::Nothing(what)))
}
