//! Single-flight: one computation of a key at a time in this process.
//!
//! The right to compute is a guard, [`Leader`]. Completing it hands the result to every waiting call. Dropping it without
//! a completion (its caller was cancelled) frees the key, and exactly one of the waiting calls takes the lead with its own
//! computation.
//!
//! A result that is not cached marks its key for as long as the computation took: while a key is marked, one call leads as
//! usual and the others do not wait for it, because waiting would make them slower than they are without a cache.
//!
//! No call receives a result that is older than an invalidation which had returned when the call began, whichever process
//! made it. A call may take the result of a flight only if it cannot have missed an invalidation: the computation began
//! after the call did, or its lease was still in the store when the call read it.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::flight_shard::FlightShard;
use super::flight_state::{Basis, FUTURE, Flight};
use super::follower::{Completion, Follower, LeaderRef};
use super::key_times::mark_time;
use super::leader_waker::LeaderWaker;
use super::neighbor::Neighbor;
#[cfg(feature = "http")]
use super::passing::PassingKeys;
use super::snapshot::Snapshot;
use super::stall_limit::StallLimit;
use super::stalls::WatchedFlights;
use super::waits::FlightId;
use crate::types::clock::Clock;
use crate::types::key::Label;
use crate::types::stamp::Stamp;

/// Enough that unrelated keys rarely share a lock.
const SHARDS: usize = 32;

/// The role of a call in the computation of a key.
pub(crate) enum Role {
    /// This call computes.
    Lead(Leader),
    /// This call waits for the leader.
    Follow(Follower),
    /// This call waits until the leader is done and joins again: the result may be too old for it.
    Queue(Follower),
    /// The leader computes another variant of the entry: this call does not wait for it.
    Neighbor(Neighbor),
    /// Too many calls wait already.
    Full,
    /// The last result was not cached: this call computes beside the leader.
    Beside,
}

/// The flights of one cache.
pub(crate) struct Flights {
    clock: Clock,
    shards: [FlightShard; SHARDS],
    /// The keys whose calls join no flight.
    #[cfg(feature = "http")]
    pub(crate) passing: Arc<PassingKeys>,
    max_waiters: usize,
    stall_limit: Arc<StallLimit>,
    watched: Arc<WatchedFlights>,
}

impl Flights {
    /// Creates the flights. `clock` measures back-offs and marks; waits use real time.
    pub(crate) fn with_clock(clock: Clock, max_waiters: usize, stall_timeout: Duration) -> Arc<Self> {
        let stall_limit = Arc::new(StallLimit::new(stall_timeout));
        Arc::new(Self {
            #[cfg(feature = "http")]
            passing: PassingKeys::new(clock.clone()),
            clock,
            shards: std::array::from_fn(|_| FlightShard::default()),
            max_waiters,
            watched: WatchedFlights::new(Arc::clone(&stall_limit)),
            stall_limit,
        })
    }

    /// The tick that a call notes before it reads the store, for its [`Snapshot`].
    pub(crate) fn tick(&self, key: &str) -> u64 {
        self.shard(key).clock.load(SeqCst)
    }

    /// Takes the lead for `key`, or a place behind its leader.
    ///
    /// `lane` is a hash of the variant that the call wants, where it is known before the computation that the entry has
    /// several; else 0. A call does not wait for a leader of another lane.
    pub(crate) fn join(self: &Arc<Self>, key: &str, snapshot: &Snapshot, lane: u64) -> Role {
        let mut flights = self.shard(key).lock();
        if let Some(flight) = flights.get(key) {
            if self.is_marked(key) {
                return Role::Beside;
            }
            if flight.lane != lane {
                return Role::Neighbor(Neighbor::of(flight, snapshot));
            }
        }
        self.enter(&mut flights, key.into(), snapshot, (lane, key.len()))
    }

    /// Returns whether the leader that computes `key` is stalled; `None` without a leader.
    pub(crate) fn leader_is_stalled(&self, key: &str) -> Option<bool> {
        self.shard(key).lock().get(key).map(|flight| flight.leader.is_stalled())
    }

    /// [`Flights::join`] among the calls of one lane, beside a leader of another one.
    pub(crate) fn join_lane(self: &Arc<Self>, key: &str, snapshot: &Snapshot, lane: u64) -> Role {
        let shard = self.shard(key);
        let mut flights = shard.lock();
        shard.has_lanes.store(true, SeqCst);
        self.enter(&mut flights, format!("{key}\0{lane:x}").into(), snapshot, (lane, key.len()))
    }

