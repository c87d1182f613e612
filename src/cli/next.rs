//! `git run next` and `git run report`: a run that is driven by whoever asks. The same workflow, journal
//! and guard as in the loop, but no agent is called: the step is handed out, and its report taken.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Parser;
use serde_json::{Value, json};

use super::{
    exit::{Exit, Fail},
    narrate::{self, Narrated},
    resume::{asks_still, frozen, journal, said_elsewhere, wanted},
    start::{
        Underway, hooks_in_force, may_go_on, nothing_interrupted, stop_signal, unfinished_here,
    },
    status::time,
    ui::Ui,
};
use crate::{
    agents::{
        call::Caller,
        report_file::{self, REPORT_BYTES_MAX, Report, SCHEMA},
    },
    config::settings::{STEPS, Settings},
    domain::{
        event::{PushMode, StageStart},
        id::StageId,
        item::{Phase, handed_to},
        request::{Answer, Request as Wish, decide},
        run::{Run, State},
        time::Span,
        view::RunView,
    },
    engine::{
        drive::{Drove, Hand, Stop, drive_to_stage, end_stage, handed},
        real::RealWorld,
        start::{Request, prepare},
    },
    git::Repo,
    guard::{person, vouched},
    process::{alive, clock},
    report::sanitise::sanitise,
    store::{history, hold::Hold},
};

#[derive(Debug, Parser)]
#[command(
    after_help = "The first time with a target, like `git run next sprint-1`. Asked again it says the same, until\n`git run report` has taken what came of the step. `git run resume` goes on with agents of its own."
)]
pub(super) struct NextArgs {
    /// What to start where no run is here: sprint-2, sprint-plan, or a task of the plan.
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// The branch to work on; it is made when it is missing.
    #[arg(long, value_name = "NAME", requires = "targets")]
    pub branch: Option<String>,
    /// The branch that the work builds on.
    #[arg(long, value_name = "NAME", requires = "targets")]
    pub base: Option<String>,
    /// The workflow that every item goes through.
    #[arg(long, value_name = "NAME", requires = "targets")]
    pub workflow: Option<String>,
    /// Push nothing.
    #[arg(long, requires = "targets")]
    pub local: bool,
    /// The way through the workflow, where it has several.
    #[arg(long, value_name = "NAME", requires = "targets")]
    pub flow: Option<String>,
    /// Who does the step. Needed where nobody may judge what they built.
    #[arg(long = "as", value_name = "NAME")]
    pub who: Option<String>,
    /// Go on with a run that is halted.
    #[arg(long)]
    pub resume: bool,
    /// With --resume: clear the breaker's counters and try one cycle.
    #[arg(long, requires = "resume")]
    pub reset_ice: bool,
}

#[derive(Debug, Parser)]
#[command(after_help = "`git run schema report` prints what a report may hold.")]
pub(super) struct ReportArgs {
    /// The report; `-` reads it from standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// The number that `git run next` gave the step. Handed in twice, it is taken once.
    #[arg(long, value_name = "N")]
    pub call: Option<u32>,
    /// Who does the step after it; else whoever did this one.
    #[arg(long = "as", value_name = "NAME")]
    pub who: Option<String>,
}

/// What is handed in, and by whom the next step is done.
struct Turn {
    report: Option<Report>,
    who: Option<String>,
}

pub(super) fn next(ui: &mut Ui, repo: &Repo, args: &NextArgs) -> Result<Exit, Fail> {
    let settings = Settings::read(repo)?;
    repo.may_write()?;
    if repo.worktree().is_none() {
        return Err(Fail::new(
            Exit::Failed,
            "a run needs a work tree, and this repository is bare",
        ));
    }
    nothing_interrupted(repo)?;
    if args.resume {
        person::only("to go on after a halt")?;
    }
    let here = unfinished_here(repo)?;
    let request = request(args, here.as_ref(), &settings)?;
    match &here {
        Some(run) if args.resume && run.state == State::Halted => {}
        Some(run) => may_go_on(run, &request).map_err(|fail| halted(run, fail))?,
        None => drop(prepare(repo, &settings, &request)?),
    }
    if let Some(run) = here.as_ref().filter(|_| args.resume) {
        let journal = said_elsewhere(ui, repo, &run.charter.run, true)?;
        if !args.reset_ice && asks_still(repo, journal.run())? {
            return answer(ui, journal.run().clone(), None, Drove::Rests, None);
        }
    }
    hooks_in_force(ui, repo, true)?;
    let me = alive::own_mark();
    let hold = Hold::of_worktree(repo, &me)?;
    let mut underway = match unfinished_here(repo)? {
        Some(run) => {
            vouched::words(repo, &run.charter.run)?;
            Underway::again(repo, &run.charter.run, hold, me)?
        }
        None => Underway::begun(repo, prepare(repo, &settings, &request)?, hold, me)?,
    };
    if args.resume {
        let wish = Wish::Resume { reset_breaker: args.reset_ice };
        if let Answer::Write(events) = decide(underway.journal.run(), &wish)? {
            underway.journal.append(events, &[], clock::now())?;
        }
    }
    let who = super::approve::name(args.who.as_deref())?;
    drive(ui, repo, underway, settings, Turn { report: None, who })
}

