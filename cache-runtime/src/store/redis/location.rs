//! The server that a connection is made to.

use std::sync::Arc;
use std::time::Duration;

use super::cause::Cause;
use super::config::RedisConfig;
#[cfg(feature = "sentinel")]
use crate::rt::first::first;

/// Finds the server for the connections of one task. The server of a fixed address is always the same; sentinels may name
/// another one at any time.
pub(crate) struct Locator {
    config: Arc<RedisConfig>,
    /// The settings with the address of the server that was located last.
    located: Arc<RedisConfig>,
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
            located: Arc::clone(&config),
            config,
            #[cfg(feature = "sentinel")]
            seen: 0,
        }
    }

    /// Returns the settings as written.
    pub(crate) fn config(&self) -> &Arc<RedisConfig> {
        &self.config
    }

    /// Returns the settings with the address of the server that was located last.
    pub(crate) fn located(&self) -> &Arc<RedisConfig> {
        &self.located
    }
}

#[cfg(not(feature = "sentinel"))]
#[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as with the feature")]
impl Locator {
    /// Returns the settings with the address of the server.
    pub(crate) fn locate(&mut self) -> Result<Arc<RedisConfig>, Unlocated> {
        Ok(Arc::clone(&self.config))
    }

    /// Runs `begin_use`, unless the located server is not the one to use any more; returns whether it ran.
    pub(crate) fn use_if_current(&self, begin_use: impl FnOnce()) -> bool {
        begin_use();
        true
    }

    /// Returns `true` if the located server is not the one to use any more.
    pub(crate) fn has_moved(&self) -> bool {
        false
    }

    /// Waits for `attempt` to connect, unless there is another server meanwhile.
    pub(crate) async fn attempt<T>(&self, attempt: impl Future<Output = T>) -> Option<T> {
        Some(attempt.await)
    }

    /// Sleeps for `pause`, or until there is another server.
    pub(crate) async fn pause(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    /// Has the located server checked: it cannot be used.
    pub(crate) fn distrust(&self) {}

    /// Returns `true` if the server may change.
    pub(crate) fn is_named(&self) -> bool {
        false
    }
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
            Some(Ok(address)) => {
                if self.located.address != address {
                    self.located = Arc::new(RedisConfig { address, ..RedisConfig::clone(&self.config) });
                }
                Ok(Arc::clone(&self.located))
            }
            Some(Err(unnamed)) => Err(Unlocated { cause: unnamed.cause, message: unnamed.message }),
            None => {
                Err(Unlocated { cause: Cause::Silent, message: "no sentinel has answered yet".to_owned() })
            }
        }
    }

    /// Runs `begin_use`, unless the located server is not the one to use any more; returns whether it ran.
    pub(crate) fn use_if_current(&self, begin_use: impl FnOnce()) -> bool {
        match &self.config.primary {
            Some(primary) => primary.use_if_current(self.seen, begin_use),
            None => {
                begin_use();
                true
            }
        }
    }

    /// Returns `true` if the located server is not the one to use any more.
    pub(crate) fn has_moved(&self) -> bool {
        self.config.primary.as_ref().is_some_and(|primary| primary.naming().version != self.seen)
    }

    /// Waits for `attempt` to connect, unless there is another server meanwhile.
    pub(crate) async fn attempt<T>(&self, attempt: impl Future<Output = T>) -> Option<T> {
        let moved = async {
            self.until_moved().await;
            None
        };
        first(moved, async { Some(attempt.await) }).await
    }

    /// Sleeps for `pause`, or until there is another server.
    pub(crate) async fn pause(&self, pause: Duration) {
        // Elapsed or moved: both end the pause.
        let _ = tokio::time::timeout(pause, self.until_moved()).await;
    }

    async fn until_moved(&self) {
        let Some(primary) = &self.config.primary else { return std::future::pending().await };
        // The sender is in the settings, so that the channel cannot be closed.
        let _ = primary.changes().wait_for(|naming| naming.version != self.seen).await;
    }

    /// Returns `true` if the server may change.
    pub(crate) fn is_named(&self) -> bool {
        self.config.primary.is_some()
    }

    /// Has the located server checked: it cannot be used.
    pub(crate) fn distrust(&self) {
        if let Some(primary) = &self.config.primary {
            primary.hurry();
        }
    }
}
