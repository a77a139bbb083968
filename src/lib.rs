#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Implements [`trait@IgnoreInKey`], which leaves a type out of every key.
///
/// ```
/// #[derive(larder::IgnoreInKey)]
/// struct Db;
/// ```
#[cfg(feature = "macros")]
pub use larder_macros::IgnoreInKey;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/cache.md")]
pub use larder_macros::cache;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/evict.md")]
pub use larder_macros::cache_evict;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/many.md")]
pub use larder_macros::cache_many;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/put.md")]
pub use larder_macros::cache_put;
#[cfg(all(feature = "macros", feature = "rate_limit"))]
#[doc = include_str!("../docs/rate_limit_attribute.md")]
pub use larder_macros::rate_limit;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/presets.md")]
pub use larder_macros::{
    cache_one_day, cache_one_hour, cache_one_minute, cache_one_month, cache_one_week, cache_one_year,
};

#[cfg(feature = "tls")]
pub use larder_runtime::Tls;
pub use larder_runtime::{
    BlockingCache, BlockingEntry, Breaker, Builder, BulkTable, Cache, Codec, Compress, Counts, Deferred,
    Entry, EntryInfo, Error, Expire, FunctionStats, Health, IgnoreInKey, IntoExpire, Keys, Loaded,
    LoadedMany, NodeHealth, NodeRole, Policy, Stats, Table, TableBuilder, WarmUp, WarmUpReport, WarmUpTask,
    bypass, bypass_blocking, refresh, refresh_blocking,
};
#[cfg(feature = "redis")]
pub use larder_runtime::{Credentials, LocalTier};
#[cfg(feature = "events")]
pub use larder_runtime::{Event, EventKind, Events, InvalidatedBy, Tier};

#[cfg(all(feature = "axum", feature = "redis"))]
pub use larder_runtime::redis;

/// Cached HTTP responses: a layer for routers and other tower services, and extractors for axum handlers.
#[cfg(feature = "http")]
pub mod http {
    #[cfg(all(feature = "axum", feature = "redis"))]
    pub use larder_runtime::RedisConnection;
    pub use larder_runtime::http::{
        CacheBody, CachedResponse, EtagKind, IncompleteBody, IntoMaxAge, MAX_BODY, NoCache, ResponseCache,
        ResponseCacheLayer, ScopeFuture, ScopeLayer, ScopeService, scope,
    };
    #[cfg(feature = "axum")]
    pub use larder_runtime::{CacheHandle, CacheRejection, Conditions, Etag, NotModified};
}

/// Health routes for an axum router.
///
#[cfg(feature = "health")]
#[doc = include_str!("../docs/health.md")]
pub mod health {
    pub use larder_runtime::health::{HealthRoutes, Need, routes};
}

/// Rate limits, shared by all processes: a layer, an attribute and direct calls.
///
#[cfg(feature = "rate_limit")]
#[cfg_attr(all(feature = "axum", feature = "macros"), doc = include_str!("../docs/rate_limit.md"))]
pub mod rate_limit {
    pub use larder_runtime::rate_limit::{
        BlockingRateLimit, DecidedBy, IntoRate, Limited, OnOutage, Rate, RateLimit, Verdict, WindowState,
    };
    #[cfg(feature = "http")]
    pub use larder_runtime::rate_limit::{By, Identify, RateLimitLayer, RateLimitService, Unidentified};
}

/// Tokens that end before they expire: a deny list, generations of users, and refresh tokens whose theft is noticed.
///
#[cfg(feature = "revoke")]
#[cfg_attr(feature = "axum", doc = include_str!("../docs/revoke.md"))]
pub mod revoke {
    pub use larder_runtime::revoke::{
        BlockingRefreshTokens, BlockingRevocations, RefreshToken, RefreshTokens, RevocationOutage,
        Revocations, Rotation, TokenCheck, TokenCheckFuture, TokenRefused,
    };
}

/// Sessions of browsers, shared by all processes: a layer, and a handle for handlers.
///
#[cfg(feature = "session")]
#[doc = include_str!("../docs/session.md")]
pub mod session {
    pub use larder_runtime::session::{
        SameSite, Session, SessionInfo, SessionLayer, SessionRejection, SessionService,
    };
}

/// Logs of events that listeners resume, channels, and server-sent events.
///
#[cfg(feature = "event_log")]
#[cfg_attr(feature = "axum", doc = include_str!("../docs/event_log.md"))]
pub mod event_log {
    #[cfg(feature = "axum")]
    pub use larder_runtime::event_log::SseParts;
    pub use larder_runtime::event_log::{
        Channel, ChannelStream, EventId, EventLog, LogEvent, LogStream, StreamEnd,
    };
}

/// A clock that a test moves, and a store that a test breaks.
///
#[cfg(feature = "test-util")]
#[doc = include_str!("../docs/testing.md")]
pub mod test_util {
    pub use larder_runtime::test_util::{Chaos, TestClock};
}

/// The items that generated code names; not a public interface.
#[doc(hidden)]
pub use larder_runtime::__private;

/// Guide to keys.
///
#[doc = include_str!("../docs/keys.md")]
pub mod _keys {}

/// Guide to the local tier: copies of Redis entries in this process.
///
#[cfg(feature = "redis")]
#[doc = include_str!("../docs/local.md")]
pub mod _local {}

/// Guide to cached HTTP responses.
///
#[cfg(feature = "axum")]
#[doc = include_str!("../docs/http.md")]
pub mod _http {}

/// Guide to operations: URLs, TLS, users, sizing, monitoring, and managed services.
///
#[cfg(all(feature = "cluster", feature = "tls"))]
#[doc = include_str!("../docs/operations.md")]
pub mod _operations {}

/// Guide to events: what a cache does, as a stream.
///
#[cfg(feature = "events")]
#[doc = include_str!("../docs/events.md")]
pub mod _events {}

/// Guide to failures: the behaviour of a cached function when something fails.
///
#[doc = include_str!("../docs/failure.md")]
pub mod _failure {}
