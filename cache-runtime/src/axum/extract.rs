//! Extractors of the cache and of its connection.

use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::{StatusCode, request};
use axum::response::{IntoResponse, Response};

use crate::engine::core::Core;
use crate::engine::owner::AsCache;
use crate::handle::cache::Cache;
use crate::site::ignore_in_key::IgnoreInKey;
#[cfg(feature = "redis")]
use crate::store::DeploymentConnection;

/// An extractor of the cache: the one in an `Extension<Cache>` layer, else the one of the [`scope`](crate::Cache::scope) around the
/// request, else the process-wide one.
///
/// ```
/// # mod larder { pub mod http { pub use larder_runtime::CacheHandle; } }
/// # fn main() {
/// use larder::http::CacheHandle;
///
/// async fn forget(cache: CacheHandle) -> &'static str {
///     match cache.delete("greeting").await {
///         Ok(_) => "forgotten",
///         Err(_) => "try again",
///     }
/// }
/// # }
/// ```
///
/// `CacheHandle` derefs to [`Cache`]. Without a cache the request is answered with `503`; an `Option<CacheHandle>` is `None` then.
#[derive(Debug, Clone)]
pub struct CacheHandle(pub Cache);

impl Deref for CacheHandle {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.0
    }
}

impl IgnoreInKey for CacheHandle {}

impl AsCache for CacheHandle {
    fn as_core(&self) -> &Arc<Core> {
        self.0.as_core()
    }
}

impl<S: Sync> FromRequestParts<S> for CacheHandle {
    type Rejection = CacheRejection;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, CacheRejection> {
        cache_of(parts).map(Self)
    }
}

/// `None` where `CacheHandle` alone rejects the request.
impl<S: Sync> OptionalFromRequestParts<S> for CacheHandle {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(cache_of(parts).ok().map(Self))
    }
}

fn cache_of(parts: &request::Parts) -> Result<Cache, CacheRejection> {
    let own = parts.extensions.get::<Cache>().cloned();
    own.map_or_else(Cache::global, Ok).map_err(|error| CacheRejection(error.to_string()))
}

/// The rejection of a request for which there is no cache or no connection: `503`.
#[derive(Debug, Clone)]
pub struct CacheRejection(String);

impl fmt::Display for CacheRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CacheRejection {}

impl IntoResponse for CacheRejection {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, self.0).into_response()
    }
}

/// An extractor of a connection to Redis that is shared with the cache, for commands of your own.
///
/// ```
/// # mod larder { pub mod http { pub use larder_runtime::RedisConnection; } }
/// # fn main() {
/// use larder::http::RedisConnection;
///
/// async fn visits(mut redis: RedisConnection) -> Result<String, String> {
///     let visits: redis::RedisResult<u64> = redis::cmd("INCR").arg("visits").query_async(&mut redis).await;
///     visits.map(|visits| visits.to_string()).map_err(|error| error.to_string())
/// }
/// # }
/// ```
///
/// The connection is one of the cache's own, so commands that block (`BLPOP`, `WAIT`) block the cache, and each command has
/// `redis_timeout`. On a cluster each command, also of a pipeline, goes to the node that serves its first key, and a transaction
/// to the node of the first key of its first command; commands without a key go to one of the nodes. Keys are used as written, without the prefix of the cache. With `memory://`, and while Redis cannot be
/// reached, the request is answered with `503`; an `Option<RedisConnection>` is `None` then.
#[cfg(feature = "redis")]
#[derive(Clone)]
pub struct RedisConnection(DeploymentConnection);

#[cfg(feature = "redis")]
mod connection {
    use redis::aio::ConnectionLike;
    use redis::{Cmd, Pipeline, RedisFuture, Value};

    use super::*;

    impl IgnoreInKey for RedisConnection {}

    impl<S: Sync> FromRequestParts<S> for RedisConnection {
        type Rejection = CacheRejection;

        async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, CacheRejection> {
            let cache = cache_of(parts)?;
            let Some(redis) = cache.core().store.as_redis() else {
                return Err(CacheRejection("the cache is `memory://`, which has no connection".to_owned()));
            };
            match redis.connection().await {
                Some(connection) => Ok(Self(connection)),
                None => Err(CacheRejection("redis cannot be reached".to_owned())),
            }
        }
    }

    /// `None` where `RedisConnection` alone rejects the request.
    impl<S: Sync> OptionalFromRequestParts<S> for RedisConnection {
        type Rejection = Infallible;

        async fn from_request_parts(
            parts: &mut request::Parts,
            state: &S,
        ) -> Result<Option<Self>, Infallible> {
            Ok(<Self as FromRequestParts<S>>::from_request_parts(parts, state).await.ok())
        }
    }

    impl ConnectionLike for RedisConnection {
        fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
            Box::pin(self.0.send(cmd))
        }

        fn req_packed_commands<'a>(
            &'a mut self,
            pipeline: &'a Pipeline,
            offset: usize,
            count: usize,
        ) -> RedisFuture<'a, Vec<Value>> {
            Box::pin(self.0.send_pipeline(pipeline, offset, count))
        }

        fn get_db(&self) -> i64 {
            self.0.db()
        }
    }

    impl fmt::Debug for RedisConnection {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("RedisConnection")
        }
    }
}