fn request(args: &NextArgs, here: Option<&Run>, settings: &Settings) -> Result<Request, Fail> {
    let targets = match here {
        Some(run) if args.targets.is_empty() => vec![run.charter.target.clone()],
        None if args.targets.is_empty() => {
            return Err(Fail::new(Exit::Usage, "there is no run here yet, so say what to start")
                .hint("git run next sprint-1"));
        }
        Some(_) | None => args.targets.clone(),
    };
    // Nobody is called, but a run knows who would be.
    let is_unset =
        |stage: &str| StageId::parse(stage).is_ok_and(|stage| settings.agent(&stage, &[]).is_err());
    let unset = ["implement", "review", "audit"].into_iter().any(is_unset);
    let steps = STEPS.to_owned();
    Ok(Request {
        targets,
        workflow: args.workflow.clone(),
        flow: args.flow.clone(),
        branch: args.branch.clone(),
        base: args.base.clone(),
        agents: if unset { vec![(None, steps)] } else { Vec::new() },
        push: args.local.then_some(PushMode::Local),
        // Whoever drives by hand does one thing after the other.
        parallel: Some(1),
        ..Request::default()
    })
}

/// Whoever drives by hand goes on by hand.
fn halted(run: &Run, fail: Fail) -> Fail {
    if run.state == State::Halted { fail.hint("git run next --resume") } else { fail }
}

pub(super) fn report(ui: &mut Ui, repo: &Repo, args: &ReportArgs) -> Result<Exit, Fail> {
    repo.may_write()?;
    let report = read(&args.file)?;
    let id = wanted(repo, None)?;
    let run = journal(repo, &id)?.run().clone();
    if recorded(repo, &run, args.call)? {
        // What comes next is for `git run next` to say.
        return answer(ui, run, None, Drove::Handed, Some(false));
    }
    let start = at_work(&run, args.call)?;
    let (_, workflow) = frozen(repo, &id)?;
    let judges = workflow.stage(&start.stage).is_some_and(|stage| stage.shape.duty.judges());
    if judges && report.verdict.is_none() {
        let what = format!("`{}` judges, and its report has no `verdict`", start.stage);
        return Err(Fail::new(Exit::Failed, what).hint("git run schema report"));
    }
    nothing_interrupted(repo)?;
    vouched::words(repo, &id)?;
    hooks_in_force(ui, repo, true)?;
    let settings = Settings::read(repo)?;
    let me = alive::own_mark();
    let underway = Underway::again(repo, &id, Hold::of_worktree(repo, &me)?, me)?;
    // Somebody may have been faster.
    at_work(underway.journal.run(), args.call)?;
    // Who hands in one step goes on with the next as the same, unless somebody else shall do it.
    let who = super::approve::name(args.who.as_deref())?;
    let who = who.or_else(|| start.agent.split_once(':').map(|(_, name)| name.to_owned()));
    drive(ui, repo, underway, settings, Turn { report: Some(report), who })
}

/// A report that is none is told, and nothing is written down: whoever hands it in can mend it.
fn read(path: &Path) -> Result<Report, Fail> {
    let failed = |why: String| {
        Fail::new(Exit::Failed, format!("the report cannot be read: {why}"))
            .hint("git run schema report")
    };
    let mut text = Vec::new();
    let most = REPORT_BYTES_MAX + 1;
    let done = if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut text))
    };
    done.map_err(|error| failed(error.to_string()))?;
    if REPORT_BYTES_MAX < text.len() as u64 {
        return Err(failed(format!("it is longer than {REPORT_BYTES_MAX} bytes")));
    }
    report_file::parse(&text).map_err(failed)
}

/// Whether the report of that call is in the journal already.
fn recorded(repo: &Repo, run: &Run, call: Option<u32>) -> Result<bool, Fail> {
    let Some(call) = call else { return Ok(false) };
    let prefix = format!("{call:04}-");
    let found = run.items.iter().any(|item| {
        run.charter.stages.iter().any(|stage| {
            let path = format!("artifacts/{}/{prefix}{}.json", item.id, stage.id);
            matches!(
                history::read_file(repo, &run.charter.run, &path, REPORT_BYTES_MAX),
                Ok(Some(_))
            )
        })
    });
    Ok(found)
}

fn at_work(run: &Run, call: Option<u32>) -> Result<StageStart, Fail> {
    let (id, state) = (&run.charter.run, run.state.word());
    let refused = |why: String| Err(Fail::new(Exit::Refused, why).hint("git run next"));
    let Some(start) = handed(run) else {
        return refused(format!("no step of run `{id}` is handed out; it is {state}"));
    };
    match call {
        Some(call) if u64::from(call) != run.calls_total => refused(format!(
            "call {call} was given up; what is handed out now is call {}: {} of {}",
            run.calls_total, start.stage, start.item
        )),
        Some(_) | None => Ok(start),
    }
}

