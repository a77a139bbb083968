//! Reads of what stands around a cache.

use super::arguments::command;
use crate::rt::join::join_all;
use crate::store::redis::connect::Request;
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

impl RedisStore {
    /// Reads strings under keys of any slots: with one command, or on a cluster with one for each key.
    ///
    /// # Errors
    /// Those of the requests.
    pub(crate) async fn read_strings(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Error> {
        if !self.is_sharded() {
            return self.read_in_slot(keys).await;
        }
        let reads = join_all(keys.chunks(1).map(|key| self.read_in_slot(key))).await;
        Ok(reads.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    }

    async fn read_in_slot(&self, keys: &[&str]) -> Result<Vec<Option<String>>, Error> {
        let slot = keys.first().map_or(Slot::Number(0), |key| Slot::of(key));
        let get = command("MGET", keys.iter().copied());
        self.ask(slot, Request::read(self.nodes.limit(), get)).await
    }
}
