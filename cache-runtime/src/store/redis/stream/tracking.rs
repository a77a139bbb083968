//! Tracking: every change under a prefix, for who keeps copies.

use std::sync::Arc;

use redis::Cmd;
use redis::aio::MultiplexedConnection;

use super::supervise::start;
use super::{Listener, Supervised};
use crate::store::listener::ChangeListener;
use crate::store::redis::config::RedisConfig;
use crate::types::error::Error;

/// The stream of all changes under a prefix, while it is kept.
pub(crate) struct PrefixTracking {
    _supervised: Supervised,
}

impl PrefixTracking {
    /// Begins to tell `changes` of every key that begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the operating system gives no thread.
    pub(crate) fn start(
        config: Arc<RedisConfig>,
        prefix: &str,
        changes: Arc<impl ChangeListener>,
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

impl<C: ChangeListener> Listener for Broadcast<C> {
    fn request(&self) -> Cmd {
        self.request.clone()
    }
    fn healthy(&self, _: MultiplexedConnection) {
        self.changes.on_connected();
    }
    fn lost(&self) {
        self.changes.on_lost();
    }
    fn changed(&self, key: &[u8]) {
        self.changes.on_change(key);
    }
    fn all(&self) {
        self.changes.on_flush();
    }
}
