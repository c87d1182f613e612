//! Short helper programs: started, fed, read and ended within a deadline and a bound.
//!
//! It never goes through a shell, never leaves a child's input to the terminal, and never waits for ever.

use std::{
    ffi::OsString,
    io::{self, Read, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::clock;

/// How much of what a helper complains about is kept: the end of it.
pub const STDERR_TAIL_BYTES_MAX: usize = 64 * 1024;
/// What a helper may say when the caller names no bound.
pub const STDOUT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a helper may take when the caller names no deadline.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Between TERM and KILL: git removes its lock files on TERM.
const GRACE: Duration = Duration::from_millis(500);
/// How long pipes may stay open after the helper ended: a daemon that it left behind may hold them.
const PIPES_AFTER_EXIT: Duration = Duration::from_millis(500);
/// How often the helper is looked at while its pipes are silent.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const CHUNK_BYTES: usize = 64 * 1024;
/// A pipe takes this much without a reader, whatever the system's settings.
const PIPE_TAKES_BYTES: usize = 4096;

/// One helper program, completely said.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub program: OsString,
    pub args: Vec<OsString>,
    /// Applied after `env_clear` and `env_remove`.
    pub env_set: Vec<(OsString, OsString)>,
    pub env_remove: Vec<OsString>,
    pub env_clear: bool,
    pub cwd: Option<PathBuf>,
    pub stdin: Vec<u8>,
    pub deadline: Duration,
    pub stdout_bytes_max: usize,
    pub group: Group,
}

/// Whom the terminal's Ctrl-C reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The helper leads a process group of its own; the terminal does not reach it.
    Own,
    /// The helper stays in our group, so that the terminal reaches it together with us.
    Ours,
}

impl Invocation {
    pub fn new<I, A>(program: impl Into<OsString>, args: I) -> Self
    where
        I: IntoIterator<Item = A>,
        A: Into<OsString>,
    {
        Self {
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            env_set: Vec::new(),
            env_remove: Vec::new(),
            env_clear: false,
            cwd: None,
            stdin: Vec::new(),
            deadline: DEADLINE,
            stdout_bytes_max: STDOUT_BYTES_MAX,
            group: Group::Own,
        }
    }

    /// The program's name, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.program.to_string_lossy().chars().take(200).flat_map(char::escape_debug).collect()
    }

    pub(super) fn spawn(&self, stdin: Stdio) -> Result<Child, RunError> {
        #[expect(clippy::disallowed_methods, reason = "the one place that starts helpers")]
        let mut command = Command::new(&self.program);
        if self.env_clear {
            command.env_clear();
        }
        for name in &self.env_remove {
            command.env_remove(name);
        }
        command.args(&self.args).envs(self.env_set.iter().map(|(name, value)| (name, value)));
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if self.group == Group::Own {
            command.process_group(0);
        }
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|why| match why.kind() {
            // A missing directory is reported by the same error as a missing program.
            io::ErrorKind::NotFound if self.cwd.as_ref().is_none_or(|dir| dir.is_dir()) => {
                RunError::NotFound { program: self.name() }
            }
            _ => self.io("start", why),
        })
    }

    pub(super) fn io(&self, doing: &'static str, source: io::Error) -> RunError {
        RunError::Io { program: self.name(), doing, source }
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    Code(i32),
    Signal(i32),
}

