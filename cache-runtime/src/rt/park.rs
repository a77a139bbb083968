//! Parking: synchronous callers drive the asynchronous engine on their own thread.
//!
//! The engine's futures need no particular executor, because another thread wakes everything that they wait for. So a
//! synchronous call polls its future on its own thread and parks in between. The thread may belong to a tokio runtime that
//! makes no progress while the thread is parked; stores check [`is_parked`] and do not use that runtime.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

thread_local! {
    static PARKED: Cell<bool> = const { Cell::new(false) };
    /// Created once per thread, because a waker costs more than a local hit.
    static WAKER: Waker = waker();
}

/// Drives `future` to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    // The thread may be inside a tokio task, whose poll budget is not renewed here: once the budget is spent, no tokio
    // resource would ever be ready again.
    let mut future = pin!(tokio::task::unconstrained(future));
    match WAKER.try_with(|waker| drive(future.as_mut(), waker)) {
        Ok(output) => output,
        // Destructors of thread-locals may still make calls.
        Err(_) => drive(future, &waker()),
    }
}

fn waker() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

#[inline]
fn drive<F: Future>(mut future: Pin<&mut F>, waker: &Waker) -> F::Output {
    let mut context = Context::from_waker(waker);
    loop {
        let polled = {
            let _parked = Parked::enter(true);
            future.as_mut().poll(&mut context)
        };
        match polled {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Returns `true` while this thread drives a synchronous call.
pub(crate) fn is_parked() -> bool {
    PARKED.get()
}

/// Runs user code inside a parked call as if the thread were not parked, since that code may start a runtime of its own.
pub(crate) fn unparked<R>(f: impl FnOnce() -> R) -> R {
    let _parked = Parked::enter(false);
    f()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Restores the flag when the poll ends, also by a panic.
struct Parked(bool);

impl Parked {
    fn enter(parked: bool) -> Self {
        Self(PARKED.replace(parked))
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        PARKED.set(self.0);
    }
}
