//! Storing the response that a handler wrote in place of another handler's.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header, response};
use http_body::Body;

use crate::codegen::Put;
use crate::engine::entry_op::EntryOp;
use crate::engine::entry_write::EntryWrite;
use crate::handle::Entry;
use crate::rt::io;
use crate::site::rules::ValueRules;
use crate::types::error::Error;
use crate::types::expire::Expire;

use super::body::CacheBody;
use super::body_error::BodyError;
use super::cached::CachedResponse;
use super::collect::{CollectedBody, NoWaiters, collect};
use super::etag_kind::EtagKind;
use super::normalize::{normalized, with_own_expiry};
use super::options::ResponseOptions;
use super::request::CacheRequest;
use super::rfc::cache_status::{CacheStatus, ForwardReason};
use super::rfc::storable::Refusal;
use super::status_headers::{CacheResult, StatusHeaders};
use super::storability::{DeclaredExpiry, Storable, is_stream, length_of, storability};

/// The statuses with the written resource as their body, as a `GET` would return it.
const WRITTEN: [(StatusCode, Option<Expire>); 4] = [
    (StatusCode::OK, None),
    (StatusCode::CREATED, None),
    (StatusCode::ACCEPTED, None),
    (StatusCode::NON_AUTHORITATIVE_INFORMATION, None),
];

/// Stores a successful response as the next `GET` finds it: with status 200. It is sent unchanged. If it cannot be stored,
/// the old one is removed, as are all variants where requests select one.
pub(crate) async fn store<B>(
    (put, entry_write): (Arc<Put>, EntryWrite),
    rules: &(dyn ValueRules<CachedResponse> + Send + Sync),
    etag: EtagKind,
    response: Response<B>,
) -> Response<CacheBody<B>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
{
    let entry = put.target().unwrap_or_else(Entry::failed);
    let op = match entry.op() {
        Ok(op) => op.attributed_to(put.function()),
        Err(error) => {
            put.report(&error);
            return response.map(CacheBody::service);
        }
    };
    let (mut parts, body) = response.into_parts();
    let options = ResponseOptions { statuses: (&WRITTEN).into(), etag, ..ResponseOptions::new() };
    let Storable { times, .. } = match storable(&entry, &op, &options, &parts) {
        Ok(storable) => storable,
        Err(reason) => return refused(&entry, &op, parts, CacheBody::service(body), reason).await,
    };
    let limits = (options.max_body, length_of(&parts.headers));
    let (body, memory) = match collect(body, limits, &op.core.body_budget, &mut NoWaiters).await {
        CollectedBody::Whole(body, memory) => (body, memory),
        CollectedBody::Begun(body) => return refused(&entry, &op, parts, body, "too large").await,
        CollectedBody::Delivered => {
            return refused(&entry, &op, parts, CacheBody::default(), "gone").await;
        }
    };
    let mut read = Response::new(()).into_parts().0;
    read.headers = parts.headers.clone();
    // The location of what was created says nothing about a `GET`.
    read.headers.remove(header::LOCATION);
    let stored = normalized(read, body.clone(), times, &options);
    let judgement = op.judge(&stored, rules);
    let body = op.core.sent_bodies.admit_with(&body, Some(Arc::clone(&memory.sending)));
    let stored = match judgement {
        Ok(expire) => with_own_expiry(stored, expire, &options),
        Err(reason) => {
            return refused(&entry, &op, parts, CacheBody::whole(body), reason.as_str()).await;
        }
    };
    stored
        .headers()
        .get(header::ETAG)
        .inspect(|tag| drop(parts.headers.insert(header::ETAG, (*tag).clone())));
    let response = replied(&op, None, parts, CacheBody::whole(body));
    // Not cancelled with the request: the change before it took place.
    io::run_to_end(Box::pin(async move {
        if let Err(error) = write(&entry, &put, entry_write, &stored).await {
            put.report(&error);
        }
    }))
    .await;
    response
}

async fn write(
    entry: &Entry,
    put: &Put,
    entry_write: EntryWrite,
    response: &CachedResponse,
) -> Result<(), Error> {
    let op = entry.op()?.attributed_to(put.function());
    let stored = response.as_response();
    let expire = stored.map_or(op.expiries.value, |stored| Expire::After(stored.times.fresh));
    op.end_write(entry_write, Some(response), expire).await
}

/// Returns the properties of a response that can be stored without its request.
fn storable(
    entry: &Entry,
    op: &EntryOp<'_>,
    options: &ResponseOptions,
    parts: &response::Parts,
) -> Result<Storable, &'static str> {
    if entry.has_variants() {
        // Which of them this response replaces, the request of a write does not say.
        return Err("variants");
    }
    let request = CacheRequest::new(Method::GET, HeaderMap::new());
    let declared = DeclaredExpiry { expire: op.expiries.value, policy: *op.policy };
    let now_ms = op.core.clock.now_ms();
    let storable = storability(&request, (options, &op.core.credentials), &declared, parts, (now_ms, now_ms))
        .map_err(Refusal::as_str)?;
    match () {
        () if is_stream(&parts.headers) => Err("stream"),
        // Its variant is of a request that is not known.
        () if !storable.selectors.is_empty() => Err("vary"),
        () => Ok(storable),
    }
}

/// The reply with a response that is not stored. The entry is removed all the same: it is not what the handler wrote.
async fn refused<B: Body>(
    entry: &Entry,
    op: &EntryOp<'_>,
    parts: response::Parts,
    body: CacheBody<B>,
    reason: &'static str,
) -> Response<CacheBody<B>> {
    op.refused(reason);
    let entry = entry.clone();
    // A failure is counted, and the removal is retried later.
    io::run_to_end(Box::pin(async move { drop(entry.invalidate().await) })).await;
    replied(op, Some(reason), parts, body)
}

/// The response as it is sent. `refusal` is the reason why it is not stored.
fn replied<B: Body>(
    op: &EntryOp<'_>,
    refusal: Option<&'static str>,
    mut parts: response::Parts,
    body: CacheBody<B>,
) -> Response<CacheBody<B>> {
    let result = if refusal.is_some() { CacheResult::Bypass } else { CacheResult::Miss };
    let way = CacheStatus::forwarded(ForwardReason::Method, parts.status);
    let status = Some(CacheStatus { stored: refusal.is_none(), detail: refusal, ..way });
    StatusHeaders { result, field: &op.core.status_field, status }.add(&mut parts.headers);
    Response::from_parts(parts, body)
}