    fn enter(
        self: &Arc<Self>,
        flights: &mut HashMap<Box<str>, Arc<Flight>>,
        key: Box<str>,
        snapshot: &Snapshot,
        (lane, base): (u64, usize),
    ) -> Role {
        if let Some(flight) = flights.get(&key) {
            if flight.sender.receiver_count() >= self.max_waiters {
                return Role::Full;
            }
            match flight.serves(snapshot) {
                // This call takes its place: the lease that the call takes ends that of the stalled leader.
                _ if flight.leader.is_stalled() => {}
                Some(true) => return Role::Follow(self.follow(flight)),
                None => return Role::Queue(self.follow(flight)),
                Some(false) => flight.void.store(true, SeqCst),
            }
        }
        let leader = LeaderRef {
            flight: FlightId::new(),
            waker: Arc::default(),
            stall_limit: Arc::clone(&self.stall_limit),
        };
        let flight = Arc::new(Flight::new(leader, lane, base));
        flights.insert(key.clone(), Arc::clone(&flight));
        Role::Lead(Leader { flights: Arc::clone(self), key, flight, began: Instant::now(), retry: None })
    }

    /// A place behind the leader of a flight, which is watched from now on.
    fn follow(&self, flight: &Arc<Flight>) -> Follower {
        self.watched.add(flight);
        Follower::new(&flight.sender, flight.leader.clone())
    }

    /// Invalidates the computation of `key`: later calls do not wait for it.
    pub(crate) fn void(&self, key: &str) {
        let shard = self.shard(key);
        shard.void(key);
        shard.backoffs().remove(key);
        shard.marks().remove(key);
        #[cfg(feature = "http")]
        self.stored(key);
    }

    /// Lets the calls of `key` look again: there may be an entry.
    #[cfg(feature = "http")]
    pub(crate) fn stored(&self, key: &str) {
        self.passing.remove(key);
    }

    /// Lets the calls that wait for `key`, and those that come until its computation is over, compute for themselves.
    #[cfg(feature = "http")]
    pub(crate) fn release_waiters(&self, key: &str) {
        if let Some(flight) = self.shard(key).lock().get(key) {
            flight.sender.send_if_modified(|completion| {
                let is_first = completion.is_none();
                completion.get_or_insert(Completion::Unshared);
                is_first
            });
        }
    }

    /// [`Flights::void`] for every key that matches.
    pub(crate) fn void_all(&self, matches: impl Fn(&str) -> bool) {
        for shard in &self.shards {
            for (_, flight) in shard.lock().extract_if(|key, flight| matches(&key[..flight.base])) {
                flight.void.store(true, SeqCst);
            }
            shard.backoffs().remove_all(&matches);
            shard.marks().remove_all(&matches);
        }
        #[cfg(feature = "http")]
        self.passing.remove_all(matches);
    }

    /// [`Flights::void`] for the computations of all entries with one of these tags. Calls that can read the store learn of
    /// dropped tags there; this is for calls that cannot.
    pub(crate) fn void_tags(&self, tags: &[Label]) {
        let has_any =
            |flight: &Flight| flight.tags.get().is_some_and(|own| own.iter().any(|tag| tags.contains(tag)));
        for shard in &self.shards {
            let mut flights = shard.lock();
            flights.values().for_each(|flight| flight.tags_dropped());
            for (_, flight) in flights.extract_if(|_, flight| has_any(flight)) {
                flight.void.store(true, SeqCst);
            }
        }
    }

    /// Keeps this process from refreshing `key` for a while.
    pub(crate) fn back_off(&self, key: &str, pause: Duration) {
        self.shard(key).backoffs().set(key, self.clock.instant(), pause);
    }

    /// Returns whether `key` is not to be refreshed now.
    pub(crate) fn is_backing_off(&self, key: &str) -> bool {
        self.shard(key).backoffs().contains(key, self.clock.instant())
    }

    /// Marks `key`: a result that took this long to compute was not cached. Calls do not wait for others for as long.
    pub(crate) fn mark(&self, key: &str, took: Duration) {
        self.shard(key).marks().extend(key, self.clock.instant(), mark_time(took));
    }

    /// Removes the mark of `key`: a result is cached.
    pub(crate) fn unmark(&self, key: &str) {
        self.shard(key).marks().remove(key);
    }

    /// Returns the time for which `key` is still marked.
    pub(crate) fn marked_for(&self, key: &str) -> Option<Duration> {
        self.shard(key).marks().left(key, self.clock.instant())
    }

    /// Returns whether calls for `key` are not to wait for others.
    pub(crate) fn is_marked(&self, key: &str) -> bool {
        self.shard(key).marks().contains(key, self.clock.instant())
    }

