//! The invalidations that a transaction collects.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::core::Core;
use super::pending_invalidation::PendingInvalidation;

/// The invalidations of one transaction, each once.
pub(crate) struct DeferredSet {
    /// `None` once the transaction has ended.
    targets: Mutex<Option<TargetMap>>,
}

/// By the id of the cache.
type TargetMap = HashMap<(u64, PendingInvalidation), (Arc<Core>, Box<str>)>;

/// An invalidation of a transaction.
pub(crate) struct DeferredTarget {
    pub(crate) core: Arc<Core>,
    pub(crate) invalidation: PendingInvalidation,
    /// The function that it is counted for.
    pub(crate) function: Box<str>,
}

impl DeferredSet {
    /// Creates an empty set.
    pub(crate) fn new() -> Self {
        Self { targets: Mutex::new(Some(TargetMap::new())) }
    }

    /// Adds an invalidation for `function`. After the end of the transaction, the invalidation is made in the background.
    pub(crate) fn add(&self, core: &Arc<Core>, invalidation: PendingInvalidation, function: &str) {
        match &mut *self.targets() {
            Some(targets) => {
                let added = || (Arc::clone(core), function.into());
                targets.entry((core.id, invalidation)).or_insert_with(added);
            }
            None => core.abandon(invalidation, function),
        }
    }

    /// Takes over the invalidations of a transaction inside this one, unless this one has ended.
    ///
    /// # Errors
    /// This one has ended; with the invalidations.
    pub(crate) fn take_over(&self, inner: Vec<DeferredTarget>) -> Result<(), Vec<DeferredTarget>> {
        let mut targets = self.targets();
        let Some(targets) = &mut *targets else { return Err(inner) };
        for DeferredTarget { core, invalidation, function } in inner {
            targets.entry((core.id, invalidation)).or_insert((core, function));
        }
        Ok(())
    }

    /// Ends the transaction and returns its invalidations: nothing if it has ended before.
    pub(crate) fn end(&self) -> Vec<DeferredTarget> {
        let targets = self.targets().take().unwrap_or_default();
        let target = |((_, invalidation), (core, function))| DeferredTarget { core, invalidation, function };
        targets.into_iter().map(target).collect()
    }

    /// Returns the number of invalidations so far.
    pub(crate) fn len(&self) -> usize {
        self.targets().as_ref().map_or(0, TargetMap::len)
    }

    fn targets(&self) -> MutexGuard<'_, Option<TargetMap>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DeferredSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No keys.
        f.debug_struct("DeferredSet").field("len", &self.len()).finish_non_exhaustive()
    }
}
