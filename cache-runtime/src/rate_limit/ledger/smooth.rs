//! GCRA: each hit moves the time ahead at which a window is empty again, and a hit is admitted while that is near enough.

use super::decision::{LedgerOp, WindowCount};
use crate::rate_limit::rules::{LimitRules, LimitWindow};

/// For each window, the time at which it is empty again.
#[derive(Debug, Clone, Default)]
pub(in crate::rate_limit) struct DueTimes(Vec<u64>);

impl DueTimes {
    pub(super) fn decide(&mut self, rules: &LimitRules, op: LedgerOp, now: u64) -> (bool, Vec<WindowCount>) {
        let due = |at: usize, window: &LimitWindow| {
            let due = self.0.get(at).copied().unwrap_or(now).max(now);
            match op {
                LedgerOp::Refund(hits) => due.saturating_sub(hits.saturating_mul(window.interval)).max(now),
                LedgerOp::Reset => now,
                LedgerOp::Hit(_) | LedgerOp::Peek(_) => due,
            }
        };
        let windows = || rules.windows.iter();
        let before: Vec<u64> = windows().enumerate().map(|(at, window)| due(at, window)).collect();
        let cost = op.cost();
        let excess = |due: u64, window: &LimitWindow| {
            (due - now + cost * window.interval).saturating_sub(window.burst * window.interval)
        };
        let allowed = before.iter().zip(windows()).all(|(due, window)| excess(*due, window) == 0);
        let taken = allowed && matches!(op, LedgerOp::Hit(_));
        let after =
            |(due, window): (&u64, &LimitWindow)| due + if taken { cost * window.interval } else { 0 };
        self.0 = before.iter().zip(windows()).map(after).collect();
        let counts = self.0.iter().zip(windows()).map(|(due, window)| {
            let used = (due - now).div_ceil(window.interval);
            WindowCount {
                remaining: window.burst.saturating_sub(used),
                reset: if used == 0 { 0 } else { due - now - (used - 1) * window.interval },
                wait: if taken { 0 } else { excess(*due, window) },
            }
        });
        (allowed, counts.collect())
    }

    pub(super) fn ends_at(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
