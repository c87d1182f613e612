//! A run's own time, which no clock that is set back or forth can turn around, and the calls in it.

use super::Run;
use crate::domain::{
    limits::RATE_WINDOW,
    time::{Span, Timestamp},
    workflow::Duty,
};

impl Run {
    /// When the next agent may be called, as the rate limit has it.
    #[must_use]
    pub fn next_call_at(&self, now: Timestamp) -> Option<Timestamp> {
        // A clock that was set back must neither free a second burst nor lock out for hours.
        let own = self.own_time(now);
        let limit = self.charter.limits.calls_per_hour_max.max(1) as usize;
        let recent = self.calls.iter().filter(|at| own.since(**at) < RATE_WINDOW).count();
        let by_rate = if recent < limit {
            None
        } else {
            self.calls.get(self.calls.len().saturating_sub(limit)).map(|at| at.after(RATE_WINDOW))
        };
        let until = by_rate.max(self.held_until).filter(|at| own < *at)?;
        Some(now.after(until.since(own)))
    }

    /// How many agents may be called at once, as the rate limit has it.
    #[must_use]
    pub fn calls_left(&self, now: Timestamp) -> u32 {
        let own = self.own_time(now);
        let recent = self.calls.iter().filter(|at| own.since(**at) < RATE_WINDOW).count();
        let recent = u32::try_from(recent).unwrap_or(u32::MAX);
        self.charter.limits.calls_per_hour_max.max(1).saturating_sub(recent)
    }

    pub(super) fn count_call(&mut self, duty: Duty, at: Timestamp) {
        self.calls_total = self.calls_total.saturating_add(1);
        // What this program does itself is no call of an agent.
        if !duty.calls() {
            return;
        }
        let limit = self.charter.limits.calls_per_hour_max as usize;
        self.held_until = None;
        self.calls.push_back(self.own_time(at));
        while limit.max(1) < self.calls.len() {
            self.calls.pop_front();
        }
    }

    /// Whether it is written down already that calls are held until then.
    #[must_use]
    pub fn is_held_until(&self, until: Timestamp) -> bool {
        self.held_until == Some(self.own_time(until))
    }

    /// How long it has run since the breaker was last reset.
    #[must_use]
    pub fn ran_by(&self, now: Timestamp) -> Span {
        self.ran_since_reset.plus(self.own_time(now).since(self.counted))
    }

    pub(super) fn hold(&mut self, until: Timestamp, at: Timestamp) {
        self.held_until = Some(self.own_time(at).after(until.since(at)));
    }

    pub(super) fn own_time(&self, now: Timestamp) -> Timestamp {
        self.steady.after(now.since(self.clock))
    }
}
