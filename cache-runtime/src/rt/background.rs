//! Background: the work that goes on when a call has returned.

use std::pin::pin;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::rt::io;
use crate::rt::park;

/// The work that is under way.
#[derive(Debug)]
pub(crate) struct Background {
    running: watch::Sender<usize>,
    /// How many refreshes may run at once.
    room: usize,
    cancelled: watch::Sender<bool>,
}

impl Background {
    pub(crate) fn new(room: usize) -> Self {
        Self { running: watch::Sender::new(0), room, cancelled: watch::Sender::new(false) }
    }

    /// Whether another refresh may run. One or two more than that are no harm.
    pub(crate) fn has_room(&self) -> bool {
        *self.running.borrow() < self.room && !*self.cancelled.borrow()
    }

    /// How much is under way.
    pub(crate) fn len(&self) -> usize {
        *self.running.borrow()
    }

    /// Runs `work` on larder's own runtime.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.guarded(work);
        io::spawn(work);
    }

    /// Runs `work`, which is the user's own, on the caller's runtime if there is one: connections and timers of the
    /// user belong to it.
    pub(crate) fn spawn_near(&self, work: impl Future<Output = ()> + Send + 'static) {
        spawn_near(self.guarded(work));
    }

    /// Runs `work`, which is the user's own and blocks its thread, on a thread where that is allowed.
    pub(crate) fn spawn_blocking(&self, work: impl Future<Output = ()> + Send + 'static) {
        let work = self.guarded(work);
        io::spawn_blocking(move || park::block_on(work));
    }

    /// Waits until nothing is under way.
    pub(crate) async fn idle(&self) {
        // The sender is in `self`, so the channel cannot be closed.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Drops what is still under way.
    pub(crate) fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    fn guarded(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let running = self.running.clone();
        running.send_modify(|running| *running += 1);
        let guard = Running(running);
        let mut cancelled = self.cancelled.subscribe();
        async move {
            let _guard = guard;
            let (mut work, mut cancel) = (pin!(work), pin!(cancelled.wait_for(|cancelled| *cancelled)));
            std::future::poll_fn(|context| {
                let done = work.as_mut().poll(context).is_ready() || cancel.as_mut().poll(context).is_ready();
                if done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        }
    }
}

/// Runs `work` on the caller's runtime if there is one, and counts it nowhere.
pub(crate) fn spawn_near(work: impl Future<Output = ()> + Send + 'static) {
    match Handle::try_current() {
        Ok(handle) if !park::is_parked() => drop(handle.spawn(work)),
        _ => io::spawn(work),
    }
}

/// Counts down when the work ends, is dropped, or panics.
struct Running(watch::Sender<usize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
