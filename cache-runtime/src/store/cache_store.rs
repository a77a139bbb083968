//! The store of a cache.

/// The store of a cache, which tests can make fail.
#[cfg(feature = "test-util")]
pub(crate) type CacheStore = super::chaos::ChaosStore;

/// The store of a cache.
#[cfg(not(feature = "test-util"))]
pub(crate) type CacheStore = super::any::AnyStore;
