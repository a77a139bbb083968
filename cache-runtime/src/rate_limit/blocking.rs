//! Direct calls of a limit for synchronous code.

use std::fmt::Display;

use super::limit::RateLimit;
use super::verdict::Verdict;
use crate::rt::park::block_on;
use crate::types::error::Error;

/// The direct calls of [`RateLimit`] for synchronous code. Each blocks its thread until Redis answers, at most for
/// [`Builder::redis_timeout`](crate::Builder::redis_timeout).
///
/// ```
/// # use larder_runtime as larder;
/// use larder::rate_limit::RateLimit;
///
/// # let cache = larder::Cache::builder().build_blocking()?;
/// let limit = RateLimit::new("5/15m").scope("login").cache(&cache).blocking();
/// assert!(limit.hit("ada@example.com").allowed);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct BlockingRateLimit(RateLimit);

impl RateLimit {
    /// Returns this limit for synchronous code.
    pub fn blocking(&self) -> BlockingRateLimit {
        BlockingRateLimit(self.clone())
    }
}

impl BlockingRateLimit {
    /// Takes a hit, as [`RateLimit::hit`] does.
    pub fn hit(&self, key: impl Display) -> Verdict {
        block_on(self.0.hit(key))
    }

    /// Takes several hits at once, as [`RateLimit::hit_n`] does.
    ///
    /// # Errors
    /// As [`RateLimit::hit_n`].
    pub fn hit_n(&self, key: impl Display, hits: u64) -> Result<Verdict, Error> {
        block_on(self.0.hit_n(key, hits))
    }

    /// Returns the verdict that a hit would get, as [`RateLimit::peek`] does.
    #[must_use]
    pub fn peek(&self, key: impl Display) -> Verdict {
        block_on(self.0.peek(key))
    }

    /// Gives the newest hits back, as [`RateLimit::refund`] does.
    ///
    /// # Errors
    /// As [`RateLimit::refund`].
    pub fn refund(&self, key: impl Display, hits: u64) -> Result<Verdict, Error> {
        block_on(self.0.refund(key, hits))
    }

    /// Gives all hits back, as [`RateLimit::reset`] does.
    ///
    /// # Errors
    /// As [`RateLimit::reset`].
    pub fn reset(&self, key: impl Display) -> Result<(), Error> {
        block_on(self.0.reset(key))
    }
}