impl ExitStatus {
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl From<std::process::ExitStatus> for ExitStatus {
    fn from(status: std::process::ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    /// The end of it, at most [`STDERR_TAIL_BYTES_MAX`].
    pub stderr: Vec<u8>,
}

/// Why there is no result. Whether the helper did its work is then unknown.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the program `{program}` was not found")]
    NotFound { program: String },
    #[error("`{program}` did not end within {after:?} and was stopped")]
    TimedOut { program: String, after: Duration },
    #[error("`{program}` wrote more than {bytes_max} bytes and was stopped")]
    TooMuchOutput { program: String, bytes_max: usize },
    #[error("could not {doing} `{program}`")]
    Io { program: String, doing: &'static str, source: io::Error },
}

/// Runs a helper to its end.
pub fn run(invocation: &Invocation) -> Result<Finished, RunError> {
    let deadline = clock::monotonic() + invocation.deadline;
    let stdin = if invocation.stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = invocation.spawn(stdin)?;
    let (sender, receiver) = sync_channel(8);
    if let Some(out) = child.stdout.take() {
        pump(out, sender.clone(), Said::Out);
    }
    if let Some(err) = child.stderr.take() {
        pump(err, sender, Said::Err);
    }
    if let Some(mut stdin) = child.stdin.take() {
        // The helper may end without reading everything; its status says what that means.
        if invocation.stdin.len() <= PIPE_TAKES_BYTES {
            let _ = stdin.write_all(&invocation.stdin);
        } else {
            let bytes = invocation.stdin.clone();
            thread::spawn(move || stdin.write_all(&bytes));
        }
    }
    let result = collect(invocation, &mut child, &receiver, deadline);
    if result.is_err() {
        end(&mut child, invocation.group);
    }
    result
}

enum Said {
    Out(Vec<u8>),
    Err(Vec<u8>),
}

fn pump(mut from: impl Read + Send + 'static, to: SyncSender<Said>, say: fn(Vec<u8>) -> Said) {
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => return,
                Ok(n) if to.send(say(chunk[..n].to_vec())).is_err() => return,
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
}

/// Reads both pipes to their ends, and waits for the helper.
fn collect(
    invocation: &Invocation,
    child: &mut Child,
    said: &Receiver<Said>,
    deadline: Instant,
) -> Result<Finished, RunError> {
    let late = || RunError::TimedOut { program: invocation.name(), after: invocation.deadline };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut until = deadline;
    let mut ended = None;
    loop {
        let left = until.saturating_duration_since(clock::monotonic());
        match said.recv_timeout(left.min(LOOK_EVERY)) {
            Ok(Said::Out(chunk)) => {
                if invocation.stdout_bytes_max < stdout.len() + chunk.len() {
                    let bytes_max = invocation.stdout_bytes_max;
                    return Err(RunError::TooMuchOutput { program: invocation.name(), bytes_max });
                }
                stdout.extend_from_slice(&chunk);
            }
            Ok(Said::Err(chunk)) => keep_tail(&mut stderr, &chunk),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if ended.is_none() => {
                ended = child.try_wait().map_err(|why| invocation.io("wait for", why))?;
                if ended.is_some() {
                    until = until.min(clock::monotonic() + PIPES_AFTER_EXIT);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if until <= clock::monotonic() {
            if ended.is_some() {
                break;
            }
            return Err(late());
        }
    }
    let ended = match ended {
        Some(status) => Some(status),
        None => wait_until(child, deadline).map_err(|why| invocation.io("wait for", why))?,
    };
    cut_to_tail(&mut stderr);
    Ok(Finished { status: ended.ok_or_else(late)?.into(), stdout, stderr })
}

pub(super) fn keep_tail(tail: &mut Vec<u8>, chunk: &[u8]) {
    tail.extend_from_slice(chunk);
    // Twice the bound before cutting, so that long complaints are not moved byte by byte.
    if 2 * STDERR_TAIL_BYTES_MAX < tail.len() {
        cut_to_tail(tail);
    }
}

pub(super) fn cut_to_tail(tail: &mut Vec<u8>) {
    tail.drain(..tail.len().saturating_sub(STDERR_TAIL_BYTES_MAX));
}

/// Waits for a child that is about to end; `None` when it did not by then.
pub(super) fn wait_until(
    child: &mut Child,
    deadline: Instant,
) -> io::Result<Option<std::process::ExitStatus>> {
    let mut pause = Duration::from_micros(50);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if deadline <= clock::monotonic() {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// TERM, a grace, KILL for the whole group, and the status collected.
pub(super) fn end(child: &mut Child, group: Group) {
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    // An error while signalling means that nobody is left to tell.
    let tell = |signal| match group {
        Group::Own => kill_process_group(pid, signal),
        Group::Ours => kill_process(pid, signal),
    };
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    let _ = tell(Signal::TERM);
    let grace_over = clock::monotonic() + GRACE;
    while runs(pid) && clock::monotonic() < grace_over {
        thread::sleep(Duration::from_millis(2));
    }
    let _ = tell(Signal::KILL);
    let _ = wait_until(child, clock::monotonic() + GRACE);
}

/// Looks without collecting: until it is collected nobody else gets its id, so that KILL cannot reach a stranger.
#[cfg(not(any(target_os = "openbsd", target_os = "redox", target_os = "cygwin")))]
fn runs(pid: Pid) -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};

    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::Pid(pid), look), Ok(None))
}

/// There one cannot look without collecting.
#[cfg(any(target_os = "openbsd", target_os = "redox", target_os = "cygwin"))]
fn runs(_pid: Pid) -> bool {
    true
}
