//! What has to be known of every run at once, kept beside git's files by the tip of each journal: what
//! a tip says never changes, so this cannot be stale. Without it the journals are read again.

use std::{collections::HashMap, fs, io::Write as _, path::PathBuf};

use super::journal::Present;
use crate::{
    domain::id::{Digest, Oid, RunId},
    git::Repo,
};

/// So few journals are read faster than they are remembered.
const MISSED_MAX: usize = 16;
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const FORMAT: &str = "git-run glances 1";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glance {
    pub over: bool,
    /// The digests of the work tree's path, and of the clone that took it over.
    worktree: String,
    clone: Option<String>,
    pub branch: String,
}

impl Glance {
    pub(super) fn is_of(&self, worktree: &str, clone: Option<&str>) -> bool {
        let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
        self.worktree == digest(worktree)
            && (self.clone.is_none() || self.clone == clone.map(digest))
    }
}

/// One for each of these runs that can be read. `keep` allows to write down what had to be read.
pub(super) fn at(repo: &Repo, runs: Vec<(RunId, Oid)>, keep: bool) -> Vec<(RunId, Oid, Glance)> {
    let mut known = if MISSED_MAX < runs.len() { read(repo) } else { HashMap::new() };
    let mut missed = 0;
    let mut found = Vec::new();
    for (run, tip) in runs {
        let glance = known.remove(tip.as_str()).or_else(|| {
            missed += 1;
            look(repo, &tip)
        });
        found.extend(glance.map(|glance| (run, tip, glance)));
    }
    if keep && MISSED_MAX < missed {
        // Whoever cannot keep it reads the journals once more.
        let _ = write(repo, &found);
    }
    found
}

fn look(repo: &Repo, tip: &Oid) -> Option<Glance> {
    let run = Present::read(repo, tip).ok()?.run;
    let worktree = Digest::of(run.worktree().as_bytes()).to_string();
    let clone = run.home.as_ref().map(|home| Digest::of(home.clone.as_bytes()).to_string());
    Some(Glance { over: run.state.is_over(), worktree, clone, branch: run.charter.branch })
}

fn file(repo: &Repo) -> PathBuf {
    repo.common_dir().join("git-run").join("glances")
}

fn read(repo: &Repo) -> HashMap<String, Glance> {
    let path = file(repo);
    if fs::metadata(&path).map_or(true, |about| FILE_BYTES_MAX < about.len()) {
        return HashMap::new();
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(FORMAT) {
        return HashMap::new();
    }
    lines.filter_map(parse).collect()
}

/// `<tip> <over> <work tree> <clone> <branch>`; no name of a branch has a space.
fn parse(line: &str) -> Option<(String, Glance)> {
    let mut words = line.split(' ');
    let tip = words.next()?.to_owned();
    let over = match words.next()? {
        "over" => true,
        "open" => false,
        _ => return None,
    };
    let worktree = words.next()?.to_owned();
    let clone = words.next().filter(|clone| *clone != "-").map(str::to_owned);
    let glance = Glance { over, worktree, clone, branch: words.next()?.to_owned() };
    words.next().is_none().then_some((tip, glance))
}

fn write(repo: &Repo, all: &[(RunId, Oid, Glance)]) -> std::io::Result<()> {
    let path = file(repo);
    let directory = path.parent().unwrap_or(&path);
    fs::create_dir_all(directory)?;
    let mut text = format!("{FORMAT}\n");
    for (_, tip, glance) in all {
        let over = if glance.over { "over" } else { "open" };
        if !glance.branch.contains(char::is_whitespace) {
            let clone = glance.clone.as_deref().unwrap_or("-");
            let (worktree, branch) = (&glance.worktree, &glance.branch);
            text.push_str(&format!("{tip} {over} {worktree} {clone} {branch}\n"));
        }
    }
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_none_is_passed_over() {
        let line = "aa open 00 - feature/x";
        let (worktree, branch) = ("00".into(), "feature/x".into());
        let glance = Glance { over: false, worktree, clone: None, branch };
        assert_eq!(parse(line), Some(("aa".into(), glance)));
        for bad in ["", "aa", "aa maybe 00 - x", "aa open 00 -", "aa open 00 - x y"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
