//! Rate limits: their settings, and direct calls.

use std::fmt::Display;
use std::sync::Arc;

use super::clients::ClientHash;
use super::ledger::LedgerOp;
use super::rate::IntoRate;
#[cfg(feature = "http")]
use super::requests::RequestSettings;
use super::rules::LimitAlgorithm;
use super::settings::{LimitSettings, OnOutage};
use super::verdict::Verdict;
use crate::engine::owner::AsCache;
use crate::types::error::Error;

/// The scope of direct calls that name none.
const NO_SCOPE: &str = "default";

/// A limit on the number of hits of each client, shared by all processes on one Redis.
///
/// Put [`RateLimit::layer`] around routes, or call [`RateLimit::hit`]. A clone is the same limit. Setters panic on what can never
/// work, where the program starts; parse a [`Rate`](super::Rate) to get an error for a text of a configuration.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use larder::rate_limit::RateLimit;
///
/// # let cache = larder::Cache::builder().build().await?;
/// let limit = RateLimit::new("5/15m").and("20/day").scope("login").cache(&cache);
/// let verdict = limit.hit("ada@example.com").await;
/// assert!(verdict.allowed);
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[must_use = "a limit counts nothing until it is hit or its layer is added"]
pub struct RateLimit {
    pub(super) settings: LimitSettings,
    #[cfg(feature = "http")]
    pub(super) requests: RequestSettings,
}

impl RateLimit {
    /// Creates a limit: a text such as `100/minute`, a number with a window, or a [`Rate`](super::Rate).
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use std::time::Duration;
    ///
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute");
    /// let same = RateLimit::new((100, Duration::from_secs(60)));
    /// ```
    ///
    /// # Panics
    /// If there is no such rate, such as `5/ms` or `0/minute`.
    #[track_caller]
    pub fn new(rate: impl IntoRate) -> Self {
        let settings = rate.into_rate().and_then(LimitSettings::new);
        Self {
            settings: usable(settings),
            #[cfg(feature = "http")]
            requests: RequestSettings::default(),
        }
    }

    /// Adds another window. A hit is admitted if all windows have room, and is then taken from all.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute").and("2000/day");
    /// ```
    ///
    /// # Panics
    /// If there is no such rate, if the limit has a window of this length already, or if [`RateLimit::cost`] is above the limit.
    #[track_caller]
    pub fn and(mut self, rate: impl IntoRate) -> Self {
        self.settings.rates.push(usable(rate.into_rate()));
        self.renewed()
    }

    /// Spreads the hits over the window (GCRA), and takes about 100 bytes for each client whatever the limit is. Default: an exact log.
    ///
    /// A tenth of the limit can be used at once, and the rest comes due evenly, so that no window ever has more hits than the limit; the
    /// price is that hits are refused which a log would admit. [`RateLimit::burst`] sets another number.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("10000/hour").smooth();
    /// ```
    ///
    /// # Panics
    /// If [`RateLimit::cost`] is more than can be used at once, and if the limit is more than one hit a microsecond.
    #[track_caller]
    pub fn smooth(mut self) -> Self {
        self.settings.algorithm = LimitAlgorithm::Smooth;
        self.renewed()
    }

    /// Smooths as [`RateLimit::smooth`] does, with so many hits that can be used at once. Of a smaller limit, at most all.
    ///
    /// With one, hits come due one by one. With the limit itself, all can be used at once, and then one in each window.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("10000/hour").burst(50);
    /// ```
    ///
    /// # Panics
    /// As [`RateLimit::smooth`], and if `hits` is zero.
    #[track_caller]
    pub fn burst(mut self, hits: u64) -> Self {
        assert!(hits > 0, "burst = 0: admits nothing; write one or more");
        self.settings.burst = Some(hits);
        self.smooth()
    }

    /// Sets the name under which hits are counted: limits with the same rates and the same scope share their counts. Default: in a layer
    /// the template of the route, such as `/items/{id}`; for direct calls `default`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("5/15m").scope("login");
    /// ```
    pub fn scope(mut self, scope: impl Into<Arc<str>>) -> Self {
        self.settings.scope = Some(scope.into());
        self
    }

    /// Sets the number of hits that a request or a call of [`RateLimit::hit`] counts as. Default: one.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let export = RateLimit::new("100/minute").cost(20);
    /// ```
    ///
    /// # Panics
    /// If the cost is zero or can never be admitted, because it is above the limit or what can be used at once.
    #[track_caller]
    pub fn cost(mut self, hits: u64) -> Self {
        self.settings.cost = hits;
        self.renewed()
    }

    /// Sets the verdicts while Redis cannot be asked. Default: [`OnOutage::Local`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::{OnOutage, RateLimit};
    ///
    /// let limit = RateLimit::new("5/15m").on_outage(OnOutage::Closed);
    /// ```
    pub fn on_outage(mut self, on_outage: OnOutage) -> Self {
        self.settings.on_outage = on_outage;
        self
    }

    /// Counts and reports, and refuses nobody, if `shadow` is `true`: to try a limit out. Responses have no header fields of the limit.
    /// Default: `false`.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::RateLimit;
    ///
    /// let limit = RateLimit::new("100/minute").shadow(true);
    /// ```
    pub fn shadow(mut self, shadow: bool) -> Self {
        self.settings.shadow = shadow;
        self
    }

