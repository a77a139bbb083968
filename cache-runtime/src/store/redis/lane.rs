//! Where connections live: one link for each runtime that calls.
//!
//! A connection whose driver runs on another runtime costs two thread switches per command, which was measured at 40 %
//! of the throughput; on the caller's runtime it costs nothing. But a connection dies with its runtime, and test suites
//! end one per test. So each runtime has a link of its own, forgotten when the runtime drops its supervisor, and
//! callers without a runtime, or with one that cannot be used, go to larder's own.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::Value;
use tokio::runtime::{Handle, Id};

use crate::rt::io;
use crate::rt::park;
use crate::types::error::Error;

use super::config::RedisConfig;
use super::desk::{Desks, Way};
use super::failure::Failure;
use super::health::{Health, Status};
use super::link::{Link, State, send};
use super::request::Job;
use super::supervise::{Farewell, supervise};

/// The links of one tier.
pub(super) struct Lanes {
    config: Arc<RedisConfig>,
    health: Arc<Health>,
    links: RwLock<Vec<(Id, Arc<Link>)>>,
    desks: Desks,
}

impl Lanes {
    /// No links yet; each is made at its first use.
    pub(super) fn new(config: RedisConfig) -> Arc<Self> {
        let health = Arc::new(Health::new(Arc::clone(&config.on_change)));
        Arc::new(Self { config: Arc::new(config), health, links: RwLock::default(), desks: Desks::default() })
    }

    /// The settings of the tier.
    pub(super) fn config(&self) -> &Arc<RedisConfig> {
        &self.config
    }

    /// What is known over all links.
    pub(super) fn status(&self) -> Status {
        self.health.status()
    }

    /// Carries out a job on the link of the caller's runtime, or else on larder's own.
    pub(super) async fn call(self: &Arc<Self>, mut job: Job) -> Result<Value, Error> {
        let runtime = runtime();
        let Some(begun) = runtime.and_then(|runtime| self.desks.begin(runtime, &mut job)) else {
            // Boxed, as all that is not the way of most calls: they would have room for it.
            return Box::pin(self.detour(runtime, Box::new(job))).await;
        };
        let answer = match begun.way {
            Way::Alone(mut conn) => Some(send(&mut conn, &job).await),
            Way::Together(answer) => answer.await.ok(),
        };
        if let Some(Ok(Ok(value))) = answer {
            self.desks.answered(begun.runtime);
            return Ok(value);
        }
        let link = find(&self.links.read().unwrap_or_else(PoisonError::into_inner), begun.runtime);
        match (link, answer) {
            (Some(link), Some(answer)) => link.judge(answer, begun.epoch, &job),
            (None, _) | (_, None) => Err(Error::unavailable("the runtime of the connection has ended")),
        }
    }

    /// [`Lanes::call`] where no desk knows the way.
    async fn detour(self: &Arc<Self>, runtime: Option<Id>, job: Box<Job>) -> Result<Value, Error> {
        let job = match self.here() {
            Some(link) => match link.perform(job).await {
                Ok(answer) => {
                    if let Some(runtime) = runtime {
                        self.desks.put(runtime, &link);
                    }
                    return answer;
                }
                Err(job) => job,
            },
            None => job,
        };
        let own = io::handle()?;
        let link = self.link(own);
        // The task does all the waiting, so that the caller needs no timers and may be a parked thread.
        match own.spawn(async move { link.perform(job).await }).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(Error::unavailable("larder's own runtime has no connection")),
        }
    }

    /// Gives the connections of the caller up, because an answer had a form that its question cannot have. If an answer
    /// too many came, all that follow are to other questions, and while somebody waits for one at every moment that does
    /// not end by itself.
    pub(super) fn distrust(self: &Arc<Self>) {
        let up = |link: Arc<Link>| link.epoch().map(|epoch| (link, epoch));
        let own = || io::handle().ok().map(|own| self.link(own)).and_then(up);
        if let Some((link, epoch)) = self.here().and_then(up).or_else(own) {
            link.lost(epoch, Failure::unreachable("an answer was to another question"));
        }
    }

    /// How the first attempt for the caller went.
    pub(super) async fn first_attempt(self: &Arc<Self>, limit: Duration) -> Result<State, Error> {
        if let Some(link) = self.here() {
            let state = link.settled(limit).await;
            if !matches!(state, State::Bare | State::Dead) {
                return Ok(state);
            }
        }
        Ok(self.link(io::handle()?).settled(limit).await)
    }

    /// A connection of the caller's runtime that is up.
    #[cfg(feature = "axum")]
    pub(super) async fn connection(
        self: &Arc<Self>,
        limit: Duration,
    ) -> Option<redis::aio::MultiplexedConnection> {
        let link = self.here()?;
        link.settled(limit).await;
        link.pick(crate::rt::stripe::index()).map(|(connection, _)| connection)
    }

    /// How many links there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.links.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Forgets a link whose supervisor is gone.
    pub(super) fn forget(&self, link: &Arc<Link>) {
        self.desks.forget(link);
        self.links
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(_, other)| !Arc::ptr_eq(link, other));
    }

    /// The link of the runtime that drives this future.
    fn here(self: &Arc<Self>) -> Option<Arc<Link>> {
        if park::is_parked() {
            return None;
        }
        Handle::try_current().ok().map(|handle| self.link(&handle))
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
        // Not under the lock: a runtime that is ending drops the task here and now, and the farewell takes it.
        let farewell = Farewell { link: Arc::clone(&link), lanes: Arc::downgrade(self) };
        let task = handle.spawn(supervise(farewell, Arc::clone(&self.config), Arc::clone(&self.health)));
        link.supervised_by(task.abort_handle());
        link
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        for (_, link) in self.links.get_mut().unwrap_or_else(PoisonError::into_inner) {
            link.close();
        }
    }
}

fn find(links: &[(Id, Arc<Link>)], id: Id) -> Option<Arc<Link>> {
    links.iter().find(|(other, link)| *other == id && !link.is_dead()).map(|(_, link)| Arc::clone(link))
}

/// The runtime that drives this future. A parked thread may belong to a runtime, but keeps it from driving anything.
fn runtime() -> Option<Id> {
    if park::is_parked() {
        return None;
    }
    Handle::try_current().ok().map(|handle| handle.id())
}
