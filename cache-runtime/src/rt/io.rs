//! The runtime that larder owns: background tasks, timers and connections for callers outside tokio.

use std::pin::Pin;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::rt::stack::BoxFuture;
use crate::types::error::Error;

static RUNTIME: OnceCell<OwnRuntime> = OnceCell::new();
/// The runtime of a process that was forked from one with a runtime.
static AFTER_FORK: Mutex<Option<&'static OwnRuntime>> = Mutex::new(None);

/// A runtime, and the process that has its threads.
struct OwnRuntime {
    runtime: Runtime,
    process: u32,
}

/// Returns the process-wide runtime, which starts at the first use. A forked process has none of the threads of its
/// parent, and starts a runtime of its own.
///
/// # Errors
/// [`Error::Unavailable`] when the operating system refuses a thread.
pub(crate) fn handle() -> Result<&'static Handle, Error> {
    let own = RUNTIME.get_or_try_init(OwnRuntime::start)?;
    let own = if own.is_here() { own } else { after_fork()? };
    Ok(own.runtime.handle())
}

#[cold]
fn after_fork() -> Result<&'static OwnRuntime, Error> {
    let mut started = AFTER_FORK.lock().unwrap_or_else(PoisonError::into_inner);
    match *started {
        Some(own) if own.is_here() => Ok(own),
        // Never dropped, as the first one: a runtime without its threads cannot be shut down.
        _ => Ok(*started.insert(Box::leak(Box::new(OwnRuntime::start()?)))),
    }
}

impl OwnRuntime {
    fn start() -> Result<Self, Error> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_name("larder-io").enable_all().build();
        match runtime {
            Ok(runtime) => Ok(Self { runtime, process: process::id() }),
            Err(error) => Err(Error::Unavailable {
                message: format!("no thread for larder's own runtime: {error}"),
                source: Some(Arc::new(error)),
            }),
        }
    }

    fn is_here(&self) -> bool {
        self.process == process::id()
    }
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

/// Spawns `work` on larder's runtime. Drops `work` when there is none.
pub(crate) fn spawn(work: BoxFuture<'static, ()>) {
    if let Ok(handle) = handle() {
        drop(handle.spawn(work));
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
