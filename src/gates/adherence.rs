//! The verifications of each acceptance criterion.

use super::examine::Examiner;
use crate::domain::{
    check::{Judged, finding},
    finding::Severity,
};

impl Examiner<'_> {
    pub(super) fn adherence(&mut self) -> anyhow::Result<Judged> {
        let plan = match &self.case.plan {
            Ok(plan) => plan,
            Err(why) => return Ok(Judged::fail(why.clone())),
        };
        let severity = if self.case.policy.strict { Severity::Medium } else { Severity::Info };
        let mut findings = Vec::new();
        for task in self.case.tasks(plan) {
            for criterion in &task.acceptance {
                let message =
                    format!("`{}`: nothing verifies \u{201c}{criterion}\u{201d}", task.id);
                findings.push(finding("not-verified", severity, None, message));
            }
        }
        Ok(Judged { findings, ..Judged::fail("no criterion of the plan has a verification") })
    }
}
