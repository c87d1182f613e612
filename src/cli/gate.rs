//! `git run gate`: deterministic checks of the run's own range. Exit 0 when all of them passed, 3 when one
//! did not, 1 when one could not be evaluated.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Parser, ValueEnum};

use super::{
    args::StatusArgs,
    checkpoint::CheckpointArgs,
    exit::{Exit, Fail, fault_lines},
    resume::{frozen, wanted},
    ui::Ui,
};
use crate::{
    config::{plan_file, plan_find, settings::Settings},
    domain::{
        check::{
            Answer, Report,
            command::{End, Expect},
            name::Check,
        },
        ice::judge::Who,
        id::Oid,
        near,
        plan::Plan,
        run::Run,
        workflow::Part,
    },
    gates::{
        examine::{Case, Examiner, Machine},
        known,
    },
    git::Repo,
    guard::{fence::Fence, scope},
    process::{env, stop::StopSignal},
    report::gate as shown,
    store::catalog,
};

#[derive(Debug, Parser)]
#[command(
    after_help = "What is looked at is the range of the run, from the commit on which it was built, with everything that\n\
        is not committed. Without a run: from where HEAD left the base branch.\n\
        Results: ✓ pass, ✗ fail, – skipped on purpose, ? unknown, which is no pass."
)]
pub(super) struct GateArgs {
    /// The gates; else all that there is something for.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Everything from this phase on: the plan, the tasks, a checkpoint, the gates, the progress.
    #[arg(long, value_name = "PHASE", conflicts_with = "names")]
    pub from_phase: Option<Phase>,
    /// The run; else the one of this work tree, where its branch is checked out.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Go on after a gate of a phase that did not pass.
    #[arg(long)]
    pub continue_on_fail: bool,
    /// Ask a command for this instead of what is set: `tests=fail` while tests are written first.
    #[arg(long, value_name = "NAME=pass|fail")]
    pub expect: Vec<String>,
    /// Run every command, also one that the run's gates saw passing for this very tree.
    #[arg(long)]
    pub again: bool,
    /// Say which gates there are, and evaluate none.
    #[arg(long)]
    pub list: bool,
    /// Answer in Markdown.
    #[arg(long)]
    pub md: bool,
    /// Write each report there as well, as JSON and as Markdown.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Phase {
    #[value(alias = "validate_plan")]
    ValidatePlan,
    #[value(alias = "task_contexts")]
    TaskContexts,
    Checkpoint,
    Gates,
    Progress,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &GateArgs) -> Result<Exit, Fail> {
    let mut settings = Settings::read(repo)?;
    let run = run_of(repo, args)?;
    let base = run.as_ref().map(|run| run.charter.base.clone());
    if let Some(base) = base.map_or_else(|| settings.likely_base(repo), |base| Ok(Some(base)))? {
        settings.tighten(repo, &base)?;
    }
    let settings = settings;
    if args.list {
        return list(ui, &settings, run.is_some());
    }
    let checks = checks(&settings, run.is_some(), args)?;
    // Where nothing can be written nothing is evaluated, and said, before that is seen.
    args.out.as_deref().map_or(Ok(()), directory)?;
    if args.from_phase == Some(Phase::Checkpoint) {
        save(repo)?;
    }
    let mut code = Exit::Done;
    if !checks.is_empty() {
        let case = case(repo, &settings, run.as_ref(), args)?;
        let (reports, exit) = evaluated(ui, case, &checks, args)?;
        code = exit;
        if let Some(dir) = &args.out {
            write(dir, &reports)?;
        }
    }
    let goes_on = code == Exit::Done || args.continue_on_fail;
    if args.from_phase.is_some() && goes_on && !ui.json && !args.md {
        let named = run.map(|run| run.charter.run.to_string());
        let args = StatusArgs {
            run: named,
            verbose: false,
            porcelain: false,
            for_agent: false,
            budget: 0,
        };
        super::status::run(ui, repo, &args)?;
    }
    Ok(code)
}

