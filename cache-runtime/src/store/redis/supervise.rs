//! The task that keeps a link alive.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::config::RedisConfig;
use super::conns::Conns;
use super::failure::Failure;
use super::health::Health;
use super::lane::Lanes;
use super::link::{Link, State};

/// How often a link to a replica looks for the master: the name may lead to it by now.
const SEARCH: Duration = Duration::from_secs(5);

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
    let mut epoch = 0;
    loop {
        epoch += 1;
        let pause = match connect(link, &config, epoch).await {
            Ok(conns) => {
                link.publish(State::Up(Arc::new(conns)));
                health.connected();
                let since = Instant::now();
                let failure = hold(link, &config, &mut epoch).await;
                health.lost(&failure);
                backoff.after(since.elapsed())
            }
            Err(failure) => {
                health.lost(&failure);
                link.publish(State::Down { failure, at: Instant::now() });
                backoff.next()
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn connect(link: &Arc<Link>, config: &RedisConfig, epoch: u64) -> Result<Conns, Failure> {
    let attempt = tokio::time::timeout(config.connect_timeout, Conns::open(config, link, epoch)).await;
    attempt.unwrap_or_else(|_| Err(Failure::no_answer(config.connect_timeout)))
}

/// Waits until the connections are lost. While they lead to a replica, which answers reads, looks for the master, and
/// takes connections to it in their place before they are given up.
async fn hold(link: &Arc<Link>, config: &RedisConfig, epoch: &mut u64) -> Failure {
    let mut held = *epoch;
    loop {
        if let Some(failure) = lost_before(link, held, link.until_misplaced()).await {
            return failure;
        }
        *epoch += 1;
        if let Ok(conns) = connect(link, config, *epoch).await
            && matches!(tokio::time::timeout(config.connect_timeout, conns.is_replica()).await, Ok(false))
            && link.epoch() == Some(held)
        {
            link.publish(State::Up(Arc::new(conns)));
            held = *epoch;
        }
        if let Some(failure) = lost_before(link, held, tokio::time::sleep(SEARCH)).await {
            return failure;
        }
    }
}

/// Why the connections of that epoch were lost, if that comes before `event`.
async fn lost_before(link: &Link, epoch: u64, event: impl Future<Output = ()>) -> Option<Failure> {
    let (mut lost, mut event) = (pin!(link.until_lost(epoch)), pin!(event));
    std::future::poll_fn(|context| match lost.as_mut().poll(context) {
        Poll::Ready(failure) => Poll::Ready(Some(failure)),
        Poll::Pending => event.as_mut().poll(context).map(|()| None),
    })
    .await
}

async fn try_drivers() {
    tokio::time::sleep(Duration::from_nanos(1)).await;
    drop(tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await);
}
