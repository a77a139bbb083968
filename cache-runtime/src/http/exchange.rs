//! An exchange: one request on its way through the cache.

use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use foldhash::fast::FixedState;
use http::{Extensions, Response, StatusCode};
use http_body::Body;
use tokio::sync::oneshot;

use crate::engine::core::Core;
use crate::engine::flight::Leader;
use crate::site::body::RunMode;
use crate::site::rules::{ValueExpiry, ValueRules};
use crate::types::expire::Expire;
use crate::types::stamp::Stamp;

use super::body::CacheBody;
use super::cached::{CachedResponse, Stored, VaryIndex};
use super::collect::BodyMemory;
use super::key::{KeyVariant, ResponseKey};
use super::options::ResponseOptions;
use super::request::{CacheRequest, Freshness};
use super::rfc::cache_status::{CacheStatus, ForwardReason};
use super::rfc::storable::Refusal;
use super::status_headers::{CacheResult, StatusHeaders};
use super::storability::DeclaredExpiry;

/// The shortest TTL of an index, which is small.
pub(super) const INDEX_TTL: Duration = Duration::from_secs(86_400);

/// The call of the service behind the cache, made at most once. A stale response may be passed to it for revalidation.
pub(crate) type ServiceCall<B, E> =
    Box<dyn FnOnce(RunMode, Option<&CachedResponse>) -> ServiceFuture<B, E> + Send>;

/// The future of a [`ServiceCall`].
pub(crate) type ServiceFuture<B, E> = Pin<Box<dyn Future<Output = Result<Response<B>, E>> + Send>>;

/// The rules by which responses are stored.
pub(crate) struct ExchangeRules {
    pub(crate) cache: Arc<Core>,
    pub(crate) options: Arc<ResponseOptions>,
    pub(crate) declared: DeclaredExpiry,
    /// `unless` and `expire_with`.
    pub(crate) values: Box<dyn ValueRules<CachedResponse> + Send + Sync>,
    /// The service may be called in the background.
    pub(crate) can_detach: bool,
    /// The host that is part of the key, if it is.
    pub(crate) host: Option<Box<str>>,
}

/// One request on its way through the cache: the state that its steps share. A computation may outlive it.
pub(super) struct Exchange<B: Body, E> {
    pub(super) rules: ExchangeRules,
    pub(super) request: CacheRequest,
    pub(super) freshness: Freshness,
    /// The service, until it is called.
    service: Mutex<Option<ServiceCall<B, E>>>,
    /// Takes a response whose body is still being collected.
    client: Mutex<Option<oneshot::Sender<Response<CacheBody<B>>>>>,
    /// The extensions of the service's response, for the client whose request this is.
    extensions: Mutex<Extensions>,
    /// The memory of a body that was collected.
    pub(super) memory: Mutex<Option<BodyMemory>>,
    /// The body of a stale response that may be served, for which there is room.
    pub(super) known_body: Mutex<Option<Bytes>>,
    /// A response that belongs under another key than the one that was looked up.
    pub(super) relocated: Mutex<Option<Relocated>>,
    /// The stamp of a new index, which requests for other variants share.
    pub(super) index_stamp: Mutex<Option<Stamp>>,
    /// The service was called by this exchange.
    pub(super) has_called: AtomicBool,
    /// The response is for its client only, although it may be stored.
    pub(super) is_alone: AtomicBool,
    /// A stale response was there when the service was called.
    pub(super) had_known: AtomicBool,
    /// The reason why the service is called.
    reason: Mutex<ForwardReason>,
    /// The reason why the response is not stored.
    refusal: Mutex<Option<Refusal>>,
}

/// A response, its key, and the right to pass it to those who wait for it there.
pub(super) struct Relocated {
    pub(super) response: CachedResponse,
    pub(super) key: ResponseKey,
    pub(super) leader: Option<Leader>,
}

impl<B: Body, E> Exchange<B, E> {
    /// An exchange, and the receiver of a response whose body is still being collected.
    pub(super) fn new(
        rules: ExchangeRules,
        request: CacheRequest,
        freshness: Freshness,
        service: ServiceCall<B, E>,
    ) -> (Arc<Self>, oneshot::Receiver<Response<CacheBody<B>>>) {
        let (client, receiver) = oneshot::channel();
        let exchange = Self {
            rules,
            request,
            freshness,
            service: Mutex::new(Some(service)),
            client: Mutex::new(Some(client)),
            extensions: Mutex::default(),
            memory: Mutex::new(None),
            known_body: Mutex::new(None),
            relocated: Mutex::new(None),
            index_stamp: Mutex::new(None),
            has_called: AtomicBool::new(false),
            is_alone: AtomicBool::new(false),
            had_known: AtomicBool::new(false),
            reason: Mutex::new(ForwardReason::UriMiss),
            refusal: Mutex::new(None),
        };
        (Arc::new(exchange), receiver)
    }

