//! The runtime that larder owns: background tasks, timers and connections for callers outside tokio.

use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::types::error::Error;

static RUNTIME: OnceCell<Runtime> = OnceCell::new();

/// Returns the process-wide runtime, which starts at the first use.
///
/// # Errors
/// [`Error::Unavailable`] when the operating system refuses a thread.
pub(crate) fn handle() -> Result<&'static Handle, Error> {
    RUNTIME
        .get_or_try_init(|| {
            Builder::new_multi_thread().worker_threads(1).thread_name("larder-io").enable_all().build()
        })
        .map(Runtime::handle)
        .map_err(|error| Error::Unavailable {
            message: format!("no thread for larder's own runtime: {error}"),
            source: Some(Arc::new(error)),
        })
}

/// Waits for `future`, at most for `limit`. Works on any executor and on parked threads.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    // The timer runs on larder's runtime, because the caller's may have no timers or may not be tokio. Only rare and
    // long waits use it, never a hit.
    let Ok(handle) = handle() else { return Some(future.await) };
    // Created inside the task: a timer belongs to the runtime of the code that creates it.
    let timer = AbortOnDrop(handle.spawn(async move { tokio::time::sleep(limit).await }));
    let mut future = std::pin::pin!(future);
    let mut timer = std::pin::pin!(timer);
    std::future::poll_fn(|context| {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(context) {
            return std::task::Poll::Ready(Some(output));
        }
        std::pin::Pin::new(&mut timer.0).poll(context).map(|_| None)
    })
    .await
}

/// Sleeps for `pause`. Works on any executor and on parked threads.
pub(crate) async fn sleep(pause: Duration) {
    timeout(pause, std::future::pending::<()>()).await;
}

/// Spawns work that may block its thread.
pub(crate) fn spawn_blocking(work: impl FnOnce() + Send + 'static) {
    if let Ok(handle) = handle() {
        drop(handle.spawn_blocking(work));
    }
}

/// Runs `work` to its end, even when this future is dropped: a client that disconnects drops the future of its handler.
pub(crate) async fn run_to_end(work: impl Future<Output = ()> + Send + 'static) {
    match handle() {
        // A task ends early only by a panic, which the panic hook has reported.
        Ok(handle) => drop(handle.spawn(work).await),
        Err(_) => work.await,
    }
}

/// Spawns `work` on larder's runtime. Drops `work` when there is none.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(handle) = handle() {
        drop(handle.spawn(work));
    }
}

/// A timer that ends with its wait.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
