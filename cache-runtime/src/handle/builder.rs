//! Builder: the settings of a cache, checked before anything starts.

use std::env;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::engine::core::Core;
use crate::engine::flight::Flights;
use crate::engine::global;
use crate::engine::held_leases::HeldLeases;
use crate::engine::outage::Outage;
use crate::engine::pending::PendingInvalidations;
use crate::handle::cache::Cache;
use crate::observe::stats::Registry;
use crate::rt::background::Background;
use crate::rt::park;
use crate::site::expiries::YEAR;
#[cfg(feature = "redis")]
use crate::store::LocalTier;
use crate::store::{CacheStore, NearCache, StoreSettings, Token};
use crate::types::duration;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The settings of a cache.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::time::Duration;
/// use larder_runtime::Cache;
///
/// let cache = Cache::builder()
///     .url("memory://")
///     .prefix("myapi")
///     .default_expire(Duration::from_secs(300))
///     .build()
///     .await?;
/// # Ok::<(), larder_runtime::Error>(())
/// # }).unwrap();
/// ```
#[must_use = "a builder does nothing until `init` or `build`"]
pub struct Builder {
    store: StoreSettings,
    /// Where the URL comes from: the setting, or a variable of the environment. Errors name it.
    url_setting: &'static str,
    prefix: String,
    prefix_setting: &'static str,
    default_expire: Result<Expire, Error>,
    ignored: Vec<&'static str>,
    response_header: String,
    #[cfg(feature = "http")]
    no_cache: crate::http::NoCache,
    max_wait: Duration,
    max_waiters: usize,
    max_background: usize,
    max_pending_invalidations: usize,
    outage_local: Option<Duration>,
    error: Option<Error>,
}

impl Cache {
    /// Starts the description of a cache; end it with [`Builder::init`] or [`Builder::build`].
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A builder with what the environment says: `LARDER_URL`, else `REDIS_URL`, else `memory://`; `LARDER_PREFIX`;
    /// `LARDER_DEFAULT_EXPIRE` (`5m`, `300`).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cache = larder_runtime::Cache::from_env().build().await?;
    /// # Ok::<(), larder_runtime::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// A value that cannot be used is an error of `init` and `build`, which names the variable.
    pub fn from_env() -> Builder {
        Builder::from_env()
    }
}

