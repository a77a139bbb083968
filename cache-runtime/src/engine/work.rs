//! Work: what a function gives to be run in one of two places.

use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;

/// Where a computation is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the call that waits for it.
    Here,
    /// On its own, after the call that wanted it has returned.
    Apart,
}

/// A computation for the place that was asked for.
pub enum Work<F, R> {
    /// It may borrow from its caller.
    Here(F),
    /// It owns all it needs.
    Apart(Pin<Box<dyn Future<Output = R> + Send>>),
}

/// [`Work`] of synchronous functions.
pub enum SyncWork<F, R> {
    /// It may borrow from its caller.
    Here(F),
    /// It owns all it needs.
    Apart(Box<dyn FnOnce() -> R + Send>),
}

/// What can be made one's own, so that a refresh in the background does not borrow from a call that has returned.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is borrowed here, and a refresh in the background needs one of its own",
    label = "`{Self}` cannot be cloned, or holds a borrow itself",
    note = "implement `Clone` for it, or take an `Arc` of it by value",
    note = "or leave out `stale_while_revalidate`, `soft_timeout`, `refresh_ahead` and `background`"
)]
pub trait Own {
    /// What it is made into.
    type Owned: Borrow<Self> + Send + 'static;
    /// Makes it.
    fn own(&self) -> Self::Owned;
}

impl<T: ToOwned + ?Sized> Own for T
where
    T::Owned: Send + 'static,
{
    type Owned = T::Owned;

    fn own(&self) -> T::Owned {
        self.to_owned()
    }
}

/// A borrowed argument as one's own.
pub fn owned<T: Own + ?Sized>(value: &T) -> T::Owned {
    value.own()
}

impl<F, R> fmt::Debug for Work<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Work")
    }
}

impl<F, R> fmt::Debug for SyncWork<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncWork")
    }
}
