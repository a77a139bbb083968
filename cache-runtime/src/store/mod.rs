//! Stores: where entries are stored, as bytes under keys.
//!
//! A [`Store`] knows nothing of user types, codecs or policies. There are two: [`MemoryStore`](memory::MemoryStore) and
//! [`RedisStore`](redis::RedisStore). A [`NearCache`] holds copies of entries of Redis in this process.

mod any;
mod cache_store;
#[cfg(feature = "test-util")]
pub(crate) mod chaos;
mod contract;
mod dropped_groups;
mod lease;
mod listener;
pub(crate) mod memory;
mod near;
mod page;
#[cfg(feature = "redis")]
mod redis;
mod settings;
mod watched;

#[cfg(feature = "revoke")]
pub(crate) use self::near::KeyMark;
pub use self::near::LocalTier;
#[cfg(feature = "redis")]
pub use self::redis::Credentials;
#[cfg(feature = "redis")]
pub(crate) use self::redis::CredentialsProvider;
#[cfg(all(feature = "axum", feature = "redis"))]
pub(crate) use self::redis::DeploymentConnection;
#[cfg(all(any(feature = "revoke", feature = "session", feature = "event_log"), feature = "redis"))]
pub(crate) use self::redis::RedisStore;
#[cfg(all(feature = "companions", feature = "redis"))]
pub(crate) use self::redis::Script;
#[cfg(feature = "tls")]
pub use self::redis::Tls;
#[cfg(all(feature = "event_log", feature = "redis"))]
pub(crate) use self::redis::{Backoff, Dedicated, Slot};
#[cfg(feature = "http")]
pub(crate) use self::settings::MAX_VALUE;
pub(crate) use self::{
    cache_store::CacheStore,
    contract::{LARGE, Store, StoreRead, Ttl},
    dropped_groups::DroppedGroups,
    lease::{FillCondition, LEASE, LeaseMode, Leased, Token},
    near::{HeldTags, NearAccess, NearCache, NearChanges},
    page::{Cursor, KeyPage},
    settings::{Confirm, StoreSettings},
    watched::Watched,
};
