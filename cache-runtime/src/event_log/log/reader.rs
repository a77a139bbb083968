//! The reader of the logs of one slot: one connection that waits for entries of all of them.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{ProtocolVersion, Value};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::failures::read_failed;
use super::feeds::LogFeeds;
use super::history;
use super::settings::Retention;
use super::window::Resume;
use super::xread;
use crate::engine::core::Core;
use crate::event_log::stream_end::ended;
use crate::rt::first::first;
use crate::rt::io;
use crate::store::{Backoff, Dedicated, RedisStore};
use crate::types::error::Error;

/// The time for which a command waits for entries.
const BLOCK: Duration = Duration::from_secs(1);
/// The same where nothing can end it earlier, for a log that is added.
const SHORT_BLOCK: Duration = Duration::from_millis(100);
/// The bounds of the time for a reply.
const REPLY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// The pause between two attempts to end a command.
const AGAIN: Duration = Duration::from_millis(10);
/// The pause between two attempts to look at the logs, and the number of attempts, after a connection was lost: the connections of
/// the calls may be established later.
const LOOK: (Duration, u32) = (Duration::from_millis(50), 20);

/// Nothing is assumed of a log whose window has moved: each listener decides by its settings.
const STRICT: Retention = Retention { keep: 0, expire: None };

/// Reads the logs of a slot, on the node that owns it.
struct LogReader {
    core: Arc<Core>,
    feeds: Arc<LogFeeds>,
    slot: u16,
    wake: Arc<Notify>,
}

/// The connection of a reader, and the means to end its command.
struct ReaderConnection {
    connection: Dedicated,
    /// The id of the connection; `None` if the command cannot be ended.
    client: Option<i64>,
}

/// Has the logs of a slot read, those that were added since included.
pub(super) fn follow(core: &Arc<Core>, feeds: &Arc<LogFeeds>, slot: u16) {
    let (wake, is_new) = feeds.reader(slot);
    if !is_new {
        return wake.notify_one();
    }
    let reader = LogReader { core: Arc::clone(core), feeds: Arc::clone(feeds), slot, wake };
    io::spawn(Box::pin(reader.run()));
}

impl LogReader {
    /// Reads until nobody listens, or the cache is closed.
    async fn run(self) {
        first(ended(self.core.companions.closed()), self.read()).await;
    }

    async fn read(&self) {
        let Some(redis) = self.core.store.as_redis() else { return };
        let mut backoff = Backoff::new();
        while !self.feeds.end_reader(self.slot) {
            let pause = match self.open(redis).await {
                Ok(mut follower) => {
                    let since = Instant::now();
                    if let Err(error) = self.follow(redis, &mut follower).await {
                        read_failed(&self.core, &error);
                        redis.distrust_owners();
                    }
                    backoff.after(since.elapsed())
                }
                Err(error) => {
                    read_failed(&self.core, &error);
                    redis.distrust_owners();
                    backoff.next()
                }
            };
            sleep(pause).await;
        }
    }

    /// Opens a connection, and goes back to the end of logs that have lost what was not read yet.
    async fn open(&self, redis: &RedisStore) -> Result<ReaderConnection, Error> {
        let connection = redis.dedicated(self.slot, ProtocolVersion::RESP2, |_| {}).await?;
        let mut follower = ReaderConnection { connection, client: None };
        let id = redis::cmd("CLIENT").arg("ID").take();
        follower.client = follower.connection.query("client id", limit(redis), &id).await.ok();
        for (key, position) in self.feeds.positions(self.slot) {
            let window = self.look(&key).await?;
            if let Resume::From(end) = window.resume(position, STRICT) {
                self.feeds.restart(&key, end);
            }
        }
        Ok(follower)
    }

    async fn look(&self, key: &str) -> Result<super::window::LogWindow, Error> {
        let mut attempt = 1;
        loop {
            match history::read(&self.core, &self.feeds, key, None, 0).await {
                Ok(history) => return Ok(history.window),
                Err(Error::Unavailable { .. }) if attempt < LOOK.1 => attempt += 1,
                Err(error) => return Err(error),
            }
            sleep(LOOK.0).await;
        }
    }

    /// Delivers entries until nobody listens.
    ///
    /// # Errors
    /// The connection cannot be used any more.
    async fn follow(&self, redis: &RedisStore, follower: &mut ReaderConnection) -> Result<(), Error> {
        loop {
            let positions = self.feeds.positions(self.slot);
            if positions.is_empty() {
                if self.feeds.end_reader(self.slot) {
                    return Ok(());
                }
                // The end of the log is being read.
                first(self.wake.notified(), sleep(BLOCK)).await;
                continue;
            }
            let block = if follower.client.is_some() { BLOCK } else { SHORT_BLOCK };
            let command = xread::command(&positions, block);
            let reply = self.reply(redis, follower, &command, block).await?;
            let entries = xread::entries(reply).ok_or_else(|| Error::Redis {
                step: "event log",
                message: "the reply has an unexpected form".to_owned(),
                source: None,
            })?;
            for (key, entries) in entries {
                self.feeds.deliver(&key, entries);
            }
        }
    }

    /// Waits for the reply to a command that blocks, and ends the command when a log is added.
    async fn reply(
        &self,
        redis: &RedisStore,
        follower: &mut ReaderConnection,
        command: &redis::Cmd,
        block: Duration,
    ) -> Result<Value, Error> {
        let ReaderConnection { connection, client } = follower;
        let mut reply = pin!(connection.query("event log", block + limit(redis), command));
        let Some(id) = *client else { return reply.await };
        let added = async {
            self.wake.notified().await;
            None
        };
        if let Some(reply) = first(async { Some(reply.as_mut().await) }, added).await {
            return reply;
        }
        // The command may not be on the server yet.
        loop {
            if redis.unblock(self.slot, id).await.is_err() {
                // A user who may not do this waits for the end of the command, which is then earlier.
                *client = None;
                return reply.await;
            }
            let again = async {
                sleep(AGAIN).await;
                None
            };
            if let Some(reply) = first(async { Some(reply.as_mut().await) }, again).await {
                return reply;
            }
        }
    }
}

/// Returns the time for a reply.
fn limit(redis: &RedisStore) -> Duration {
    redis.limit().clamp(REPLY.0, REPLY.1)
}
