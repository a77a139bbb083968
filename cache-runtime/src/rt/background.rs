//! Background tasks: work that continues after a call has returned.

use std::pin::pin;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::rt::io;
use crate::rt::park;
use crate::rt::stack::BoxFuture;

/// The background tasks of one cache.
#[derive(Debug)]
pub(crate) struct Background {
    running: watch::Sender<usize>,
    /// The largest number of refreshes that run at once.
    limit: usize,
    cancelled: watch::Sender<bool>,
}

impl Background {
    pub(crate) fn new(limit: usize) -> Self {
        Self { running: watch::Sender::new(0), limit, cancelled: watch::Sender::new(false) }
    }

    /// Returns `true` when another refresh may run. Concurrent callers can exceed the limit by one or two.
    pub(crate) fn has_room(&self) -> bool {
        *self.running.borrow() < self.limit && !*self.cancelled.borrow()
    }

    /// Returns the number of running tasks.
    pub(crate) fn len(&self) -> usize {
        *self.running.borrow()
    }

    /// Spawns `work` on larder's own runtime.
    pub(crate) fn spawn(&self, work: BoxFuture<'static, ()>) {
        io::spawn(self.guarded(work));
    }

    /// Spawns `work`, which is user code, on the current runtime if there is one, because the user's connections and
    /// timers belong to it.
    pub(crate) fn spawn_on_current(&self, work: BoxFuture<'static, ()>) {
        spawn_on_current(self.guarded(work));
    }

    /// Spawns `work`, which is user code and blocks, on a thread where blocking is allowed.
    pub(crate) fn spawn_blocking(&self, work: BoxFuture<'static, ()>) {
        let work = self.guarded(work);
        io::spawn_blocking(move || park::block_on(work));
    }

    /// Waits until no task is running.
    pub(crate) async fn idle(&self) {
        // The sender is in `self`, so the channel cannot be closed.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Drops all running tasks.
    pub(crate) fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    /// Counts `work` as running until it ends, and ends it on [`Background::cancel`].
    fn guarded(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let running = self.running.clone();
        running.send_modify(|running| *running += 1);
        let guard = Running(running);
        let mut cancelled = self.cancelled.subscribe();
        Box::pin(async move {
            let (_guard, mut work) = (guard, work);
            let mut cancel = pin!(cancelled.wait_for(|cancelled| *cancelled));
            std::future::poll_fn(|context| {
                let done = work.as_mut().poll(context).is_ready() || cancel.as_mut().poll(context).is_ready();
                if done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        })
    }
}

/// Spawns `work` on the current runtime if there is one, without counting it.
pub(crate) fn spawn_on_current(work: BoxFuture<'static, ()>) {
    match Handle::try_current() {
        Ok(handle) if !park::is_parked() => drop(handle.spawn(work)),
        _ => io::spawn(work),
    }
}

/// Decrements the count when the task ends, is dropped, or panics.
struct Running(watch::Sender<usize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
