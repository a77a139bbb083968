//! Flight: one computation of a key at a time in this process.
//!
//! The right to compute is a guard. Landing it hands the result to everybody who waits; dropping it without landing
//! (its caller was cancelled, panicked or got an error that cannot be shared) frees the key, and exactly one of those
//! who waited takes it up with its own copy of the work.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::io;
use crate::tier::Stamp;

/// More than enough to keep unrelated keys from meeting at one lock.
const SHARDS: usize = 32;

/// What a computation left for those who waited.
#[derive(Clone)]
pub(crate) enum Landing {
    /// The envelope of the value.
    Value(Bytes),
    /// There is none.
    Nothing,
    /// The error, to be cloned.
    Failure(Arc<dyn Any + Send + Sync>),
    /// Nothing that could be handed over: compute for yourselves.
    Free,
}

/// What a call may do about a key.
pub(crate) enum Ticket<'a> {
    /// Compute it.
    Lead(Leader<'a>),
    /// Wait for who computes it.
    Follow(Follower),
    /// Too many wait already.
    Full,
}

/// What became of a wait.
pub(crate) enum Waited {
    /// The computation landed.
    Landed(Landing),
    /// Who computed gave up.
    Vacant,
    /// The limit was reached.
    TimedOut,
}

/// One computation under way.
struct Plane {
    sender: watch::Sender<Option<Landing>>,
    /// The stamp of the key's group that the computation began under.
    stamp: Option<Stamp>,
    /// Set when the key was invalidated in the meantime: the result is for those who waited already, and for nobody
    /// else.
    void: AtomicBool,
}

/// The flights of one cache.
pub(crate) struct Flights {
    shards: [Shard; SHARDS],
    max_waiters: usize,
}

#[derive(Default)]
struct Shard {
    flying: Mutex<HashMap<Box<str>, Arc<Plane>>>,
    /// How many flights have landed here. A caller that saw no landing between its read and its turn to lead knows
    /// that its read is still true.
    landed: AtomicU64,
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Plane>>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flights {
    pub(crate) fn new(max_waiters: usize) -> Self {
        Self { shards: std::array::from_fn(|_| Shard::default()), max_waiters }
    }

    /// A mark to compare after [`Flights::board`]: see [`Leader::is_first_since`].
    pub(crate) fn landed(&self, key: &str) -> u64 {
        self.shard(key).landed.load(SeqCst)
    }

    /// Takes the lead for `key`, or a place behind who has it. Nobody waits for a computation that began under another
    /// stamp of the group than the one that he has just seen: it may have begun before the group was dropped.
    pub(crate) fn board(&self, key: &str, stamp: Option<Stamp>) -> Ticket<'_> {
        let shard = self.shard(key);
        let mut flying = shard.lock();
        if let Some(plane) = flying.get(key) {
            if plane.stamp == stamp {
                if plane.sender.receiver_count() >= self.max_waiters {
                    return Ticket::Full;
                }
                return Ticket::Follow(Follower(plane.sender.subscribe()));
            }
            plane.void.store(true, SeqCst);
        }
        let plane = Arc::new(Plane { sender: watch::Sender::new(None), stamp, void: AtomicBool::new(false) });
        flying.insert(key.into(), Arc::clone(&plane));
        Ticket::Lead(Leader { shard, key: key.into(), plane, landed: false })
    }

    /// Gives up the computation of `key`: its result is not stored, and whoever comes from here on does not wait for it.
    pub(crate) fn void(&self, key: &str) {
        if let Some(plane) = self.shard(key).lock().remove(key) {
            plane.void.store(true, SeqCst);
        }
    }

    /// [`Flights::void`] for every key that matches.
    pub(crate) fn void_all(&self, matches: impl Fn(&str) -> bool) {
        for shard in &self.shards {
            for (_, plane) in shard.lock().extract_if(|key, _| matches(key)) {
                plane.void.store(true, SeqCst);
            }
        }
    }

    /// How many keys are being computed.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, key: &str) -> &Shard {
        use std::hash::BuildHasher;
        let hash = foldhash::fast::FixedState::default().hash_one(key);
        // The remainder is below SHARDS, so the cast loses nothing.
        &self.shards[(hash % SHARDS as u64) as usize]
    }
}

/// The right to compute a key.
pub(crate) struct Leader<'a> {
    shard: &'a Shard,
    key: Box<str>,
    plane: Arc<Plane>,
    landed: bool,
}

