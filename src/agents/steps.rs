//! The agent `steps`: executes the shell steps that the tasks themselves carry. It needs no model,
//! and everything about it is as for any other agent: its own process, a brief, a report.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::report_file;
use crate::{
    domain::{
        claim::{self, Claim},
        finding::{Finding, MESSAGE_BYTES_MAX, Severity, cut},
        id::StageId,
        outcome::Verdict,
        path,
        plan::Task,
    },
    git::Repo,
    process::command::{Group, Invocation, run},
};

/// The stage supervisor's deadline comes first.
const STEP_DEADLINE: Duration = Duration::from_secs(7 * 24 * 3600);
const OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A report has a bound, and so has what it names.
const FILES_MAX: usize = 2000;

/// What is to be executed, handed to the agent's process as a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Script {
    judges: bool,
    report: PathBuf,
    tasks: Vec<TaskScript>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TaskScript {
    task: String,
    commands: Vec<String>,
    /// What the task is accepted by.
    #[serde(default)]
    criteria: Vec<String>,
}

/// The steps of these tasks for a stage. From the second cycle on `fix` stands in for a building
/// stage's own steps, where a task has any.
#[must_use]
pub fn script(tasks: &[&Task], stage: &StageId, judges: bool, cycle: u32, report: &Path) -> Script {
    let fix = StageId::parse("fix").ok();
    let of = |task: &Task| {
        let fixes =
            fix.as_ref().filter(|_| !judges && 1 < cycle).and_then(|fix| task.steps.get(fix));
        fixes.or_else(|| task.steps.get(stage)).cloned().unwrap_or_default()
    };
    let tasks = tasks.iter().map(|task| TaskScript {
        task: task.id.to_string(),
        commands: of(task),
        criteria: claim::criteria(&[*task]).map(|(_, name, _)| name).collect(),
    });
    Script { judges, report: report.to_owned(), tasks: tasks.collect() }
}

impl Script {
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The agent's own `main`. Its exit code is the process's.
pub fn execute(file: &Path, out: &mut impl std::io::Write) -> anyhow::Result<u8> {
    let text = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let script: Script = serde_json::from_slice(&text).context("the script cannot be read")?;
    let (mut findings, mut claims) = (Vec::new(), Vec::new());
    let mut executed = 0;
    for task in &script.tasks {
        let before = findings.len();
        for command in &task.commands {
            writeln!(out, "{}$ {command}", task.task)?;
            executed += 1;
            let Some(said) = failure_of(command, &task.task, out)? else { continue };
            if !script.judges {
                writeln!(out, "{}: a step failed", task.task)?;
                return Ok(1);
            }
            findings.push(finding(&task.task, command, &said));
        }
        if script.judges && !task.commands.is_empty() {
            let met = findings.len() == before;
            let evidence = format!("executed: {}", task.commands.join("; "));
            let claim = |criterion: &String| Claim {
                criterion: criterion.clone(),
                met,
                evidence: evidence.clone(),
            };
            claims.extend(task.criteria.iter().map(claim));
        }
    }
    let verdict =
        script.judges.then_some(if findings.is_empty() { Verdict::Pass } else { Verdict::Revise });
    // A judge that looked at nothing has nothing to say: no report, so no pass.
    if script.judges && executed == 0 {
        writeln!(out, "no task carries a step for this stage, so nothing was judged")?;
        return Ok(0);
    }
    let summary = format!("{executed} steps executed, {} failed", findings.len());
    let report = match script.judges {
        true => report_file::write_with_claims(&summary, verdict, &findings, &claims),
        false => report_file::write_with_files(&summary, verdict, &findings, changed()),
    };
    std::fs::write(&script.report, report)?;
    Ok(0)
}

/// What is not committed where the steps were executed; nothing where there is no repository.
fn changed() -> Vec<String> {
    let standing = Repo::discover(Path::new(".")).ok().and_then(|repo| repo.standing().ok());
    let paths = standing.into_iter().flatten().take(FILES_MAX);
    paths
        .flat_map(|file| file.from.into_iter().chain([file.path]))
        .map(|path| path::spell(&path).0)
        .collect()
}

/// Executes one step with the user's own shell language. What it said, when it failed.
fn failure_of(
    command: &str,
    task: &str,
    out: &mut impl std::io::Write,
) -> anyhow::Result<Option<String>> {
    let finished = run(&Invocation {
        program: "sh".into(),
        args: vec!["-c".into(), command.into()],
        env_set: vec![("GIT_RUN_TASK".into(), task.into())],
        env_remove: Vec::new(),
        env_clear: false,
        cwd: None,
        stdin: Vec::new(),
        deadline: STEP_DEADLINE,
        stdout_bytes_max: OUTPUT_BYTES_MAX,
        group: Group::Ours,
    })?;
    out.write_all(&finished.stdout)?;
    out.write_all(&finished.stderr)?;
    out.flush()?;
    if finished.status.success() {
        return Ok(None);
    }
    let mut said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
    if said.is_empty() {
        said = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
    }
    if said.is_empty() {
        said = format!("it ended with {:?}", finished.status);
    }
    Ok(Some(said))
}

fn finding(task: &str, command: &str, said: &str) -> Finding {
    // The end of what a check says tells most.
    let last: Vec<_> = said.lines().rev().take(5).collect();
    let mut message = format!(
        "{task}: `{command}` failed: {}",
        last.into_iter().rev().collect::<Vec<_>>().join(" / ")
    );
    cut(&mut message, MESSAGE_BYTES_MAX);
    Finding {
        rule: "step-failed".to_owned(),
        severity: Severity::High,
        path: None,
        line: None,
        message,
    }
}
