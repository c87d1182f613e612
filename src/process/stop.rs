//! Being asked to stop: by the terminal, by the system, or by the program itself.
//!
//! It only says what was asked; it never ends anything, and it leaves a signal alone that our parent ignores.

use std::{
    cell::RefCell,
    fmt, fs, io,
    rc::Rc,
    sync::mpsc::{Sender, channel},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::clock;
use crate::domain::time::Timestamp;

/// How often the program itself is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// One intention often arrives as several signals: `timeout` and a closing terminal both send more than one.
const ONE_INTENTION: Duration = Duration::from_millis(250);

/// What was asked for. The greater one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopKind {
    /// End in good order.
    Graceful,
    /// End now.
    Now,
}

/// Asks the program whether it wants to stop, at most once a second.
pub type Ask = Box<dyn FnMut() -> Option<StopKind>>;

pub struct StopSignal {
    signals: watch::Receiver<Option<StopKind>>,
    ask: Rc<RefCell<Ask>>,
    asked_at: Option<Instant>,
    answer: Option<StopKind>,
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopSignal").field("signals", &*self.signals.borrow()).finish()
    }
}

impl StopSignal {
    /// From here on SIGINT, SIGTERM and SIGHUP no longer end the process: the first asks for
    /// [`StopKind::Graceful`], the next for [`StopKind::Now`]. Once for each process.
    pub fn install(ask: Ask) -> io::Result<Self> {
        let (sender, signals) = watch::channel(None);
        let (ready, is_ready) = channel();
        // A thread of its own, so that a signal is seen while the program is busy elsewhere.
        thread::Builder::new().name("signals".to_owned()).spawn(move || listen(&sender, &ready))?;
        is_ready.recv().unwrap_or_else(|gone| Err(io::Error::other(gone)))?;
        Ok(Self { signals, ask: Rc::new(RefCell::new(ask)), asked_at: None, answer: None })
    }

    /// The same signals and another question, for work side by side.
    #[must_use]
    pub fn beside(&self, ask: Ask) -> Self {
        let ask = Rc::new(RefCell::new(ask));
        Self { signals: self.signals.clone(), ask, asked_at: None, answer: None }
    }

    /// The same signals and the same question.
    #[must_use]
    pub fn twin(&self) -> Self {
        let (signals, ask) = (self.signals.clone(), Rc::clone(&self.ask));
        Self { signals, ask, asked_at: None, answer: None }
    }

    /// What is asked right now, for use between steps.
    pub fn pending(&mut self) -> Option<StopKind> {
        self.asked_at = None;
        self.look()
    }

    /// As `pending`, but asks the program only when its last answer is a second old.
    pub(super) fn look(&mut self) -> Option<StopKind> {
        let now = clock::monotonic();
        if self.asked_at.is_none_or(|at| ASK_EVERY <= now - at) {
            self.answer = (self.ask.borrow_mut())();
            self.asked_at = Some(now);
        }
        self.answer.max(*self.signals.borrow())
    }

    /// Waits for the next signal; for ever when there can be none.
    pub(super) async fn changed(&mut self) {
        if self.signals.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Sleeps until the wall clock shows `at`, also across a suspended machine, or until somebody asks to stop.
    pub async fn sleep_until(&mut self, at: Timestamp) -> Option<StopKind> {
        let begin = clock::monotonic();
        let longest = Duration::from_millis(at.since(clock::now()).millis());
        loop {
            if let Some(kind) = self.look() {
                return Some(kind);
            }
            // The second condition bounds the wait when the wall clock is set back.
            let slept = clock::monotonic() - begin;
            let left = Duration::from_millis(at.since(clock::now()).millis());
            if left.is_zero() || longest <= slept {
                return None;
            }
            let pause = left.min(longest - slept).min(ASK_EVERY);
            tokio::select! {
                () = self.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

fn listen(asked: &watch::Sender<Option<StopKind>>, ready: &Sender<io::Result<()>>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            let _ = ready.send(Err(why));
            return;
        }
    };
    runtime.block_on(async {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let open = |kind| if ignored(kind) { Ok(None) } else { signal(kind).map(Some) };
        let [mut int, mut term, mut hup] = match kinds.map(open) {
            [Ok(int), Ok(term), Ok(hup)] => [int, term, hup],
            [Err(why), ..] | [_, Err(why), _] | [_, _, Err(why)] => {
                let _ = ready.send(Err(why));
                return;
            }
        };
        let _ = ready.send(Ok(()));
        let mut first: Option<Instant> = None;
        loop {
            tokio::select! {
                () = next(&mut int) => {}
                () = next(&mut term) => {}
                () = next(&mut hup) => {}
                () = asked.closed() => return,
            }
            let now = clock::monotonic();
            match first {
                None => {
                    first = Some(now);
                    asked.send_replace(Some(StopKind::Graceful));
                }
                Some(at) if now - at < ONE_INTENTION => {}
                Some(_) => {
                    asked.send_replace(Some(StopKind::Now));
                }
            }
        }
    });
}

async fn next(signals: &mut Option<Signal>) {
    let seen = match signals {
        Some(signals) => signals.recv().await,
        None => None,
    };
    if seen.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Whether our parent started us with this signal ignored, as `nohup` does. Where the system does not say, no.
fn ignored(kind: SignalKind) -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| masks(&status, kind))
}

fn masks(status: &str, kind: SignalKind) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_nohup_ignores_stays_ignored() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n";
        assert!(masks(status, SignalKind::hangup()));
        assert!(!masks(status, SignalKind::interrupt()));
        assert!(!masks("", SignalKind::hangup()));
    }

    #[test]
    fn the_greater_wish_wins() {
        let answers = [None, Some(StopKind::Graceful), Some(StopKind::Now)];
        assert!(answers.is_sorted());
    }
}
