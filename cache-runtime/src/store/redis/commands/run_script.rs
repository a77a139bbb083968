//! Scripts of what stands around a cache.

use crate::store::redis::connect::{Command, Script};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

impl RedisStore {
    /// Runs a script on one key, and decodes its numbers.
    ///
    /// # Errors
    /// Those of the request, and [`Error::Redis`] for a reply that `decode` does not know.
    pub(crate) async fn run_script<T>(
        &self,
        step: &'static str,
        script: &'static Script,
        key: &str,
        arguments: &[String],
        decode: impl FnOnce(&[i64]) -> Option<T>,
    ) -> Result<T, Error> {
        let command = arguments.iter().fold(Command::script(script, &[key]), Command::arg);
        let reply: Vec<i64> = self.call(Slot::of(key), step, self.nodes.limit(), command).await?;
        self.known(Slot::of(key), step, decode(&reply))
    }
}
