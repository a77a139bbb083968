//! Fetch: what a request does when the service has to be asked.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::Body;

use crate::engine::computation::Computation;
use crate::engine::entry_op::EntryOp;
use crate::engine::flight::Leader;
use crate::engine::flight::Role;
use crate::engine::refresh::refresh as renew;
use crate::engine::snapshot::Snapshot;
use crate::rt::random::random_stamp;
use crate::site::body::Body as FnBody;
use crate::site::body::RunMode;
use crate::site::rules::ValueExpiry;
use crate::site::rules::ValueRules;
use crate::types::expire::Expire;

use super::body::{CacheBody, Collected, collect};
use super::cached::{CachedResponse, Form, Index, Page};
use super::crowd::Crowd;
use super::errand::{Aside, Errand, lock};
use super::judge::{self, directives, judge};
use super::outcome::{AsResponse, Outcome, kept};
use super::rfc::revalidation::{applies, merge};
use super::rfc::storable::Refusal;
use super::rfc::vary::{self, digest};
use super::spot::Spot;

/// The computation of a request, for the key at `spot`.
pub(super) struct Fetch<B: Body, E, A, M, const CAN_DETACH: bool> {
    pub(super) errand: Arc<Errand<B, E, A, M>>,
    pub(super) spot: Spot,
    /// The index that led there.
    pub(super) index: Option<Index>,
    pub(super) known: Option<CachedResponse>,
}

/// How long an index lives at the least; it takes next to no room.
const INDEX_LIFE: Duration = Duration::from_secs(86_400);

impl<B, E, A, M, F, const CAN_DETACH: bool> Computation<CachedResponse> for Fetch<B, E, A, M, CAN_DETACH>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
    E: Send + 'static,
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    M: FnOnce(RunMode, Option<&CachedResponse>) -> FnBody<F, Result<Response<B>, E>> + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
{
    type Output = Outcome<B, E>;
    fn can_detach(&self) -> bool {
        CAN_DETACH
    }

    fn offer(&mut self, response: &CachedResponse) {
        self.known = response.as_page().filter(|_| self.is_chosen()).map(|_| response.clone());
    }

    async fn inline(self) -> Outcome<B, E> {
        let Self { errand, spot, index, known } = self;
        let Some(work) = errand.take() else { return Outcome::Gone };
        errand.has_asked.store(true, Relaxed);
        errand.had_known.store(known.is_some(), Relaxed);
        let work = work(RunMode::Inline, known.as_ref());
        errand.gather(work.run(), known, &spot, index.as_ref()).await
    }

    fn detach(self, op: &EntryOp<'_>, leader: Leader, snapshot: Snapshot) {
        let background = &op.core.background;
        if !background.has_room() || !self.is_chosen() {
            return;
        }
        let Self { errand, spot, index, known } = self;
        let Some(work) = errand.take() else { return };
        // The client has its answer, and does not wait for this one.
        drop(errand.client());
        if let FnBody::Background(work) = work(RunMode::Background, known.as_ref()) {
            background.spawn_on_current(async move {
                let Some(op) = spot.op() else { return };
                let gathered = errand.gather(work, known, &spot, index.as_ref());
                renew::<Outcome<B, E>, AsResponse>(&op, leader, snapshot, kept(), &*errand, gathered).await;
                errand.keep_aside().await;
            });
        }
    }
}

impl<B: Body, E, A, M, const CAN_DETACH: bool> Fetch<B, E, A, M, CAN_DETACH> {
    /// Whether a response that is kept here can be the one for this request: not where there is to be an index.
    fn is_chosen(&self) -> bool {
        self.index.is_some() || !self.errand.options.varies()
    }
}

impl<B: Body, E, A: ValueRules<CachedResponse>, M> ValueRules<CachedResponse> for Errand<B, E, A, M> {
    /// What is not to be kept was found out before.
    fn refuses(&self, _: &CachedResponse) -> bool {
        false
    }

