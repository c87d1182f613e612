//! What the end of a command means. What did not come to an end of its own proves nothing, neither that
//! tests pass nor that they fail.

use super::Answer;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Signaled(i32),
    TimedOut,
    /// It wrote more than anybody reads.
    Flooded,
    /// By request.
    Stopped,
    Lost,
}

impl End {
    #[must_use]
    pub fn says(self) -> String {
        match self {
            Self::Exited(126) => "it could not be executed (126)".to_owned(),
            Self::Exited(127) => "there is no such program (127)".to_owned(),
            Self::Exited(code) => format!("it ended with {code}"),
            Self::Signaled(signal) => format!("signal {signal} ended it"),
            Self::TimedOut => "it did not end in time".to_owned(),
            Self::Flooded => "it wrote too much".to_owned(),
            Self::Stopped => "it was stopped".to_owned(),
            Self::Lost => "how it ended is not known".to_owned(),
        }
    }
}

/// What is asked of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expect {
    #[default]
    Pass,
    /// Tests that were written first have to fail.
    Fail,
}

impl Expect {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pass, Self::Fail].into_iter().find(|expect| expect.word() == word)
    }
}

/// A shell's word for a program that a signal ended.
const BY_SIGNAL: i32 = 128;

#[must_use]
pub fn judge(end: End, expect: Expect) -> Answer {
    match (end, expect) {
        (End::Exited(126 | 127), _) => Answer::Unknown,
        (End::Exited(0), Expect::Pass) => Answer::Pass,
        (End::Exited(0), Expect::Fail) => Answer::Fail,
        (End::Exited(_) | End::Signaled(_), Expect::Pass) => Answer::Fail,
        (End::Exited(code), Expect::Fail) if code < BY_SIGNAL => Answer::Pass,
        // A test program that crashes has not failed a test.
        (End::Exited(_) | End::Signaled(_), Expect::Fail) => Answer::Unknown,
        (End::TimedOut | End::Flooded | End::Stopped | End::Lost, _) => Answer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_of_its_own_proves_anything() {
        let ends = [
            End::Exited(0),
            End::Exited(1),
            End::Exited(126),
            End::Exited(127),
            End::Exited(139),
            End::Signaled(9),
            End::TimedOut,
            End::Flooded,
            End::Stopped,
            End::Lost,
        ];
        let table: Vec<_> = ends
            .iter()
            .map(|end| {
                let word = |expect| judge(*end, expect).word();
                format!("{end:?}: {} {}", word(Expect::Pass), word(Expect::Fail))
            })
            .collect();
        assert_eq!(
            table,
            [
                "Exited(0): pass fail",
                "Exited(1): fail pass",
                "Exited(126): unknown unknown",
                "Exited(127): unknown unknown",
                "Exited(139): fail unknown",
                "Signaled(9): fail unknown",
                "TimedOut: unknown unknown",
                "Flooded: unknown unknown",
                "Stopped: unknown unknown",
                "Lost: unknown unknown",
            ]
        );
    }
}
