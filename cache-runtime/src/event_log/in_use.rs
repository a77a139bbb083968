//! The registration of a listener, which ends with it.

use std::sync::Arc;

/// A hub that counts the listeners of each key.
pub(super) trait Listened: Send + Sync + 'static {
    /// Removes a listener of a key.
    fn leave(&self, key: &str);
}

/// A listener of a key while it exists.
pub(super) struct InUse {
    hub: Arc<dyn Listened>,
    key: String,
}

impl InUse {
    /// Returns the registration of a listener that was counted.
    pub(super) fn new(hub: Arc<dyn Listened>, key: &str) -> Self {
        Self { hub, key: key.to_owned() }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.hub.leave(&self.key);
    }
}
