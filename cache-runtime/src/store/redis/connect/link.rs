//! A set of connections on one runtime, and its state.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use redis::{RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::connection::Connection;
use super::connections::Connections;
use super::failure::{Diagnosis, Failure, diagnose};
use super::progress::{Lateness, TimedOut};
use super::request::{Reply, Request};
use crate::rt::io;
use crate::rt::stripe;
use crate::store::redis::cause::Cause;
#[cfg(feature = "sentinel")]
use crate::store::redis::sentinel::primary::SwitchListener;
use crate::types::error::Error;

/// The number of consecutive timeouts after which an open connection is given up.
const TIMEOUTS: u32 = 3;

/// The state of a link. Only the supervisor sets [`LinkState::Up`]; a caller's report may end it.
#[derive(Clone)]
pub(super) enum LinkState {
    /// The first attempt is in progress: callers wait for it.
    Connecting,
    /// Commands can be sent.
    Up(Arc<Connections>),
    /// Commands cannot be sent until the supervisor succeeds.
    Down {
        /// The last failure.
        failure: Failure,
        /// The time of the supervisor's last attempt.
        at: Instant,
    },
    /// The runtime has no timers or no sockets, so that no connection can exist on it.
    NoDrivers,
    /// The supervisor has ended, most often with its runtime.
    Closed,
}

/// A set of connections with a supervisor.
pub(super) struct Link {
    state: watch::Sender<LinkState>,
    supervisor: OnceLock<AbortHandle>,
    /// The number of consecutive timeouts.
    timeouts: AtomicU32,
    /// The epoch of [`LinkState::Up`] plus one, and zero in every other state: the state without a lock.
    up: AtomicU64,
    /// [`LinkState::Closed`], for the lookup of the slow path.
    is_closed: AtomicBool,
    /// A write was refused because the server is a replica.
    saw_replica: AtomicBool,
    /// Notifies the supervisor of `saw_replica`.
    replica_seen: Notify,
    /// A supervisor that has not acted for this long is on a runtime that is not driven.
    silence: Duration,
    created: Instant,
}

impl Link {
    /// Returns a link whose supervisor has not started.
    pub(super) fn new(connect_timeout: Duration) -> Arc<Self> {
        let silence = connect_timeout.saturating_add(Duration::from_secs(2));
        Arc::new(Self {
            state: watch::Sender::new(LinkState::Connecting),
            supervisor: OnceLock::new(),
            timeouts: AtomicU32::new(0),
            up: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            saw_replica: AtomicBool::new(false),
            replica_seen: Notify::new(),
            silence,
            created: Instant::now(),
        })
    }

    /// Stores the supervisor, to end it with the pool.
    pub(super) fn supervised_by(&self, supervisor: AbortHandle) {
        if let Err(second) = self.supervisor.set(supervisor) {
            second.abort();
        }
    }

    /// Ends the supervisor and closes the connections.
    pub(super) fn close(&self) {
        if let Some(supervisor) = self.supervisor.get() {
            supervisor.abort();
        }
        self.publish(LinkState::Closed);
    }

    /// Returns `true` if the supervisor has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Sets the state.
    pub(super) fn publish(&self, mut state: LinkState) {
        if matches!(state, LinkState::Closed) {
            self.is_closed.store(true, Ordering::Release);
        }
        self.timeouts.store(0, Ordering::Relaxed);
        self.saw_replica.store(false, Ordering::Relaxed);
        self.state.send_modify(|current| {
            self.up.store(up(&state), Ordering::Release);
            std::mem::swap(current, &mut state);
        });
        // The old state is dropped outside the lock: closing connections runs foreign code.
        drop(state);
    }

    /// Takes the link down, if it still uses the connections of that epoch.
    pub(super) fn lost(&self, epoch: u64, failure: Failure) {
        let mut down = LinkState::Down { failure, at: Instant::now() };
        self.state.send_if_modified(|state| {
            let is_current = matches!(state, LinkState::Up(connections) if connections.epoch == epoch);
            if is_current {
                self.up.store(up(&down), Ordering::Release);
                std::mem::swap(state, &mut down);
            }
            is_current
        });
        if let LinkState::Up(connections) = down {
            // Commands that wait for replies there need not wait for as long as bytes may arrive.
            connections.end();
        }
    }

    /// Waits until the connections of that epoch are lost. `None` if the link was closed.
    pub(super) async fn until_lost(&self, epoch: u64) -> Option<Failure> {
        let mut states = self.state.subscribe();
        let is_lost =
            |state: &LinkState| !matches!(state, LinkState::Up(connections) if connections.epoch == epoch);
        match states.wait_for(is_lost).await.as_deref() {
            Ok(LinkState::Down { failure, .. }) => Some(failure.clone()),
            _ => None,
        }
    }

    /// Waits until a write was refused because the server is a replica.
    pub(super) async fn until_replica(&self) {
        while !self.saw_replica.swap(false, Ordering::Relaxed) {
            self.replica_seen.notified().await;
        }
    }

    /// Returns the state after the first attempt, or [`LinkState::Connecting`] if that takes longer than `limit`.
    pub(super) async fn settled(&self, limit: Duration) -> LinkState {
        self.state_that(limit, |state| !matches!(state, LinkState::Connecting)).await
    }

