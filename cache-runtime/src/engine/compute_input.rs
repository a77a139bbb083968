//! The input of a computation, left by the lookup.

use super::decide::Stale;
use super::lookup::{Hit, Lookup};
use super::snapshot::Snapshot;

/// The input of a computation, left by the lookup: the snapshot, and an old value to serve or to revalidate.
pub(crate) struct ComputeInput<V> {
    pub(crate) snapshot: Snapshot,
    /// An old result that is served if the function fails. (`Some(None)` is an old `None`.)
    pub(crate) on_error: Option<Option<V>>,
    /// True if the stored value stays readable until the new one is stored.
    pub(crate) replaces_entry: bool,
    /// An old value that is served only if the computation finds that it is still good.
    pub(crate) to_revalidate: Option<V>,
    /// True for a computation for one call alone, which stores nothing.
    pub(crate) is_beside: bool,
}

impl<V> Default for ComputeInput<V> {
    fn default() -> Self {
        Self {
            snapshot: Snapshot::default(),
            on_error: None,
            replaces_entry: false,
            to_revalidate: None,
            is_beside: false,
        }
    }
}

impl<V> ComputeInput<V> {
    /// After a lookup that found nothing to serve at once; `None` when the store did not answer.
    pub(crate) fn after(lookup: Lookup<V>) -> Option<Self> {
        match lookup {
            Lookup::Unavailable(..) => None,
            Lookup::Miss(snapshot) => Some(Self { snapshot, ..Self::default() }),
            Lookup::Stale(Hit { value, snapshot }, Stale { at_once: false, on_error: false }) => {
                Some(Self { snapshot, to_revalidate: value, ..Self::default() })
            }
            Lookup::Fresh(Hit { value, snapshot })
            | Lookup::Early(Hit { value, snapshot })
            | Lookup::Stale(Hit { value, snapshot }, _) => {
                Some(Self { snapshot, on_error: Some(value), replaces_entry: true, ..Self::default() })
            }
        }
    }

    /// The old value, whatever it may be used for.
    pub(crate) fn old(&self) -> Option<&V> {
        self.on_error.as_ref().and_then(Option::as_ref).or(self.to_revalidate.as_ref())
    }
}
