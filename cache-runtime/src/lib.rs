//! The runtime of [larder](https://docs.rs/larder). An implementation detail: depend on `larder`, which re-exports everything
//! here under its own name, and whose version decides about compatibility.
//!
//! Imports run down this list: `axum`, `http`, `codegen`, `handle`, `engine`, `site`, `store`, `codec`, `observe`, `rt`, `types`.

#[cfg(feature = "axum")]
mod axum;
mod codec;
mod codegen;
mod engine;
mod handle;
#[cfg(feature = "http")]
pub mod http;
mod observe;
mod rt;
mod site;
mod store;
mod types;

#[cfg(all(feature = "axum", feature = "redis"))]
pub use self::axum::RedisConnection;
#[cfg(feature = "axum")]
pub use self::axum::{CacheHandle, CacheRejection};
pub use self::{
    codec::{Codec, Compress},
    engine::context::{bypass, bypass_blocking, refresh, refresh_blocking},
    handle::{BlockingCache, BlockingEntry, Builder, Cache, Entry, EntryInfo, Health, Keys},
    observe::stats::{Counts, FunctionStats, Stats},
    site::policy::Policy,
    site::probe::IgnoreInKey,
    store::LocalTier,
    types::{
        breaker::Breaker,
        error::Error,
        expire::{Expire, IntoExpire},
    },
};

/// For tests of programs that use larder.
#[cfg(feature = "test-util")]
pub mod test_util {
    pub use crate::store::chaos::Chaos;
    pub use crate::types::clock::TestClock;
}

#[doc(hidden)]
pub mod __private {
    pub use crate::codegen::*;
}