    fn expiry(&self, response: &CachedResponse) -> ValueExpiry {
        Some(Ok(Expire::After(match response.form() {
            // Counted from when the response came: its body may have taken its time.
            Form::Page(page) => page.times.fresh.saturating_sub(page.times.entry(self.cache.clock.now_ms())),
            Form::Index(_) => lock(&self.aside).as_ref().map_or(INDEX_LIFE, Aside::life).max(INDEX_LIFE),
        })))
    }
}

impl<B, E, A, M> Errand<B, E, A, M>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
    A: ValueRules<CachedResponse>,
{
    /// Makes what is kept of what the service gives.
    async fn gather(
        &self,
        response: impl Future<Output = Result<Response<B>, E>>,
        known: Option<CachedResponse>,
        spot: &Spot,
        index: Option<&Index>,
    ) -> Outcome<B, E> {
        let requested_ms = self.cache.clock.now_ms();
        let (mut parts, body) = match response.await {
            Ok(response) => response.into_parts(),
            Err(error) => return Outcome::Failed(Err(error)),
        };
        let span = (requested_ms, self.cache.clock.now_ms());
        let known = known.as_ref().and_then(CachedResponse::as_page);
        if self.options.obey_origin
            && parts.status == StatusCode::NOT_MODIFIED
            && let Some(known) = known
        {
            let renewed = self.renewed(known, &parts.headers, span, index);
            // What this client alone may have says nothing of what everybody has.
            let is_own = *lock(&self.refusal) == Some(Refusal::Authorization);
            if matches!(renewed, Outcome::Alone(_)) && !is_own {
                remove(&spot.first()).await;
            }
            return renewed;
        }
        // Caches further on are to tell them apart as well.
        vary::add(&mut parts.headers, &self.options.vary);
        if parts.status.is_server_error() && self.has_failed(known, span.1) {
            self.refuse(Refusal::Status);
            return Outcome::Failed(Ok(Response::from_parts(parts, CacheBody::given(body))));
        }
        let verdict = judge(&self.asked, &self.options, &self.declared, &parts, span);
        let length = judge::length_of(&parts.headers);
        let size = body.size_hint();
        let verdict =
            verdict.and_then(|kept| self.fits(&parts.headers, length.max(Some(size.lower())), kept));
        let kept = match verdict {
            Ok(kept) => kept,
            Err(refusal) => {
                self.refuse(refusal);
                let has_failed = parts.status.is_server_error();
                // What this client alone may have says nothing of what everybody has.
                let is_own = refusal == Refusal::Authorization;
                let replaces = known.is_some() || self.demand.is_refresh;
                if self.demand.keeps && !has_failed && !is_own && replaces {
                    // What is kept does not follow from the service any more. Trouble was counted.
                    remove(spot).await;
                }
                return Outcome::Alone(Ok(Response::from_parts(parts, CacheBody::given(body))));
            }
        };
        if let Some(index) = index.filter(|index| !index.covers(&kept.names)) {
            // Responses differ by something else as well, so the index is not true of them any more.
            self.refuse(Refusal::VaryAny);
            widen(&spot.first(), index, &kept).await;
            return Outcome::Alone(Ok(Response::from_parts(parts, CacheBody::given(body))));
        }
        let mut crowd = Crowd { errand: self, spot, parts: &parts, kept: &kept, size };
        let limits = (self.options.max_body, length);
        let body = match collect(body, limits, &self.cache.room, &mut crowd).await {
            Collected::Whole(body) => body,
            Collected::Begun(body) => {
                self.refuse(Refusal::Length);
                return Outcome::Alone(Ok(Response::from_parts(parts, body)));
            }
            Collected::Gone => return Outcome::Gone,
        };
        let page = judge::page(parts, body, kept.times, &self.options);
        self.settled(page, kept.names, spot, index)
    }

    /// Whether an error of the service is a failure, in whose place an old response is served. An origin has to have said
    /// so of the old one (RFC 5861, 4); a client in front of it that cannot reach it has not, and is an `Err`.
    fn has_failed(&self, known: Option<&Page>, now_ms: u64) -> bool {
        if !self.options.obey_origin {
            return true;
        }
        known.is_some_and(|known| {
            let late = known.times.entry(now_ms).saturating_sub(known.times.fresh);
            directives(&known.headers, &self.options).stale_if_error.is_some_and(|window| late < window)
        })
    }

    /// Where a response goes: under the key that was asked for, or under one of several beside it.
    fn settled(
        &self,
        page: CachedResponse,
        names: Box<[http::HeaderName]>,
        spot: &Spot,
        index: Option<&Index>,
    ) -> Outcome<B, E> {
        let page = judge::with_own_life(page, &self.answers, &self.options);
        if self.answers.refuses(&page) {
            return Outcome::Alone(Ok(plain(&page)));
        }
        if names.is_empty() || index.is_some() {
            return Outcome::ValueCaps(page);
        }
        let index = Index { mark: random_stamp(), names };
        let spot = spot.variant(&index, digest(&index.names, &self.asked.headers));
        // Taken before anybody hears of the index, so that those who ask for the same wait for this very response.
        let leader = spot.op().and_then(|op| {
            let tick = op.core.flights.tick(op.key.as_str());
            let snapshot = Snapshot { tick, ..Snapshot::default() };
            match op.core.flights.join(op.key.as_str(), &snapshot) {
                Role::Lead(leader) => Some(leader),
                Role::Follow(_) | Role::Queue(_) | Role::Full => None,
            }
        });
        *lock(&self.aside) = Some(Aside { response: page, spot, leader });
        Outcome::ValueCaps(CachedResponse::index(index))
    }

    /// The service found that what is kept is still good (RFC 9111, 4.3.4).
    fn renewed(
        &self,
        known: &Page,
        fresh: &HeaderMap,
        span: (u64, u64),
        index: Option<&Index>,
    ) -> Outcome<B, E> {
        let mut headers = known.headers.clone();
        if applies(&known.headers, fresh) {
            merge(&mut headers, fresh);
        }
        vary::add(&mut headers, &self.options.vary);
        let mut parts = Response::new(()).into_parts().0;
        parts.status = known.status;
        // Its age counts anew.
        headers.remove(header::AGE);
        fresh.get(header::AGE).inspect(|age| drop(headers.try_insert(header::AGE, (*age).clone())));
        parts.headers = headers;
        match judge(&self.asked, &self.options, &self.declared, &parts, span) {
            // What it differs by now may be more than led here.
            Ok(kept) if index.map_or(kept.names.is_empty(), |index| index.covers(&kept.names)) => {
                Outcome::ValueCaps(judge::page(parts, known.body.clone(), kept.times, &self.options))
            }
            verdict => {
                self.refuse(verdict.err().unwrap_or(Refusal::VaryAny));
                Outcome::Alone(Ok(Response::from_parts(parts, CacheBody::whole(known.body.clone()))))
            }
        }
    }

    /// Whether a response can be collected at all: a stream of events has no end, and some say that they are too long.
    fn fits(
        &self,
        headers: &HeaderMap,
        length: Option<u64>,
        kept: judge::Kept,
    ) -> Result<judge::Kept, Refusal> {
        if judge::is_stream(headers) {
            return Err(Refusal::Stream);
        }
        if !self.demand.keeps {
            return Err(Refusal::Method);
        }
        let is_long = length.is_some_and(|length| length > self.options.max_body as u64);
        if is_long { Err(Refusal::Length) } else { Ok(kept) }
    }
}

/// The response for one client alone.
fn plain<B: Body>(response: &CachedResponse) -> Response<CacheBody<B>> {
    let mut plain = Response::new(CacheBody::whole(response.body().clone()));
    *plain.status_mut() = response.status();
    *plain.headers_mut() = response.headers().clone();
    plain
}

/// Puts an index in the place of one that does not name all headers that responses differ by: those that were kept under
/// it are gone. Trouble was counted.
async fn widen(first: &Spot, index: &Index, kept: &judge::Kept) {
    if let Some(op) = first.op() {
        let index = CachedResponse::index(index.with(&kept.names, random_stamp()));
        let life = kept.times.whole().max(INDEX_LIFE);
        drop(op.put_result(Some(&index), Expire::After(life)).await);
    }
}

/// Removes what is kept. Trouble was counted, and is made up for later.
pub(super) async fn remove(spot: &Spot) {
    if let Some(op) = spot.op() {
        drop(op.delete().await);
    }
}
