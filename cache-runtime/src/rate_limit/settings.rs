//! The settings of a limit.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::clients::ClientHash;
use super::rate::Rate;
use super::rules::{LimitAlgorithm, LimitRules};
use crate::engine::core::Core;
#[cfg(feature = "redis")]
use crate::engine::core::label_text;
use crate::observe::trace;
use crate::types::error::Error;

/// The number of hits of a window from which on a log is large.
const LARGE_LOG: u64 = 1_000;
/// The memory of a hit in a log of that size, measured on Redis 7.0.
const HIT_BYTES: u64 = 130;

/// The verdicts while Redis cannot be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnOutage {
    /// Counts in this process alone, so that a client has its limit once in each process.
    #[default]
    Local,
    /// Admits every hit.
    Open,
    /// Admits no hit: the layer responds with `503`.
    Closed,
}

/// The settings that decide about a hit.
#[derive(Clone)]
pub(super) struct LimitSettings {
    pub(super) rates: Vec<Rate>,
    pub(super) algorithm: LimitAlgorithm,
    pub(super) burst: Option<u64>,
    /// The meaning of `rates`, `algorithm` and `burst` together.
    pub(super) rules: Arc<LimitRules>,
    /// The names of the windows.
    pub(super) names: Arc<[Arc<str>]>,
    pub(super) scope: Option<Arc<str>>,
    pub(super) cost: u64,
    pub(super) on_outage: OnOutage,
    pub(super) shadow: bool,
    pub(super) core: Option<Arc<Core>>,
    /// It was said that the log is large.
    is_told: Arc<AtomicBool>,
}

impl LimitSettings {
    /// Returns the settings of a limit with one rate.
    ///
    /// # Errors
    /// As [`LimitRules::new`].
    pub(super) fn new(rate: Rate) -> Result<Self, Error> {
        let rules = LimitRules::new(&[rate], LimitAlgorithm::Log, None)?;
        Ok(Self {
            rates: vec![rate],
            algorithm: LimitAlgorithm::Log,
            burst: None,
            rules: Arc::new(rules),
            names: Arc::new([rate.name().into()]),
            scope: None,
            cost: 1,
            on_outage: OnOutage::default(),
            shadow: false,
            core: None,
            is_told: Arc::default(),
        })
    }

    /// Returns the settings with their rules made anew.
    ///
    /// # Errors
    /// As [`LimitRules::new`], and [`Error::Config`] for a cost that can never be admitted.
    pub(super) fn renewed(mut self) -> Result<Self, Error> {
        self.rules = Arc::new(LimitRules::new(&self.rates, self.algorithm, self.burst)?);
        self.rules.checked_cost(self.cost)?;
        self.names = self.rates.iter().map(|rate| rate.name().into()).collect();
        Ok(self)
    }

    /// Returns the hash of a client of this limit. What a client sent is nowhere stored.
    pub(super) fn client(&self, scope: &str, identity: &[u8]) -> ClientHash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(match self.algorithm {
            LimitAlgorithm::Log => b"larder rate limit, log\0".as_slice(),
            LimitAlgorithm::Smooth => b"larder rate limit, smooth\0".as_slice(),
        });
        hasher.update(&(self.rules.windows.len() as u64).to_le_bytes());
        for window in &self.rules.windows {
            // Limits with other windows have ledgers of their own.
            for number in [window.rate.limit(), window.rate.window().as_secs(), window.burst] {
                hasher.update(&number.to_le_bytes());
            }
        }
        hasher.update(&(scope.len() as u64).to_le_bytes());
        hasher.update(scope.as_bytes());
        hasher.update(identity);
        let mut hash = ClientHash::default();
        hash.copy_from_slice(&hasher.finalize().as_bytes()[..size_of::<ClientHash>()]);
        hash
    }

    /// Warns once of a log that takes much memory.
    pub(super) fn warn_large(&self) {
        if self.algorithm == LimitAlgorithm::Smooth {
            return;
        }
        // The log holds the hits of its longest window.
        let longest = self.rates.iter().max_by_key(|rate| rate.window());
        let Some(rate) = longest.filter(|rate| rate.limit() > LARGE_LOG) else { return };
        if !self.is_told.swap(true, Relaxed) {
            trace::warn(&format!(
                "the rate limit {rate} remembers each hit and takes up to {} kB for each client; `.smooth()` takes about 100 bytes",
                rate.limit() * HIT_BYTES / 1_000
            ));
        }
    }
}

/// Returns the key of a client's ledger in Redis.
#[cfg(feature = "redis")]
pub(super) fn ledger_key(prefix: &str, scope: &str, client: &ClientHash) -> String {
    // One key, and braces that decide its slot, so that clients are spread over a cluster whatever the scope is.
    let mut key = [prefix, "rate:", &label_text(scope), ":{"].concat();
    for byte in client {
        key.push_str(&format!("{byte:02x}"));
    }
    key.push('}');
    key
}

impl fmt::Debug for LimitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitSettings")
            .field("rates", &self.rates)
            .field("algorithm", &self.algorithm)
            .field("scope", &self.scope)
            .field("on_outage", &self.on_outage)
            .field("shadow", &self.shadow)
            .finish_non_exhaustive()
    }
}
