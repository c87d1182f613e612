//! Several agents side by side, each in a work tree of its own.

use std::ffi::{OsStr, OsString};

use super::{Call, Called, Caller, HandsIn, called, laid_out};
use crate::{
    domain::{event::ProcessMark, run::Run},
    process::{
        agent::{self, STAGE_TOKEN, Stream},
        runtime::Waited,
        sweep,
    },
};

/// What of a line is kept until its end is said.
const LINE_BYTES_MAX: usize = 4096;

/// Agents that work side by side, each begun when there is room for it and known by what it was begun
/// with. Where the pool is dropped, those that are still at work are ended.
pub struct Pool<'a, L> {
    caller: &'a Caller,
    working: Vec<(L, Working<'a>)>,
}

/// Nothing where it has ended.
type Working<'a> = Option<Waited<'a, anyhow::Result<Called>>>;

impl<L> std::fmt::Debug for Pool<'_, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("working", &self.working.len()).finish_non_exhaustive()
    }
}

impl Caller {
    #[must_use]
    pub fn pool<L>(&self) -> Pool<'_, L> {
        Pool { caller: self, working: Vec::new() }
    }
}

impl<'a, L> Pool<'a, L> {
    /// Whether a signal asked to stop.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.caller.stop.beside(Box::new(|| None)).pending().is_some()
    }

    /// Starts one more agent. `started` writes its process down before it may do anything; what is wrong
    /// with it is heard as its end.
    pub fn begin(
        &mut self,
        lane: L,
        call: &Call<'_>,
        started: impl FnOnce(ProcessMark) -> anyhow::Result<()> + 'a,
    ) {
        let laid = laid_out(call);
        let (tail, mut stop) = (&self.caller.tail, self.caller.stop.twin());
        let (mut lines, hands_in) = (Lines::of(call.start.item.as_str()), HandsIn::of(call));
        let mut work: Waited<'a, _> = Box::pin(async move {
            let (dir, launch) = laid?;
            let mut say = |_: Stream, bytes: &[u8]| {
                lines.take(bytes, &mut |line| (tail.borrow_mut())(line));
            };
            let done = agent::run(launch, started, &mut say, &mut stop).await?;
            called(&hands_in, dir.path(), &done)
        });
        // So far that it is written down. An end as early as this is heard as any other.
        let early = self.caller.runtime.go_on(&mut work);
        let work = early.map_or(work, |done| Box::pin(std::future::ready(done)));
        self.working.push((lane, Some(work)));
    }

    /// Waits for one of them: what it was begun with, and what came of it. Nothing where none is at work.
    pub fn ended(&mut self) -> Option<(L, anyhow::Result<Called>)> {
        let mut all: Vec<_> = self.working.iter_mut().map(|(_, work)| work).collect();
        let (at, done) = self.caller.runtime.wait_for_any(&mut all)?;
        Some((self.working.remove(at).0, done))
    }
}

/// The setup first, as a part of the agent: it is watched over, bounded and ended as the agent is.
pub(super) fn after_setup(setup: &[String], words: Vec<OsString>) -> Vec<OsString> {
    if setup.is_empty() {
        return words;
    }
    // Each command is an argument and never a part of the text of this one.
    let script = "while [ \"$1\" != -- ]; do \
                  sh -c \"$1\" </dev/null || { echo \"setup failed: $1\" >&2; exit 1; }; \
                  shift; done; shift; exec \"$@\"";
    let head = ["/bin/sh", "-c", script, "lane"].map(OsString::from).into_iter();
    let setup = setup.iter().map(OsString::from);
    head.chain(setup).chain([OsString::from("--")]).chain(words).collect()
}

/// What is unique to one lane, and known after any crash.
pub(super) fn token(run: &Run, name: &str) -> String {
    format!("{}.lane.{name}", run.charter.run)
}

/// Ends what a lost lane left behind, known by its token; how many could not be ended.
#[must_use]
pub fn sweep(run: &Run, name: &str) -> usize {
    let token = format!("{STAGE_TOKEN}={}", token(run, name));
    sweep::abandoned(None, Some(OsStr::new(&token)))
}

/// Output as whole lines, each of which says whose it is.
struct Lines {
    head: String,
    line: Vec<u8>,
}

impl Lines {
    fn of(item: &str) -> Self {
        Self { head: format!("[{item}] "), line: Vec::new() }
    }

    fn take(&mut self, bytes: &[u8], say: &mut dyn FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            let whole = self.line.ends_with(b"\n");
            if whole || LINE_BYTES_MAX <= self.line.len() {
                let mut told = self.head.clone().into_bytes();
                told.append(&mut self.line);
                if !whole {
                    told.push(b'\n');
                }
                say(&told);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_whose_it_is() {
        let mut said = Vec::new();
        let mut lines = Lines::of("T-1");
        for piece in ["a", "b\nc\n", "\n", "d"] {
            lines.take(piece.as_bytes(), &mut |line| said.extend_from_slice(line));
        }
        assert_eq!(String::from_utf8(said).unwrap(), "[T-1] ab\n[T-1] c\n[T-1] \n");
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut said = 0;
        let mut lines = Lines::of("T-1");
        for _ in 0..100 {
            lines.take(&[b'x'; 1000], &mut |line| said += line.len());
        }
        assert!(lines.line.len() < 2 * LINE_BYTES_MAX && 90_000 < said, "{said}");
    }
}
