//! Background: the work that goes on when a call has returned.

use tokio::sync::watch;

use crate::io;

/// How many pieces of work are under way.
#[derive(Debug)]
pub(crate) struct Background(watch::Sender<usize>);

impl Default for Background {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Background {
    /// Runs `work` on larder's own runtime.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let running = self.0.clone();
        running.send_modify(|running| *running += 1);
        let guard = Running(running);
        io::spawn(async move {
            let _guard = guard;
            work.await;
        });
    }

    /// Waits until nothing is under way.
    pub(crate) async fn idle(&self) {
        // The sender is in `self`, so the channel cannot be closed.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

/// Counts down when the work ends, is dropped, or panics.
struct Running(watch::Sender<usize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
