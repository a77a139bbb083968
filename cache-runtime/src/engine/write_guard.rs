//! The guard of a write, whose end decides what is invalidated.

use std::sync::Arc;

use super::context::Context;
use super::core::Core;
use super::deferred::DeferredSet;
use super::pending_invalidation::PendingInvalidation;

/// An entry, a group or a tag that a write is about, and its cache.
pub(crate) type WriteTarget = (Arc<Core>, PendingInvalidation);

/// The guard of a write that has begun. If the guard is dropped before [`WriteGuard::finish`], because the caller has gone or
/// the write has panicked, the change may have been made or may yet be made: its targets are invalidated at once and once
/// more later, in the background; in a transaction, when that ends.
#[must_use = "a guard that is dropped invalidates"]
pub(crate) struct WriteGuard<'f, T: FnOnce() -> Vec<WriteTarget>> {
    targets: Option<T>,
    function: &'f str,
    /// The transaction around the write.
    deferred: Option<Arc<DeferredSet>>,
}

impl<'f, T: FnOnce() -> Vec<WriteTarget>> WriteGuard<'f, T> {
    /// Creates the guard of a write by `function`.
    pub(crate) fn new(function: &'f str, targets: T) -> Self {
        Self { targets: Some(targets), function, deferred: Context::deferred() }
    }

    /// Ends the guard: the outcome of the write is known.
    pub(crate) fn finish(mut self) {
        self.targets = None;
    }
}

impl<T: FnOnce() -> Vec<WriteTarget>> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        let Some(targets) = self.targets.take() else { return };
        for (core, target) in targets() {
            match &self.deferred {
                Some(deferred) => deferred.add(&core, target, self.function),
                None => core.abandon(target, self.function),
            }
        }
    }
}
