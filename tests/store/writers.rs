//! Many writers, one journal; leases; intents.

use std::{process::Stdio, thread};

use git_run::{
    domain::{
        event::{Cause, Event, ProcessMark, RefMove},
        id::Oid,
        time::Timestamp,
    },
    process::alive,
    store::{
        history,
        hold::{self, Hold},
        intent,
        journal::{AppendError, Journal},
        layout,
    },
};

use crate::{
    fixture::{actor, created, now, open, remark, run_id},
    support::{ONE_SPRINT, TestRepo, long},
};

fn mark(pid: u32) -> ProcessMark {
    ProcessMark { pid, start: 1, boot: "b".into(), host: "h".into() }
}

#[test]
fn d1_loa_33_sixteen_writers_lose_no_event() {
    // Through git every append takes some processes, so there are fewer.
    let kinds = [
        (&[][..], if long() { 125 } else { 40 }),
        (&["--ref-format=reftable"][..], if long() { 12 } else { 2 }),
    ];
    for (init, each) in kinds {
        let test = TestRepo::with(init);
        created(&open(&test));
        thread::scope(|scope| {
            for writer in 0..16 {
                let test = &test;
                scope.spawn(move || {
                    let repo = open(test);
                    let mut journal = Journal::open(&repo, &run_id(), actor()).unwrap();
                    for n in 0..each {
                        // Two writers may well say the same in the same millisecond.
                        let text = if n % 2 == 0 { "same".into() } else { format!("{writer} {n}") };
                        journal.append(remark(text), &[], now()).unwrap();
                    }
                });
            }
        });
        let repo = open(&test);
        let found = history::verify(&repo, &run_id()).unwrap();
        assert_eq!(found.events, 1 + 16 * each as u64, "{init:?}");
        let mut own = 0;
        history::each_event(&repo, &run_id(), |envelope, _| {
            own +=
                usize::from(matches!(envelope.event, Event::Remarked { text } if text != "same"));
            Ok(())
        })
        .unwrap();
        assert_eq!(own, 16 * (each / 2), "{init:?}");
    }
}

#[test]
fn what_somebody_else_made_impossible_in_between_is_no_fault() {
    let test = TestRepo::new();
    let repo = open(&test);
    created(&repo);
    let visitor = || Journal::open(&repo, &run_id(), actor()).unwrap();
    let halt = || vec![Event::RunHalted { cause: Cause::Interrupted }];
    let (mut first, mut second) = (visitor(), visitor());
    first.append(halt(), &[], now()).unwrap();
    let late = second.append(halt(), &[], now());
    assert!(matches!(late, Err(AppendError::Overtaken(_))), "{late:?}");
    // Whoever knows that it is impossible, and asks all the same, is wrong.
    let wrong = second.append(halt(), &[], now());
    assert!(matches!(wrong, Err(AppendError::Refused(_))), "{wrong:?}");
    assert_eq!(history::verify(&repo, &run_id()).unwrap().events, 2);
}

