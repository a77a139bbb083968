//! One connection that many tasks use at the same time: commands in the order in which they are sent, replies in the same order.
//!
//! Callers write their commands straight into one buffer ([`queue`]); a task writes what has gathered there with one call,
//! reads, and cuts what arrives into replies without looking into them ([`driver`], [`frames`]). A caller decodes its own
//! reply ([`reply`]), so that the task is not held up by large ones.
//!
//! The client library's own multiplexed connection passes each command as a message to its task, which parses all replies: at
//! 64 tasks that was half of the time of a hit.

mod driver;
mod frames;
mod handshake;
mod queue;
mod reply;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use redis::{Cmd, ErrorKind, Pipeline, ProtocolVersion, PushInfo, RedisError, RedisResult, Value};

pub(super) use self::driver::Driver;
use self::queue::CommandQueue;
use super::transport::ByteStream;
use crate::store::redis::url::Login;

/// The sending side of a connection. Clones share the connection.
#[derive(Clone)]
pub(super) struct Multiplexer {
    queue: Arc<CommandQueue>,
}

impl Multiplexer {
    /// Returns the sending side of a connection over `stream`, and the task that drives it until it fails. `on_push` receives
    /// what the server pushes, and at the end a message about the disconnection; it is dropped with the task.
    pub(super) fn new(
        stream: Box<dyn ByteStream>,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> (Self, Driver) {
        let queue = Arc::<CommandQueue>::default();
        let driver = Driver::new(stream, Arc::clone(&queue), Box::new(on_push));
        (Self { queue }, driver)
    }

    /// Sends the first commands: the protocol, the credentials and the database.
    ///
    /// # Errors
    /// The server refused one of them, or the connection failed.
    pub(super) async fn greet(&self, login: &Login, protocol: ProtocolVersion) -> RedisResult<()> {
        handshake::greet(self, login, protocol).await
    }

    /// Sends a command and returns the raw reply, which may be an error.
    pub(super) async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        let reply = self.queue.push_one(|buffer| cmd.write_packed_command(buffer)).await?;
        reply::value(&reply)
    }

    /// Sends a pipeline and returns `count` raw replies, which may be errors, from `offset` on.
    pub(super) async fn send_pipeline(
        &self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let packed = pipeline.get_packed_pipeline();
        let replies =
            self.queue.push_many(offset + count, |buffer| buffer.extend_from_slice(&packed)).await?;
        let values =
            replies.iter().skip(offset).map(|reply| reply::value(reply)).collect::<RedisResult<Vec<_>>>()?;
        if pipeline.is_transaction() && matches!(values.last(), Some(Value::ServerError(_))) {
            // The end of a transaction that failed says less than the first command that was refused.
            return Err(first_refusal(&replies)?);
        }
        Ok(values)
    }
}

/// Returns the error of the first reply that is one.
fn first_refusal(replies: &[bytes::Bytes]) -> RedisResult<RedisError> {
    for reply in replies {
        if let Err(error) = reply::value(reply)?.extract_error() {
            return Ok(error);
        }
    }
    Ok(RedisError::from((ErrorKind::UnexpectedReturnType, "the transaction has no end")))
}
