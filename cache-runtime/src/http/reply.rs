//! The reply of an exchange to its client.

use std::sync::atomic::Ordering::Relaxed;

use http::{Response, StatusCode};
use http_body::Body;

use super::answer::answer;
use super::body::CacheBody;
use super::exchange::{Exchange, lock};
use super::outcome::ExchangeOutcome;
use super::rfc::cache_status::{CacheStatus, ForwardReason, Handling};
use super::status_headers::CacheResult;

impl<B: Body, E> Exchange<B, E> {
    /// Makes the reply for an outcome; `None` if the client has it already.
    pub(super) fn reply(
        &self,
        outcome: ExchangeOutcome<B, E>,
        reason: ForwardReason,
    ) -> Option<Result<Response<CacheBody<B>>, E>> {
        let (found, result) = match outcome {
            ExchangeOutcome::Cached(found) if self.has_called.load(Relaxed) => (found, CacheResult::Miss),
            ExchangeOutcome::Cached(found) => (found, CacheResult::Hit),
            ExchangeOutcome::Stale(found) => (found, CacheResult::Stale),
            ExchangeOutcome::Uncached(response) | ExchangeOutcome::Failed(response) => {
                return Some(response.map(|response| self.uncached(response, reason)));
            }
            ExchangeOutcome::Delivered => return None,
        };
        // Once the cache is closed, a relocated response is still here.
        let relocated = || lock(&self.relocated).take().map(|relocated| relocated.response);
        let found = if found.as_response().is_some() { found } else { relocated().unwrap_or(found) };
        let stored = found.as_response()?;
        let now_ms = self.rules.cache.clock.now_ms();
        let ttl = stored.times.ttl(now_ms);
        let status = match result {
            CacheResult::Hit | CacheResult::Stale => {
                self.options().bypass_count.reset();
                self.note_host();
                let handling = if result == CacheResult::Hit { Handling::Hit } else { Handling::Stale };
                CacheStatus::hit(handling, ttl)
            }
            CacheResult::Miss | CacheResult::Bypass => self.forwarded(reason, stored.status, true),
        };
        let status_headers = self.status_headers(result, Some(status));
        let request = (&self.request, self.options());
        Some(Ok(answer(found, &self.rules.cache, &status_headers, request, now_ms)))
    }

    fn uncached(
        &self,
        mut response: Response<CacheBody<B>>,
        reason: ForwardReason,
    ) -> Response<CacheBody<B>> {
        self.options().pass_on(response.status(), response.headers_mut());
        let status = self.forwarded(reason, response.status(), false);
        self.status_headers(CacheResult::Bypass, Some(status)).add(response.headers_mut());
        response
    }

    fn forwarded(&self, reason: ForwardReason, status: StatusCode, stored: bool) -> CacheStatus {
        let reason = if self.had_known.load(Relaxed) { ForwardReason::Stale } else { reason };
        let detail = self.refusal().map(|refusal| refusal.as_str());
        CacheStatus { stored, detail, ..CacheStatus::forwarded(reason, status) }
    }
}
