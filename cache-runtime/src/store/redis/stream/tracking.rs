//! Tracking: every change under a prefix, for who keeps copies.

use std::sync::Arc;

use redis::Cmd;
use redis::aio::MultiplexedConnection;

use super::supervise::start;
use super::{Listener, Supervised};
use crate::store::redis::config::RedisConfig;
use crate::types::error::Error;

/// Who keeps copies of what is in Redis. It is called from the task that reads from the connection and must not block.
pub(crate) trait Changes: Send + Sync + 'static {
    /// A key was written, removed, or expired.
    fn changed(&self, key: &[u8]);
    /// All keys were removed.
    fn all(&self);
    /// What changes from here on is told.
    fn healthy(&self);
    /// Changes are not told any more: no copy can be believed.
    fn lost(&self);
}

/// The stream of all changes under a prefix, while it is kept.
pub(crate) struct Tracking {
    _supervised: Supervised,
}

impl Tracking {
    /// Begins to tell `changes` of every key that begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the operating system gives no thread.
    pub(crate) fn start(
        config: Arc<RedisConfig>,
        prefix: &str,
        changes: Arc<impl Changes>,
    ) -> Result<Self, Error> {
        let mut request = redis::cmd("CLIENT");
        request.arg("TRACKING").arg("ON").arg("BCAST");
        if !prefix.is_empty() {
            request.arg("PREFIX").arg(prefix);
        }
        start(config, Arc::new(Broadcast { request, changes }))
            .map(|supervised| Self { _supervised: supervised })
    }
}

struct Broadcast<C> {
    request: Cmd,
    changes: Arc<C>,
}

impl<C: Changes> Listener for Broadcast<C> {
    fn request(&self) -> Cmd {
        self.request.clone()
    }
    fn healthy(&self, _: MultiplexedConnection) {
        self.changes.healthy();
    }
    fn lost(&self) {
        self.changes.lost();
    }
    fn changed(&self, key: &[u8]) {
        self.changes.changed(key);
    }
    fn all(&self) {
        self.changes.all();
    }
}
