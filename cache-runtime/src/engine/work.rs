//! Work: what a function gives to be run in one of two places.

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
