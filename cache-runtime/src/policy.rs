//! Policy: how long and in which form results are kept.

use std::time::Duration;

use crate::codec::{Codec, Compress};

/// How results are kept: what the options of `#[cache]` come down to, and the way to make presets of one's own.
///
/// Everything that is not set comes from the attribute's other options, then from [`crate::Builder`].
///
/// ```
/// use std::time::Duration;
/// use larder_runtime::{Codec, Policy};
///
/// const TWO_HOURS: Policy = Policy::new().expire(Duration::from_secs(7200)).codec(Codec::Json);
/// assert_eq!(TWO_HOURS.get_expire(), Some(Duration::from_secs(7200)));
/// ```
///
/// and then `#[cache(policy = TWO_HOURS)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a policy does nothing until an attribute names it"]
pub struct Policy {
    pub(crate) expire: Option<Duration>,
    pub(crate) none_expire: Option<Duration>,
    pub(crate) codec: Codec,
    pub(crate) compress: Compress,
    pub(crate) version: u32,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) soft_timeout: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
    pub(crate) stale_retry: Option<Duration>,
    pub(crate) refresh_ahead: Option<u32>,
    pub(crate) jitter: u32,
    pub(crate) local: Option<Duration>,
}

impl Policy {
    /// The defaults: the builder's expiry, `None` not kept, JSON, not compressed, version 0.
    pub const fn new() -> Self {
        Self {
            expire: None,
            none_expire: None,
            codec: Codec::Json,
            compress: Compress::None,
            version: 0,
            stale_while_revalidate: None,
            soft_timeout: None,
            stale_if_error: None,
            stale_retry: None,
            refresh_ahead: None,
            jitter: 0,
            local: None,
        }
    }

    /// How long a result is kept. Default: [`crate::Builder::default_expire`].
    ///
    /// # Panics
    /// When `expire` is zero; in a `const` that is a compile error.
    pub const fn expire(mut self, expire: Duration) -> Self {
        assert!(!expire.is_zero(), "`expire` must be longer than zero");
        self.expire = Some(expire);
        self
    }

    /// How long a `None` is kept. Default: it is not.
    ///
    /// # Panics
    /// When `expire` is zero; in a `const` that is a compile error.
    pub const fn none_expire(mut self, expire: Duration) -> Self {
        assert!(!expire.is_zero(), "`none_expire` must be longer than zero");
        self.none_expire = Some(expire);
        self
    }

    /// The stored form. Default: [`Codec::Json`].
    pub const fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Compression of stored values from 512 bytes on. Default: [`Compress::None`].
    pub const fn compress(mut self, compress: Compress) -> Self {
        self.compress = compress;
        self
    }

    /// A number to bump when what is stored under the old one must not be read any more. Default: 0.
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// The expiry, if set.
    #[must_use]
    pub const fn get_expire(&self) -> Option<Duration> {
        self.expire
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}
