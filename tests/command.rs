//! Attacks on helper programs: ones that hang, flood, jam, or leave a daemon with the pipe.
//!
//! The helpers are shells; git has its own tests.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests, which read clocks by themselves"
)]

use std::time::{Duration, Instant};

use git_run::process::{
    command::{ExitStatus, Finished, Group, Invocation, RunError, STDERR_TAIL_BYTES_MAX, run},
    coprocess::CoProcess,
};

fn sh(script: &str) -> Invocation {
    Invocation { deadline: Duration::from_secs(20), ..Invocation::new("sh", ["-c", script]) }
}

fn done(invocation: &Invocation) -> Finished {
    run(invocation).unwrap()
}

#[test]
fn status_and_both_streams_come_back() {
    let finished = done(&sh("echo out; echo err >&2; exit 3"));
    assert_eq!(finished.status, ExitStatus::Code(3));
    assert_eq!((&finished.stdout[..], &finished.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(done(&sh("kill -9 $$")).status, ExitStatus::Signal(9));
    assert!(done(&sh("exit 0")).status.success());
}

#[test]
fn ten_mebibytes_go_in_and_out_and_nothing_jams() {
    let bytes: Vec<u8> = (0..=255u8).cycle().take(10 << 20).collect();
    let finished = done(&Invocation { stdin: bytes.clone(), ..sh("tee /dev/stderr") });
    assert!(finished.stdout == bytes, "{}", finished.stdout.len());
    assert!(finished.stderr == bytes[bytes.len() - STDERR_TAIL_BYTES_MAX..]);
}

#[test]
fn input_that_nobody_reads_is_no_error() {
    for bytes in [10, 10 << 20] {
        let finished = done(&Invocation { stdin: vec![b'x'; bytes], ..sh("exec 0<&-; exit 5") });
        assert_eq!(finished.status, ExitStatus::Code(5));
    }
    assert_eq!(done(&sh("cat")).stdout, b"");
}

#[test]
fn a_helper_that_hangs_is_ended_with_its_group() {
    for script in ["sleep 300", "trap '' TERM; while :; do sleep 0.1; done", "sleep 300 & wait"] {
        for group in [Group::Own, Group::Ours] {
            let begin = Instant::now();
            let deadline = Duration::from_millis(200);
            let result = run(&Invocation { deadline, group, ..sh(script) });
            assert!(matches!(result, Err(RunError::TimedOut { .. })), "{script}: {result:?}");
            assert!(begin.elapsed() < Duration::from_secs(3), "{script}: {:?}", begin.elapsed());
        }
    }
}

#[test]
fn a_helper_that_floods_is_ended() {
    let result = run(&Invocation { stdout_bytes_max: 1 << 20, ..sh("yes") });
    assert!(matches!(result, Err(RunError::TooMuchOutput { .. })), "{result:?}");
    assert_eq!(done(&Invocation { stdout_bytes_max: 3, ..sh("echo ab") }).stdout, b"ab\n");
}

#[test]
fn a_daemon_that_holds_the_pipe_does_not_hold_us() {
    let begin = Instant::now();
    assert_eq!(done(&sh("sleep 4 & echo done")).stdout, b"done\n");
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}

#[test]
fn what_is_missing_is_named() {
    let missing = run(&Invocation::new("no-such-program-here", ["x"]));
    assert!(matches!(missing, Err(RunError::NotFound { .. })), "{missing:?}");
    let nowhere = run(&Invocation { cwd: Some("/no/such/directory".into()), ..sh("true") });
    assert!(matches!(nowhere, Err(RunError::Io { .. })), "{nowhere:?}");
}

#[test]
fn the_environment_is_what_was_said() {
    let said = |invocation: Invocation| {
        String::from_utf8(done(&invocation).stdout).unwrap().trim().to_owned()
    };
    let show = r#"echo "${GIT_DIR-none} ${X-none} ${HOME-none}""#;
    let path = std::env::var_os("PATH").unwrap();
    let cleared = Invocation {
        env_clear: true,
        env_set: vec![("PATH".into(), path), ("X".into(), "1".into())],
        ..sh(show)
    };
    assert_eq!(said(cleared), "none 1 none");
    let removed = Invocation { env_remove: vec!["HOME".into()], ..sh(show) };
    assert_eq!(said(removed), "none none none");
}

#[test]
fn a_coprocess_answers_line_by_line_and_says_how_it_ended() {
    let echo = "while read -r line; do echo \"<$line>\"; done; echo bye; echo sad >&2; exit 4";
    let mut co = CoProcess::start(sh(echo)).unwrap();
    let patience = Duration::from_secs(5);
    for word in ["one", "two"] {
        co.send(format!("{word}\n").as_bytes()).unwrap();
        let line = co.read_line(patience).unwrap().unwrap();
        assert_eq!(line, format!("<{word}>").into_bytes());
    }
    let late = co.read_line(Duration::from_millis(50));
    assert!(matches!(late, Err(RunError::TimedOut { .. })), "{late:?}");
    let finished = co.finish().unwrap();
    assert_eq!(finished.status, ExitStatus::Code(4));
    assert_eq!((&finished.stdout[..], &finished.stderr[..]), (&b"bye\n"[..], &b"sad\n"[..]));
}

#[test]
fn a_coprocess_that_is_gone_or_jammed_is_an_error_and_no_hang() {
    let mut gone = CoProcess::start(sh("exit 1")).unwrap();
    assert_eq!(gone.read_line(Duration::from_secs(5)).unwrap(), None);
    // Its output may be closed a moment before its input.
    let refused = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        gone.send(b"x\n").err()
    });
    assert!(matches!(refused, Some(RunError::Io { .. })), "{refused:?}");

    let deadline = Duration::from_millis(200);
    let mut deaf = CoProcess::start(Invocation { deadline, ..sh("sleep 300") }).unwrap();
    let result = deaf.send(&vec![b'x'; 1 << 20]);
    assert!(matches!(result, Err(RunError::TimedOut { .. })), "{result:?}");
    assert!(matches!(deaf.send(b"x"), Err(RunError::Io { .. })));
    let begin = Instant::now();
    drop(deaf);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());

    let mut endless = CoProcess::start(sh("yes | tr -d '\\n'")).unwrap();
    let result = endless.read_line(Duration::from_secs(5));
    assert!(matches!(result, Err(RunError::TooMuchOutput { .. })), "{result:?}");
}
