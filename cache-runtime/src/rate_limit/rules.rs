//! The windows of a limit, as both algorithms need them.

use super::rate::Rate;
use crate::types::error::Error;

/// The longest time by which hits can be ahead, in microseconds: scripts compute with floats, which are exact below 2^53.
const MAX_AHEAD: u64 = 10 * 365 * 86_400 * 1_000_000;

/// The algorithm that counts hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitAlgorithm {
    /// Remembers the time of each hit.
    Log,
    /// Remembers one time for each window (GCRA).
    Smooth,
}

/// A window: its rate, and how its hits are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LimitWindow {
    pub(super) rate: Rate,
    /// The hits that can be made at once.
    pub(super) burst: u64,
    /// The time after which another hit can be made, in microseconds. Of no use to a log.
    pub(super) interval: u64,
}

/// All windows of a limit, and the algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LimitRules {
    pub(super) algorithm: LimitAlgorithm,
    pub(super) windows: Vec<LimitWindow>,
}

impl LimitRules {
    /// Returns the rules for these rates. `burst` is the number of hits that can be made at once where hits are smoothed; by default a
    /// tenth of each limit.
    ///
    /// # Errors
    /// [`Error::Config`] if two rates have one window, or more than one hit a microsecond.
    pub(super) fn new(rates: &[Rate], algorithm: LimitAlgorithm, burst: Option<u64>) -> Result<Self, Error> {
        for (at, rate) in rates.iter().enumerate() {
            if rates[..at].iter().any(|other| other.window() == rate.window()) {
                let reason = "has the window of another rate of this limit; keep the smaller one";
                return Err(Error::config("rate_limit", rate.to_string(), reason));
            }
        }
        let windows = rates.iter().map(|rate| LimitWindow::new(*rate, algorithm, burst));
        Ok(Self { algorithm, windows: windows.collect::<Result<_, _>>()? })
    }

    /// Returns the longest window in microseconds.
    pub(super) fn longest(&self) -> u64 {
        self.windows.iter().map(LimitWindow::length).max().unwrap_or_default()
    }

    /// Returns the largest cost of a hit that can ever be admitted.
    pub(super) fn max_cost(&self) -> u64 {
        self.windows.iter().map(|window| window.burst).min().unwrap_or_default()
    }

    /// Returns the same cost if it can ever be admitted.
    ///
    /// # Errors
    /// [`Error::Config`] if it is zero or too large.
    pub(super) fn checked_cost(&self, cost: u64) -> Result<u64, Error> {
        let most = self.max_cost();
        let reason = match cost {
            0 => "counts nothing; write a cost of one or more".to_owned(),
            cost if cost <= most => return Ok(cost),
            _ if self.algorithm == LimitAlgorithm::Smooth => format!(
                "can never be admitted, because at most {most} hits are admitted at once; write a smaller cost or a larger `burst`"
            ),
            _ => format!(
                "can never be admitted, because the limit is {most}; write a smaller cost or a larger limit"
            ),
        };
        Err(Error::config("cost", cost.to_string(), reason))
    }
}

impl LimitWindow {
    fn new(rate: Rate, algorithm: LimitAlgorithm, burst: Option<u64>) -> Result<Self, Error> {
        let limit = rate.limit();
        let burst = match algorithm {
            LimitAlgorithm::Log => limit,
            LimitAlgorithm::Smooth => burst.unwrap_or(limit / 10).clamp(1, limit),
        };
        let length = rate.window().as_micros() as u64;
        // A window then holds `burst` hits that were saved up, and at most `limit - burst` that came due in it.
        let interval = length.div_ceil(limit - burst + 1);
        if algorithm == LimitAlgorithm::Smooth && limit > length {
            let reason = "has more than one hit a microsecond, which cannot be smoothed";
            return Err(Error::config("rate_limit", rate.to_string(), reason));
        }
        if algorithm == LimitAlgorithm::Smooth && burst.saturating_mul(interval) > MAX_AHEAD {
            let reason =
                "takes more than ten years to come due again after it was used at once; write a smaller one";
            return Err(Error::config("burst", burst.to_string(), reason));
        }
        Ok(Self { rate, burst, interval })
    }

    /// Returns the window in microseconds.
    pub(super) fn length(&self) -> u64 {
        self.rate.window().as_micros() as u64
    }
}
