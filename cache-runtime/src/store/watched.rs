//! Notifications of changes in a store that other processes write to as well.

use std::time::Duration;

use crate::types::key::{Key, Labels};

/// A key whose changes are notified while this exists.
pub(crate) enum Watched {
    #[cfg(feature = "redis")]
    Redis(super::redis::WatchedKey),
}

/// A listener's registration for all changes under a prefix; ends when dropped.
pub(crate) enum Tracking {
    #[cfg(feature = "redis")]
    Redis(super::redis::PrefixTracking),
}

#[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "no other process writes to memory"))]
impl Tracking {
    /// Returns `true` if changes of an entry and its labels are notified, so that a copy may be made. To be asked after the
    /// entry was read.
    pub(crate) fn covers(&self, key: &Key, labels: Labels<'_>) -> bool {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(tracking) => tracking.covers(std::iter::once(key.as_str()).chain(labels.iter())),
            #[cfg(not(feature = "redis"))]
            _ => false,
        }
    }

    /// Returns `true` if changes of these keys are notified.
    #[cfg(feature = "revoke")]
    pub(crate) fn covers_keys(&self, keys: &[&str]) -> bool {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(tracking) => tracking.covers(keys.iter().copied()),
            #[cfg(not(feature = "redis"))]
            _ => false,
        }
    }

    /// Returns `true` if the keys are spread over several nodes.
    pub(crate) fn is_sharded(&self) -> bool {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(tracking) => tracking.is_sharded(),
            #[cfg(not(feature = "redis"))]
            _ => false,
        }
    }

    /// Returns the number of commands so far that a node redirected to another one, which may not notify of changes yet.
    pub(crate) fn redirects(&self) -> u64 {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(tracking) => tracking.redirects(),
            #[cfg(not(feature = "redis"))]
            _ => 0,
        }
    }

    /// Returns `true` if the listener that is notified of any changes is notified of all.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(tracking) => tracking.is_complete(),
            #[cfg(not(feature = "redis"))]
            _ => false,
        }
    }
}

impl Watched {
    /// Waits until the key changes or `limit` has passed.
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, reason = "no other process writes to memory")
    )]
    pub(crate) async fn changed(&self, limit: Duration) {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(watched) => watched.changed(limit).await,
            #[cfg(not(feature = "redis"))]
            _ => {}
        }
    }
}
