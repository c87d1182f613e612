//! Ending every process of a set, also those that ignore TERM, change their session or fork while being ended.
//!
//! It never signals a process by a number alone: the number is pinned first and looked at again.

use std::{ffi::OsStr, thread, time::Duration};

use rustix::process::Signal;

use super::{
    clock,
    table::{self, Entry},
};

/// How long ending may take before what is left is reported instead.
pub const SWEEP_MAX: Duration = Duration::from_secs(5);
/// How often new processes are looked for before the stopped ones are killed.
const FREEZE_ROUNDS_MAX: usize = 64;
const PAUSE: Duration = Duration::from_millis(5);

/// Sends `signal` to each, unless its number belongs to somebody else by now.
pub(super) fn signal_all(entries: &[Entry], signal: Signal) {
    for entry in entries.iter().filter(|entry| !entry.zombie) {
        signal_one(entry, signal);
    }
}

#[cfg(target_os = "linux")]
fn signal_one(entry: &Entry, signal: Signal) {
    use rustix::process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};

    let Some(pid) = entry.raw_pid() else { return };
    let pinned = pidfd_open(pid, PidfdFlags::empty());
    if table::entry(entry.pid).is_none_or(|now| now.start_time != entry.start_time) {
        return;
    }
    // An error means that it is gone, or that it became another user's: nothing to do in either case.
    let _ = match pinned {
        Ok(pinned) => pidfd_send_signal(pinned, signal),
        Err(rustix::io::Errno::NOSYS) => kill_process(pid, signal),
        Err(_) => Ok(()),
    };
}

#[cfg(not(target_os = "linux"))]
fn signal_one(_entry: &Entry, _signal: Signal) {}

/// Stops every member, looks again until no new one appears, and kills them all.
///
/// A stopped process cannot fork, so nothing is born between the last look and the kill.
pub(super) fn freeze_and_kill(members: impl Fn() -> Vec<Entry>) {
    let mut known: Vec<(i32, u64)> = Vec::new();
    for _ in 0..FREEZE_ROUNDS_MAX {
        let fresh: Vec<Entry> = members()
            .into_iter()
            .filter(|e| !e.zombie && !known.contains(&(e.pid, e.start_time)))
            .collect();
        if fresh.is_empty() {
            break;
        }
        signal_all(&fresh, Signal::STOP);
        known.extend(fresh.iter().map(|e| (e.pid, e.start_time)));
    }
    signal_all(&members(), Signal::KILL);
}

/// Ends what a supervisor left behind that was itself killed: its session, and whoever carries its marker.
///
/// Returns how many are still there after [`SWEEP_MAX`]. A marker is `NAME=value` with a value that nobody
/// else uses. Pass the session only right after its leader died: numbers are given out again.
#[must_use]
pub fn abandoned(session: Option<i32>, marker: Option<&OsStr>) -> usize {
    let marker = marker.map(OsStr::as_encoded_bytes).filter(|marker| !marker.is_empty());
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let members = || {
        let belongs = |e: &Entry| {
            e.pid != own
                && (session == Some(e.session)
                    || marker.is_some_and(|marker| table::carries(e.pid, marker)))
        };
        let all = table::all();
        let mut members: Vec<Entry> = all.iter().copied().filter(belongs).collect();
        for root in members.clone() {
            members.extend(table::descendants(root.pid, &all));
        }
        members.retain(|e| !e.zombie && e.pid != own);
        members.sort_unstable_by_key(|e| e.pid);
        members.dedup_by_key(|e| e.pid);
        members
    };
    until_none(&members)
}

/// Ends `root` and everything below it, without asking. Returns how many are still there.
#[must_use]
pub fn tree(root: &Entry) -> usize {
    let members = || {
        let all = table::all();
        let mut members = table::descendants(root.pid, &all);
        members.extend(all.iter().filter(|e| e.pid == root.pid && e.start_time == root.start_time));
        members.retain(|e| !e.zombie);
        members
    };
    until_none(&members)
}

fn until_none(members: &dyn Fn() -> Vec<Entry>) -> usize {
    let give_up = clock::monotonic() + SWEEP_MAX;
    loop {
        let left = members().len();
        if left == 0 || give_up <= clock::monotonic() {
            return left;
        }
        freeze_and_kill(members);
        thread::sleep(PAUSE);
    }
}
