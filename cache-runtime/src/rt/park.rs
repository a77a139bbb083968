//! Parking: how synchronous callers drive the asynchronous engine.
//!
//! The engine's futures need no particular executor: whatever they wait for is woken from another thread. So a
//! synchronous call polls its future on its own thread and sleeps in between. The thread may belong to a tokio
//! runtime that cannot make progress while it sleeps; [`is_parked`] therefore tells the tiers not to use that runtime.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

thread_local! {
    static PARKED: Cell<bool> = const { Cell::new(false) };
    /// Made once: most calls are hits in this process, which cost less than a waker does.
    static WAKER: Waker = waker();
}

/// Drives `future` to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    // The thread may be inside a task of tokio, whose budget of polls would never be renewed while it is here: once
    // spent, nothing of tokio's would ever be ready again.
    let mut future = pin!(tokio::task::unconstrained(future));
    match WAKER.try_with(|waker| drive(future.as_mut(), waker)) {
        Ok(output) => output,
        // A destructor of a thread that ends may still call something.
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

/// Whether this thread drives a synchronous call now.
pub(crate) fn is_parked() -> bool {
    PARKED.get()
}

/// Runs the user's own code inside a parked call: what it awaits, if it starts a runtime, is its own business.
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

/// Restores the flag when the poll ends, by a panic too.
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
