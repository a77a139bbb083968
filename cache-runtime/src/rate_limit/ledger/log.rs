//! The exact log: a window holds the hits since its length ago, and never more than its limit.

use std::collections::VecDeque;

use super::decision::{LedgerOp, WindowCount};
use crate::rate_limit::rules::LimitRules;

/// The times of the admitted hits, the oldest first. One log serves all windows: each counts a part of it.
#[derive(Debug, Clone, Default)]
pub(in crate::rate_limit) struct HitLog(VecDeque<u64>);

impl HitLog {
    pub(super) fn decide(&mut self, rules: &LimitRules, op: LedgerOp, now: u64) -> (bool, Vec<WindowCount>) {
        match op {
            LedgerOp::Refund(hits) => {
                self.0.truncate(self.0.len().saturating_sub(usize::try_from(hits).unwrap_or(usize::MAX)));
            }
            LedgerOp::Reset => self.0.clear(),
            LedgerOp::Hit(_) | LedgerOp::Peek(_) => {}
        }
        let cost = op.cost();
        let room = |length: u64, limit: u64| self.count(length, now) + cost <= limit;
        let allowed = rules.windows.iter().all(|window| room(window.length(), window.rate.limit()));
        let taken = allowed && matches!(op, LedgerOp::Hit(_));
        if taken {
            self.take(cost, rules.longest(), now);
        }
        let windows = rules.windows.iter().map(|window| {
            let (length, limit) = (window.length(), window.rate.limit());
            let count = self.count(length, now);
            let until =
                |rank: u64| self.0.get(rank as usize).map_or(0, |hit| (hit + length).saturating_sub(now));
            // The ranks are of the whole log, whose newest hits are those of the window.
            let held = self.0.len() as u64;
            WindowCount {
                remaining: limit.saturating_sub(count),
                reset: if count == 0 { 0 } else { until(held - count) },
                wait: if taken || count + cost <= limit { 0 } else { until(held + cost - limit - 1) },
            }
        });
        (allowed, windows.collect())
    }

    /// Returns the number of hits in the window of this length that ends now. A hit is in it until its age is the length.
    fn count(&self, length: u64, now: u64) -> u64 {
        (self.0.len() - self.0.partition_point(|hit| hit + length <= now)) as u64
    }

    fn take(&mut self, cost: u64, longest: u64, now: u64) {
        while self.0.front().is_some_and(|hit| hit + longest <= now) {
            self.0.pop_front();
        }
        // A clock that was set back: the log stays in order.
        let at = self.0.partition_point(|hit| *hit <= now);
        for _ in 0..cost {
            self.0.insert(at, now);
        }
    }

    pub(super) fn ends_at(&self, rules: &LimitRules) -> u64 {
        self.0.back().map_or(0, |newest| newest + rules.longest())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
