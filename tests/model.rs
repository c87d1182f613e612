//! Checkpoints against a model: whatever happens in a work tree, a rollback brings back every byte,
//! takes away nothing that is not saved, and can be taken back itself.
//!
//! `cargo test` looks at the same cases every time, so that it says the same of the same code; the
//! long mode looks elsewhere each time. A failure prints its seed and the shortest sequence that was
//! found; `GIT_RUN_SEED=<seed> cargo test --test model` begins with that seed.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests start processes, and may panic"
)]

#[path = "model/expect.rs"]
mod expect;
#[path = "model/known.rs"]
mod known;
#[path = "model/op.rs"]
mod op;
#[path = "model/state.rs"]
mod state;
#[path = "model/steps.rs"]
mod steps;
mod support;
#[path = "model/trees.rs"]
mod trees;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime},
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

const THREADS: u64 = 2;
/// As much of it as everybody's `cargo test` can bear, and never more than was looked at before.
const TIME: Duration = Duration::from_secs(25);
const CASES: u64 = 120;
const LONG: u64 = 3000;
const SEED: u64 = 1;
/// What is spent on a shorter one that fails too.
const SHORTER: Duration = Duration::from_secs(40);

/// Runs `check` on values of the strategy, on every thread, until time or numbers are up.
fn sweep<S: Strategy>(
    what: &str,
    time: Duration,
    strategy: &(dyn Fn() -> S + Sync),
    check: Check<S>,
) where
    S::Value: std::fmt::Debug,
{
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let asked = std::env::var("GIT_RUN_SEED").ok().map(|seed| seed.parse().unwrap());
    let first: u64 = asked.unwrap_or(if support::long() { now >> 10 } else { SEED });
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = if support::long() {
                        LONG <= seed - first
                    } else {
                        CASES <= seed - first || time < begun.elapsed()
                    };
                    if enough {
                        return;
                    }
                    if let Err(why) = one(seed, strategy, check) {
                        failed.store(true, Ordering::Relaxed);
                        eprintln!("{what}, GIT_RUN_SEED={seed}:\n{why}");
                    }
                }
            });
        }
    });
    assert!(!failed.into_inner(), "{what} does not hold");
    eprintln!("{what}: {} cases from {first}", next.into_inner() - first);
}

type Check<S> = fn(&<S as Strategy>::Value) -> Result<(), String>;

fn one<S: Strategy>(seed: u64, strategy: &dyn Fn() -> S, check: Check<S>) -> Result<(), String>
where
    S::Value: std::fmt::Debug,
{
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut tree = strategy().new_tree(&mut runner).unwrap();
    let check = |value: &S::Value| {
        catch_unwind(AssertUnwindSafe(|| check(value)))
            .unwrap_or_else(|_| Err("it panicked, see above".to_owned()))
    };
    let Err(mut why) = check(&tree.current()) else { return Ok(()) };
    let mut worst = tree.current();
    let begun = Instant::now();
    let has_time = || begun.elapsed() < SHORTER;
    while has_time() && tree.simplify() {
        loop {
            match check(&tree.current()) {
                Err(shorter) => {
                    (why, worst) = (shorter, tree.current());
                    break;
                }
                Ok(()) if has_time() && tree.complicate() => {}
                Ok(()) => break,
            }
        }
    }
    Err(format!("{why}\nafter {worst:#?}"))
}

#[test]
fn a1_whatever_happens_a_rollback_brings_back_every_byte() {
    sweep("sequences", TIME, &op::sequence, steps::check);
}

#[test]
fn a_tree_is_edited_as_git_would() {
    sweep("edits", Duration::from_secs(4), &trees::edits, trees::check_edits);
}

#[test]
fn a_checkpoint_has_the_tree_that_git_would_add() {
    sweep("trees", Duration::from_secs(8), &trees::dirty, trees::check_dirty);
}
