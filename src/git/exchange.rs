//! Asking a remote for names, fetching exactly some of them, and sending exactly some objects. By URL, by
//! full names and ids: what is configured for fetching and pushing has no say.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};

use super::Repo;
use crate::{
    domain::{event::RefMove, id::Oid},
    process::command::ExitStatus,
};

/// What checks are switched off for by configuration is switched on again.
const FSCK: [&str; 12] = [
    "fetch.fsckObjects=true",
    "fetch.fsck.skipList=/dev/null",
    "fetch.fsck.hasDot=error",
    "fetch.fsck.hasDotdot=error",
    "fetch.fsck.hasDotgit=error",
    "fetch.fsck.fullPathname=error",
    "fetch.fsck.nullSha1=error",
    "fetch.fsck.duplicateEntries=error",
    "fetch.fsck.treeNotSorted=error",
    "fetch.fsck.badTree=error",
    "fetch.fsck.missingTree=error",
    "transfer.bundleURI=false",
];
const SAID_BYTES_MAX: usize = 2000;

/// What became of one ref that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Moved,
    /// The ref is not where it was thought to be.
    Lost(String),
    Refused(String),
}

impl Repo {
    /// Lines of `git ls-remote --symref` for these names, which may be patterns.
    pub fn list_there(&self, url: &str, names: &[&str]) -> anyhow::Result<String> {
        let words = [&["ls-remote", "--symref", "--end-of-options", url], names].concat();
        let answer = self.git().network(&words)?;
        ensure!(
            answer.status.success(),
            "the remote cannot be asked: {}",
            said(&answer.stderr, answer.status)
        );
        // Names that are no text are nobody's.
        Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
    }

    /// Brings what these names lead to there. No ref is written: what came is to be looked at first.
    pub fn fetch_objects(&self, url: &str, names: &[String]) -> anyhow::Result<Result<(), String>> {
        let mut words: Vec<&str> = Vec::new();
        for setting in FSCK {
            words.extend(["-c", setting]);
        }
        words.extend([
            "-c",
            "gc.auto=0",
            "-c",
            "maintenance.auto=false",
            "-c",
            "fetch.writeCommitGraph=false",
            "-c",
            "fetch.recurseSubmodules=no",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-prune",
            "--no-auto-maintenance",
            "--no-write-commit-graph",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--refmap=",
            "--upload-pack=git-upload-pack",
            "--end-of-options",
            url,
        ]);
        words.extend(names.iter().map(String::as_str));
        let done = self.git().network(&words)?;
        Ok(if done.status.success() { Ok(()) } else { Err(said(&done.stderr, done.status)) })
    }

    /// Sends objects to refs that are where the caller saw them, all or nothing where `atomic` is asked
    /// for. The repository's hooks are asked.
    pub fn send_objects(
        &self,
        url: &str,
        moves: &[RefMove],
        atomic: bool,
    ) -> anyhow::Result<BTreeMap<String, Sent>> {
        let mut owned = Vec::new();
        for moved in moves {
            let old = moved.old.as_ref().map_or("", Oid::as_str);
            owned.push(format!("--force-with-lease={}:{old}", moved.name));
        }
        owned.push(if atomic { "--atomic" } else { "--no-atomic" }.to_owned());
        owned.push("--end-of-options".to_owned());
        owned.push(url.to_owned());
        for moved in moves {
            let new = moved.new.as_ref().context("nothing is deleted here")?;
            owned.push(format!("{new}:{}", moved.name));
        }
        let fixed = [
            "-c",
            "push.pushOption=",
            "push",
            "--porcelain",
            "--no-follow-tags",
            "--no-signed",
            "--recurse-submodules=no",
            "--receive-pack=git-receive-pack",
            "--verify",
        ];
        let words: Vec<&str> = fixed.into_iter().chain(owned.iter().map(String::as_str)).collect();
        let done = self.git().network(&words)?;
        let told = results(&String::from_utf8_lossy(&done.stdout));
        let why = said(&done.stderr, done.status);
        let each = moves.iter().map(|moved| {
            let sent = match told.get(&moved.name) {
                Some(sent) => sent.clone(),
                None if done.status.success() => Sent::Moved,
                None => Sent::Refused(why.clone()),
            };
            // The server says why beside the lines.
            let sent = match sent {
                Sent::Refused(short) if why.contains("remote: ") => {
                    Sent::Refused(format!("{short}: {}", of_remote(&why)))
                }
                other => other,
            };
            (moved.name.clone(), sent)
        });
        Ok(each.collect())
    }

    /// How many commits each of two has that the other one has not.
    pub fn apart(&self, one: &Oid, other: &Oid) -> anyhow::Result<(u64, u64)> {
        let range = format!("{one}...{other}");
        let out = self.git().output(&["rev-list", "--left-right", "--count", &range, "--"])?;
        let text = String::from_utf8_lossy(&out);
        let mut numbers = text.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(one)), Some(Ok(other))) => Ok((one, other)),
            _ => anyhow::bail!("git rev-list gave no numbers"),
        }
    }

    /// Every object that `new` leads to and none of `known`, with the path where it was met.
    pub fn objects_beyond(&self, new: &Oid, known: &[Oid]) -> anyhow::Result<Vec<(Oid, String)>> {
        let mut input = format!("{new}\n");
        known.iter().for_each(|known| input.push_str(&format!("^{known}\n")));
        let out = self.git().answer(&["rev-list", "--objects", "--stdin"], input.as_bytes())?;
        let text = String::from_utf8_lossy(&out).into_owned();
        text.lines()
            .map(|line| {
                let (id, path) = line.split_once(' ').unwrap_or((line, ""));
                Ok((Oid::parse(id)?, path.to_owned()))
            })
            .collect()
    }
}

/// `flag TAB from:to TAB summary (why)`, one line for each ref.
fn results(text: &str) -> BTreeMap<String, Sent> {
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let (Some(flag), Some(refs), Some(summary)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Some((_, to)) = refs.split_once(':') else { continue };
        let lost = ["stale info", "fetch first", "failed to update ref", "cannot lock ref"];
        let sent = match flag {
            "!" if lost.iter().any(|word| summary.contains(word)) => Sent::Lost(summary.to_owned()),
            "!" => Sent::Refused(summary.to_owned()),
            _ => Sent::Moved,
        };
        all.insert(to.to_owned(), sent);
    }
    all
}

fn of_remote(said: &str) -> String {
    let lines = said.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim);
    lines.collect::<Vec<_>>().join("; ")
}

fn said(stderr: &[u8], status: ExitStatus) -> String {
    let mut text = String::from_utf8_lossy(stderr).trim().to_owned();
    if text.is_empty() {
        text = format!("git ended with {status:?}");
    }
    crate::domain::finding::cut(&mut text, SAID_BYTES_MAX);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ref_of_a_push_has_its_own_answer() {
        let text = "To ../remote.git\n*\tabc:refs/run/a/journal\t[new reference]\n\
            !\tabc:refs/run/b/journal\t[rejected] (stale info)\n\
            !\tabc:refs/run/c/journal\t[remote rejected] (pre-receive hook declined)\nDone\n";
        let all = results(text);
        assert_eq!(all["refs/run/a/journal"], Sent::Moved);
        assert!(matches!(all["refs/run/b/journal"], Sent::Lost(_)));
        assert!(matches!(all["refs/run/c/journal"], Sent::Refused(_)));
        assert_eq!(all.len(), 3);
    }
}