/// A checkpoint, before anything of the project's own is run.
fn save(repo: &Repo) -> Result<(), Fail> {
    let args = CheckpointArgs { message: Some("gates".to_owned()), quiet: true, command: None };
    super::checkpoint::run(&mut Ui::new(), repo, &args).map(drop)
}

/// The run that was named, or the one whose branch is checked out here.
fn run_of(repo: &Repo, args: &GateArgs) -> Result<Option<Run>, Fail> {
    let id = match &args.run {
        Some(named) => wanted(repo, Some(named))?,
        None => match catalog::here(repo)? {
            Some((id, _)) => id,
            None => return Ok(None),
        },
    };
    let tip = catalog::find(repo, id.as_str())?.1;
    let run = catalog::present(repo, &id, &tip)?;
    let is_here = repo.head()?.branch.as_deref() == Some(run.charter.branch.as_str());
    Ok(Some(run).filter(|_| is_here || args.run.is_some()))
}

fn checks(settings: &Settings, of_run: bool, args: &GateArgs) -> Result<Vec<Check>, Fail> {
    let all = settings.gates.applicable(of_run);
    let Some(phase) = args.from_phase else {
        if args.names.is_empty() {
            return Ok(all);
        }
        let mut named: Vec<Check> = Vec::new();
        for name in &args.names {
            let check = known(settings, name)?;
            if !named.contains(&check) {
                named.push(check);
            }
        }
        // It judges the others, so it is nothing without them, and it comes after them.
        if named == [Check::Compliance] {
            return Ok(all);
        }
        named.sort_by_key(|check| *check == Check::Compliance);
        return Ok(named);
    };
    let mut checks = Vec::new();
    for (own, check) in
        [(Phase::ValidatePlan, Check::ValidatePlan), (Phase::TaskContexts, Check::TaskContexts)]
    {
        if phase <= own {
            checks.push(check);
        }
    }
    if phase <= Phase::Gates {
        checks.extend(all);
    }
    Ok(checks)
}

fn known(settings: &Settings, name: &str) -> Result<Check, Fail> {
    // As the gates of the tool that went before were called.
    let name = match name {
        "validate_actions" => "validate-plan",
        "build_task_contexts" => "task-contexts",
        "changed_files" => "scope",
        "plan_adherence" => "plan",
        "parallel_conformance" => "parallel",
        "validate_task_artifacts" | "task_artifacts" => "artifacts",
        "docs_gate" => "docs",
        name => name,
    };
    let check = Check::parse(name).filter(|check| match check {
        Check::Own(own) => settings.gates.commands.contains_key(own),
        _ => true,
    });
    check.ok_or_else(|| {
        let names = Check::BUILT_IN.iter().map(Check::name);
        let names = names.chain(settings.gates.commands.keys().map(String::as_str));
        let fail = Fail::new(Exit::Usage, format!("there is no gate `{}`", name.escape_debug()));
        match near::nearest(name, names) {
            Some(near) => fail.hint(format!("did you mean `{near}`?")),
            None => fail.hint("git run gate --list"),
        }
    })
}

fn case<'r>(
    repo: &'r Repo,
    settings: &Settings,
    run: Option<&Run>,
    args: &GateArgs,
) -> Result<Case<'r>, Fail> {
    let (from, plan, tip) = match run {
        Some(run) => {
            let (plan, _) = frozen(repo, &run.charter.run)?;
            (run.charter.start.clone(), Ok(plan), tip_of(repo, run)?)
        }
        None => {
            let head = repo.head()?.commit;
            let tip = if repo.worktree().is_none() { head } else { None };
            (fork(repo, settings)?, plan_here(repo, settings)?, tip)
        }
    };
    let known = match run.filter(|_| !args.again) {
        // What cannot be read is run again.
        Some(run) => {
            let tip = catalog::find(repo, run.charter.run.as_str())?.1;
            known::evidence(repo, run, &tip).unwrap_or_default()
        }
        None => Vec::new(),
    };
    Ok(Case {
        repo,
        plan,
        policy: settings.gates.clone(),
        run: run.map(|run| run.charter.run.clone()),
        items: run
            .map(|run| {
                // What is done once for all of it is no task, and leaves no work of its own.
                let items = run.items.iter().filter(|item| run.part_of(&item.id) == Part::Items);
                items.map(|item| item.id.to_string()).collect()
            })
            .unwrap_or_default(),
        from,
        asides: Vec::new(),
        tip,
        expect: expected(settings, &args.expect)?,
        known,
        papers: Default::default(),
        again: false,
        verified: false,
    })
}

