//! Gates that are the user's own commands: the quality suite, tests, coverage and whatever has a name.

use super::examine::Examiner;
use crate::domain::{
    check::{
        Answer, Evidence, Judged,
        command::{Expect, judge},
        coverage, finding,
        name::Check,
        policy::{Command, Suite},
    },
    finding::{Finding, Severity},
    secret,
    tale::counted,
    time::Span,
};

/// Lines of a failed command that its finding quotes.
const LINES_SAID: usize = 5;
const VERSION_TIMEOUT: Span = Span::from_secs(20);

/// What one command came to.
pub(super) struct Done {
    pub(super) answer: Answer,
    pub(super) why: String,
    pub(super) findings: Vec<Finding>,
    pub(super) evidence: Option<Evidence>,
    last: String,
}

impl Examiner<'_> {
    /// Runs a line of shell, and looks whether the work tree is still what is judged.
    pub(super) fn run(
        &mut self,
        line: &str,
        timeout: Span,
        expect: Expect,
        versions: &[(String, String)],
    ) -> anyhow::Result<Done> {
        let unknown = |why: String| Done {
            answer: Answer::Unknown,
            why,
            findings: Vec::new(),
            evidence: None,
            last: String::new(),
        };
        let tree = &self.sight.subject.tree;
        let shows = |known: &&Evidence| known.shows(line, expect, tree, versions);
        if let Some(known) = self.case.known.iter().find(shows) {
            return Ok(Done {
                answer: Answer::Pass,
                why: format!("{} (known for this tree)", known.end.says()),
                findings: Vec::new(),
                last: known.tail.clone(),
                evidence: Some(Evidence { reused: true, ..known.clone() }),
            });
        }
        if let Some(why) = self.cannot_run() {
            return Ok(unknown(why));
        }
        let Some(top) = self.case.repo.worktree() else {
            return Ok(unknown("a bare repository has no work tree".to_owned()));
        };
        let ran = self.machine.run(line, top, timeout)?;
        let mut done = Done {
            answer: judge(ran.end, expect),
            why: ran.end.says(),
            findings: Vec::new(),
            evidence: Some(Evidence {
                command: secret::redact(line),
                end: ran.end,
                took: ran.took,
                output: ran.output.clone(),
                tail: ran.tail(),
                tree: self.sight.subject.tree.clone(),
                versions: versions.to_vec(),
                reused: false,
            }),
            last: ran.last.clone(),
        };
        if let Some(why) = self.moved(line)? {
            done.findings.push(finding("tree-changed", Severity::High, None, why.clone()));
            (done.answer, done.why) = (Answer::Unknown, why);
        } else if done.answer == Answer::Fail {
            done.findings.push(failed(line, &done.why, &ran.tail(), expect));
        }
        Ok(done)
    }

    /// Whether a command left another work tree behind than it found. Then nothing can be run here any more:
    /// it would be evidence of another tree.
    fn moved(&mut self, line: &str) -> anyhow::Result<Option<String>> {
        let subject = &self.sight.subject;
        let (head, tree) = self.sight.again()?;
        if head.as_ref() == Some(&subject.head) && tree == subject.tree {
            return Ok(None);
        }
        let why = format!("`{}` changed the work tree", secret::redact(line));
        self.spoiled = Some(why.clone());
        Ok(Some(why))
    }

    pub(super) fn quality(&mut self) -> anyhow::Result<Judged> {
        let suite = self.case.policy.quality.clone();
        if suite.is_empty() {
            return Ok(Judged::fail(
                "no command is set: git config --add run.gate.quality.command 'lint=<command>'",
            ));
        }
        let versions = self.versions(&[])?;
        let (mut findings, mut evidence) = (Vec::new(), Vec::new());
        let (mut passed, mut left, mut unknown) = (0, Vec::new(), None);
        for one in &suite {
            if let Some(missing) = self.missing(one) {
                let message = format!("`{}` was skipped: {missing}", one.id);
                findings.push(finding("skipped", Severity::Info, None, message.clone()));
                left.push(message);
                continue;
            }
            let timeout = self.case.policy.quality_timeout;
            let done = self.run(&one.command, timeout, Expect::Pass, &versions)?;
            passed += usize::from(done.answer == Answer::Pass);
            if done.answer == Answer::Unknown {
                unknown.get_or_insert(format!("`{}`: {}", one.id, done.why));
            }
            findings.extend(done.findings);
            evidence.extend(done.evidence);
        }
        let failed = findings.iter().filter(|finding| finding.rule == "command-failed").count();
        let judged = match (failed, unknown, passed) {
            (0, Some(why), _) => Judged::unknown(why),
            (0, None, 0) => Judged::fail(format!("every command was skipped: {}", left.join("; "))),
            (0, None, passed) if left.is_empty() => {
                Judged::pass(format!("{} succeeded", counted(passed, "command")))
            }
            (0, None, passed) => Judged::pass(format!(
                "{} succeeded, {} skipped",
                counted(passed, "command"),
                left.len()
            )),
            (failed, _, _) => Judged::fail(format!("{} failed", counted(failed, "command"))),
        };
        Ok(Judged { findings, evidence, ..judged })
    }

    /// What a command of the suite cannot be run without and is not there.
    fn missing(&self, one: &Suite) -> Option<String> {
        let variable = one.needs_env.iter().find(|name| !self.machine.has_variable(name));
        if let Some(variable) = variable {
            return Some(format!("`{variable}` is not set"));
        }
        let top = self.case.repo.worktree()?;
        let file = one.needs_files.iter().find(|file| !top.join(file).exists());
        file.map(|file| format!("`{file}` is not there"))
    }

    /// Tests, and the user's own gates.
    pub(super) fn command(&mut self, check: &Check) -> anyhow::Result<Judged> {
        let Some((command, expect)) = self.command_of(check) else { return Ok(no_command(check)) };
        let versions = self.versions(&command.versions)?;
        let done = self.run(&command.command, command.timeout, expect, &versions)?;
        let why = match (expect, done.answer) {
            (Expect::Fail, Answer::Pass) => format!("it fails, as it must: {}", done.why),
            (Expect::Fail, Answer::Fail) => "it passes, and has to fail".to_owned(),
            _ => done.why,
        };
        let judged = match done.answer {
            Answer::Pass => Judged::pass(why),
            Answer::Fail => Judged::fail(why),
            Answer::Unknown | Answer::Skipped => Judged::unknown(why),
        };
        Ok(Judged { findings: done.findings, ..judged }.with(done.evidence.into_iter().collect()))
    }

    pub(super) fn coverage(&mut self) -> anyhow::Result<Judged> {
        let check = Check::Coverage;
        let Some((command, _)) = self.command_of(&check) else { return Ok(no_command(&check)) };
        let versions = self.versions(&command.versions)?;
        let done = self.run(&command.command, command.timeout, Expect::Pass, &versions)?;
        let evidence: Vec<_> = done.evidence.into_iter().collect();
        let min = self.case.policy.coverage_min;
        let (judged, more) = match (done.answer, coverage::of(&done.last)) {
            (Answer::Pass, Some(is)) if min <= is => {
                (Judged::pass(format!("{} is covered", coverage::show(is))), None)
            }
            (Answer::Pass, Some(is)) => {
                let why =
                    format!("{} is covered, less than {}", coverage::show(is), coverage::show(min));
                (Judged::fail(why.clone()), Some(finding("coverage", Severity::High, None, why)))
            }
            (Answer::Pass, None) => (Judged::unknown("it printed no percentage"), None),
            (Answer::Fail, _) => (Judged::fail(done.why), None),
            (Answer::Unknown | Answer::Skipped, _) => (Judged::unknown(done.why), None),
        };
        let findings = done.findings.into_iter().chain(more).collect();
        Ok(Judged { findings, ..judged }.with(evidence))
    }

    fn command_of(&self, check: &Check) -> Option<(Command, Expect)> {
        let command = self.case.policy.commands.get(check.name())?.clone();
        let expect = self.case.expect.get(check.name()).copied().unwrap_or(command.expect);
        Some((command, expect))
    }

    /// Ours, and the first line of what each of the commands prints.
    pub(super) fn versions(
        &mut self,
        commands: &[String],
    ) -> anyhow::Result<Vec<(String, String)>> {
        let mut found = vec![("git-run".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
        for line in commands {
            if self.cannot_run().is_some() {
                break;
            }
            let Some(top) = self.case.repo.worktree() else { break };
            let ran = self.machine.run(line, top, VERSION_TIMEOUT)?;
            let said = match judge(ran.end, Expect::Pass) {
                Answer::Pass => ran.tail().lines().next().unwrap_or_default().to_owned(),
                _ => ran.end.says(),
            };
            found.push((line.clone(), said));
        }
        Ok(found)
    }
}

fn no_command(check: &Check) -> Judged {
    Judged::fail(format!("no command is set: git config run.gate.{check}.command '<command>'"))
}

/// The end of what a check says tells most.
fn failed(line: &str, why: &str, tail: &str, expect: Expect) -> Finding {
    let line = secret::redact(line);
    let message = match expect {
        Expect::Fail => format!("`{line}` passes, and has to fail"),
        Expect::Pass => {
            let lines: Vec<_> = tail.lines().filter(|line| !line.trim().is_empty()).collect();
            let last = &lines[lines.len().saturating_sub(LINES_SAID)..];
            let said =
                if last.is_empty() { String::new() } else { format!(": {}", last.join(" / ")) };
            format!("`{line}`: {why}{said}")
        }
    };
    finding("command-failed", Severity::High, None, message)
}
