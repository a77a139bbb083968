//! Visit: the story of a request, from the cache or from the service behind it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Body;
use tokio::sync::oneshot;

use crate::engine::call::Call;
#[cfg(feature = "axum")]
use crate::engine::computation::Computation;
use crate::engine::compute::compute;
use crate::engine::context::CallMode as Kind;
use crate::engine::decide::Stale;
use crate::engine::entry_op::EntryOp;
use crate::engine::lookup::Hit;
use crate::engine::lookup::Lookup;
use crate::engine::recompute::Recompute;
use crate::engine::run::execute;
use crate::engine::run::follow;
#[cfg(feature = "axum")]
use crate::engine::serve::note;
use crate::observe::stats::count;
use crate::rt::background::spawn_on_current;
use crate::site::body::Body as FnBody;
use crate::site::body::RunMode;
#[cfg(feature = "axum")]
use crate::site::outcome::typed;
use crate::site::rules::ValueRules;
use crate::store::LeaseMode;

use super::answer::{From, Signs, answer, not_kept};
use super::body::CacheBody;
use super::cached::{CachedResponse, Form, Index};
use super::errand::{Aside, Errand, lock};
use super::fetch::{Fetch, remove};
use super::judge::directives;
use super::outcome::{AsResponse, Outcome, kept};
use super::rfc::cache_status::{CacheStatus, How, Reason};
use super::rfc::preference::{Preference, accepts};
use super::rfc::vary::digest;
use super::spot::Spot;

/// How often responses may turn out to stand elsewhere before the service is asked.
const STEPS: usize = 3;

/// A response that is fresh and stands where it was looked for first, as most do: it needs no errand. Else what the look
/// found.
#[cfg(feature = "axum")]
pub(crate) async fn at_hand(call: &Call, op: &EntryOp<'_>) -> Result<CachedResponse, Lookup<CachedResponse>> {
    match op.lookup::<CachedResponse>().await {
        Lookup::Fresh(Hit { value: Some(found), snapshot }) if found.as_page().is_some() => {
            note(Some(call), op, Some(typed()), Some(&found), &snapshot);
            Ok(found)
        }
        look => Err(look),
    }
}

/// ValueRules a request. `client` is where a response comes from whose body is not complete; `look` is what was found
/// already where responses stand unless they differ by request headers.
pub(crate) async fn visit<B, E, A, M, F, const CAN_DETACH: bool>(
    errand: Arc<Errand<B, E, A, M>>,
    spot: Spot,
    client: oneshot::Receiver<Response<CacheBody<B>>>,
    look: Option<Lookup<CachedResponse>>,
) -> Result<Response<CacheBody<B>>, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
    E: Send + 'static,
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    M: FnOnce(RunMode, Option<&CachedResponse>) -> FnBody<F, Result<Response<B>, E>> + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
{
    // `None` once nothing can come from there any more.
    let mut client = Some(client);
    let mut story = Box::pin(through::<B, E, A, M, F, CAN_DETACH>(Arc::clone(&errand), spot, look));
    let first = std::future::poll_fn(|context| {
        if let Poll::Ready(route) = story.as_mut().poll(context) {
            return Poll::Ready(Ok(route));
        }
        match client.as_mut().map(|client| Pin::new(client).poll(context)) {
            Some(Poll::Ready(Ok(response))) => Poll::Ready(Err(response)),
            Some(Poll::Ready(Err(_))) => {
                client = None;
                Poll::Pending
            }
            Some(Poll::Pending) | None => Poll::Pending,
        }
    })
    .await;
    match first {
        Ok(route) => match route.outcome {
            Outcome::Gone => Ok(client.and_then(|mut client| client.try_recv().ok()).unwrap_or_else(lost)),
            _ => errand.told(route),
        },
        Err(response) => {
            // The client reads while the rest is collected, and need not stay until it is.
            // It is no refresh, and may be as long as its body: so it takes no place among them.
            spawn_on_current(async move { drop(story.await) });
            Ok(response)
        }
    }
}

/// What came of a request, and why it had to be computed if it had.
pub(super) struct Route<B: Body, E> {
    outcome: Outcome<B, E>,
    reason: Reason,
}

