//! Put: a response that a handler wrote, kept where another handler's would be.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header, response};
use http_body::{Body, Frame};
use tokio::sync::mpsc;

use crate::codegen::Put;
use crate::engine::entry_op::EntryOp;
use crate::handle::Entry;
use crate::rt::io;
use crate::site::rules::ValueRules;
use crate::types::expire::Expire;

use super::answer::{From, Signs};
use super::body::{Audience, CacheBody, Collected, Piece, collect};
use super::cached::CachedResponse;
use super::judge::{self, Declared, is_stream, judge, length_of, with_own_life};
use super::options::Options;
use super::request::Asked;

/// Statuses whose bodies are what was written. Another success, such as that there is nothing to say, has none that a `GET`
/// could give.
const WRITTEN: [(StatusCode, Option<Expire>); 4] = [
    (StatusCode::OK, None),
    (StatusCode::CREATED, None),
    (StatusCode::ACCEPTED, None),
    (StatusCode::NON_AUTHORITATIVE_INFORMATION, None),
];

/// Keeps a response that says that it succeeded, as what a `GET` finds next: with status 200. It goes out as it came. What
/// cannot be kept takes the old one away.
pub(crate) async fn store<B>(
    put: Put,
    answers: impl ValueRules<CachedResponse>,
    response: Response<B>,
) -> Response<CacheBody<B>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    // What cannot be named says why when it is to be used.
    let entry = put.target().unwrap_or_else(Entry::failed);
    let mut op = match entry.op() {
        Ok(op) => op.by(put.function()),
        Err(error) => {
            put.report(&error);
            return response.map(CacheBody::given);
        }
    };
    op.policy.jitter = 0;
    let (mut parts, body) = response.into_parts();
    let options = Options { statuses: (&WRITTEN).into(), ..Options::new() };
    let asked = Asked::new(Method::GET, HeaderMap::new());
    let declared = Declared { expire: op.expiries.value, policy: op.policy, chance: 0 };
    let now_ms = op.core.clock.now_ms();
    let kept = judge(&asked, &options, &declared, &parts, (now_ms, now_ms));
    let kept = match kept {
        Ok(_) if is_stream(&parts.headers) => {
            return past(&entry, &op, parts, CacheBody::given(body), "stream").await;
        }
        Ok(kept) if kept.names.is_empty() => kept,
        // What differs by the headers of a request cannot be said without one.
        Ok(_) => return past(&entry, &op, parts, CacheBody::given(body), "vary").await,
        Err(refusal) => return past(&entry, &op, parts, CacheBody::given(body), refusal.as_str()).await,
    };
    let limits = (options.max_body, length_of(&parts.headers));
    let body = match collect(body, limits, &op.core.room, &mut Nobody).await {
        Collected::Whole(body) => body,
        Collected::Begun(body) => return past(&entry, &op, parts, body, "too large").await,
        Collected::Gone => return past(&entry, &op, parts, CacheBody::default(), "gone").await,
    };
    let mut read = Response::new(()).into_parts().0;
    (read.status, read.headers) = (StatusCode::OK, parts.headers.clone());
    // Of what was made, and not of what is read.
    read.headers.remove(header::LOCATION);
    let page = judge::page(read, body.clone(), kept.times, &options);
    let page = with_own_life(page, &answers, &options);
    if answers.refuses(&page) {
        return past(&entry, &op, parts, CacheBody::whole(body), "unless").await;
    }
    page.headers().get(header::ETAG).inspect(|tag| drop(parts.headers.insert(header::ETAG, (*tag).clone())));
    let response = marked(&op, From::Miss, parts, CacheBody::whole(body));
    let (policy, default) = (op.policy, op.expiries.value);
    // To the end, since the change that it follows was made already.
    let write = async move {
        let written = async {
            let mut op = entry.op()?.by(put.function());
            op.policy = policy;
            let life = page.as_page().map_or(default, |page| Expire::After(page.times.fresh));
            op.put_result(Some(&page), life).await
        };
        if let Err(error) = written.await {
            put.report(&error);
        }
    };
    io::run_to_end(write).await;
    response
}

/// A body that is written is sent when all of it is there, if that is soon.
struct Nobody;

impl<B: Body> Audience<B> for Nobody {
    fn share(&mut self, _: &mut VecDeque<Frame<Bytes>>) -> Option<mpsc::UnboundedSender<Piece<B>>> {
        None
    }

    fn is_patient(&mut self, _: bool) -> bool {
        false
    }
}

/// A response that is not kept. What was kept before it goes all the same: it is not what the handler wrote.
async fn past<B: Body>(
    entry: &Entry,
    op: &EntryOp<'_>,
    parts: response::Parts,
    body: CacheBody<B>,
    reason: &str,
) -> Response<CacheBody<B>> {
    op.refused(reason);
    let entry = entry.clone();
    // Trouble was counted, and is made up for later.
    io::run_to_end(async move { drop(entry.invalidate().await) }).await;
    marked(op, From::Bypass, parts, body)
}

fn marked<B: Body>(
    op: &EntryOp<'_>,
    from: From,
    mut parts: response::Parts,
    body: CacheBody<B>,
) -> Response<CacheBody<B>> {
    Signs { from, field: &op.core.status_field, status: None }.mark(&mut parts.headers);
    Response::from_parts(parts, body)
}
