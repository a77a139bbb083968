//! Keys whose calls pass: they compute without a lookup and without a lease, because nothing is stored under the key and the
//! last result was not cached.
//!
//! In a store that other processes share, calls pass only while another call of this process looks the key up, so that one
//! call at a time finds what another process stored, and stores a result as soon as there is one that may be cached. In a
//! store of this process alone every call passes: whatever is stored or invalidated removes the key from the set.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coarsetime::Instant;
use foldhash::fast::FixedState;

use super::key_times::mark_time;
use crate::types::clock::Clock;

/// Enough that unrelated keys rarely share a lock.
const SHARDS: usize = 16;
/// The number of keys of a shard at once; calls of others look.
const MAX_KEYS: usize = 1024;

/// A bounded set of keys whose calls pass.
#[derive(Debug)]
pub(crate) struct PassingKeys {
    clock: Clock,
    shards: [Shard; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    keys: Mutex<KeyStays>,
    /// False while there are no keys, so that most calls take no lock.
    has_any: AtomicBool,
    /// The number of keys that were stored or invalidated.
    changes: AtomicU64,
}

#[derive(Debug, Default)]
struct KeyStays {
    all: HashMap<Box<str>, PassingKey, FixedState>,
    last_id: u64,
}

#[derive(Debug)]
struct PassingKey {
    /// Distinguishes this stay of the key from later ones.
    id: u64,
    until: Instant,
    /// A call looks the key up.
    is_looked_up: bool,
}

/// The state of a key before a computation, by which a change of the key is seen after the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassingEpoch {
    /// The key is in the set, with this id.
    Stay(u64),
    /// The key is not in the set; the number of changes in its shard.
    Changes(u64),
}

/// The way of a call.
#[derive(Debug)]
pub(crate) enum PassingWay {
    /// The key is not in the set: the call looks it up.
    Usual(PassingEpoch),
    /// The key is in the set, and this call is the one that looks it up.
    Looks(PassingEpoch, LookGuard),
    /// The call passes.
    Passes(PassingEpoch),
}

/// The lookup of a key in the set, until the call is over: meanwhile other calls pass.
#[derive(Debug)]
pub(crate) struct LookGuard {
    keys: Arc<PassingKeys>,
    key: Box<str>,
    id: u64,
}

impl PassingKeys {
    /// Creates an empty set.
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, shards: std::array::from_fn(|_| Shard::default()) })
    }

    /// Decides the way of a call. `is_shared` is whether other processes share the store.
    pub(crate) fn way(self: &Arc<Self>, key: &str, is_shared: bool) -> PassingWay {
        self.way_at(key, is_shared, || self.clock.coarse())
    }

    fn way_at(self: &Arc<Self>, key: &str, is_shared: bool, now: impl FnOnce() -> Instant) -> PassingWay {
        let shard = self.shard(key);
        // Read before the store is: a change in between is one since then.
        let changes = PassingEpoch::Changes(shard.changes.load(SeqCst));
        if !shard.has_any.load(SeqCst) {
            return PassingWay::Usual(changes);
        }
        let now = now();
        let mut keys = shard.lock();
        let Some(known) = keys.all.get_mut(key).filter(|known| known.until > now) else {
            return PassingWay::Usual(changes);
        };
        let epoch = PassingEpoch::Stay(known.id);
        if !is_shared || known.is_looked_up {
            return PassingWay::Passes(epoch);
        }
        known.is_looked_up = true;
        PassingWay::Looks(epoch, LookGuard { keys: Arc::clone(self), key: key.into(), id: known.id })
    }

    /// Returns whether the key was neither stored nor invalidated since `epoch`.
    pub(crate) fn is_unchanged(&self, key: &str, epoch: PassingEpoch) -> bool {
        let shard = self.shard(key);
        match epoch {
            PassingEpoch::Stay(id) => shard.lock().all.get(key).is_some_and(|known| known.id == id),
            PassingEpoch::Changes(changes) => shard.changes.load(SeqCst) == changes,
        }
    }

    /// Lets the calls of `key` pass for a while, after a result that took this long to compute was not cached. Does nothing
    /// if the key was stored or invalidated since `epoch`, which is older than the lookup and the computation.
    pub(crate) fn extend(&self, key: &str, epoch: PassingEpoch, took: Duration) {
        self.extend_at(key, epoch, took, self.clock.coarse());
    }

    fn extend_at(&self, key: &str, epoch: PassingEpoch, took: Duration, now: Instant) {
        let until = now + coarsetime::Duration::from(mark_time(took));
        let shard = self.shard(key);
        let mut keys = shard.lock();
        if let Some(known) = keys.all.get_mut(key) {
            if epoch == PassingEpoch::Stay(known.id) || epoch == shard.epoch() {
                known.until = known.until.max(until);
            }
            return;
        }
        // Before the comparison: a change after it sees that there are keys.
        shard.has_any.store(true, SeqCst);
        if epoch == shard.epoch() {
            keys.insert(key, until, now);
        }
        shard.has_any.store(!keys.all.is_empty(), SeqCst);
    }

    /// Removes a key: its entry was stored or invalidated.
    pub(crate) fn remove(&self, key: &str) {
        self.shard(key).change(|keys| {
            keys.remove(key);
        });
    }

    /// Removes every key that matches.
    pub(crate) fn remove_all(&self, matches: impl Fn(&str) -> bool) {
        self.shards.iter().for_each(|shard| shard.change(|keys| keys.retain(|key, _| !matches(key))));
    }

    fn shard(&self, key: &str) -> &Shard {
        let hash = FixedState::default().hash_one(key);
        // The remainder is below SHARDS, so the cast loses nothing. Other bits than those of the map.
        &self.shards[((hash >> 32) % SHARDS as u64) as usize]
    }
}

