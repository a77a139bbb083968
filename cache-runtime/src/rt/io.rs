//! The runtime that larder owns: background tasks, timers and connections for callers outside tokio.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
#[cfg(feature = "redis")]
use tokio::task::AbortHandle;

use super::own_runtime::OwnRuntime;
use crate::rt::stack::BoxFuture;
use crate::types::error::Error;

static RUNTIME: OwnRuntime = OwnRuntime::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("larder-io").enable_all().build()
});

/// Returns the process-wide runtime, which starts at the first use.
///
/// # Errors
/// [`Error::Unavailable`] when the operating system refuses a thread.
pub(crate) fn handle() -> Result<&'static Handle, Error> {
    RUNTIME.get().map(Runtime::handle)
}

/// Waits for `future`, at most for `limit`. Works on any executor and on parked threads.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    // Without a thread for timers no time passes: a wait has no limit otherwise.
    let mut timer = Timer::start(limit);
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match (future.as_mut().poll(context), &mut timer) {
        (Poll::Ready(output), _) => Poll::Ready(Some(output)),
        (Poll::Pending, Some(timer)) => timer.poll(context).map(|()| None),
        (Poll::Pending, None) => Poll::Ready(None),
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
pub(crate) fn run_to_end(work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        match handle() {
            // A task ends early only by a panic, which the panic hook has reported.
            Ok(handle) => drop(handle.spawn(work).await),
            Err(_) => work.await,
        }
    })
}

/// Runs `work` on larder's runtime; it ends when this future is dropped. `None` if it panicked, or there is no runtime.
#[cfg(feature = "redis")]
pub(crate) async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let task = handle().ok()?.spawn(work);
    let _aborts = Aborts(task.abort_handle());
    task.await.ok()
}

/// Spawns `work` on larder's runtime. Drops `work` when there is none.
pub(crate) fn spawn(work: BoxFuture<'static, ()>) {
    if let Ok(handle) = handle() {
        drop(handle.spawn(work));
    }
}

/// Ends a task when it is dropped.
#[cfg(feature = "redis")]
struct Aborts(AbortHandle);

#[cfg(feature = "redis")]
impl Drop for Aborts {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A timer that ends with its wait.
struct Timer(tokio::task::JoinHandle<()>);

impl Timer {
    /// Starts a timer on larder's runtime, because the caller's may have no timers or may not be tokio. Only rare and long
    /// waits use it, never a hit.
    fn start(limit: Duration) -> Option<Self> {
        // Created inside the task: a timer belongs to the runtime of the code that creates it.
        handle().ok().map(|handle| Self(handle.spawn(async move { tokio::time::sleep(limit).await })))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context).map(drop)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}