    /// Returns the state as [`Link::settled`], of the server that is the last to be named.
    pub(super) async fn settled_where_named(&self, limit: Duration) -> LinkState {
        let is_settled = |state: &LinkState| match state {
            LinkState::Down { failure, .. } => failure.cause != Cause::Moved,
            state => !matches!(state, LinkState::Connecting),
        };
        self.state_that(limit, is_settled).await
    }

    async fn state_that(&self, limit: Duration, is_wanted: fn(&LinkState) -> bool) -> LinkState {
        let now = self.state.borrow().clone();
        if is_wanted(&now) {
            return now;
        }
        let mut states = self.state.subscribe();
        let Ok(own) = io::handle() else { return LinkState::Connecting };
        // The timer runs on larder's own runtime: the caller's may have none, or may not be driven.
        let wait = own.spawn(async move {
            let settled = states.wait_for(is_wanted);
            tokio::time::timeout(limit, settled).await.ok()?.map(|state| state.clone()).ok()
        });
        wait.await.ok().flatten().unwrap_or(LinkState::Connecting)
    }

    /// Returns the epoch of the connections that are up.
    pub(super) fn epoch(&self) -> Option<u64> {
        self.up.load(Ordering::Acquire).checked_sub(1)
    }

    /// Returns a connection that is up, and its epoch.
    pub(super) fn pick(&self, stripe: usize) -> Option<(Connection, u64)> {
        match &*self.state.borrow() {
            LinkState::Up(connections) => Some((connections.pick(stripe), connections.epoch)),
            _ => None,
        }
    }

    /// Sends a request over this link. Returns `None` if this link cannot send it, and another one may.
    pub(super) async fn send(&self, request: &mut Request) -> Option<Result<Value, Error>> {
        if let Some((connection, epoch)) = self.pick(stripe::index()) {
            return Some(self.exchange(connection, epoch, request).await);
        }
        match self.settled(request.left()).await {
            LinkState::Up(connections) => {
                let connection = connections.pick(stripe::index());
                Some(self.exchange(connection, connections.epoch, request).await)
            }
            LinkState::Down { at, .. } if at.elapsed() > self.silence => None,
            LinkState::Down { failure, .. } => Some(Err(failure.error())),
            LinkState::Connecting if self.created.elapsed() > self.silence => None,
            LinkState::Connecting => Some(Err(request.timeout(request.limit))),
            LinkState::NoDrivers | LinkState::Closed => None,
        }
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        epoch: u64,
        request: &mut Request,
    ) -> Result<Value, Error> {
        request.is_sent = true;
        let reply = connection.send(&request.command, request.began, request.limit).await;
        self.handle_reply(reply, epoch, request)
    }

    /// Updates the link after a reply or a timeout, and returns the result for the caller.
    pub(super) fn handle_reply(&self, reply: Reply, epoch: u64, request: &Request) -> Result<Value, Error> {
        match reply {
            Ok(reply) => {
                reply.inspect(|_| self.answered()).map_err(|error| self.handle_error(epoch, &error, request))
            }
            // The time says nothing about the server.
            Err(TimedOut { cause: Lateness::Busy, .. }) => Err(request.shed()),
            Err(TimedOut { cause: Lateness::Silent, .. }) if request.has_waited => Err(request.shed()),
            Err(TimedOut { limit, cause: Lateness::Over }) => Err(request.timeout(limit)),
            Err(TimedOut { limit, cause }) => {
                // A connection that is too slow for a reply is of no use, however steadily bytes arrive.
                let timeouts = self.timeouts.fetch_add(1, Ordering::Relaxed) + 1;
                if timeouts >= TIMEOUTS || cause == Lateness::Slow {
                    self.lost(epoch, Failure::no_reply(limit));
                }
                Err(request.timeout(limit))
            }
        }
    }

    /// Records that the server replied, possibly with an error.
    pub(super) fn answered(&self) {
        if self.timeouts.load(Ordering::Relaxed) != 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
    }

    fn handle_error(&self, epoch: u64, error: &RedisError, request: &Request) -> Error {
        match diagnose(error) {
            Diagnosis::Broken => {
                let failure = Failure::from_redis(error);
                self.lost(epoch, failure.clone());
                failure.error()
            }
            diagnosis => {
                self.answered();
                if diagnosis == Diagnosis::Replica && !self.saw_replica.swap(true, Ordering::Relaxed) {
                    self.replica_seen.notify_one();
                }
                request.refused(error)
            }
        }
    }
}

/// A link must not send commands to a server after another one was named.
#[cfg(feature = "sentinel")]
impl SwitchListener for Link {
    fn on_switch(&self) {
        if let Some(epoch) = self.epoch() {
            self.lost(epoch, Failure::moved());
        }
    }
}

/// Returns the value of [`Link::up`] for a state.
fn up(state: &LinkState) -> u64 {
    match state {
        LinkState::Up(connections) => connections.epoch + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(failure: Failure) -> LinkState {
        LinkState::Down { failure, at: Instant::now() }
    }

    #[tokio::test]
    async fn a_first_attempt_at_a_server_that_was_replaced_is_not_the_last() {
        let link = Link::new(Duration::from_secs(1));
        link.publish(down(Failure::moved()));
        let attempt = link.settled_where_named(Duration::from_secs(60));
        let (state, ()) = tokio::join!(attempt, async { link.publish(down(Failure::unreachable("gone"))) });
        assert!(matches!(state, LinkState::Down { failure, .. } if failure.cause == Cause::Unreachable));
    }
}
