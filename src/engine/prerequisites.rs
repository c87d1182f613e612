//! Looks up what a plan needs of this machine, before anything is written.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use super::preflight::Unfit;
use crate::{
    config::plan_file,
    domain::{
        criterion::FilePath,
        id::TaskId,
        plan::Plan,
        prerequisite::{PREREQUISITES_MAX, SkipIf, Tool},
    },
    git::Repo,
    process::{
        command::{Group, Invocation, run},
        env,
    },
};

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(20);
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// What a plan's commands said so far. Each is run once for one start, however often is looked: what it
/// does besides answering is the plan's own, and it may take its time.
#[derive(Debug, Clone, Default)]
pub struct Looked(RefCell<BTreeMap<String, bool>>);

impl Looked {
    fn succeeds(&self, top: &Path, command: &str) -> bool {
        if let Some(known) = self.0.borrow().get(command) {
            return *known;
        }
        let said = succeeds(top, command);
        self.0.borrow_mut().insert(command.to_owned(), said);
        said
    }
}

/// What is missing of what the wanted tasks need, by its name.
pub fn check(
    repo: &Repo,
    plan: &Plan,
    wanted: &dyn Fn(&str) -> bool,
    looked: &Looked,
) -> anyhow::Result<Result<(), Unfit>> {
    let said = match plan_file::prerequisites(plan) {
        Ok(said) => said,
        Err(what) => return Ok(Err(unfit(what, "mend the plan"))),
    };
    if PREREQUISITES_MAX < said.count() {
        let what = format!("the plan names more than {PREREQUISITES_MAX} prerequisites");
        return Ok(Err(unfit(what, "leave some out")));
    }
    let top = repo.worktree().unwrap_or(Path::new("."));
    for tool in said.tools.iter().filter(|tool| tool.required) {
        if !is_there(top, tool, looked) {
            let name = tool.name.escape_debug();
            let how = tool.check.as_deref().unwrap_or(&tool.name).escape_debug();
            let what = format!("the plan needs the tool `{name}`, and it is not here");
            return Ok(Err(unfit(what, format!("install it, so that `{how}` succeeds"))));
        }
    }
    for var in said.env_vars.iter().filter(|var| var.required) {
        let needed = var.tasks.is_empty() || var.tasks.iter().any(|task| wanted(task));
        if needed && env::text(&var.name).is_none_or(|value| value.is_empty()) {
            let name = var.name.escape_debug();
            let what = format!("the plan needs the variable `{name}`, and it is not set");
            return Ok(Err(unfit(what, format!("export {name}=…"))));
        }
    }
    for file in &said.files {
        if !is_file(top, file) {
            let what = format!("the plan needs the file `{}`", file.escape_debug());
            return Ok(Err(unfit(what, "make it, or leave it out of `prerequisites.files`")));
        }
    }
    Ok(Ok(()))
}

/// The tasks that are not to be done, as things stand.
pub fn skipped(repo: &Repo, plan: &Plan, looked: &Looked) -> Result<BTreeSet<TaskId>, Unfit> {
    let top = repo.worktree().unwrap_or(Path::new("."));
    let mut found = BTreeSet::new();
    for (_, task) in plan.tasks() {
        let said = plan_file::skip_if(task).map_err(|what| unfit(what, "mend the plan"))?;
        let holds = match said {
            None => false,
            Some(SkipIf::File(path)) => is_file(top, &path),
            Some(SkipIf::Env(name)) => env::text(&name).is_some_and(|value| !value.is_empty()),
            Some(SkipIf::Command(command)) => looked.succeeds(top, &command),
        };
        if holds {
            found.insert(task.id.clone());
        }
    }
    Ok(found)
}

fn unfit(what: impl Into<String>, hint: impl Into<String>) -> Unfit {
    Unfit { what: what.into(), hint: hint.into(), refused: false }
}

fn is_there(top: &Path, tool: &Tool, looked: &Looked) -> bool {
    match &tool.check {
        Some(check) => looked.succeeds(top, check),
        None => env::is_program(&tool.name),
    }
}

fn is_file(top: &Path, path: &str) -> bool {
    FilePath::parse(path).is_ok_and(|path| top.join(path.as_str()).is_file())
}

fn succeeds(top: &Path, command: &str) -> bool {
    let ended = run(&Invocation {
        program: "sh".into(),
        args: vec!["-c".into(), command.into()],
        env_set: Vec::new(),
        env_remove: Vec::new(),
        env_clear: false,
        cwd: Some(top.to_owned()),
        stdin: Vec::new(),
        deadline: LOOK,
        stdout_bytes_max: OUTPUT_BYTES_MAX,
        group: Group::Own,
    });
    // What takes too long, or says too much, is not seen to be there.
    ended.is_ok_and(|ended| ended.status.success())
}
