//! The steps from settings to an open cache.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::builder::Builder;
use crate::engine::abandoned::AbandonedWrites;
use crate::engine::core::Core;
use crate::engine::flight::Flights;
use crate::engine::global;
use crate::engine::held_leases::HeldLeases;
use crate::engine::key_sizes::KeySizes;
use crate::engine::known_tags::KnownTags;
use crate::engine::outage::OutageFallback;
use crate::engine::pending::PendingInvalidations;
use crate::engine::reclaim_queue::GroupReclaim;
use crate::engine::turns::Turns;
use crate::engine::unreadable::UnreadableValues;
use crate::handle::cache::Cache;
use crate::observe::warnings::Warnings;
use crate::rt::background::Background;
use crate::rt::park;
use crate::rt::stack::BoxFuture;
use crate::store::{CacheStore, NearCache, Token};
use crate::types::error::Error;
use crate::types::key::escape_glob;

/// The time for which the change of an abandoned write may still be made, as a multiple of `redis_timeout`.
const WRITE_GRACE: u32 = 4;

impl Builder {
    /// Opens the cache and installs it as the process-wide one.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::Cache;
    ///
    /// Cache::builder().prefix("myapi").init().await?;
    /// assert!(Cache::global().is_ok());
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// A setting cannot be used, Redis rejected the credentials, Redis is unreachable with [`Builder::require_redis`], or
    /// [`Error::AlreadyInitialised`].
    pub async fn init(self) -> Result<Cache, Error> {
        if global::get().is_some() {
            return Err(Error::AlreadyInitialised);
        }
        let cache = self.build().await?;
        global::set(Arc::clone(cache.core()))?;
        Ok(cache)
    }

    /// Opens the cache without installing it, for `#[cache(cache = ..)]` and [`Cache::scope`].
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cache = larder::Cache::builder().build().await?;
    /// cache.set("answer", &42, "1h").await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Builder::init`], without [`Error::AlreadyInitialised`].
    pub async fn build(mut self) -> Result<Cache, Error> {
        let (prefix, default_expire) = self.check()?;
        self.store.warnings = Arc::new(Warnings::new(escape_glob(&prefix)));
        let outage = OutageFallback::new(self.outage_local, self.store.max_value, &self.store.clock)?;
        let (near, store) = self.open_store(&prefix).await?;
        let pending = PendingInvalidations::new(self.max_pending_invalidations);
        #[cfg(feature = "http")]
        let body_budget = Arc::new(crate::http::BodyBudget::new(self.max_body_memory));
        let core = Arc::new(Core {
            id: Core::next_id(),
            setting_hashes: self.setting_hashes(),
            #[cfg(feature = "http")]
            credentials: self.credential_rules()?,
            prefix,
            is_enabled: self.enabled,
            default_expire,
            ignored: self.ignored,
            max_value: self.store.max_value,
            max_wait: self.max_wait,
            #[cfg(feature = "http")]
            status_field: status_field(&self.response_header),
            response_header: self.response_header,
            #[cfg(feature = "http")]
            sent_bodies: Arc::new(crate::http::SentBodies::new(Arc::clone(&body_budget))),
            #[cfg(feature = "http")]
            body_budget,
            #[cfg(feature = "http")]
            known_hosts: crate::http::KnownHosts::default(),
            #[cfg(feature = "http")]
            no_cache: self.no_cache,
            #[cfg(feature = "http")]
            client_max_age: self.client_max_age.transpose()?,
            near,
            flights: Flights::with_clock(self.store.clock.clone(), self.max_waiters, self.stall_timeout),
            turns: Turns::new(self.store.clock.clone()),
            unreadable: UnreadableValues::new(self.store.clock.clone()),
            clock: self.store.clock,
            owner: Token::new_owner(),
            held_leases: HeldLeases::default(),
            key_sizes: KeySizes::default(),
            late_tags: KnownTags::default(),
            pending: pending.remembering(store.switches().is_some()),
            store,
            abandoned: AbandonedWrites::new(
                self.store.redis_timeout * WRITE_GRACE,
                self.max_pending_invalidations,
            ),
            reclaim: GroupReclaim::default(),
            outage,
            stats: self.store.stats,
            warnings: self.store.warnings,
            background: Background::new(self.max_background),
            #[cfg(feature = "companions")]
            companions: crate::engine::companions::Companions::default(),
            closed: AtomicBool::new(false),
            process: std::process::id(),
        });
        start_tasks(&core);
        Ok(Cache::of(core))
    }

    /// Opens the cache and installs it as the process-wide one, as [`Builder::init`] does, for synchronous programs.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let cache = larder::Cache::builder().prefix("myapi").init_blocking()?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::init`].
    pub fn init_blocking(self) -> Result<Cache, Error> {
        park::block_on(self.init())
    }

    /// Opens the cache without installing it, as [`Builder::build`] does, for synchronous programs.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// let cache = larder::Cache::builder().build_blocking()?.blocking();
    /// cache.set("answer", &42, "1h")?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn build_blocking(self) -> Result<Cache, Error> {
        park::block_on(self.build())
    }

    /// Boxed: otherwise every program that opens a cache would compile the connections anew.
    fn open_store<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<(NearCache, CacheStore), Error>> {
        Box::pin(async move {
            let near = NearCache::new(&self.store, prefix)?;
            let store = CacheStore::open(&self.store).await.map_err(|error| self.name_url(error))?;
            near.open(&store);
            Ok((near, store))
        })
    }
}

/// Returns the name of the header that cached responses have; the text was checked.
#[cfg(feature = "http")]
fn status_field(header: &str) -> http::HeaderName {
    http::HeaderName::from_bytes(header.as_bytes()).unwrap_or(http::HeaderName::from_static("x-cache"))
}

/// Starts the tasks that run for as long as the cache exists.
fn start_tasks(core: &Arc<Core>) {
    core.follow_switches();
    #[cfg(feature = "metrics")]
    crate::observe::publish::start(core);
}
