//! `git run plan import|export|context`: plans of other tools. Nothing that is there is replaced.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    path::Path,
};

use super::{
    exit::{Exit, Fail},
    plan::{ForeignFormat, PlanFormat, believed, named, read},
    ui::Ui,
};
use crate::{
    config::plan_file::{self, Format, Statuses},
    domain::{
        board::{Mended, mended},
        context::EXCERPT_BYTES_MAX,
        id::TaskId,
        item::Progress,
        plan::Plan,
        queue::Status,
        reconcile::Strength,
        run::Run,
    },
    engine::context as looked_up,
    git::Repo,
    report::{self, sanitise::sanitise},
    store::{catalog, history},
};

/// The largest frozen plan.
const PLAN_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub(super) fn import(
    ui: &mut Ui,
    file: &Path,
    format: Option<ForeignFormat>,
    output: Option<&Path>,
) -> Result<Exit, Fail> {
    let found = named(file)?;
    let read = match format {
        Some(ForeignFormat::Actions) => {
            plan_file::read_as(Format::Actions, &found.name, &found.text)
        }
        Some(ForeignFormat::Tasks) => plan_file::read_as(Format::Tasks, &found.name, &found.text),
        None => plan_file::read(&found.name, &found.text),
    };
    let (_, plan) = believed(ui, found.name, read)?;
    let json = output.map_or(ui.json, |path| path.extension().is_some_and(|end| end == "json"));
    let text = if json { format!("{}\n", plan_file::to_json(&plan)) } else { toml(&plan)? };
    let Some(output) = output else {
        ui.say(&text)?;
        return Ok(Exit::Done);
    };
    let name = output.display();
    let made = OpenOptions::new().write(true).create_new(true).open(output);
    let mut made = made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Fail::new(Exit::Failed, format!("`{name}` is already there"))
            .hint("name another file, or move that one away"),
        _ => Fail::new(Exit::Failed, format!("cannot write `{name}`: {error}")),
    })?;
    made.write_all(text.as_bytes())
        .map_err(|error| Fail::new(Exit::Failed, format!("cannot write `{name}`: {error}")))?;
    Ok(Exit::Done)
}

pub(super) fn export(
    ui: &mut Ui,
    git_dir: Option<&Path>,
    file: Option<&Path>,
    format: PlanFormat,
    run: Option<&str>,
) -> Result<Exit, Fail> {
    let (plan, statuses) = match run {
        None => (read(ui, git_dir, file)?.1, None),
        Some(run) => {
            let (plan, statuses) = of_run(ui, &super::open(git_dir)?, run)?;
            (plan, Some(statuses))
        }
    };
    let text = match format {
        PlanFormat::Json => format!("{}\n", plan_file::to_json(&plan)),
        PlanFormat::Toml => toml(&plan)?,
        PlanFormat::Tasks => plan_file::to_tasks(&plan, statuses.as_ref()),
        PlanFormat::Actions => plan_file::to_actions(&plan).ok_or_else(|| {
            Fail::new(Exit::Failed, "this plan holds a number that `actions.json` cannot hold")
        })?,
    };
    ui.say(&text)?;
    Ok(Exit::Done)
}

fn toml(plan: &Plan) -> Result<String, Fail> {
    plan_file::to_toml(plan).ok_or_else(|| {
        Fail::new(Exit::Failed, "this plan holds something that TOML cannot say, like a null")
            .hint("write it as JSON: `--format json`, or `-o plan.json`")
    })
}

/// The frozen plan of a run, and where its tasks stand.
fn of_run(ui: &mut Ui, repo: &Repo, wanted: &str) -> Result<(Plan, Statuses), Fail> {
    let found = catalog::find_anywhere(repo, wanted)?;
    let run = catalog::present(repo, &found.run, &found.tip)?;
    let frozen = history::read_file_at(repo, &found.tip, "plan.json", PLAN_BYTES_MAX)?;
    let frozen = frozen.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = frozen
        .ok_or_else(|| Fail::new(Exit::Failed, format!("run `{}` has no plan", found.run)))?;
    let (_, plan) =
        believed(ui, "plan.json".to_owned(), plan_file::read_as(Format::Json, "plan.json", &text))?;
    let mut statuses = statuses(&plan, &run);
    let (plan, fixes) = with_fixes(plan, &run);
    statuses.extend(fixes);
    Ok((plan, statuses))
}