    /// Sets the cache whose store counts. Default: the cache of the scope around the call, else the process-wide one.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::{Cache, rate_limit::RateLimit};
    ///
    /// let limits = Cache::builder().prefix("limits").build().await?;
    /// let limit = RateLimit::new("100/minute").cache(&limits);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn cache(mut self, cache: impl AsCache) -> Self {
        self.settings.core = Some(Arc::clone(cache.as_core()));
        self
    }

    /// Takes a hit of the client `key`, such as the id of a user or an address; anything that can be printed.
    ///
    /// Never fails: while Redis cannot be asked, [`RateLimit::on_outage`] decides. The key is stored as a hash.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::rate_limit::RateLimit;
    ///
    /// # let cache = larder::Cache::builder().build().await?;
    /// let limit = RateLimit::new("5/15m").scope("login").cache(&cache);
    /// let verdict = limit.hit("ada@example.com").await;
    /// assert_eq!(verdict.remaining, 4);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn hit<K: Display>(&self, key: K) -> impl Future<Output = Verdict> + Send + use<'_, K> {
        let (scope, client) = self.client(&key);
        self.settings.decide(scope, client, LedgerOp::Hit(self.settings.cost))
    }

    /// Takes several hits at once, or none if there is no room for all.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::rate_limit::RateLimit;
    /// # let cache = larder::Cache::builder().build().await?;
    /// let limit = RateLimit::new("100/minute").scope("mail").cache(&cache);
    /// assert_eq!(limit.hit_n("ada", 40).await?.remaining, 60);
    /// assert!(limit.hit_n("ada", 101).await.is_err());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if `hits` is zero or can never be admitted.
    pub fn hit_n<K: Display>(
        &self,
        key: K,
        hits: u64,
    ) -> impl Future<Output = Result<Verdict, Error>> + Send + use<'_, K> {
        let (scope, client) = self.client(&key);
        let checked = self.settings.rules.checked_cost(hits);
        async move { Ok(self.settings.decide(scope, client, LedgerOp::Hit(checked?)).await) }
    }

    /// Returns the verdict that a hit would get, and takes nothing.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::rate_limit::RateLimit;
    /// # let cache = larder::Cache::builder().build().await?;
    /// let limit = RateLimit::new("5/15m").scope("login").cache(&cache);
    /// assert_eq!(limit.peek("ada").await.remaining, 5);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn peek<K: Display>(&self, key: K) -> impl Future<Output = Verdict> + Send + use<'_, K> {
        let (scope, client) = self.client(&key);
        self.settings.decide(scope, client, LedgerOp::Peek(self.settings.cost))
    }

    /// Gives the newest hits of a client back, so many at most, and returns what a hit would get now.
    ///
    /// Other processes that refused the client may do so until the wait is over that they gave.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::rate_limit::RateLimit;
    /// # let cache = larder::Cache::builder().build().await?;
    /// let limit = RateLimit::new("5/15m").scope("login").cache(&cache);
    /// limit.hit("ada").await;
    /// assert_eq!(limit.refund("ada", 1).await?.remaining, 5);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if `hits` is zero, and the error of the store if it did not carry this out.
    pub fn refund<K: Display>(
        &self,
        key: K,
        hits: u64,
    ) -> impl Future<Output = Result<Verdict, Error>> + Send + use<'_, K> {
        let (scope, client) = self.client(&key);
        async move {
            if hits == 0 {
                return Err(Error::config("refund", "0", "gives nothing back; write one or more"));
            }
            // More than a window ever holds: the rest is nothing.
            let hits = hits.min(self.settings.rates.iter().map(|rate| rate.limit()).max().unwrap_or(hits));
            self.settings.give_back(scope, client, LedgerOp::Refund(hits)).await
        }
    }

    /// Gives all hits of a client back, as [`RateLimit::refund`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::rate_limit::RateLimit;
    /// # let cache = larder::Cache::builder().build().await?;
    /// let limit = RateLimit::new("1/day").scope("login").cache(&cache);
    /// limit.hit("ada").await;
    /// limit.reset("ada").await?;
    /// assert!(limit.hit("ada").await.allowed);
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The error of the store if it did not carry this out.
    pub fn reset<K: Display>(&self, key: K) -> impl Future<Output = Result<(), Error>> + Send + use<'_, K> {
        let (scope, client) = self.client(&key);
        async move { self.settings.give_back(scope, client, LedgerOp::Reset).await.map(drop) }
    }

    fn client(&self, key: &impl Display) -> (&str, ClientHash) {
        let scope = self.settings.scope.as_deref().unwrap_or(NO_SCOPE);
        (scope, self.settings.client(scope, key.to_string().as_bytes()))
    }

    #[track_caller]
    fn renewed(mut self) -> Self {
        self.settings = usable(self.settings.renewed());
        self
    }
}

/// Returns settings that can be used.
///
/// # Panics
/// With the error of settings that cannot be.
#[track_caller]
fn usable<T>(settings: Result<T, Error>) -> T {
    match settings {
        Ok(settings) => settings,
        Err(error) => panic!("{error}"),
    }
}
