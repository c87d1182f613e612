//! One agent, from its start to the end of its last process, as the runner sees it.
//!
//! It never starts anything that is not written down first, never lets a pipe fill up, and never calls an
//! end a success: it says how the process ended, and others judge.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::{ExitStatus as StdStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use super::{
    alive, clock,
    command::ExitStatus,
    control::{GO, KILL, REPORT_BYTES_MAX, Report, STOP},
    fault,
    kept::{Keeping, Kept},
    stop::{StopKind, StopSignal},
    supervisor::{GRACE_MAX, LEFTOVERS_GRACE},
    sweep, table,
};

use crate::domain::event::ProcessMark;

/// The variable whose value is unique to one start of one agent; by it leftovers are found.
pub const STAGE_TOKEN: &str = "GIT_RUN_STAGE_TOKEN";

/// Kept of each stream when the caller names no bound.
pub const OUTPUT_BYTES_KEPT_MAX: usize = 8 * 1024 * 1024;
/// Both streams together; more is a flood.
pub const OUTPUT_BYTES_TOTAL_MAX: u64 = 256 * 1024 * 1024;
/// Between TERM and KILL.
pub const GRACE: Duration = Duration::from_secs(5);

/// How long pipes may stay open after the end: a process that escaped may hold them.
const PIPES_AFTER_EXIT: Duration = Duration::from_secs(2);
/// How long a supervisor may take to notice that it was not released.
const FAREWELL: Duration = Duration::from_secs(1);
/// What a supervisor may need beyond all its graces before it counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const CHUNK_BYTES: usize = 64 * 1024;

/// One start of one agent, completely said.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program whose hidden subcommand `supervise` is [`super::supervisor::main`].
    pub supervisor_exe: PathBuf,
    pub argv: Vec<OsString>,
    /// The whole environment: nothing of ours is added.
    pub env: Vec<(OsString, OsString)>,
    pub cwd: PathBuf,
    pub stdin_file: PathBuf,
    pub deadline: Option<Duration>,
    /// How long the agent may say nothing.
    pub idle: Option<Duration>,
    pub grace: Duration,
    pub output_bytes_kept_max: usize,
    pub output_bytes_total_max: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Ended {
    pub how: How,
    pub stdout: Kept,
    pub stderr: Kept,
    pub took: Duration,
    /// How many of the agent's processes could not be ended. They may still be writing.
    pub survivors: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    Exited(i32),
    Signaled(i32),
    TimedOut,
    Idle,
    OutputFlood,
    /// By request, whatever its exit code was then.
    Stopped,
    /// Nothing ran.
    CouldNotStart {
        code: u8,
        why: String,
    },
    /// The supervisor was killed; how the agent ended is not known.
    Lost,
}

/// Runs an agent to its end. `on_started` has to write the mark down durably; when it fails, nothing starts.
///
/// When the returned future is dropped, the supervisor sees its socket close and stops the whole tree.
pub async fn run(
    launch: Launch,
    on_started: impl FnOnce(ProcessMark) -> anyhow::Result<()>,
    tail: &mut dyn FnMut(Stream, &[u8]),
    stop: &mut StopSignal,
) -> anyhow::Result<Ended> {
    let began = clock::monotonic();
    let (control, theirs) = UnixStream::pair().context("making the supervisor's socket")?;
    control.set_nonblocking(true).context("making the supervisor's socket")?;
    let mut child = spawn(&launch, theirs).with_context(|| {
        let (exe, cwd) = (launch.supervisor_exe.display(), launch.cwd.display());
        format!("starting `{exe}` in `{cwd}`")
    })?;
    let pid = child.id().context("the supervisor has no process id")?;
    fault::point("agent-supervised");
    if let Err(why) = on_started(alive::mark_of(pid)) {
        drop(control);
        let _ = tokio::time::timeout(FAREWELL, child.wait()).await;
        return Err(why.context("writing down which process the agent runs under"));
    }
    fault::point("agent-marked");
    let mut watch = Watch::new(&launch, &mut child, control, pid, began);
    if stop.pending().is_some() {
        watch.dismiss();
    } else {
        watch.tell(GO);
        fault::point("agent-released");
    }
    let status = watch.follow(&mut child, tail, stop).await?;
    let report = watch.report();
    if report.is_none() {
        tracing::warn!(%status, "the supervisor ended without a report");
        watch.sweep_abandoned().await;
    }
    watch.drain(tail).await;
    Ok(watch.conclude(report))
}