/// Where the run's branch stands, when it does not stand here.
fn tip_of(repo: &Repo, run: &Run) -> Result<Option<Oid>, Fail> {
    let branch = &run.charter.branch;
    if repo.worktree().is_some() && repo.head()?.branch.as_ref() == Some(branch) {
        return Ok(None);
    }
    let tip = repo.refs().read(&format!("refs/heads/{branch}"))?;
    tip.map(Some).ok_or_else(|| {
        let last = &run.head;
        Fail::new(Exit::Failed, format!("the run's branch `{branch}` is gone"))
            .hint(format!("git branch {branch} {last}  (where it stood last)"))
    })
}

/// Where HEAD left the base branch.
fn fork(repo: &Repo, settings: &Settings) -> Result<Oid, Fail> {
    let cannot = |why: String| {
        Fail::new(Exit::Failed, format!("it cannot be told where the range begins: {why}"))
            .hint("git config run.baseBranch <branch>")
    };
    let head = repo.head()?.commit.ok_or_else(|| cannot("HEAD leads to no commit".to_owned()))?;
    let base =
        settings.likely_base(repo)?.ok_or_else(|| cannot("there is no base branch".to_owned()))?;
    let remote = settings.remote.as_deref().unwrap_or("origin");
    let mut tip = None;
    for name in [format!("refs/heads/{base}"), format!("refs/remotes/{remote}/{base}")] {
        tip = tip.or(repo.refs().read(&name)?);
    }
    let tip = tip.ok_or_else(|| cannot(format!("there is no branch `{base}`")))?;
    if repo.is_ancestor(&tip, &head)? {
        return Ok(tip);
    }
    let common = repo.merge_base(&tip, &head)?;
    common.ok_or_else(|| cannot(format!("`{base}` and HEAD have no commit in common")))
}

/// The repository's plan, or why there is none.
fn plan_here(repo: &Repo, settings: &Settings) -> Result<Result<Plan, String>, Fail> {
    if repo.worktree().is_none() {
        return Ok(Err("a bare repository has no plan".to_owned()));
    }
    let found = match plan_find::find(repo, settings.plan.as_deref()) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Err("there is no plan".to_owned())),
        Err(error) => return Ok(Err(format!("{error:#}"))),
    };
    Ok(plan_file::read(&found.name, &found.text).map_err(|faults| {
        let first = fault_lines(&found.name, &faults).into_iter().next().unwrap_or_default();
        format!("the plan has faults: {first}")
    }))
}

fn expected(settings: &Settings, words: &[String]) -> Result<BTreeMap<String, Expect>, Fail> {
    let mut found = BTreeMap::new();
    for word in words {
        let bad = || {
            let message =
                format!("`--expect {}` is no `<gate>=pass` or `<gate>=fail`", word.escape_debug());
            Fail::new(Exit::Usage, message)
        };
        let (name, expect) = word.split_once('=').ok_or_else(bad)?;
        let check = known(settings, name)?;
        if check == Check::Coverage || !check.takes_command() {
            return Err(bad());
        }
        found.insert(check.name().to_owned(), Expect::parse(expect).ok_or_else(bad)?);
    }
    Ok(found)
}

