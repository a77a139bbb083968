//! The runtime that synchronous callers drive themselves.
//!
//! A connection on larder's own runtime costs a synchronous call two switches of threads, there and back. On this runtime, which has no
//! thread, a caller that waits writes its command and reads the reply itself. If several wait, one of them does so for all, and the next
//! one takes over when it leaves: leader and followers, as tokio's `current_thread` scheduler has them.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use super::io;
use super::own_runtime::OwnRuntime;
use super::stack::BoxFuture;

static RUNTIME: OwnRuntime = OwnRuntime::new(|| {
    let started = Builder::new_current_thread().enable_all().build();
    if started.is_ok() {
        io::spawn(Box::pin(keep()));
    }
    started
});

/// The time after which the runtime gets a turn if no caller has driven it.
const IDLE: Duration = Duration::from_millis(100);
/// The length of such a turn.
const TURN: Duration = Duration::from_millis(25);

/// The number of waits of callers.
static WAITS: AtomicUsize = AtomicUsize::new(0);

/// Returns the runtime, which starts at the first use; `None` if the operating system refuses it.
pub(super) fn handle() -> Option<&'static Handle> {
    RUNTIME.get().ok().map(Runtime::handle)
}

/// Drives the runtime until `event`, if it has started. Otherwise returns `false`.
pub(super) fn drive_until(event: impl Future<Output = ()>) -> bool {
    let Some(runtime) = RUNTIME.running() else { return false };
    WAITS.fetch_add(1, Relaxed);
    runtime.block_on(event);
    true
}

/// Polls a future inside the runtime, so that its timers belong there.
pub(crate) struct Inside<'f, T> {
    handle: &'static Handle,
    future: BoxFuture<'f, T>,
}

impl<'f, T> Inside<'f, T> {
    pub(super) fn new(handle: &'static Handle, future: BoxFuture<'f, T>) -> Self {
        Self { handle, future }
    }
}

impl<T> Future for Inside<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let _inside = self.handle.enter();
        self.future.as_mut().poll(context)
    }
}

/// Lets the runtime notice lost connections while nobody waits, and connect again: a call without a connection does not wait.
async fn keep() {
    let mut waits = WAITS.load(Relaxed);
    loop {
        tokio::time::sleep(IDLE).await;
        let before = std::mem::replace(&mut waits, WAITS.load(Relaxed));
        if waits != before {
            continue;
        }
        let turn =
            || RUNTIME.running().map(|runtime| runtime.block_on(async { tokio::time::sleep(TURN).await }));
        if tokio::task::spawn_blocking(turn).await.is_err() {
            return;
        }
    }
}
