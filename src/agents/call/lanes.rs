//! Several agents side by side, each in a work tree of its own.

use std::{
    cell::RefCell,
    ffi::{OsStr, OsString},
};

use super::{Call, Called, Caller, called, laid_out};
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

/// What becomes of agents that work side by side.
pub(super) type Started<'a> = &'a mut dyn FnMut(usize, ProcessMark) -> anyhow::Result<()>;
pub(super) type Ended<'a> = &'a mut dyn FnMut(usize, anyhow::Result<Called>) -> anyhow::Result<()>;

impl Caller {
    /// Runs all of them to their ends. `started` writes each process down before its agent may do
    /// anything; `ended` hears of each as it ends. Where that fails, the others are stopped.
    pub fn call_all(
        &mut self,
        calls: &[Call<'_>],
        started: Started<'_>,
        ended: Ended<'_>,
    ) -> anyhow::Result<()> {
        let started = RefCell::new(started);
        let (tail, started) = (&self.tail, &started);
        let mut all: Vec<Option<Waited<'_, anyhow::Result<Called>>>> = Vec::new();
        for (at, call) in calls.iter().enumerate() {
            let mut stop = self.stop.twin();
            let work = async move {
                let (dir, launch) = laid_out(call)?;
                let mut lines = Lines::of(call.start.item.as_str());
                let mut say = |_: Stream, bytes: &[u8]| {
                    lines.take(bytes, &mut |line| (tail.borrow_mut())(line));
                };
                let on_started = |mark| (started.borrow_mut())(at, mark);
                let done = agent::run(launch, on_started, &mut say, &mut stop).await?;
                called(call, dir.path(), &done)
            };
            all.push(Some(Box::pin(work)));
        }
        while let Some((at, done)) = self.runtime.wait_for_any(&mut all) {
            ended(at, done)?;
        }
        Ok(())
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
