//! The state of one flight: a computation under way, its result, and the evidence of its age.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::snapshot::Snapshot;
use crate::rt::io;
use crate::store::Token;
use crate::types::stamp::{CurrentStamps, Stamp};

/// The result of a computation for the calls that wait for it.
#[derive(Clone)]
pub(crate) enum Completion {
    /// The envelope of the value.
    Value(Bytes),
    /// There is no value.
    Nothing,
    /// The error, to be cloned.
    Failure(Arc<dyn Any + Send + Sync>),
    /// Nothing that can be shared: every waiting call computes for itself.
    Unshared,
}

/// The end of a wait.
pub(crate) enum Waited {
    /// The computation completed.
    Completed(Completion),
    /// The flight is over without a result for this call, which joins again.
    Over,
    /// The limit was reached.
    TimedOut,
}

/// One computation under way.
pub(super) struct Flight {
    pub(super) sender: watch::Sender<Option<Completion>>,
    /// The variant that is computed: see [`Flights::join`](super::flight::Flights::join).
    pub(super) lane: u64,
    /// The length of the entry's key, after which the key of the flight may have a lane.
    pub(super) base: usize,
    /// Names what is stored beside the result, for all lanes.
    pub(super) stamp: Stamp,
    /// The result is no older than this tick of the shard; [`FUTURE`] while nothing has begun.
    pub(super) since: AtomicU64,
    /// The lease or stamps that the computation runs under.
    pub(super) basis: OnceLock<Basis>,
    /// Set when the key was invalidated in the meantime: the result is for the calls that wait already, and for no
    /// other.
    pub(super) void: AtomicBool,
}

/// Later than every tick.
pub(super) const FUTURE: u64 = u64::MAX;

/// The evidence by which a call that has read the store knows that a computation was not invalidated.
#[derive(Debug, Clone)]
pub(crate) enum Basis {
    /// The computation's lease is still there, and its labels have these stamps.
    Lease(Token, CurrentStamps),
    /// The labels have these stamps. Enough for a store that no other process shares: every invalidation goes through
    /// [`Flights::void`](super::flight::Flights::void).
    Stamps(CurrentStamps),
    /// There is no evidence.
    Nothing,
}

impl Flight {
    /// Returns whether the result will be new enough for a call; `None` when that cannot be known.
    pub(super) fn serves(&self, snapshot: &Snapshot) -> Option<bool> {
        if snapshot.is_blind || self.since.load(SeqCst) > snapshot.tick {
            return Some(true);
        }
        match self.basis.get()? {
            Basis::Lease(token, stamps) => {
                Some(snapshot.holder() == Some(*token) && *stamps == snapshot.stamps)
            }
            Basis::Stamps(stamps) => Some(*stamps == snapshot.stamps),
            Basis::Nothing => None,
        }
    }
}

/// A place behind the leader.
pub(crate) struct Follower(pub(super) watch::Receiver<Option<Completion>>);

impl Follower {
    /// Waits for the completion, at most for `limit`.
    pub(crate) async fn wait(mut self, limit: Duration) -> Waited {
        let completion = async {
            self.0.wait_for(Option::is_some).await.map(|completion| completion.clone()).ok().flatten()
        };
        match io::timeout(limit, completion).await {
            Some(Some(completion)) => Waited::Completed(completion),
            Some(None) => Waited::Over,
            None => Waited::TimedOut,
        }
    }

    /// Waits until the computation is over, whatever its result.
    pub(crate) async fn gone(mut self, limit: Duration) -> Waited {
        match io::timeout(limit, async { while self.0.changed().await.is_ok() {} }).await {
            Some(()) => Waited::Over,
            None => Waited::TimedOut,
        }
    }
}