    /// The number of keys that are being computed.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, key: &str) -> &FlightShard {
        let hash = foldhash::fast::FixedState::default().hash_one(key);
        // The remainder is below SHARDS, so the cast loses nothing.
        &self.shards[(hash % SHARDS as u64) as usize]
    }
}

/// The right to compute a key in this process.
pub(crate) struct Leader {
    flights: Arc<Flights>,
    key: Box<str>,
    flight: Arc<Flight>,
    /// The beginning of the computation.
    began: Instant,
    /// The pause after a panic, where there is a stored value to serve meanwhile.
    retry: Option<Duration>,
}

impl Leader {
    /// Notes the tags of the entry, before anything is read or computed, and whether its values name more of them.
    pub(crate) fn tagged(self, tags: &[Label], names_tags: bool) -> Self {
        self.flight.names_tags.store(names_tags, SeqCst);
        if !tags.is_empty() {
            let _ = self.flight.tags.set(tags.into());
        }
        self
    }

    /// The leader reads the store, and may complete with the value that it finds there.
    pub(crate) fn begins_lookup(&self) {
        self.flight.since.store(self.next_tick(), SeqCst);
    }

    /// The leader found nothing, so the computation of its result has not begun yet.
    pub(crate) fn found_nothing(&self) {
        self.flight.since.store(FUTURE, SeqCst);
    }

    /// Sets the time for which this process does not compute again after a panic.
    pub(crate) fn set_retry(&mut self, pause: Duration) {
        self.retry = Some(pause);
    }

    /// The computation begins.
    pub(crate) fn begins(&mut self, basis: Basis) {
        self.began = Instant::now();
        // Set once: a leader computes once.
        let _ = self.flight.basis.set(basis);
        self.flight.since.store(self.next_tick(), SeqCst);
        if self.flight.lane != 0 {
            // Wakes the neighbors.
            self.flight.sender.send_modify(|_| {});
        }
    }

    fn next_tick(&self) -> u64 {
        self.flights.shard(self.base()).clock.fetch_add(1, SeqCst) + 1
    }

    /// The key of the entry.
    fn base(&self) -> &str {
        &self.key[..self.flight.base]
    }

    /// Names what is stored beside the result, where the flight has a lane.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        (self.flight.lane != 0).then_some(self.flight.stamp)
    }

    /// Returns whether the key was invalidated since the lead was taken.
    pub(crate) fn is_void(&self) -> bool {
        self.flight.void.load(SeqCst)
    }

    /// Returns whether any call waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.flight.sender.receiver_count() > 0
    }

    /// A place behind this computation.
    pub(crate) fn follow(&self) -> Follower {
        self.flights.follow(&self.flight)
    }

    /// The flight, for the context of the computation.
    pub(crate) fn flight(&self) -> (FlightId, Arc<LeaderWaker>) {
        (self.flight.leader.flight, self.waker())
    }

    /// The waker that drives the leader.
    pub(crate) fn waker(&self) -> Arc<LeaderWaker> {
        Arc::clone(&self.flight.leader.waker)
    }

    /// Hands the result to every waiting call and to every call that joins until the guard is dropped. The guard is dropped
    /// when the result is in the store, so there is no gap between the two.
    pub(crate) fn complete(&mut self, completion: Completion) {
        self.flight.sender.send_replace(Some(completion));
    }

    /// Marks the key: the result, which took this long to compute, is not cached.
    pub(crate) fn mark(&self, took: Duration) {
        // After an invalidation the mark would be for calls whose results may be cached.
        if !self.is_void() {
            self.flights.mark(self.base(), took);
        }
    }

    /// Lets every waiting call compute for itself, and calls of the next moments as well: a result of another process was
    /// not cached.
    pub(crate) fn let_go(&self, time: Duration) {
        self.mark(time);
        self.flight.sender.send_if_modified(|completion| completion.replace(Completion::Unshared).is_none());
    }

    /// Ends the flight without a result for others, after a computation that took this long: every waiting call goes on at
    /// once, and one of them takes the lead.
    pub(crate) fn release(mut self, took: Duration) {
        self.mark(took);
        if self.is_void() {
            // Those who wait would wait for the next leader.
            self.complete(Completion::Unshared);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        // A panic of the computation, or of what judges or encodes its result, ends it like a failure.
        if std::thread::panicking() {
            self.mark(self.began.elapsed());
            if let Some(pause) = self.retry.filter(|_| !self.is_void()) {
                self.flights.back_off(self.base(), pause);
            }
        }
        let mut flights = self.flights.shard(self.base()).lock();
        if flights.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            flights.remove(&self.key);
        }
        // The last sender goes with this guard, after the key is free: waiters that wake to a closed channel find a
        // free key.
    }
}

#[cfg(test)]
mod tests;