fn evaluated(
    ui: &mut Ui,
    case: Case<'_>,
    checks: &[Check],
    args: &GateArgs,
) -> Result<(Vec<Report>, Exit), Fail> {
    let repo = case.repo;
    let runs = case.runs_commands(checks);
    // A fence is put up where commands are run: they are what agents wrote.
    let fence = (runs && repo.worktree().is_some() && scope::who() == Who::Person)
        .then(|| Fence::around(repo))
        .transpose()?;
    let environment = fence.as_ref().map_or_else(env::vars, |fence| fence.environment(env::vars()));
    let stop = StopSignal::install(Box::new(|| None)).map_err(anyhow::Error::from)?;
    let mut examiner = Examiner::new(case, Machine::new(environment, stop)?)?;
    let by_line = !ui.json && !args.md;
    let stops = args.from_phase.is_some() && !args.continue_on_fail;
    let saves = args.from_phase.is_some_and(|phase| phase < Phase::Checkpoint);
    let mut broken = None;
    let reports = examiner.all(checks, &mut |report| {
        if by_line && broken.is_none() {
            broken = ui.say(&shown::text(report)).err();
        }
        let goes_on = report.answer.lets_through() || !stops;
        // The phases of the plan come before it, and where they do not pass nothing is run.
        if goes_on && saves && report.gate == Check::TaskContexts.name() && broken.is_none() {
            broken = save(repo).err();
        }
        goes_on && broken.is_none()
    });
    if let Some(fail) = broken {
        return Err(fail);
    }
    if ui.json {
        ui.say_json(&shown::set_json(&reports))?;
    } else if args.md {
        ui.say(&shown::set_markdown(&reports))?;
    } else if let Some(verdict) = shown::verdict(&reports) {
        ui.say(&format!("{verdict}\n"))?;
    }
    let stopped = |report: &Report| report.evidence.iter().any(|piece| piece.end == End::Stopped);
    let exit = match shown::worst(&reports) {
        _ if reports.iter().any(stopped) => Exit::Interrupted,
        Answer::Pass | Answer::Skipped => Exit::Done,
        Answer::Fail => Exit::Refused,
        Answer::Unknown => Exit::Failed,
    };
    Ok((reports, exit))
}

fn list(ui: &mut Ui, settings: &Settings, of_run: bool) -> Result<Exit, Fail> {
    let set = settings.gates.applicable(of_run);
    let own = set.iter().filter(|check| matches!(check, Check::Own(_))).cloned();
    let all: Vec<Check> = Check::BUILT_IN.into_iter().chain(own).collect();
    if ui.json {
        let value = |check: &Check| serde_json::json!({ "gate": check.name(), "applies": set.contains(check), "says": check.says() });
        let gates: Vec<_> = all.iter().map(value).collect();
        ui.say_json(&serde_json::json!({ "schema": "git-run/gate-list/1", "gates": gates }))?;
        return Ok(Exit::Done);
    }
    for check in &all {
        let mark = if set.contains(check) { "*" } else { " " };
        ui.say(&format!("{mark} {check:<16} {}\n", check.says()))?;
    }
    Ok(Exit::Done)
}

fn directory(dir: &Path) -> Result<(), Fail> {
    std::fs::create_dir_all(dir).map_err(|error| unwritten(dir, &error))
}

fn unwritten(dir: &Path, error: &std::io::Error) -> Fail {
    Fail::new(Exit::Failed, format!("cannot write into `{}`: {error}", dir.display()))
}

fn write(dir: &Path, reports: &[Report]) -> Result<(), Fail> {
    let put = |name: String, text: String| {
        std::fs::write(dir.join(name), text).map_err(|error| unwritten(dir, &error))
    };
    for report in reports {
        put(format!("{}.json", report.gate), format!("{}\n", shown::json(report)))?;
        put(format!("{}.md", report.gate), shown::markdown(report))?;
    }
    put("gates.json".to_owned(), format!("{}\n", shown::set_json(reports)))?;
    put("gates.md".to_owned(), shown::set_markdown(reports))
}
