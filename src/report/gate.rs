//! What gates came to: for people, as Markdown, and as JSON that can be read again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sanitise::{one_line, sanitise};
use crate::domain::{
    check::{Answer, Evidence, Report, Subject, command::End, compliance},
    finding::{Finding, Severity},
    id::{Digest, Oid},
    time::Span,
};

const FORMAT: u32 = 1;
/// Findings and lines of output that people are shown of one gate; JSON and Markdown have them all.
const FINDINGS_SHOWN_MAX: usize = 10;
const LINES_SHOWN_MAX: usize = 10;

#[derive(Debug, Serialize, Deserialize)]
struct ReportDoc {
    format: u32,
    schema: String,
    gate: String,
    result: String,
    why: String,
    tree: String,
    head: String,
    range: RangeDoc,
    definition: String,
    findings: Vec<FindingDoc>,
    findings_dropped: u32,
    evidence: Vec<EvidenceDoc>,
    evidence_dropped: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct RangeDoc {
    from: String,
    to: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct FindingDoc {
    rule: String,
    severity: String,
    path: Option<String>,
    line: Option<u32>,
    message: String,
    #[serde(default)]
    fingerprint: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct EvidenceDoc {
    command: String,
    /// `exited`, `signaled`, `timed-out`, `flooded`, `stopped` or `lost`.
    end: String,
    exit: Option<i32>,
    signal: Option<i32>,
    duration_ms: u64,
    output_digest: String,
    tail: String,
    tree: String,
    versions: BTreeMap<String, String>,
    #[serde(default)]
    reused: bool,
}

/// `git-run/gate/1`.
#[must_use]
pub fn json(report: &Report) -> Value {
    serde_json::to_value(doc(report)).unwrap_or_default()
}

fn doc(report: &Report) -> ReportDoc {
    ReportDoc {
        format: FORMAT,
        schema: "git-run/gate/1".to_owned(),
        gate: report.gate.clone(),
        result: report.answer.word().to_owned(),
        why: report.why.clone(),
        tree: report.subject.tree.to_string(),
        head: report.subject.head.to_string(),
        range: RangeDoc {
            from: report.subject.from.to_string(),
            to: report.subject.head.to_string(),
        },
        definition: report.definition.to_string(),
        findings: report.findings.iter().map(finding_doc).collect(),
        findings_dropped: report.findings_dropped,
        evidence: report.evidence.iter().map(evidence_doc).collect(),
        evidence_dropped: report.evidence_dropped,
    }
}

fn finding_doc(finding: &Finding) -> FindingDoc {
    FindingDoc {
        rule: finding.rule.clone(),
        severity: finding.severity.word().to_owned(),
        path: finding.path.clone(),
        line: finding.line,
        message: finding.message.clone(),
        fingerprint: finding.fingerprint().to_string(),
    }
}

fn evidence_doc(evidence: &Evidence) -> EvidenceDoc {
    let (end, exit, signal) = match evidence.end {
        End::Exited(code) => ("exited", Some(code), None),
        End::Signaled(signal) => ("signaled", None, Some(signal)),
        End::TimedOut => ("timed-out", None, None),
        End::Flooded => ("flooded", None, None),
        End::Stopped => ("stopped", None, None),
        End::Lost => ("lost", None, None),
    };
    EvidenceDoc {
        command: evidence.command.clone(),
        end: end.to_owned(),
        exit,
        signal,
        duration_ms: evidence.took.millis(),
        output_digest: evidence.output.to_string(),
        tail: evidence.tail.clone(),
        tree: evidence.tree.to_string(),
        versions: evidence.versions.iter().cloned().collect(),
        reused: evidence.reused,
    }
}

/// A report that was written by [`json`].
pub fn read(value: &Value) -> Result<Report, String> {
    let doc: ReportDoc =
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    if doc.format != FORMAT {
        return Err(format!("it is of format {}, and this version knows {FORMAT}", doc.format));
    }
    let oid = |text: &str| Oid::parse(text).map_err(|error| error.to_string());
    let digest = |text: &str| Digest::parse(text).map_err(|error| error.to_string());
    let finding = |doc: FindingDoc| -> Result<Finding, String> {
        let severity = Severity::parse(&doc.severity).ok_or("it has an odd severity")?;
        let FindingDoc { rule, path, line, message, .. } = doc;
        Ok(Finding { rule, severity, path, line, message })
    };
    let evidence = |doc: EvidenceDoc| -> Result<Evidence, String> {
        let end = match (doc.end.as_str(), doc.exit, doc.signal) {
            ("exited", Some(code), _) => End::Exited(code),
            ("signaled", _, Some(signal)) => End::Signaled(signal),
            ("timed-out", _, _) => End::TimedOut,
            ("flooded", _, _) => End::Flooded,
            ("stopped", _, _) => End::Stopped,
            _ => End::Lost,
        };
        Ok(Evidence {
            command: doc.command,
            end,
            took: Span::from_millis(doc.duration_ms),
            output: digest(&doc.output_digest)?,
            tail: doc.tail,
            tree: oid(&doc.tree)?,
            versions: doc.versions.into_iter().collect(),
            reused: doc.reused,
        })
    };
    Ok(Report {
        answer: Answer::parse(&doc.result).ok_or("it has an odd result")?,
        subject: Subject {
            from: oid(&doc.range.from)?,
            head: oid(&doc.head)?,
            tree: oid(&doc.tree)?,
        },
        definition: digest(&doc.definition)?,
        gate: doc.gate,
        why: doc.why,
        findings: doc.findings.into_iter().map(finding).collect::<Result<_, _>>()?,
        findings_dropped: doc.findings_dropped,
        evidence: doc.evidence.into_iter().map(evidence).collect::<Result<_, _>>()?,
        evidence_dropped: doc.evidence_dropped,
    })
}

/// `git-run/gates/1`: a whole set.
#[must_use]
pub fn set_json(reports: &[Report]) -> Value {
    json!({
        "schema": "git-run/gates/1",
        "format": FORMAT,
        "result": worst(reports).word(),
        "verdict": verdict(reports),
        "reports": reports.iter().map(json).collect::<Vec<_>>(),
    })
}

/// The reports of a set that was written by [`set_json`].
pub fn read_set(text: &[u8]) -> Result<Vec<Report>, String> {
    let set: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let reports = set.get("reports").and_then(Value::as_array).ok_or("it has no reports")?;
    reports.iter().map(read).collect()
}

/// What a set came to: one failure fails it, and nothing at all is no pass.
#[must_use]
pub fn worst(reports: &[Report]) -> Answer {
    let any = |answer| reports.iter().any(|report| report.answer == answer);
    match () {
        () if any(Answer::Fail) => Answer::Fail,
        () if any(Answer::Unknown) || !any(Answer::Pass) => Answer::Unknown,
        () => Answer::Pass,
    }
}

/// `APPROVE` or `REJECT`, where the set asked for it.
#[must_use]
pub fn verdict(reports: &[Report]) -> Option<&'static str> {
    let last = reports.iter().find(|report| report.gate == "compliance")?;
    Some(if last.answer == Answer::Pass { compliance::APPROVE } else { compliance::REJECT })
}

fn mark(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "✓",
        Answer::Fail => "✗",
        Answer::Skipped => "–",
        Answer::Unknown => "?",
    }
}

/// A line for the gate, and below it what it found and ran.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out =
        format!("{} {:<16} {}\n", mark(report.answer), report.gate, one_line(&report.why));
    for finding in report.findings.iter().take(FINDINGS_SHOWN_MAX) {
        out.push_str(&format!("    {}\n", one_line(&finding_line(finding))));
    }
    let hidden = report.findings.len().saturating_sub(FINDINGS_SHOWN_MAX);
    let hidden = hidden + usize::try_from(report.findings_dropped).unwrap_or(usize::MAX);
    if 0 < hidden {
        out.push_str(&format!("    … and {hidden} more\n"));
    }
    for evidence in &report.evidence {
        out.push_str(&format!("    $ {}\n", one_line(&evidence_line(evidence))));
        if report.answer.lets_through() {
            continue;
        }
        let lines: Vec<_> = evidence.tail.lines().collect();
        for line in &lines[lines.len().saturating_sub(LINES_SHOWN_MAX)..] {
            out.push_str(&format!("      {}\n", one_line(line)));
        }
    }
    out
}

