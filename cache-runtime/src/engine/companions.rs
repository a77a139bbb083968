//! The state of what stands around a cache, such as rate limits.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

#[cfg(feature = "event_log")]
use tokio::sync::watch;

/// The states of one cache, one of each type, which the engine does not know.
#[derive(Default)]
pub(crate) struct Companions {
    states: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    /// The cache was closed.
    #[cfg(feature = "event_log")]
    closed: watch::Sender<bool>,
}

impl Companions {
    /// Returns the state of this type, which is created at the first call.
    pub(crate) fn get<T: Default + Any + Send + Sync>(&self) -> Arc<T> {
        let id = TypeId::of::<T>();
        let known = self.states.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let state = known.unwrap_or_else(|| {
            let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(states.entry(id).or_insert_with(|| Arc::new(T::default())))
        });
        // The states are found by their types.
        state.downcast().unwrap_or_default()
    }

    /// Ends what lasts: the streams of listeners.
    #[cfg(feature = "event_log")]
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Returns whether the cache was closed, and the change.
    #[cfg(feature = "event_log")]
    pub(crate) fn closed(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }
}

impl fmt::Debug for Companions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Companions").finish_non_exhaustive()
    }
}
