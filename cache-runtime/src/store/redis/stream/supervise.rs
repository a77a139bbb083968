//! The task that keeps a stream alive.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{ProtocolVersion, PushInfo};
use tokio::time::timeout;

use super::line::Line;
use super::{Listener, Supervised};
use crate::observe::trace;
use crate::rt::io;
use crate::store::redis::backoff::Backoff;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::conns;
use crate::store::redis::failure::{Failure, Verdict, describe, is_old, judge};
use crate::types::error::Error;

/// How often the server is asked for a sign of life: a connection can be gone without a word.
const PERIOD: Duration = Duration::from_secs(1);
/// How long it may take to give one.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// Why there is no stream.
enum Trouble {
    /// No connection, or no answer.
    Away,
    /// The server does not follow keys for us; nothing but a change of the server helps.
    Refused(String),
}

/// Begins to keep a stream.
///
/// # Errors
/// [`Error::Unavailable`] when the operating system gives no thread.
pub(super) fn start(config: Arc<RedisConfig>, listener: Arc<dyn Listener>) -> Result<Supervised, Error> {
    let task = io::handle()?.spawn(async move { supervise(&config, &listener).await });
    Ok(Supervised(task.abort_handle()))
}

/// Connects, waits until the connection is lost, and begins again.
async fn supervise(config: &RedisConfig, listener: &Arc<dyn Listener>) {
    let (mut backoff, mut told) = (Backoff::new(), false);
    loop {
        let line = Line::new(Arc::clone(listener));
        let attempt = timeout(config.connect_timeout, open(config, &line)).await;
        let pause = match attempt.unwrap_or(Err(Trouble::Away)) {
            Ok(conn) => {
                told = false;
                let since = Instant::now();
                line.healthy(conn.clone());
                hold(conn, &line, config.redis_timeout.clamp(PATIENCE.0, PATIENCE.1)).await;
                backoff.after(since.elapsed())
            }
            Err(trouble) => {
                listener.lost();
                explain(&trouble, &mut told);
                backoff.next()
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// A connection on which the server follows keys and has answered.
async fn open(config: &RedisConfig, line: &Arc<Line>) -> Result<MultiplexedConnection, Trouble> {
    let ear = line.ear();
    // Moved, so that nothing but the connection keeps the ear.
    let settings = conns::settings().set_push_sender(move |push: PushInfo| {
        ear.hear(&push);
        Ok::<(), redis::aio::SendError>(())
    });
    let client = config.client(ProtocolVersion::RESP3).map_err(|_| Trouble::Away)?;
    let opened = conns::open(&client, settings, config).await;
    let mut conn = opened.map_err(|error| if is_old(&error) { refused(&error) } else { Trouble::Away })?;
    let followed = line.listener().request().exec_async(&mut conn).await;
    followed.map_err(|error| match judge(&error) {
        Verdict::Rebuild | Verdict::Misplaced => Trouble::Away,
        Verdict::Refused => refused(&error),
    })?;
    ping(&mut conn).await.map_err(|_| Trouble::Away)?;
    Ok(conn)
}

/// Asks for signs of life until there is none.
async fn hold(mut conn: MultiplexedConnection, line: &Line, patience: Duration) {
    while timeout(PERIOD, line.until_lost()).await.is_err() {
        match timeout(patience, ping(&mut conn)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => line.lose(failure),
            Err(_) => line.lose(Failure::no_answer(patience)),
        }
    }
}

/// A refusal is an answer, unless the server says that it cannot serve.
async fn ping(conn: &mut MultiplexedConnection) -> Result<(), Failure> {
    match redis::cmd("PING").exec_async(conn).await {
        Err(error) if judge(&error) == Verdict::Rebuild => Err(Failure::from_redis(&error)),
        _ => Ok(()),
    }
}

/// Says once what a person has to know. That Redis is away is told by those who read and write.
fn explain(trouble: &Trouble, told: &mut bool) {
    if let Trouble::Refused(message) = trouble
        && !std::mem::replace(told, true)
    {
        trace::warn(&format!(
            "redis does not tell of changes ({message}); it takes a server with RESP3 and `CLIENT TRACKING` (Redis 6), and \
             a user that may run `client`"
        ));
    }
}

fn refused(error: &redis::RedisError) -> Trouble {
    Trouble::Refused(describe(error))
}
