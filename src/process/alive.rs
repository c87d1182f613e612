//! Whether a process that was written down earlier still stands, perhaps by a runner that is long dead.
//!
//! It never takes a number alone for a process, and never guesses: another machine cannot be asked.

use std::{fs, thread, time::Duration};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process, test_kill_process},
};

use super::{
    clock, env, sweep,
    table::{self, Entry},
};
use crate::domain::event::ProcessMark;

/// The mark of a running process.
#[must_use]
pub fn mark_of(pid: u32) -> ProcessMark {
    let start = i32::try_from(pid).ok().and_then(table::entry).map_or(0, |e| e.start_time);
    ProcessMark { pid, start, boot: place(), host: env::host_name() }
}

/// The mark of this process itself.
#[must_use]
pub fn own_mark() -> ProcessMark {
    mark_of(std::process::id())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Gone,
    Alive,
    CannotTell { why: String },
}

/// Whether the marked process still runs.
#[must_use]
pub fn standing(mark: &ProcessMark) -> Standing {
    judge(mark, &env::host_name(), &place(), || look(mark.pid))
}

/// Ends the marked supervisor and everything that it started: TERM, which it obeys by ending its agent
/// within its grace, and after `patience` KILL for the whole tree. Returns what is true afterwards.
#[must_use]
pub fn terminate(mark: &ProcessMark, patience: Duration) -> Standing {
    let before = standing(mark);
    if before != Standing::Alive {
        return before;
    }
    let Some((pid, root)) = i32::try_from(mark.pid)
        .ok()
        .and_then(|pid| Some((Pid::from_raw(pid)?, table::entry(pid)?)))
    else {
        return standing(mark);
    };
    let _ = kill_process(pid, Signal::TERM);
    let give_up = clock::monotonic() + patience;
    while clock::monotonic() < give_up {
        if standing(mark) != Standing::Alive {
            return standing(mark);
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = sweep::tree(&root);
    standing(mark)
}

enum Found {
    Nobody,
    /// Somebody, but the system does not say since when.
    Somebody,
    Known(Entry),
}

fn look(pid: u32) -> Found {
    let Ok(pid) = i32::try_from(pid) else { return Found::Nobody };
    if let Some(entry) = table::entry(pid) {
        return Found::Known(entry);
    }
    match Pid::from_raw(pid).map(test_kill_process) {
        None | Some(Err(Errno::SRCH)) => Found::Nobody,
        Some(_) => Found::Somebody,
    }
}

/// `boot/space`: in another pid namespace, say a container's, the same number is another process.
fn place() -> String {
    let Some(boot) = clock::boot_id() else { return String::new() };
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    format!("{boot}/{space}")
}

fn judge(mark: &ProcessMark, host: &str, place: &str, look: impl FnOnce() -> Found) -> Standing {
    let cannot_tell = |why: String| Standing::CannotTell { why };
    if mark.host != host {
        return cannot_tell(format!("it runs on `{}`, and this is `{host}`", mark.host));
    }
    if mark.boot != place {
        let boot = |place: &str| place.split('/').next().unwrap_or_default().to_owned();
        let (then, now) = (boot(&mark.boot), boot(place));
        return if then.is_empty() || now.is_empty() {
            cannot_tell(format!("the boot of `{host}` is not known"))
        } else if then == now {
            cannot_tell(format!("pid {} counts in another pid namespace", mark.pid))
        } else {
            Standing::Gone
        };
    }
    match look() {
        Found::Nobody => Standing::Gone,
        Found::Known(entry) if entry.zombie => Standing::Gone,
        Found::Known(entry) if mark.start != 0 => {
            if entry.start_time == mark.start {
                Standing::Alive
            } else {
                Standing::Gone
            }
        }
        Found::Known(_) | Found::Somebody => {
            cannot_tell(format!("a process {} runs, and nobody knows since when", mark.pid))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start_time: u64, zombie: bool) -> Found {
        Found::Known(Entry { pid: 7, parent: 1, session: 7, start_time, zombie })
    }

    #[test]
    fn a_mark_is_alive_only_when_everything_agrees() {
        let mark = |start_time| ProcessMark {
            pid: 7,
            start: start_time,
            boot: "b/4".into(),
            host: "h".into(),
        };
        let said =
            |start, host, place, found: Found| match judge(&mark(start), host, place, || found) {
                Standing::Gone => "gone",
                Standing::Alive => "alive",
                Standing::CannotTell { .. } => "cannot tell",
            };
        for (start, host, place, found, expected) in [
            (5, "h", "b/4", entry(5, false), "alive"),
            (5, "h", "b/4", entry(5, true), "gone"),
            (5, "h", "b/4", entry(6, false), "gone"),
            (5, "h", "b/4", Found::Nobody, "gone"),
            (5, "h", "b/4", Found::Somebody, "cannot tell"),
            (0, "h", "b/4", entry(5, false), "cannot tell"),
            (5, "h", "c/4", entry(5, false), "gone"),
            (5, "h", "b/5", entry(5, false), "cannot tell"),
            (5, "h", "b/5", Found::Nobody, "cannot tell"),
            (5, "h", "", entry(5, false), "cannot tell"),
            (5, "i", "b/4", entry(5, false), "cannot tell"),
            (5, "i", "c/4", Found::Nobody, "cannot tell"),
        ] {
            assert_eq!(said(start, host, place, found), expected, "{start} {host} {place}");
        }
    }

    #[test]
    fn this_process_is_alive() {
        if cfg!(target_os = "linux") {
            assert_eq!(standing(&own_mark()), Standing::Alive);
        }
    }
}
