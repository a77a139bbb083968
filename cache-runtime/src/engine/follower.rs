//! A call that waits for the leader of a flight.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::leader_waker::LeaderWaker;
use super::stall_limit::StallLimit;
use super::waits::FlightId;
use crate::rt::io;
use crate::rt::stack::BoxFuture;
use crate::rt::yield_once::yield_once;

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
    /// The flight is over without a result for this call, or its leader is stalled: the call joins again.
    Over,
    /// The leader waits, through others, for a computation that this call is part of.
    Circle,
    /// The limit was reached.
    TimedOut,
}

/// A place behind the leader.
pub(crate) struct Follower {
    completions: watch::Receiver<Option<Completion>>,
    leader: LeaderRef,
}

/// The leader as those behind it see it.
#[derive(Debug, Clone)]
pub(crate) struct LeaderRef {
    pub(super) flight: FlightId,
    pub(super) waker: Arc<LeaderWaker>,
    pub(super) stall_limit: Arc<StallLimit>,
}

impl LeaderRef {
    /// Returns whether the leader could go on and is not polled.
    pub(super) fn is_stalled(&self) -> bool {
        self.waker.is_stalled(self.stall_limit.now())
    }

    /// Returns whether the leader is stalled, and still is when this call is polled again. A task that polls both in turn, as
    /// `join_all` does, has polled the leader then.
    async fn stays_stalled(&self) -> bool {
        if !self.is_stalled() {
            return false;
        }
        yield_once().await;
        self.is_stalled()
    }
}

impl Follower {
    pub(super) fn new(sender: &watch::Sender<Option<Completion>>, leader: LeaderRef) -> Self {
        Self { completions: sender.subscribe(), leader }
    }

    /// The flight.
    pub(crate) fn flight(&self) -> FlightId {
        self.leader.flight
    }

    /// Waits for the completion, at most for `limit`.
    pub(crate) fn wait(self, limit: Duration) -> BoxFuture<'static, Waited> {
        Box::pin(self.completion(limit))
    }

    async fn completion(self, limit: Duration) -> Waited {
        let Self { mut completions, leader } = self;
        // A stalled leader completes nothing. The watch over stalled leaders wakes those who wait, so that they look.
        let completion = async {
            loop {
                let is_over = |completion: &Option<_>| completion.is_some() || leader.is_stalled();
                let completion =
                    completions.wait_for(is_over).await.ok().map(|completion| completion.clone());
                if !matches!(completion, Some(None)) || leader.stays_stalled().await {
                    return completion.flatten();
                }
            }
        };
        match io::timeout(limit, completion).await {
            Some(Some(completion)) => Waited::Completed(completion),
            Some(None) => Waited::Over,
            None => Waited::TimedOut,
        }
    }

    /// Waits until the computation is over, whatever its result, or the leader is stalled.
    pub(crate) fn gone(self, limit: Duration) -> BoxFuture<'static, Waited> {
        Box::pin(self.end(limit))
    }

    async fn end(self, limit: Duration) -> Waited {
        let Self { mut completions, leader } = self;
        let gone = async { while completions.changed().await.is_ok() && !leader.stays_stalled().await {} };
        match io::timeout(limit, gone).await {
            Some(()) => Waited::Over,
            None => Waited::TimedOut,
        }
    }
}
