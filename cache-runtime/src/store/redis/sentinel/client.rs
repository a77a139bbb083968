//! A task that asks one sentinel.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use redis::{ProtocolVersion, PushInfo, PushKind, RedisResult};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::primary::NamedPrimary;
use super::question::{SentinelReply, ask};
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::{Backoff, Connection, Failure, is_old};
use crate::store::redis::url::Address;

/// The interval of the questions.
const PERIOD: Duration = Duration::from_secs(1);
/// The bounds of the time limit of a question.
const LIMIT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// The announcements of a switch: the leader of a failover makes the others before it makes the first.
const CHANNELS: [&str; 3] = ["+switch-master", "+promoted-slave", "+failover-state-reconf-slaves"];

/// The sentinel that a report is from, and its reply.
pub(super) type Report = (Address, Result<SentinelReply, Failure>);

/// A task that asks one sentinel.
pub(super) struct SentinelClient {
    /// The settings, with the address of the sentinel.
    pub(super) config: RedisConfig,
    pub(super) master: String,
    pub(super) primary: Weak<NamedPrimary>,
    pub(super) wake: Arc<Notify>,
    pub(super) reports: mpsc::Sender<Report>,
}

impl SentinelClient {
    /// Connects, asks until the connection is lost, and starts over.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::new();
        loop {
            let since = Instant::now();
            let failure = match timeout(self.config.connect_timeout, self.open()).await {
                Ok(Ok(connection)) => self.hold(connection).await,
                Ok(Err(error)) => Failure::from_redis(&error),
                Err(_) => Failure::no_reply(self.config.connect_timeout),
            };
            self.report(Err(failure)).await;
            // Elapsed or woken: both end the pause.
            let _ = timeout(backoff.after(since.elapsed()), self.wake.notified()).await;
        }
    }

    async fn open(&self) -> RedisResult<Connection> {
        let mut connection = match self.open_with(ProtocolVersion::RESP3).await {
            // An older sentinel cannot push announcements to a connection that asks; the questions remain.
            Err(error) if is_old(&error) => return self.open_with(ProtocolVersion::RESP2).await,
            opened => opened?,
        };
        for channel in CHANNELS {
            // A user that may not subscribe still asks.
            drop(connection.subscribe(channel).await);
        }
        Ok(connection)
    }

    async fn open_with(&self, protocol: ProtocolVersion) -> RedisResult<Connection> {
        let (primary, wake) = (Weak::clone(&self.primary), Arc::clone(&self.wake));
        let on_push = move |push: PushInfo| match push.kind {
            // Others may know of the switch as well, or better.
            PushKind::Message => drop(primary.upgrade().inspect(|primary| primary.hurry())),
            PushKind::Disconnection => wake.notify_one(),
            _ => {}
        };
        Connection::open(&self.config, protocol, on_push).await
    }

    /// Asks until the connection is lost, and returns the failure.
    async fn hold(&self, mut connection: Connection) -> Failure {
        let limit = self.config.redis_timeout.clamp(LIMIT.0, LIMIT.1);
        loop {
            match timeout(limit, ask(&mut connection, &self.config.address, &self.master)).await {
                Ok(Ok(reply)) => self.report(Ok(reply)).await,
                Ok(Err(error)) => return Failure::from_redis(&error),
                Err(_) => return Failure::no_reply(limit),
            }
            // Elapsed or woken: both lead to the next question.
            let _ = timeout(PERIOD, self.wake.notified()).await;
        }
    }

    async fn report(&self, reply: Result<SentinelReply, Failure>) {
        // Nobody receives reports once the store was dropped, and this task ends with it.
        let _ = self.reports.send((self.config.address.clone(), reply)).await;
    }
}
