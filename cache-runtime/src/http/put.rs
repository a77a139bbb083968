//! Put: a response that a handler wrote, kept where another handler's would be.

use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body::Body;

use bytes::Bytes;

use crate::codec::Codec;
use crate::engine::{Answers, Put};
use crate::expire::Expire;

use super::answer::{From, Signs};
use super::body::{CacheBody, Collected, collect};
use super::cached::CachedResponse;
use super::judge::{self, Declared, judge};
use super::options::Options;
use super::request::Asked;

/// Keeps a response that says that it succeeded, as what a `GET` finds next: with status 200. It goes out as it came.
pub(crate) async fn store<B>(
    put: Put,
    answers: impl Answers<CachedResponse>,
    response: Response<B>,
) -> Response<CacheBody<B>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let entry = match put.target() {
        Ok(entry) => entry,
        Err(error) => {
            put.said(&error);
            return response.map(CacheBody::given);
        }
    };
    let mut trip = match entry.trip() {
        Ok(trip) => trip.by(put.label()),
        Err(error) => {
            put.said(&error);
            return response.map(CacheBody::given);
        }
    };
    (trip.policy.codec, trip.policy.jitter) = (Codec::Http, 0);
    let (mut parts, body) = response.into_parts();
    let options = Options { statuses: vec![(parts.status, None)].into(), ..Options::new() };
    let asked = Asked::new(Method::GET, HeaderMap::new());
    let declared = Declared { expire: trip.expiries.value, policy: trip.policy, chance: 0 };
    let now_ms = trip.inner.clock.now_ms();
    let kept = judge(&asked, &options, &declared, &parts, (now_ms, now_ms));
    let kept = match kept {
        Ok(kept) if kept.names.is_empty() => kept,
        // What differs by the headers of a request cannot be said without one.
        Ok(_) => return past(&trip, parts, CacheBody::given(body), "vary"),
        Err(refusal) => return past(&trip, parts, CacheBody::given(body), refusal.as_str()),
    };
    let body = match collect(body, options.max_body, None, |_| None).await {
        Collected::Whole(body) => body,
        Collected::Begun(body) => return past(&trip, parts, body, "too large"),
        Collected::Gone => return past(&trip, parts, CacheBody::default(), "gone"),
    };
    let mut read = Response::new(()).into_parts().0;
    (read.status, read.headers) = (StatusCode::OK, parts.headers.clone());
    let page = judge::page(read, body.clone(), kept.times, &options);
    let page = match answers.special(&page) {
        Some(Ok(Expire::After(life))) => page.with_life(life),
        Some(_) | None => page,
    };
    if answers.refuses(&page) {
        return past(&trip, parts, CacheBody::whole(body), "unless");
    }
    let life = page.as_page().map_or(trip.expiries.value, |page| Expire::After(page.times.fresh));
    if let Err(error) = trip.put_result(Some(&page), life).await {
        put.said(&error);
    }
    page.headers().get(header::ETAG).inspect(|tag| drop(parts.headers.insert(header::ETAG, (*tag).clone())));
    Signs { from: From::Miss, field: &trip.inner.status_field, status: None }.mark(&mut parts.headers);
    Response::from_parts(parts, CacheBody::whole(body))
}

/// A response that is not kept. What was kept before it is gone all the same: it is not what the handler wrote.
fn past<B: Body>(
    trip: &crate::call::Trip<'_>,
    mut parts: http::response::Parts,
    body: CacheBody<B>,
    reason: &str,
) -> Response<CacheBody<B>> {
    trip.refused(reason);
    Signs { from: From::Bypass, field: &trip.inner.status_field, status: None }.mark(&mut parts.headers);
    Response::from_parts(parts, body)
}
