//! The settings of the local tier.

use std::time::Duration;

use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The settings of copies of Redis in this process, for [`Builder::local`](crate::Builder::local).
///
/// ```
/// # use larder_runtime as larder;
/// use larder::LocalTier;
///
/// let local = LocalTier::new().max_bytes(64 << 20).expire("5s");
/// ```
#[derive(Debug, Clone)]
#[must_use = "a local tier does nothing until a builder takes it"]
pub struct LocalTier {
    pub(super) max_bytes: usize,
    expire: Result<Expire, Error>,
}

impl LocalTier {
    /// Returns settings for at most 64 MiB, and at most 5 s for each copy.
    pub const fn new() -> Self {
        Self { max_bytes: 64 << 20, expire: Ok(Expire::After(Duration::from_secs(5))) }
    }

    /// Returns the default TTL of a copy, if both settings can be used.
    pub(super) fn check(&self) -> Result<Duration, Error> {
        if self.max_bytes < 1 << 16 {
            let reason = "is too small to hold anything; set 64 KiB at least";
            return Err(Error::config("local.max_bytes", self.max_bytes.to_string(), reason));
        }
        match &self.expire {
            Ok(Expire::After(ttl)) => Ok(*ttl),
            Ok(Expire::Never) => {
                Err(Error::config("local.expire", "Never", "must have an end; write a time such as `5s`"))
            }
            Err(Error::Config { value, reason, .. }) => {
                Err(Error::config("local.expire", value.as_str(), reason.as_str()))
            }
            Err(error) => Err(error.clone()),
        }
    }

    /// Sets the limit of the memory of all copies, bookkeeping included. Default: 64 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the longest time that a copy is served, for functions that do not set `local`. Default: 5 s.
    ///
    /// Redis notifies this process of changes, so that a copy is usually dropped within milliseconds of one. This time is
    /// the bound for the case that a notification is lost unnoticed.
    pub fn expire(mut self, expire: impl IntoExpire) -> Self {
        self.expire = expire.into_expire();
        self
    }
}

impl Default for LocalTier {
    fn default() -> Self {
        Self::new()
    }
}
