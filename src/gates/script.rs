//! Gates as a process of their own: what the engine asks for goes in as a file, and what came of it comes
//! out as an agent's report, with the whole of it beside.
//!
//! Everything that decides is in the script or in the run's journal. Of the work tree only the facts count.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::{
    examine::{Case, Examiner, Machine},
    known,
};
use crate::{
    agents::report_file,
    config::plan_file,
    domain::{
        check::{
            Report,
            command::{End, Expect},
            finding,
            name::Check,
            policy::{Command, Policy, Suite},
        },
        finding::{FINDINGS_MAX, Finding, Severity},
        id::{Oid, RunId},
        outcome::Verdict,
        plan::Plan,
        run::Run,
        tale::counted,
        time::Span,
    },
    git::Repo,
    process::{env, stop::StopSignal},
    report::gate,
    store::{catalog, history, layout},
};

const FROZEN_BYTES_MAX: u64 = 16 * 1024 * 1024;
const SCRIPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What ends a process by request.
const EXIT_STOPPED: u8 = 130;

/// What is to be evaluated, as whoever knows the run says it.
#[derive(Debug)]
pub struct Asked<'a> {
    pub run: &'a RunId,
    /// Where the run's range begins.
    pub from: &'a Oid,
    /// Parts of it that are others' work, oldest first.
    pub asides: &'a [(Oid, Oid)],
    pub gates: &'a [Check],
    /// Sprints and tasks; none means the whole plan.
    pub items: &'a [String],
    /// What is asked of a command here, whatever is set: tests that must fail.
    pub expect: &'a BTreeMap<String, Expect>,
    /// As it was frozen, or as it was read before any agent could write it.
    pub policy: &'a Policy,
    /// It was gated before, and the range holds what was done since.
    pub again: bool,
    /// A judge verified each criterion with evidence, for this very tree.
    pub verified: bool,
    /// What earlier stages handed in, by its name.
    pub papers: &'a BTreeMap<String, String>,
    /// Where the agent's report goes; the gates' own stands beside it, see [`beside`].
    pub report: &'a Path,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Script {
    run: String,
    from: String,
    #[serde(default)]
    asides: Vec<(String, String)>,
    gates: Vec<String>,
    items: Vec<String>,
    expect: BTreeMap<String, String>,
    policy: PolicyDoc,
    papers: BTreeMap<String, String>,
    #[serde(default)]
    again: bool,
    #[serde(default)]
    verified: bool,
    report: PathBuf,
}

#[must_use]
pub fn script(asked: &Asked<'_>) -> Script {
    let expect = asked.expect.iter().map(|(name, expect)| (name.clone(), expect.word().to_owned()));
    Script {
        run: asked.run.to_string(),
        from: asked.from.to_string(),
        asides: asked
            .asides
            .iter()
            .map(|(one, other)| (one.to_string(), other.to_string()))
            .collect(),
        gates: asked.gates.iter().map(|gate| gate.name().to_owned()).collect(),
        items: asked.items.to_vec(),
        expect: expect.collect(),
        policy: PolicyDoc::of(asked.policy),
        papers: asked.papers.clone(),
        again: asked.again,
        verified: asked.verified,
        report: asked.report.to_owned(),
    }
}

