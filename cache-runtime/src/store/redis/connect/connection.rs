//! One connection to a node, shared by all tasks of a runtime.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, ProtocolVersion, PushInfo, RedisError, RedisResult,
    ServerErrorKind, Value,
};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::command::Command;
#[cfg(feature = "sentinel")]
use super::failure::NOT_PRIMARY;
use super::failure::{
    Diagnosis, FOREIGN, HUNG_UP, NO_CREDENTIALS, SPEAKS_TLS, TLS_FAILED, describe, diagnose, is_foreign,
};
use super::multiplexer::{Multiplexer, greet};
use super::probe;
use super::progress::Progress;
use super::request::Reply;
use super::transport;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::credentials::Credentials;
use crate::store::redis::url::{Address, Login};
use crate::types::denial::Denial;

/// The beginning of the alert with which a server of TLS answers to anything else, as [`Progress::greeting`] shows it.
const ALERT: &str = r"\x15\x03";
/// The time limit of the question whether a server speaks TLS.
const PROBE_LIMIT: Duration = Duration::from_millis(250);

/// One multiplexed connection to a node. Clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    inner: Multiplexer,
    driver: Arc<Driver>,
    #[cfg(feature = "axum")]
    db: i64,
}

/// The task that reads from and writes to a connection. It ends with the last clone of the connection.
struct Driver {
    task: AbortHandle,
    progress: Arc<Progress>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Opens a connection, sets its name, and checks that the server can serve. `on_push` receives the messages that the server
    /// pushes, and one when the connection is closed; it is dropped with the task that reads from the connection.
    pub(crate) async fn open(
        config: &RedisConfig,
        protocol: ProtocolVersion,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Self> {
        let progress = Arc::new(Progress::new());
        let login = login(config).await?;
        let stream = transport::open(config, &progress).await?;
        let (inner, driver) = Multiplexer::new(stream, on_push);
        let task = tokio::spawn(Arc::clone(&progress).drive(driver)).abort_handle();
        let driver = Arc::new(Driver { task, progress: Arc::clone(&progress) });
        match greet(&inner, &login, protocol).await {
            Ok(()) => {}
            Err(error) if has_tls(&error, &progress, config).await => return Err(speaks_tls()),
            Err(error) => return Err(with_greeting(error, &progress)),
        }
        let mut connection = Self {
            inner,
            driver,
            #[cfg(feature = "axum")]
            db: login.db,
        };
        if let Some(name) = &config.client_name {
            // The name is for readers of `CLIENT LIST` only, so that a refusal does not matter.
            drop(connection.query::<()>(redis::cmd("CLIENT").arg("SETNAME").arg(name)).await);
        }
        connection.ping().await?;
        #[cfg(feature = "sentinel")]
        if config.primary.is_some() {
            check_role(&mut connection, config).await?;
        }
        Ok(connection)
    }

    /// Checks that the server can serve: a server that is loading accepts connections and refuses commands. Any other
    /// refusal of the `PING` counts as an answer.
    pub(crate) async fn ping(&mut self) -> RedisResult<()> {
        match self.query::<()>(&redis::cmd("PING")).await {
            Err(error) if diagnose(&error) == Diagnosis::Broken => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the progress of its bytes.
    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.driver.progress
    }

    /// Sends a command and waits for the reply as [`Progress::wait`].
    pub(super) async fn send(&mut self, command: &Command, began: Instant, limit: Duration) -> Reply {
        let reply = pin!(send(&self.inner, command));
        self.driver.progress.wait(began, limit, reply).await
    }

    /// Sends a command without a time limit, and waits for the reply.
    pub(super) async fn run(&mut self, command: &Command) -> RedisResult<Value> {
        send(&self.inner, command).await
    }

    /// Sends a command and decodes the reply.
    pub(crate) async fn query<T: FromRedisValue>(&mut self, cmd: &Cmd) -> RedisResult<T> {
        let reply = self.inner.send(cmd).await?.extract_error()?;
        Ok(T::from_redis_value(reply)?)
    }

    /// Sends a pipeline; fails if any of its commands does.
    pub(crate) async fn exec(&mut self, pipeline: &Pipeline) -> RedisResult<()> {
        let replies = self.inner.send_pipeline(pipeline, 0, pipeline.len()).await?;
        replies.into_iter().try_for_each(|reply| reply.extract_error().map(drop))
    }

    /// Subscribes to a channel, whose messages are pushed. Needs RESP3.
    #[cfg(any(feature = "sentinel", feature = "event_log"))]
    pub(crate) async fn subscribe(&mut self, channel: &str) -> RedisResult<()> {
        self.inner.send(redis::cmd("SUBSCRIBE").arg(channel)).await?.extract_error().map(drop)
    }

    /// Ends the subscription to a channel.
    #[cfg(feature = "event_log")]
    pub(crate) async fn unsubscribe(&mut self, channel: &str) -> RedisResult<()> {
        self.inner.send(redis::cmd("UNSUBSCRIBE").arg(channel)).await?.extract_error().map(drop)
    }

    /// Sends a pipeline and returns `count` raw replies, which may be errors, from `offset` on.
    pub(crate) fn send_pipeline<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> impl Future<Output = RedisResult<Vec<Value>>> + Send + use<'a> {
        self.inner.send_pipeline(pipeline, offset, count)
    }

    /// Sends a command and returns the raw reply, which may be an error.
    #[cfg(feature = "axum")]
    pub(super) fn send_raw<'a>(
        &'a mut self,
        cmd: &'a Cmd,
    ) -> impl Future<Output = RedisResult<Value>> + Send + use<'a> {
        self.inner.send(cmd)
    }

    /// Returns the number of the database.
    #[cfg(feature = "axum")]
    pub(super) fn db(&self) -> i64 {
        self.db
    }
}