    pub(super) fn options(&self) -> &ResponseOptions {
        &self.rules.options
    }

    /// Takes the service, for the one step that calls it.
    pub(super) fn take_service(&self) -> Option<ServiceCall<B, E>> {
        lock(&self.service).take()
    }

    /// Keeps the extensions of the service's response, which are not stored.
    pub(super) fn set_extensions(&self, extensions: &Extensions) {
        lock(&self.extensions).clone_from(extensions);
    }

    /// Takes the extensions of the service's response.
    pub(super) fn take_extensions(&self) -> Extensions {
        std::mem::take(&mut *lock(&self.extensions))
    }

    /// Returns whether the service was not called yet.
    pub(super) fn has_service(&self) -> bool {
        lock(&self.service).is_some()
    }

    /// Takes the sender to the client.
    pub(super) fn take_client(&self) -> Option<oneshot::Sender<Response<CacheBody<B>>>> {
        lock(&self.client).take()
    }

    /// Returns whether a response under this key may be the one for this request: under the first key there can only be an
    /// index where responses differ by declared headers.
    pub(super) fn is_selected(&self, key: &ResponseKey) -> bool {
        key.index().is_some() || !self.options().varies()
    }

    /// The variant of an index for this request.
    pub(super) fn variant(&self, index: &VaryIndex) -> KeyVariant {
        KeyVariant::of(index, &self.request, &self.rules.cache.credentials, self.options())
    }

    /// A hash of the variant that this request wants by the declared selectors; 0 if none are declared.
    pub(super) fn lane(&self) -> u64 {
        if !self.options().varies() {
            return 0;
        }
        let selectors = self.options().selectors(Box::default(), &self.rules.cache.credentials);
        let variant = self.variant(&VaryIndex { stamp: [0; 16], selectors });
        FixedState::default().hash_one(variant.suffix) | 1
    }

    /// Notes that there are responses for the host.
    pub(super) fn note_host(&self) {
        self.rules.host.iter().for_each(|host| self.rules.cache.known_hosts.note(host));
    }

    /// Notes why the service is called.
    pub(super) fn note(&self, reason: ForwardReason) {
        *lock(&self.reason) = reason;
    }

    /// The way of a request to the service, whose response has this status.
    pub(super) fn forwarded(&self, status: StatusCode, stored: bool) -> CacheStatus {
        let had_known = self.had_known.load(Relaxed);
        let reason = if had_known { ForwardReason::Stale } else { *lock(&self.reason) };
        let detail = self.refusal().map(Refusal::as_str);
        CacheStatus { stored, detail, ..CacheStatus::forwarded(reason, status) }
    }

    /// Notes why the response is not stored.
    pub(super) fn refuse(&self, refusal: Refusal) {
        *lock(&self.refusal) = Some(refusal);
    }

    pub(super) fn refusal(&self) -> Option<Refusal> {
        *lock(&self.refusal)
    }

    pub(super) fn status_headers(
        &self,
        result: CacheResult,
        status: Option<CacheStatus>,
    ) -> StatusHeaders<'_> {
        let status = status.filter(|_| self.options().adds_cache_status);
        StatusHeaders { result, field: &self.rules.cache.status_field, status }
    }
}

impl<B: Body, E> ValueRules<CachedResponse> for Exchange<B, E> {
    /// `unless` was asked before.
    fn refuses(&self, _: &CachedResponse) -> bool {
        false
    }

    fn expiry(&self, response: &CachedResponse) -> ValueExpiry {
        let now_ms = self.rules.cache.clock.now_ms();
        Some(Ok(Expire::After(match response.stored() {
            // Counted from the arrival of the head: the body may have taken long.
            Stored::Response(stored) => stored.times.fresh.saturating_sub(stored.times.time_in_cache(now_ms)),
            Stored::Index(_) => {
                let relocated = lock(&self.relocated);
                let stored = relocated.as_ref().and_then(|relocated| relocated.response.as_response());
                stored.map_or(INDEX_TTL, |stored| stored.times.whole().max(INDEX_TTL))
            }
        })))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
