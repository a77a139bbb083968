//! The links of one node, one for each runtime that calls.
//!
//! A connection whose driver runs on another runtime costs two thread switches per command, measured as 40 % of the
//! throughput; on the caller's runtime it costs nothing. But a connection ends with its runtime, and test suites end one
//! per test. So each runtime has a link of its own, removed when the runtime drops its supervisor. Synchronous callers
//! outside tokio share a link on a runtime that they drive, and all others one on larder's own runtime.

#[cfg(feature = "sentinel")]
use std::sync::Weak;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use redis::Value;
use tokio::runtime::{Handle, Id};

use super::availability::Availability;
use super::confirm::ConfirmQueue;
#[cfg(feature = "axum")]
use super::connection::Connection;
use super::failure::Failure;
use super::fast_path::FastPath;
use super::link::{Link, LinkState};
use super::places::{CommandPlace, Places};
use super::request::Request;
use super::supervise::{SupervisorGuard, supervise};
use crate::rt::io;
use crate::rt::park::{self, Caller};
use crate::store::redis::config::RedisConfig;
use crate::store::settings::Confirm;
use crate::types::breaker::Breaker;
use crate::types::error::Error;

/// The links of one node.
pub(super) struct RuntimePool {
    config: Arc<RedisConfig>,
    health: Arc<Availability>,
    links: RwLock<Vec<(Id, Arc<Link>)>>,
    fast_path: FastPath,
    places: Places,
    /// The connection for invalidations that replicas are to acknowledge, made at the first of them.
    confirm: OnceLock<ConfirmQueue>,
}

impl RuntimePool {
    /// Returns a pool without links, each of which is made at its first use. At most `places` commands of each stripe of threads
    /// are in flight.
    pub(super) fn new(config: Arc<RedisConfig>, health: Arc<Availability>, places: usize) -> Arc<Self> {
        let (links, fast_path) = (RwLock::default(), FastPath::default());
        let (places, confirm) = (Places::new(places), OnceLock::new());
        Arc::new(Self { config, health, links, fast_path, places, confirm })
    }

    /// Sends a request over the link of the caller's runtime, or else over larder's own.
    pub(super) async fn send(self: &Arc<Self>, request: &mut Request) -> Result<Value, Error> {
        let runtime = match park::caller() {
            Caller::Driven(handle) => {
                return park::inside(handle, Box::pin(self.send_from(Some(handle.id()), request))).await;
            }
            Caller::Runtime(handle) => handle.map(|handle| handle.id()),
            Caller::Parked => None,
        };
        self.send_from(runtime, request).await
    }

    async fn send_from(self: &Arc<Self>, runtime: Option<Id>, request: &mut Request) -> Result<Value, Error> {
        if request.is_confirmed
            && let Some(confirm) = self.config.confirm
        {
            return Box::pin(self.send_confirmed(request, confirm)).await;
        }
        let _place = match self.places.take() {
            Some(place) => place,
            None => {
                let place = Box::pin(self.wait_for_place(runtime, request)).await?;
                request.placed();
                place
            }
        };
        let Some(mut current) = runtime.and_then(|runtime| self.fast_path.get(runtime)) else {
            // Boxed, so that the future of most calls does not reserve space for this.
            return Box::pin(self.send_slow(runtime, request)).await;
        };
        request.is_sent = true;
        let reply = current.connection.send(&request.command, request.began, request.limit).await;
        if let Ok(Ok(value)) = reply {
            self.fast_path.answered(current.runtime);
            return Ok(value);
        }
        match find(&self.links.read().unwrap_or_else(PoisonError::into_inner), current.runtime) {
            Some(link) => link.handle_reply(reply, current.epoch, request),
            None => Err(Error::unavailable("the runtime of the connection has ended")),
        }
    }

    /// Sends a request whose command replicas are to acknowledge.
    async fn send_confirmed(&self, request: &mut Request, confirm: Confirm) -> Result<Value, Error> {
        // Its own connection would be waited for in vain.
        if self.health.breaker() == Breaker::Open {
            return Err(Error::unavailable(self.health.status().last_error.unwrap_or_default()));
        }
        let queue = match self.confirm.get() {
            Some(queue) => queue,
            None => {
                let queue = ConfirmQueue::start(Arc::clone(&self.config), confirm)?;
                self.confirm.get_or_init(|| queue)
            }
        };
        request.is_sent = true;
        queue.send(request.copy()).await
    }

