//! Notifications of changes in a store that other processes write to as well.

use std::time::Duration;

/// A key whose changes are notified while this exists.
pub(crate) enum Watched {
    #[cfg(feature = "redis")]
    Redis(super::redis::WatchedKey),
}

/// A listener's registration for all changes under a prefix; ends when dropped.
pub(crate) enum Tracking {
    #[cfg(feature = "redis")]
    Redis {
        /// Ends the registration when dropped.
        _tracking: super::redis::PrefixTracking,
    },
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
