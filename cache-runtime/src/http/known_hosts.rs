//! The hosts that the keys of layers have.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// The largest number of hosts. Clients may invent more.
const MOST: usize = 256;
const SLOTS: usize = 64;

/// The hosts that the layers of a cache name, have stored responses for or served them to, in this process: an invalidation by
/// a path alone is about all of them.
pub(crate) struct KnownHosts {
    hosts: Mutex<HashSet<Box<str>>>,
    is_full: AtomicBool,
    hasher: RandomState,
    /// The hash of the last host with each slot, so that a host is usually noted without a lock.
    noted: [AtomicU64; SLOTS],
}

impl KnownHosts {
    /// Notes a host.
    pub(super) fn note(&self, host: &str) {
        let hash = self.hasher.hash_one(host) | 1;
        // The cast keeps the low bits, which choose the slot.
        let slot = &self.noted[(hash >> 1) as usize % SLOTS];
        if slot.load(Relaxed) == hash {
            return;
        }
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() < MOST || hosts.contains(host) {
            hosts.insert(host.into());
            slot.store(hash, Relaxed);
        } else {
            self.is_full.store(true, Relaxed);
        }
    }

    /// Notes hosts that a layer names. There is room for all of them: clients cannot add to these.
    pub(super) fn declare(&self, names: &[String]) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if !hosts.contains(name.as_str()) {
                hosts.insert(name.as_str().into());
            }
        }
    }

    /// The hosts, and whether they are all.
    pub(super) fn all(&self) -> (Vec<Box<str>>, bool) {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        (hosts.iter().cloned().collect(), !self.is_full.load(Relaxed))
    }
}

impl Default for KnownHosts {
    fn default() -> Self {
        Self {
            hosts: Mutex::default(),
            is_full: AtomicBool::new(false),
            hasher: RandomState::new(),
            noted: [const { AtomicU64::new(0) }; SLOTS],
        }
    }
}

impl fmt::Debug for KnownHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownHosts")
    }
}
