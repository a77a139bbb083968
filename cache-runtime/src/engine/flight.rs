//! Flight: one computation of a key at a time in this process.
//!
//! The right to compute is a guard. Completion it hands the result to everybody who waits; dropping it without completion
//! (its caller was cancelled, panicked or hit an error that cannot be shared) frees the key, and exactly one of those
//! who waited takes it up with its own copy of the work.
//!
//! Nobody is handed a result that is older than an invalidation which was over when the call began, wherever it was made.
//! What a flight will land is new enough for a call if it begins after the call did, or if the lease that it began under
//! was still in the store when the call looked there.

use std::any::Any;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::watch;

use crate::rt::io;
use crate::store::Token;
use crate::types::clock::Clock;
use crate::types::stamp::CurrentStamps;
use crate::types::stamp::Stamp;

/// More than enough to keep unrelated keys from meeting at one lock.
const SHARDS: usize = 32;
/// How many keys of a shard may be quiet at once; beyond, a refresh is tried more often than it should be.
const MAX_QUIET: usize = 4096;

/// What a computation left for those who waited.
#[derive(Clone)]
pub(crate) enum Completion {
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
pub(crate) enum Role {
    /// Compute it.
    Lead(Leader),
    /// Wait for who computes it.
    Follow(Follower),
    /// Wait until who computes it is done, and join again: the result may be too old.
    Queue(Follower),
    /// Too many wait already.
    Full,
}

/// What became of a wait.
pub(crate) enum Waited {
    /// The computation landed.
    Completed(Completion),
    /// Who computed gave up.
    Vacant,
    /// The limit was reached.
    TimedOut,
}

/// One computation under way.
struct Flight {
    sender: watch::Sender<Option<Completion>>,
    /// What it will land is no older than this tick of its shard; [`FUTURE`] while nothing has begun.
    since: AtomicU64,
    /// What the computation began under.
    ground: OnceLock<Basis>,
    /// Set when the key was invalidated in the meantime: the result is for those who waited already, and for nobody
    /// else.
    void: AtomicBool,
}

/// Later than every tick.
const FUTURE: u64 = u64::MAX;

/// What tells a call that looked into the store that a computation was not invalidated.
pub(crate) enum Basis {
    /// Its lease is still there, and these stamps of its labels.
    Lease(Token, CurrentStamps),
    /// These stamps: every invalidation of a store that no other process has goes through [`Flights::void`].
    Own(CurrentStamps),
    /// Nothing.
    Nothing,
}

/// What a call knows when it boards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'a> {
    /// The tick when it began: see [`Flights::tick`].
    pub(crate) tick: u64,
    /// The store did not answer, so that nothing can be known of invalidations by other processes. That one call at a time
    /// computes counts for more then.
    pub(crate) is_blind: bool,
    /// Who holds the lease, as the call has just read.
    pub(crate) holder: Option<Token>,
    /// The stamps of the labels, read at the same moment.
    pub(crate) marks: &'a [Option<Stamp>],
}

/// The flights of one cache.
pub(crate) struct Flights {
    clock: Clock,
    shards: [Shard; SHARDS],
    max_waiters: usize,
}

#[derive(Default)]
struct Shard {
    flying: Mutex<HashMap<Box<str>, Arc<Flight>>>,
    /// Tells what began before from what began after.
    clock: AtomicU64,
    /// Keys that nobody is to refresh for a while.
    quiet: Mutex<HashMap<Box<str>, Instant>>,
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Flight>>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn quiet(&self) -> MutexGuard<'_, HashMap<Box<str>, Instant>> {
        self.quiet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Whether what it will land is new enough for a call; `None` when that cannot be known.
    fn serves(&self, sight: Sight<'_>) -> Option<bool> {
        if sight.is_blind || self.since.load(SeqCst) > sight.tick {
            return Some(true);
        }
        match self.ground.get()? {
            Basis::Lease(token, marks) => Some(sight.holder == Some(*token) && **marks == *sight.marks),
            Basis::Own(marks) => Some(**marks == *sight.marks),
            Basis::Nothing => None,
        }
    }
}

impl Flights {
    #[cfg(test)]
    fn new(max_waiters: usize) -> Arc<Self> {
        Self::by(Clock::default(), max_waiters)
    }

    /// Pauses go by this clock, waits do not.
    pub(crate) fn by(clock: Clock, max_waiters: usize) -> Arc<Self> {
        Arc::new(Self { clock, shards: std::array::from_fn(|_| Shard::default()), max_waiters })
    }

    /// What a call notes before it looks into the store, for [`Sight`].
    pub(crate) fn tick(&self, key: &str) -> u64 {
        self.shard(key).clock.load(SeqCst)
    }

    /// MoveToBackground the lead for `key`, or a place behind who has it.
    pub(crate) fn join(self: &Arc<Self>, key: &str, sight: Sight<'_>) -> Role {
        let mut flying = self.shard(key).lock();
        if let Some(plane) = flying.get(key) {
            if plane.sender.receiver_count() >= self.max_waiters {
                return Role::Full;
            }
            match plane.serves(sight) {
                Some(true) => return Role::Follow(Follower(plane.sender.subscribe())),
                None => return Role::Queue(Follower(plane.sender.subscribe())),
                Some(false) => plane.void.store(true, SeqCst),
            }
        }
        let plane = Arc::new(Flight {
            sender: watch::Sender::new(None),
            since: AtomicU64::new(FUTURE),
            ground: OnceLock::new(),
            void: AtomicBool::new(false),
        });
        flying.insert(key.into(), Arc::clone(&plane));
        Role::Lead(Leader { flights: Arc::clone(self), key: key.into(), plane })
    }

