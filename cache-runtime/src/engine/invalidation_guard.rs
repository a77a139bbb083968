//! The guard of an invalidation, which is carried out even if its caller goes away.

use std::sync::Arc;

use super::core::Core;
use super::pending_invalidation::PendingInvalidation;
use crate::observe::record::Row;

/// An invalidation under way. If the guard is dropped before [`InvalidationGuard::finish`], because the caller has gone, the
/// invalidation is queued: the store may or may not have carried it out.
#[must_use = "a guard that is dropped queues its invalidations"]
pub(crate) struct InvalidationGuard<'c, T: FnOnce() -> Vec<PendingInvalidation>> {
    core: &'c Arc<Core>,
    row: Row<'c>,
    targets: Option<T>,
}

impl<'c, T: FnOnce() -> Vec<PendingInvalidation>> InvalidationGuard<'c, T> {
    /// Creates the guard of what `targets` returns.
    pub(crate) fn new(core: &'c Arc<Core>, row: Row<'c>, targets: T) -> Self {
        Self { core, row, targets: Some(targets) }
    }

    /// Ends the guard: the outcome is known, and a failure is queued already.
    pub(crate) fn finish(mut self) {
        self.targets = None;
    }
}

impl<T: FnOnce() -> Vec<PendingInvalidation>> Drop for InvalidationGuard<'_, T> {
    fn drop(&mut self) {
        if let Some(targets) = self.targets.take()
            && !self.core.is_closed()
        {
            self.core.invalidate_soon(targets(), Some(self.row));
        }
    }
}
