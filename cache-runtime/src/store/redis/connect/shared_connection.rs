//! A connection that the application uses together with the cache.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Pipeline, RedisResult, Value};

use super::connection::Connection;

/// A connection that the application uses together with the cache. Each command has the time limit of its node.
#[derive(Clone)]
pub(crate) struct SharedConnection {
    connection: Connection,
    limit: Duration,
}

impl SharedConnection {
    pub(super) fn new(connection: Connection, limit: Duration) -> Self {
        Self { connection, limit }
    }

    /// Sends a command and returns the raw reply, which may be an error.
    pub(crate) async fn send(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        let progress = Arc::clone(self.connection.progress());
        let reply = pin!(self.connection.send_raw(cmd));
        let reply = progress.wait_anywhere(self.limit, reply).await;
        reply.unwrap_or_else(|_| timed_out())
    }

    /// Sends a pipeline and returns `count` raw replies, which may be errors, from `offset` on.
    pub(crate) async fn send_pipeline(
        &mut self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let progress = Arc::clone(self.connection.progress());
        let replies = pin!(self.connection.send_pipeline(pipeline, offset, count));
        progress.wait_anywhere(self.limit, replies).await.unwrap_or_else(|_| timed_out())
    }

    /// Returns the number of the database.
    pub(crate) fn db(&self) -> i64 {
        self.connection.db()
    }
}

fn timed_out<T>() -> RedisResult<T> {
    Err(io::Error::new(io::ErrorKind::TimedOut, "redis did not answer within `redis_timeout`").into())
}