async fn through<B, E, A, M, F, const CAN_DETACH: bool>(
    errand: Arc<Errand<B, E, A, M>>,
    base: Spot,
    mut look: Option<Lookup<CachedResponse>>,
) -> Route<B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
    E: Send + 'static,
    A: ValueRules<CachedResponse> + Send + Sync + 'static,
    M: FnOnce(RunMode, Option<&CachedResponse>) -> FnBody<F, Result<Response<B>, E>> + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
{
    let (mut spot, mut index) = (base.clone(), None::<Index>);
    let mut reason = Reason::UriMiss;
    for _ in 0..STEPS {
        let mut fetch = Fetch::<B, E, A, M, CAN_DETACH> {
            errand: Arc::clone(&errand),
            spot: spot.clone(),
            index: index.clone(),
            known: None,
        };
        let Some(op) = spot.op() else { return Route { outcome: fetch.inline().await, reason } };
        let outcome = match errand.look(&op, &spot, index.is_some()).await {
            Looked::Has(outcome) => outcome,
            Looked::Wants(_, old) if !errand.demand.keeps => {
                count(&op.counters.misses);
                old.iter().for_each(|(old, _)| fetch.offer(old));
                let outcome = match (fetch.inline().await, old) {
                    (Outcome::Failed(_), Some((old, true))) => Outcome::Old(old),
                    (outcome, _) => outcome,
                };
                return Route { outcome, reason };
            }
            Looked::Wants(kind, _) => {
                reason = if kind == Kind::Refresh { Reason::Request } else { reason };
                let call = spot.call();
                match look.take() {
                    Some(look) => {
                        follow::<Outcome<B, E>, AsResponse, _>(call, &op, look, kept(), &*errand, fetch).await
                    }
                    None => {
                        execute::<Outcome<B, E>, AsResponse, _>(call, &op, kind, kept(), &*errand, fetch)
                            .await
                    }
                }
            }
        };
        let aside = errand.keep_aside().await;
        let (Outcome::ValueCaps(found) | Outcome::Old(found)) = &outcome else {
            return Route { outcome, reason };
        };
        let Form::Index(found) = found.form() else {
            if index.is_some() || !errand.options.varies() {
                return Route { outcome, reason };
            }
            // It was put here since the look, by someone who does not know whose it is.
            remove(&spot).await;
            if errand.has_asked.load(Relaxed) {
                return Route { outcome: Outcome::Gone, reason };
            }
            continue;
        };
        if let Some(response) = aside {
            return Route { outcome: Outcome::ValueCaps(response), reason };
        }
        reason = Reason::VaryMiss;
        spot = base.variant(found, digest(&found.names, &errand.asked.headers));
        index = Some(found.clone());
    }
    let fetch = Fetch::<B, E, A, M, CAN_DETACH> { errand, spot, index: None, known: None };
    Route { outcome: fetch.inline().await, reason }
}

/// What a look at what is kept says to a request with demands of its own.
enum Looked<B: Body, E> {
    Has(Outcome<B, E>),
    /// A new one. There may be an old one, which may be served if the service fails.
    Wants(Kind, Option<(CachedResponse, bool)>),
}

