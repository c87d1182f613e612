//! Hooks that say no, locks of others, disks that are full or closed.

use std::{fs, process::Command};

use crate::{
    fixture::{assert_same, checkpoint, commit, put, rollback, sound, state},
    support::{PROGRAM, Ran, TestRepo},
    untouched::hooks,
};

/// Changed after a checkpoint, in every way.
fn changed() -> TestRepo {
    let repo = TestRepo::new();
    put(&repo, b"a", b"1\n");
    checkpoint(&repo);
    put(&repo, b"a", b"2\n");
    commit(&repo, "more");
    put(&repo, b"b", b"2\n");
    repo
}

#[test]
fn a_hook_that_refuses_refs_is_obeyed_and_the_rest_is_done_when_it_is_gone() {
    let repo = changed();
    let before = state(&repo);
    hooks(&repo, &["reference-transaction"]);
    let hook = repo.work.join(".git/hooks/reference-transaction");
    let ran = repo.run(&["rollback", "--to", "1"]);
    assert!(ran.code.is_some_and(|code| code == 1 || code == 3), "{ran:?}");
    assert_same(&state(&repo), &before, "refused");
    // Only branches are refused: what was announced is finished, or taken back.
    let text = "#!/bin/sh\n! grep -q refs/heads/\n";
    fs::write(&hook, text).unwrap();
    let ran = repo.run(&["rollback", "--to", "1"]).ends(1);
    assert!(ran.err.contains("git run undo takes it back"), "{ran:?}");
    assert_same(&state(&repo), &before, "refused at the branch");
    assert_eq!(repo.run(&["sprint-1"]).code, Some(5));
    fs::remove_file(&hook).unwrap();
    repo.run(&["undo"]).ends(0);
    assert_same(&state(&repo), &before, "taken back");
    rollback(&repo, 1);
    assert_eq!(repo.read("a"), "1\n");
    sound(&repo);
}

#[test]
fn while_another_git_holds_the_index_nothing_moves() {
    let repo = changed();
    let before = state(&repo);
    let lock = repo.work.join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    checkpoint(&repo);
    let ran = repo.run(&["rollback", "--to", "1"]).ends(1);
    assert!(ran.err.contains("index.lock"), "{ran:?}");
    assert!(lock.exists(), "it is somebody else's");
    assert_same(&state(&repo), &before, "refused");
    fs::remove_file(&lock).unwrap();
    rollback(&repo, 1);
    assert_eq!(repo.read("a"), "1\n");
    sound(&repo);
}

#[test]
fn a_change_within_the_same_tick_of_the_clock_is_seen() {
    for round in 0..12 {
        let repo = TestRepo::new();
        put(&repo, b"a", b"1\n");
        repo.git(&["add", "a"]);
        put(&repo, b"a", b"2\n");
        let then = state(&repo);
        let number = checkpoint(&repo);
        put(&repo, b"a", b"3\n");
        repo.git(&["add", "a"]);
        put(&repo, b"a", b"4\n");
        let now = state(&repo);
        rollback(&repo, number);
        assert_same(&state(&repo), &then, &format!("round {round}"));
        repo.run(&["undo"]).ends(0);
        assert_same(&state(&repo), &now, &format!("round {round}"));
    }
}

/// A shell in a mount namespace of its own, or nothing where that is not allowed.
fn apart(repo: &TestRepo, script: &str) -> Option<Ran> {
    let probe =
        Command::new("unshare").args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: no mount namespaces here");
        return None;
    }
    let mut unshare = repo.command("unshare");
    unshare.args(["-m", "sh", "-ec", script, "sh", PROGRAM]);
    Some(Ran::of(unshare.arg(&repo.work).output().unwrap()))
}

#[test]
fn a_disk_that_may_not_be_written_is_looked_at_and_nothing_more() {
    let repo = changed();
    let before = state(&repo);
    let script = "mount --bind \"$2\" \"$2\"; mount -o remount,ro,bind \"$2\"; cd \"$2\"\n\
        \"$1\" checkpoint list; \"$1\" checkpoint diff 1 >/dev/null; \"$1\" rollback -n --to 1 >/dev/null\n\
        set +e; for c in checkpoint 'rollback --to 1' undo 'restore a@1'; do \"$1\" $c; echo \"code $?\"; done";
    let Some(ran) = apart(&repo, script) else { return };
    let ran = ran.ends(0);
    assert_eq!(ran.out.matches("code 1").count(), 4, "{ran:?}");
    assert_same(&state(&repo), &before, "read only");
}

#[test]
fn a_full_disk_loses_nothing_and_the_rest_is_done_when_there_is_space() {
    let repo = changed();
    // Random bytes, so that they take their place in every object.
    let bytes: Vec<u8> =
        (0..60_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    put(&repo, b"big", &bytes);
    checkpoint(&repo);
    put(&repo, b"big", &bytes[..30_000]);
    put(&repo, b"other", &bytes[20_000..50_000]);
    let rounds = if crate::support::long() { 40 } else { 8 };
    let script = format!(
        "mount -t tmpfs -o size=4m none /mnt\n\
         failed=0; free=0\n\
         while [ $free -le 80 ]; do\n\
           rm -rf /mnt/work /mnt/fill; cp -r \"$2\" /mnt/work; cd /mnt/work\n\
           \"$1\" checkpoint -q; n=$(\"$1\" checkpoint list --porcelain | tail -n 1 | cut -f 1)\n\
           echo z >big; rm other; git add big; git commit -qm z\n\
           head -c 4m /dev/zero >/mnt/fill 2>/dev/null || true\n\
           truncate -s -$((free * 4096)) /mnt/fill\n\
           code=0; \"$1\" rollback -q --to $n >said 2>&1 || code=$?\n\
           if [ $code -ne 0 ]; then\n\
             failed=$((failed + 1)); grep -q panicked said && exit 99\n\
             [ $code -lt 128 ] || exit 98\n\
             rm /mnt/fill; rm -f said\n\
             \"$1\" status >/dev/null || exit 97\n\
             \"$1\" rollback -q --to $n 2>/mnt/why || {{ cat /mnt/why >&2; exit 96; }}\n\
           fi\n\
           rm -f said; cmp big \"$2/big\" || exit 95; cmp other \"$2/other\" || exit 94\n\
           git fsck --strict >/dev/null 2>&1 || exit 93\n\
           [ ! -e .git/index.lock ] || exit 92\n\
           free=$((free + {}))\n\
         done; echo \"failed $failed\"",
        80 / rounds
    );
    let Some(ran) = apart(&repo, &script) else { return };
    let ran = ran.ends(0);
    let failed: u32 = ran.out.trim().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(1 <= failed, "the disk was full often enough: {ran:?}");
}