#[test]
fn d1_processes_that_write_at_once_lose_nothing() {
    let test = TestRepo::new();
    let repo = open(&test);
    // A holder that is at work, so that each halt is one request and nothing else.
    let _hold = Hold::of_run(&repo, &run_id(), &alive::own_mark()).unwrap();
    created(&repo).take_lease(alive::own_mark(), now()).unwrap();
    let children: Vec<_> = (0..16)
        .map(|n| {
            let mut command = test.program();
            command.args(["halt", "--reason", &format!("reason {n}"), run_id().as_str()]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut written = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        written += 1;
    }
    let found = history::verify(&repo, &run_id()).unwrap();
    assert!((3..=2 + written).contains(&found.events), "{}", found.events);
    let status = test.run(&["status", "--json", run_id().as_str()]).ends(0);
    assert!(status.out.contains("reason "), "{}", status.out);
}

#[test]
fn a_writer_whose_lease_was_taken_writes_nothing_more() {
    let test = TestRepo::new();
    let repo = open(&test);
    for notices_first in [false, true] {
        if notices_first {
            test.git(&["update-ref", "-d", &layout::journal(&run_id())]);
        }
        let mut ghost = created(&repo);
        ghost.take_lease(mark(1), now()).unwrap();
        ghost.append(vec![Event::JackInBegan], &[], now()).unwrap();
        let mut heir = Journal::open(&repo, &run_id(), actor()).unwrap();
        heir.take_lease(mark(2), now()).unwrap();
        let tip = heir.tip().clone();
        let lost = |result| matches!(result, Err(AppendError::LeaseLost { held: 1, taken: 2 }));
        if notices_first {
            assert!(lost(ghost.refresh()));
        }
        assert!(lost(ghost.append(remark("from beyond"), &[], now())));
        assert!(lost(ghost.append(remark("and again"), &[], now())));
        assert_eq!(repo.refs().read(&layout::journal(&run_id())).unwrap(), Some(tip));
        // A visitor only speaks, under whatever lease there is.
        let mut visitor = Journal::open(&repo, &run_id(), actor()).unwrap();
        visitor.append(remark("hello"), &[], now()).unwrap();
        heir.append(remark("still here"), &[], now()).unwrap();
        assert_eq!(history::verify(&repo, &run_id()).unwrap().run, *heir.run());
    }
}

#[test]
fn of_many_claimants_each_gets_a_lease_of_its_own_and_the_last_one_keeps_it() {
    let test = TestRepo::new();
    created(&open(&test));
    thread::scope(|scope| {
        for pid in 0..8 {
            let test = &test;
            scope.spawn(move || {
                let repo = open(test);
                let mut journal = Journal::open(&repo, &run_id(), actor()).unwrap();
                match journal.take_lease(mark(pid), now()) {
                    Ok(()) | Err(AppendError::LeaseLost { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            });
        }
    });
    let found = history::verify(&open(&test), &run_id()).unwrap();
    assert_eq!((found.run.generation, found.events), (8, 9));
}

#[test]
fn only_one_holds_a_work_tree_and_whoever_looks_sees_who_stands() {
    let test = TestRepo::new();
    let repo = open(&test);
    let hold = Hold::of_run(&repo, &run_id(), &mark(1)).unwrap();
    let second = Hold::of_run(&open(&test), &run_id(), &mark(2)).unwrap_err();
    assert!(second.to_string().contains("process 1 on h"), "{second}");
    drop(hold);
    drop(Hold::of_run(&repo, &run_id(), &mark(2)).unwrap());
    let mut journal = created(&repo);
    assert!(!hold::is_held(journal.run()), "nobody took it");
    journal.take_lease(alive::own_mark(), now()).unwrap();
    assert!(hold::is_held(journal.run()), "this process stands");
    journal.take_lease(mark(1), now()).unwrap();
    assert!(!hold::is_held(journal.run()), "such a process does not stand");
}

#[test]
fn an_intent_is_rolled_forward_from_wherever_it_was_left() {
    for init in [&[][..], &["--ref-format=reftable"]] {
        let test = TestRepo::with(init);
        let repo = open(&test);
        let commit =
            |n: &str| Oid::parse(&test.git(&["commit-tree", "HEAD^{tree}", "-m", n])).unwrap();
        let (old, new, elsewhere) = (commit("old"), commit("new"), commit("elsewhere"));
        let name = |n: usize| format!("refs/heads/b{n}");
        // What is there before, what the intent says, what is there afterwards, and who objects.
        let cases = [
            (Some(&old), Some(&old), Some(&new), Some(&new), false),
            (Some(&new), Some(&old), Some(&new), Some(&new), false),
            (Some(&elsewhere), Some(&old), Some(&new), Some(&elsewhere), true),
            (None, Some(&old), Some(&new), None, true),
            (None, None, Some(&new), Some(&new), false),
            (Some(&elsewhere), None, Some(&new), Some(&elsewhere), true),
            (Some(&old), Some(&old), None, None, false),
            (None, Some(&old), None, None, false),
        ];
        let mut moves = Vec::new();
        let mut conflicts = Vec::new();
        for (n, (before, from, to, _, conflict)) in cases.into_iter().enumerate() {
            if let Some(before) = before {
                test.git(&["update-ref", &name(n), before.as_str()]);
            }
            moves.push(RefMove { name: name(n), old: from.cloned(), new: to.cloned() });
            if conflict {
                conflicts.push(name(n));
            }
        }
        for _ in 0..2 {
            assert_eq!(intent::roll_forward(&repo, &moves).unwrap(), conflicts, "{init:?}");
            for (n, (.., after, _)) in cases.into_iter().enumerate() {
                assert_eq!(repo.refs().read(&name(n)).unwrap().as_ref(), after, "{init:?} {n}");
            }
        }
    }
}

#[test]
fn a_published_lease_is_another_commit_for_every_claimant() {
    let test = TestRepo::new();
    let repo = open(&test);
    let until = Some(Timestamp::from_millis(now().millis() + 60_000));
    for nonce in ["a", "b"] {
        hold::publish_lease(&repo, &run_id(), 1, &mark(1), nonce, until, now()).unwrap();
    }
    assert_eq!(test.git(&["rev-list", "--count", &layout::lease(&run_id())]), "2");
}

#[test]
fn a_run_is_verified_while_it_goes_on() {
    let test = TestRepo::new();
    test.plan(ONE_SPRINT);
    created(&open(&test));
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let repo = open(&test);
            let mut journal = Journal::open(&repo, &run_id(), actor()).unwrap();
            for n in 0..150 {
                journal.append(remark(format!("{n}")), &[], now()).unwrap();
            }
        });
        let repo = open(&test);
        while !writer.is_finished() {
            history::verify(&repo, &run_id()).unwrap();
        }
    });
}
