//! Messages to channels, and the end of a command that blocks.

use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

impl RedisStore {
    /// Sends a message to the subscribers of a channel, on all nodes of a cluster, and returns the number of those on the node
    /// that was asked.
    ///
    /// # Errors
    /// Those of the request.
    pub(crate) async fn send_message(&self, channel: &str, message: &[u8]) -> Result<u64, Error> {
        let command = redis::cmd("PUBLISH").arg(channel).arg(message).take();
        self.call(Slot::of(channel), "publish", self.nodes.limit(), command).await
    }

    /// Ends the command for which a connection to the owner of a slot blocks.
    ///
    /// # Errors
    /// Those of the request.
    pub(crate) async fn unblock(&self, slot: u16, client: i64) -> Result<(), Error> {
        let command = redis::cmd("CLIENT").arg("UNBLOCK").arg(client).take();
        self.call::<i64>(Slot::Number(slot), "unblock", self.nodes.limit(), command).await.map(drop)
    }
}
