//! What the store costs in process. `docs/BENCHMARKS.md` has the rows, and the peers beside them.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

mod scene;

use divan::Bencher;
use git_run::store::{history, journal::Journal};
use scene::Scene;

fn main() {
    divan::main();
}

/// One event, durable: object, object directory, ref and ref directory are synced.
#[divan::bench(sample_count = 300, sample_size = 1)]
fn append_one_event(bencher: Bencher<'_, '_>) {
    let scene = Scene::with_events(1);
    let mut journal = Journal::open(&scene.repo, &scene.run, Scene::actor()).unwrap();
    bencher.bench_local(|| journal.append(vec![Scene::remark()], &[], Scene::now()).unwrap());
}

/// The present, from an open repository.
#[divan::bench(args = [10, 1_000, 100_000], sample_count = 50)]
fn read_the_present(bencher: Bencher<'_, '_>, events: u64) {
    let scene = Scene::with_events(events);
    bencher.bench_local(|| Journal::open(&scene.repo, &scene.run, Scene::actor()).unwrap());
}

#[divan::bench(args = [1_000, 100_000], sample_count = 5)]
fn replay_every_event(bencher: Bencher<'_, '_>, events: u64) {
    let scene = Scene::with_events(events);
    bencher.bench_local(|| history::replay(&scene.repo, &scene.run).unwrap());
}

#[divan::bench(args = [1_000, 100_000], sample_count = 3)]
fn verify_the_chain(bencher: Bencher<'_, '_>, events: u64) {
    let scene = Scene::with_events(events);
    bencher.bench_local(|| history::verify(&scene.repo, &scene.run).unwrap());
}
