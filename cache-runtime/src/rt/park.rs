//! Parking: synchronous callers drive the asynchronous engine on their own thread.
//!
//! The engine's futures need no particular executor, because another thread wakes everything that they wait for. So a
//! synchronous call polls its future on its own thread, and waits in between. A thread outside tokio drives the runtime of
//! [`driven`] while it waits, with the connections of all such threads. A thread that belongs to a tokio runtime keeps that runtime
//! from making progress, and parks: stores ask for the [`caller`] and do not use that runtime.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use super::driven::{self, Inside};
use super::stack::BoxFuture;

thread_local! {
    static PARKING: Cell<Parking> = const { Cell::new(Parking::No) };
    /// Created once per thread, because a waker costs more than a local hit.
    static PARKER: Parker = Parker::new();
    /// There as long as the thread-locals that a runtime needs.
    static CAN_DRIVE: CanDrive = CanDrive::new();
}

/// The way in which a thread waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parking {
    /// It polls for an executor, or runs the user's code.
    No,
    /// It parks.
    Parks,
    /// It drives a runtime.
    Drives,
}

/// The runtime whose connections a call may use.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a store with connections asks"))]
pub(crate) enum Caller {
    /// The tokio runtime that polls the call, if there is one.
    Runtime(Option<Handle>),
    /// The runtime that the thread drives while it waits.
    Driven(&'static Handle),
    /// None: the thread is parked, or has no runtime that it could drive.
    Parked,
}

/// Drives `future` to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    // The thread may be inside a tokio task, whose poll budget is not renewed here: once the budget is spent, no tokio
    // resource would ever be ready again.
    let mut future = pin!(tokio::task::unconstrained(future));
    let way = CanDrive::way();
    match PARKER.try_with(|parker| drive(future.as_mut(), parker, way)) {
        Ok(output) => output,
        // Destructors of thread-locals may still make calls.
        Err(_) => drive(future, &Parker::new(), Parking::Parks),
    }
}

#[inline]
fn drive<F: Future>(mut future: Pin<&mut F>, parker: &Parker, way: Parking) -> F::Output {
    let mut context = Context::from_waker(&parker.waker);
    loop {
        let polled = {
            let _parked = Parked::enter(way);
            future.as_mut().poll(&mut context)
        };
        match polled {
            Poll::Ready(output) => return output,
            Poll::Pending
                if way == Parking::Drives && driven::drive_until(parker.unpark.woken.notified()) => {}
            Poll::Pending => thread::park(),
        }
    }
}

/// Returns the runtime whose connections the code that runs now may use.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a store with connections asks"))]
pub(crate) fn caller() -> Caller {
    match PARKING.get() {
        Parking::No => Caller::Runtime(Handle::try_current().ok()),
        Parking::Parks => Caller::Parked,
        Parking::Drives => driven::handle().map_or(Caller::Parked, Caller::Driven),
    }
}

/// Returns `true` while this thread drives a synchronous call.
pub(crate) fn is_parked() -> bool {
    PARKING.get() != Parking::No
}

/// Polls a future inside the runtime that the thread drives.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only a store with connections asks"))]
pub(crate) fn inside<'f, T>(runtime: &'static Handle, future: BoxFuture<'f, T>) -> Inside<'f, T> {
    Inside::new(runtime, future)
}

/// Runs user code inside a parked call as if the thread were not parked, since that code may start a runtime of its own.
pub(crate) fn unparked<R>(f: impl FnOnce() -> R) -> R {
    let _parked = Parked::enter(Parking::No);
    f()
}

/// A thread that can drive a runtime. Thread-locals are dropped in the opposite order of their creation, so that this one is dropped
/// before those of tokio.
struct CanDrive;

impl CanDrive {
    /// Called on a thread outside tokio.
    fn new() -> Self {
        let (sender, receiver) = oneshot::channel();
        // Creates the thread-locals of tokio with which a thread waits.
        if sender.send(()).is_ok() {
            receiver.blocking_recv().unwrap_or_default();
        }
        Self
    }

    /// Returns the way in which this thread waits.
    fn way() -> Parking {
        let is_outside = Handle::try_current().is_err_and(|error| error.is_missing_context());
        if is_outside && CAN_DRIVE.try_with(|_| ()).is_ok() { Parking::Drives } else { Parking::Parks }
    }
}

impl Drop for CanDrive {
    fn drop(&mut self) {
        // Makes this a thread-local that is dropped.
    }
}

/// The means of one thread to wait and to be woken.
struct Parker {
    unpark: Arc<Unpark>,
    waker: Waker,
}

impl Parker {
    fn new() -> Self {
        let unpark = Arc::new(Unpark { thread: thread::current(), woken: Notify::new() });
        Self { waker: Waker::from(Arc::clone(&unpark)), unpark }
    }
}

struct Unpark {
    thread: Thread,
    /// Ends the wait of a thread that drives a runtime.
    woken: Notify,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.notify_one();
        self.thread.unpark();
    }
}

/// Restores the way of waiting when the poll ends, also by a panic.
struct Parked(Parking);

impl Parked {
    fn enter(parking: Parking) -> Self {
        Self(PARKING.replace(parking))
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        PARKING.set(self.0);
    }
}
