//! Desk: where a thread finds its connection without touching what other threads write to.
//!
//! The way through the list of links to the state of one counts references and locks locks that all threads share,
//! which at sixteen tasks on two threads took a quarter of the time of a call. A desk remembers where that way led.

use std::sync::{Arc, PoisonError, RwLock};

use redis::aio::MultiplexedConnection;
use tokio::runtime::Id;

use super::link::Link;
use crate::stripe::{self, Striped};

/// The desks of one tier.
#[derive(Default)]
pub(super) struct Desks(Striped<RwLock<Option<Desk>>>);

struct Desk {
    runtime: Id,
    link: Arc<Link>,
    epoch: u64,
    conn: MultiplexedConnection,
}

impl Desk {
    fn is_current(&self) -> bool {
        self.link.epoch() == Some(self.epoch)
    }
}

impl Desks {
    /// A connection of this runtime that is up, and the attempt that made it.
    pub(super) fn pick(&self, runtime: Id) -> Option<(MultiplexedConnection, u64)> {
        let desk = self.0.here().read().unwrap_or_else(PoisonError::into_inner);
        let desk = desk.as_ref().filter(|desk| desk.runtime == runtime && desk.is_current())?;
        Some((desk.conn.clone(), desk.epoch))
    }

    /// Remembers a connection that is up, unless the desk serves another runtime well.
    pub(super) fn put(&self, runtime: Id, link: &Arc<Link>) {
        let Some((conn, epoch)) = link.pick(stripe::index()) else { return };
        let mut desk = self.0.here().write().unwrap_or_else(PoisonError::into_inner);
        if desk.as_ref().is_none_or(|desk| desk.runtime == runtime || !desk.is_current()) {
            *desk = Some(Desk { runtime, link: Arc::clone(link), epoch, conn });
        }
    }

    /// Notes that the server answered.
    pub(super) fn answered(&self, runtime: Id) {
        let desk = self.0.here().read().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desk.as_ref().filter(|desk| desk.runtime == runtime) {
            desk.link.answered();
        }
    }

    /// Lets go of a link that is gone.
    pub(super) fn forget(&self, link: &Arc<Link>) {
        for desk in self.0.all() {
            desk.write()
                .unwrap_or_else(PoisonError::into_inner)
                .take_if(|desk| Arc::ptr_eq(&desk.link, link));
        }
    }
}
