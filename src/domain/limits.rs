//! How much a run may use. Every number has a name, and every number is checked before it is passed.

use super::time::Span;

/// Money in millionths of the unit that the agent reports in.
pub type Micros = u64;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Cycles of one item.
    pub cycles_max: u32,
    /// Attempts at one stage that end without a result, in a row.
    pub failures_in_a_row_max: u32,
    /// Cycles in which the same finding was reported.
    pub same_finding_max: u32,
    /// Cycles in a row that left the tree as it was.
    pub no_progress_max: u32,
    /// Cycles in a row in which the number of open findings reached no new low.
    pub plateau_max: u32,
    /// Of the run; halted time does not count.
    pub run_time_max: Span,
    /// Of one stage.
    pub stage_time_max: Span,
    /// Without a byte of output from an agent; zero means that silence is fine.
    pub silence_max: Span,
    /// Agent calls in any hour.
    pub calls_per_hour_max: u32,
    pub tokens_max: Option<u64>,
    pub cost_max: Option<Micros>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cycles_max: 20,
            failures_in_a_row_max: 3,
            same_finding_max: 3,
            no_progress_max: 5,
            plateau_max: 4,
            run_time_max: Span::from_hours(8),
            stage_time_max: Span::from_hours(2),
            silence_max: Span::ZERO,
            calls_per_hour_max: 100,
            tokens_max: None,
            cost_max: None,
        }
    }
}

/// The window of the rate limit.
pub const RATE_WINDOW: Span = Span::from_hours(1);
/// More calls an hour than this cannot be asked for: the journal keeps a time for each.
pub const CALLS_PER_HOUR_CEILING: u32 = 1000;

/// How near a budget is to its end. A later level includes the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetLevel {
    Fine,
    Warn,
    HandOver,
    Stop,
}

pub const WARN_PERCENT: u64 = 75;
pub const HAND_OVER_PERCENT: u64 = 85;
pub const STOP_PERCENT: u64 = 90;

impl BudgetLevel {
    /// The level of `used` out of `max`.
    #[must_use]
    pub fn of(used: u64, max: Option<u64>) -> Self {
        let Some(max) = max else { return Self::Fine };
        // A budget of nothing is used up before the first call.
        let percent = if max == 0 { 100 } else { u128::from(used) * 100 / u128::from(max) };
        match u64::try_from(percent).unwrap_or(u64::MAX) {
            0..WARN_PERCENT => Self::Fine,
            WARN_PERCENT..HAND_OVER_PERCENT => Self::Warn,
            HAND_OVER_PERCENT..STOP_PERCENT => Self::HandOver,
            STOP_PERCENT.. => Self::Stop,
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warn => "warn",
            Self::HandOver => "hand-over",
            Self::Stop => "stop",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Fine, Self::Warn, Self::HandOver, Self::Stop].into_iter().find(|l| l.word() == word)
    }
}

/// An amount as people write it (`12.50`), in millionths. What is finer than that is dropped.
#[must_use]
pub fn micros(text: &str) -> Option<Micros> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_warns_hands_over_and_stops_at_its_percentages() {
        for (used, level) in [
            (0, BudgetLevel::Fine),
            (74, BudgetLevel::Fine),
            (75, BudgetLevel::Warn),
            (85, BudgetLevel::HandOver),
            (89, BudgetLevel::HandOver),
            (90, BudgetLevel::Stop),
            (u64::MAX, BudgetLevel::Stop),
        ] {
            assert_eq!(BudgetLevel::of(used, Some(100)), level, "{used}");
            assert_eq!(BudgetLevel::of(used, None), BudgetLevel::Fine);
        }
        assert_eq!(BudgetLevel::of(0, Some(0)), BudgetLevel::Stop);
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, expected) in [
            ("12.50", Some(12_500_000)),
            ("0", Some(0)),
            ("3.", Some(3_000_000)),
            ("0.0000019", Some(1)),
            ("", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }
}
