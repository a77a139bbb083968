//! The builder: the settings of a cache.

use std::fmt;
use std::time::Duration;

use crate::handle::cache::Cache;
use crate::site::expiries::YEAR;
#[cfg(feature = "redis")]
use crate::store::LocalTier;
use crate::store::StoreSettings;
#[cfg(feature = "test-util")]
use crate::types::clock::{Clock, TestClock};
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The settings of a cache. [`Builder::init`] and [`Builder::build`] check them and open the cache.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::time::Duration;
/// use larder::Cache;
///
/// let cache = Cache::builder()
///     .url("memory://")
///     .prefix("myapi")
///     .default_expire(Duration::from_secs(300))
///     .build()
///     .await?;
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a builder does nothing until `init` or `build`"]
pub struct Builder {
    pub(super) store: StoreSettings,
    /// The source of the URL for errors: `url`, or an environment variable.
    pub(super) url_setting: &'static str,
    pub(super) prefix: String,
    /// The source of the prefix for errors.
    pub(super) prefix_setting: &'static str,
    pub(super) default_expire: Result<Expire, Error>,
    pub(super) ignored: Vec<&'static str>,
    pub(super) response_header: String,
    #[cfg(feature = "http")]
    pub(super) no_cache: crate::http::NoCache,
    #[cfg(feature = "http")]
    pub(super) max_body_memory: usize,
    #[cfg(feature = "http")]
    pub(super) client_max_age: Option<Result<Duration, Error>>,
    #[cfg(feature = "http")]
    pub(super) credential_headers: Vec<String>,
    /// Globs, and whether the well-known ones do not count.
    #[cfg(feature = "http")]
    pub(super) harmless_cookies: (Vec<String>, bool),
    pub(super) max_wait: Duration,
    pub(super) stall_timeout: Duration,
    pub(super) max_waiters: usize,
    pub(super) max_background: usize,
    pub(super) max_pending_invalidations: usize,
    pub(super) enabled: bool,
    pub(super) outage_local: Option<Duration>,
    /// The number of replicas and their time.
    pub(super) confirm: Option<(usize, Result<Expire, Error>)>,
    /// The first error of the environment.
    pub(super) error: Option<Error>,
}

