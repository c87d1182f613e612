//! `git run rollback`, `undo`, `redo`, and what they share with `restore`.

use clap::Parser;

use super::{
    checkpoint::{every_here, found, needs_worktree, run_here},
    exit::{Exit, Fail},
    start::actor,
    ui::Ui,
};
use crate::{
    config::settings::{Checkpoints, Settings},
    domain::{
        checkpoint::{Made, Operation, OperationKind, Wanted},
        run::Run,
    },
    engine::restore::{self, Plan, Told, Wish},
    git::Repo,
    process::{alive, clock},
    report::{checkpoint as about, restore as report, sanitise::name},
    store::{
        catalog, checkpoints,
        hold::{Hold, HoldError},
        journal::Journal,
    },
};

#[derive(Debug, Parser)]
pub(super) struct RollbackArgs {
    /// To the checkpoint of this number; else the newest that was asked for or taken before a stage.
    #[arg(long, value_name = "N", conflicts_with_all = ["stage", "cycle"])]
    pub to: Option<u64>,
    /// To before the last start of this stage.
    #[arg(long, value_name = "STAGE", conflicts_with = "cycle")]
    pub stage: Option<String>,
    /// To before this cycle of the item that was at work last.
    #[arg(long, value_name = "N")]
    pub cycle: Option<u32>,
    /// Say what would be done, and write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Put branch and index back, and leave every file as it is.
    #[arg(long)]
    pub keep_files: bool,
    /// Go on although the last processes of the run cannot be looked up from here.
    #[arg(long)]
    pub force: bool,
    /// Say nothing but what is left alone.
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Parser)]
pub(super) struct StepArgs {
    /// So many steps.
    #[arg(value_name = "STEPS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub steps: u32,
    /// Say what would be done, and write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Go on although the last processes of the run cannot be looked up from here.
    #[arg(long)]
    pub force: bool,
    /// Say nothing but what is left alone.
    #[arg(short, long)]
    pub quiet: bool,
}

/// How it is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub dry_run: bool,
    pub quiet: bool,
    pub force: bool,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &RollbackArgs) -> Result<Exit, Fail> {
    let manner = Manner { dry_run: args.dry_run, quiet: args.quiet, force: args.force };
    let desk = Desk::open(ui, repo, manner)?;
    let wanted = match (args.to, &args.stage, args.cycle) {
        (Some(number), _, _) => Some(Wanted::Number(number)),
        (None, Some(stage), _) => Some(Wanted::Stage(stage.clone())),
        (None, None, Some(cycle)) => Some(Wanted::Cycle(cycle)),
        (None, None, None) => None,
    };
    let wish = match (&desk.pending, &wanted) {
        // The same again, or nothing in particular: what began is finished.
        (Some((begun, operation)), None) => continued(repo, &desk.all, begun, operation)?,
        (Some((begun, operation)), Some(Wanted::Number(number)))
            if *number == operation.to && operation.kind == OperationKind::Rollback =>
        {
            continued(repo, &desk.all, begun, operation)?
        }
        (_, wanted) => Wish {
            kind: OperationKind::Rollback,
            to: found(&desk.all, wanted.as_ref().unwrap_or(&Wanted::Newest))?.clone(),
            keep_files: args.keep_files,
            path: None,
            continues: None,
        },
    };
    desk.operate(ui, wish)
}

pub(super) fn steps(
    ui: &mut Ui,
    repo: &Repo,
    args: &StepArgs,
    kind: OperationKind,
) -> Result<Exit, Fail> {
    let manner = Manner { dry_run: args.dry_run, quiet: args.quiet, force: args.force };
    let mut exit = Exit::Done;
    for _ in 0..if args.dry_run { 1 } else { args.steps } {
        let desk = Desk::open(ui, repo, manner)?;
        let wish = match &desk.pending {
            Some((begun, operation)) if operation.kind == kind => {
                continued(repo, &desk.all, begun, operation)?
            }
            _ => restore::step(repo, &desk.all, kind, desk.run.as_ref())??,
        };
        exit = desk.operate(ui, wish)?;
    }
    Ok(exit)
}

