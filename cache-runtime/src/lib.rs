//! The runtime of [larder](https://docs.rs/larder), an implementation detail. Depend on `larder` instead: it re-exports all
//! public items of this crate, and only its version follows semantic versioning.
//!
//! Imports run down this list: `health`, `session`, `revoke`, `rate_limit`, `axum`, `http`, `codegen`, `handle`, `engine`, `site`, `store`, `codec`, `observe`, `rt`, `types`.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod codec;
mod codegen;
mod engine;
#[cfg(feature = "event_log")]
pub mod event_log;
mod handle;
#[cfg(feature = "health")]
pub mod health;
#[cfg(feature = "http")]
pub mod http;
mod observe;
#[cfg(feature = "rate_limit")]
pub mod rate_limit;
#[cfg(feature = "revoke")]
pub mod revoke;
mod rt;
#[cfg(feature = "session")]
pub mod session;
mod site;
mod store;
mod types;

#[cfg(all(feature = "axum", feature = "redis"))]
pub use self::axum::RedisConnection;
#[cfg(feature = "axum")]
pub use self::axum::{CacheHandle, CacheRejection, Conditions, Etag, NotModified};
#[cfg(feature = "events")]
pub use self::observe::events::{Event, Events};
#[cfg(feature = "redis")]
pub use self::store::Credentials;
#[cfg(feature = "tls")]
pub use self::store::Tls;
pub use self::{
    codec::{Codec, Compress},
    engine::context::{bypass, bypass_blocking, refresh, refresh_blocking},
    handle::{
        BlockingCache, BlockingEntry, Builder, BulkTable, Cache, Deferred, Entry, EntryInfo, Health, Keys,
        Loaded, LoadedMany, Table, TableBuilder, WarmUp, WarmUpReport, WarmUpTask,
    },
    observe::event_kind::{EventKind, InvalidatedBy, Tier},
    observe::stats::{Counts, FunctionStats, Stats},
    site::ignore_in_key::IgnoreInKey,
    site::policy::Policy,
    store::LocalTier,
    types::{
        breaker::Breaker,
        error::Error,
        expire::{Expire, IntoExpire},
        node_health::{NodeHealth, NodeRole},
    },
};

/// The part of the `redis` crate that commands need, in the version that `RedisConnection` works with.
///
/// ```
/// # use larder_runtime as larder;
/// # use larder::RedisConnection;
/// use larder::redis::{AsyncCommands, RedisResult};
///
/// async fn visits(mut redis: RedisConnection) -> RedisResult<u64> {
///     redis.incr("visits", 1).await
/// }
/// ```
///
/// For the rest of the crate depend on `redis` itself, in the same major version.
// Not the whole crate: it has a variant named `String`, and then the compiler writes `std::string::String` in the error messages
// of all users.
#[cfg(all(feature = "axum", feature = "redis"))]
pub mod redis {
    pub use ::redis::aio::ConnectionLike;
    pub use ::redis::{
        AsyncCommands, AsyncIter, AsyncTypedCommands, Cmd, CopyOptions, Direction, ErrorKind, ExistenceCheck,
        Expiry, FromRedisValue, LposOptions, ParsingError, Pipeline, RedisError, RedisFuture, RedisResult,
        RedisWrite, ScanOptions, Script, ScriptInvocation, ServerErrorKind, SetExpiry, SetOptions,
        ToRedisArgs, ToSingleRedisArg, Value, cmd, from_redis_value, pipe,
    };
}

/// A clock and a switch for failures, for tests of programs that use larder.
#[cfg(feature = "test-util")]
pub mod test_util {
    pub use crate::store::chaos::Chaos;
    pub use crate::types::clock::TestClock;
}

/// The items that generated code names; not a public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::codegen::*;
}
