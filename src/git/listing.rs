//! The commits of a range as a list for people, and how many files lie between two of them.

use super::{Repo, deletions::RANGE_COMMITS_MAX};
use crate::domain::id::{Oid, RunId};

/// More of them are counted and not listed.
const SUBJECTS_MAX: usize = 1000;

/// So many of the newest commits are asked whose work they are.
const NAMED_MAX: usize = 200;

impl Repo {
    /// The runs whose work the newest commits at HEAD say that they are, newest first.
    pub fn runs_named_at_head(&self) -> anyhow::Result<Vec<RunId>> {
        if self.head()?.commit.is_none() {
            return Ok(Vec::new());
        }
        let most = format!("--max-count={NAMED_MAX}");
        let format = "--format=%(trailers:key=Run,valueonly,separator=%x2c)";
        let words = ["log", "--no-show-signature", "--no-notes", &most, format, "HEAD", "--"];
        let out = self.git().output(&words)?;
        let text = String::from_utf8_lossy(&out).into_owned();
        let mut found = Vec::new();
        for run in text.split(['\n', ',']).filter_map(|word| RunId::parse(word.trim()).ok()) {
            if !found.contains(&run) {
                found.push(run);
            }
        }
        Ok(found)
    }

    /// The commits of `from..to` along first parents, oldest first, each with its subject, and how
    /// many more there are. What a merge brought in is not the range's own.
    pub fn subjects_between(
        &self,
        from: &Oid,
        to: &Oid,
    ) -> anyhow::Result<(Vec<(Oid, String)>, u64)> {
        let range = format!("{from}..{to}");
        let listed = format!("--max-count={SUBJECTS_MAX}");
        let words = ["-c", "log.showSignature=false", "log", "-z", "--first-parent", "--no-notes"];
        let rest = ["--no-color", "--encoding=UTF-8", "--format=%H %s", &listed, &range, "--"];
        let out = self.git().output(&[&words[..], &rest].concat())?;
        let text = String::from_utf8_lossy(&out).into_owned();
        let mut found: Vec<_> = text
            .split('\0')
            .filter_map(|line| {
                let (id, subject) = line.split_once(' ').unwrap_or((line, ""));
                Some((Oid::parse(id).ok()?, subject.to_owned()))
            })
            .collect();
        found.reverse();
        let most = format!("--max-count={RANGE_COMMITS_MAX}");
        let count = self.git().output(&["rev-list", "--first-parent", "--count", &most, &range])?;
        let count: u64 = String::from_utf8_lossy(&count).trim().parse()?;
        let unseen = count.saturating_sub(found.len() as u64);
        Ok((found, unseen))
    }

    /// How many paths differ.
    pub fn files_changed(&self, from: &Oid, to: &Oid) -> anyhow::Result<usize> {
        let words = ["diff-tree", "-r", "-z", "--name-only", "--no-renames"];
        let out = self.git().output(&[&words[..], &[from.as_str(), to.as_str()]].concat())?;
        Ok(out.iter().filter(|byte| **byte == 0).count())
    }
}