impl Builder {
    pub(crate) fn new() -> Self {
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
            max_wait: Duration::from_secs(10),
            max_waiters: 100_000,
            max_background: 1_000,
            max_pending_invalidations: 10_000,
            outage_local: None,
            error: None,
        }
    }

    pub(crate) fn from_env() -> Self {
        let mut builder = Self::new();
        for name in ["LARDER_URL", "REDIS_URL"] {
            if let Some(url) = builder.variable(name) {
                (builder.store.url, builder.url_setting) = (url, name);
                break;
            }
        }
        if let Some(prefix) = builder.variable("LARDER_PREFIX") {
            (builder.prefix, builder.prefix_setting) = (prefix, "LARDER_PREFIX");
        }
        if let Some(text) = builder.variable("LARDER_DEFAULT_EXPIRE") {
            match duration::parse_duration(&text) {
                Ok(life) => builder.default_expire = Ok(Expire::After(life)),
                Err(reason) => builder.fail(Error::config("LARDER_DEFAULT_EXPIRE", text, reason)),
            }
        }
        builder
    }

    /// Where entries live: `memory://` (the default), `redis://user:pass@host:port/db` or `redis+unix:///path`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        (self.store.url, self.url_setting) = (url.into(), "url");
        self
    }

    /// What stands before every key, as `prefix:`. Default: nothing.
    ///
    /// It must not hold control characters or braces.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        (self.prefix, self.prefix_setting) = (prefix.into(), "prefix");
        self
    }

    /// How long results are kept where the attribute says nothing. Default: one year; longer than that is cut to it.
    pub fn default_expire(mut self, expire: impl IntoExpire) -> Self {
        self.default_expire = expire.into_expire();
        self
    }

    /// Leaves arguments of type `T` out of every key. The type still has to be `Serialize`, or the attribute refuses
    /// it: for a type that is not, implement [`crate::IgnoreInKey`].
    pub fn ignore_arg_type<T: ?Sized>(mut self) -> Self {
        self.ignored.push(std::any::type_name::<T>());
        self
    }

    /// The header that tells whether a response came from the cache. Default: `X-Cache`.
    pub fn response_header(mut self, name: impl Into<String>) -> Self {
        self.response_header = name.into();
        self
    }

    /// What a request with `Cache-Control: no-cache` or `max-age=0` leads to, in handlers and layers that do not say.
    /// Default: [`crate::http::NoCache::Refresh`].
    #[cfg(feature = "http")]
    pub fn no_cache(mut self, no_cache: crate::http::NoCache) -> Self {
        self.no_cache = no_cache;
        self
    }

    /// How many connections calls are spread over. Default: 1, which carries hundreds of calls at once.
    pub fn connections(mut self, connections: usize) -> Self {
        self.store.connections = connections;
        self
    }

    /// The longest that Redis may keep a call waiting. Default: 250 ms.
    pub fn redis_timeout(mut self, limit: Duration) -> Self {
        self.store.redis_timeout = limit;
        self
    }

    /// The longest that a connection attempt may take. Default: 1 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.store.connect_timeout = limit;
        self
    }

    /// Whether an unreachable Redis is an error at start-up. Default: it is not, the process starts and functions run
    /// uncached until Redis answers.
    pub fn require_redis(mut self, require: bool) -> Self {
        self.store.require_redis = require;
        self
    }

    /// The bound of `memory://` in bytes. Default: 256 MiB.
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.store.max_memory = bytes;
        self
    }

    /// The largest value that is kept, in bytes of its encoded form. Default: 8 MiB.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.store.max_value = bytes;
        self
    }

    /// The longest that a call waits for another call's computation before it computes by itself, without storing.
    /// Default: 10 s.
    pub fn max_wait(mut self, limit: Duration) -> Self {
        self.max_wait = limit;
        self
    }

    /// How many calls may wait for one computation; those beyond compute by themselves, without storing.
    /// Default: 100 000.
    pub fn max_waiters(mut self, waiters: usize) -> Self {
        self.max_waiters = waiters;
        self
    }

    /// How many refreshes may run in the background at once; while there are more, old values are served without one.
    /// Default: 1 000.
    pub fn max_background(mut self, refreshes: usize) -> Self {
        self.max_background = refreshes;
        self
    }

    /// Keeps copies of what is in Redis in this process as well, for every function that does not say otherwise. Default:
    /// only for functions with `local = ..`. No effect on `memory://`.
    #[cfg(feature = "redis")]
    pub fn local(mut self, local: LocalTier) -> Self {
        self.store.local = Some(local);
        self
    }

    /// While Redis is away, results are kept in this process for this long, so that what the functions ask is not
    /// asked at every call. At most 16 MiB are kept, and nothing once Redis answers again. Default: not at all. No effect
    /// on `memory://`.
    ///
    /// What another process invalidates meanwhile is not known here: keep it short, such as 2 s.
    pub fn outage_local(mut self, life: Duration) -> Self {
        self.outage_local = Some(life);
        self
    }

    /// How many invalidations that Redis did not carry out are kept to be retried; one entry, group or tag each. Those
    /// beyond are lost, as [`Error::NotQueued`] says. Default: 10 000.
    pub fn max_pending_invalidations(mut self, invalidations: usize) -> Self {
        self.max_pending_invalidations = invalidations;
        self
    }

    /// A clock that a test moves, by which entries grow old and end.
    ///
    /// The server's own clock does not follow: what has ended by the test's is still in Redis, and is not read. Leases, and
    /// pauses that other processes keep, go by the server's.
    #[cfg(feature = "test-util")]
    pub fn clock(mut self, clock: crate::test_util::TestClock) -> Self {
        self.store.clock = crate::types::clock::Clock::of(clock);
        self
    }

    /// Makes the cache and installs it as the process-wide one.
    ///
    /// # Errors
    /// A setting that cannot be used, rejected credentials, an unreachable Redis with
    /// [`Builder::require_redis`], or [`Error::AlreadyInitialised`].
    pub async fn init(self) -> Result<Cache, Error> {
        if global::get().is_some() {
            return Err(Error::AlreadyInitialised);
        }
        let cache = self.build().await?;
        global::set(Arc::clone(cache.core()))?;
        Ok(cache)
    }

    /// Makes a cache without installing it, for `#[cache(cache = ..)]`.
    ///
    /// # Errors
    /// As [`Builder::init`].
    pub async fn build(mut self) -> Result<Cache, Error> {
        let (prefix, default_expire) = self.check()?;
        let outage = Outage::new(self.outage_local, self.store.max_value, &self.store.clock)?;
        let near = NearCache::new(&self.store, &prefix)?;
        let store = CacheStore::open(&self.store).await.map_err(|error| self.named(error))?;
        near.open(&store);
        let core = Arc::new(Core {
            id: Core::next_id(),
            prefix,
            store,
            default_expire,
            ignored: self.ignored,
            max_value: self.store.max_value,
            max_wait: self.max_wait,
            #[cfg(feature = "http")]
            status_field: http::HeaderName::from_bytes(self.response_header.as_bytes())
                .unwrap_or(http::HeaderName::from_static("x-cache")),
            response_header: self.response_header,
            #[cfg(feature = "http")]
            body_budget: crate::http::BodyBudget::default(),
            #[cfg(feature = "http")]
            no_cache: self.no_cache,
            near,
            flights: Flights::by(self.store.clock.clone(), self.max_waiters),
            clock: self.store.clock,
            owner: Token::new_owner(),
            held_leases: HeldLeases::default(),
            pending: PendingInvalidations::new(self.max_pending_invalidations),
            outage,
            stats: Registry::default(),
            background: Background::new(self.max_background),
            closed: AtomicBool::new(false),
        });
        #[cfg(feature = "metrics")]
        crate::observe::publish::start(&core);
        Ok(Cache::of(core))
    }

    /// [`Builder::init`] for programs without async.
    ///
    /// # Errors
    /// As [`Builder::init`].
    pub fn init_blocking(self) -> Result<Cache, Error> {
        park::block_on(self.init())
    }

    /// [`Builder::build`] for programs without async.
    ///
    /// # Errors
    /// As [`Builder::init`].
    pub fn build_blocking(self) -> Result<Cache, Error> {
        park::block_on(self.build())
    }

    fn check(&mut self) -> Result<(String, Expire), Error> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let mut prefix = std::mem::take(&mut self.prefix);
        if let Some(wrong) = prefix.chars().find(|c| c.is_control() || matches!(c, '{' | '}')) {
            let reason = format!("must not hold {wrong:?}; write a plain word such as `myapi`");
            return Err(Error::config(self.prefix_setting, prefix, reason));
        }
        if !prefix.is_empty() {
            prefix.push(':');
        }
        let default_expire = match self.default_expire.clone() {
            Ok(Expire::After(life)) => Expire::After(life.min(YEAR)),
            Ok(Expire::Never) => Expire::Never,
            Err(Error::Config { value, reason, .. }) => {
                return Err(Error::config("default_expire", value, reason));
            }
            Err(error) => return Err(error),
        };
        let header = &self.response_header;
        if header.is_empty()
            || !header.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        {
            return Err(Error::config(
                "response_header",
                header,
                "is not a header name; write one such as `X-Cache`",
            ));
        }
        let zero = [
            ("connections", self.store.connections == 0),
            ("redis_timeout", self.store.redis_timeout.is_zero()),
            ("connect_timeout", self.store.connect_timeout.is_zero()),
            ("max_memory", self.store.max_memory == 0),
            ("max_value", self.store.max_value == 0),
            ("max_wait", self.max_wait.is_zero()),
            ("max_waiters", self.max_waiters == 0),
            ("max_background", self.max_background == 0),
            ("max_pending_invalidations", self.max_pending_invalidations == 0),
            ("outage_local", self.outage_local.is_some_and(|life| life.is_zero())),
        ];
        match zero.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => Err(Error::config(setting, "0", "must be more than zero")),
            None => Ok((prefix, default_expire)),
        }
    }

    /// The error with the name under which the user gave the URL.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::Config { setting: "url", value, reason } => {
                Error::Config { setting: self.url_setting, value, reason }
            }
            other => other,
        }
    }

    /// A variable that is set and not empty.
    fn variable(&mut self, name: &'static str) -> Option<String> {
        match env::var(name) {
            Ok(value) if value.is_empty() => None,
            Ok(value) => Some(value),
            Err(env::VarError::NotPresent) => None,
            Err(env::VarError::NotUnicode(_)) => {
                self.fail(Error::config(name, "(not UTF-8)", "must be UTF-8 text"));
                None
            }
        }
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold a password.
        f.debug_struct("Builder").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
