//! The task that keeps a stream alive.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, PushInfo, PushKind, RedisError, Value};
use tokio::sync::Notify;

use super::super::backoff::Backoff;
use super::super::config::RedisConfig;
use super::super::failure::describe;
use super::{Kind, Listener};
use crate::trace;

/// How often a sign of life is asked for. Between two of them a connection that is dead without a word goes unnoticed.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A stream that held for this long is replaced at once.
const STEADY: Duration = Duration::from_secs(1);

/// Connects, waits until the connection is lost, and begins again.
pub(super) async fn supervise(config: Arc<RedisConfig>, kind: Kind, listener: Arc<dyn Listener>) {
    let (mut backoff, mut told) = (Backoff::new(), false);
    loop {
        let since = Instant::now();
        let gone = Arc::new(Notify::new());
        let attempt =
            tokio::time::timeout(config.connect_timeout, open(&config, &kind, &listener, &gone)).await;
        match attempt {
            Ok(Ok(mut conn)) => {
                listener.healthy(&conn);
                until_lost(&mut conn, &gone, config.redis_timeout).await;
                listener.lost();
            }
            Ok(Err(error)) if is_refused(&error) && !told => {
                told = true;
                trace::warn(&format!(
                    "redis does not tell of changes ({}); nothing is kept in this process beside it, and waits for \
                     another process are polls",
                    describe(&error)
                ));
            }
            Ok(Err(_)) | Err(_) => {}
        }
        if since.elapsed() >= STEADY + config.connect_timeout {
            backoff = Backoff::new();
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

/// Whether the server answered, but will not do what a stream needs: before Redis 6, or without the right to.
fn is_refused(error: &RedisError) -> bool {
    !error.is_io_error() && !error.is_connection_dropped() && !error.is_timeout()
}

async fn open(
    config: &RedisConfig,
    kind: &Kind,
    listener: &Arc<dyn Listener>,
    gone: &Arc<Notify>,
) -> Result<MultiplexedConnection, RedisError> {
    let (tell, lost) = (Arc::clone(listener), Arc::clone(gone));
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_push_sender(move |push: PushInfo| {
            match push.kind {
                PushKind::Invalidate => pass_on(&*tell, push.data),
                PushKind::Disconnection => lost.notify_one(),
                _ => {}
            }
            Ok::<(), redis::aio::SendError>(())
        });
    let client = config.client(ProtocolVersion::RESP3)?;
    let mut conn = client.get_multiplexed_async_connection_with_config(&settings).await?;
    let mut tracking = redis::cmd("CLIENT");
    tracking.arg("TRACKING").arg("ON");
    match kind {
        Kind::Every { prefix } => {
            tracking.arg("BCAST");
            if !prefix.is_empty() {
                tracking.arg("PREFIX").arg(prefix);
            }
        }
        Kind::OnRequest => {
            tracking.arg("OPTIN");
        }
    }
    tracking.exec_async(&mut conn).await?;
    Ok(conn)
}

fn pass_on(listener: &dyn Listener, data: Vec<Value>) {
    for keys in data {
        match keys {
            Value::Array(keys) => keys.iter().for_each(|key| {
                if let Value::BulkString(key) = key {
                    listener.changed(key);
                }
            }),
            // FLUSHALL and FLUSHDB name no keys.
            _ => listener.changed_all(),
        }
    }
}

/// Waits until the connection is closed, or does not answer in time.
async fn until_lost(conn: &mut MultiplexedConnection, gone: &Notify, limit: Duration) {
    let beats = pin!(async {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let ping = redis::cmd("PING");
            let answer = tokio::time::timeout(limit, ping.exec_async(conn)).await;
            if !matches!(answer, Ok(Ok(()))) {
                return;
            }
        }
    });
    let (mut beats, mut gone) = (beats, pin!(gone.notified()));
    poll_fn(|context| {
        let over = beats.as_mut().poll(context).is_ready() || gone.as_mut().poll(context).is_ready();
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
