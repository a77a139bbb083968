//! Invalidations that replicas are to acknowledge.
//!
//! They have a connection of their own: a server handles the commands of a connection in turn, so that everything behind a
//! `WAIT` waits as well. All invalidations that arrive during one `WAIT` share the next.

use std::sync::Arc;
use std::time::Instant;

use redis::{Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::backoff::Backoff;
use super::connection::Connection;
use super::failure::{Diagnosis, Failure, describe, diagnose, is_old};
use super::request::Request;
use super::script::Script;
use crate::rt::io;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::location::Locator;
use crate::store::settings::Confirm;
use crate::types::error::Error;

/// The most invalidations that share a `WAIT`.
const LONGEST: usize = 64;
/// The most invalidations that wait to be sent.
const QUEUED: usize = 4096;

/// The connection of one node for invalidations that replicas are to acknowledge.
pub(super) struct ConfirmQueue {
    queue: mpsc::Sender<QueuedChange>,
    confirm: Confirm,
}

struct QueuedChange {
    request: Request,
    /// The number of times that the server did not know the script.
    failed: u32,
    reply: oneshot::Sender<Result<Value, Error>>,
}

impl ConfirmQueue {
    /// Starts the task that sends the invalidations. It connects at the first of them, and ends with the queue.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the operating system provides no thread.
    pub(super) fn start(config: Arc<RedisConfig>, confirm: Confirm) -> Result<Self, Error> {
        let (queue, received) = mpsc::channel(QUEUED);
        let sender = ConfirmSender {
            locator: Locator::new(config),
            confirm,
            connection: None,
            loaded: Vec::new(),
            backoff: Backoff::new(),
            refused: None,
        };
        io::spawn(Box::pin(sender.run(received)));
        Ok(Self { queue, confirm })
    }

    /// Sends an invalidation. The reply is an array of the server's own reply and the number of replicas that acknowledged.
    pub(super) async fn send(&self, request: Request) -> Result<Value, Error> {
        // The `WAIT` before this one has its time as well.
        let limit = request.limit.saturating_add(self.confirm.within).saturating_mul(2);
        let (timed_out, shed) = (request.timeout(limit), request.shed());
        let (reply, received) = oneshot::channel();
        if self.queue.try_send(QueuedChange { request, failed: 0, reply }).is_err() {
            return Err(shed);
        }
        match io::timeout(limit, received).await {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Error::unavailable("larder's own runtime has no connection")),
            None => Err(timed_out),
        }
    }
}

/// The number of times that the scripts of one invalidation are loaded.
const LOADS: u32 = 3;

/// The task that sends the invalidations of a queue.
struct ConfirmSender {
    locator: Locator,
    confirm: Confirm,
    connection: Option<Connection>,
    /// The scripts that the server knows.
    loaded: Vec<&'static Script>,
    backoff: Backoff,
    /// The last failure to connect, and the time of the next attempt.
    refused: Option<(Failure, Instant)>,
}

impl ConfirmSender {
    async fn run(mut self, mut queue: mpsc::Receiver<QueuedChange>) {
        let mut changes = Vec::new();
        while !changes.is_empty() || queue.recv_many(&mut changes, LONGEST).await > 0 {
            // Those whose callers have gone are retried.
            changes.retain(|change| !change.reply.is_closed());
            if changes.is_empty() {
                continue;
            }
            match self.connect().await {
                Ok(connection) => {
                    let again = self.exchange(connection, std::mem::take(&mut changes)).await;
                    changes.extend(again);
                }
                Err(failure) => {
                    changes.drain(..).for_each(|change| drop(change.reply.send(Err(failure.error()))));
                }
            }
        }
    }

    /// Returns the connection, made anew if there is none to the current server.
    async fn connect(&mut self) -> Result<Connection, Failure> {
        if let Some(connection) = self.connection.take().filter(|_| !self.locator.has_moved()) {
            return Ok(connection);
        }
        if let Some((failure, until)) = &self.refused
            && !self.locator.has_moved()
            && Instant::now() < *until
        {
            return Err(failure.clone());
        }
        match self.open().await {
            Ok(connection) => {
                (self.backoff, self.refused, self.loaded) = (Backoff::new(), None, Vec::new());
                Ok(connection)
            }
            Err(failure) => {
                self.locator.distrust();
                self.refused = Some((failure.clone(), Instant::now() + self.backoff.next()));
                Err(failure)
            }
        }
    }

    async fn open(&mut self) -> Result<Connection, Failure> {
        let config = self.locator.locate().map_err(Failure::unlocated)?;
        let open = async {
            match Connection::open(&config, ProtocolVersion::RESP3, |_| {}).await {
                Err(error) if is_old(&error) => {
                    Connection::open(&config, ProtocolVersion::RESP2, |_| {}).await
                }
                opened => opened,
            }
        };
        let opened = timeout(config.connect_timeout, open).await;
        opened
            .map_err(|_| Failure::no_reply(config.connect_timeout))?
            .map_err(|error| Failure::from_redis(&error))
    }

