//! Attacks on the process room: agents that ignore, escape, flood, hang or kill, and runners that die.
//!
//! It uses the real supervisor, and finds survivors by its own look at `/proc`.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "helpers of tests, which start processes and read clocks by themselves"
)]

use std::{
    ffi::OsString,
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use git_run::{
    domain::{
        event::ProcessMark,
        time::{Span, Timestamp},
    },
    process::{
        agent::{self, Ended, How, Launch, STAGE_TOKEN, Stream},
        alive::{self, Standing, own_mark},
        clock,
        stop::{Ask, StopKind, StopSignal},
        supervisor,
    },
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Leaves a child that ignores TERM, one in its own session, and a daemon that nobody is the parent of.
const TREE: &str = r#"
sh -c 'trap "" TERM; while :; do sleep 0.2; done' &
setsid sh -c 'trap "" TERM; while :; do sleep 0.2; done' &
(setsid sh -c 'sleep 300 & sleep 300' &)
sleep 300 &
"#;

struct Stage {
    dir: TempDir,
    token: String,
}

impl Stage {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        Self::with_token(format!("stage-{}-{count}", std::process::id()))
    }

    fn with_token(token: String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("input"), "").unwrap();
        Self { dir, token }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn env(&self) -> Vec<(OsString, OsString)> {
        let path = std::env::var_os("PATH").unwrap();
        vec![("PATH".into(), path), (STAGE_TOKEN.into(), self.token.clone().into())]
    }

    fn launch(&self, script: &str) -> Launch {
        launch_in(self.dir.path(), self.env(), script)
    }

    /// How many processes carry this stage's token.
    fn living(&self) -> usize {
        living(&self.token)
    }

    fn assert_nobody_is_left(&self) {
        assert_eq!(self.living(), 0, "survivors of {}", self.token);
    }
}

fn launch_in(dir: &Path, env: Vec<(OsString, OsString)>, script: &str) -> Launch {
    Launch {
        supervisor_exe: env!("CARGO_BIN_EXE_git-run").into(),
        argv: ["sh", "-c", script].map(OsString::from).into(),
        env,
        cwd: dir.to_owned(),
        stdin_file: dir.join("input"),
        deadline: None,
        idle: None,
        grace: Duration::from_millis(300),
        output_bytes_kept_max: agent::OUTPUT_BYTES_KEPT_MAX,
        output_bytes_total_max: agent::OUTPUT_BYTES_TOTAL_MAX,
    }
}

fn living(token: &str) -> usize {
    let marker = format!("{STAGE_TOKEN}={token}");
    let alive = |pid: &str| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|b| *b == 0).any(|var| var == marker.as_bytes())
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|b| b.is_ascii_digit()) && alive(name))
        .count()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn nobody_asks() -> Ask {
    Box::new(|| None)
}

fn run(launch: Launch) -> Ended {
    run_asked(launch, nobody_asks())
}

fn run_asked(launch: Launch, ask: Ask) -> Ended {
    block_on(async {
        let mut stop = StopSignal::install(ask).unwrap();
        agent::run(launch, |_| Ok(()), &mut |_, _| {}, &mut stop).await.unwrap()
    })
}

fn wait_for(what: &str, longest: Duration, mut holds: impl FnMut() -> bool) -> Duration {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < longest, "{what} took longer than {longest:?}");
        thread::sleep(Duration::from_millis(20));
    }
    begin.elapsed()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().try_into().unwrap()).unwrap(), signal).unwrap();
}

// --- what an agent says and how it ends ---

#[test]
fn output_and_exit_code_arrive_as_they_were() {
    let stage = Stage::new();
    let mut heard = (Vec::new(), Vec::new());
    let mut mark = None;
    let ended = block_on(async {
        let mut stop = StopSignal::install(nobody_asks()).unwrap();
        let mut tail = |stream, bytes: &[u8]| match stream {
            Stream::Stdout => heard.0.extend_from_slice(bytes),
            Stream::Stderr => heard.1.extend_from_slice(bytes),
        };
        let started = |m: ProcessMark| {
            assert_eq!(alive::standing(&m), Standing::Alive);
            mark = Some(m);
            Ok(())
        };
        let launch = stage.launch("echo out; echo err >&2; pwd; exit 7");
        agent::run(launch, started, &mut tail, &mut stop).await.unwrap()
    });
    assert_eq!((ended.how, ended.survivors), (How::Exited(7), 0));
    let pwd = stage.dir.path().canonicalize().unwrap();
    assert_eq!(ended.stdout.joined(), format!("out\n{}\n", pwd.display()).into_bytes());
    assert_eq!(ended.stderr.joined(), b"err\n");
    assert_eq!(heard, (ended.stdout.head.clone(), ended.stderr.head.clone()));
    assert_eq!(alive::standing(&mark.unwrap()), Standing::Gone);
}