/// Checks that a server which sentinels name is a primary: it may be one no longer, or not yet.
#[cfg(feature = "sentinel")]
async fn check_role(connection: &mut Connection, config: &RedisConfig) -> RedisResult<()> {
    match connection.query::<Vec<Value>>(&redis::cmd("ROLE")).await {
        Ok(role) => match role.into_iter().next().map(String::from_redis_value).transpose()? {
            Some(role) if role == "master" => Ok(()),
            role => {
                let role = format!("its role is `{}`", role.unwrap_or_default());
                Err(RedisError::from((ErrorKind::Client, NOT_PRIMARY, role)))
            }
        },
        Err(error) if diagnose(&error) == Diagnosis::Broken => Err(error),
        Err(error) => {
            let text = format!(
                "redis refused `role` ({}), by which larder recognises a primary; allow it to the user of redis: a server \
                 that was replaced may be used until the sentinels say so",
                describe(&error)
            );
            config.warnings.once("role", &text);
            Ok(())
        }
    }
}

/// Sends a command. A script that the server does not know, after a restart or a flush, is loaded first, or sent as text by a
/// user who may not load it.
async fn send(connection: &Multiplexer, command: &Command) -> RedisResult<Value> {
    // `query_async` would box this.
    if command.is_asking {
        return Box::pin(send_asking(connection, command)).await;
    }
    let reply = connection.send_as(&command.cmd, command.is_uncut).await.and_then(Value::extract_error);
    match (reply, command.script) {
        (Err(error), Some(script)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            let loaded = connection.send(&script.load()).await.and_then(Value::extract_error);
            let (again, refusal) = match loaded {
                Err(error) if error.code() == Some("NOPERM") => {
                    (&script.with_text(&command.cmd), Some(error))
                }
                loaded => (loaded.map(|_| &command.cmd)?, None),
            };
            let reply = connection.send(again).await.and_then(Value::extract_error);
            match (reply, refusal) {
                // Either of the two commands is enough, and the first is the one that a user is expected to have.
                (Err(error), Some(refusal)) if error.code() == Some("NOPERM") && is_of(&error, "eval") => {
                    Err(refusal)
                }
                (reply, _) => reply,
            }
        }
        (reply, _) => reply,
    }
}

/// Returns `true` if the error is the refusal of this command itself, and not of one in a script.
fn is_of(error: &RedisError, command: &str) -> bool {
    Denial::parse(&describe(error)) == Some(Denial::Command(command.to_owned()))
}

/// Returns the login of a new connection.
async fn login(config: &RedisConfig) -> RedisResult<Cow<'_, Login>> {
    let Some(provider) = &config.credentials else { return Ok(Cow::Borrowed(&config.login)) };
    match provider.provide().await {
        Ok(Credentials { user, password }) => {
            Ok(Cow::Owned(Login { user, password: Some(password), db: config.login.db }))
        }
        Err(reason) => Err(RedisError::from((ErrorKind::Client, NO_CREDENTIALS, reason))),
    }
}

/// Sends a command to a node that imports its slot. `ASKING` holds for one command, so that both are sent together.
async fn send_asking(connection: &Multiplexer, command: &Command) -> RedisResult<Value> {
    let asking = |cmd: &Cmd| {
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.add_command(redis::cmd("ASKING")).add_command(cmd.clone());
        pipeline
    };
    let pipeline = asking(&command.cmd);
    let mut replies = connection.send_pipeline(&pipeline, 1, 1).await?;
    let reply = replies.pop().unwrap_or(Value::Nil).extract_error();
    match (reply, command.script) {
        (Err(error), Some(script)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            let pipeline = asking(&script.with_text(&command.cmd));
            let mut replies = connection.send_pipeline(&pipeline, 1, 1).await?;
            replies.pop().unwrap_or(Value::Nil).extract_error()
        }
        (reply, _) => reply,
    }
}

/// Adds the first line of a server that does not speak the protocol of Redis, or that hung up with an error.
fn with_greeting(error: RedisError, progress: &Progress) -> RedisError {
    if let Some(explanation) = progress.failure()
        && error.is_io_error()
    {
        return RedisError::from((ErrorKind::Client, TLS_FAILED, explanation.to_owned()));
    }
    match progress.greeting() {
        Some(farewell) if error.is_io_error() && farewell.starts_with('-') => {
            RedisError::from((ErrorKind::Client, HUNG_UP, farewell[1..].to_owned()))
        }
        Some(greeting) if is_foreign(&error) => {
            RedisError::from((ErrorKind::Parse, FOREIGN, format!("it begins with `{greeting}`")))
        }
        _ => error,
    }
}

/// Returns `true` if a server that ended a connection without TLS speaks TLS. It may have reset the connection before its alert
/// was read.
async fn has_tls(error: &RedisError, progress: &Progress, config: &RedisConfig) -> bool {
    #[cfg(feature = "tls")]
    if config.tls.is_some() {
        return false;
    }
    match (progress.greeting(), &config.address) {
        (Some(greeting), _) => is_foreign(error) && greeting.starts_with(ALERT),
        (None, Address::Tcp { host, port }) if error.is_io_error() || error.is_connection_dropped() => {
            if config.probed.begin()
                && probe::speaks_tls(host, *port, PROBE_LIMIT.min(config.connect_timeout / 4)).await
            {
                config.probed.find();
            }
            config.probed.is_found()
        }
        (None, _) => false,
    }
}

fn speaks_tls() -> RedisError {
    let text = format!("{SPEAKS_TLS}; write `rediss://` (feature `tls`)");
    RedisError::from((ErrorKind::Client, SPEAKS_TLS, text))
}
