//! Crash points: named places where a test can have the process killed.
//!
//! Compiled to nothing in a release build; never a place to put behaviour.
//!
//! `GIT_RUN_CRASH_AT=<n>`: the n-th point that the process reaches, counted over all names from 1, kills
//! it with SIGKILL: no destructor runs and no buffer is flushed, as in a real crash.
//! `GIT_RUN_CRASH_LOG=<file>`: each point that is reached appends its name, so that a test can count them.

/// A place between two effects.
#[inline]
pub fn point(name: &'static str) {
    #[cfg(debug_assertions)]
    imp::reached(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod imp {
    use std::{
        fs::OpenOptions,
        io::Write as _,
        path::PathBuf,
        sync::{
            OnceLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    use rustix::process::{Signal, getpid, kill_process};

    use crate::process::env;

    struct Asked {
        crash_at: Option<u64>,
        log: Option<PathBuf>,
    }

    fn asked() -> &'static Asked {
        static ASKED: OnceLock<Asked> = OnceLock::new();
        ASKED.get_or_init(|| Asked {
            crash_at: env::var("GIT_RUN_CRASH_AT").and_then(|n| n.to_str()?.parse().ok()),
            log: env::var("GIT_RUN_CRASH_LOG").map(PathBuf::from),
        })
    }

    pub(super) fn reached(name: &'static str) {
        static REACHED: AtomicU64 = AtomicU64::new(0);
        let Asked { crash_at, log } = asked();
        if crash_at.is_none() && log.is_none() {
            return;
        }
        let count = REACHED.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(log) = log {
            // A test that misses a name notices; the program under test must not.
            let _ = OpenOptions::new()
                .create(true)
                .append(true)
                .open(log)
                .and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
        }
        if *crash_at == Some(count) {
            let _ = kill_process(getpid(), Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }
}
