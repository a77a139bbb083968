//! The stream: connections on which Redis tells of changes.
//!
//! With `CLIENT TRACKING` a server pushes the names of keys that change, whoever changes them. There are two kinds:
//! [`PrefixTracking`] hears of every key under a prefix, for who keeps copies; [`Watch`] hears of single keys, for who waits for
//! one. Both need RESP3, have a connection of their own on larder's own runtime, and are kept by one supervisor.

mod line;
mod slot;
mod supervise;
#[cfg(test)]
mod tests;
mod tracking;
mod watch;

use redis::Cmd;
use redis::aio::MultiplexedConnection;
use tokio::task::AbortHandle;

pub(crate) use self::tracking::PrefixTracking;
pub(crate) use self::watch::{Watch, WatchedKey};

/// Who is told what comes over the stream. It is called from the task that reads from the connection and must not block.
trait Listener: Send + Sync + 'static {
    /// The command that tells the server what to speak of.
    fn request(&self) -> Cmd;
    /// From here on every change is told. The connection is for who wants to say more on it.
    fn healthy(&self, conn: MultiplexedConnection);
    /// Nothing is told any more, or still not: there is no connection.
    fn lost(&self);
    /// A key was written, removed, or expired.
    fn changed(&self, key: &[u8]);
    /// All keys were removed.
    fn all(&self);
}

/// A supervisor that ends with its owner, and the connection with it.
struct Supervised(AbortHandle);

impl Drop for Supervised {
    fn drop(&mut self) {
        self.0.abort();
    }
}
