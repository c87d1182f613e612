//! Evaluates a set of gates over one range and one tree.

use std::collections::BTreeMap;

pub use super::machine::Machine;
use super::{artifacts, docs, papers, secrets, sight::Sight};
use crate::{
    domain::{
        check::{
            Evidence, Judged, Report, Subject, command::Expect, compliance, finding, name::Check,
            parallel, paths, policy::Policy,
        },
        criterion::Verification,
        finding::Severity,
        id::{Digest, Oid, RunId},
        plan::{Plan, Scope, Task},
        plan_spec::plan_digest,
        tale::counted,
    },
    git::Repo,
};

/// What is judged, and by what.
#[derive(Debug)]
pub struct Case<'a> {
    pub repo: &'a Repo,
    /// As it is frozen in the run's journal; else the repository's, or why there is none.
    pub plan: Result<Plan, String>,
    pub policy: Policy,
    pub run: Option<RunId>,
    /// Sprints and tasks; none means the whole plan.
    pub items: Vec<String>,
    /// Where the range begins.
    pub from: Oid,
    /// Parts of it that are others' work, oldest first: they are judged with theirs.
    pub asides: Vec<(Oid, Oid)>,
    /// Where it ends, when its branch is not checked out here.
    pub tip: Option<Oid>,
    /// What is asked of a command here, whatever is set.
    pub expect: BTreeMap<String, Expect>,
    /// Commands that were run before, out of the journal: what passed for this very tree is not run again.
    pub known: Vec<Evidence>,
    /// What earlier stages of the run handed in, by its name.
    pub papers: BTreeMap<String, String>,
    /// It was gated before, and the range holds what was done since.
    pub again: bool,
    /// A judge verified each criterion with evidence, for this very tree.
    pub verified: bool,
}

impl Case<'_> {
    /// The tasks of the items that are concerned.
    pub(super) fn tasks<'p>(&self, plan: &'p Plan) -> Vec<&'p Task> {
        let wanted = |name: &str| self.items.iter().any(|item| item == name);
        plan.tasks()
            .filter(|(sprint, task)| {
                self.items.is_empty() || wanted(sprint.id.as_str()) || wanted(task.id.as_str())
            })
            .map(|(_, task)| task)
            .collect()
    }

    /// Whether any of the gates runs something of the project's own.
    #[must_use]
    pub fn runs_commands(&self, checks: &[Check]) -> bool {
        let verifies = || {
            let tasks = self.plan.iter().flat_map(|plan| self.tasks(plan));
            let mut all = tasks.flat_map(|task| &task.acceptance).flat_map(|of| &of.verifications);
            all.any(|verification| matches!(verification, Verification::Command { .. }))
        };
        checks.iter().any(|check| match check {
            Check::Plan => verifies(),
            Check::Quality => !self.policy.quality.is_empty(),
            check => check.takes_command(),
        })
    }

    /// Everything beside the tree that decides about a gate.
    fn definition(&self, check: &Check) -> Digest {
        let plan = self.plan.as_ref().map(plan_digest);
        let Self { policy, items, expect, from, asides, papers, again, verified, .. } = self;
        let mut text = format!(
            "git-run gate 1 {check:?} {plan:?} {policy:?} {items:?} {expect:?} {from} {papers:?} {again} {verified}"
        );
        if !asides.is_empty() {
            text.push_str(&format!(" {asides:?}"));
        }
        Digest::of(text.as_bytes())
    }
}

#[derive(Debug)]
pub struct Examiner<'a> {
    pub(super) case: Case<'a>,
    pub(super) machine: Machine,
    pub(super) sight: Sight<'a>,
    /// Why no command can be run any more.
    pub(super) spoiled: Option<String>,
}