fn finding_line(finding: &Finding) -> String {
    let place = match (&finding.path, finding.line) {
        (Some(path), Some(line)) => format!("{path}:{line}: "),
        (Some(path), None) => format!("{path}: "),
        (None, _) => String::new(),
    };
    format!("{} {}{}", finding.severity, place, finding.message)
}

fn evidence_line(evidence: &Evidence) -> String {
    format!("{}  ({}, {} ms)", evidence.command, evidence.end.says(), evidence.took.millis())
}

/// One gate as Markdown. Nothing of what strangers wrote can leave its place.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out =
        format!("## {} {}: {}\n\n", mark(report.answer), report.gate, report.answer.word());
    out.push_str(&format!("{}\n\n", escaped(&report.why)));
    let Subject { from, head, tree } = &report.subject;
    out.push_str(&format!(
        "Range `{}..{}`, tree `{}`.\n",
        from.short(),
        head.short(),
        tree.short()
    ));
    if !report.findings.is_empty() {
        out.push_str("\n| severity | where | what |\n| --- | --- | --- |\n");
    }
    for finding in &report.findings {
        let place = match (&finding.path, finding.line) {
            (Some(path), Some(line)) => format!("{path}:{line}"),
            (Some(path), None) => path.clone(),
            (None, _) => String::new(),
        };
        out.push_str(&format!(
            "| {} | {} | {} |\n",
            finding.severity,
            escaped(&place),
            escaped(&finding.message)
        ));
    }
    if 0 < report.findings_dropped {
        out.push_str(&format!("\nAnd {} more.\n", report.findings_dropped));
    }
    for evidence in &report.evidence {
        out.push_str(&format!("\n{}\n\n", escaped(&evidence_line(evidence))));
        out.push_str(&format!("Output: SHA-256 `{}`.\n", evidence.output));
        if !evidence.tail.is_empty() {
            let tail = sanitise(&evidence.tail);
            let fence = fence_around(&tail);
            out.push_str(&format!("\n{fence}text\n{}\n{fence}\n", tail.trim_end()));
        }
    }
    out
}

