//! Watched: a place to wait for a change.

use std::time::Duration;

/// A place to wait for the next change of a key, in a tier that other processes have, too.
pub(crate) enum Watched {
    #[cfg(feature = "redis")]
    Redis(super::redis::Watched),
}

impl Watched {
    /// Waits until the key changes or `limit` has passed.
    #[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "there is nothing to wait for"))]
    pub(crate) async fn changed(&self, limit: Duration) {
        match self {
            #[cfg(feature = "redis")]
            Self::Redis(watched) => watched.changed(limit).await,
            #[cfg(not(feature = "redis"))]
            _ => {}
        }
    }
}