impl Script {
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Where the whole of what the gates said stands, for a report at this path.
#[must_use]
pub fn beside(report: &Path) -> PathBuf {
    report.with_file_name("gates.json")
}

/// The `main` of the process. Its exit code is the process's; a report is there only where it is 0.
pub fn execute(file: &Path, out: &mut impl std::io::Write) -> anyhow::Result<u8> {
    let size =
        std::fs::metadata(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    ensure!(size.len() <= SCRIPT_BYTES_MAX, "the script is longer than {SCRIPT_BYTES_MAX} bytes");
    let text = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let script: Script = serde_json::from_slice(&text).context("the script cannot be read")?;
    let (repo, checks) = (Repo::discover(Path::new("."))?, checks(&script)?);
    let stop = StopSignal::install(Box::new(|| None)).context("cannot listen to signals")?;
    let machine = Machine::new(env::vars(), stop)?;
    let mut examiner = Examiner::new(case(&script, &repo)?, machine)?;
    let reports = examiner.all(&checks, &mut |report| {
        // Nobody looking on is no reason to stop.
        let _ = out.write_all(gate::text(report).as_bytes()).and_then(|()| out.flush());
        true
    });
    let stopped = |report: &Report| report.evidence.iter().any(|piece| piece.end == End::Stopped);
    if reports.iter().any(stopped) {
        return Ok(EXIT_STOPPED);
    }
    let (summary, verdict, findings) = told(&reports);
    let whole = beside(&script.report);
    let set = gate::set_json(&reports).to_string();
    std::fs::write(&whole, set).with_context(|| format!("cannot write `{}`", whole.display()))?;
    let report = report_file::write(&summary, Some(verdict), &findings);
    std::fs::write(&script.report, report)
        .with_context(|| format!("cannot write `{}`", script.report.display()))?;
    Ok(0)
}

fn checks(script: &Script) -> anyhow::Result<Vec<Check>> {
    ensure!(!script.gates.is_empty(), "the script names no gate");
    let parse = |name: &String| {
        Check::parse(name).with_context(|| format!("`{}` is no gate", name.escape_debug()))
    };
    script.gates.iter().map(parse).collect()
}

fn case<'r>(script: &Script, repo: &'r Repo) -> anyhow::Result<Case<'r>> {
    let run = RunId::parse(&script.run)?;
    let tip = repo.refs().read(&layout::journal(&run))?.context("the run has no journal here")?;
    let expect = |(name, word): (&String, &String)| -> anyhow::Result<_> {
        let expect = Expect::parse(word).with_context(|| format!("`{word}` is no expectation"))?;
        Ok((name.clone(), expect))
    };
    let present = catalog::present(repo, &run, &tip)?;
    let aside = |(one, other): &(String, String)| -> anyhow::Result<_> {
        Ok((Oid::parse(one)?, Oid::parse(other)?))
    };
    Ok(Case {
        repo,
        plan: Ok(frozen_plan(repo, &present, &tip)?),
        policy: script.policy.policy()?,
        run: Some(run),
        items: script.items.clone(),
        from: Oid::parse(&script.from)?,
        asides: script.asides.iter().map(aside).collect::<Result<_, _>>()?,
        tip: None,
        expect: script.expect.iter().map(expect).collect::<Result<_, _>>()?,
        papers: script.papers.clone(),
        again: script.again,
        verified: script.verified,
        // What cannot be read is run again.
        known: known::evidence(repo, &present, &tip).unwrap_or_default(),
    })
}

/// The plan that counts for the run: as it was when it began, or as a person took it over since.
pub fn frozen_plan(repo: &Repo, run: &Run, tip: &Oid) -> anyhow::Result<Plan> {
    let text = history::read_file_at(repo, tip, run.plan_path(), FROZEN_BYTES_MAX)?;
    let text = String::from_utf8(text.context("the journal has no plan")?)
        .context("the frozen plan is not UTF-8")?;
    plan_file::read("plan.json", &text).map_err(|faults| {
        let what = faults.first().map(|fault| fault.what.clone()).unwrap_or_default();
        anyhow::anyhow!("the frozen plan cannot be read: {what}")
    })
}

