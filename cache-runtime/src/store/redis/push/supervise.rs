//! The supervisor of a push connection: a task that keeps it connected.

use std::sync::Arc;
#[cfg(feature = "sentinel")]
use std::sync::Weak;
use std::time::{Duration, Instant};

use redis::{ProtocolVersion, PushInfo, RedisError};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::listener::PushListener;
use super::push_connection::PushConnection;
use crate::observe::event_kind::EventKind;
use crate::observe::trace;
use crate::rt::io;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::{Backoff, Connection, Diagnosis, describe, diagnose, is_old};
use crate::store::redis::location::Locator;
use crate::types::denial::Denial;
use crate::types::error::Error;

/// The interval of `PING`s: a connection can be lost without a notification.
const PERIOD: Duration = Duration::from_secs(1);
/// The bounds of the time limit of a `PING`.
const PING_LIMIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// A supervisor that ends, with its connection, when it is dropped.
pub(crate) struct Supervisor(AbortHandle);

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The reason for which an attempt to open a push connection failed.
enum OpenError {
    /// There is no connection, or no reply.
    Unreachable,
    /// The server does not track keys for this user; retrying does not help.
    Refused(String),
}

/// Starts a supervisor.
///
/// # Errors
/// [`Error::Unavailable`] if the operating system provides no thread.
pub(super) fn start(config: Arc<RedisConfig>, listener: Arc<dyn PushListener>) -> Result<Supervisor, Error> {
    let task = io::handle()?.spawn(async move { supervise(Locator::new(config), &listener).await });
    Ok(Supervisor(task.abort_handle()))
}

/// Connects, waits until the connection is lost, and starts over.
async fn supervise(mut locator: Locator, listener: &Arc<dyn PushListener>) {
    let (mut backoff, mut has_warned) = (Backoff::new(), false);
    loop {
        let push = PushConnection::new(Arc::clone(listener));
        #[cfg(feature = "sentinel")]
        if let Some(primary) = &locator.config().primary {
            let push: Weak<PushConnection> = Arc::downgrade(&push);
            primary.notify(push);
        }
        let pause = match attempt(&mut locator, &push).await {
            Ok(connection) => {
                has_warned = false;
                let since = Instant::now();
                push.connected(connection.clone());
                record(locator.config(), true);
                let limit = locator.config().redis_timeout.clamp(PING_LIMIT.0, PING_LIMIT.1);
                hold(connection, &push, limit).await;
                record(locator.config(), false);
                backoff.after(since.elapsed())
            }
            Err(_) if locator.has_moved() => Duration::ZERO,
            Err(error) => {
                listener.on_lost();
                warn_once(locator.config(), &error, &mut has_warned);
                backoff.next()
            }
        };
        locator.pause(pause).await;
    }
}

async fn attempt(locator: &mut Locator, push: &Arc<PushConnection>) -> Result<Connection, OpenError> {
    let config = locator.locate().map_err(|_| OpenError::Unreachable)?;
    match locator.attempt(timeout(config.connect_timeout, open(&config, push))).await {
        Some(Ok(opened)) => opened,
        Some(Err(_)) | None => Err(OpenError::Unreachable),
    }
}

/// Opens a connection on which the server tracks keys and has answered since.
async fn open(config: &RedisConfig, push: &Arc<PushConnection>) -> Result<Connection, OpenError> {
    let receiver = push.receiver();
    // Moved, so that the receiver is dropped with the connection.
    let on_push = move |push: PushInfo| receiver.receive(&push);
    let opened = Connection::open(config, ProtocolVersion::RESP3, on_push).await;
    let mut connection =
        opened.map_err(|error| if is_old(&error) { refused(&error) } else { OpenError::Unreachable })?;
    let tracking = connection.query::<()>(&push.listener().tracking_command()).await;
    tracking.map_err(|error| match diagnose(&error) {
        Diagnosis::Broken | Diagnosis::Replica => OpenError::Unreachable,
        Diagnosis::Refused => refused(&error),
    })?;
    connection.ping().await.map_err(|_| OpenError::Unreachable)?;
    Ok(connection)
}

/// Sends `PING`s until the connection is lost.
async fn hold(mut connection: Connection, push: &PushConnection, limit: Duration) {
    while timeout(PERIOD, push.until_lost()).await.is_err() {
        match timeout(limit, connection.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => push.lose(),
        }
    }
}

/// Warns once if the server refuses to track keys. An unreachable server is reported by the links.
fn warn_once(config: &RedisConfig, error: &OpenError, has_warned: &mut bool) {
    let OpenError::Refused(message) = error else { return };
    let denial = Denial::parse(message).map(|denial| denial.within("client|tracking"));
    if let Some(denial @ Denial::Command(_)) = denial {
        let effect = "there are no notifications of changes, so that `local` has no effect,";
        return config.warnings.refused(&denial, message, effect);
    }
    if !std::mem::replace(has_warned, true) {
        trace::warn(&format!(
            "redis does not notify of changes ({message}); this needs a server with RESP3 and `CLIENT TRACKING` \
             (Redis 6), and a user that may run `client`"
        ));
    }
}

fn record(config: &RedisConfig, connected: bool) {
    config.stats.record_server(|| EventKind::Push { server: config.address.to_string(), connected });
}

fn refused(error: &RedisError) -> OpenError {
    OpenError::Refused(describe(error))
}
