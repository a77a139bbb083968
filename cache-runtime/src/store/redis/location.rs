//! The server that a connection is made to.

use std::sync::Arc;
use std::time::Duration;

use super::cause::Cause;
use super::config::RedisConfig;

/// Finds the server for the connections of one task. The server of a fixed address is always the same; sentinels may name
/// another one at any time.
pub(crate) struct Locator {
    config: Arc<RedisConfig>,
    /// The version of the name that was located last.
    #[cfg(feature = "sentinel")]
    seen: u64,
}

/// The reason for which there is no server to connect to.
#[derive(Debug)]
pub(crate) struct Unlocated {
    pub(crate) cause: Cause,
    pub(crate) message: String,
}

impl Locator {
    /// Returns a locator for these settings.
    pub(crate) fn new(config: Arc<RedisConfig>) -> Self {
        Self {
            config,
            #[cfg(feature = "sentinel")]
            seen: 0,
        }
    }

    /// Returns the settings as written.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        &self.config
    }

    /// Returns `true` if the server may change.
    pub(crate) fn is_named(&self) -> bool {
        #[cfg(feature = "sentinel")]
        return self.config.primary.is_some();
        #[cfg(not(feature = "sentinel"))]
        false
    }
}

#[cfg(not(feature = "sentinel"))]
#[expect(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::unused_async,
    reason = "as with the feature"
)]
impl Locator {
    /// Returns the settings with the address of the server.
    pub(crate) fn locate(&mut self) -> Result<Arc<RedisConfig>, Unlocated> {
        Ok(Arc::clone(&self.config))
    }

    /// Waits until the located server is not the one to use any more.
    pub(crate) async fn until_moved(&self) {
        std::future::pending().await
    }

    /// Sleeps for `pause`, or until there is another server.
    pub(crate) async fn pause(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    /// Has the located server checked: it cannot be used.
    pub(crate) fn distrust(&self) {}
}

#[cfg(feature = "sentinel")]
impl Locator {
    /// Returns the settings with the address of the server.
    ///
    /// # Errors
    /// The sentinels name no server.
    pub(crate) fn locate(&mut self) -> Result<Arc<RedisConfig>, Unlocated> {
        let Some(primary) = &self.config.primary else { return Ok(Arc::clone(&self.config)) };
        let naming = primary.naming();
        self.seen = naming.version;
        match naming.result {
            Some(Ok(address)) => Ok(Arc::new(RedisConfig { address, ..RedisConfig::clone(&self.config) })),
            Some(Err(unnamed)) => Err(Unlocated { cause: unnamed.cause, message: unnamed.message }),
            None => {
                Err(Unlocated { cause: Cause::Silent, message: "no sentinel has answered yet".to_owned() })
            }
        }
    }

    /// Waits until the located server is not the one to use any more.
    pub(crate) async fn until_moved(&self) {
        let Some(primary) = &self.config.primary else { return std::future::pending().await };
        // The sender is in the settings, so that the channel cannot be closed.
        let _ = primary.changes().wait_for(|naming| naming.version != self.seen).await;
    }

    /// Sleeps for `pause`, or until there is another server.
    pub(crate) async fn pause(&self, pause: Duration) {
        // Elapsed or moved: both end the pause.
        let _ = tokio::time::timeout(pause, self.until_moved()).await;
    }

    /// Has the located server checked: it cannot be used.
    pub(crate) fn distrust(&self) {
        if let Some(primary) = &self.config.primary {
            primary.hurry();
        }
    }
}
