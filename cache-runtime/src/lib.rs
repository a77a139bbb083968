//! The runtime of [larder](https://docs.rs/larder). An implementation detail: depend on `larder`, which shows everything
//! here under its own name, and whose version decides about compatibility.
//!
//! Read it in this order: words (`key`, `envelope`, `policy`, `expire`), seams (`codec`, `tier`, `outcome`, `probe`,
//! `trace`), engine (`engine::run`), edges (`handle`, `builder`).

#[cfg(feature = "axum")]
mod axum;
mod background;
mod builder;
mod cache;
mod call;
mod clock;
mod codec;
mod duration;
mod engine;
mod envelope;
mod error;
mod expire;
mod fingerprint;
mod global;
mod handle;
#[cfg(feature = "http")]
pub mod http;
mod io;
mod key;
mod outcome;
mod park;
mod policy;
mod probe;
#[cfg(feature = "metrics")]
mod publish;
mod random;
mod rules;
mod site;
mod stats;
mod stripe;
mod text;
mod tier;
mod trace;

#[cfg(all(feature = "memory", feature = "redis"))]
pub use self::tier::local::LocalTier;
pub use self::{
    builder::Builder,
    cache::Cache,
    codec::{Codec, Compress},
    engine::{bypass, bypass_blocking, refresh, refresh_blocking},
    error::Error,
    expire::{Expire, IntoExpire},
    handle::{BlockingCache, BlockingEntry, Breaker, Entry, EntryInfo, Health, Keys},
    policy::Policy,
    probe::IgnoreInKey,
    stats::{Counts, FunctionStats, Stats},
};

/// For tests of programs that use larder.
#[cfg(feature = "test-util")]
pub mod test_util {
    pub use crate::clock::TestClock;
    pub use crate::tier::chaos::Chaos;
}

/// What generated code touches; not for use by hand.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "axum")]
    pub use crate::axum::{
        Handler, Incoming, Outcome, Respond, Responds, evict_response, put_response, respond, respond_apart,
        responded,
    };
    #[cfg(feature = "axum")]
    pub use crate::http::AsResponse;
    pub use crate::{
        call::{AsCache, Call, Found},
        engine::{
            Background, Entries, Evict, Kind, Owned, Owns, Place, Put, Special, SyncWork, Takes, Windows,
            Work, evict, evict_sync, kind, lent, moved, owned, put, put_sync, run, run_apart, run_apart_sync,
            run_sync,
        },
        outcome::{
            AsOption, AsPlain, AsResult, AsResultOption, Kept, KeptProbe, Ret, Shape, SharedFailure, Split,
            Value, ViaClone, ViaDecode, ViaOption, ViaOwn, ViaPlain, ViaResult, ViaResultOption, ViaShare,
            decoded, kept,
        },
        probe::{
            Arguments, ExtractPart, Extracted, Hashed, Ignored, KeyPart, Probe, SetPart, Unordered,
            ViaExtract, ViaHash, ViaIgnore, ViaSet,
        },
        rules::{as_declared, expire_with, never, unless},
        site::{Site, name_of, name_of_entry},
        text::Text,
    };
    #[cfg(feature = "axum")]
    pub use ::axum::response::Response;
}
