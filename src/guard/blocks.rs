//! The log of the wrapper that `git run ice <verb>` stands in for: one line of JSON for each block, where
//! that wrapper's directory is. It is nobody's evidence, and never followed to another place.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _};

use rustix::fs::OFlags;

use crate::git::Repo;

const DIRECTORY: &str = ".run";
const FILE: &str = "ice.log";
/// A log that is longer is not added to, and neither is what goes on for longer.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
const TARGET_BYTES_MAX: usize = 2000;

/// Notes a block. That it cannot be noted changes nothing about it.
pub fn note(repo: &Repo, timestamp: &str, operation: &str, target: &str) {
    let Some(directory) = repo.worktree().map(|top| top.join(DIRECTORY)) else { return };
    let is_there = directory.symlink_metadata().is_ok_and(|about| about.is_dir());
    if !is_there || repo.may_write().is_err() {
        return;
    }
    let mut target = target.to_owned();
    crate::domain::finding::cut(&mut target, TARGET_BYTES_MAX);
    let line = serde_json::json!({
        "timestamp": timestamp,
        "event": "ice_block",
        "operation": operation,
        "target": target,
    });
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(directory.join(FILE));
    let is_short = |file: &std::fs::File| {
        file.metadata().is_ok_and(|about| about.is_file() && about.len() < LOG_BYTES_MAX)
    };
    if let Some(mut file) = opened.ok().filter(is_short) {
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}