    /// Waits for a place among the commands in flight, for as long as the request may take.
    async fn wait_for_place(
        &self,
        runtime: Option<Id>,
        request: &Request,
    ) -> Result<CommandPlace<'_>, Error> {
        let wait = self.places.wait(request.is_read).ok_or_else(|| request.shed())?;
        let place = if runtime.is_some_and(|runtime| self.fast_path.has(runtime)) {
            tokio::time::timeout(request.left(), wait).await.ok()
        } else {
            io::timeout(request.left(), wait).await
        };
        // On a busy runtime the place may come late: what was begun is finished, and no read is begun.
        place.filter(|_| !request.is_read || !request.left().is_zero()).ok_or_else(|| request.shed())
    }

    /// Sends a request when the fast path has no connection for the caller.
    async fn send_slow(self: &Arc<Self>, runtime: Option<Id>, request: &mut Request) -> Result<Value, Error> {
        if let Some(link) = self.current_link()
            && let Some(result) = link.send(request).await
        {
            if let Some(runtime) = runtime {
                self.fast_path.insert(runtime, &link);
            }
            return result;
        }
        let own = io::handle()?;
        let link = self.link(own);
        let mut moved = Box::new(request.take());
        // The task does all the waiting: the caller needs no timers and may be a parked thread.
        let sent = own.spawn(async move { (link.send(&mut moved).await, moved) }).await;
        let result = sent.ok().and_then(|(result, moved)| {
            *request = *moved;
            result
        });
        result.unwrap_or_else(|| Err(Error::unavailable("larder's own runtime has no connection")))
    }

    /// Replaces the connections of the caller.
    pub(super) fn reset_connections(self: &Arc<Self>) {
        let up = |link: Arc<Link>| link.epoch().map(|epoch| (link, epoch));
        let own = || io::handle().ok().map(|own| self.link(own)).and_then(up);
        if let Some((link, epoch)) = self.current_link().and_then(up).or_else(own) {
            link.lost(epoch, Failure::unreachable("a reply belonged to another command"));
        }
    }

    /// Returns the result of the first attempt to connect for the caller.
    pub(super) async fn first_attempt(self: &Arc<Self>, limit: Duration) -> Result<LinkState, Error> {
        if let Some(link) = self.current_link() {
            let state = link.settled_where_named(limit).await;
            if !matches!(state, LinkState::NoDrivers | LinkState::Closed) {
                return Ok(state);
            }
        }
        Ok(self.link(io::handle()?).settled_where_named(limit).await)
    }

    /// Returns a connection of the caller's runtime that is up.
    #[cfg(feature = "axum")]
    pub(super) async fn connection(self: &Arc<Self>, limit: Duration) -> Option<Connection> {
        let link = self.current_link()?;
        link.settled(limit).await;
        link.pick(crate::rt::stripe::index()).map(|(connection, _)| connection)
    }

    /// Returns the number of links.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.links.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns the link of the runtime that drives this future.
    fn current_link(self: &Arc<Self>) -> Option<Arc<Link>> {
        match park::caller() {
            Caller::Driven(handle) => Some(self.link(handle)),
            Caller::Runtime(handle) => handle.map(|handle| self.link(&handle)),
            Caller::Parked => None,
        }
    }

    fn link(self: &Arc<Self>, handle: &Handle) -> Arc<Link> {
        let id = handle.id();
        let links = self.links.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = find(&links, id) {
            return link;
        }
        drop(links);
        self.open(handle, id)
    }

    #[cold]
    fn open(self: &Arc<Self>, handle: &Handle, id: Id) -> Arc<Link> {
        let link = {
            let mut links = self.links.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(link) = find(&links, id) {
                return link;
            }
            let link = Link::new(self.config.connect_timeout);
            links.retain(|(other, _)| *other != id);
            links.push((id, Arc::clone(&link)));
            link
        };
        #[cfg(feature = "sentinel")]
        if let Some(primary) = &self.config.primary {
            let link: Weak<Link> = Arc::downgrade(&link);
            primary.notify(link);
        }
        let (pool, ended) = (Arc::downgrade(self), Arc::clone(&link));
        let guard = SupervisorGuard::new(Arc::clone(&link), move || {
            if let Some(pool) = pool.upgrade() {
                pool.remove(&ended);
            }
        });
        // Not under the lock: a runtime that is ending drops the task at once, and the guard takes the lock.
        let task = handle.spawn(supervise(guard, Arc::clone(&self.config), Arc::clone(&self.health)));
        link.supervised_by(task.abort_handle());
        link
    }

    /// Removes a link whose supervisor has ended.
    fn remove(&self, link: &Arc<Link>) {
        self.fast_path.remove(link);
        self.links
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(_, other)| !Arc::ptr_eq(link, other));
    }
}

impl Drop for RuntimePool {
    fn drop(&mut self) {
        for (_, link) in self.links.get_mut().unwrap_or_else(PoisonError::into_inner) {
            link.close();
        }
    }
}

fn find(links: &[(Id, Arc<Link>)], id: Id) -> Option<Arc<Link>> {
    links.iter().find(|(other, link)| *other == id && !link.is_closed()).map(|(_, link)| Arc::clone(link))
}