    /// Sends invalidations and hands out the replies. Returns those whose scripts the server does not know. The connection
    /// stays if it can be used again.
    async fn exchange(
        &mut self,
        mut connection: Connection,
        changes: Vec<QueuedChange>,
    ) -> Vec<QueuedChange> {
        let longest = changes.iter().map(|change| change.request.limit).max().unwrap_or_default();
        let limit = longest.saturating_add(self.confirm.within);
        // A server that was replaced meanwhile has acknowledged in vain.
        let failure = match timeout(limit, self.send_all(&mut connection, &changes)).await {
            _ if self.locator.has_moved() => Failure::moved(),
            Ok(Ok((replies, acknowledged))) => {
                let (mut again, mut is_broken) = (Vec::new(), false);
                for (mut change, reply) in changes.into_iter().zip(replies) {
                    if change.failed < LOADS && reply.as_ref().is_err_and(is_unknown_script) {
                        change.failed += 1;
                        again.push(change);
                        continue;
                    }
                    let diagnosis = reply.as_ref().err().map(diagnose);
                    is_broken |= matches!(diagnosis, Some(Diagnosis::Broken | Diagnosis::Replica));
                    let reply = match (reply, diagnosis) {
                        (Ok(reply), _) => Ok(Value::Array(vec![reply, Value::Int(acknowledged)])),
                        (Err(error), Some(Diagnosis::Broken)) => Err(Failure::from_redis(&error).error()),
                        (Err(error), _) => Err(change.request.refused(&error)),
                    };
                    // Sending fails if the caller has gone.
                    drop(change.reply.send(reply));
                }
                if !again.is_empty() {
                    self.loaded.clear();
                }
                self.connection = Some(connection).filter(|_| !is_broken);
                return again;
            }
            Ok(Err(error)) => Failure::from_redis(&error),
            Err(_) => Failure::no_reply(limit),
        };
        changes.into_iter().for_each(|change| drop(change.reply.send(Err(failure.error()))));
        Vec::new()
    }

    /// Sends invalidations in one pipeline. Returns the replies and the number of replicas that acknowledged all of them. Those
    /// that need an `ASKING` go before the others.
    async fn send_all(
        &mut self,
        connection: &mut Connection,
        changes: &[QueuedChange],
    ) -> RedisResult<(Vec<RedisResult<Value>>, i64)> {
        let mut pipeline = Pipeline::with_capacity(changes.len() + 1);
        let (mut asked, mut sent) = (Vec::new(), 0);
        for command in changes.iter().map(|change| &change.request.command) {
            if command.is_asking {
                asked.push(Some(connection.run(command).await));
                continue;
            }
            pipeline.add_command(self.loaded(connection, &command.cmd, command.script).await?);
            asked.push(None);
            sent += 1;
        }
        pipeline.add_command(wait(self.confirm));
        let replies = connection.send_pipeline(&pipeline, 0, sent + 1).await?;
        let mut replies = replies.into_iter().map(Value::extract_error);
        let missing = || Err(RedisError::from((ErrorKind::UnexpectedReturnType, "a reply is missing")));
        let of_changes: Vec<RedisResult<Value>> =
            asked.into_iter().map(|reply| reply.or_else(|| replies.next()).unwrap_or_else(missing)).collect();
        let is_carried_out = of_changes.iter().any(Result::is_ok);
        let acknowledged = replies.next().map_or(0, |reply| self.acknowledged(reply, is_carried_out));
        Ok((of_changes, acknowledged))
    }

    /// Returns a command whose script the server knows: a pipeline ends with a `WAIT`, which is not repeated for a script.
    async fn loaded(
        &mut self,
        connection: &mut Connection,
        cmd: &Cmd,
        script: Option<&'static Script>,
    ) -> RedisResult<Cmd> {
        if let Some(script) = script
            && !self.loaded.iter().any(|loaded| std::ptr::eq(*loaded, script))
        {
            match connection.run(&script.load().into()).await {
                Ok(_) => self.loaded.push(script),
                // A user who may not load scripts may still send them.
                Err(error) if error.code() == Some("NOPERM") => return Ok(script.with_text(cmd)),
                Err(error) => return Err(error),
            }
        }
        Ok(cmd.clone())
    }

    /// Returns the number in the reply to `WAIT`. Where `WAIT` is refused, nothing can be confirmed; a replica refuses it as it refuses
    /// all changes, which go to its primary next.
    fn acknowledged(&mut self, waited: RedisResult<Value>, is_carried_out: bool) -> i64 {
        match waited {
            Ok(Value::Int(acknowledged)) => acknowledged,
            Err(error) if is_carried_out => {
                let text = format!(
                    "redis refused `wait` ({}), so that no invalidation is confirmed; allow it to the user of redis, or leave \
                     out `confirm`",
                    describe(&error)
                );
                self.locator.config().warnings.once("wait", &text);
                0
            }
            Ok(_) | Err(_) => 0,
        }
    }
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Returns the command that waits for the replicas. A time of zero would have no end.
fn wait(confirm: Confirm) -> Cmd {
    let within = u64::try_from(confirm.within.as_millis()).unwrap_or(u64::MAX).max(1);
    redis::cmd("WAIT").arg(confirm.replicas).arg(within).take()
}