/// What is no item of the run stands where the plan has it.
fn statuses(plan: &Plan, run: &Run) -> Statuses {
    let of = |id: &str| run.items.iter().find(|item| item.id.as_str() == id).map(|i| &i.progress);
    let said = |task: &TaskId, sprint: &str| {
        let progress = of(task.as_str()).or_else(|| of(sprint))?;
        Some(match progress {
            Progress::Pending => Status::Pending,
            Progress::Active(_) => Status::InProgress,
            Progress::Done { .. } => Status::Done,
            Progress::Paused(_) => Status::Blocked,
            Progress::Inferred { strength, .. } => match strength {
                Strength::Superseded => Status::Superseded,
                Strength::Managed => Status::ExternallyManaged,
                _ => Status::DoneExternal,
            },
        })
    };
    let own = |text: &String| Status::parse(text.trim_matches('"'));
    let tasks = plan.tasks().filter_map(|(sprint, task)| {
        let said = said(&task.id, sprint.id.as_str());
        let status = said.or_else(|| task.extra.get("status").and_then(own))?;
        Some((task.id.clone(), status))
    });
    tasks.collect()
}

/// The plan with what was to be mended since as tasks of their own, and where those stand.
fn with_fixes(mut plan: Plan, run: &Run) -> (Plan, Statuses) {
    let mut statuses = Statuses::new();
    let mut tasks = Vec::new();
    for fix in run.taken_up.iter().chain(&run.fixes) {
        let known = |id: &TaskId| plan.tasks().any(|(_, task)| task.id == *id);
        let name = fix.id.and_then(|id| TaskId::parse(&id.to_string()).ok());
        // What has no number was asked for by an older version, and has no name on the page.
        let Some(id) = name.filter(|id| !known(id)) else { continue };
        let status = match mended(run, fix) {
            Mended::Waits => Status::Pending,
            Mended::AtWork => Status::InProgress,
            Mended::Paused => Status::Blocked,
            Mended::Done => Status::Done,
        };
        statuses.insert(id.clone(), status);
        tasks.push(plan_file::fix_task(&plan, id, fix));
    }
    let sprint = plan_file::fix_sprint(&plan, tasks);
    plan.sprints.extend(sprint);
    (plan, statuses)
}

pub(super) fn context(
    ui: &mut Ui,
    git_dir: Option<&Path>,
    wanted: &str,
    file: Option<&Path>,
) -> Result<Exit, Fail> {
    let (_, plan) = read(ui, git_dir, file)?;
    let task = plan.tasks().map(|(_, task)| task).find(|task| task.id.as_str() == wanted);
    let task = task.ok_or_else(|| {
        let what = format!("there is no task `{}` in the plan", wanted.escape_debug());
        Fail::new(Exit::Failed, what).hint("git run plan show")
    })?;
    let repo = super::open(git_dir)?;
    let Some(top) = repo.worktree() else {
        return Err(Fail::new(Exit::Failed, "a bare repository has no files to look at"));
    };
    let mut left = EXCERPT_BYTES_MAX;
    let found = looked_up::of(top, task, &mut left).unwrap_or_default();
    let looked_up::Found { context, excerpts, silent } = found;
    if ui.json {
        let list: Vec<_> = excerpts
            .iter()
            .map(|e| serde_json::json!({ "path": e.path, "first": e.first, "lines": e.lines }))
            .collect();
        ui.say_json(&serde_json::json!({
            "schema": "git-run/plan-context/1", "task": task.id.as_str(),
            "documents": context.documents, "justification": context.justification,
            "excerpts": list, "silent": silent,
        }))?;
    } else {
        ui.say(&sanitise(&report::context::text(&context, &excerpts, &silent)))?;
    }
    Ok(Exit::Done)
}
