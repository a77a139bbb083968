//! Requests that pass the cache: nothing is stored under their key and the last response was not cached, so the service is
//! called without a lookup, and no other request waits.

use std::time::{Duration, Instant};

use http::Response;
use http_body::Body;

use crate::engine::context::Context;
use crate::engine::entry_op::EntryOp;
use crate::engine::key_times::mark_time;
use crate::engine::passing::PassingEpoch;
use crate::observe::stats::count;

use super::body::CacheBody;
use super::options::ResponseOptions;
use super::request::CacheRequest;
use super::rfc::cache_status::{CacheStatus, ForwardReason};
use super::rfc::storable::Refusal;
use super::rfc::vary;
use super::status_headers::{CacheResult, StatusHeaders};
use super::storability::{DeclaredExpiry, storability};

/// The moment before a computation whose result may not be cached.
#[derive(Clone, Copy)]
pub(crate) struct PassStart {
    began: Instant,
    epoch: PassingEpoch,
}

impl PassStart {
    pub(crate) fn now(op: &EntryOp<'_>) -> Self {
        Self { began: Instant::now(), epoch: op.core.flights.passing.epoch(op.key.as_str()) }
    }

    /// Lets requests for the key of `op` pass: the response was not cached.
    pub(crate) fn let_pass(self, op: &EntryOp<'_>) {
        self.let_pass_after(op, self.began.elapsed());
    }

    /// [`PassStart::let_pass`] after a failure of the service, for which there is no response.
    pub(crate) fn failed(self, op: &EntryOp<'_>) {
        op.refused("Err");
        self.let_pass(op);
    }

    fn let_pass_after(self, op: &EntryOp<'_>, took: Duration) {
        op.core.flights.passing.extend(op.key.as_str(), self.epoch, mark_time(took));
    }
}

/// Runs the service for a request that passes.
pub(crate) async fn pass<T>(op: &EntryOp<'_>, service: impl Future<Output = T>) -> T {
    count(&op.counters.misses);
    Context::computing(op.core.id, op.key.as_str()).scope(service).await
}

/// The response for the client of a request that passed, if the response is not to be cached either; else the response as
/// the service made it.
pub(crate) fn passed<B: Body>(
    start: PassStart,
    op: &EntryOp<'_>,
    (request, options): (&CacheRequest, &ResponseOptions),
    declared: &DeclaredExpiry,
    response: Response<B>,
) -> Result<Response<CacheBody<B>>, Response<B>> {
    let (mut parts, body) = response.into_parts();
    let (took, now_ms) = (start.began.elapsed(), op.core.clock.now_ms());
    let requested_ms = now_ms.saturating_sub(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    let refusal = if parts.status.is_server_error() && !options.obey_origin {
        Err(Refusal::Status)
    } else {
        let rules = (options, &op.core.credentials);
        storability(request, rules, declared, &parts, (requested_ms, now_ms)).map(drop)
    };
    let Err(refusal) = refusal else { return Err(Response::from_parts(parts, body)) };
    op.refused("for its caller only");
    if !refusal.is_of_one_client() {
        start.let_pass_after(op, took);
    }
    vary::add(&mut parts.headers, &options.vary);
    options.pass_on(parts.status, &mut parts.headers);
    let status = CacheStatus::forwarded(ForwardReason::UriMiss, parts.status);
    let status = CacheStatus { detail: Some(refusal.as_str()), ..status };
    let status = Some(status).filter(|_| options.adds_cache_status);
    let field = &op.core.status_field;
    StatusHeaders { result: CacheResult::Bypass, field, status }.add(&mut parts.headers);
    Ok(Response::from_parts(parts, CacheBody::service(body)))
}
