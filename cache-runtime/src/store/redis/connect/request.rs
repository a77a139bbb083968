//! A request: a command on its way, with its time limit.

use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::time::Instant;

use super::command::Command;
use super::failure::{describe, source};
use super::progress::TimedOut;
use super::script::failed_command;
use crate::types::denial::Denial;
use crate::types::error::Error;

/// A command, its step, and its time limit. A request owns everything it needs, so that any task can send it.
pub(crate) struct Request {
    /// The operation, as errors name it.
    pub(super) step: &'static str,
    /// The time without progress after which the request ends.
    pub(super) limit: Duration,
    /// The moment from which the time counts.
    pub(super) began: Instant,
    /// A good part of the time was spent on waiting for a place.
    pub(super) has_waited: bool,
    pub(super) command: Command,
    /// Allows the command to wait for commands that finish earlier ones.
    pub(super) is_read: bool,
    /// The value is large, so that others would wait for it.
    pub(super) is_large: bool,
    /// Replicas are to acknowledge the command.
    pub(super) is_confirmed: bool,
    /// The request fails at once if the keys of the command are on two nodes.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "one server has all keys"))]
    fails_halved: bool,
    /// The command was sent, so that a failure says nothing about whether it was carried out.
    pub(super) is_sent: bool,
}

/// The result of a request: a reply of the server, or none in time.
pub(super) type Reply = Result<RedisResult<Value>, TimedOut>;

impl Request {
    /// Returns a request whose time begins now.
    pub(crate) fn new(step: &'static str, limit: Duration, command: Command) -> Self {
        Self {
            step,
            limit,
            began: Instant::now(),
            has_waited: false,
            command,
            is_read: false,
            is_large: false,
            is_confirmed: false,
            fails_halved: false,
            is_sent: false,
        }
    }

    /// Returns a request for a command that only reads.
    pub(crate) fn read(limit: Duration, command: impl Into<Command>) -> Self {
        Self { is_read: true, ..Self::new("read", limit, command.into()) }
    }

    /// Sends the request over the connection for large values, if its value `is_large`.
    pub(crate) fn large(self, is_large: bool) -> Self {
        Self { is_large, ..self }
    }

    /// Has replicas acknowledge the command, as the settings of the node say. The reply is then an array of the command's own
    /// reply and the number of these replicas.
    pub(crate) fn confirmed(self) -> Self {
        Self { is_confirmed: true, ..self }
    }

    /// Makes the request fail at once if the keys of the command are on two nodes, because their slot is being moved: the
    /// caller has a way to send a command for each.
    pub(crate) fn failing_halved(self) -> Self {
        Self { fails_halved: true, ..self }
    }

    /// Returns `true` if the request is to fail at once if the keys of the command are on two nodes.
    #[cfg(feature = "cluster")]
    pub(crate) fn fails_halved(&self) -> bool {
        self.fails_halved
    }

    /// Sends `ASKING` before the command or not.
    #[cfg(feature = "cluster")]
    pub(crate) fn set_asking(&mut self, is_asking: bool) {
        self.command.is_asking = is_asking;
    }

    /// Returns `true` if the command only reads.
    #[cfg(feature = "cluster")]
    pub(crate) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Returns `true` if the command was sent, whatever became of it, and forgets it.
    #[cfg(feature = "cluster")]
    pub(crate) fn take_sent(&mut self) -> bool {
        std::mem::take(&mut self.is_sent)
    }

    /// Returns the operation, as errors name it.
    pub(crate) fn step(&self) -> &'static str {
        self.step
    }

    /// Returns the rest of the time limit.
    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.began.elapsed())
    }

    /// Takes the request to another task, and leaves one without a command.
    pub(super) fn take(&mut self) -> Self {
        let command = std::mem::replace(&mut self.command, Cmd::new().into());
        Self { command, ..*self }
    }

    /// Returns the same request once more.
    pub(super) fn copy(&self) -> Self {
        Self { command: self.command.clone(), ..*self }
    }

    /// Records that the request has a place, after it waited for one.
    pub(super) fn placed(&mut self) {
        self.has_waited = self.began.elapsed() > self.limit / 8;
    }

    /// Returns the error of a request that ended without a reply.
    pub(crate) fn timeout(&self, limit: Duration) -> Error {
        Error::Timeout { step: self.step, limit }
    }

    /// Returns the error of a command that the server refused.
    pub(super) fn refused(&self, error: &RedisError) -> Error {
        let mut message = describe(error);
        if error.kind() == ErrorKind::Server(ServerErrorKind::Moved) {
            // On a cluster, nobody sees this.
            message += "; the server is part of a cluster: write `redis+cluster://` in the URL";
        }
        let is_script = self.command.script.is_some();
        // Without a name, scripts are refused.
        let (message, command) = match failed_command(&message).filter(|_| is_script) {
            Some((message, command)) => (message.to_owned(), command),
            None => (message.clone(), "evalsha"),
        };
        match Denial::parse(&message).map(|denial| denial.named(command).within("script|load")) {
            Some(Denial::Command(command) | Denial::Unknown(command)) if is_script => {
                Error::Script { command, message }
            }
            _ => Error::Redis { step: self.step, message, source: source(error) },
        }
    }

    /// Returns the error of a request that found no place among the commands in flight.
    pub(super) fn shed(&self) -> Error {
        Error::Shed { step: self.step, limit: self.limit }
    }
}
