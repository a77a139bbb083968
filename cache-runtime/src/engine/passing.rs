//! Keys whose calls do not look at the store: nothing is stored, and the last result was not cached.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::types::clock::Clock;

/// The time between two lookups of a key whose calls do not look: the longest time for which a result that another process
/// stored is not found, and for which a result is not stored.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The number of keys of a part at once; calls of others look.
const MAX_KEYS: usize = 512;

/// The number of parts, each with a lock of its own.
const SHARDS: usize = 16;

/// The moment before a computation: whether the key was changed meanwhile is known by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassingEpoch(u64);

/// A bounded set of keys whose calls do not look at the store.
#[derive(Debug)]
pub(crate) struct PassingKeys {
    clock: Clock,
    shards: [Shard; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    keys: Mutex<Keys>,
    /// False while there are no keys, so that most calls take no lock.
    has_any: AtomicBool,
}

#[derive(Debug, Default)]
struct Keys {
    times: HashMap<Box<str>, PassingTimes, foldhash::fast::FixedState>,
    /// The number of removals.
    epoch: u64,
}

#[derive(Debug)]
struct PassingTimes {
    until: Instant,
    next_look: Instant,
}

impl PassingKeys {
    /// Creates an empty set.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, shards: std::array::from_fn(|_| Shard::default()) }
    }

    /// Returns whether a call does not look at the store. One call in [`LOOK_EVERY`] does.
    pub(crate) fn passes(&self, key: &str) -> bool {
        self.shard(key).has_any.load(Relaxed) && self.passes_at(key, self.clock.instant())
    }

    fn passes_at(&self, key: &str, now: Instant) -> bool {
        let mut keys = self.shard(key).lock();
        let Some(times) = keys.times.get_mut(key).filter(|times| times.until > now) else { return false };
        if times.next_look > now {
            return true;
        }
        times.next_look = now + LOOK_EVERY;
        false
    }

    /// The moment before a computation of `key`.
    pub(crate) fn epoch(&self, key: &str) -> PassingEpoch {
        PassingEpoch(self.shard(key).lock().epoch)
    }

    /// Lets the calls of `key` pass for `time`, unless the key was changed since `epoch`.
    pub(crate) fn extend(&self, key: &str, epoch: PassingEpoch, time: Duration) {
        self.extend_at(key, epoch, time, self.clock.instant());
    }

    fn extend_at(&self, key: &str, epoch: PassingEpoch, time: Duration, now: Instant) {
        let Some(until) = now.checked_add(time) else { return };
        let shard = self.shard(key);
        let mut keys = shard.lock();
        if keys.epoch != epoch.0 {
            return;
        }
        if let Some(times) = keys.times.get_mut(key) {
            times.until = times.until.max(until);
            return;
        }
        if keys.times.len() >= MAX_KEYS {
            keys.times.retain(|_, times| times.until > now);
        }
        if keys.times.len() < MAX_KEYS {
            keys.times.insert(key.into(), PassingTimes { until, next_look: now + LOOK_EVERY });
            shard.has_any.store(true, Relaxed);
        }
    }

    /// Removes a key: its entry was changed or stored.
    pub(crate) fn remove(&self, key: &str) {
        self.shard(key).change(|times| drop(times.remove(key)));
    }

    /// Removes every key that matches.
    pub(crate) fn remove_all(&self, matches: impl Fn(&str) -> bool) {
        self.shards.iter().for_each(|shard| shard.change(|times| times.retain(|key, _| !matches(key))));
    }

    fn shard(&self, key: &str) -> &Shard {
        let hash = foldhash::fast::FixedState::default().hash_one(key);
        // The remainder is below SHARDS, so the cast loses nothing.
        &self.shards[(hash % SHARDS as u64) as usize]
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<Box<str>, PassingTimes, foldhash::fast::FixedState>)) {
        let mut keys = self.lock();
        keys.epoch += 1;
        change(&mut keys.times);
        self.has_any.store(!keys.times.is_empty(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_call_looks_from_time_to_time() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        assert!(!keys.passes("k"));
        keys.extend_at("k", keys.epoch("k"), SECOND, now);
        assert!(keys.passes_at("k", now) && !keys.passes_at("other", now));
        let later = now + LOOK_EVERY;
        assert!(!keys.passes_at("k", later), "one looks");
        assert!(keys.passes_at("k", later), "and the others do not");
        assert!(!keys.passes_at("k", now + SECOND));
    }

    #[test]
    fn a_computation_from_before_a_change_lets_nobody_pass() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        let before = keys.epoch("k");
        keys.remove("k");
        keys.extend_at("k", before, SECOND, now);
        assert!(!keys.passes_at("k", now));
        keys.extend_at("k", keys.epoch("k"), SECOND, now);
        assert!(keys.passes_at("k", now));
        keys.remove_all(|key| key == "k");
        assert!(!keys.passes_at("k", now));
    }

    #[test]
    fn the_keys_are_bounded() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        let add = |n: usize, now| {
            let key = n.to_string();
            keys.extend_at(&key, keys.epoch(&key), SECOND, now);
            keys.passes_at(&key, now)
        };
        let added = (0..SHARDS * MAX_KEYS * 2).filter(|n| add(*n, now)).count();
        assert_eq!(added, SHARDS * MAX_KEYS);
        assert!(add(usize::MAX, now + SECOND), "those that have ended make room");
    }
}
