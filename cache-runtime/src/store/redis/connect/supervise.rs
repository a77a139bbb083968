//! The supervisor of a link: a task that keeps it connected.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::connections::Connections;
use super::failure::Failure;
use super::health::NodeHealth;
use super::link::{Link, LinkState};
use crate::store::redis::config::RedisConfig;
use crate::store::redis::location::Locator;

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
pub(super) async fn supervise(guard: SupervisorGuard, config: Arc<RedisConfig>, health: Arc<NodeHealth>) {
    let link = &guard.link;
    // Timers and sockets of a runtime that was built without them panic. A task of its own tries both first, so that the
    // panic ends there.
    if tokio::spawn(try_drivers()).await.is_err() {
        link.publish(LinkState::NoDrivers);
        return std::future::pending().await;
    }
    let mut backoff = Backoff::new();
    let mut locator = Locator::new(config);
    let mut epoch = 0;
    loop {
        epoch += 1;
        let pause = match connect(link, &mut locator, epoch).await {
            Ok(connections) => {
                link.publish(LinkState::Up(Arc::new(connections)));
                health.connected();
                let since = Instant::now();
                match hold(link, &mut locator, &mut epoch).await {
                    HoldEnd::Closed => return,
                    HoldEnd::Moved => Duration::ZERO,
                    HoldEnd::Lost(failure) => {
                        health.lost(&failure);
                        locator.distrust();
                        backoff.after(since.elapsed())
                    }
                }
            }
            Err(failure) => {
                health.lost(&failure);
                link.publish(LinkState::Down { failure, at: Instant::now() });
                locator.distrust();
                backoff.next()
            }
        };
        locator.pause(pause).await;
    }
}

async fn connect(link: &Arc<Link>, locator: &mut Locator, epoch: u64) -> Result<Connections, Failure> {
    let config = locator.locate().map_err(Failure::unlocated)?;
    let link = Arc::downgrade(link);
    let on_closed = move || {
        if let Some(link) = link.upgrade() {
            link.lost(epoch, Failure::unreachable("the connection was closed"));
        }
    };
    let attempt = Connections::open(&config, epoch, &on_closed);
    let attempt = tokio::time::timeout(config.connect_timeout, attempt).await;
    let connected = attempt.unwrap_or_else(|_| Err(Failure::no_reply(config.connect_timeout)));
    connected.map_err(|failure| if locator.is_named() { failure.at(&config.address) } else { failure })
}

/// The end of connections.
enum HoldEnd {
    /// They were lost.
    Lost(Failure),
    /// Another server is to be used.
    Moved,
    /// Their link was closed.
    Closed,
}

/// Waits until the connections are lost. While they lead to a replica, which serves reads, this searches for the master
/// and replaces them by connections to it. A replica that sentinels name as the primary was replaced, and is left at once.
async fn hold(link: &Arc<Link>, locator: &mut Locator, epoch: &mut u64) -> HoldEnd {
    let mut held = *epoch;
    loop {
        let replica = async {
            link.until_replica().await;
            None
        };
        let moved = async {
            locator.until_moved().await;
            Some(HoldEnd::Moved)
        };
        match first(until_end(link, held), first(moved, replica)).await {
            Some(HoldEnd::Moved) => {
                link.lost(held, Failure::unreachable("redis has moved to another server"));
                return HoldEnd::Moved;
            }
            Some(end) => return end,
            None if locator.is_named() => {
                let failure = Failure::unreachable("the server has become a replica");
                link.lost(held, failure.clone());
                return HoldEnd::Lost(failure);
            }
            None => {}
        }
        *epoch += 1;
        if let Ok(connections) = connect(link, locator, *epoch).await
            && matches!(
                tokio::time::timeout(locator.config().connect_timeout, connections.is_replica()).await,
                Ok(false)
            )
            && link.epoch() == Some(held)
        {
            link.publish(LinkState::Up(Arc::new(connections)));
            held = *epoch;
        }
        let pause = async {
            tokio::time::sleep(SEARCH).await;
            None
        };
        if let Some(end) = first(until_end(link, held), pause).await {
            return end;
        }
    }
}

/// Waits until the connections of that epoch are lost.
async fn until_end(link: &Link, epoch: u64) -> Option<HoldEnd> {
    Some(link.until_lost(epoch).await.map_or(HoldEnd::Closed, HoldEnd::Lost))
}

/// Waits for the first of two futures.
pub(crate) async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Pending => other.as_mut().poll(context),
        ready @ Poll::Ready(_) => ready,
    })
    .await
}

async fn try_drivers() {
    tokio::time::sleep(Duration::from_nanos(1)).await;
    drop(tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await);
}
