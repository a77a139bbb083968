//! The policy of an entry: its TTL, its stale windows and its stored form.

use std::time::Duration;

use crate::codec::{Codec, Compress};
use crate::types::duration::const_duration;
use crate::types::windows::StaleWindows;

/// The caching options of a function, as a constant that several attributes can share.
///
/// Options that are not set here come from the attribute's other options, then from [`crate::Builder`].
///
/// ```
/// # use larder_runtime as larder;
/// use std::time::Duration;
///
/// use larder::{Codec, Policy};
///
/// const TWO_HOURS: Policy = Policy::new().expire_text("2h").codec(Codec::Json);
/// assert_eq!(TWO_HOURS.get_expire(), Some(Duration::from_secs(7200)));
/// ```
///
/// Use the constant with `#[cache(policy = TWO_HOURS)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a policy has no effect until an attribute uses it"]
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
    /// A share of the TTL in parts per million, which, unlike a float, can be compared exactly.
    pub(crate) refresh_ahead: Option<u32>,
    /// A share of the TTL in parts per million.
    pub(crate) jitter: u32,
    pub(crate) local: Option<Duration>,
    /// Values name tags.
    pub(crate) late_tags: bool,
}

/// The share 1, in parts per million.
pub(crate) const PARTS_PER_MILLION: u32 = 1_000_000;

/// The pause after a failed refresh, unless `stale_retry` says otherwise.
const RETRY: Duration = Duration::from_secs(30);

