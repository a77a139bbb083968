//! A command on its way: it owns all it needs, so that it can be sent from any task.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisResult, Script, ServerErrorKind, Value};

use crate::types::error::Error;

/// One command, or one call of a script.
pub(super) struct Request {
    cmd: Cmd,
    script: Option<&'static Script>,
}

/// A request, the step it belongs to, and how long it may take.
pub(super) struct Job {
    /// What is being done, for errors.
    pub(super) step: &'static str,
    /// The whole time allowed.
    pub(super) limit: Duration,
    /// What is left of it.
    pub(super) left: Duration,
    /// What to send.
    pub(super) request: Request,
    /// Whether it is one of many that may go out together.
    is_read: bool,
}

impl Request {
    /// A call of a script.
    pub(super) fn script(script: &'static Script, keys: &[&str]) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(script.get_hash()).arg(keys.len()).arg(keys);
        Self { cmd, script: Some(script) }
    }

    /// One more argument.
    pub(super) fn arg(mut self, arg: impl redis::ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }

    /// Sends it. A script that the server does not have, after a restart or a flush, is loaded first.
    pub(super) async fn send(&self, conn: &mut MultiplexedConnection) -> RedisResult<Value> {
        // `query_async` would box this.
        let answer = conn.send_packed_command(&self.cmd).await.and_then(Value::extract_error);
        match (answer, self.script) {
            (Err(error), Some(script)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                script.load_async(conn).await?;
                self.cmd.query_async(conn).await
            }
            (answer, _) => answer,
        }
    }
}

impl From<Cmd> for Request {
    fn from(cmd: Cmd) -> Self {
        Self { cmd, script: None }
    }
}

impl Job {
    /// A request with all its time left.
    pub(super) fn new(step: &'static str, limit: Duration, request: Request) -> Self {
        Self { step, limit, left: limit, request, is_read: false }
    }

    /// A command that only reads.
    pub(super) fn read(limit: Duration, command: Cmd) -> Self {
        Self { step: "read", limit, left: limit, request: command.into(), is_read: true }
    }

    /// The command, if others may go out with it. Then it is for them to send.
    pub(super) fn take_read(&mut self) -> Option<Cmd> {
        self.is_read.then(|| std::mem::take(&mut self.request.cmd))
    }

    /// The error when the time is over.
    pub(super) fn timeout(&self) -> Error {
        Error::Timeout { step: self.step, limit: self.limit }
    }
}