    /// Gives up the computation of `key`: whoever comes from here on does not wait for it.
    pub(crate) fn void(&self, key: &str) {
        let shard = self.shard(key);
        if let Some(plane) = shard.lock().remove(key) {
            plane.void.store(true, SeqCst);
        }
        shard.quiet().remove(key);
    }

    /// Lets those who wait for `key`, and those who come until its computation is over, compute for themselves.
    #[cfg(feature = "http")]
    pub(crate) fn scatter(&self, key: &str) {
        if let Some(plane) = self.shard(key).lock().get(key) {
            plane.sender.send_if_modified(|completion| {
                let is_first = completion.is_none();
                completion.get_or_insert(Completion::Free);
                is_first
            });
        }
    }

    /// [`Flights::void`] for every key that matches.
    pub(crate) fn void_all(&self, matches: impl Fn(&str) -> bool) {
        for shard in &self.shards {
            for (_, plane) in shard.lock().extract_if(|key, _| matches(key)) {
                plane.void.store(true, SeqCst);
            }
            shard.quiet().retain(|key, _| !matches(key));
        }
    }

    /// Lets nobody in this process refresh `key` for a while.
    pub(crate) fn back_off(&self, key: &str, pause: Duration) {
        let now = self.clock.instant();
        let Some(until) = now.checked_add(pause) else { return };
        let mut quiet = self.shard(key).quiet();
        if quiet.len() >= MAX_QUIET {
            quiet.retain(|_, until| *until > now);
        }
        if quiet.len() < MAX_QUIET {
            quiet.insert(key.into(), until);
        }
    }

    /// Whether `key` is to be left alone.
    pub(crate) fn is_backing_off(&self, key: &str) -> bool {
        self.shard(key).quiet().get(key).is_some_and(|until| *until > self.clock.instant())
    }

    /// How many keys are being computed.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, key: &str) -> &Shard {
        let hash = foldhash::fast::FixedState::default().hash_one(key);
        // The remainder is below SHARDS, so the cast loses nothing.
        &self.shards[(hash % SHARDS as u64) as usize]
    }
}

/// The right to compute a key in this process.
pub(crate) struct Leader {
    flights: Arc<Flights>,
    key: Box<str>,
    plane: Arc<Flight>,
}

impl Leader {
    /// The leader looks into the store, and may land what it finds there.
    pub(crate) fn looks(&self) {
        self.plane.since.store(self.next_tick(), SeqCst);
    }

    /// It found nothing, so whatever it will land has not begun yet.
    pub(crate) fn found_nothing(&self) {
        self.plane.since.store(FUTURE, SeqCst);
    }

    /// The computation begins.
    pub(crate) fn begins(&self, ground: Basis) {
        // Set once: a leader computes once.
        let _ = self.plane.ground.set(ground);
        self.plane.since.store(self.next_tick(), SeqCst);
    }

    fn next_tick(&self) -> u64 {
        self.flights.shard(&self.key).clock.fetch_add(1, SeqCst) + 1
    }

    /// Whether the key was invalidated since the lead was taken.
    pub(crate) fn is_void(&self) -> bool {
        self.plane.void.load(SeqCst)
    }

    /// Whether anybody waits.
    pub(crate) fn is_awaited(&self) -> bool {
        self.plane.sender.receiver_count() > 0
    }

    /// A place behind this computation.
    pub(crate) fn follow(&self) -> Follower {
        Follower(self.plane.sender.subscribe())
    }

    /// Hands the result to everybody who waits and to everybody who comes until the guard is dropped, which is to be
    /// when the result is in the store: so nobody falls into a gap between the two.
    pub(crate) fn complete(&mut self, completion: Completion) {
        self.plane.sender.send_replace(Some(completion));
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let mut flying = self.flights.shard(&self.key).lock();
        if flying.get(&self.key).is_some_and(|plane| Arc::ptr_eq(plane, &self.plane)) {
            flying.remove(&self.key);
        }
        // The last sender goes with this guard, after the key is free: waiters that wake to a closed channel find a
        // free key.
    }
}

/// A place behind who computes.
pub(crate) struct Follower(watch::Receiver<Option<Completion>>);

impl Follower {
    /// Waits for the completion, at most for `limit`.
    pub(crate) async fn wait(mut self, limit: Duration) -> Waited {
        let completion = async {
            self.0.wait_for(Option::is_some).await.map(|completion| completion.clone()).ok().flatten()
        };
        match io::timeout(limit, completion).await {
            Some(Some(completion)) => Waited::Completed(completion),
            Some(None) => Waited::Vacant,
            None => Waited::TimedOut,
        }
    }
}

impl Follower {
    /// Waits until the computation is over, whatever came of it.
    pub(crate) async fn gone(mut self, limit: Duration) -> Waited {
        match io::timeout(limit, async { while self.0.changed().await.is_ok() {} }).await {
            Some(()) => Waited::Vacant,
            None => Waited::TimedOut,
        }
    }
}

#[cfg(test)]
mod tests;
