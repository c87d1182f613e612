//! What a runner and its supervisor say to each other, over one socket that is the supervisor's input.
//!
//! A socket and not a pipe: through `/proc` an agent could open its supervisor's pipe, eat the orders, or hold
//! it open so that the runner's death is never seen. A socket cannot be opened there.

use super::command::ExitStatus;

/// From the runner: the start is written down, the agent may begin.
pub const GO: u8 = b'g';
/// From the runner: TERM, a grace, KILL. Closing the socket says the same.
pub const STOP: u8 = b't';
/// From the runner: KILL.
pub const KILL: u8 = b'k';

/// The agent could not be started, for a reason of the machine.
pub const NOT_STARTED: u8 = 125;
/// The agent's program may not be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// There is no such program.
pub const NOT_FOUND: u8 = 127;

/// The longest report that is read.
pub const REPORT_BYTES_MAX: usize = 4096;

/// The supervisor's last words. Without them nobody knows how the agent ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    Ended {
        status: ExitStatus,
        /// Whether the agent was asked to stop before it ended.
        asked: bool,
        /// How many of its processes could not be ended.
        survivors: usize,
    },
    NotStarted {
        code: u8,
        why: String,
    },
}

impl Report {
    /// What the supervisor's own exit code says of it.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Ended { status: ExitStatus::Code(code), .. } => {
                u8::try_from(*code).unwrap_or(255)
            }
            Self::Ended { status: ExitStatus::Signal(signal), .. } => {
                u8::try_from(128 + signal).unwrap_or(255)
            }
            Self::NotStarted { code, .. } => *code,
        }
    }

    pub(super) fn line(&self) -> String {
        let ended = |word: &str, number: i32, asked: bool, survivors: usize| {
            format!("{word} {number} {} {survivors}\n", u8::from(asked))
        };
        match self {
            Self::Ended { status: ExitStatus::Code(code), asked, survivors } => {
                ended("exited", *code, *asked, *survivors)
            }
            Self::Ended { status: ExitStatus::Signal(signal), asked, survivors } => {
                ended("signaled", *signal, *asked, *survivors)
            }
            Self::NotStarted { code, why } => {
                let why: String = why.chars().take(1000).flat_map(char::escape_debug).collect();
                format!("not-started {code} {why}\n")
            }
        }
    }

    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let (word, rest) = line.split_once(' ')?;
        let ended = |status: fn(i32) -> ExitStatus| {
            let [number, asked, survivors] = rest.split(' ').collect::<Vec<_>>()[..] else {
                return None;
            };
            Some(Self::Ended {
                status: status(number.parse().ok()?),
                asked: asked != "0",
                survivors: survivors.parse().ok()?,
            })
        };
        match word {
            "exited" => ended(ExitStatus::Code),
            "signaled" => ended(ExitStatus::Signal),
            "not-started" => {
                let (code, why) = rest.split_once(' ')?;
                Some(Self::NotStarted { code: code.parse().ok()?, why: why.to_owned() })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written_and_half_of_one_is_none() {
        for (report, code) in [
            (Report::Ended { status: ExitStatus::Code(3), asked: false, survivors: 0 }, 3),
            (Report::Ended { status: ExitStatus::Signal(15), asked: true, survivors: 2 }, 143),
            (Report::NotStarted { code: NOT_FOUND, why: "no `x y`".into() }, 127),
        ] {
            let line = report.line();
            assert_eq!(Report::parse(line.as_bytes()), Some(report.clone()), "{line:?}");
            assert_eq!(Report::parse(&line.as_bytes()[..line.len() - 1]), None, "{line:?}");
            assert_eq!(report.code(), code);
        }
        for bad in ["", "\n", "exited\n", "exited 1 0\n", "exited x 0 0\n", "done 1 0 0\n"] {
            assert_eq!(Report::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