impl Drop for LookGuard {
    fn drop(&mut self) {
        let mut keys = self.keys.shard(&self.key).lock();
        if let Some(known) = keys.all.get_mut(&self.key).filter(|known| known.id == self.id) {
            known.is_looked_up = false;
        }
    }
}

impl KeyStays {
    fn insert(&mut self, key: &str, until: Instant, now: Instant) {
        if self.all.len() >= MAX_KEYS {
            self.all.retain(|_, known| known.until > now);
        }
        if self.all.len() < MAX_KEYS {
            self.last_id += 1;
            self.all.insert(key.into(), PassingKey { id: self.last_id, until, is_looked_up: false });
        }
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, KeyStays> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn epoch(&self) -> PassingEpoch {
        PassingEpoch::Changes(self.changes.load(SeqCst))
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<Box<str>, PassingKey, FixedState>)) {
        self.changes.fetch_add(1, SeqCst);
        if self.has_any.load(SeqCst) {
            let mut keys = self.lock();
            change(&mut keys.all);
            self.has_any.store(!keys.all.is_empty(), SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Adds a key, as after a result that was not cached.
    fn add(keys: &Arc<PassingKeys>, key: &str, now: Instant) {
        let PassingWay::Usual(epoch) = way(keys, key, now) else { panic!("{key} is there") };
        keys.extend_at(key, epoch, SECOND, now);
    }

    /// The way of a call in a store that other processes share.
    fn way(keys: &Arc<PassingKeys>, key: &str, now: Instant) -> PassingWay {
        keys.way_at(key, true, || now)
    }

    /// The stay of a key whose calls pass in a store of this process alone.
    fn stay(keys: &Arc<PassingKeys>, key: &str, now: Instant) -> Option<PassingEpoch> {
        match keys.way_at(key, false, || now) {
            PassingWay::Passes(epoch) => Some(epoch),
            PassingWay::Usual(_) | PassingWay::Looks(..) => None,
        }
    }

    #[test]
    fn calls_pass_while_one_looks() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        add(&keys, "k", now);
        let PassingWay::Looks(_, look) = way(&keys, "k", now) else { panic!("the first one looks") };
        assert!(matches!(way(&keys, "k", now), PassingWay::Passes(_)));
        assert!(matches!(way(&keys, "other", now), PassingWay::Usual(_)));
        drop(look);
        assert!(matches!(way(&keys, "k", now), PassingWay::Looks(..)), "the next one looks");
    }

    #[test]
    fn a_guard_of_an_earlier_stay_does_not_end_a_lookup_of_this_one() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        add(&keys, "k", now);
        let old = way(&keys, "k", now);
        keys.remove("k");
        add(&keys, "k", now);
        let new = way(&keys, "k", now);
        drop(old);
        assert!(matches!(way(&keys, "k", now), PassingWay::Passes(_)));
        drop(new);
    }

    #[test]
    fn a_computation_from_before_a_change_lets_no_call_pass() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        let PassingWay::Usual(before) = way(&keys, "k", now) else { panic!("the set is empty") };
        keys.remove("k");
        assert!(!keys.is_unchanged("k", before));
        keys.extend_at("k", before, SECOND, now);
        assert_eq!(stay(&keys, "k", now), None);
        add(&keys, "k", now);
        let first = stay(&keys, "k", now).expect("it was added");
        assert!(keys.is_unchanged("k", first));
        keys.remove_all(|key| key == "k");
        assert!(!keys.is_unchanged("k", first));
        keys.extend_at("k", first, SECOND, now);
        assert_eq!(stay(&keys, "k", now), None);
    }

    #[test]
    fn a_change_of_another_key_does_not_end_a_stay() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        add(&keys, "k", now);
        let first = stay(&keys, "k", now).expect("it was added");
        (0..100).for_each(|n| keys.remove(&n.to_string()));
        assert!(keys.is_unchanged("k", first));
    }

    #[test]
    fn keys_leave_in_time_and_are_bounded() {
        let (keys, now) = (PassingKeys::new(Clock::default()), Instant::now());
        let all = || (0..SHARDS * MAX_KEYS * 2).map(|n| n.to_string());
        all().for_each(|key| add(&keys, &key, now));
        assert_eq!(all().filter(|key| stay(&keys, key, now).is_some()).count(), SHARDS * MAX_KEYS);
        let later = now + coarsetime::Duration::from(SECOND);
        assert_eq!(all().filter(|key| stay(&keys, key, later).is_some()).count(), 0);
        add(&keys, "more", later);
        assert!(stay(&keys, "more", later).is_some(), "those that have left make room");
    }
}
