//! The knowledge of a call that has to compute.

use super::decide::Stale;
use super::lookup::{Hit, Lookup};
use super::snapshot::Snapshot;

/// The knowledge of a call that has to compute.
pub(crate) struct Recompute<V> {
    pub(crate) snapshot: Snapshot,
    /// An old result to serve if the function fails. (`Some(None)` is an old `None`.)
    pub(crate) old: Option<Option<V>>,
    /// True if the stored value stays readable until the new one is there.
    pub(crate) is_refresh: bool,
    /// An old value that is served only if the computation finds that it is still good.
    pub(crate) known: Option<V>,
}

impl<V> Default for Recompute<V> {
    fn default() -> Self {
        Self { snapshot: Snapshot::default(), old: None, is_refresh: false, known: None }
    }
}

impl<V> Recompute<V> {
    /// After a lookup that found nothing to serve at once; `None` when the store did not answer.
    pub(crate) fn after(lookup: Lookup<V>) -> Option<Self> {
        match lookup {
            Lookup::Unavailable(..) => None,
            Lookup::Miss(snapshot) => Some(Self { snapshot, ..Self::default() }),
            Lookup::Stale(Hit { value, snapshot }, Stale { at_once: false, on_error: false }) => {
                Some(Self { snapshot, known: value, ..Self::default() })
            }
            Lookup::Fresh(Hit { value, snapshot })
            | Lookup::Early(Hit { value, snapshot })
            | Lookup::Stale(Hit { value, snapshot }, _) => {
                Some(Self { snapshot, old: Some(value), is_refresh: true, known: None })
            }
        }
    }
}
