//! The invalidations that a transaction collects.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::core::Core;
use super::pending_invalidation::PendingInvalidation;
use crate::types::key::escape_glob;

/// The number of invalidations for which a set always has room.
const AT_LEAST: usize = 1000;

/// The invalidations of one transaction, each once.
pub(crate) struct DeferredSet {
    /// `None` once the transaction has ended.
    targets: Mutex<Option<TargetMap>>,
}

/// By the id of the cache.
type TargetMap = HashMap<u64, CacheTargets>;

/// The invalidations of one cache.
struct CacheTargets {
    core: Arc<Core>,
    /// With the functions that they are counted for.
    functions: HashMap<PendingInvalidation, Box<str>>,
    /// True once there were too many, and the whole cache is invalidated in their place.
    is_whole: bool,
}

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
            Some(targets) => CacheTargets::of(targets, core).add(invalidation, || function.into()),
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
            CacheTargets::of(targets, &core).add(invalidation, || function);
        }
        Ok(())
    }

    /// Ends the transaction and returns its invalidations: nothing if it has ended before.
    pub(crate) fn end(&self) -> Vec<DeferredTarget> {
        let targets = self.targets().take().unwrap_or_default();
        targets.into_values().flat_map(CacheTargets::into_targets).collect()
    }

    /// Returns the number of invalidations so far.
    pub(crate) fn len(&self) -> usize {
        self.targets().iter().flat_map(HashMap::values).map(|targets| targets.functions.len()).sum()
    }

    fn targets(&self) -> MutexGuard<'_, Option<TargetMap>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheTargets {
    fn of<'t>(targets: &'t mut TargetMap, core: &Arc<Core>) -> &'t mut Self {
        let new = || Self { core: Arc::clone(core), functions: HashMap::new(), is_whole: false };
        targets.entry(core.id).or_insert_with(new)
    }

    /// Adds an invalidation. One more than can be pending at once would be lost if the store failed, so that all of them become one
    /// of the whole cache.
    fn add(&mut self, invalidation: PendingInvalidation, function: impl FnOnce() -> Box<str>) {
        if self.is_whole || self.functions.contains_key(&invalidation) {
            return;
        }
        let most = self.core.pending.most().max(AT_LEAST);
        if self.functions.len() < most {
            self.functions.insert(invalidation, function());
            return;
        }
        let function = function();
        self.core.warnings.once(
            "deferred",
            &format!(
                "`{function}` made more than {most} invalidations in one transaction; the whole cache is invalidated after it. \
                 Invalidate a tag or a group there, or set `max_pending_invalidations` to more"
            ),
        );
        let whole = PendingInvalidation::Pattern((escape_glob(&self.core.prefix) + "*").into());
        self.functions = HashMap::from([(whole, function)]);
        self.is_whole = true;
    }

    fn into_targets(self) -> impl Iterator<Item = DeferredTarget> {
        let Self { core, functions, .. } = self;
        let target = move |(invalidation, function)| DeferredTarget {
            core: Arc::clone(&core),
            invalidation,
            function,
        };
        functions.into_iter().map(target)
    }
}

impl fmt::Debug for DeferredSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No keys.
        f.debug_struct("DeferredSet").field("len", &self.len()).finish_non_exhaustive()
    }
}
