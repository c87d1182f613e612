//! Crash points, for the tests that kill this program at every write. Release builds have none.

/// A point at which the program may die. The `GIT_RUN_CRASH_AT`-th one that is met kills the process
/// as `kill -9` does; `GIT_RUN_CRASH_LOG` names a file that gets a line for each.
#[cfg(debug_assertions)]
pub fn point(name: &'static str) {
    use std::{
        io::Write as _,
        sync::atomic::{AtomicU64, Ordering},
    };

    static MET: AtomicU64 = AtomicU64::new(0);
    let Some(at) = super::env::text("GIT_RUN_CRASH_AT") else { return };
    let met = MET.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(log) = super::env::text("GIT_RUN_CRASH_LOG") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        // A test that counts points sees a missing line as a failure of its own.
        let _ = file.and_then(|mut file| writeln!(file, "{name}"));
    }
    if at.parse() == Ok(met) {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(not(debug_assertions))]
pub fn point(_: &'static str) {}
