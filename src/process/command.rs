//! Short helper programs, run to their end: bounded in time and output, never through a shell.
#![expect(clippy::disallowed_methods, reason = "children are started in this room")]

use std::{
    ffi::OsString,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::clock;

/// How much of what a helper says on its standard error is kept.
const STDERR_BYTES_MAX: u64 = 256 * 1024;
const LINE_BYTES_MAX: u64 = 64 * 1024;
const POLL: Duration = Duration::from_millis(1);
const POLL_MAX: Duration = Duration::from_millis(20);

#[derive(Debug, Clone)]
pub struct Invocation {
    pub program: OsString,
    pub args: Vec<OsString>,
    pub env_set: Vec<(OsString, OsString)>,
    pub env_remove: Vec<OsString>,
    pub env_clear: bool,
    pub cwd: Option<PathBuf>,
    pub stdin: Vec<u8>,
    pub deadline: Duration,
    pub stdout_bytes_max: usize,
}

#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("there is no program `{0}` on the PATH")]
    NotFound(String),
    #[error("it did not end within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    #[error("it said more than {0} bytes")]
    TooMuchOutput(usize),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs a program to its end. It stays in our process group, so that the terminal's Ctrl-C reaches it.
pub fn run(invocation: &Invocation) -> Result<Finished, RunError> {
    let mut child = spawn(invocation, Stdio::piped())?;
    let stdin = child.stdin.take();
    let out = reader(child.stdout.take(), invocation.stdout_bytes_max as u64 + 1);
    let err = reader(child.stderr.take(), STDERR_BYTES_MAX);
    thread::scope(|scope| {
        // A helper that does not read everything is no error: it may know enough.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(&invocation.stdin)));
        let status = wait(&mut child, invocation.deadline);
        if status.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let status = status?;
        let stdout = out.recv().unwrap_or_default();
        let stderr = err.recv().unwrap_or_default();
        if invocation.stdout_bytes_max < stdout.len() {
            return Err(RunError::TooMuchOutput(invocation.stdout_bytes_max));
        }
        Ok(Finished { status, stdout, stderr })
    })
}

fn spawn(invocation: &Invocation, stderr: Stdio) -> Result<Child, RunError> {
    let mut command = Command::new(&invocation.program);
    command.args(&invocation.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
    if invocation.env_clear {
        command.env_clear();
    }
    for name in &invocation.env_remove {
        command.env_remove(name);
    }
    command.envs(invocation.env_set.iter().map(|(name, value)| (name, value)));
    if let Some(cwd) = &invocation.cwd {
        command.current_dir(cwd);
    }
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            RunError::NotFound(invocation.program.to_string_lossy().into_owned())
        }
        _ => RunError::Io(error),
    })
}

/// Reads to the end in a thread of its own, keeping at most `bytes_max`, so that a pipe never fills up.
fn reader(pipe: Option<impl Read + Send + 'static>, bytes_max: u64) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.by_ref().take(bytes_max).read_to_end(&mut kept);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        let _ = send.send(kept);
    });
    receive
}

fn wait(child: &mut Child, deadline: Duration) -> Result<ExitStatus, RunError> {
    let begun = clock::monotonic();
    let mut pause = POLL;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if deadline < begun.elapsed() {
            return Err(RunError::TimedOut(deadline));
        }
        thread::sleep(pause);
        pause = (pause + POLL).min(POLL_MAX);
    }
}

/// A helper that is asked again and again. Dropping it closes its input, which ends it.
#[derive(Debug)]
pub struct CoProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl CoProcess {
    pub fn spawn(invocation: &Invocation) -> Result<Self, RunError> {
        let mut child = spawn(invocation, Stdio::null())?;
        let (send, lines) = mpsc::channel();
        let stdin = child.stdin.take();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || read_lines(stdout, &send));
        }
        Ok(Self { child, stdin, lines })
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(bytes)?;
        stdin.flush()
    }

    pub fn read_line(&mut self, deadline: Duration) -> io::Result<String> {
        self.lines.recv_timeout(deadline).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
            mpsc::RecvTimeoutError::Disconnected => io::ErrorKind::UnexpectedEof.into(),
        })
    }
}

impl Drop for CoProcess {
    fn drop(&mut self) {
        self.stdin = None;
        if wait(&mut self.child, Duration::from_secs(2)).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn read_lines(stdout: impl Read, send: &mpsc::Sender<String>) {
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}
