//! Desk: where a thread finds its connection without touching what other threads write to.
//!
//! The way through the list of links to the state of one counts references and locks locks that all threads share,
//! which at sixteen tasks on two threads took a quarter of the time of a call. A desk remembers where that way led.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use redis::aio::MultiplexedConnection;
use tokio::runtime::Id;
use tokio::sync::oneshot;

use super::batch::{Apart, Queue};
use super::link::{Answer, Link};
use super::request::Job;
use crate::rt::stripe::{self, Striped};

/// A read waits for company if so many commands of its thread are under way: with fewer there is none to be expected.
const COMPANY: usize = 4;

/// The desks of one tier.
#[derive(Default)]
pub(super) struct Desks(Striped<Place>);

/// Where a desk is, and what is done there.
#[derive(Default)]
struct Place {
    desk: RwLock<Option<Desk>>,
    /// How many commands are under way. They may be on several runtimes, which costs company and nothing else.
    under_way: AtomicUsize,
    apart: Arc<Apart>,
}

struct Desk {
    runtime: Id,
    link: Arc<Link>,
    epoch: u64,
    conn: MultiplexedConnection,
    queue: Queue,
}

/// How a command goes out.
pub(super) enum Way {
    /// By itself.
    Alone(MultiplexedConnection),
    /// It has been sent with others, or will be.
    Together(oneshot::Receiver<Answer>),
}

/// A command that has begun.
pub(super) struct Begun<'a> {
    pub(super) way: Way,
    pub(super) runtime: Id,
    /// The attempt that made the connection.
    pub(super) epoch: u64,
    _under_way: UnderWay<'a>,
}

/// Counts a command for as long as it takes.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    /// ValueRules how many there were before.
    fn enter(count: &'a AtomicUsize) -> (Self, usize) {
        let before = count.fetch_add(1, Relaxed);
        (Self(count), before)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Desk {
    fn is_current(&self) -> bool {
        self.link.epoch() == Some(self.epoch)
    }
}

impl Desks {
    /// Begins a job if there is a connection of this runtime that is up.
    pub(super) fn begin(&self, runtime: Id, job: &mut Job) -> Option<Begun<'_>> {
        let Place { desk, under_way, apart } = self.0.here();
        let desk = desk.read().unwrap_or_else(PoisonError::into_inner);
        let desk = desk.as_ref().filter(|desk| desk.runtime == runtime && desk.is_current())?;
        let (under_way, others) = UnderWay::enter(under_way);
        let read = if others < COMPANY || apart.takes() { None } else { job.take_read() };
        let way = match read {
            Some(read) => Way::Together(desk.queue.send(read, &desk.conn, job.left)),
            None => Way::Alone(desk.conn.clone()),
        };
        Some(Begun { way, runtime, epoch: desk.epoch, _under_way: under_way })
    }

    /// Remembers a connection that is up, unless the desk serves another runtime well.
    pub(super) fn put(&self, runtime: Id, link: &Arc<Link>) {
        let Some((conn, epoch)) = link.pick(stripe::index()) else { return };
        let Place { desk, apart, .. } = self.0.here();
        let mut desk = desk.write().unwrap_or_else(PoisonError::into_inner);
        if desk.as_ref().is_none_or(|desk| desk.runtime == runtime || !desk.is_current()) {
            *desk = Some(Desk { runtime, link: Arc::clone(link), epoch, conn, queue: Queue::new(apart) });
        }
    }

    /// Notes that the server answered.
    pub(super) fn answered(&self, runtime: Id) {
        let desk = self.0.here().desk.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desk.as_ref().filter(|desk| desk.runtime == runtime) {
            desk.link.answered();
        }
    }

    /// Lets go of a link that is gone.
    pub(super) fn forget(&self, link: &Arc<Link>) {
        for place in self.0.all() {
            place
                .desk
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take_if(|desk| Arc::ptr_eq(&desk.link, link));
        }
    }
}
