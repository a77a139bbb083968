//! The leases on entries inside this process.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::lease::Token;

/// The number of locks; enough that unrelated keys rarely share one.
const SHARDS: usize = 32;

/// The leases of one store. Every change of an entry holds the lock of its key, so that a value and the right to store
/// it change together.
pub(crate) struct Leases {
    shards: [Mutex<LeaseShard>; SHARDS],
    hasher: foldhash::fast::RandomState,
}

type LeaseShard = HashMap<Box<str>, KeyLeases>;

/// The leases on one key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyLeases {
    pub(super) reader: Option<Token>,
    /// The lease of a write that has begun.
    pub(super) write: Option<Token>,
}

impl KeyLeases {
    /// Returns `true` if `token` holds one of them.
    pub(super) fn are_held_by(self, token: &Token) -> bool {
        self.reader == Some(*token) || self.write == Some(*token)
    }
}

impl Leases {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// Locks the leases of `key` and of the keys that share its lock.
    pub(crate) fn lock(&self, key: &str) -> MutexGuard<'_, LeaseShard> {
        // The remainder is below SHARDS, so that the cast is lossless.
        let index = (self.hasher.hash_one(key) % SHARDS as u64) as usize;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the keys that are leased.
    pub(crate) fn keys(&self) -> Vec<Box<str>> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            keys.extend(shard.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned());
        }
        keys
    }
}