impl Cache {
    /// Returns a builder with default settings; [`Builder::init`] or [`Builder::build`] opens the cache.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cache = larder::Cache::builder().prefix("myapi").build().await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            store: StoreSettings::default(),
            url_setting: "url",
            prefix: String::new(),
            prefix_setting: "prefix",
            default_expire: Ok(Expire::After(YEAR)),
            ignored: Vec::new(),
            response_header: "X-Cache".to_owned(),
            #[cfg(feature = "http")]
            no_cache: crate::http::NoCache::default(),
            #[cfg(feature = "http")]
            max_body_memory: crate::http::BODY_MEMORY,
            #[cfg(feature = "http")]
            client_max_age: None,
            #[cfg(feature = "http")]
            credential_headers: Vec::new(),
            #[cfg(feature = "http")]
            harmless_cookies: (Vec::new(), false),
            max_wait: Duration::from_secs(10),
            stall_timeout: Duration::from_millis(50),
            max_waiters: 100_000,
            max_background: 1_000,
            max_pending_invalidations: 10_000,
            enabled: true,
            outage_local: None,
            confirm: None,
            error: None,
        }
    }

    /// Sets the URL of the store: `memory://`, `redis://user:pass@host:port/db`, `redis+unix:///path`,
    /// `redis+sentinel://host1:port,host2:port/master`, `redis+cluster://host1:port,host2:port`, and those with `rediss` for TLS.
    /// Default: `memory://`. The page of operations has all schemes, parameters and features (`docs/operations.md`).
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().url("redis://localhost:6379");
    /// ```
    pub fn url(mut self, url: impl Into<String>) -> Self {
        (self.store.url, self.url_setting) = (url.into(), "url");
        self
    }

    /// Sets the prefix of all keys, which is written as `prefix:`. Default: none.
    ///
    /// A prefix has at most 256 bytes, and no control characters or braces.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().prefix("myapi");
    /// ```
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        (self.prefix, self.prefix_setting) = (prefix.into(), "prefix");
        self
    }

    /// Sets the TTL of results whose attribute sets none. Default: one year, which is also the longest TTL.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().default_expire("5m");
    /// ```
    pub fn default_expire(mut self, expire: impl IntoExpire) -> Self {
        self.default_expire = expire.into_expire();
        self
    }

    /// Leaves arguments of type `T` out of every key.
    ///
    /// `T` still has to be `Serialize`, or the attribute is a compile error. For a type that is not, implement
    /// [`IgnoreInKey`](crate::IgnoreInKey) instead.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// struct RequestId(u64);
    ///
    /// let builder = larder::Cache::builder().ignore_arg_type::<RequestId>();
    /// ```
    pub fn ignore_arg_type<T: ?Sized>(mut self) -> Self {
        self.ignored.push(std::any::type_name::<T>());
        self
    }

    /// Sets the header that shows whether a response came from the cache. Default: `X-Cache`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().response_header("X-Cache-Status");
    /// ```
    pub fn response_header(mut self, name: impl Into<String>) -> Self {
        self.response_header = name.into();
        self
    }

    /// Sets the effect of a request with `Cache-Control: no-cache` or `max-age=0`, for handlers and layers that do not set it.
    /// Default: [`NoCache::Refresh`](crate::http::NoCache::Refresh).
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::http::NoCache;
    ///
    /// let builder = larder::Cache::builder().no_cache(NoCache::Ignore);
    /// ```
    #[cfg(feature = "http")]
    pub fn no_cache(mut self, no_cache: crate::http::NoCache) -> Self {
        self.no_cache = no_cache;
        self
    }

    /// Sets the time for which clients may use a response without asking again, for handlers and layers that do not set
    /// `client_max_age`. It is told in `Cache-Control` and `Expires`; how long larder itself serves a response is `expire`.
    ///
    /// Default: what is left of `expire`; `no-cache` where `tags`, `group` or `entry` can take the response back, or where no
    /// `expire` is written.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().client_max_age("0s");
    /// ```
    #[cfg(feature = "http")]
    pub fn client_max_age(mut self, time: impl crate::types::max_age::IntoMaxAge) -> Self {
        self.client_max_age = Some(time.into_max_age());
        self
    }

    /// Sets the number of connections to Redis that the calls of one async runtime are spread over. Default: 1, which carries
    /// hundreds of concurrent calls.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().connections(2);
    /// ```
    pub fn connections(mut self, connections: usize) -> Self {
        self.store.connections = connections;
        self
    }

    /// Sets the longest time that a call waits for Redis without progress. Default: 250 ms. While bytes arrive, as those of a
    /// large value do, a call waits for at most twenty times as long.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// let builder = larder::Cache::builder().redis_timeout(Duration::from_millis(100));
    /// ```
    pub fn redis_timeout(mut self, limit: Duration) -> Self {
        self.store.redis_timeout = limit;
        self
    }

    /// Sets the longest time of one attempt to connect. Default: 1 s.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// let builder = larder::Cache::builder().connect_timeout(Duration::from_secs(2));
    /// ```
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.store.connect_timeout = limit;
        self
    }

    /// Makes an unreachable Redis an error of `init` and `build`. Default: `false`; the process starts, and functions run uncached
    /// until Redis is reachable.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().require_redis(true);
    /// ```
    pub fn require_redis(mut self, require: bool) -> Self {
        self.store.require_redis = require;
        self
    }

    /// Sets the size limit of `memory://`, in bytes. Default: 256 MiB.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().max_memory(64 << 20);
    /// ```
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.store.max_memory = bytes;
        self
    }

    /// Sets the size limit of one value, in bytes of its encoded form. Default: 8 MiB. A larger value is not stored.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().max_value(1 << 20);
    /// ```
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.store.max_value = bytes;
        self
    }

    /// Sets the memory, in bytes, for the bodies of responses on their way into the cache and to clients, without those of up to
    /// 32 KiB. Default: 64 MiB. Half of it is for clients that have not read their body yet; clients that get the same bytes share
    /// one copy. A body for which there is no room is not cached, or not sent from the cache: the client reads it from the service.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().max_body_memory(256 << 20);
    /// ```
    #[cfg(feature = "http")]
    pub fn max_body_memory(mut self, bytes: usize) -> Self {
        self.max_body_memory = bytes;
        self
    }

    /// Sets the number of refreshes that can run in the background at once. At the limit, stale values are served without a
    /// refresh. Default: 1 000.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().max_background(100);
    /// ```
    pub fn max_background(mut self, refreshes: usize) -> Self {
        self.max_background = refreshes;
        self
    }

    /// Caches copies of Redis entries in this process, for every function whose attribute does not set `local`. Default: only for
    /// functions with `local = ..`. No effect on `memory://`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::LocalTier;
    ///
    /// let builder = larder::Cache::builder().local(LocalTier::new().max_bytes(16 << 20));
    /// ```
    #[cfg(feature = "redis")]
    pub fn local(mut self, local: LocalTier) -> Self {
        self.store.local = Some(local);
        self
    }

    /// Caches results in this process for `ttl` while Redis is unavailable, so that not every call runs its function. Default: off.
    /// No effect on `memory://`.
    ///
    /// Uses at most 16 MiB, and drops the results once Redis is available again. This process does not see what other processes
    /// invalidate meanwhile, so keep `ttl` short, such as 2 s.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// let builder = larder::Cache::builder().outage_local(Duration::from_secs(2));
    /// ```
    pub fn outage_local(mut self, ttl: Duration) -> Self {
        self.outage_local = Some(ttl);
        self
    }

    /// Sets the number of failed invalidations that wait to be retried; each is of one entry, group or tag. Further ones are lost
    /// and return [`Error::NotQueued`]. Default: 10 000.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().max_pending_invalidations(1_000);
    /// ```
    pub fn max_pending_invalidations(mut self, invalidations: usize) -> Self {
        self.max_pending_invalidations = invalidations;
        self
    }

    /// Has replicas of Redis acknowledge each invalidation, which takes up to `within` longer. Default: replicas are not waited
    /// for, and a failover may lose the invalidations of the last moments. No effect on `memory://`.
    ///
    /// An invalidation that fewer than `replicas` acknowledge within that time returns [`Error::NotConfirmed`]: the server has
    /// carried out the invalidation, and it is not retried. In `#[cache_evict]` and `#[cache_put]` it is counted
    /// ([`Counts::not_confirmed`](crate::Counts::not_confirmed)), with one warning. Invalidations have a connection of their
    /// own for this, so that hits are not delayed; those that arrive during a wait share the next one.
    ///
    /// `within` is seconds as an integer, text such as `"50ms"`, or a [`Duration`], and at least a millisecond.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let builder = larder::Cache::builder().confirm(1, "50ms");
    /// ```
    #[cfg(feature = "redis")]
    pub fn confirm(mut self, replicas: usize, within: impl IntoExpire) -> Self {
        self.confirm = Some((replicas, within.into_expire()));
        self
    }

    /// Sets a clock that a test moves, by which entries become stale and expire.
    ///
    /// Redis has a clock of its own: an entry that has expired by the test's clock is still in Redis, but is not read. Leases, and
    /// the pauses after failed refreshes that other processes see, use the clock of Redis.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::test_util::TestClock;
    ///
    /// let builder = larder::Cache::builder().clock(TestClock::new());
    /// ```
    #[cfg(feature = "test-util")]
    pub fn clock(mut self, clock: TestClock) -> Self {
        self.store.clock = Clock::of(clock);
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Builder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
