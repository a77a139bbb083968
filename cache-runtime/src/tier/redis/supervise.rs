//! The task that keeps a link alive.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::config::RedisConfig;
use super::conns::Conns;
use super::failure::Failure;
use super::health::Health;
use super::lane::Lanes;
use super::link::{Link, State};

/// A connection that held for this long is replaced at once; one that broke sooner after a pause, so that a server
/// which accepts and then refuses is not stormed.
const STEADY: Duration = Duration::from_secs(1);

/// Tells that a supervisor is gone, however it went: its runtime may have ended and dropped it.
pub(super) struct Farewell {
    pub(super) link: Arc<Link>,
    pub(super) lanes: Weak<Lanes>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.link.publish(State::Dead);
        if let Some(lanes) = self.lanes.upgrade() {
            lanes.forget(&self.link);
        }
    }
}

/// Connects, waits until the connection is lost, and begins again.
pub(super) async fn supervise(farewell: Farewell, config: Arc<RedisConfig>, health: Arc<Health>) {
    let link = &farewell.link;
    // Using a timer or a socket of a runtime that was built without them is a panic. A task of its own tries both
    // first, so that the panic ends there.
    if tokio::spawn(try_drivers()).await.is_err() {
        link.publish(State::Bare);
        return std::future::pending().await;
    }
    let mut backoff = Backoff::new();
    for epoch in 0.. {
        let attempt = tokio::time::timeout(config.connect_timeout, Conns::open(&config, link, epoch)).await;
        match attempt.unwrap_or_else(|_| Err(Failure::no_answer(config.connect_timeout))) {
            Ok(conns) => {
                link.publish(State::Up(Arc::new(conns)));
                health.connected();
                let since = Instant::now();
                let failure = link.until_lost(epoch).await;
                health.lost(&failure);
                if since.elapsed() >= STEADY {
                    backoff = Backoff::new();
                    continue;
                }
            }
            Err(failure) => {
                health.lost(&failure);
                link.publish(State::Down { failure, at: Instant::now() });
            }
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

async fn try_drivers() {
    tokio::time::sleep(Duration::from_nanos(1)).await;
    drop(tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await);
}
