//! A request: a command on its way, with its time limit.

use std::pin::pin;
use std::time::Duration;

use redis::{Cmd, RedisResult, Value};

use super::command::Command;
use super::connection::Connection;
use crate::types::error::Error;

/// A command, its step, and its time limit. A request owns everything it needs, so that any task can send it.
pub(crate) struct Request {
    /// The operation, as errors name it.
    pub(super) step: &'static str,
    /// The whole time limit.
    pub(super) limit: Duration,
    /// The rest of the time limit.
    pub(super) left: Duration,
    command: Command,
    /// Allows the command to be sent in one batch with others.
    is_read: bool,
}

/// The result of a request: a reply of the server, or none in time.
pub(super) type Reply = Result<RedisResult<Value>, TimedOut>;

/// There was no reply in time.
#[derive(Clone)]
pub(super) struct TimedOut;

impl Request {
    /// Returns a request with its whole time limit left.
    pub(crate) fn new(step: &'static str, limit: Duration, command: Command) -> Self {
        Self { step, limit, left: limit, command, is_read: false }
    }

    /// Returns a request for a command that only reads.
    pub(crate) fn read(limit: Duration, cmd: Cmd) -> Self {
        Self { step: "read", limit, left: limit, command: cmd.into(), is_read: true }
    }

    /// Takes the command out to be sent in a batch, if it may be.
    pub(super) fn take_read(&mut self) -> Option<Cmd> {
        self.is_read.then(|| std::mem::take(&mut self.command.cmd))
    }

    /// Sends the command and waits for the reply within the time left.
    pub(super) async fn send(&self, connection: &mut Connection) -> Reply {
        // Pinned here and passed on by reference: the future is large, and would be moved several times.
        let reply = pin!(connection.send(&self.command));
        tokio::time::timeout(self.left, reply).await.map_err(|_| TimedOut)
    }

    /// Returns the error for a reply that did not come in time.
    pub(super) fn timeout(&self) -> Error {
        Error::Timeout { step: self.step, limit: self.limit }
    }
}
