//! Changes of all keys under a prefix.

use std::sync::Arc;

use redis::Cmd;

use super::listener::PushListener;
use super::supervise::{Supervisor, start};
use crate::store::listener::ChangeListener;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::Connection;
use crate::types::error::Error;

/// Notifications of all changes under a prefix; ends when dropped.
pub(crate) struct PrefixTracking {
    _supervisor: Supervisor,
}

impl PrefixTracking {
    /// Starts to notify `listener` of changes of every key that begins with `prefix`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the operating system provides no thread.
    pub(crate) fn start(
        config: Arc<RedisConfig>,
        prefix: &str,
        listener: Arc<impl ChangeListener>,
    ) -> Result<Self, Error> {
        let mut command = redis::cmd("CLIENT");
        command.arg("TRACKING").arg("ON").arg("BCAST");
        if !prefix.is_empty() {
            command.arg("PREFIX").arg(prefix);
        }
        let supervisor = start(config, Arc::new(Broadcast { command, listener }))?;
        Ok(Self { _supervisor: supervisor })
    }
}

struct Broadcast<L> {
    command: Cmd,
    listener: Arc<L>,
}

impl<L: ChangeListener> PushListener for Broadcast<L> {
    fn tracking_command(&self) -> Cmd {
        self.command.clone()
    }

    fn on_connected(&self, _: Connection) {
        self.listener.on_connected();
    }

    fn on_lost(&self) {
        self.listener.on_lost();
    }

    fn on_change(&self, key: &[u8]) {
        self.listener.on_change(key);
    }

    fn on_flush(&self) {
        self.listener.on_flush();
    }
}
