//! The store that a URL selects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::contract::{Removed, Store, StoreRead, Ttl, forward_store_methods};
use super::dropped_groups::DroppedGroups;
use super::lease::{FillCondition, LeaseMode, Leased, Token};
use super::listener::ChangeListener;
use super::memory::MemoryStore;
use super::page::{Cursor, FunctionKeys, KeyPage};
#[cfg(feature = "redis")]
use super::redis::RedisStore;
use super::settings::StoreSettings;
use super::watched::{Tracking, Watched};
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::{Key, Label, Labels};
use crate::types::node_health::NodeHealth;
use crate::types::stamp::{CurrentStamps, Stamps};
use crate::types::tag_count::TagCount;

/// One of the stores that are compiled in.
#[cfg_attr(
    feature = "redis",
    expect(
        clippy::large_enum_variant,
        reason = "a cache has one store, and a hit does not follow another pointer"
    )
)]
pub(crate) enum AnyStore {
    Memory(MemoryStore),
    #[cfg(feature = "redis")]
    Redis(RedisStore),
}

impl AnyStore {
    /// Opens the store that the URL selects.
    ///
    /// # Errors
    /// A URL or a limit that cannot be used, and the errors of `RedisStore::open`.
    pub(crate) async fn open(settings: &StoreSettings) -> Result<Self, Error> {
        match scheme(&settings.url) {
            "memory" => Self::open_memory(settings),
            _ => Self::open_redis(settings).await,
        }
    }

    /// Returns the memory store, if this is one.
    pub(crate) fn as_memory(&self) -> Option<&MemoryStore> {
        match self {
            Self::Memory(memory) => Some(memory),
            #[cfg(feature = "redis")]
            Self::Redis(_) => None,
        }
    }

    /// Returns the Redis store, if this is one.
    #[cfg(all(any(feature = "axum", feature = "companions"), feature = "redis"))]
    pub(crate) fn as_redis(&self) -> Option<&RedisStore> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis),
        }
    }

    /// Returns `true` if other processes use the same store.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            #[cfg(feature = "redis")]
            Self::Redis(_) => true,
        }
    }

    /// Returns `true` if nodes of the store may fail while others answer.
    pub(crate) fn is_sharded(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.is_sharded(),
        }
    }

    /// Returns the state of the breaker, without any I/O.
    pub(crate) fn breaker(&self) -> Breaker {
        match self {
            Self::Memory(_) => Breaker::Closed,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.breaker(),
        }
    }

    /// Returns the state of all servers, without any I/O. Memory has none.
    pub(crate) fn nodes(&self) -> Vec<NodeHealth> {
        match self {
            Self::Memory(_) => Vec::new(),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.health(),
        }
    }

    /// Watches `key` for changes; `None` if the store does not notify of any.
    ///
    /// # Errors
    /// [`Error::Timeout`] if the store did not answer in time.
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, clippy::unused_async, reason = "no other process writes to memory")
    )]
    pub(crate) async fn watch(&self, key: &Key) -> Result<Option<Watched>, Error> {
        match self {
            Self::Memory(_) => Ok(None),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => Ok(redis.watch(key).await?.map(Watched::Redis)),
        }
    }

    /// Notifies `listener` of all changes under `prefix`; `None` if the store is not shared.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the operating system provides no thread.
    #[cfg_attr(
        not(feature = "redis"),
        expect(
            unused_variables,
            clippy::needless_pass_by_value,
            reason = "no other process writes to memory"
        )
    )]
    pub(crate) fn track(
        &self,
        prefix: &str,
        listener: Arc<impl ChangeListener>,
    ) -> Result<Option<Tracking>, Error> {
        match self {
            Self::Memory(_) => Ok(None),
            #[cfg(feature = "redis")]
            Self::Redis(redis) => {
                redis.track(prefix, listener).map(|tracking| Some(Tracking::Redis(tracking)))
            }
        }
    }

    /// Returns the number of switches to another server, and its changes; `None` if there is one server only.
    pub(crate) fn switches(&self) -> Option<watch::Receiver<u64>> {
        match self {
            Self::Memory(_) => None,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.switches(),
        }
    }

    fn open_memory(settings: &StoreSettings) -> Result<Self, Error> {
        match settings.url.strip_prefix("memory:").map(|rest| rest.trim_start_matches('/')) {
            Some("") => MemoryStore::new(settings.max_memory, settings.max_value, settings.clock.clone())
                .map(Self::Memory),
            Some(_) => Err(Error::config(
                "url",
                &settings.url,
                "takes nothing after `memory://`; set the limit with `max_memory`",
            )),
            None => Err(Error::config("url", &settings.url, "is a scheme without `://`; write `memory://`")),
        }
    }

    #[cfg(feature = "redis")]
    async fn open_redis(settings: &StoreSettings) -> Result<Self, Error> {
        RedisStore::open(settings).await.map(Self::Redis)
    }

    #[cfg(not(feature = "redis"))]
    #[expect(clippy::unused_async, reason = "the variant with the feature connects")]
    async fn open_redis(settings: &StoreSettings) -> Result<Self, Error> {
        let scheme = scheme(&settings.url);
        let reason = match scheme.split('+').next() {
            Some("redis") => "needs the feature `redis` of larder",
            Some("rediss") => "needs the feature `tls` of larder",
            _ => "is not a scheme that larder knows; write `redis://host:port` or `memory://`",
        };
        Err(Error::config("url", scheme, reason))
    }
}

macro_rules! forward {
    ($step:literal, $method:ident($($arg:ident: $type:ty),*) -> $output:ty) => {
        async fn $method(&self, $($arg: $type),*) -> Result<$output, Error> {
            match self {
                Self::Memory(memory) => memory.$method($($arg),*).await,
                #[cfg(feature = "redis")]
                Self::Redis(redis) => redis.$method($($arg),*).await,
            }
        }
    };
}

impl Store for AnyStore {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        match self {
            Self::Memory(memory) => memory.read(key, labels).await,
            // Boxed, so that the future of a cached call stays within a size that allocators serve fast.
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.read_sized(key, labels, false).await,
        }
    }

    #[cfg(feature = "redis")]
    async fn read_large(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        match self {
            Self::Memory(memory) => memory.read(key, labels).await,
            Self::Redis(redis) => redis.read_sized(key, labels, true).await,
        }
    }

    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        ttl: Option<Duration>,
        claim: FillCondition<'_>,
    ) -> Result<bool, Error> {
        match self {
            Self::Memory(memory) => memory.fill(key, labels, envelope, ttl, claim).await,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.fill(key, labels, envelope, ttl, claim).await,
        }
    }

    forward_store_methods!(forward);
}

impl fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(_) => f.write_str("memory"),
            #[cfg(feature = "redis")]
            Self::Redis(_) => f.write_str("redis"),
        }
    }
}

fn scheme(url: &str) -> &str {
    url.split_once(':').map_or(url, |(scheme, _)| scheme)
}
