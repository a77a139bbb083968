//! The settings of the local tier.

use std::time::Duration;

use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// Copies of what is in Redis, in this process: what [`crate::Builder::local`] takes.
///
/// ```
/// use larder_runtime::LocalTier;
///
/// let local = LocalTier::new().max_bytes(64 << 20).expire("5s");
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until a builder takes it"]
pub struct LocalTier {
    pub(crate) max_bytes: usize,
    pub(crate) expire: Result<Expire, Error>,
}

impl LocalTier {
    /// At most 64 MiB, each copy for at most 5 s.
    pub const fn new() -> Self {
        Self { max_bytes: 64 << 20, expire: Ok(Expire::After(Duration::from_secs(5))) }
    }

    /// The most that all copies may take, bookkeeping included. Default: 64 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// The longest that a copy lives where the function does not say `local = ..`. Default: 5 s.
    ///
    /// What changes in Redis is told to this process, so that a copy lives no longer than the message takes; this bounds it
    /// should the message be lost without a trace.
    pub fn expire(mut self, expire: impl IntoExpire) -> Self {
        self.expire = expire.into_expire();
        self
    }

    /// The life of a copy, and whether both settings can be used.
    pub(crate) fn check(&self) -> Result<Duration, Error> {
        if self.max_bytes < 1 << 16 {
            let reason = "is too small to hold anything; give it 64 KiB at least";
            return Err(Error::config("local.max_bytes", self.max_bytes.to_string(), reason));
        }
        match &self.expire {
            Ok(Expire::After(life)) => Ok(*life),
            Ok(Expire::Never) => {
                Err(Error::config("local.expire", "Never", "must have an end; write a time such as `5s`"))
            }
            Err(Error::Config { value, reason, .. }) => {
                Err(Error::config("local.expire", value.as_str(), reason.as_str()))
            }
            Err(error) => Err(error.clone()),
        }
    }
}

impl Default for LocalTier {
    fn default() -> Self {
        Self::new()
    }
}
