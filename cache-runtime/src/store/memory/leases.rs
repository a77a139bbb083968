//! Leases: who may store what, inside this process.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::Token;

/// More than enough to keep unrelated keys from meeting at one lock.
const SHARDS: usize = 32;

/// The leases of one tier. Whoever changes an entry holds the lock of its key, so that a value and the right to store it
/// change together.
pub(crate) struct Leases {
    shards: [Mutex<Shard>; SHARDS],
    hasher: foldhash::fast::RandomState,
}

type Shard = HashMap<Box<str>, Token>;

impl Leases {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// The leases of the keys that share a lock with this one.
    pub(crate) fn lock(&self, key: &str) -> MutexGuard<'_, Shard> {
        // The remainder is below SHARDS, so the cast loses nothing.
        let index = (self.hasher.hash_one(key) % SHARDS as u64) as usize;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that are leased.
    pub(crate) fn keys(&self) -> Vec<Box<str>> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            keys.extend(shard.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned());
        }
        keys
    }
}
