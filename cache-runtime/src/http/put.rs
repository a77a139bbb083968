//! Put: a response that a handler wrote, kept where another handler's would be.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header, response};
use http_body::Body;

use crate::call::Trip;
use crate::codec::Codec;
use crate::engine::{Answers, Put};
use crate::expire::Expire;
use crate::handle::Entry;
use crate::io;

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
        Ok(_) => return past(&entry, &trip, parts, CacheBody::given(body), "vary").await,
        Err(refusal) => return past(&entry, &trip, parts, CacheBody::given(body), refusal.as_str()).await,
    };
    let body = match collect(body, options.max_body, None, |_| None).await {
        Collected::Whole(body) => body,
        Collected::Begun(body) => return past(&entry, &trip, parts, body, "too large").await,
        Collected::Gone => return past(&entry, &trip, parts, CacheBody::default(), "gone").await,
    };
    let mut read = Response::new(()).into_parts().0;
    (read.status, read.headers) = (StatusCode::OK, parts.headers.clone());
    let page = judge::page(read, body.clone(), kept.times, &options);
    let page = match answers.special(&page) {
        Some(Ok(Expire::After(life))) => page.with_life(life),
        Some(_) | None => page,
    };
    if answers.refuses(&page) {
        trip.refused("unless");
        return marked(&trip, From::Bypass, parts, CacheBody::whole(body));
    }
    page.headers().get(header::ETAG).inspect(|tag| drop(parts.headers.insert(header::ETAG, (*tag).clone())));
    let response = marked(&trip, From::Miss, parts, CacheBody::whole(body));
    let (policy, default) = (trip.policy, trip.expiries.value);
    // To the end, since the change that it follows was made already.
    let write = async move {
        let written = async {
            let mut trip = entry.trip()?.by(put.label());
            trip.policy = policy;
            let life = page.as_page().map_or(default, |page| Expire::After(page.times.fresh));
            trip.put_result(Some(&page), life).await
        };
        if let Err(error) = written.await {
            put.said(&error);
        }
    };
    io::complete(write).await;
    response
}

/// A response that is not kept. What was kept before it goes all the same: it is not what the handler wrote.
async fn past<B: Body>(
    entry: &Entry,
    trip: &Trip<'_>,
    parts: response::Parts,
    body: CacheBody<B>,
    reason: &str,
) -> Response<CacheBody<B>> {
    trip.refused(reason);
    let entry = entry.clone();
    // Trouble was counted, and is made up for later.
    io::complete(async move { drop(entry.invalidate().await) }).await;
    marked(trip, From::Bypass, parts, body)
}

fn marked<B: Body>(
    trip: &Trip<'_>,
    from: From,
    mut parts: response::Parts,
    body: CacheBody<B>,
) -> Response<CacheBody<B>> {
    Signs { from, field: &trip.inner.status_field, status: None }.mark(&mut parts.headers);
    Response::from_parts(parts, body)
}
