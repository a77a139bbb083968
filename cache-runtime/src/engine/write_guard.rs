//! The guard of a write, whose end decides what is invalidated.

use std::sync::Arc;

use super::core::Core;
use super::pending::PendingInvalidation;

/// An entry, a group or a tag that a write is about, and its cache.
pub(crate) type WriteTarget = (Arc<Core>, PendingInvalidation);

/// The guard of a write that has begun. If the guard is dropped before [`WriteGuard::finish`], because the caller has gone or
/// the write has panicked, the change may have been made or may yet be made: its targets are invalidated at once and once
/// more later, in the background.
#[must_use = "a guard that is dropped invalidates"]
pub(crate) struct WriteGuard<'f, T: FnOnce() -> Vec<WriteTarget>> {
    targets: Option<T>,
    function: &'f str,
}

impl<'f, T: FnOnce() -> Vec<WriteTarget>> WriteGuard<'f, T> {
    /// Creates the guard of a write by `function`.
    pub(crate) fn new(function: &'f str, targets: T) -> Self {
        Self { targets: Some(targets), function }
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
            core.abandon(target, self.function);
        }
    }
}