fn spawn(launch: &Launch, control: UnixStream) -> io::Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "the one place that starts supervisors")]
    let mut command = Command::new(&launch.supervisor_exe);
    command
        .args([OsStr::new("supervise"), OsStr::new("--stdin"), launch.stdin_file.as_os_str()])
        .arg("--grace-ms")
        .arg(launch.grace.min(GRACE_MAX).as_millis().to_string())
        .arg("--")
        .args(&launch.argv)
        .env_clear()
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&launch.cwd)
        .stdin(Stdio::from(OwnedFd::from(control)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn()
}

/// One of the agent's output streams; `from` is `None` once it ended.
struct Pipe<R> {
    stream: Stream,
    from: Option<R>,
    chunk: Vec<u8>,
    keeping: Keeping,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(stream: Stream, from: Option<R>, kept_max: usize) -> Self {
        Self { stream, from, chunk: vec![0; CHUNK_BYTES], keeping: Keeping::new(kept_max) }
    }

    /// Reads the next piece; waits for ever at the end. Nothing is lost when it is dropped.
    async fn read(&mut self) -> usize {
        let Some(from) = &mut self.from else { return std::future::pending().await };
        // A pipe that cannot be read any more has ended.
        from.read(&mut self.chunk).await.unwrap_or(0)
    }

    fn take(&mut self, n: usize, tail: &mut dyn FnMut(Stream, &[u8])) {
        if n == 0 {
            self.from = None;
        }
        let chunk = &self.chunk[..n];
        self.keeping.push(chunk);
        if n != 0 {
            tail(self.stream, chunk);
        }
    }
}

enum Event {
    Out(usize),
    Err(usize),
    Ended(io::Result<StdStatus>),
    Look,
}

struct Watch<'a> {
    launch: &'a Launch,
    pid: u32,
    control: Option<UnixStream>,
    out: Pipe<ChildStdout>,
    err: Pipe<ChildStderr>,
    began: Instant,
    heard_at: Instant,
    /// Why the agent was told to stop, and what it was told last.
    reason: Option<How>,
    told: Option<StopKind>,
    /// When a supervisor that was told to stop counts as stuck.
    stuck_at: Option<Instant>,
    survivors: usize,
}

impl<'a> Watch<'a> {
    fn new(
        launch: &'a Launch,
        child: &mut Child,
        control: UnixStream,
        pid: u32,
        began: Instant,
    ) -> Self {
        let kept_max = launch.output_bytes_kept_max;
        Self {
            launch,
            pid,
            control: Some(control),
            out: Pipe::new(Stream::Stdout, child.stdout.take(), kept_max),
            err: Pipe::new(Stream::Stderr, child.stderr.take(), kept_max),
            began,
            heard_at: clock::monotonic(),
            reason: None,
            told: None,
            stuck_at: None,
            survivors: 0,
        }
    }

    /// Says one word. A supervisor that cannot hear it is ending already.
    fn tell(&mut self, word: u8) {
        if let Some(control) = &mut self.control {
            let _ = control.write_all(&[word]);
        }
    }

    /// Ends a supervisor that was not released yet; its report can still be read.
    fn dismiss(&mut self) {
        self.reason = Some(How::Stopped);
        if let Some(control) = &self.control {
            let _ = control.shutdown(Shutdown::Write);
        }
    }

    async fn follow(
        &mut self,
        child: &mut Child,
        tail: &mut dyn FnMut(Stream, &[u8]),
        stop: &mut StopSignal,
    ) -> anyhow::Result<StdStatus> {
        loop {
            let pause = self.look_in();
            let event = tokio::select! {
                n = self.out.read() => Event::Out(n),
                n = self.err.read() => Event::Err(n),
                status = child.wait() => Event::Ended(status),
                () = stop.changed() => Event::Look,
                () = tokio::time::sleep(pause) => Event::Look,
            };
            match event {
                Event::Out(n) => self.out.take(n, tail),
                Event::Err(n) => self.err.take(n, tail),
                Event::Ended(status) => return status.context("waiting for the supervisor"),
                Event::Look => {}
            }
            let now = clock::monotonic();
            if let Event::Out(1..) | Event::Err(1..) = event {
                self.heard_at = now;
            }
            self.judge(now, stop.look());
            if self.stuck_at.is_some_and(|at| at <= now) {
                self.unstick().await;
            }
        }
    }