#[test]
fn an_agent_has_exactly_the_environment_it_was_given() {
    let stage = Stage::new();
    let launch = Launch { argv: vec!["env".into()], ..stage.launch("") };
    let stdout = String::from_utf8(run(launch).stdout.joined()).unwrap();
    let mut names: Vec<&str> = stdout.lines().map(|line| line.split('=').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, [STAGE_TOKEN, "PATH"]);
}

#[test]
fn every_end_has_its_name() {
    let stage = Stage::new();
    fs::write(stage.path("not-executable"), "x").unwrap();
    let argv = |name: &str| vec![OsString::from(name)];
    for (launch, expected) in [
        (stage.launch("kill -SEGV $$"), "Signaled(11)"),
        (stage.launch("exit 125"), "Exited(125)"),
        (Launch { argv: argv("no-such-program-here"), ..stage.launch("") }, "CouldNotStart 127"),
        (Launch { argv: argv("./not-executable"), ..stage.launch("") }, "CouldNotStart 126"),
        (Launch { stdin_file: stage.path("none"), ..stage.launch("") }, "CouldNotStart 125"),
        (Launch { argv: Vec::new(), ..stage.launch("") }, "CouldNotStart 125"),
    ] {
        let said = match run(launch).how {
            How::CouldNotStart { code, why } => {
                assert!(!why.is_empty());
                format!("CouldNotStart {code}")
            }
            how => format!("{how:?}"),
        };
        assert_eq!(said, expected);
    }
}

#[test]
fn ten_mebibytes_go_in_and_out_and_nothing_jams() {
    let stage = Stage::new();
    let bytes: Vec<u8> = (0..=255u8).cycle().take(10 << 20).collect();
    fs::write(stage.path("input"), &bytes).unwrap();
    let ended = run(Launch { output_bytes_kept_max: 16 << 20, ..stage.launch("tee /dev/stderr") });
    assert_eq!(ended.how, How::Exited(0));
    assert!(ended.stdout.joined() == bytes && ended.stderr.joined() == bytes);
}

// --- nothing starts before it was written down ---

#[test]
fn nothing_starts_without_the_word() {
    for word in [&b""[..], b"t", b"k", b"x", b"\n", b"tg"] {
        let stage = Stage::new();
        let mut supervisor = Command::new(env!("CARGO_BIN_EXE_git-run"))
            .args(["supervise", "--stdin", "/dev/null", "--", "touch", "started"])
            .current_dir(stage.dir.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(50));
        std::io::Write::write_all(supervisor.stdin.as_mut().unwrap(), word).unwrap();
        let code = supervisor.wait().unwrap().code();
        assert_eq!((code, stage.path("started").exists()), (Some(125), false), "{word:?}");
    }
}