/// The rest of what was interrupted.
pub(super) fn continued(
    repo: &Repo,
    all: &[Made],
    begun: &Made,
    operation: &Operation,
) -> Result<Wish, Fail> {
    let to = match found(all, &Wanted::Number(operation.to)) {
        Ok(made) => made.clone(),
        Err(_) => checkpoints::read(repo, &operation.target)?,
    };
    Ok(Wish {
        kind: operation.kind,
        to,
        keep_files: operation.keep_files,
        path: operation.path.clone(),
        continues: Some(begun.clone()),
    })
}

/// Everything that an operation needs to know, and the lock that keeps others out.
pub(super) struct Desk<'r> {
    repo: &'r Repo,
    settings: Checkpoints,
    manner: Manner,
    pub all: Vec<Made>,
    pub run: Option<Run>,
    pub pending: Option<(Made, Operation)>,
    hold: Option<Hold>,
}

impl<'r> Desk<'r> {
    pub(super) fn open(ui: &mut Ui, repo: &'r Repo, manner: Manner) -> Result<Self, Fail> {
        needs_worktree(repo)?;
        if !manner.dry_run {
            repo.may_write()?;
        }
        let settings = Settings::read(repo)?.checkpoints;
        let hold = match manner.dry_run {
            true => None,
            false => Some(Hold::with_helpers(repo, &alive::own_mark()).map_err(|error| {
                match error {
                    HoldError::Held { .. } => Fail::new(Exit::Held, error.to_string())
                        .hint("git run halt, and then the same again"),
                    HoldError::Other(error) => error.into(),
                }
            })?),
        };
        let run = run_here(ui, repo);
        if !manner.dry_run {
            restore::settle(repo)?;
        }
        let pending = restore::pending(repo)?;
        let all = every_here(ui, repo)?;
        Ok(Self { repo, settings, manner, all, run, pending, hold })
    }

    pub(super) fn operate(self, ui: &mut Ui, wish: Wish) -> Result<Exit, Fail> {
        let (kind, to, finishing) = (wish.kind, wish.to.clone(), wish.continues.is_some());
        let prepared =
            restore::prepare(self.repo, &self.settings, wish.clone(), self.manner.dry_run)?;
        if self.manner.dry_run {
            return dry_run(ui, &prepared.plan);
        }
        if prepared.plan.is_nothing() && wish.path.is_some() && !prepared.plan.files.keep.is_empty()
        {
            return Err(Fail {
                details: report::kept_lines(&prepared.plan.files),
                ..Fail::new(Exit::Failed, "nothing could be brought back")
            });
        }
        if prepared.plan.is_nothing() && self.pending.is_none() {
            return nothing(ui, &prepared.plan);
        }
        let (json, quiet) = (ui.json, self.manner.quiet || ui.json);
        let told = self.told(ui, &wish)?;
        let mut answer = None;
        let mut show = |plan: &Plan, saved: u64| {
            let told = said(plan, Some(saved));
            if json {
                answer = Some(report::json(&told, false));
            }
            if !quiet {
                ui.tell(&format!("what is there now is saved as checkpoint {saved}"));
                for line in report::lines(&told) {
                    ui.tell(&line);
                }
            } else {
                for line in report::kept_lines(&plan.files) {
                    ui.tell(&line);
                }
            }
        };
        let done = restore::perform(self.repo, self.run.as_ref(), told, prepared, &mut show)
            .map_err(|not| interrupted(self.repo, not))?;
        drop(self.hold);
        if let Some(mut answer) = answer {
            answer["report"] = done.report.map(|path| format!("artifacts/{path}")).into();
            ui.say_json(&answer)?;
        } else if !quiet {
            let what = match (finishing, kind) {
                (true, _) => "finished: ",
                (false, _) => "",
            };
            let (number, back) = (to.checkpoint.number, undone_by(kind, done.saved));
            let text = match &wish.path {
                Some(path) => {
                    format!("{what}{} is as in checkpoint {number}\nback: {back}\n", name(path))
                }
                None => format!(
                    "{what}back at checkpoint {number}, {}\nback: {back}\n",
                    about::standing(&to.checkpoint)
                ),
            };
            ui.say(&text)?;
            if let Some(report) = &done.report {
                ui.say(&format!("report: git run show artifacts/{report}\n"))?;
            }
        }
        Ok(Exit::Done)
    }

