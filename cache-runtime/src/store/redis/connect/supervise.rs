//! The supervisor of a link: a task that keeps it connected.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::availability::Availability;
use super::backoff::Backoff;
use super::connections::Connections;
use super::eviction::check_eviction;
use super::failure::Failure;
use super::link::{Link, LinkState};
use crate::rt::first::first;
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
pub(super) async fn supervise(guard: SupervisorGuard, config: Arc<RedisConfig>, health: Arc<Availability>) {
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
                if health.take_new() {
                    tokio::spawn(check_eviction(connections.pick(0), Arc::clone(locator.located())));
                }
                let up = LinkState::Up(Arc::new(connections));
                if !locator.use_if_current(|| link.publish(up)) {
                    continue;
                }
                health.connected();
                let since = Instant::now();
                // A link that was closed is not lost.
                let Some(failure) = hold(link, &mut locator, &mut epoch).await else { return };
                if locator.has_moved() {
                    continue;
                }
                health.lost(&failure);
                locator.distrust();
                backoff.after(since.elapsed())
            }
            // The failure is about a server that is not used any more.
            Err(_) if locator.has_moved() => continue,
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
    let attempt = locator.attempt(tokio::time::timeout(config.connect_timeout, attempt)).await;
    let connected = match attempt {
        Some(Ok(connected)) => connected,
        Some(Err(_)) => Err(Failure::no_reply(config.connect_timeout)),
        None => Err(Failure::moved()),
    };
    connected.map_err(|failure| if locator.is_named() { failure.at(&config.address) } else { failure })
}

/// Waits until the connections are lost. While they lead to a replica, which serves reads, this searches for the master
/// and replaces them by connections to it. A replica that sentinels named as the primary is left at once. `None` if the link
/// was closed.
async fn hold(link: &Arc<Link>, locator: &mut Locator, epoch: &mut u64) -> Option<Failure> {
    let mut held = *epoch;
    loop {
        if let HoldEvent::Lost(failure) = before_loss(link, held, link.until_replica()).await {
            return failure;
        }
        if locator.is_named() {
            let failure = Failure::unreachable("the server has become a replica");
            link.lost(held, failure.clone());
            return Some(failure);
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
    let lost = async { HoldEvent::Lost(link.until_lost(epoch).await) };
    let other = async {
        event.await;
        HoldEvent::Other
    };
    first(lost, other).await
}

async fn try_drivers() {
    tokio::time::sleep(Duration::from_nanos(1)).await;
    drop(tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await);
}
