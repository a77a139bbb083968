//! The sending side of a connection.

use std::sync::Arc;

use redis::{Cmd, ErrorKind, Pipeline, PushInfo, RedisError, RedisResult, Value};

use super::queue::CommandQueue;
use super::reply;
use super::task::MultiplexerTask;
use crate::store::redis::connect::transport::ByteStream;

/// The sending side of a connection. Clones share the connection.
#[derive(Clone)]
pub(in crate::store::redis::connect) struct Multiplexer {
    queue: Arc<CommandQueue>,
}

impl Multiplexer {
    /// Returns the sending side of a connection over `stream`, and the task that drives it until it fails. `on_push` receives
    /// what the server pushes, and at the end a message about the disconnection; it is dropped with the task.
    pub(in crate::store::redis::connect) fn new(
        stream: Box<dyn ByteStream>,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> (Self, MultiplexerTask) {
        let queue = Arc::<CommandQueue>::default();
        let driver = MultiplexerTask::new(stream, Arc::clone(&queue), Box::new(on_push));
        (Self { queue }, driver)
    }

    /// Sends a command and returns the raw reply, which may be an error.
    pub(in crate::store::redis::connect) fn send(
        &self,
        cmd: &Cmd,
    ) -> impl Future<Output = RedisResult<Value>> + Send {
        self.send_as(cmd, false)
    }

    /// [`Multiplexer::send`], where a reply that `is_uncut` and an array is the text of that array in a bulk string.
    pub(in crate::store::redis::connect) async fn send_as(
        &self,
        cmd: &Cmd,
        is_uncut: bool,
    ) -> RedisResult<Value> {
        let reply = self.queue.push_one(|buffer| cmd.write_packed_command(buffer)).await?;
        match reply.first() {
            // Replies share the buffer that is read into, which what is made of one must not keep.
            Some(b'*') if is_uncut => Ok(Value::BulkString(reply.to_vec())),
            _ => reply::value(&reply),
        }
    }

    /// Sends a pipeline and returns `count` raw replies, which may be errors, from `offset` on.
    pub(in crate::store::redis::connect) async fn send_pipeline(
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
