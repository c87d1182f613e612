//! What the judge clears does no harm: random pushes under random configuration, asked about, and then
//! done by git itself without any hook. And whatever is typed inside of the fence, cleared or not.
//!
//! It begins with the same seed every time; the long mode looks elsewhere each time. A failure prints
//! its seed and the shortest case that was found; `GIT_RUN_SEED=<seed> cargo test --test guarded` begins
//! with it.
//!
//! What a remote's own symbolic refs lead to is known to nobody who does not ask it: the hooks do, and
//! the judge of command lines does not.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests start processes, and may panic"
)]

#[path = "guarded/case.rs"]
mod case;
mod support;
#[path = "guarded/toy.rs"]
mod toy;

use std::time::{Duration, Instant, SystemTime};

use case::Case;
use toy::Toy;

const SEED: u64 = 1;
/// As much of it as everybody's `cargo test` can bear, for each of the three.
const TIME: Duration = Duration::from_secs(7);
/// Never more than was looked at before.
const CASES: u64 = 400;
const LONG: Duration = Duration::from_secs(600);

/// Checks one case after the other until the time is up; says how many did anything.
fn sweep(what: &str, toy: &mut Toy, check: impl Fn(&mut Toy, &Case) -> Result<bool, String>) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let asked = std::env::var("GIT_RUN_SEED").ok().map(|seed| seed.parse().unwrap());
    let first: u64 = asked.unwrap_or(if support::long() { now >> 10 } else { SEED });
    let time = if support::long() { LONG } else { TIME };
    let (begun, mut seed, mut done) = (Instant::now(), first, 0);
    while begun.elapsed() < time && (support::long() || seed < first + CASES) {
        let case = Case::of(seed);
        match check(toy, &case) {
            Ok(did) => done += u32::from(did),
            Err(why) => {
                let (case, why) = shortest(case, why, |case| check(toy, case).err());
                panic!(
                    "{what}, GIT_RUN_SEED={seed}: {why}\nafter git {:?}\n{case:#?}",
                    case.line()
                );
            }
        }
        seed += 1;
    }
    eprintln!("{what}: {} cases from {first}, of which {done} were done", seed - first);
    assert!(0 < done, "none of them was done");
}

fn shortest(
    mut case: Case,
    mut why: String,
    mut fails: impl FnMut(&Case) -> Option<String>,
) -> (Case, String) {
    while let Some((less, said)) =
        case.shorter().into_iter().find_map(|less| fails(&less).map(|said| (less, said)))
    {
        (case, why) = (less, said);
    }
    (case, why)
}

fn cleared(toy: &mut Toy, case: &Case) -> Result<bool, String> {
    if !toy.set(case) || !toy.is_cleared(case) {
        return Ok(false);
    }
    toy.replay(case);
    toy.harm().map_or(Ok(true), Err)
}

/// What was found here, and is no more.
#[test]
fn what_did_harm_once_does_none() {
    let toy = &mut Toy::new(false);
    for (head, config, line) in [
        ("topic", "", "push origin alias"),
        ("alias", "", "push"),
        ("feature/x", "push.default=matching", "push up"),
    ] {
        let case = Case::typed(head, config, line);
        assert_eq!(cleared(toy, &case), Ok(false), "{line}");
    }
}

#[test]
fn what_the_judge_clears_does_no_harm() {
    sweep("cleared", &mut Toy::new(false), cleared);
}

#[test]
fn in_a_run_what_the_judge_clears_moves_its_own_branch_alone() {
    sweep("in a run", &mut Toy::new(true), cleared);
}

#[test]
fn inside_of_the_fence_nothing_does_any_harm() {
    sweep("fenced", &mut Toy::fenced(), |toy, case| {
        toy.set(case);
        toy.replay_fenced(case);
        toy.harm().map_or(Ok(true), Err)
    });
}
