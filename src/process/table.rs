//! The process table as Linux shows it: who is whose child, in which session, since when.
//!
//! It only reads. Where there is no `/proc` it is empty, which proves nothing.

use std::{collections::HashMap, fs};

use rustix::process::Pid;

/// How much of one process's environment is looked at for a marker.
const ENVIRON_BYTES_MAX: usize = 1024 * 1024;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub pid: i32,
    pub parent: i32,
    pub session: i32,
    /// Clock ticks since the boot; together with the pid it names a process for good.
    pub start_time: u64,
    /// Dead, and only waiting for its parent to notice.
    pub zombie: bool,
}

impl Entry {
    #[must_use]
    pub fn raw_pid(&self) -> Option<Pid> {
        Pid::from_raw(self.pid)
    }
}

/// One process; `None` when there is none, or no table to look at.
#[must_use]
pub fn entry(pid: i32) -> Option<Entry> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Everything that runs and that we may see.
#[must_use]
pub fn all() -> Vec<Entry> {
    let Ok(dir) = fs::read_dir("/proc") else { return Vec::new() };
    dir.filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok()).filter_map(entry).collect()
}

/// The children of `root`, their children, and so on; not `root` itself.
#[must_use]
pub fn descendants(root: i32, all: &[Entry]) -> Vec<Entry> {
    let mut children: HashMap<i32, Vec<Entry>> = HashMap::new();
    for entry in all {
        children.entry(entry.parent).or_default().push(*entry);
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        // Taken out, so that a table that changed while it was read cannot lead in circles.
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// Whether `pid` was started with `marker` (`NAME=value`) in its environment.
#[must_use]
pub fn carries(pid: i32, marker: &[u8]) -> bool {
    let Ok(environ) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    environ[..environ.len().min(ENVIRON_BYTES_MAX)].split(|b| *b == 0).any(|var| var == marker)
}

/// `pid (name) state ppid pgrp session …`; the name may hold spaces and parentheses.
fn parse(stat: &[u8]) -> Option<Entry> {
    let name_starts = stat.iter().position(|b| *b == b'(')?;
    let name_ends = stat.iter().rposition(|b| *b == b')')?;
    let pid = std::str::from_utf8(&stat[..name_starts]).ok()?.trim().parse().ok()?;
    let rest = std::str::from_utf8(stat.get(name_ends + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Entry {
        pid,
        parent: i32::try_from(number(4)?).ok()?,
        session: i32::try_from(number(6)?).ok()?,
        start_time: number(22)?,
        zombie: matches!(*fields.first()?, "Z" | "X" | "x"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pid: i32, parent: i32) -> Entry {
        Entry { pid, parent, session: 1, start_time: 0, zombie: false }
    }

    #[test]
    fn a_process_cannot_hide_behind_its_name() {
        let line = b"42 (a) Z 1 (x) S 7 8 9 0 -1 4194304 1 0 0 0 1 2 3 4 20 0 1 0 777 1 2\n";
        let expected = Entry { pid: 42, parent: 7, session: 9, start_time: 777, zombie: false };
        assert_eq!(parse(line), Some(expected));
        for bad in [&b""[..], b"42", b"42 (x", b"42 (x)", b"x (x) S 1 1 1", b"42 (x) S 1 1 1"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn descendants_are_found_at_any_depth_and_circles_end() {
        let all = [entry(2, 1), entry(3, 2), entry(4, 3), entry(9, 1), entry(5, 6), entry(6, 5)];
        let pids = |root| {
            let mut pids: Vec<i32> = descendants(root, &all).iter().map(|e| e.pid).collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(pids(2), [3, 4]);
        assert_eq!(pids(1), [2, 3, 4, 9]);
        assert_eq!(pids(5), [5, 6]);
    }
}
