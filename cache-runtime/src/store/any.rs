//! The tier a cache was opened with.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

use super::memory::Memory;
#[cfg(feature = "redis")]
use super::redis::Redis;
use super::{Claim, LeaseMode, Leased, Page, Store, StoreRead, Token, Ttl};
use crate::handle::builder::Builder;
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::CurrentStamps;

/// One of the tiers that are compiled in.
#[cfg_attr(
    feature = "redis",
    expect(
        clippy::large_enum_variant,
        reason = "there is one in a cache, and a hit does not follow another pointer"
    )
)]
pub(crate) enum AnyStore {
    Memory(Memory),
    #[cfg(feature = "redis")]
    Redis(Redis),
}

impl AnyStore {
    /// The tier that the builder's URL names.
    pub(crate) async fn open(builder: &Builder) -> Result<Self, Error> {
        let scheme = builder.url.split_once(':').map_or(builder.url.as_str(), |(scheme, _)| scheme);
        match scheme {
            "memory" => Self::memory(builder),
            _ => Self::redis(builder).await,
        }
    }

    fn memory(builder: &Builder) -> Result<Self, Error> {
        match builder.url.strip_prefix("memory:").map(|rest| rest.trim_start_matches('/')) {
            Some("") => {
                Memory::new(builder.max_memory, builder.max_value, builder.clock.clone()).map(Self::Memory)
            }
            _ => Err(Error::config(
                "url",
                &builder.url,
                "takes nothing behind `memory://`; set the bound with `max_memory`",
            )),
        }
    }

    /// The Redis tier, if it is that.
    #[cfg(feature = "redis")]
    pub(crate) fn as_redis(&self) -> Option<&Redis> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis),
        }
    }

    /// A place to wait for the next change of `key`; `None` where nobody tells of one.
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, clippy::unused_async, reason = "nobody tells")
    )]
    pub(crate) async fn watch(&self, key: &Key) -> Option<super::Watched> {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(redis) => redis.watch(key).await.map(super::Watched::Redis),
            // Nobody else computes for a tier that no other process has.
            Self::Memory(_) => None,
        }
    }

    /// Whether it can be reached now, as far as is known without asking it.
    pub(crate) fn breaker(&self) -> Breaker {
        match self {
            Self::Memory(_) => Breaker::Closed,
            #[cfg(feature = "redis")]
            Self::Redis(redis) => match redis.status().connected {
                Some(true) => Breaker::Closed,
                Some(false) => Breaker::Open,
                None => Breaker::Connecting,
            },
        }
    }

    /// Whether other processes have it, too.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            #[cfg(feature = "redis")]
            Self::Redis(_) => true,
        }
    }

    /// The memory tier, if it is that.
    pub(crate) fn as_memory(&self) -> Option<&Memory> {
        match self {
            Self::Memory(memory) => Some(memory),
            #[cfg(feature = "redis")]
            Self::Redis(_) => None,
        }
    }

    #[cfg(feature = "redis")]
    async fn redis(builder: &Builder) -> Result<Self, Error> {
        Redis::open(builder).await.map(Self::Redis)
    }

    #[cfg(not(feature = "redis"))]
    #[expect(clippy::unused_async, reason = "its twin with the feature connects")]
    async fn redis(builder: &Builder) -> Result<Self, Error> {
        let scheme = builder.url.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "redis" | "rediss" | "redis+unix" | "redis+cluster" | "redis+sentinel" => {
                Err(Error::config("url", scheme, "needs the feature `redis` of larder"))
            }
            _ => Err(Error::config(
                "url",
                scheme,
                "is not a scheme that larder knows; write `redis://host:port` or `memory://`",
            )),
        }
    }
}

macro_rules! each {
    ($self:ident, $tier:ident => $call:expr) => {
        match $self {
            AnyStore::Memory($tier) => $call.await,
            #[cfg(feature = "redis")]
            AnyStore::Redis($tier) => $call.await,
        }
    };
}

impl Store for AnyStore {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        match self {
            Self::Memory(memory) => memory.read(key, labels).await,
            // Boxed, so that no future of a cached call grows beyond what allocators serve fast.
            #[cfg(feature = "redis")]
            Self::Redis(redis) => Box::pin(redis.read(key, labels)).await,
        }
    }
    async fn marks(&self, labels: Labels<'_>) -> Result<CurrentStamps, Error> {
        each!(self, tier => tier.marks(labels))
    }
    async fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> Result<Leased, Error> {
        each!(self, tier => tier.lease(key, labels, token, mode, seen))
    }
    async fn renew(&self, key: &Key, token: &Token) -> Result<bool, Error> {
        each!(self, tier => tier.renew(key, token))
    }
    async fn release(&self, key: &Key, token: &Token, pause: Duration) -> Result<(), Error> {
        each!(self, tier => tier.release(key, token, pause))
    }
    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        life: Option<Duration>,
        claim: Claim<'_>,
    ) -> Result<bool, Error> {
        each!(self, tier => tier.fill(key, labels, envelope, life, claim))
    }
    async fn replace(&self, key: &Key, seen: &[u8], envelope: Bytes) -> Result<bool, Error> {
        each!(self, tier => tier.replace(key, seen, envelope))
    }
    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        each!(self, tier => tier.delete(key))
    }
    async fn life(&self, key: &Key) -> Result<(Ttl, bool), Error> {
        each!(self, tier => tier.life(key))
    }
    async fn restamp(&self, labels: &[Label]) -> Result<(), Error> {
        each!(self, tier => tier.restamp(labels))
    }
    async fn reclaim(&self, group: &Label) -> Result<u64, Error> {
        each!(self, tier => tier.reclaim(group))
    }
    async fn scan(&self, pattern: &str, cursor: u64) -> Result<Page, Error> {
        each!(self, tier => tier.scan(pattern, cursor))
    }
    async fn ping(&self) -> Result<Duration, Error> {
        each!(self, tier => tier.ping())
    }
    async fn delete_page(&self, keys: &[String], ours_only: bool) -> Result<u64, Error> {
        each!(self, tier => tier.delete_page(keys, ours_only))
    }
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
