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

    /// For this long after its expiry an old value is served at once, while one call's computation renews it in the
    /// background. Default: off.
    ///
    /// # Panics
    /// When `window` is zero; in a `const` that is a compile error. So it is for every time below.
    pub const fn stale_while_revalidate(mut self, window: Duration) -> Self {
        assert!(!window.is_zero(), "`stale_while_revalidate` must be longer than zero");
        self.stale_while_revalidate = Some(window);
        self
    }

    /// While there is an old value: wait this long for the new one before the old one is served and the computation goes
    /// on. Default: not at all.
    pub const fn soft_timeout(mut self, patience: Duration) -> Self {
        assert!(!patience.is_zero(), "`soft_timeout` must be longer than zero");
        self.soft_timeout = Some(patience);
        self
    }

    /// For this long after its expiry an old value is served when the function fails. Default: off.
    pub const fn stale_if_error(mut self, window: Duration) -> Self {
        assert!(!window.is_zero(), "`stale_if_error` must be longer than zero");
        self.stale_if_error = Some(window);
        self
    }

    /// How long nobody tries again after a refresh that failed. Default: 30 s.
    pub const fn stale_retry(mut self, pause: Duration) -> Self {
        assert!(!pause.is_zero(), "`stale_retry` must be longer than zero");
        self.stale_retry = Some(pause);
        self
    }

    /// Renews a value in the background once this share of its life has passed: `0.8`. Default: off.
    ///
    /// # Panics
    /// When `share` is not between 0 and 1.
    pub const fn refresh_ahead(mut self, share: f64) -> Self {
        assert!(share > 0.0 && share < 1.0, "`refresh_ahead` must be between 0 and 1");
        self.refresh_ahead = Some(millionths(share));
        self
    }

    /// Shortens each expiry by a random part of up to this share, so that what was stored together does not end together.
    /// Default: 0.
    ///
    /// # Panics
    /// When `share` is not between 0 and 1.
    pub const fn jitter(mut self, share: f64) -> Self {
        assert!(share >= 0.0 && share < 1.0, "`jitter` must be between 0 and 1");
        self.jitter = millionths(share);
        self
    }

    /// Keeps copies in this process as well, each at most this long. Default: [`crate::Builder::local`], else off.
    pub const fn local(mut self, life: Duration) -> Self {
        assert!(!life.is_zero(), "`local` must be longer than zero");
        self.local = Some(life);
        self
    }

    /// Whether what is stored under it is more than there or not there.
    pub(crate) const fn ages(&self) -> bool {
        self.refreshes() || self.stale_if_error.is_some()
    }

    /// Whether it has an option that needs the function to run apart from its caller.
    #[doc(hidden)]
    #[must_use]
    pub const fn refreshes(&self) -> bool {
        self.stale_while_revalidate.is_some() || self.soft_timeout.is_some() || self.refresh_ahead.is_some()
    }

    /// Checks what single setters cannot: generated code calls it once the policy is whole.
    ///
    /// # Panics
    /// When options contradict one another; in a `static` that is a compile error.
    #[doc(hidden)]
    pub const fn checked(self) -> Self {
        let keeps_old = self.stale_while_revalidate.is_some() || self.stale_if_error.is_some();
        assert!(
            keeps_old || self.soft_timeout.is_none(),
            "`soft_timeout` needs `stale_while_revalidate` or `stale_if_error`: without them there is no old value"
        );
        if let (Some(local), Some(expire)) = (self.local, self.expire) {
            assert!(local.as_millis() <= expire.as_millis(), "`local` is longer than `expire`");
        }
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

/// A share in parts per million, so that policies can be compared.
const fn millionths(share: f64) -> u32 {
    // Between 0 and a million, so the cast loses nothing but a fraction.
    (share * 1_000_000.0) as u32
}
