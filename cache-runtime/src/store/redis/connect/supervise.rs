//! The supervisor of a link: a task that keeps it connected.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::availability::Availability;
use super::backoff::Backoff;
use super::connections::Connections;
use super::failure::Failure;
use super::link::{Link, LinkState};
use crate::store::redis::config::RedisConfig;

/// The pause between two searches for the master while a link is connected to a replica.
const SEARCH: Duration = Duration::from_secs(5);

/// Closes a link when its supervisor ends, for whatever reason: the runtime may have ended and dropped the task.
pub(super) struct SupervisorGuard {
    link: Arc<Link>,
    on_end: Option<Box<dyn FnOnce() + Send>>,
}

impl SupervisorGuard {
    /// Returns a guard that closes `link` and then calls `on_end`.
    pub(super) fn new(link: Arc<Link>, on_end: impl FnOnce() + Send + 'static) -> Self {
        Self { link, on_end: Some(Box::new(on_end)) }
    }
}

impl Drop for SupervisorGuard {
    fn drop(&mut self) {
        self.link.publish(LinkState::Closed);
        if let Some(on_end) = self.on_end.take() {
            on_end();
        }
    }
}

/// Connects, waits until the connection is lost, and starts over.
pub(super) async fn supervise(guard: SupervisorGuard, config: Arc<RedisConfig>, health: Arc<Availability>) {
    let link = &guard.link;
    // Timers and sockets of a runtime that was built without them panic. A task of its own tries both first, so that the
    // panic ends there.
    if tokio::spawn(try_drivers()).await.is_err() {
        link.publish(LinkState::NoDrivers);
        return std::future::pending().await;
    }
    let mut backoff = Backoff::new();
    let mut epoch = 0;
    loop {
        epoch += 1;
        let pause = match connect(link, &config, epoch).await {
            Ok(connections) => {
                link.publish(LinkState::Up(Arc::new(connections)));
                health.connected();
                let since = Instant::now();
                // A link that was closed is not lost.
                let Some(failure) = hold(link, &config, &mut epoch).await else { return };
                health.lost(&failure);
                backoff.after(since.elapsed())
            }
            Err(failure) => {
                health.lost(&failure);
                link.publish(LinkState::Down { failure, at: Instant::now() });
                backoff.next()
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn connect(link: &Arc<Link>, config: &RedisConfig, epoch: u64) -> Result<Connections, Failure> {
    let link = Arc::downgrade(link);
    let on_closed = move || {
        if let Some(link) = link.upgrade() {
            link.lost(epoch, Failure::unreachable("the connection was closed"));
        }
    };
    let attempt = Connections::open(config, epoch, &on_closed);
    let attempt = tokio::time::timeout(config.connect_timeout, attempt).await;
    attempt.unwrap_or_else(|_| Err(Failure::no_reply(config.connect_timeout)))
}

/// Waits until the connections are lost. While they lead to a replica, which serves reads, this searches for the master
/// and replaces them by connections to it. `None` if the link was closed.
async fn hold(link: &Arc<Link>, config: &RedisConfig, epoch: &mut u64) -> Option<Failure> {
    let mut held = *epoch;
    loop {
        if let HoldEvent::Lost(failure) = before_loss(link, held, link.until_replica()).await {
            return failure;
        }
        *epoch += 1;
        if let Ok(connections) = connect(link, config, *epoch).await
            && matches!(
                tokio::time::timeout(config.connect_timeout, connections.is_replica()).await,
                Ok(false)
            )
            && link.epoch() == Some(held)
        {
            link.publish(LinkState::Up(Arc::new(connections)));
            held = *epoch;
        }
        if let HoldEvent::Lost(failure) = before_loss(link, held, tokio::time::sleep(SEARCH)).await {
            return failure;
        }
    }
}

/// The first of two events.
enum HoldEvent {
    /// The connections were lost, or their link was closed.
    Lost(Option<Failure>),
    /// The other one.
    Other,
}

/// Waits for `event`, or until the connections of that epoch are lost.
async fn before_loss(link: &Link, epoch: u64, event: impl Future<Output = ()>) -> HoldEvent {
    let (mut lost, mut event) = (pin!(link.until_lost(epoch)), pin!(event));
    std::future::poll_fn(|context| match lost.as_mut().poll(context) {
        Poll::Ready(failure) => Poll::Ready(HoldEvent::Lost(failure)),
        Poll::Pending => event.as_mut().poll(context).map(|()| HoldEvent::Other),
    })
    .await
}

async fn try_drivers() {
    tokio::time::sleep(Duration::from_nanos(1)).await;
    drop(tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await);
}
