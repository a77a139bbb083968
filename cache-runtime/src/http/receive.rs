//! Receiving the response of the service, and making it ready to be stored.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header, response};
use http_body::Body;

use crate::engine::judge::Refused;
use crate::rt::random::random_stamp;
use crate::types::expire::Expire;

use super::body::CacheBody;
use super::body_error::BodyError;
use super::cached::{CachedResponse, StoredResponse, VaryIndex};
use super::collect::{CollectedBody, collect};
use super::exchange::{Exchange, ExchangeRules, INDEX_TTL, ServiceFuture, lock};
use super::find::remove;
use super::key::ResponseKey;
use super::normalize::{normalized, with_own_expiry};
use super::outcome::ExchangeOutcome;
use super::rfc::revalidation::{applies, merge};
use super::rfc::storable::Refusal;
use super::rfc::vary;
use super::storability::{Storable, body_refusal, directives, length_of, storability};
use super::waiters::BodyWaiters;

impl<B, E> Exchange<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
{
    /// Makes the outcome of the service's response. `known` is a stale response.
    pub(super) async fn receive(
        &self,
        response: ServiceFuture<B, E>,
        known: Option<CachedResponse>,
        key: &ResponseKey,
    ) -> ExchangeOutcome<B, E> {
        let clock = &self.rules.cache.clock;
        let requested_ms = clock.now_ms();
        let (mut parts, body) = match response.await {
            Ok(response) => response.into_parts(),
            Err(error) => return ExchangeOutcome::Failed(Err(error)),
        };
        let span = (requested_ms, clock.now_ms());
        self.set_extensions(&parts.extensions);
        let known = known.as_ref().and_then(CachedResponse::as_response);
        if self.options().obey_origin
            && parts.status == StatusCode::NOT_MODIFIED
            && let Some(known) = known
        {
            return self.revalidated(known, &parts.headers, span, key).await;
        }
        // Caches further on distinguish the responses as well.
        vary::add(&mut parts.headers, &self.options().vary);
        if parts.status.is_server_error() && self.is_failure(known, span.1) {
            self.refuse(Refusal::Status);
            return ExchangeOutcome::Failed(Ok(service_response(parts, body)));
        }
        let verdict = self.storability(&parts, span);
        let verdict =
            verdict.and_then(|storable| self.fits(&parts.headers, body.size_hint().lower(), storable));
        match verdict {
            Ok(storable) if key.index().is_none_or(|index| index.selectors.cover(&storable.selectors)) => {
                self.collected(parts, body, storable, key).await
            }
            Ok(storable) => {
                // Responses differ by other parts of the request as well, so the index has to name them.
                self.refuse(Refusal::VaryAny);
                widen(key, &storable).await;
                ExchangeOutcome::Uncached(Ok(service_response(parts, body)))
            }
            Err(refusal) => {
                self.count_refusal(refusal, &parts, key);
                self.refused(refusal, parts.status, known.is_some(), key).await;
                ExchangeOutcome::Uncached(Ok(service_response(parts, body)))
            }
        }
    }

    /// Removes the entry that a response replaces which is not stored itself.
    async fn refused(&self, refusal: Refusal, status: StatusCode, has_known: bool, key: &ResponseKey) {
        self.refuse(refusal);
        let replaces = has_known || self.freshness.is_refresh;
        let is_of_one = refusal.is_of_one_client();
        if self.freshness.is_storable && !status.is_server_error() && !is_of_one && replaces {
            remove(key).await;
        }
    }

    /// Collects the body of a response that can be stored.
    async fn collected(
        &self,
        parts: response::Parts,
        body: B,
        storable: Storable,
        key: &ResponseKey,
    ) -> ExchangeOutcome<B, E> {
        let Storable { times, selectors } = storable;
        let size = body.size_hint();
        let mut waiters = BodyWaiters { exchange: self, key, parts: &parts, times: &times, size };
        let limits = (self.options().max_body, length_of(&parts.headers));
        let body = match collect(body, limits, &self.rules.cache.body_budget, &mut waiters).await {
            CollectedBody::Whole(body, memory) => {
                if let Some(op) = key.first().op() {
                    op.core.sent_bodies.note(op.key.as_str(), body.len());
                }
                *lock(&self.memory) = Some(memory);
                body
            }
            CollectedBody::Begun(body) => {
                self.count_refusal(Refusal::Length, &parts, key);
                self.refuse(Refusal::Length);
                return ExchangeOutcome::Uncached(Ok(Response::from_parts(parts, body)));
            }
            CollectedBody::Delivered => return ExchangeOutcome::Delivered,
        };
        let response = normalized(parts, body, times, self.options());
        // Without an operation the cache is closed, and stores nothing.
        let judgement = key.op().map_or(Ok(None), |op| op.judge(&response, &*self.rules.values));
        let response = match judgement {
            Ok(expire) => with_own_expiry(response, expire, self.options()),
            // The origin decides.
            Err(Refused::ExpireWith) if self.options().obey_origin => response,
            Err(reason) => {
                self.refuse(match reason {
                    Refused::Unless => Refusal::Unless,
                    Refused::ExpireWith => Refusal::ExpireWith,
                    Refused::Panic => Refusal::Panic,
                });
                let response = self.admit(response.clone()).unwrap_or(response);
                let mut response = uncached(&response);
                *response.extensions_mut() = self.take_extensions();
                return ExchangeOutcome::Uncached(Ok(response));
            }
        };
        self.note_host();
        self.count_stored(key, key.index().map_or(&selectors, |index| &index.selectors));
        if selectors.is_empty() || key.index().is_some() {
            return ExchangeOutcome::Cached(response);
        }
        let stamp = lock(&self.index_stamp).unwrap_or_else(random_stamp);
        let index = VaryIndex { stamp, selectors };
        self.relocate(response, &index, key);
        ExchangeOutcome::Cached(CachedResponse::index(index))
    }

