//! Disks that are full or closed, and what is on the disk when an append returns.

use std::{fs, process::Command};

use crate::{
    fixture::{created, open},
    support::{ONE_SPRINT, PROGRAM, Ran, TestRepo, text},
};

/// A shell in a mount namespace of its own, or nothing where that is not allowed.
fn apart(repo: &TestRepo, script: &str) -> Option<Ran> {
    let probe =
        Command::new("unshare").args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let mut unshare = repo.command("unshare");
    unshare.args(["-m", "sh", "-ec", script, "sh", PROGRAM]);
    Some(Ran::of(unshare.arg(&repo.work).output().unwrap()))
}

#[test]
fn a_disk_that_may_not_be_written_is_read() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let script = "mount --bind \"$2\" \"$2\"; mount -o remount,ro,bind \"$2\"; cd \"$2\"\n\
        \"$1\" status >/dev/null; \"$1\" list >/dev/null; \"$1\" log >/dev/null; \"$1\" verify\n\
        set +e; \"$1\" sprint-1 --local --again; echo \"start $?\"; \"$1\" halt --force; echo \"halt $?\"";
    let Some(ran) = apart(&repo, script) else {
        eprintln!("SKIPPED: no mount namespaces here");
        return;
    };
    let ran = ran.ends(0);
    assert!(ran.out.contains("whole") && ran.out.contains("start 1"), "{ran:?}");
    assert!(ran.err.contains("Read-only file system"), "{ran:?}");
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("error:")).count(), 2, "{ran:?}");
}

#[test]
fn a_full_disk_ends_a_run_cleanly_and_it_goes_on_when_there_is_space() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    // The space is used up from more to less, so that another write fails each time.
    let rounds = if crate::support::long() { 40 } else { 5 };
    let script = format!(
        "mount -t tmpfs -o size=3m none /mnt; cp -r \"$2\" /mnt/work; cd /mnt/work\n\
         failed=0; free=4\n\
         while [ $free -le {} ]; do\n\
           rm -rf /mnt/work /mnt/fill; cp -r \"$2\" /mnt/work; cd /mnt/work\n\
           head -c 3m /dev/zero >/mnt/fill 2>/dev/null || true\n\
           truncate -s -$((free * 4096)) /mnt/fill\n\
           code=0; \"$1\" sprint-1 --local --quiet >/dev/null 2>said || code=$?\n\
           if [ $code -ne 0 ]; then\n\
             failed=$((failed + 1)); grep -q panicked said && exit 99\n\
             [ $code -lt 128 ] || exit 98\n\
             \"$1\" status >/dev/null || exit 97\n\
             \"$1\" verify >/dev/null || exit 96\n\
             rm /mnt/fill\n\
             git reset -q; rm -f said\n\
             \"$1\" sprint-1 --local --quiet >/dev/null 2>/mnt/why || {{ cat /mnt/why >&2; exit 95; }}\n\
           fi\n\
           rm -f said\n\
           \"$1\" status --porcelain | grep -q 'state JACKED_OUT' || exit 94\n\
           \"$1\" verify >/dev/null || exit 93\n\
           git fsck --strict >/dev/null 2>&1 || exit 92\n\
           free=$((free + {}))\n\
         done; echo \"failed $failed\"",
        4 + 160,
        160 / rounds
    );
    let Some(ran) = apart(&repo, &script) else {
        eprintln!("SKIPPED: no mount namespaces here");
        return;
    };
    let ran = ran.ends(0);
    let failed: u32 = ran.out.trim().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(2 <= failed, "the disk was full often enough: {ran:?}");
}

/// What must be on the disk before an append is acknowledged, in this order.
#[test]
fn an_append_returns_when_object_and_ref_are_on_the_disk() {
    let repo = TestRepo::new();
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("SKIPPED: there is no strace here");
        return;
    }
    created(&open(&repo));
    let trace = repo.root().join("trace");
    let mut strace = repo.command("strace");
    strace.args([
        "-f",
        "-y",
        "-e",
        "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,write",
        "-o",
    ]);
    strace.arg(&trace).args([PROGRAM, "halt", "--reason", "durable"]);
    let output = strace.output().unwrap();
    let trace = fs::read_to_string(trace).unwrap_or_default();
    if trace.is_empty() {
        eprintln!("SKIPPED: strace may not trace here: {}", text(&output.stderr));
        return;
    }
    Ran::of(output).ends(0);
    let lines: Vec<&str> = trace.lines().collect();
    let after = |from: usize, what: &str, all: &[&str]| {
        let found =
            lines[from..].iter().position(|line| all.iter().all(|part| line.contains(part)));
        from + found.unwrap_or_else(|| panic!("{what} after line {from}:\n{trace}"))
    };
    let object = after(0, "the object is synced", &["fdatasync(", "/.git/objects/"]);
    let dir = after(object, "its directory is synced", &["fsync(", "/.git/objects/"]);
    let lock = after(dir, "the lock is synced", &["fsync(", "/journal.lock>"]);
    let rename = after(lock, "the lock is renamed", &["rename", "/journal.lock\""]);
    let leaf = after(rename, "the ref's directory is synced", &["fsync(", "/refs/run/"]);
    after(leaf, "the answer", &["write(1"]);
    let before =
        lines[..lock].iter().any(|line| line.contains("journal.lock\"") && line.contains("rename"));
    assert!(!before, "nothing was renamed before it was on the disk:\n{trace}");
}