impl<B: Body, E, A, M> Errand<B, E, A, M>
where
    A: ValueRules<CachedResponse>,
{
    /// `is_chosen` is whether an index led there.
    async fn look(&self, op: &EntryOp<'_>, spot: &Spot, is_chosen: bool) -> Looked<B, E> {
        let is_chosen = is_chosen || !self.options.varies();
        // What is not kept is nothing for others to wait for, so who asks for that does not go their way.
        let is_plain = self.demand.wishes.is_none() && !self.demand.is_refresh;
        if is_plain && self.demand.keeps && is_chosen {
            return Looked::Wants(Kind::Normal, None);
        }
        let wishes = self.demand.wishes.unwrap_or_default();
        let fresh = Stale { at_once: true, on_error: false };
        let (found, is_fresh, how) = match op.lookup::<CachedResponse>().await {
            Lookup::Fresh(Hit { value, .. }) | Lookup::Early(Hit { value, .. }) => (value, true, fresh),
            Lookup::Stale(Hit { value, .. }, how) => (value, false, how),
            Lookup::Miss(_) | Lookup::Unavailable(..) => (None, false, fresh),
        };
        let missing = |kind, old| match wishes.only_if_cached {
            true => Looked::Has(Outcome::Alone(Ok(not_kept(&self.signs(From::Miss, None))))),
            false => Looked::Wants(kind, old),
        };
        let kind = if self.demand.is_refresh { Kind::Refresh } else { Kind::Normal };
        let Some(found) = found else { return missing(kind, None) };
        let Form::Page(page) = found.form() else { return Looked::Has(Outcome::ValueCaps(found)) };
        if !is_chosen {
            // Whoever put it here does not know whose it is, so nobody gets it, be it that the service fails.
            remove(spot).await;
            return missing(kind, None);
        }
        if self.demand.is_refresh {
            return Looked::Wants(Kind::Refresh, None);
        }
        let now_ms = self.cache.clock.now_ms();
        let entry = page.times.entry(now_ms);
        let standing = Preference {
            age: page.times.age(now_ms),
            left: page.times.fresh.checked_sub(entry).filter(|_| is_fresh),
            stale_for: entry.saturating_sub(page.times.fresh),
        };
        let accepts = accepts(&wishes, &directives(&page.headers, &self.options), standing);
        match (accepts || (is_plain && how.at_once), is_fresh) {
            (true, true) => {
                count(&op.counters.hits);
                Looked::Has(Outcome::ValueCaps(found))
            }
            (true, false) => {
                count(&op.counters.stale_hits);
                Looked::Has(Outcome::Old(found))
            }
            // Otherwise it would be served before there is a new one.
            (false, _) if how.at_once => missing(Kind::Refresh, None),
            (false, _) => {
                let old = (found.clone(), how.on_error);
                missing(Kind::Normal, Some(old))
            }
        }
    }

    /// Keeps a response that belongs under another key, and hands it to those who wait for it there.
    pub(super) async fn keep_aside(&self) -> Option<CachedResponse> {
        let Aside { response, spot, leader } = lock(&self.aside).take()?;
        let Some(op) = spot.op() else { return Some(response) };
        // Trouble was counted, and whoever waits gets the response all the same. Nothing that was dropped meanwhile can
        // come back by this: the key holds the mark of an index, and an index that was dropped does not.
        let lease = op.lease(LeaseMode::Miss, &[]).await.ok().and_then(Result::ok);
        let ready = std::future::ready(Outcome::<B, E>::ValueCaps(response.clone()));
        drop(
            compute::<Outcome<B, E>, AsResponse>(
                &op,
                self,
                kept(),
                Recompute::default(),
                leader,
                lease,
                ready,
            )
            .await,
        );
        Some(response)
    }

    fn signs(&self, from: From, status: Option<CacheStatus>) -> Signs<'_> {
        Signs { from, field: &self.cache.status_field, status: status.filter(|_| self.options.tells_status) }
    }

    /// The response that a client gets.
    fn told(&self, route: Route<B, E>) -> Result<Response<CacheBody<B>>, E> {
        let Route { outcome, reason } = route;
        let (found, from) = match outcome {
            Outcome::ValueCaps(found) if self.has_asked.load(Relaxed) => (found, From::Miss),
            Outcome::ValueCaps(found) => (found, From::Hit),
            Outcome::Old(found) => (found, From::Stale),
            Outcome::Alone(response) | Outcome::Failed(response) => {
                let mut response = response?;
                self.options.pass_on(response.status(), response.headers_mut());
                let status = self.forwarded(reason, response.status(), false);
                self.signs(From::Bypass, Some(status)).mark(response.headers_mut());
                return Ok(response);
            }
            Outcome::Gone => return Ok(lost()),
        };
        // Where the cache was closed on the way, nobody has taken the response that belongs under another key.
        let aside = || lock(&self.aside).take().map(|aside| aside.response);
        let found = if found.as_page().is_some() { found } else { aside().unwrap_or(found) };
        let Some(page) = found.as_page() else { return Ok(lost()) };
        let now_ms = self.cache.clock.now_ms();
        let entry = page.times.entry(now_ms);
        let ttl = |life: Duration| life.as_secs() as i64 - entry.as_secs() as i64;
        let status = match from {
            From::Hit => kept_here(How::Hit, ttl(page.times.fresh)),
            From::Stale => kept_here(How::Stale, ttl(page.times.fresh)),
            From::Miss | From::Bypass => self.forwarded(reason, page.status, true),
        };
        Ok(answer(found, &self.signs(from, Some(status)), &self.asked, &self.options, now_ms))
    }

    fn forwarded(&self, reason: Reason, status: StatusCode, stored: bool) -> CacheStatus {
        let detail = lock(&self.refusal).map(|refusal| refusal.as_str());
        let reason = if self.had_known.load(Relaxed) { Reason::Stale } else { reason };
        let how = How::Forward(reason);
        CacheStatus { how, fwd_status: Some(status), ttl: None, stored, detail }
    }
}

fn kept_here(how: How, ttl: i64) -> CacheStatus {
    CacheStatus { how, fwd_status: None, ttl: Some(ttl), stored: false, detail: None }
}

/// A response that went elsewhere. It cannot be reached: whoever takes the response gives one.
fn lost<B: Body>() -> Response<CacheBody<B>> {
    let mut response = Response::new(CacheBody::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