impl<'a> Examiner<'a> {
    pub fn new(case: Case<'a>, machine: Machine) -> anyhow::Result<Self> {
        let sight = Sight::of(case.repo, &case.from, case.tip.as_ref(), &case.asides)?;
        Ok(Self { case, machine, sight, spoiled: None })
    }

    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.sight.subject
    }

    /// One after the other. `each` hears of every report, and says whether to go on.
    pub fn all(&mut self, checks: &[Check], each: &mut dyn FnMut(&Report) -> bool) -> Vec<Report> {
        let mut reports: Vec<Report> = Vec::new();
        for check in checks {
            let judged = match check {
                Check::Compliance => {
                    let others = checks.iter().filter(|other| **other != Check::Compliance);
                    let others: Vec<&str> = others.map(Check::name).collect();
                    Ok(compliance::judge(&others, &reports, self.subject()))
                }
                check => self.judge(check),
            };
            // What stopped the look is what cannot be told.
            let judged = judged.unwrap_or_else(|error| Judged::unknown(format!("{error:#}")));
            let definition = self.case.definition(check);
            let report = Report::of(check.name(), self.subject().clone(), definition, judged);
            let goes_on = each(&report);
            reports.push(report);
            if !goes_on {
                break;
            }
        }
        reports
    }

    fn judge(&mut self, check: &Check) -> anyhow::Result<Judged> {
        match check {
            Check::ValidatePlan => Ok(self.validate_plan()),
            Check::TaskContexts => Ok(self.task_contexts()),
            Check::Secrets => secrets::judge(&self.sight, &self.case.policy.secrets_allowed),
            Check::Deletions => {
                let tasks = self.case.plan.as_ref().map(|plan| self.case.tasks(plan));
                Ok(paths::deletions(self.sight.changes()?, &scopes(&tasks.unwrap_or_default())))
            }
            Check::DiffSize => self.diff_size(),
            Check::ProtectedPaths => {
                Ok(paths::protected(self.sight.changes()?, &self.case.policy.protected))
            }
            Check::Scope if self.case.again && self.sight.changes()?.is_empty() => {
                Ok(Judged::skipped("nothing was changed since it passed"))
            }
            Check::Scope if self.says_nothing(|task| task.writes.is_empty()) => {
                Ok(Judged::skipped("the task does not say what it may write"))
            }
            Check::Scope => match &self.case.plan {
                Ok(plan) => {
                    Ok(paths::scope(self.sight.changes()?, &scopes(&self.case.tasks(plan))))
                }
                Err(why) => Ok(Judged::fail(why.clone())),
            },
            Check::Parallel => match &self.case.plan {
                Ok(plan) => {
                    let run = self.case.run.as_ref().map(RunId::as_str);
                    Ok(parallel::judge(plan, self.sight.commits()?, self.sight.changes()?, run))
                }
                Err(why) => Ok(Judged::fail(why.clone())),
            },
            Check::Plan
                if self.says_nothing(|task| {
                    task.acceptance.iter().all(|of| of.verifications.is_empty())
                }) =>
            {
                Ok(Judged::skipped(
                    "no criterion says how it is verified; a judge named the evidence of each",
                ))
            }
            Check::Plan => self.adherence(),
            Check::Artifacts => match &self.case.run {
                Some(run) => artifacts::judge(self.case.repo, &self.sight, run, &self.case.items),
                None => Ok(Judged::fail("there is no run, so there is no report to look at")),
            },
            Check::Docs => {
                docs::judge(&self.sight, &self.case.policy, self.case.plan.as_ref().ok())
            }
            Check::Quality => self.quality(),
            Check::Coverage => self.coverage(),
            Check::Tests | Check::Own(_) => self.command(check),
            Check::Eligibility => Ok(papers::eligibility(&self.case)),
            Check::Contract => Ok(papers::contract(&self.case)),
            Check::Compliance => Ok(Judged::unknown("it is judged after all of the others")),
        }
    }

    fn diff_size(&self) -> anyhow::Result<Judged> {
        let Policy { files_max, lines_max, .. } = self.case.policy;
        if files_max.is_none() && lines_max.is_none() {
            return Ok(Judged::skipped(
                "no bound is set: git config run.gate.diff-size.maxFiles 100",
            ));
        }
        let files = self.sight.changes()?.len();
        let lines = lines_max.map(|_| self.sight.lines()).transpose()?;
        Ok(paths::size(files, files_max, lines, lines_max))
    }

    fn validate_plan(&self) -> Judged {
        match &self.case.plan {
            Ok(plan) => Judged::pass(format!(
                "the plan is sound: {}",
                counted(plan.tasks().count(), "task")
            )),
            Err(why) => Judged::fail(why.clone()),
        }
    }

    fn task_contexts(&self) -> Judged {
        let plan = match &self.case.plan {
            Ok(plan) => plan,
            Err(why) => return Judged::fail(why.clone()),
        };
        let severity = if self.case.policy.strict { Severity::Medium } else { Severity::Info };
        let tasks = self.case.tasks(plan);
        let mut findings = Vec::new();
        for task in &tasks {
            for (missing, what) in [
                (task.writes.is_empty(), "does not say what it may write"),
                (task.acceptance.is_empty(), "does not say when it is done"),
            ] {
                if missing {
                    let message = format!("`{}` {what}", task.id);
                    findings.push(finding("thin-task", severity, None, message));
                }
            }
        }
        if tasks.is_empty() {
            return Judged::fail("no task is concerned");
        }
        Judged::by_findings(
            findings,
            |thin| format!("{} not said", counted(thin, "thing")),
            format!("{} looked at", counted(tasks.len(), "task")),
        )
    }

    /// Whether the plan says nothing to hold the tasks to, where a judge verified each criterion of them.
    fn says_nothing(&self, silent: impl Fn(&Task) -> bool) -> bool {
        let Ok(plan) = &self.case.plan else { return false };
        let tasks = self.case.tasks(plan);
        self.case.verified && !tasks.is_empty() && tasks.iter().all(|task| silent(task))
    }

    /// Why no command can be run here.
    pub(super) fn cannot_run(&self) -> Option<String> {
        if self.sight.is_here {
            return self.spoiled.clone();
        }
        Some("the branch that is judged is not checked out here, so nothing can be run".to_owned())
    }
}

fn scopes<'p>(tasks: &[&'p Task]) -> Vec<&'p Scope> {
    tasks.iter().flat_map(|task| &task.writes).collect()
}
