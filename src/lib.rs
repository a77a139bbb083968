#![doc = include_str!("../README.md")]

/// Leaves a type out of every key: `impl IgnoreInKey for T {}` in one line.
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
#[doc = include_str!("../docs/put.md")]
pub use larder_macros::cache_put;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/presets.md")]
pub use larder_macros::{
    cache_one_day, cache_one_hour, cache_one_minute, cache_one_month, cache_one_week, cache_one_year,
};

#[cfg(feature = "redis")]
pub use larder_runtime::LocalTier;
pub use larder_runtime::{
    BlockingCache, BlockingEntry, Breaker, Builder, Cache, Codec, Compress, Counts, Entry, EntryInfo, Error,
    Expire, FunctionStats, Health, IgnoreInKey, IntoExpire, Keys, Policy, Stats, bypass, bypass_blocking,
    refresh, refresh_blocking,
};

/// Responses: a layer for routers and other tower services, `#[cache(response)]` on axum handlers, extractors.
#[cfg(feature = "http")]
pub mod http {
    #[cfg(all(feature = "axum", feature = "redis"))]
    pub use larder_runtime::RedisConnection;
    pub use larder_runtime::http::{
        CacheBody, CachedResponse, MAX_BODY, NoCache, ResponseCache, ResponseCacheLayer,
    };
    #[cfg(feature = "axum")]
    pub use larder_runtime::{CacheHandle, CacheRejection};
}

/// For tests of your own programs: a clock to move, and a store to break.
#[cfg(feature = "test-util")]
#[doc = include_str!("../docs/test_util.md")]
pub mod test_util {
    pub use larder_runtime::test_util::{Chaos, TestClock};
}

/// What generated code touches; not for use by hand.
#[doc(hidden)]
pub use larder_runtime::__private;

/// Longer texts, whose examples are compiled.
#[doc = include_str!("../docs/keys.md")]
pub mod _keys {}

/// Copies of what is in Redis, in this process.
#[cfg(feature = "redis")]
#[doc = include_str!("../docs/local.md")]
pub mod _local {}

/// Which requests and responses, how long, who sees what.
#[cfg(feature = "axum")]
#[doc = include_str!("../docs/http.md")]
pub mod _http {}

/// What happens when something goes wrong.
#[doc = include_str!("../docs/failure.md")]
pub mod _failure {}
