//! Stream: a connection of its own on which Redis tells what has changed.
//!
//! It lives on larder's runtime, whoever calls, and is re-established for as long as its owner wants it. What was changed
//! while it was down is never told, so its listener is told of every loss before anything else. After "Client-side
//! caching in Redis" of the Redis documentation.

mod supervise;
mod watch;

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use tokio::task::AbortHandle;

use super::config::RedisConfig;
use crate::error::Error;
use crate::io;

pub(crate) use self::watch::{Watch, Watched};

/// What is to be told.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Every change of a key that begins so.
    Every {
        /// Empty for all keys.
        prefix: String,
    },
    /// Changes of keys that were asked for on this very connection.
    OnRequest,
}

/// Who is told. The calls come from a task of the stream, in the order in which Redis sent them, and must not block.
pub(crate) trait Listener: Send + Sync + 'static {
    /// From now on changes are told. Requests go over this connection.
    fn healthy(&self, conn: &MultiplexedConnection);
    /// From now on they are not.
    fn lost(&self);
    /// A key was written, removed, or has ended.
    fn changed(&self, key: &[u8]);
    /// Every key was.
    fn changed_all(&self);
}

/// The stream. Dropping it ends it, without a word to its listener.
pub(crate) struct Stream(AbortHandle);

impl Stream {
    /// Begins.
    ///
    /// # Errors
    /// There is no thread for larder's runtime.
    pub(crate) fn open(
        config: Arc<RedisConfig>,
        kind: Kind,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, Error> {
        let task = io::handle()?.spawn(supervise::supervise(config, kind, listener));
        Ok(Self(task.abort_handle()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.abort();
    }
}