impl Policy {
    /// Creates a policy with the defaults: the builder's TTL, `None` not cached, JSON, no compression, version 0, no stale
    /// values, no refresh ahead, no jitter, the builder's local TTL.
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
            late_tags: false,
        }
    }

    /// Sets the TTL of a result. Default: [`crate::Builder::default_expire`].
    ///
    /// # Panics
    /// When `expire` is zero; in a `const` that is a compile error.
    pub const fn expire(mut self, expire: Duration) -> Self {
        assert!(!expire.is_zero(), "`expire` must be longer than zero");
        self.expire = Some(expire);
        self
    }

    /// Sets the TTL of a result as a text of whole numbers with the units `ms s m h d w`. Default: [`crate::Builder::default_expire`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// use larder::Policy;
    ///
    /// const SHORT: Policy = Policy::new().expire_text("1h30m");
    /// assert_eq!(SHORT.get_expire(), Some(Duration::from_secs(5400)));
    /// ```
    ///
    /// ```compile_fail
    /// # use larder_runtime as larder;
    /// const SHORT: larder::Policy = larder::Policy::new().expire_text("5 minutes");
    /// ```
    ///
    /// # Panics
    /// When `text` is no such time, zero, or longer than 100 years; in a `const` that is a compile error.
    #[track_caller]
    pub const fn expire_text(self, text: &str) -> Self {
        match const_duration(text) {
            Ok(expire) => self.expire(expire),
            Err(message) => panic!("{}", message),
        }
    }

    /// Sets the TTL of a `None`. Default: a `None` is not cached.
    ///
    /// # Panics
    /// When `expire` is zero; in a `const` that is a compile error.
    pub const fn none_expire(mut self, expire: Duration) -> Self {
        assert!(!expire.is_zero(), "`none_expire` must be longer than zero");
        self.none_expire = Some(expire);
        self
    }

    /// Sets the stored form. Default: [`Codec::Json`].
    pub const fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Sets the compression of stored values of 512 bytes or more. Default: [`Compress::None`].
    pub const fn compress(mut self, compress: Compress) -> Self {
        self.compress = compress;
        self
    }

    /// Sets the version, which is part of the key: with a new one, older entries are no longer read. Default: 0.
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Sets the time after its expiry in which a value is served at once while one call refreshes it in the background.
    /// Default: none.
    ///
    /// # Panics
    /// When `time` is zero; in a `const` that is a compile error.
    #[track_caller]
    pub const fn stale_while_revalidate(mut self, time: Duration) -> Self {
        assert!(!time.is_zero(), "`stale_while_revalidate` must be longer than zero");
        self.stale_while_revalidate = Some(time);
        self
    }

    /// Sets the time that a call with a stale value waits for the new one. After it the call serves the stale value, and
    /// the computation continues. Default: zero with [`Policy::stale_while_revalidate`], else no limit.
    ///
    /// Requires [`Policy::stale_while_revalidate`] or [`Policy::stale_if_error`], which set how long a value can be stale.
    ///
    /// # Panics
    /// When `time` is zero; in a `const` that is a compile error.
    #[track_caller]
    pub const fn soft_timeout(mut self, time: Duration) -> Self {
        assert!(!time.is_zero(), "`soft_timeout` must be longer than zero");
        self.soft_timeout = Some(time);
        self
    }

    /// Sets the time after its expiry in which a value is served when the function returns an error. Default: none.
    ///
    /// # Panics
    /// When `time` is zero; in a `const` that is a compile error.
    #[track_caller]
    pub const fn stale_if_error(mut self, time: Duration) -> Self {
        assert!(!time.is_zero(), "`stale_if_error` must be longer than zero");
        self.stale_if_error = Some(time);
        self
    }

    /// Sets the time after a failed refresh in which no call tries again. Default: 30 seconds.
    ///
    /// Requires [`Policy::stale_if_error`], [`Policy::stale_while_revalidate`] or [`Policy::refresh_ahead`]: without a value
    /// to serve in the meantime every call has to try.
    ///
    /// # Panics
    /// When `time` is zero; in a `const` that is a compile error.
    #[track_caller]
    pub const fn stale_retry(mut self, time: Duration) -> Self {
        assert!(!time.is_zero(), "`stale_retry` must be longer than zero");
        self.stale_retry = Some(time);
        self
    }

    /// Sets the share of the TTL after which a value is refreshed in the background: with `0.8` after four fifths. Default:
    /// no refresh.
    ///
    /// # Panics
    /// When `share` is not between 0 and 1; in a `const` that is a compile error.
    #[track_caller]
    pub const fn refresh_ahead(mut self, share: f64) -> Self {
        assert!(share > 0.0 && share < 1.0, "`refresh_ahead` must be a share between 0 and 1, such as 0.8");
        // Rounding must not give 0 or 1, which would refresh a new value at once, or never.
        self.refresh_ahead = Some(match parts(share) {
            0 => 1,
            PARTS_PER_MILLION => PARTS_PER_MILLION - 1,
            parts => parts,
        });
        self
    }

    /// Sets the largest share by which a TTL is shortened at random, so that entries stored together do not expire together.
    /// Default: 0.
    ///
    /// # Panics
    /// When `share` is negative or not below 1; in a `const` that is a compile error.
    #[track_caller]
    pub const fn jitter(mut self, share: f64) -> Self {
        assert!(share >= 0.0 && share < 1.0, "`jitter` must be a share from 0 to below 1, such as 0.1");
        self.jitter = match parts(share) {
            PARTS_PER_MILLION => PARTS_PER_MILLION - 1,
            parts => parts,
        };
        self
    }

    /// Sets the longest time that this process caches a copy of the value. Default: the builder's, which by default caches
    /// none.
    ///
    /// # Panics
    /// When `time` is zero; in a `const` that is a compile error.
    #[track_caller]
    pub const fn local(mut self, time: Duration) -> Self {
        assert!(!time.is_zero(), "`local` must be longer than zero");
        self.local = Some(time);
        self
    }

    /// The values of the function name tags: `tags_with`. For generated code.
    #[doc(hidden)]
    pub const fn with_late_tags(mut self) -> Self {
        self.late_tags = true;
        self
    }

    /// Returns the TTL, if set.
    #[must_use]
    pub const fn get_expire(&self) -> Option<Duration> {
        self.expire
    }

    /// Returns the times after its expiry in which a value can still be used.
    pub(crate) fn windows(&self) -> StaleWindows {
        StaleWindows { revalidate: self.stale_while_revalidate, error: self.stale_if_error, compare: None }
    }

    /// Returns the pause after a failed refresh.
    pub(crate) fn retry_pause(&self) -> Duration {
        self.stale_retry.unwrap_or(RETRY)
    }

    /// Returns `true` when entries under this policy have more states than present and absent.
    pub(crate) const fn ages(&self) -> bool {
        self.refreshes() || self.stale_if_error.is_some()
    }

    /// Returns `true` when a value may be computed in the background.
    #[doc(hidden)]
    #[must_use]
    pub const fn refreshes(&self) -> bool {
        self.stale_while_revalidate.is_some() || self.soft_timeout.is_some() || self.refresh_ahead.is_some()
    }

    /// Returns the same policy for a function that cannot run in the background; panics when the policy needs that.
    #[doc(hidden)]
    #[track_caller]
    pub const fn in_call(self) -> Self {
        assert!(
            !self.refreshes(),
            "this policy refreshes in the background; write `background` beside `policy`"
        );
        self
    }

    /// Returns the same policy after checking that its options go together. Generated code calls this at the end, because
    /// options are set one after the other.
    #[doc(hidden)]
    #[track_caller]
    pub const fn checked(self) -> Self {
        if let Some(contradiction) = self.contradiction() {
            panic!("{}", contradiction)
        }
        self
    }

    /// The first option that makes no sense beside the others, if there is one.
    pub(crate) const fn contradiction(&self) -> Option<&'static str> {
        let is_stale = self.stale_while_revalidate.is_some() || self.stale_if_error.is_some();
        if self.soft_timeout.is_some() && !is_stale {
            return Some(
                "`soft_timeout` needs a stale value to fall back on; set `stale_while_revalidate` or `stale_if_error`, too",
            );
        }
        if self.stale_retry.is_some() && !is_stale && self.refresh_ahead.is_none() {
            return Some(
                "`stale_retry` needs something to serve until then; set `stale_if_error`, `stale_while_revalidate` or `refresh_ahead`, too",
            );
        }
        match (self.local, self.expire) {
            (Some(local), Some(expire)) if local.as_nanos() > expire.as_nanos() => Some(
                "`local` is longer than `expire`; a local copy expires with its entry at the latest, so set a shorter one",
            ),
            _ => None,
        }
    }
}

