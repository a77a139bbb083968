//! Scripts of what stands around a cache.

use redis::{FromRedisValue, ToRedisArgs};

use crate::store::redis::connect::{Command, Script};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

impl RedisStore {
    /// Runs a script on keys of one slot, and decodes its reply.
    ///
    /// # Errors
    /// Those of the request, and [`Error::Redis`] for a reply that `decode` does not know.
    pub(crate) async fn run_script<R: FromRedisValue, T>(
        &self,
        step: &'static str,
        script: &'static Script,
        keys: &[&str],
        arguments: &[impl ToRedisArgs],
        decode: impl FnOnce(R) -> Option<T>,
    ) -> Result<T, Error> {
        let slot = keys.first().map_or(Slot::Number(0), |key| Slot::of(key));
        let command = arguments.iter().fold(Command::script(script, keys), Command::arg);
        let reply: R = self.call(slot, step, self.nodes.limit(), command).await?;
        self.known(slot, step, decode(reply))
    }
}
