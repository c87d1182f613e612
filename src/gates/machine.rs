//! Runs a command of a gate: in its own session, under a supervisor that ends everything it started, with
//! a deadline, and with its output bounded.

use std::{ffi::OsString, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::{
    domain::{
        check::{TAIL_BYTES_MAX, command::End},
        id::Digest,
        secret,
        time::Span,
    },
    process::{
        agent::{self, How, Launch},
        env,
        runtime::Runtime,
        stop::StopSignal,
    },
};

/// More than this is a flood, and ends the command.
const OUTPUT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// What is kept of it while it runs: enough for a report's last lines.
const OUTPUT_BYTES_KEPT_MAX: usize = 256 * 1024;
/// Between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);

/// What an agent is told and a check is not, and what would make git work elsewhere.
const DROPPED: [&str; 15] = [
    "GIT_RUN_REPORT",
    "GIT_RUN_BRIEF",
    "GIT_RUN_ID",
    "GIT_RUN_ITEM",
    "GIT_RUN_STAGE",
    "GIT_RUN_CYCLE",
    "GIT_RUN_ATTEMPT",
    "GIT_RUN_TASK",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
];

/// How commands are run here.
pub struct Machine {
    runtime: Runtime,
    stop: StopSignal,
    environment: Vec<(OsString, OsString)>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").finish_non_exhaustive()
    }
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Ran {
    pub end: End,
    pub took: Span,
    pub output: Digest,
    /// The end of what it wrote, as it is.
    pub last: String,
}

impl Ran {
    /// What is kept of it: short, and without what looks like a secret.
    #[must_use]
    pub fn tail(&self) -> String {
        // Made unreadable before it is cut: half of a secret is not known as one.
        let text = secret::redact(&self.last);
        let from = text.len().saturating_sub(TAIL_BYTES_MAX);
        let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        text[from..].to_owned()
    }
}

impl Machine {
    /// `environment` is what agents get: a check runs what they wrote.
    pub fn new(environment: Vec<(OsString, OsString)>, stop: StopSignal) -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("cannot start the runtime for commands")?;
        let mut environment = environment;
        environment.retain(|(name, _)| !DROPPED.iter().any(|dropped| name == dropped));
        for (name, value) in
            [("GIT_RUN_AGENT", "1"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_EDITOR", ":")]
        {
            environment.retain(|(known, _)| known != name);
            environment.push((name.into(), value.into()));
        }
        Ok(Self { runtime, stop, environment })
    }

    /// The value of a variable that commands get.
    #[must_use]
    pub fn has_variable(&self, name: &str) -> bool {
        self.environment.iter().any(|(known, value)| known == name && !value.is_empty())
    }

    /// Runs a line of shell to its end, in `dir`.
    pub fn run(&mut self, line: &str, dir: &Path, timeout: Span) -> anyhow::Result<Ran> {
        let launch = Launch {
            supervisor_exe: env::own_program().context("cannot find this program itself")?,
            // In the order in which they were written: one stream is one story.
            argv: ["sh".into(), "-c".into(), format!("exec 2>&1\n{line}").into()].into(),
            env: self.environment.clone(),
            cwd: dir.to_owned(),
            stdin_file: "/dev/null".into(),
            deadline: Some(Duration::from_millis(timeout.millis())),
            idle: None,
            grace: GRACE,
            output_bytes_kept_max: OUTPUT_BYTES_KEPT_MAX,
            output_bytes_total_max: OUTPUT_BYTES_MAX,
        };
        let mut hash = Sha256::new();
        let ended = self.runtime.wait_for(agent::run(
            launch,
            |_| Ok(()),
            &mut |_, bytes: &[u8]| hash.update(bytes),
            &mut self.stop,
        ))?;
        if 0 < ended.survivors {
            bail!("{} processes of `{line}` could not be ended", ended.survivors);
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let mut last = String::new();
        if let How::CouldNotStart { why, .. } = &ended.how {
            last.push_str(why);
        }
        last.push_str(&String::from_utf8_lossy(&ended.stdout.joined()));
        last.push_str(&String::from_utf8_lossy(&ended.stderr.joined()));
        let took = Span::from_millis(u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX));
        Ok(Ran { end: end(&ended.how), took, output: Digest::parse(&hex)?, last })
    }
}

fn end(how: &How) -> End {
    match how {
        How::Exited(code) => End::Exited(*code),
        How::Signaled(signal) => End::Signaled(*signal),
        How::TimedOut | How::Idle => End::TimedOut,
        How::OutputFlood => End::Flooded,
        How::Stopped => End::Stopped,
        How::CouldNotStart { code, .. } => End::Exited((*code).into()),
        How::Lost => End::Lost,
    }
}