impl Leader<'_> {
    /// Whether no flight of this shard has landed since the mark was taken: then what was read before is still true.
    pub(crate) fn is_first_since(&self, mark: u64) -> bool {
        self.shard.landed.load(SeqCst) == mark
    }

    /// Whether the key was invalidated since the computation began.
    pub(crate) fn is_void(&self) -> bool {
        self.plane.void.load(SeqCst)
    }

    /// Whether anybody waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.plane.sender.receiver_count() > 0
    }

    /// Hands the result to everybody who waits and to everybody who comes until the guard is dropped, which is to be
    /// when the result is in the store: so nobody falls into a gap between the two.
    pub(crate) fn land(&mut self, landing: Landing) {
        self.landed = true;
        self.plane.sender.send_replace(Some(landing));
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut flying = self.shard.lock();
        if self.landed {
            self.shard.landed.fetch_add(1, SeqCst);
        }
        if flying.get(&self.key).is_some_and(|plane| Arc::ptr_eq(plane, &self.plane)) {
            flying.remove(&self.key);
        }
        // The last sender goes with this guard, after the key is free: waiters that wake to a closed channel find a
        // free key.
    }
}

/// A place behind who computes.
pub(crate) struct Follower(watch::Receiver<Option<Landing>>);

impl Follower {
    /// Waits for the landing, at most for `limit`.
    pub(crate) async fn wait(mut self, limit: Duration) -> Waited {
        let landing =
            async { self.0.wait_for(Option::is_some).await.map(|landing| landing.clone()).ok().flatten() };
        match io::timeout(limit, landing).await {
            Some(Some(landing)) => Waited::Landed(landing),
            Some(None) => Waited::Vacant,
            None => Waited::TimedOut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn lead<'a>(flights: &'a Flights, key: &str) -> Leader<'a> {
        match flights.board(key, None) {
            Ticket::Lead(leader) => leader,
            Ticket::Follow(_) | Ticket::Full => panic!("the key was taken"),
        }
    }

    fn follow(flights: &Flights, key: &str) -> Follower {
        match flights.board(key, None) {
            Ticket::Follow(follower) => follower,
            Ticket::Lead(_) | Ticket::Full => panic!("the key was free"),
        }
    }

    #[tokio::test]
    async fn a_landing_reaches_waiters_and_latecomers() {
        let flights = Flights::new(10);
        let mut leader = lead(&flights, "k");
        let early = follow(&flights, "k");
        leader.land(Landing::Nothing);
        let late = follow(&flights, "k");
        assert!(matches!(early.wait(LONG).await, Waited::Landed(Landing::Nothing)));
        assert!(matches!(late.wait(LONG).await, Waited::Landed(Landing::Nothing)));
        drop(leader);
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test]
    async fn a_dropped_leader_frees_the_key_for_one_waiter() {
        let flights = Flights::new(10);
        let leader = lead(&flights, "k");
        let waiter = follow(&flights, "k");
        drop(leader);
        assert!(matches!(waiter.wait(LONG).await, Waited::Vacant));
        let _second = lead(&flights, "k");
        drop(follow(&flights, "k"));
    }

    #[tokio::test]
    async fn waiters_are_bounded_in_number_and_time() {
        let flights = Flights::new(1);
        let _leader = lead(&flights, "k");
        let waiter = follow(&flights, "k");
        assert!(matches!(flights.board("k", None), Ticket::Full));
        assert!(matches!(waiter.wait(Duration::from_millis(1)).await, Waited::TimedOut));
    }

    #[test]
    fn a_leader_knows_whether_its_read_is_still_true() {
        let flights = Flights::new(10);
        let mark = flights.landed("k");
        let mut leader = lead(&flights, "k");
        assert!(leader.is_first_since(mark));
        leader.land(Landing::Nothing);
        drop(leader);
        assert!(!lead(&flights, "k").is_first_since(mark));
    }

    #[tokio::test]
    async fn nobody_waits_for_what_was_invalidated() {
        let flights = Flights::new(10);
        let mut old = lead(&flights, "k");
        let waiter = follow(&flights, "k");
        flights.void("k");
        let new = lead(&flights, "k");
        assert!(old.is_void() && !new.is_void());
        old.land(Landing::Nothing);
        drop(old);
        assert!(matches!(waiter.wait(LONG).await, Waited::Landed(Landing::Nothing)));
        // The old leader did not take the new one's place with it.
        drop(follow(&flights, "k"));
    }

    #[test]
    fn nobody_waits_for_what_began_under_another_stamp() {
        let flights = Flights::new(10);
        let Ticket::Lead(old) = flights.board("k", Some([1; 16])) else { panic!("the key was taken") };
        assert!(matches!(flights.board("k", Some([1; 16])), Ticket::Follow(_)));
        let Ticket::Lead(_new) = flights.board("k", Some([2; 16])) else {
            panic!("it waits for the old one")
        };
        assert!(old.is_void());
        flights.void_all(|key| key.starts_with('k'));
        assert_eq!(flights.len(), 0);
    }
}