    /// The journal that is told, when there is one that can be written.
    fn told(&self, ui: &mut Ui, wish: &Wish) -> Result<Option<Told<'r>>, Fail> {
        let Some((id, _)) = catalog::here(self.repo)? else { return Ok(None) };
        let mut journal = match Journal::open(self.repo, &id, actor(self.repo)) {
            Ok(journal) if !journal.run().newer => journal,
            Ok(_) => {
                ui.tell(&format!("warning: run {id} is of a newer version, and is not told"));
                return Ok(None);
            }
            Err(error) => {
                ui.tell(&format!("warning: run {id} cannot be read, and is not told: {error:#}"));
                return Ok(None);
            }
        };
        if !catalog::belongs(self.repo, journal.run())?.is_here() {
            return Ok(None);
        }
        if !journal.run().state.is_over() {
            journal.take_lease(alive::own_mark(), clock::now())?;
        }
        Ok(Some(restore::told(journal, wish, self.manner.force)?))
    }
}

fn undone_by(kind: OperationKind, saved: u64) -> String {
    match kind {
        OperationKind::Rollback | OperationKind::Restore | OperationKind::Redo => {
            format!("git run undo  (or git run rollback --to {saved})")
        }
        OperationKind::Undo => format!("git run redo  (or git run rollback --to {saved})"),
    }
}

fn said(plan: &Plan, saved: Option<u64>) -> report::Told<'_> {
    report::Told {
        kind: plan.kind,
        to: &plan.to,
        moves: &plan.moves,
        files: &plan.files,
        index: plan.index,
        saved,
        report: None,
    }
}

fn dry_run(ui: &mut Ui, plan: &Plan) -> Result<Exit, Fail> {
    let told = said(plan, None);
    if ui.json {
        ui.say_json(&report::json(&told, true))?;
        return Ok(Exit::Done);
    }
    let number = plan.to.checkpoint.number;
    ui.say(&format!(
        "would go back to checkpoint {number}, {}\n",
        about::standing(&plan.to.checkpoint)
    ))?;
    for line in report::lines(&told) {
        ui.say(&format!("{line}\n"))?;
    }
    if plan.is_nothing() {
        ui.say("everything is as it was then\n")?;
    }
    ui.say("nothing was written\n")?;
    Ok(Exit::Done)
}

fn nothing(ui: &mut Ui, plan: &Plan) -> Result<Exit, Fail> {
    for line in report::kept_lines(&plan.files) {
        ui.tell(&line);
    }
    if ui.json {
        ui.say_json(&report::json(&said(plan, None), false))?;
    } else {
        let number = plan.to.checkpoint.number;
        ui.say(&format!("nothing to do: everything is as in checkpoint {number}\n"))?;
    }
    Ok(Exit::Done)
}

/// An operation that stopped on its way is told as such, with what finishes it and what takes it back.
fn interrupted(repo: &Repo, not: restore::NotRestored) -> Fail {
    let fail = Fail::from(not);
    match restore::pending(repo) {
        Ok(Some(_)) => Fail {
            hint: Some(
                "git run rollback finishes it, git run undo takes it back; nothing is lost".into(),
            ),
            ..fail
        },
        Ok(None) | Err(_) => fail,
    }
}
