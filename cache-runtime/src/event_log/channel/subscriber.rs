//! The subscriber: one connection whose server pushes the messages of all channels that are listened to.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::{ProtocolVersion, PushInfo, PushKind, Value};
use tokio::time::sleep;

use super::topics::Topics;
use crate::engine::core::Core;
use crate::event_log::log::read_failed;
use crate::event_log::stream_end::ended;
use crate::rt::first::first;
use crate::rt::io;
use crate::rt::random::chance;
use crate::store::{Backoff, Dedicated, RedisStore};
use crate::types::error::Error;

/// The interval of `PING`s: a connection can be lost without a notification.
const PERIOD: Duration = Duration::from_secs(1);
/// The bounds of the time for a reply.
const REPLY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// Has the messages of all channels that are listened to delivered.
pub(super) fn follow(core: &Arc<Core>, topics: &Arc<Topics>) {
    if topics.needs_subscriber() {
        let (core, topics) = (Arc::clone(core), Arc::clone(topics));
        io::spawn(Box::pin(async move {
            first(ended(core.companions.closed()), run(&core, &topics)).await;
        }));
    }
}

/// Subscribes until nobody listens.
async fn run(core: &Core, topics: &Arc<Topics>) {
    let Some(redis) = core.store.as_redis() else { return };
    let mut backoff = Backoff::new();
    while !topics.end_subscriber() {
        // All nodes of a cluster pass the messages on, so that another one is tried after a failure.
        let slot = u16::try_from(chance() % 16_384).unwrap_or_default();
        let receiver = Arc::clone(topics);
        let pause =
            match redis.dedicated(slot, ProtocolVersion::RESP3, move |push| receive(&receiver, push)).await {
                Ok(mut connection) => {
                    let since = Instant::now();
                    if let Err(error) = subscribe(core, redis, topics, &mut connection).await {
                        read_failed(core, &error);
                        redis.distrust_owners();
                    }
                    topics.set_lost();
                    backoff.after(since.elapsed())
                }
                Err(error) => {
                    read_failed(core, &error);
                    redis.distrust_owners();
                    backoff.next()
                }
            };
        sleep(pause).await;
    }
}

/// Keeps the subscriptions those of the listeners, until there are none.
///
/// # Errors
/// The connection cannot be used any more.
async fn subscribe(
    core: &Core,
    redis: &RedisStore,
    topics: &Topics,
    connection: &mut Dedicated,
) -> Result<(), Error> {
    let limit = redis.limit().clamp(REPLY.0, REPLY.1);
    let (mut subscribed, mut refused) = (HashSet::<String>::new(), HashSet::<String>::new());
    loop {
        let wanted: HashSet<String> = topics.wanted().into_iter().collect();
        for channel in wanted.difference(&subscribed) {
            match connection.set_subscribed(channel, true, limit).await {
                // Until another connection is made.
                Err(error @ Error::Redis { .. }) => {
                    refused.insert(channel.clone());
                    read_failed(core, &error);
                }
                subscribed => {
                    subscribed?;
                    refused.remove(channel);
                }
            }
        }
        for channel in subscribed.difference(&wanted) {
            connection.set_subscribed(channel, false, limit).await?;
        }
        // Those included whose last listener left and that have another one by now.
        wanted.difference(&refused).for_each(|channel| topics.set_live(channel));
        subscribed = wanted;
        if subscribed.is_empty() && topics.end_subscriber() {
            return Ok(());
        }
        first(topics.wake.notified(), sleep(PERIOD)).await;
        connection.ping(limit).await?;
    }
}

/// Handles a pushed message. Called by the task that reads from the connection.
fn receive(topics: &Topics, push: PushInfo) {
    match push.kind {
        PushKind::Message => {
            let mut data = push.data.into_iter();
            if let (Some(Value::BulkString(channel)), Some(Value::BulkString(message))) =
                (data.next(), data.next())
                && let Ok(channel) = std::str::from_utf8(&channel)
            {
                topics.deliver(channel, Bytes::from(message));
            }
        }
        PushKind::Disconnection => topics.wake.notify_one(),
        _ => {}
    }
}