/// What an agent would report.
fn told(reports: &[Report]) -> (String, Verdict, Vec<Finding>) {
    let open: Vec<_> = reports.iter().filter(|report| !report.answer.lets_through()).collect();
    let mut findings = Vec::new();
    for report in &open {
        // The verdict over all the others says nothing that they do not.
        if report.gate == Check::Compliance.name() && 1 < open.len() {
            continue;
        }
        let own = report.findings.iter().filter(|finding| finding.severity.blocks());
        let before = findings.len();
        findings.extend(
            own.cloned().map(|of| Finding { rule: format!("{}/{}", report.gate, of.rule), ..of }),
        );
        if findings.len() == before {
            let message =
                format!("gate `{}`: {}: {}", report.gate, report.answer.word(), report.why);
            findings.push(finding(&format!("gate/{}", report.gate), Severity::High, None, message));
        }
    }
    findings.truncate(FINDINGS_MAX);
    let findings = findings.into_iter().map(Finding::bounded).collect();
    let approved = open.is_empty() && gate::worst(reports) == crate::domain::check::Answer::Pass;
    let names: Vec<_> = open.iter().map(|report| report.gate.as_str()).collect();
    let summary = match open.len() {
        0 => format!("{} evaluated, all of them passed", counted(reports.len(), "gate")),
        _ => format!(
            "{} evaluated; not passed: {}",
            counted(reports.len(), "gate"),
            names.join(", ")
        ),
    };
    (summary, if approved { Verdict::Pass } else { Verdict::Revise }, findings)
}

/// [`Policy`] as it is handed over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDoc {
    protected: Vec<String>,
    files_max: Option<u32>,
    lines_max: Option<u32>,
    strict: bool,
    verify_timeout_ms: u64,
    docs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    docs_registry: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    secrets_allowed: Vec<String>,
    coverage_min: u32,
    quality: Vec<SuiteDoc>,
    quality_timeout_ms: u64,
    commands: BTreeMap<String, CommandDoc>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteDoc {
    id: String,
    command: String,
    needs_env: Vec<String>,
    needs_files: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandDoc {
    command: String,
    timeout_ms: u64,
    expect: String,
    versions: Vec<String>,
}

impl PolicyDoc {
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let suite = |one: &Suite| SuiteDoc {
            id: one.id.clone(),
            command: one.command.clone(),
            needs_env: one.needs_env.clone(),
            needs_files: one.needs_files.clone(),
        };
        let command = |one: &Command| CommandDoc {
            command: one.command.clone(),
            timeout_ms: one.timeout.millis(),
            expect: one.expect.word().to_owned(),
            versions: one.versions.clone(),
        };
        Self {
            protected: policy.protected.clone(),
            files_max: policy.files_max,
            lines_max: policy.lines_max,
            strict: policy.strict,
            verify_timeout_ms: policy.verify_timeout.millis(),
            docs: policy.docs.clone(),
            docs_registry: policy.docs_registry.clone(),
            secrets_allowed: policy.secrets_allowed.clone(),
            coverage_min: policy.coverage_min,
            quality: policy.quality.iter().map(suite).collect(),
            quality_timeout_ms: policy.quality_timeout.millis(),
            commands: policy
                .commands
                .iter()
                .map(|(name, one)| (name.clone(), command(one)))
                .collect(),
        }
    }

    pub fn policy(&self) -> anyhow::Result<Policy> {
        let suite = |one: &SuiteDoc| Suite {
            id: one.id.clone(),
            command: one.command.clone(),
            needs_env: one.needs_env.clone(),
            needs_files: one.needs_files.clone(),
        };
        let command = |(name, one): (&String, &CommandDoc)| -> anyhow::Result<_> {
            let expect = Expect::parse(&one.expect).context("a command has an odd expectation")?;
            let (command, versions) = (one.command.clone(), one.versions.clone());
            let timeout = Span::from_millis(one.timeout_ms);
            Ok((name.clone(), Command { command, timeout, expect, versions }))
        };
        Ok(Policy {
            protected: self.protected.clone(),
            files_max: self.files_max,
            lines_max: self.lines_max,
            strict: self.strict,
            verify_timeout: Span::from_millis(self.verify_timeout_ms),
            docs: self.docs.clone(),
            docs_registry: self.docs_registry.clone(),
            secrets_allowed: self.secrets_allowed.clone(),
            coverage_min: self.coverage_min,
            quality: self.quality.iter().map(suite).collect(),
            quality_timeout: Span::from_millis(self.quality_timeout_ms),
            commands: self.commands.iter().map(command).collect::<Result<_, _>>()?,
        })
    }
}
