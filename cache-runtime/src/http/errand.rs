//! Errand: one request on its way, and on what terms.

use std::marker::PhantomData;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Response;
use http_body::Body;
use tokio::sync::oneshot;

use crate::engine::core::Core;
use crate::engine::flight::Leader;
use crate::site::policy::Policy;
use crate::types::expire::Expire;

use super::body::CacheBody;
use super::cached::CachedResponse;
use super::judge::Declared;
use super::options::Options;
use super::request::{Asked, Demand};
use super::rfc::storable::Refusal;
use super::spot::Spot;

/// One request on its way, with all that its steps share: a computation may outlive it.
pub(crate) struct Errand<B: Body, E, A, M> {
    pub(super) cache: Arc<Core>,
    pub(super) options: Arc<Options>,
    pub(super) asked: Asked,
    pub(super) demand: Demand,
    pub(super) declared: Declared,
    /// What looks at responses: `unless` and `expire_with`.
    pub(super) answers: A,
    /// The service, until it is asked.
    pub(super) work: Mutex<Option<M>>,
    /// Where a response goes whose body is still to come.
    pub(super) client: Mutex<Option<oneshot::Sender<Response<CacheBody<B>>>>>,
    /// A response that is to be kept under another key than the one that was asked for.
    pub(super) aside: Mutex<Option<Aside>>,
    /// Whether the service was asked for this request, and not for another one that it waited for.
    pub(super) has_asked: AtomicBool,
    /// Whether there was an old response when it was asked.
    pub(super) had_known: AtomicBool,
    /// Why the response is not kept.
    pub(super) refusal: Mutex<Option<Refusal>>,
    pub(super) error: PhantomData<fn() -> E>,
}

/// On what terms responses are kept.
pub(crate) struct Terms<'t, A> {
    pub(crate) cache: &'t Arc<Core>,
    pub(crate) options: &'t Arc<Options>,
    pub(crate) expire: Expire,
    pub(crate) policy: Policy,
    pub(crate) answers: A,
}

/// An errand, and where a response comes from whose body is not complete.
pub(crate) type Sent<B, E, A, M> = (Arc<Errand<B, E, A, M>>, oneshot::Receiver<Response<CacheBody<B>>>);

impl<A> Terms<'_, A> {
    /// A request goes on its way; `work` is the service.
    pub(crate) fn errand<B: Body, E, M>(self, asked: Asked, demand: Demand, work: M) -> Sent<B, E, A, M> {
        let Self { cache, options, expire, policy, answers } = self;
        let (client, receiver) = oneshot::channel();
        let chance = if policy.jitter == 0 { 0 } else { crate::rt::random::chance() };
        let errand = Errand {
            cache: Arc::clone(cache),
            options: Arc::clone(options),
            asked,
            demand,
            declared: Declared { expire, policy, chance },
            answers,
            work: Mutex::new(Some(work)),
            client: Mutex::new(Some(client)),
            aside: Mutex::new(None),
            has_asked: AtomicBool::new(false),
            had_known: AtomicBool::new(false),
            refusal: Mutex::new(None),
            error: PhantomData,
        };
        (Arc::new(errand), receiver)
    }
}

/// A response, the key it is to have, and the right to hand it to those who wait for it there.
pub(super) struct Aside {
    pub(super) response: CachedResponse,
    pub(super) spot: Spot,
    pub(super) leader: Option<Leader>,
}

impl Aside {
    /// How long what is kept there can be used at the most.
    pub(super) fn life(&self) -> Duration {
        self.response.as_page().map_or(Duration::ZERO, |page| page.times.whole())
    }
}

impl<B: Body, E, A, M> Errand<B, E, A, M> {
    /// The service, for the one who asks it.
    pub(super) fn take(&self) -> Option<M> {
        lock(&self.work).take()
    }

    pub(super) fn client(&self) -> Option<oneshot::Sender<Response<CacheBody<B>>>> {
        lock(&self.client).take()
    }

    pub(super) fn refuse(&self, refusal: Refusal) {
        *lock(&self.refusal) = Some(refusal);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
