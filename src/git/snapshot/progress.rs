//! A merge, a rebase and the like that git is in the middle of: the files that say so.

use std::{fs, path::Path};

use anyhow::Context as _;

use super::super::{Repo, bulk::Bulk};
use crate::domain::checkpoint::Progress;

/// The file or directory that shows it, and its word.
const SIGNS: [(&str, &str); 7] = [
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("BISECT_LOG", "bisect"),
];
/// Everything that belongs to them.
const FILES: [&str; 20] = [
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "MERGE_AUTOSTASH",
    "SQUASH_MSG",
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "BISECT_LOG",
    "BISECT_START",
    "BISECT_TERMS",
    "BISECT_NAMES",
    "BISECT_EXPECTED_REV",
    "BISECT_ANCESTORS_OK",
    "BISECT_HEAD",
    "BISECT_RUN",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
];
const FILE_BYTES_MAX: u64 = 1024 * 1024;
const FILES_MAX: usize = 10_000;

pub(super) fn kinds(repo: &Repo) -> Vec<&'static str> {
    let mut kinds: Vec<&'static str> = Vec::new();
    for (file, kind) in SIGNS {
        let already = kind == "rebase" && kinds.contains(&"am");
        if !already && !kinds.contains(&kind) && repo.git_dir().join(file).exists() {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() && repo.git_dir().join("sequencer").exists() {
        kinds.push("cherry-pick");
    }
    kinds
}

pub(super) fn read(repo: &Repo, bulk: &mut Bulk<'_>) -> anyhow::Result<Progress> {
    let kinds = kinds(repo);
    if kinds.is_empty() {
        return Ok(Progress::default());
    }
    let mut progress =
        Progress { kinds: kinds.into_iter().map(str::to_owned).collect(), files: Vec::new() };
    for name in FILES {
        collect(repo.git_dir(), name, &mut progress, bulk)?;
    }
    progress.files.sort();
    Ok(progress)
}

fn collect(
    git_dir: &Path,
    name: &str,
    progress: &mut Progress,
    bulk: &mut Bulk<'_>,
) -> anyhow::Result<()> {
    let path = git_dir.join(name);
    let Ok(about) = fs::symlink_metadata(&path) else { return Ok(()) };
    if about.is_dir() {
        for entry in fs::read_dir(&path).with_context(|| format!("`{}`", path.display()))? {
            let inner = entry?.file_name();
            let Some(inner) = inner.to_str() else { continue };
            collect(git_dir, &format!("{name}/{inner}"), progress, bulk)?;
        }
    } else if about.is_file() && about.len() <= FILE_BYTES_MAX && progress.files.len() < FILES_MAX {
        // git may end it in this very moment.
        let Ok(content) = fs::read(&path) else { return Ok(()) };
        progress.files.push((name.to_owned(), bulk.blob(content)?));
    }
    Ok(())
}