    /// The outcome of a 304 from the service about a stale response (RFC 9111 section 4.3.4).
    async fn revalidated(
        &self,
        known: &StoredResponse,
        fresh: &HeaderMap,
        span: (u64, u64),
        key: &ResponseKey,
    ) -> ExchangeOutcome<B, E> {
        let mut headers = known.headers.clone();
        if applies(&known.headers, fresh) {
            merge(&mut headers, fresh);
        }
        vary::add(&mut headers, &self.options().vary);
        let mut parts = Response::new(()).into_parts().0;
        parts.status = known.status;
        // The age counts from the 304.
        headers.remove(header::AGE);
        fresh.get(header::AGE).inspect(|age| drop(headers.try_insert(header::AGE, (*age).clone())));
        parts.headers = headers;
        match self.storability(&parts, span) {
            // The 304 may name other headers in `Vary` than those of the key.
            Ok(storable)
                if key.index().map_or(storable.selectors.is_empty(), |index| {
                    index.selectors.cover(&storable.selectors)
                }) =>
            {
                let response = normalized(parts, known.body.clone(), storable.times, self.options());
                ExchangeOutcome::Cached(response)
            }
            verdict => {
                let refusal = verdict.err().unwrap_or(Refusal::VaryAny);
                self.refuse(refusal);
                // The response to one client with credentials says nothing about the others'.
                if refusal != Refusal::Authorization {
                    remove(&key.first()).await;
                }
                let body = CacheBody::whole(known.body.clone());
                ExchangeOutcome::Uncached(Ok(Response::from_parts(parts, body)))
            }
        }
    }

    /// Decides whether a response is stored.
    fn storability(&self, parts: &response::Parts, span: (u64, u64)) -> Result<Storable, Refusal> {
        let ExchangeRules { cache, options, declared, .. } = &self.rules;
        storability(&self.request, (options, &cache.credentials), declared, parts, span)
    }

    /// Returns whether a server error is a failure, for which a stale response may be served. An origin must have allowed
    /// that in the stale response (RFC 5861 section 4).
    fn is_failure(&self, known: Option<&StoredResponse>, now_ms: u64) -> bool {
        if !self.options().obey_origin {
            return true;
        }
        known.is_some_and(|known| {
            let late = known.times.time_in_cache(now_ms).saturating_sub(known.times.fresh);
            directives(&known.headers, self.options()).stale_if_error.is_some_and(|window| late < window)
        })
    }

    /// Refuses responses that cannot be collected, and those that are not the one that others want.
    fn fits(&self, headers: &HeaderMap, least: u64, storable: Storable) -> Result<Storable, Refusal> {
        match body_refusal(headers, least, self.options()) {
            Some(Refusal::Length) | None if !self.freshness.is_storable => Err(Refusal::Method),
            Some(refusal) => Err(refusal),
            None => Ok(storable),
        }
    }
}

/// Replaces an index by one that names all parts of a request that responses differ by, which drops the responses under the old one.
/// A failure is counted.
async fn widen(key: &ResponseKey, storable: &Storable) {
    let first = key.first();
    if let (Some(op), Some(index)) = (first.op(), key.index()) {
        let selectors = index.selectors.with(&storable.selectors);
        let index = CachedResponse::index(VaryIndex { stamp: random_stamp(), selectors });
        let ttl = storable.times.whole().max(INDEX_TTL);
        drop(op.put_result(Some(&index), Expire::After(ttl)).await);
    }
}

fn service_response<B: Body>(parts: response::Parts, body: B) -> Response<CacheBody<B>> {
    Response::from_parts(parts, CacheBody::service(body))
}

/// A complete response for one client only.
fn uncached<B: Body>(response: &CachedResponse) -> Response<CacheBody<B>> {
    let mut uncached = Response::new(CacheBody::whole(response.body().clone()));
    *uncached.status_mut() = response.status();
    *uncached.headers_mut() = response.headers().clone();
    uncached
}
