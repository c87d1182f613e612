//! The verifications of each acceptance criterion, one by one. Files are looked at in the tree that is
//! judged: a link leads nowhere, and what git ignores is not there.

use super::examine::Examiner;
use crate::domain::{
    check::{
        Answer, Evidence, Judged,
        adherence::{self, Seen, Verified},
        command::Expect,
    },
    criterion::{FilePath, Pattern, Verification},
};

const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Of a regular file, executable or not.
const FILES: [u32; 2] = [0o100_644, 0o100_755];

impl Examiner<'_> {
    pub(super) fn adherence(&mut self) -> anyhow::Result<Judged> {
        let plan = match &self.case.plan {
            Ok(plan) => plan.clone(),
            Err(why) => return Ok(Judged::fail(why.clone())),
        };
        let (mut criteria, mut evidence) = (Vec::new(), Vec::new());
        for task in self.case.tasks(&plan) {
            for criterion in &task.acceptance {
                let mut seen = Vec::new();
                for verification in &criterion.verifications {
                    seen.push(self.verified(verification, &mut evidence)?);
                }
                criteria.push(Verified {
                    task: task.id.to_string(),
                    statement: criterion.statement.clone(),
                    severity: criterion.severity,
                    seen,
                });
            }
        }
        Ok(adherence::judge(&criteria, self.case.policy.strict).with(evidence))
    }

    fn verified(
        &mut self,
        of: &Verification,
        evidence: &mut Vec<Evidence>,
    ) -> anyhow::Result<Seen> {
        let (answer, why) = match of {
            Verification::File { path } => self.file(path)?,
            Verification::Grep { path, pattern } => self.grep(path, pattern)?,
            Verification::Command { command, must_succeed, timeout } => {
                let timeout = timeout.unwrap_or(self.case.policy.verify_timeout);
                let expect = if *must_succeed { Expect::Pass } else { Expect::Fail };
                let versions = self.versions(&[])?;
                let done = self.run(command, timeout, expect, &versions)?;
                evidence.extend(done.evidence);
                (done.answer, done.why)
            }
            Verification::Lsp { skip, .. } => (Answer::Skipped, skip.clone()),
        };
        Ok(Seen { answer, what: of.to_string(), why })
    }

    fn file(&self, path: &FilePath) -> anyhow::Result<(Answer, String)> {
        let there = self.sight.file(path.as_str().as_bytes())?;
        Ok(match there {
            Some(file) if FILES.contains(&file.mode) => (Answer::Pass, String::new()),
            Some(_) => (Answer::Fail, "it is no regular file".to_owned()),
            None => (Answer::Fail, "it is not there, or git ignores it".to_owned()),
        })
    }

    fn grep(&self, path: &FilePath, pattern: &Pattern) -> anyhow::Result<(Answer, String)> {
        let there = self.sight.file(path.as_str().as_bytes())?;
        let Some(file) = there.filter(|file| FILES.contains(&file.mode)) else {
            return Ok((Answer::Fail, "the file is not there, or is no regular one".to_owned()));
        };
        let content = match self.sight.looked().blob(&file.id, FILE_BYTES_MAX) {
            Ok(content) => content,
            Err(error) => return Ok((Answer::Unknown, format!("{error:#}"))),
        };
        if pattern.is_in(&String::from_utf8_lossy(&content)) {
            return Ok((Answer::Pass, String::new()));
        }
        Ok((Answer::Fail, "nothing matches".to_owned()))
    }
}
