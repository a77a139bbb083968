//! A listener of a push connection.

use redis::Cmd;

use crate::store::redis::connect::Connection;

/// A listener of a push connection. Its methods are called from the task that reads from the connection and must not
/// block.
pub(super) trait PushListener: Send + Sync + 'static {
    /// Returns the command that makes the server report changes.
    fn tracking_command(&self) -> Cmd;

    /// Changes are reported from here on. `connection` takes further commands.
    fn on_connected(&self, connection: Connection);

    /// Changes are not reported: the connection was lost, or an attempt to connect failed.
    fn on_lost(&self);

    /// A key was written or removed, or has expired.
    fn on_change(&self, key: &[u8]);

    /// All keys were removed.
    fn on_flush(&self);
}