/// The whole set, the verdict first.
#[must_use]
pub fn set_markdown(reports: &[Report]) -> String {
    let mut out = match verdict(reports) {
        Some(verdict) => format!("# Gates: {verdict}\n\n"),
        None => format!("# Gates: {}\n\n", worst(reports).word()),
    };
    for report in reports {
        let line = format!("{} {}: {}", mark(report.answer), report.gate, report.why);
        out.push_str(&format!("- {}\n", escaped(&line)));
    }
    for report in reports {
        out.push_str(&format!("\n{}", markdown(report)));
    }
    out
}

/// The set that [`set_json`] wrote, for people.
#[must_use]
pub fn set_page(text: &str) -> Option<String> {
    let set: Value = serde_json::from_str(text).ok()?;
    let reports = set["reports"].as_array()?.iter().map(read);
    Some(set_markdown(&reports.collect::<Result<Vec<_>, _>>().ok()?))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' | '&' | '@')
        {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Longer than any row of backticks inside.
fn fence_around(text: &str) -> String {
    let mut longest = 0;
    let mut row = 0;
    for c in text.chars() {
        row = if c == '`' { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::check::{Judged, finding};

    fn report() -> Report {
        let id = Oid::parse(&"a".repeat(40)).unwrap();
        let subject = Subject { from: id.clone(), head: id.clone(), tree: id.clone() };
        let evidence = Evidence {
            command: "x | y".to_owned(),
            end: End::Exited(3),
            took: Span::from_millis(7),
            output: Digest::of(b"x"),
            tail: "```\n# no title\n````\n\u{1b}[2J".to_owned(),
            tree: id,
            versions: vec![("git-run".to_owned(), "0".to_owned())],
            reused: true,
        };
        let found = finding("r", Severity::High, Some(b"a|\n\xff"), "m `x` <b>".to_owned());
        let judged =
            Judged { findings: vec![found], evidence: vec![evidence], ..Judged::fail("why\nnot") };
        Report::of("quality", subject, Digest::of(b"d"), judged)
    }

    #[test]
    fn what_is_written_as_json_is_read_as_it_was() {
        let report = report();
        assert_eq!(read(&json(&report)).unwrap(), report);
        let mut newer = json(&report);
        newer["format"] = 2.into();
        assert!(read(&newer).is_err());
        for key in ["result", "tree", "definition", "findings"] {
            let mut bad = json(&report);
            bad[key] = "x".into();
            assert!(read(&bad).is_err(), "{key}");
        }
    }

    #[test]
    fn nothing_that_strangers_wrote_leaves_its_place() {
        let text = markdown(&report());
        assert!(text.contains("| high | a\\| \u{fffd} | m \\`x\\` \\<b\\> |"), "{text}");
        assert!(text.contains("\n`````text\n"), "{text}");
        assert!(!text.contains('\u{1b}') && !super::text(&report()).contains('\u{1b}'));
    }

    #[test]
    fn nothing_and_what_was_only_skipped_is_no_pass() {
        let with = |answer| Report { answer, ..report() };
        for (answers, expected) in [
            (vec![], Answer::Unknown),
            (vec![Answer::Skipped], Answer::Unknown),
            (vec![Answer::Pass, Answer::Skipped], Answer::Pass),
            (vec![Answer::Pass, Answer::Unknown], Answer::Unknown),
            (vec![Answer::Unknown, Answer::Fail], Answer::Fail),
        ] {
            let reports: Vec<_> = answers.iter().map(|answer| with(*answer)).collect();
            assert_eq!(worst(&reports), expected, "{answers:?}");
        }
    }
}
