//! The report that an agent writes: JSON, bounded, strict about what it means and lenient about the rest.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::domain::{
    claim::{CLAIMS_MAX, Claim},
    event::Usage,
    finding::{FINDINGS_MAX, Finding, MESSAGE_BYTES_MAX, Severity, cut},
    limits,
    outcome::Verdict,
    paper::PAPER_BYTES_MAX,
    time::Timestamp,
    workflow::PAPERS_MAX,
};

pub const REPORT_BYTES_MAX: u64 = 1024 * 1024;
pub const SUMMARY_BYTES_MAX: usize = 2000;
/// Assumptions of one report that are counted, and how long the name of their kind may be.
const GAPS_MAX: usize = 50;
const KIND_CHARS_MAX: usize = 60;
/// The kind of an assumption that names none.
const UNNAMED: &str = "unnamed";
const GAP_LEVELS: [&str; 3] = ["L0", "L1", "L2"];

/// What was found at the path where the report should be.
#[derive(Debug, Clone)]
pub enum Handed {
    Nothing,
    Unreadable(String),
    Report(Box<Report>),
}

#[derive(Debug, Clone, Default)]
pub struct Report {
    pub summary: String,
    pub verdict: Option<Verdict>,
    pub findings: Vec<Finding>,
    pub findings_dropped: u32,
    pub usage: Usage,
    pub retry_at: Option<Timestamp>,
    /// Papers by their names.
    pub papers: BTreeMap<String, String>,
    /// What only a person can decide.
    pub blocked: Option<String>,
    /// The kinds of what was assumed, once for each time.
    pub assumed: Vec<String>,
    /// What is said of each acceptance criterion.
    pub claims: Vec<Claim>,
    /// As it was handed in, for the artifact.
    pub text: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct ReportDoc {
    #[serde(default = "first_format")]
    format: u32,
    #[serde(default)]
    summary: String,
    verdict: Option<String>,
    #[serde(default)]
    findings: Vec<FindingDoc>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    usage: UsageDoc,
    cost: Option<serde_json::Number>,
    retry_at: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    papers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<GapDoc>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    criteria: Vec<CriterionDoc>,
}

/// What a judge says of an acceptance criterion, by its id or its words.
#[derive(Debug, Default, Serialize, Deserialize)]
struct CriterionDoc {
    criterion: String,
    met: bool,
    #[serde(default)]
    evidence: String,
}

/// What the plan left open: `L0` was mended in passing, `L1` was assumed, `L2` waits for a person.
#[derive(Debug, Default, Serialize, Deserialize)]
struct GapDoc {
    level: String,
    #[serde(default)]
    kind: String,
    text: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct FindingDoc {
    rule: String,
    severity: Option<String>,
    path: Option<String>,
    line: Option<u32>,
    message: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct UsageDoc {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
}

fn first_format() -> u32 {
    1
}

#[must_use]
pub fn read(path: &Path) -> Handed {
    let mut text = Vec::new();
    match open(path).and_then(|file| file.take(REPORT_BYTES_MAX + 1).read_to_end(&mut text)) {
        Ok(0) => Handed::Nothing,
        Ok(_) if REPORT_BYTES_MAX < text.len() as u64 => {
            Handed::Unreadable(format!("the report is longer than {REPORT_BYTES_MAX} bytes"))
        }
        Ok(_) => match parse(&text) {
            Ok(report) => Handed::Report(Box::new(report)),
            Err(why) => Handed::Unreadable(format!("the report cannot be read: {why}")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Handed::Nothing,
        Err(error) => Handed::Unreadable(format!("the report cannot be read: {error}")),
    }
}

/// The paper in this file; nothing where there is none that can be read.
#[must_use]
pub fn paper(path: &Path) -> Option<String> {
    let mut text = Vec::new();
    let most = PAPER_BYTES_MAX as u64 + 1;
    open(path).and_then(|file| file.take(most).read_to_end(&mut text)).ok()?;
    if PAPER_BYTES_MAX < text.len() { None } else { String::from_utf8(text).ok() }
}

/// Only a plain file is a report. A link could show somebody else's file as the agent's own words,
/// and opening a pipe would wait for a writer that never comes.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file")) }
}

pub fn parse(text: &[u8]) -> Result<Report, String> {
    let doc: ReportDoc = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if doc.format != 1 {
        return Err(format!("it is of format {}, and this version knows 1", doc.format));
    }
    let verdict = doc.verdict.map(|word| Verdict::parse(&word).ok_or(word)).transpose();
    let verdict = verdict.map_err(|word| {
        format!("`verdict` is `{}`; it is one of pass, conditional, revise, fail", short(&word))
    })?;
    let dropped = doc.findings.len().saturating_sub(FINDINGS_MAX);
    let findings =
        doc.findings.into_iter().take(FINDINGS_MAX).map(finding).collect::<Result<_, _>>()?;
    let cost =
        doc.cost.map(|number| money(&number).ok_or("`cost` is no amount of money")).transpose()?;
    let retry_at = doc.retry_at.map(|text| {
        let at: Result<jiff::Timestamp, _> = text.parse();
        at.map(|at| Timestamp::from_millis(at.as_millisecond()))
            .map_err(|_| "`retry_at` is no RFC 3339 time")
    });
    let gap = doc.gaps.iter().find(|gap| !GAP_LEVELS.contains(&gap.level.as_str()));
    if let Some(gap) = gap {
        return Err(format!("a gap's `level` is `{}`; it is one of L0, L1, L2", short(&gap.level)));
    }
    if doc.papers.len() > PAPERS_MAX || doc.papers.values().any(|text| PAPER_BYTES_MAX < text.len())
    {
        return Err(format!("`papers` are at most {PAPERS_MAX}, of {PAPER_BYTES_MAX} bytes each"));
    }
    let assumed = doc.gaps.iter().filter(|gap| gap.level == "L1").take(GAPS_MAX).map(kind);
    let assumed = assumed.collect();
    let claims = doc.criteria.into_iter().take(CLAIMS_MAX).map(claim).collect();
    let blocked = doc.gaps.into_iter().find(|gap| gap.level == "L2").map(|gap| {
        let mut text = gap.text;
        cut(&mut text, MESSAGE_BYTES_MAX);
        text
    });
    let mut summary = doc.summary;
    cut(&mut summary, SUMMARY_BYTES_MAX);
    Ok(Report {
        summary,
        verdict,
        findings,
        findings_dropped: u32::try_from(dropped).unwrap_or(u32::MAX),
        usage: Usage {
            input_tokens: doc.usage.input_tokens,
            output_tokens: doc.usage.output_tokens,
            cost: cost.unwrap_or(0),
        },
        retry_at: retry_at.transpose()?,
        papers: doc.papers,
        blocked,
        assumed,
        claims,
        text: String::from_utf8_lossy(text).into_owned(),
    })
}

/// What an assumption is about, in one word as far as possible.
fn kind(gap: &GapDoc) -> String {
    let plain: String = gap.kind.chars().filter(|c| !c.is_control()).take(KIND_CHARS_MAX).collect();
    let plain = plain.trim().to_lowercase();
    if plain.is_empty() { UNNAMED.to_owned() } else { plain }
}

fn claim(doc: CriterionDoc) -> Claim {
    let CriterionDoc { mut criterion, met, mut evidence } = doc;
    cut(&mut criterion, MESSAGE_BYTES_MAX);
    cut(&mut evidence, MESSAGE_BYTES_MAX);
    Claim { criterion, met, evidence }
}

fn finding(doc: FindingDoc) -> Result<Finding, String> {
    let word = doc.severity.unwrap_or_else(|| "medium".to_owned());
    let severity = Severity::parse(&word).ok_or_else(|| {
        format!(
            "a finding's `severity` is `{}`; it is one of info, low, medium, high, critical",
            short(&word)
        )
    })?;
    Ok(Finding { rule: doc.rule, severity, path: doc.path, line: doc.line, message: doc.message }
        .bounded())
}

/// `0.0123` in millionths; a number with an exponent goes through its decimal form.
fn money(number: &serde_json::Number) -> Option<u64> {
    limits::micros(&number.to_string()).or_else(|| {
        let value = number.as_f64().filter(|value| (0.0..1e12).contains(value))?;
        limits::micros(&format!("{value:.6}"))
    })
}

fn short(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_debug).collect()
}

/// The same, with what it says of each criterion.
#[must_use]
pub fn write_with_claims(
    summary: &str,
    verdict: Option<Verdict>,
    findings: &[Finding],
    claims: &[Claim],
) -> String {
    let mut doc = report_doc(summary, verdict, findings);
    doc.criteria = claims
        .iter()
        .map(|claim| CriterionDoc {
            criterion: claim.criterion.clone(),
            met: claim.met,
            evidence: claim.evidence.clone(),
        })
        .collect();
    serde_json::to_string_pretty(&doc).unwrap_or_default()
}

/// A report as the `steps` agent hands it in.
#[must_use]
pub fn write(summary: &str, verdict: Option<Verdict>, findings: &[Finding]) -> String {
    write_with_files(summary, verdict, findings, Vec::new())
}

/// The same, with the files that were changed.
#[must_use]
pub fn write_with_files(
    summary: &str,
    verdict: Option<Verdict>,
    findings: &[Finding],
    files: Vec<String>,
) -> String {
    let doc = ReportDoc { files, ..report_doc(summary, verdict, findings) };
    serde_json::to_string_pretty(&doc).unwrap_or_default()
}

fn report_doc(summary: &str, verdict: Option<Verdict>, findings: &[Finding]) -> ReportDoc {
    ReportDoc {
        format: 1,
        summary: summary.to_owned(),
        verdict: verdict.map(|verdict| verdict.word().to_owned()),
        findings: findings
            .iter()
            .map(|finding| FindingDoc {
                rule: finding.rule.clone(),
                severity: Some(finding.severity.word().to_owned()),
                path: finding.path.clone(),
                line: finding.line,
                message: finding.message.clone(),
            })
            .collect(),
        ..ReportDoc::default()
    }
}

/// The JSON Schema of a report, as `git run schema report` prints it.
pub const SCHEMA: &str = include_str!("../../assets/report.schema.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_it_says_and_nothing_is_guessed() {
        let report = parse(
            br#"{"summary":"s","verdict":"revise","findings":[{"rule":"r","message":"m","line":3}],
                 "usage":{"input_tokens":5,"output_tokens":7},"cost":0.0123,"new_field":{"x":1}}"#,
        )
        .unwrap();
        assert_eq!(report.verdict, Some(Verdict::Revise));
        assert_eq!(report.findings[0].severity, Severity::Medium);
        assert_eq!(report.usage, Usage { input_tokens: 5, output_tokens: 7, cost: 12_300 });
        for bad in [
            "",
            "[]",
            "null",
            "\"pass\"",
            r#"{"verdict":"approved"}"#,
            r#"{"verdict":"Pass"}"#,
            r#"{"format":2,"verdict":"pass"}"#,
            r#"{"findings":[{"rule":"r"}]}"#,
            r#"{"findings":[{"rule":"r","message":"m","severity":"urgent"}]}"#,
            r#"{"verdict":"pass"} trailing"#,
            r#"{"cost":-1}"#,
            r#"{"retry_at":"soon"}"#,
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn findings_beyond_the_bound_are_counted_and_not_kept() {
        let one = r#"{"rule":"r","message":"m"}"#;
        let text = format!(
            r#"{{"verdict":"revise","findings":[{}]}}"#,
            vec![one; FINDINGS_MAX + 7].join(",")
        );
        let report = parse(text.as_bytes()).unwrap();
        assert_eq!((report.findings.len(), report.findings_dropped), (FINDINGS_MAX, 7));
    }

    #[test]
    fn what_the_steps_agent_writes_can_be_read() {
        let finding = Finding {
            rule: "r".into(),
            severity: Severity::Low,
            path: None,
            line: None,
            message: "m".into(),
        };
        let text = write("all fine", Some(Verdict::Pass), std::slice::from_ref(&finding));
        let report = parse(text.as_bytes()).unwrap();
        assert_eq!((report.verdict, report.findings), (Some(Verdict::Pass), vec![finding]));
    }
}
