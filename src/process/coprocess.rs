//! A helper program that stays: asked line by line, as `git update-ref --stdin` is.
//!
//! It never waits longer than its deadline, and never outlives the value that stands for it.

use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    clock,
    command::{Finished, Invocation, RunError, cut_to_tail, end, keep_tail, wait_until},
};

/// The longest answer line; a longer one ends the conversation.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// How long the helper may take to end after its input was closed.
const FAREWELL: Duration = Duration::from_millis(500);

/// A running helper. Dropping it closes its input, waits a moment, and then kills it.
pub struct CoProcess {
    invocation: Invocation,
    child: Child,
    /// `None` once the input is closed.
    input: Option<Sender<Vec<u8>>>,
    written: Receiver<io::Result<()>>,
    lines: Receiver<io::Result<Vec<u8>>>,
    complaints: Option<JoinHandle<Vec<u8>>>,
}

impl fmt::Debug for CoProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoProcess").field("program", &self.invocation.program).finish()
    }
}

impl CoProcess {
    /// Starts the helper. `invocation.deadline` bounds every single exchange, not its whole life.
    pub fn start(invocation: Invocation) -> Result<Self, RunError> {
        let mut child = invocation.spawn(Stdio::piped())?;
        let (input, to_write) = channel();
        let (wrote, written) = channel();
        let (said, lines) = sync_channel(8);
        let stdin = child.stdin.take();
        thread::spawn(move || write_all(stdin, &to_write, &wrote));
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || read_lines(stdout, &said));
        }
        let complaints = child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let (mut tail, mut chunk) = (Vec::new(), [0; 4096]);
                while let Ok(n @ 1..) = stderr.read(&mut chunk) {
                    keep_tail(&mut tail, &chunk[..n]);
                }
                tail
            })
        });
        let mut coprocess =
            Self { invocation, child, input: Some(input), written, lines, complaints };
        if !coprocess.invocation.stdin.is_empty() {
            let greeting = std::mem::take(&mut coprocess.invocation.stdin);
            coprocess.send(&greeting)?;
        }
        Ok(coprocess)
    }

    /// Writes all of `bytes`, and returns once the pipe has taken them.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let sent = self.input.as_ref().map(|input| input.send(bytes.to_vec()));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.invocation.io("write to", gone()));
        }
        match self.written.recv_timeout(self.invocation.deadline) {
            Ok(result) => result.map_err(|why| self.invocation.io("write to", why)),
            Err(RecvTimeoutError::Timeout) => {
                // What was taken so far is not known, so nothing more may follow it.
                self.input = None;
                Err(self.late(self.invocation.deadline))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.invocation.io("write to", gone())),
        }
    }

    /// The next line without its newline; `None` when the helper closed its output.
    pub fn read_line(&mut self, deadline: Duration) -> Result<Option<Vec<u8>>, RunError> {
        match self.lines.recv_timeout(deadline) {
            Ok(Ok(line)) => Ok(Some(line)),
            Ok(Err(why)) if why.kind() == io::ErrorKind::FileTooLarge => {
                let program = self.invocation.name();
                Err(RunError::TooMuchOutput { program, bytes_max: LINE_BYTES_MAX })
            }
            Ok(Err(why)) => Err(self.invocation.io("read from", why)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.late(deadline)),
        }
    }

    /// Closes the input and waits for the end; the lines that were not read are in `stdout`.
    pub fn finish(mut self) -> Result<Finished, RunError> {
        self.input = None;
        let deadline = clock::monotonic() + self.invocation.deadline;
        let mut stdout = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(clock::monotonic());
            match self.read_line(left)? {
                Some(line) if self.invocation.stdout_bytes_max < stdout.len() + line.len() => {
                    let bytes_max = self.invocation.stdout_bytes_max;
                    let program = self.invocation.name();
                    return Err(RunError::TooMuchOutput { program, bytes_max });
                }
                Some(line) => {
                    stdout.extend_from_slice(&line);
                    stdout.push(b'\n');
                }
                None => break,
            }
        }
        let status = wait_until(&mut self.child, deadline)
            .map_err(|why| self.invocation.io("wait for", why))?
            .ok_or_else(|| self.late(self.invocation.deadline))?;
        Ok(Finished { status: status.into(), stdout, stderr: self.complaints() })
    }

    /// What the helper wrote to its error output; only asked once it ended.
    fn complaints(&mut self) -> Vec<u8> {
        let Some(reader) = self.complaints.take() else { return Vec::new() };
        // A daemon that the helper left behind may hold the pipe; then its words are not waited for.
        let patience = clock::monotonic() + FAREWELL;
        while !reader.is_finished() && clock::monotonic() < patience {
            thread::sleep(Duration::from_millis(1));
        }
        let mut tail =
            if reader.is_finished() { reader.join().unwrap_or_default() } else { Vec::new() };
        cut_to_tail(&mut tail);
        tail
    }

    fn late(&self, after: Duration) -> RunError {
        RunError::TimedOut { program: self.invocation.name(), after }
    }
}

impl Drop for CoProcess {
    fn drop(&mut self) {
        self.input = None;
        let farewell = clock::monotonic() + FAREWELL;
        if !matches!(wait_until(&mut self.child, farewell), Ok(Some(_))) {
            end(&mut self.child, self.invocation.group);
        }
    }
}

fn write_all(stdin: Option<ChildStdin>, bytes: &Receiver<Vec<u8>>, wrote: &Sender<io::Result<()>>) {
    let Some(mut stdin) = stdin else { return };
    for chunk in bytes {
        if wrote.send(stdin.write_all(&chunk)).is_err() {
            return;
        }
    }
}

fn read_lines(stdout: ChildStdout, lines: &SyncSender<io::Result<Vec<u8>>>) {
    let mut reader = BufReader::new(stdout);
    let bound = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    loop {
        let mut line = Vec::new();
        let result = match reader.by_ref().take(bound).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                Ok(line)
            }
            Ok(n) if n < LINE_BYTES_MAX => Ok(line),
            Ok(_) => Err(io::Error::from(io::ErrorKind::FileTooLarge)),
            Err(why) => Err(why),
        };
        let over = result.is_err();
        if lines.send(result).is_err() || over {
            return;
        }
    }
}