/// Returns a share in parts per million, rounded to the nearest.
const fn parts(share: f64) -> u32 {
    (share * PARTS_PER_MILLION as f64 + 0.5) as u32
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const STALE: Policy =
        Policy::new().stale_while_revalidate(SECOND).soft_timeout(SECOND).stale_retry(SECOND).checked();

    /// Returns the message of the panic.
    fn refused(make: impl FnOnce() -> Policy + std::panic::UnwindSafe) -> String {
        let panic = std::panic::catch_unwind(make).expect_err("a panic");
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).expect("a text").to_owned()
    }

    #[test]
    fn shares_are_parts_per_million() {
        for (share, parts) in
            [(0.8, 800_000), (0.1, 100_000), (0.3, 300_000), (1e-9, 1), (0.999_999_9, 999_999)]
        {
            assert_eq!(Policy::new().refresh_ahead(share).refresh_ahead, Some(parts), "{share}");
        }
        for (share, parts) in [(0.0, 0), (1e-9, 0), (0.1, 100_000), (0.999_999_9, 999_999)] {
            assert_eq!(Policy::new().jitter(share).jitter, parts, "{share}");
        }
    }

    #[test]
    fn an_invalid_option_is_named() {
        for share in [0.0, 1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(refused(|| Policy::new().refresh_ahead(share)).contains("`refresh_ahead`"), "{share}");
        }
        for share in [1.0, -0.1, f64::NAN] {
            assert!(refused(|| Policy::new().jitter(share)).contains("`jitter`"), "{share}");
        }
        type Make = fn() -> Policy;
        let zeros: [(&str, Make); 5] = [
            ("stale_while_revalidate", || Policy::new().stale_while_revalidate(Duration::ZERO)),
            ("soft_timeout", || Policy::new().soft_timeout(Duration::ZERO)),
            ("stale_if_error", || Policy::new().stale_if_error(Duration::ZERO)),
            ("stale_retry", || Policy::new().stale_retry(Duration::ZERO)),
            ("local", || Policy::new().local(Duration::ZERO)),
        ];
        for (name, make) in zeros {
            assert!(refused(make).starts_with(&format!("`{name}` must be longer than zero")), "{name}");
        }
    }

    #[test]
    fn options_that_do_not_go_together_are_named() {
        assert!(STALE.refreshes());
        let half = Policy::new().soft_timeout(SECOND);
        assert!(refused(move || half.checked()).contains("`soft_timeout` needs a stale value"));
        assert!(half.stale_if_error(SECOND).checked().refreshes());
        let half = Policy::new().stale_retry(SECOND);
        assert!(refused(move || half.checked()).contains("`stale_retry` needs something to serve"));
        assert!(!half.stale_if_error(SECOND).checked().in_call().refreshes());
        let half = Policy::new().local(SECOND * 2).expire(SECOND);
        assert!(refused(move || half.checked()).contains("`local` is longer than `expire`"));
        assert_eq!(half.expire(SECOND * 2).checked().local, Some(SECOND * 2));
        assert!(refused(|| STALE.in_call()).contains("write `background` beside `policy`"));
    }
}
