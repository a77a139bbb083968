//! The fast path: from a thread to its connection without touching memory that other threads write to.
//!
//! The slow path, from the list of links to the state of one, takes reference counts and locks that all threads share; at
//! sixteen tasks on two threads that was a quarter of the time of a call. The fast path caches its result.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::runtime::Id;

use super::connection::Connection;
use super::link::Link;
use crate::rt::stripe::{self, Striped};

/// The cached connections of one node, one for each stripe of threads.
#[derive(Default)]
pub(super) struct FastPath(Striped<RwLock<Option<CachedConnection>>>);

struct CachedConnection {
    runtime: Id,
    link: Arc<Link>,
    epoch: u64,
    connection: Connection,
}

/// A connection that is up.
pub(super) struct CurrentConnection {
    pub(super) connection: Connection,
    pub(super) runtime: Id,
    /// The epoch of the connection.
    pub(super) epoch: u64,
}

impl FastPath {
    /// Returns the cached connection of this runtime, if there is one and it is up.
    pub(super) fn get(&self, runtime: Id) -> Option<CurrentConnection> {
        let cached = self.0.here().read().unwrap_or_else(PoisonError::into_inner);
        let cached = cached.as_ref().filter(|cached| cached.runtime == runtime && cached.is_current())?;
        Some(CurrentConnection { connection: cached.connection.clone(), runtime, epoch: cached.epoch })
    }

    /// Returns whether a connection of this runtime is cached, so that the runtime has timers.
    pub(super) fn has(&self, runtime: Id) -> bool {
        let cached = self.0.here().read().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().is_some_and(|cached| cached.runtime == runtime)
    }

    /// Caches a connection of `link`, unless the stripe has a current one for another runtime.
    pub(super) fn insert(&self, runtime: Id, link: &Arc<Link>) {
        let Some((connection, epoch)) = link.pick(stripe::index()) else { return };
        let mut cached = self.0.here().write().unwrap_or_else(PoisonError::into_inner);
        if cached.as_ref().is_none_or(|cached| cached.runtime == runtime || !cached.is_current()) {
            *cached = Some(CachedConnection { runtime, link: Arc::clone(link), epoch, connection });
        }
    }

    /// Records that the server answered.
    pub(super) fn answered(&self, runtime: Id) {
        let cached = self.0.here().read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = cached.as_ref().filter(|cached| cached.runtime == runtime) {
            cached.link.answered();
        }
    }

    /// Drops the cached connections of a link.
    pub(super) fn remove(&self, link: &Arc<Link>) {
        for stripe in self.0.all() {
            let mut cached = stripe.write().unwrap_or_else(PoisonError::into_inner);
            cached.take_if(|cached| Arc::ptr_eq(&cached.link, link));
        }
    }
}

impl CachedConnection {
    fn is_current(&self) -> bool {
        self.link.epoch() == Some(self.epoch)
    }
}