fn drive(
    ui: &mut Ui,
    repo: &Repo,
    underway: Underway<'_>,
    settings: Settings,
    turn: Turn,
) -> Result<Exit, Fail> {
    let Turn { report, who } = turn;
    let Underway { journal, frozen, hold: _hold } = underway;
    let id = journal.run().charter.run.clone();
    let caller = Caller::new(stop_signal(repo, id)?, narrate::tail(true))?;
    let mut world =
        RealWorld::new(repo, settings, frozen, Vec::new(), caller, Box::new(|_: &str| false));
    let mut log = Narrated { repo, journal, quiet: true };
    let reporting = report.is_some();
    if let Some(report) = report {
        let run = log.journal.run().clone();
        let start = at_work(&run, None)?;
        let took = since(&run);
        let ended = world.reported(&run, &start, report, took)?;
        end_stage(&mut log, ended, clock::now())?;
    }
    let hand = Hand(who.as_deref());
    let drove = match drive_to_stage(&mut log, &mut world, hand) {
        // The report is taken all the same; the next step is for somebody else to ask for.
        Err(Stop::NotTheirs(why)) if reporting => {
            let run = log.journal.run().clone();
            if !ui.json {
                ui.tell(&format!("note: {why}"));
            }
            let view = RunView::new(run, false, clock::now()).handed_on(why);
            return answer_of(ui, view, None, Drove::Handed, Some(true));
        }
        other => other?,
    };
    let held_by = handed(log.journal.run()).map(|start| start.agent);
    if let (Some(agent), Some(who)) = (held_by, &who)
        && agent.to_lowercase() != handed_to(Some(who)).to_lowercase()
    {
        let name = agent.split_once(':').map_or("somebody", |(_, name)| name);
        let what = format!("the step is handed out to `{name}`, who has not reported on it");
        return Err(Fail::new(Exit::Held, what).hint("git run report takes what came of it"));
    }
    repo.pack_when_many();
    let run = log.journal.run().clone();
    let step = match handed(&run).filter(|_| drove == Drove::Handed) {
        Some(start) => {
            let command = format!("git run report --call {}", run.calls_total);
            let brief = world.handed_brief(&run, &start, &command)?;
            Some(Step {
                duty: if world.judges(&start.stage) { "judge" } else { "build" },
                start,
                brief,
            })
        }
        None => None,
    };
    answer(ui, run, step, drove, reporting.then_some(true))
}

fn since(run: &Run) -> Span {
    match run.active().map(|active| &active.phase) {
        Some(Phase::Working(working)) => clock::now().since(working.since),
        Some(_) | None => Span::ZERO,
    }
}

/// What whoever asked shall do.
struct Step {
    start: StageStart,
    duty: &'static str,
    brief: String,
}

fn answer(
    ui: &mut Ui,
    run: Run,
    step: Option<Step>,
    drove: Drove,
    recorded: Option<bool>,
) -> Result<Exit, Fail> {
    answer_of(ui, RunView::new(run, false, clock::now()), step, drove, recorded)
}

fn answer_of(
    ui: &mut Ui,
    view: RunView,
    step: Option<Step>,
    drove: Drove,
    recorded: Option<bool>,
) -> Result<Exit, Fail> {
    let exit = match drove {
        Drove::Rests => Exit::of(&view.run),
        Drove::Waits(_) | Drove::Handed => Exit::Done,
    };
    let until = match drove {
        Drove::Waits(until) => Some(time(until)),
        Drove::Rests | Drove::Handed => None,
    };
    let call = view.run.calls_total;
    let (id, state, next) = (&view.run.charter.run, view.run.state.word(), &view.next);
    if ui.json {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
        let step = step.map(|Step { start, duty, brief }| {
            json!({
                "call": call, "item": start.item.as_str(), "stage": start.stage.as_str(),
                "cycle": start.cycle, "attempt": start.attempt, "duty": duty,
                "agent": start.agent, "head": start.head.as_str(), "tree": start.tree.as_str(),
                "brief": brief, "report_schema": schema,
                "report": format!("git run report --call {call}"),
            })
        });
        ui.say_json(&json!({
            "schema": "git-run/next/1",
            "run": id.as_str(),
            "state": state,
            "step": step,
            "wait_until": until,
            "recorded": recorded,
            "next": { "command": next.command, "why": next.why },
        }))?;
        return Ok(exit);
    }
    match (step, until) {
        (Some(step), _) => ui.say(&sanitise(&step.brief))?,
        (None, Some(until)) => {
            ui.say(&format!("run {id} waits for its next call until {until}\n"))?
        }
        (None, None) => {
            let (command, why) = (&next.command, &next.why);
            ui.say(&format!("run {id} is {state}\nnext: {command}  ({why})\n"))?;
        }
    }
    Ok(exit)
}