#[test]
fn the_supervisor_alone_passes_the_exit_code_on() {
    for (script, expected) in [("exit 9", 9), ("kill -9 $$", 137)] {
        let mut supervisor = Command::new(env!("CARGO_BIN_EXE_git-run"))
            .args(["supervise", "--stdin", "/dev/null", "--", "sh", "-c", script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut control = supervisor.stdin.take().unwrap();
        std::io::Write::write_all(&mut control, b"g").unwrap();
        assert_eq!(supervisor.wait().unwrap().code(), Some(expected));
    }
    assert_eq!(supervisor::main(vec!["--what".into()]), 125);
}

#[test]
fn nothing_starts_when_the_start_could_not_be_written_down() {
    let stage = Stage::new();
    let result = block_on(async {
        let mut stop = StopSignal::install(nobody_asks()).unwrap();
        let full = |_| Err(anyhow::anyhow!("disk full"));
        agent::run(stage.launch("touch started"), full, &mut |_, _| {}, &mut stop).await
    });
    assert!(format!("{:#}", result.unwrap_err()).contains("disk full"));
    assert!(!stage.path("started").exists());
    stage.assert_nobody_is_left();
}

#[test]
fn nothing_starts_when_a_stop_was_asked_before() {
    let stage = Stage::new();
    let ended = run_asked(stage.launch("touch started"), Box::new(|| Some(StopKind::Graceful)));
    assert_eq!(ended.how, How::Stopped);
    assert!(!stage.path("started").exists());
}

// --- limits ---

#[test]
fn an_agent_that_takes_too_long_is_ended_with_its_tree() {
    let stage = Stage::new();
    let script = format!("{TREE} trap '' TERM; while :; do echo x; sleep 0.05; done");
    let ended = run(Launch {
        deadline: Some(Duration::from_millis(700)),
        idle: Some(Duration::from_secs(60)),
        ..stage.launch(&script)
    });
    assert_eq!((ended.how, ended.survivors), (How::TimedOut, 0));
    assert!(ended.took < Duration::from_secs(4), "{:?}", ended.took);
    stage.assert_nobody_is_left();
}

#[test]
fn a_silent_agent_is_idle_and_a_talking_one_is_not() {
    let stage = Stage::new();
    let idle = Some(Duration::from_millis(600));
    let ended = run(Launch { idle, ..stage.launch("echo begin; sleep 300") });
    assert_eq!(ended.how, How::Idle);
    assert_eq!(ended.stdout.joined(), b"begin\n");
    let talks = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done";
    assert_eq!(run(Launch { idle, ..stage.launch(talks) }).how, How::Exited(0));
    stage.assert_nobody_is_left();
}

#[test]
fn an_agent_may_use_its_grace_to_clean_up() {
    let stage = Stage::new();
    let script = "trap 'echo bye; exit 0' TERM; echo begin; while :; do sleep 0.02; done";
    let deadline = Some(Duration::from_millis(400));
    let grace = Duration::from_secs(20);
    let ended = run(Launch { deadline, grace, ..stage.launch(script) });
    assert_eq!(ended.how, How::TimedOut);
    assert_eq!(ended.stdout.joined(), b"begin\nbye\n");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[test]
fn a_flood_is_cut_and_bounded_in_memory() {
    let stage = Stage::new();
    let max = 16 << 20;
    let ended = run(Launch {
        output_bytes_kept_max: 64 << 10,
        output_bytes_total_max: max,
        ..stage.launch("echo first; yes")
    });
    assert_eq!(ended.how, How::OutputFlood);
    let kept = ended.stdout;
    assert!(kept.head.starts_with(b"first\ny\n"));
    assert_eq!(kept.head.len() + kept.tail.len(), 64 << 10);
    assert_eq!(kept.dropped + (64 << 10), kept.total);
    assert!(max < kept.total && kept.total < max + (64 << 20), "{}", kept.total);
    stage.assert_nobody_is_left();
}

// --- escapes ---

#[test]
fn twenty_trees_that_escape_leave_nobody() {
    let stages: Vec<Stage> = (0..20).map(|_| Stage::new()).collect();
    let script = format!("{TREE} exit 0");
    let begin = Instant::now();
    block_on(async {
        let signals = StopSignal::install(nobody_asks()).unwrap();
        let mut all = Vec::new();
        for stage in &stages {
            let (launch, mut stop) = (stage.launch(&script), signals.beside(nobody_asks()));
            all.push(Box::pin(async move {
                agent::run(launch, |_| Ok(()), &mut |_, _| {}, &mut stop).await.unwrap()
            }));
        }
        for ended in join_all(all).await {
            assert_eq!((ended.how, ended.survivors), (How::Exited(0), 0));
        }
    });
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    stages.iter().for_each(Stage::assert_nobody_is_left);
}

async fn join_all<F: Future + Unpin>(mut all: Vec<F>) -> Vec<F::Output> {
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        all.retain_mut(|one| match std::pin::Pin::new(one).poll(cx) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[test]
fn a_daemon_that_holds_the_pipe_does_not_hold_us() {
    let stage = Stage::new();
    let ended = run(stage.launch("(trap '' TERM; setsid sleep 300 &) ; echo done"));
    assert_eq!((ended.how, ended.stdout.joined()), (How::Exited(0), b"done\n".to_vec()));
    assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
    stage.assert_nobody_is_left();
}

#[test]
fn a_fork_bomb_ends() {
    let stage = Stage::new();
    let bomb = "f() { n=0; while [ $n -lt 40 ]; do (trap '' TERM; setsid sh -c 'sleep 0.3; (sleep 9 &) ; sleep 9' &); n=$((n+1)); done; }; f; exit 3";
    let ended = run(stage.launch(bomb));
    assert_eq!((ended.how, ended.survivors), (How::Exited(3), 0));
    stage.assert_nobody_is_left();
}

#[test]
fn an_agent_that_kills_its_supervisor_does_not_escape() {
    let stage = Stage::new();
    let ended = run(stage.launch(&format!("{TREE} kill -9 $PPID; sleep 300")));
    assert_eq!((ended.how, ended.survivors), (How::Lost, 0));
    stage.assert_nobody_is_left();
}

#[test]
fn an_agent_that_stops_its_supervisor_does_not_escape() {
    let stage = Stage::new();
    let ended = run(Launch {
        deadline: Some(Duration::from_millis(300)),
        grace: Duration::from_millis(10),
        ..stage.launch("(setsid sleep 300 &); kill -STOP $PPID; sleep 300")
    });
    assert_eq!((ended.how, ended.survivors), (How::TimedOut, 0));
    stage.assert_nobody_is_left();
}

#[test]
fn a_run_that_is_dropped_takes_its_tree_with_it() {
    let stage = Stage::new();
    let script = format!("{TREE} touch ready; sleep 300");
    block_on(async {
        let mut stop = StopSignal::install(nobody_asks()).unwrap();
        let mut nothing = |_, _: &[u8]| {};
        let run = agent::run(stage.launch(&script), |_| Ok(()), &mut nothing, &mut stop);
        let ready = async {
            while !stage.path("ready").exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            _ = run => panic!("it cannot end"),
            () = ready => {}
        }
    });
    assert!(0 < stage.living());
    wait_for("the end of the tree", Duration::from_secs(6), || stage.living() == 0);
}

// --- runners that are signalled, killed, or crash at a point ---

/// Not a test: a runner in a process of its own, which the tests below signal and kill.
#[test]
#[ignore = "started by the tests that kill it"]
fn a_runner_to_be_killed() {
    let Some(dir) = std::env::var_os("RUNNER_DIR").map(PathBuf::from) else { return };
    let token = std::env::var_os("RUNNER_TOKEN").unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let script = fs::read_to_string(dir.join("script")).unwrap();
    let millis = std::env::var("RUNNER_GRACE").unwrap().parse().unwrap();
    let env = vec![("PATH".into(), path), (STAGE_TOKEN.into(), token)];
    let launch = Launch { grace: Duration::from_millis(millis), ..launch_in(&dir, env, &script) };
    let ended = block_on(async {
        let mut stop = StopSignal::install(nobody_asks()).unwrap();
        let write_down = |mark: ProcessMark| {
            Ok(fs::write(dir.join("mark"), format!("{} {}", mark.pid, mark.start))?)
        };
        agent::run(launch, write_down, &mut |_, _| {}, &mut stop).await.unwrap()
    });
    fs::write(dir.join("ended"), format!("{:?} {}", ended.how, ended.survivors)).unwrap();
}

fn runner(stage: &Stage, script: &str, grace_ms: u32, env: &[(&str, &str)]) -> Child {
    fs::write(stage.path("script"), script).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_runner_to_be_killed"])
        .env("RUNNER_DIR", stage.dir.path())
        .env("RUNNER_TOKEN", &stage.token)
        .env("RUNNER_GRACE", grace_ms.to_string())
        .envs(env.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn ready(stage: &Stage) {
    wait_for("the start", Duration::from_secs(10), || stage.path("ready").exists());
}

#[test]
fn a_runner_killed_with_nine_takes_the_whole_tree_with_it() {
    let stage = Stage::new();
    let script = format!("{TREE} trap '' TERM; touch ready; while :; do sleep 0.2; done");
    let mut runner = runner(&stage, &script, 300, &[]);
    ready(&stage);
    assert!(6 <= stage.living(), "the tree must stand first");
    let mark = mark(&stage);
    assert_eq!(alive::standing(&mark), Standing::Alive);
    signal(&runner, Signal::KILL);
    runner.wait().unwrap();
    wait_for("the end of the tree", Duration::from_secs(5), || stage.living() == 0);
    // Whoever watched over it goes last.
    wait_for("the end of the supervisor", Duration::from_secs(5), || {
        alive::standing(&mark) == Standing::Gone
    });
}

fn mark(stage: &Stage) -> ProcessMark {
    let text = fs::read_to_string(stage.path("mark")).unwrap();
    let (pid, start) = text.split_once(' ').unwrap();
    let start = start.parse().unwrap();
    ProcessMark { pid: pid.parse().unwrap(), start, ..own_mark() }
}

#[test]
fn a_marked_supervisor_can_be_ended_by_somebody_else() {
    for (stopped_first, patience) in [(false, 5), (true, 0)] {
        let stage = Stage::new();
        let mut runner = runner(&stage, &format!("{TREE} touch ready; sleep 300"), 300, &[]);
        ready(&stage);
        let mark = mark(&stage);
        if stopped_first {
            let pid = Pid::from_raw(mark.pid.try_into().unwrap()).unwrap();
            kill_process(pid, Signal::STOP).unwrap();
        }
        assert_eq!(alive::terminate(&mark, Duration::from_secs(patience)), Standing::Gone);
        runner.wait().unwrap();
        stage.assert_nobody_is_left();
    }
}

#[test]
fn a_process_id_that_was_given_out_again_is_somebody_else() {
    let mut mark = own_mark();
    mark.start += 1;
    assert_eq!(alive::terminate(&mark, Duration::ZERO), Standing::Gone);
}

#[test]
fn the_first_signal_asks_and_the_second_insists() {
    let (asked, insisted) = (Stage::new(), Stage::new());
    let stubborn = "trap '' TERM; touch ready; while :; do sleep 0.05; done";
    let mut first = runner(&asked, "touch ready; sleep 300", 60_000, &[]);
    let mut second = runner(&insisted, stubborn, 60_000, &[]);
    ready(&asked);
    ready(&insisted);
    signal(&first, Signal::INT);
    signal(&second, Signal::TERM);
    thread::sleep(Duration::from_millis(600));
    assert!(0 < insisted.living(), "it has a minute of grace");
    signal(&second, Signal::TERM);
    for (runner, stage) in [(&mut first, &asked), (&mut second, &insisted)] {
        assert!(runner.wait().unwrap().success());
        assert_eq!(fs::read_to_string(stage.path("ended")).unwrap(), "Stopped 0");
        stage.assert_nobody_is_left();
    }
}

#[test]
fn a_signal_that_our_parent_ignores_stays_ignored() {
    let stage = Stage::new();
    fs::write(stage.path("script"), "touch ready; sleep 1; exit 4").unwrap();
    let mut runner = Command::new("sh")
        .args(["-c", r#"trap "" HUP; exec "$0" --ignored --exact a_runner_to_be_killed"#])
        .arg(std::env::current_exe().unwrap())
        .env("RUNNER_DIR", stage.dir.path())
        .env("RUNNER_TOKEN", &stage.token)
        .env("RUNNER_GRACE", "100")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    ready(&stage);
    signal(&runner, Signal::HUP);
    runner.wait().unwrap();
    assert_eq!(fs::read_to_string(stage.path("ended")).unwrap(), "Exited(4) 0");
}

#[cfg(debug_assertions)]
#[test]
fn a_crash_at_every_point_leaves_nobody_and_starts_nothing_unwritten() {
    let names = ["agent-supervised", "agent-marked", "agent-released"];
    let whole = Stage::new();
    let log = whole.path("log");
    let log = [("GIT_RUN_CRASH_LOG", log.to_str().unwrap())];
    assert!(runner(&whole, "exit 0", 100, &log).wait().unwrap().success());
    let reached = fs::read_to_string(whole.path("log")).unwrap();
    assert_eq!(reached.lines().collect::<Vec<_>>(), names);
    for (at, name) in (1..).zip(names) {
        let stage = Stage::new();
        let at = at.to_string();
        let script = "touch started; sleep 300";
        let mut runner = runner(&stage, script, 100, &[("GIT_RUN_CRASH_AT", &at)]);
        assert_eq!(runner.wait().unwrap().signal(), Some(9), "{name}");
        wait_for("the end of the tree", Duration::from_secs(5), || stage.living() == 0);
        let (started, marked) = (stage.path("started").exists(), stage.path("mark").exists());
        assert_eq!(marked, name != "agent-supervised", "{name}");
        assert!(!started || name == "agent-released", "{name}");
    }
}

#[test]
fn a_sleep_ends_at_its_time_or_when_somebody_asks() {
    let soon = |millis| clock::now().after(Span::from_millis(millis));
    block_on(async {
        let mut calm = StopSignal::install(nobody_asks()).unwrap();
        let begin = Instant::now();
        assert_eq!(calm.sleep_until(soon(300)).await, None);
        assert!((250..3000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
        assert_eq!(calm.sleep_until(Timestamp::from_millis(0)).await, None);

        let ask = move || (Duration::from_millis(100) < begin.elapsed()).then_some(StopKind::Now);
        let mut asked = calm.beside(Box::new(ask));
        assert_eq!(asked.sleep_until(soon(60_000)).await, Some(StopKind::Now));
        assert_eq!((calm.pending(), asked.pending()), (None, Some(StopKind::Now)));
    });
}

#[test]
fn the_program_itself_can_ask_for_a_stop() {
    let stage = Stage::new();
    let ready = stage.path("ready");
    let ask: Ask = Box::new(move || ready.exists().then_some(StopKind::Graceful));
    let ended = run_asked(stage.launch("touch ready; sleep 300"), ask);
    assert_eq!(ended.how, How::Stopped);
    assert!(ended.took < Duration::from_secs(4), "{:?}", ended.took);
    stage.assert_nobody_is_left();
}
