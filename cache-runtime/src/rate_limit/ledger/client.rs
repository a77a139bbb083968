//! The ledger of a client, by either algorithm.

use super::decision::{Decision, LedgerOp};
use super::log::HitLog;
use super::smooth::DueTimes;
use crate::rate_limit::rules::{LimitAlgorithm, LimitRules};

/// The hits of one client.
#[derive(Debug, Clone)]
pub(in crate::rate_limit) enum Ledger {
    Log(HitLog),
    Smooth(DueTimes),
}

impl Ledger {
    /// Returns a ledger without hits.
    pub(in crate::rate_limit) fn new(algorithm: LimitAlgorithm) -> Self {
        match algorithm {
            LimitAlgorithm::Log => Self::Log(HitLog::default()),
            LimitAlgorithm::Smooth => Self::Smooth(DueTimes::default()),
        }
    }

    /// Decides at the time `now`, and takes the hits if they are admitted.
    pub(in crate::rate_limit) fn decide(&mut self, rules: &LimitRules, op: LedgerOp, now: u64) -> Decision {
        let (allowed, windows) = match self {
            Self::Log(log) => log.decide(rules, op, now),
            Self::Smooth(due) => due.decide(rules, op, now),
        };
        Decision { allowed, at: now, windows }
    }

    /// Returns the time from which the ledger is as good as a new one.
    pub(in crate::rate_limit) fn ends_at(&self, rules: &LimitRules) -> u64 {
        match self {
            Self::Log(log) => log.ends_at(rules),
            Self::Smooth(due) => due.ends_at(),
        }
    }

    /// Returns the number of times that the ledger holds.
    pub(in crate::rate_limit) fn size(&self) -> usize {
        match self {
            Self::Log(log) => log.len(),
            Self::Smooth(due) => due.len(),
        }
    }
}
