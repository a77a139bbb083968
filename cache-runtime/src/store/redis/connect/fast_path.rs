//! The fast path: from a thread to its connection without touching memory that other threads write to.
//!
//! The slow path, from the list of links to the state of one, takes reference counts and locks that all threads share; at
//! sixteen tasks on two threads that was a quarter of the time of a call. The fast path caches its result.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::runtime::Id;
use tokio::sync::oneshot;

use super::batch::{BatchQueue, SoloReads};
use super::connection::Connection;
use super::link::Link;
use super::request::{Reply, Request};
use crate::rt::stripe::{self, Striped};

/// The number of commands in flight on a stripe from which on a read waits for others: with fewer, none are expected.
const BATCH_FROM: usize = 4;

/// The cached connections of one node, one for each stripe of threads.
#[derive(Default)]
pub(super) struct FastPath(Striped<StripeState>);

#[derive(Default)]
struct StripeState {
    cached: RwLock<Option<CachedConnection>>,
    solo: Arc<SoloReads>,
}

struct CachedConnection {
    runtime: Id,
    link: Arc<Link>,
    epoch: u64,
    connection: Connection,
    queue: BatchQueue,
}

/// The way in which a command is sent.
pub(super) enum Dispatch {
    /// The caller sends the command.
    Direct(Connection),
    /// The command is sent in a batch with others.
    Batched(oneshot::Receiver<Reply>),
}

/// A command that has started.
pub(super) struct Started {
    pub(super) dispatch: Dispatch,
    pub(super) runtime: Id,
    /// The epoch of the connection.
    pub(super) epoch: u64,
}

impl FastPath {
    /// Starts a request beside `others` in flight, if a connection of this runtime is cached and up. The others may be on other
    /// runtimes; then a read may wait in vain for them.
    pub(super) fn start(&self, runtime: Id, request: &mut Request, others: usize) -> Option<Started> {
        let StripeState { cached, solo } = self.0.here();
        let cached = cached.read().unwrap_or_else(PoisonError::into_inner);
        let cached = cached.as_ref().filter(|cached| cached.runtime == runtime && cached.is_current())?;
        let read = if others < BATCH_FROM || solo.take() { None } else { request.take_read() };
        let dispatch = match read {
            Some(read) => Dispatch::Batched(cached.queue.send(read, &cached.connection, request.limit)),
            None => Dispatch::Direct(cached.connection.clone()),
        };
        Some(Started { dispatch, runtime, epoch: cached.epoch })
    }

    /// Returns whether a connection of this runtime is cached, so that the runtime has timers.
    pub(super) fn has(&self, runtime: Id) -> bool {
        let cached = self.0.here().cached.read().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().is_some_and(|cached| cached.runtime == runtime)
    }

    /// Caches a connection of `link`, unless the stripe has a current one for another runtime.
    pub(super) fn insert(&self, runtime: Id, link: &Arc<Link>) {
        let Some((connection, epoch)) = link.pick(stripe::index()) else { return };
        let StripeState { cached, solo } = self.0.here();
        let mut cached = cached.write().unwrap_or_else(PoisonError::into_inner);
        if cached.as_ref().is_none_or(|cached| cached.runtime == runtime || !cached.is_current()) {
            let (link, queue) = (Arc::clone(link), BatchQueue::new(solo));
            *cached = Some(CachedConnection { runtime, link, epoch, connection, queue });
        }
    }

    /// Records that the server answered.
    pub(super) fn answered(&self, runtime: Id) {
        let cached = self.0.here().cached.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cached.as_ref().filter(|cached| cached.runtime == runtime) {
            cached.link.answered();
        }
    }

    /// Drops the cached connections of a link.
    pub(super) fn remove(&self, link: &Arc<Link>) {
        for stripe in self.0.all() {
            let mut cached = stripe.cached.write().unwrap_or_else(PoisonError::into_inner);
            cached.take_if(|cached| Arc::ptr_eq(&cached.link, link));
        }
    }
}

impl CachedConnection {
    fn is_current(&self) -> bool {
        self.link.epoch() == Some(self.epoch)
    }
}