    /// How long nothing needs to be looked at.
    fn look_in(&self) -> Duration {
        let now = clock::monotonic();
        let left = |from: Instant, span: Option<Duration>| {
            span.map_or(LOOK_EVERY, |span| span.saturating_sub(now - from))
        };
        if self.told.is_some() {
            return LOOK_EVERY.min(self.stuck_at.map_or(LOOK_EVERY, |at| at - now));
        }
        LOOK_EVERY
            .min(left(self.began, self.launch.deadline))
            .min(left(self.heard_at, self.launch.idle))
    }

    fn judge(&mut self, now: Instant, asked: Option<StopKind>) {
        let passed = |from: Instant, span: Option<Duration>| span.is_some_and(|s| s <= now - from);
        let total = self.out.keeping.total() + self.err.keeping.total();
        if let Some(kind) = asked {
            self.stop(How::Stopped, kind, now);
        }
        if self.launch.output_bytes_total_max < total {
            self.stop(How::OutputFlood, StopKind::Now, now);
        }
        if passed(self.began, self.launch.deadline) {
            self.stop(How::TimedOut, StopKind::Graceful, now);
        }
        if passed(self.heard_at, self.launch.idle) {
            self.stop(How::Idle, StopKind::Graceful, now);
        }
    }

    /// The first reason is the reason; later ones can only make it more urgent.
    fn stop(&mut self, reason: How, kind: StopKind, now: Instant) {
        if Some(kind) <= self.told {
            return;
        }
        self.reason.get_or_insert(reason);
        self.told = Some(kind);
        let (word, grace) = match kind {
            StopKind::Graceful => (STOP, self.launch.grace.min(GRACE_MAX) + LEFTOVERS_GRACE),
            StopKind::Now => (KILL, Duration::ZERO),
        };
        self.tell(word);
        self.stuck_at = Some(now + grace + sweep::SWEEP_MAX + STUCK_AFTER);
    }

    /// Ends a supervisor that no longer listens, say because its agent stopped it, with its whole tree.
    async fn unstick(&mut self) {
        self.stuck_at = None;
        let root = i32::try_from(self.pid).ok().and_then(table::entry);
        if let Some(root) = root {
            let swept = tokio::task::spawn_blocking(move || sweep::tree(&root)).await;
            self.survivors += swept.unwrap_or(1);
        }
    }

    /// Reads what is still in the pipes, but does not wait for a process that escaped with them.
    async fn drain(&mut self, tail: &mut dyn FnMut(Stream, &[u8])) {
        let until = tokio::time::Instant::from_std(clock::monotonic() + PIPES_AFTER_EXIT);
        let over = tokio::time::sleep_until(until);
        tokio::pin!(over);
        while self.out.from.is_some() || self.err.from.is_some() {
            tokio::select! {
                // First, so that a flood cannot keep us here.
                biased;
                () = &mut over => return,
                n = self.out.read() => self.out.take(n, tail),
                n = self.err.read() => self.err.take(n, tail),
            }
        }
    }

    fn conclude(mut self, report: Option<Report>) -> Ended {
        let how = match report {
            Some(Report::Ended { status, asked, survivors }) => {
                self.survivors += survivors;
                match (self.reason.take(), status) {
                    (Some(reason), _) if asked => reason,
                    (_, ExitStatus::Code(code)) => How::Exited(code),
                    (_, ExitStatus::Signal(signal)) => How::Signaled(signal),
                }
            }
            Some(Report::NotStarted { code, why }) => match self.reason.take() {
                Some(How::Stopped) => How::Stopped,
                _ => How::CouldNotStart { code, why },
            },
            None => self.reason.take().unwrap_or(How::Lost),
        };
        Ended {
            how,
            stdout: self.out.keeping.done(),
            stderr: self.err.keeping.done(),
            took: clock::monotonic() - self.began,
            survivors: self.survivors,
        }
    }

    fn report(&mut self) -> Option<Report> {
        let control = self.control.take()?;
        let mut line = Vec::new();
        let max = u64::try_from(REPORT_BYTES_MAX).unwrap_or(u64::MAX);
        // The other end is closed, or nobody writes there any more: this does not wait.
        let _ = control.take(max).read_to_end(&mut line);
        Report::parse(&line)
    }

    async fn sweep_abandoned(&mut self) {
        let session = i32::try_from(self.pid).ok();
        let marker =
            self.launch.env.iter().find(|(name, _)| name == STAGE_TOKEN).map(|(_, value)| {
                let mut marker = OsString::from(format!("{STAGE_TOKEN}="));
                marker.push(value);
                marker
            });
        let swept =
            tokio::task::spawn_blocking(move || sweep::abandoned(session, marker.as_deref())).await;
        self.survivors += swept.unwrap_or(1);
    }
}
