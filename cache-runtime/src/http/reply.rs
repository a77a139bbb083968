//! The reply of an exchange to its client.

use std::sync::atomic::Ordering::Relaxed;

use http::Response;
use http_body::Body;

use crate::site::body::RunMode;

use super::answer::answer;
use super::body::CacheBody;
use super::bypass_reason::BypassReason;
use super::exchange::{Exchange, lock};
use super::outcome::ExchangeOutcome;
use super::rfc::cache_status::{CacheStatus, Handling};
use super::status_headers::CacheResult;

impl<B: Body, E> Exchange<B, E> {
    /// Makes the reply for an outcome; `None` if the client has it already.
    pub(super) async fn reply(
        &self,
        outcome: ExchangeOutcome<B, E>,
    ) -> Option<Result<Response<CacheBody<B>>, E>> {
        let (found, result) = match outcome {
            ExchangeOutcome::Cached(found) if self.has_called.load(Relaxed) => (found, CacheResult::Miss),
            ExchangeOutcome::Cached(found) => (found, CacheResult::Hit),
            ExchangeOutcome::Stale(found) => (found, CacheResult::Stale),
            ExchangeOutcome::Uncached(response) | ExchangeOutcome::Failed(response) => {
                return Some(response.map(|response| self.uncached(response)));
            }
            ExchangeOutcome::Delivered => return None,
        };
        // Once the cache is closed, a relocated response is still here.
        let relocated = || lock(&self.relocated).take().map(|relocated| relocated.response);
        let found = if found.as_response().is_some() { found } else { relocated().unwrap_or(found) };
        let Some(found) = self.admit(found) else {
            let service = self.take_service()?;
            self.has_called.store(true, Relaxed);
            let response = service(RunMode::Inline, None).await;
            return Some(response.map(|response| self.without_room(response.map(CacheBody::service))));
        };
        let stored = found.as_response()?;
        let now_ms = self.rules.cache.clock.now_ms();
        let ttl = stored.times.ttl(now_ms);
        let status = match result {
            CacheResult::Hit | CacheResult::Stale => {
                self.options().no_hits.reset();
                self.note_host();
                let handling = if result == CacheResult::Hit { Handling::Hit } else { Handling::Stale };
                CacheStatus::hit(handling, ttl)
            }
            CacheResult::Miss | CacheResult::Bypass => {
                self.forwarded(stored.status, !self.is_alone.load(Relaxed))
            }
        };
        let status_headers = self.status_headers(result, Some(status));
        let request = (&self.request, self.options());
        let mut response = answer(found, &self.rules.cache, &status_headers, request, now_ms);
        if result == CacheResult::Miss {
            *response.extensions_mut() = self.take_extensions();
        }
        Some(Ok(response))
    }

    /// The service's response in place of a cached one for whose body there is no room.
    fn without_room(&self, mut response: Response<CacheBody<B>>) -> Response<CacheBody<B>> {
        self.options().pass_on(response.status(), response.headers_mut());
        let status = BypassReason::Memory.status(response.status());
        self.status_headers(CacheResult::Bypass, Some(status)).add(response.headers_mut());
        response
    }

    fn uncached(&self, mut response: Response<CacheBody<B>>) -> Response<CacheBody<B>> {
        if !self.has_called.load(Relaxed) {
            // The cache's own answer to `only-if-cached`.
            return response;
        }
        self.options().pass_on(response.status(), response.headers_mut());
        let status = self.forwarded(response.status(), false);
        self.status_headers(CacheResult::Bypass, Some(status)).add(response.headers_mut());
        response
    }
}
