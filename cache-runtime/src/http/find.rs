//! The lookup of a cached response.

use std::borrow::Cow;

use ::http::Response;
use http_body::Body;

use crate::engine::call::Call;
use crate::engine::context::CallMode;
use crate::engine::decide::Stale;
use crate::engine::entry_op::EntryOp;
use crate::engine::lookup::{Hit, Lookup};
use crate::engine::serve::record_hit;
use crate::observe::event_kind::{EventKind, Tier};
use crate::site::value_caps::typed;

use super::admit::admitted;
use super::answer::not_cached;
use super::body::CacheBody;
use super::body_budget::UNCOUNTED;
use super::cached::{CachedResponse, Stored, StoredResponse};
use super::exchange::Exchange;
use super::key::{KeyVariant, ResponseKey};
use super::options::ResponseOptions;
use super::outcome::ExchangeOutcome;
use super::pass::PassStart;
use super::request::CacheRequest;
use super::rfc::cache_status::CacheStatus;
use super::rfc::preference::{StoredAge, accepts};
use super::rfc::vary;
use super::status_headers::CacheResult;
use super::storability::directives;

/// The state of a lookup without a fresh response, from which an exchange goes on.
#[derive(Default)]
pub(crate) struct Start {
    /// The variant that the index leads to.
    pub(super) variant: Option<KeyVariant>,
    /// The contents of the last key.
    pub(super) lookup: Option<Lookup<CachedResponse>>,
    /// The beginning, if nothing is stored under the first key, or if the request passes.
    pub(super) pass: Option<PassStart>,
}

impl Start {
    /// The beginning of the request, if it passes.
    #[cfg(feature = "axum")]
    pub(crate) fn passing(&self) -> Option<&PassStart> {
        self.pass.as_ref().filter(|pass| pass.passes())
    }

    /// Takes the beginning of the request, if it passes.
    pub(super) fn take_passing(&mut self) -> Option<PassStart> {
        self.pass.take_if(|pass| pass.passes())
    }

    /// The state of a request that passed.
    pub(super) fn passed(pass: PassStart) -> Box<Self> {
        Box::new(Self { pass: Some(pass), ..Self::default() })
    }
}

/// Looks for a response to a request for which any fresh one will do. Large bodies are read in turns, and counted before the
/// turn ends, so that requests for one of them do not hold a copy each.
pub(crate) async fn find(
    call: Option<&Call>,
    op: &mut EntryOp<'_>,
    request: &CacheRequest,
    options: &ResponseOptions,
) -> Result<CachedResponse, Box<Start>> {
    let core = op.core;
    let pass = PassStart::of(op, request).await;
    if pass.as_ref().is_some_and(PassStart::passes) {
        return Err(Box::new(Start { pass, ..Start::default() }));
    }
    let _turn = core.sent_bodies.turn(op.key.as_str()).await;
    let found = match find_now(call, op, request, options).await {
        Ok(found) => found,
        Err(mut start) => {
            match &start.lookup {
                Some(Lookup::Miss(_)) if start.variant.is_none() => start.pass = pass,
                // Nothing new is known.
                Some(Lookup::Unavailable(..)) => start.pass = pass.filter(PassStart::looks),
                _ => pass.iter().for_each(|pass| pass.found(op)),
            }
            return Err(start);
        }
    };
    pass.iter().for_each(|pass| pass.found(op));
    if found.body().len() <= UNCOUNTED {
        return Ok(found);
    }
    core.sent_bodies.note(op.key.as_str(), found.body().len());
    Ok(admitted(found.clone(), core, request).unwrap_or(found))
}

/// Looks for a response under the first key, or where an index leads. This is the whole way of most requests, so it allocates
/// nothing of its own. `op` is on the first key before and after.
async fn find_now(
    call: Option<&Call>,
    op: &mut EntryOp<'_>,
    request: &CacheRequest,
    options: &ResponseOptions,
) -> Result<CachedResponse, Box<Start>> {
    let lookup = op.lookup::<CachedResponse>().await;
    let variant = match lookup {
        // Not for this request, whoever stored it: the exchange removes it.
        lookup if options.varies() && has_response(&lookup) => return Err(Box::default()),
        Lookup::Fresh(Hit { value: Some(found), snapshot }) => match found.stored() {
            Stored::Response(_) => {
                record_hit(call, op, Some(typed()), Some(&found), (snapshot.tier, &snapshot.bytes));
                return Ok(found);
            }
            // By other settings: the exchange removes it.
            Stored::Index(index) if !options.are_separated_by(&index.selectors) => {
                return Err(Box::default());
            }
            Stored::Index(index) => KeyVariant::of(index, request, &op.core.credentials, options),
        },
        lookup => return Err(Box::new(Start { lookup: Some(lookup), ..Start::default() })),
    };
    if let Some(superset) = &variant.superset
        && let Lookup::Fresh(Hit { value: Some(found), snapshot }) = lookup_variant(op, superset).await
        && found.as_response().is_some_and(|stored| vary::fits(&request.headers, &stored.headers))
    {
        record_hit(None, op, None, Some(&found), (snapshot.tier, &snapshot.bytes));
        return Ok(found);
    }
    match lookup_variant(op, &variant.suffix).await {
        Lookup::Fresh(Hit { value: Some(found), snapshot }) if found.as_response().is_some() => {
            record_hit(None, op, None, Some(&found), (snapshot.tier, &snapshot.bytes));
            Ok(found)
        }
        lookup => Err(Box::new(Start { variant: Some(variant), lookup: Some(lookup), pass: None })),
    }
}

/// Looks under the key of a variant.
async fn lookup_variant(op: &mut EntryOp<'_>, suffix: &str) -> Lookup<CachedResponse> {
    let key = op.key.with_suffix(suffix);
    let first = std::mem::replace(&mut op.key, Cow::Owned(key));
    let lookup = op.lookup::<CachedResponse>().await;
    op.key = first;
    lookup
}

/// The result of [`Exchange::select`].
pub(super) enum Selection<B: Body, E> {
    /// The outcome of the request.
    Answered(ExchangeOutcome<B, E>),
    /// A new response is wanted. There may be a stale one, and whether it may be served if the service fails.
    Compute(CallMode, Option<(CachedResponse, bool)>),
}

impl<B: Body, E> Exchange<B, E> {
    /// Selects the response under a key by the directives of the request.
    /// `lookup` is the contents of the key, if they were read already.
    pub(super) async fn select(
        &self,
        op: &EntryOp<'_>,
        key: &ResponseKey,
        lookup: Option<Lookup<CachedResponse>>,
    ) -> Selection<B, E> {
        let is_plain = self.freshness.is_plain();
        // A response that is not stored is no use to those who wait, so its request does not go the common way.
        if is_plain && self.freshness.is_storable && self.is_selected(key) {
            return Selection::Compute(CallMode::Normal, None);
        }
        let wanted = self.freshness.directives.unwrap_or_default();
        let fresh = Stale { at_once: true, on_error: false };
        let lookup = match lookup {
            Some(lookup) => lookup,
            None => op.lookup().await,
        };
        let (found, tier, is_fresh, use_of_stale) = match lookup {
            Lookup::Fresh(Hit { value, snapshot }) | Lookup::Early(Hit { value, snapshot }) => {
                (value, snapshot.tier, true, fresh)
            }
            Lookup::Stale(Hit { value, snapshot }, stale) => (value, snapshot.tier, false, stale),
            Lookup::Miss(_) | Lookup::Unavailable(..) => (None, Tier::default(), false, fresh),
        };
        let compute = |mode, old| match wanted.only_if_cached {
            true => Selection::Answered(ExchangeOutcome::Uncached(Ok(self.not_cached()))),
            false => Selection::Compute(mode, old),
        };
        let mode = if self.freshness.is_refresh { CallMode::Refresh } else { CallMode::Normal };
        let Some(found) = found else { return compute(mode, None) };
        let Stored::Response(stored) = found.stored() else {
            return Selection::Answered(ExchangeOutcome::Cached(found));
        };
        if !self.is_selected(key) {
            // It was stored without its variant, so no client gets it, not even if the service fails.
            remove(key).await;
            return compute(mode, None);
        }
        if self.freshness.is_refresh {
            return Selection::Compute(CallMode::Refresh, None);
        }
        let accepts =
            accepts(&wanted, &directives(&stored.headers, self.options()), self.stored_age(stored, is_fresh));
        match (accepts || (is_plain && use_of_stale.at_once), is_fresh) {
            (true, true) => {
                op.record(EventKind::Hit { tier });
                Selection::Answered(ExchangeOutcome::Cached(found))
            }
            (true, false) => {
                op.record(EventKind::Stale);
                Selection::Answered(ExchangeOutcome::Stale(found))
            }
            // With `Normal` the stale one would be served at once.
            (false, _) if use_of_stale.at_once => compute(CallMode::Refresh, None),
            (false, _) => compute(CallMode::Normal, Some((found, use_of_stale.on_error))),
        }
    }

    /// The response to `only-if-cached` where nothing is.
    fn not_cached(&self) -> Response<CacheBody<B>> {
        not_cached(&self.status_headers(CacheResult::Miss, Some(CacheStatus::only_if_cached())))
    }

    fn stored_age(&self, stored: &StoredResponse, is_fresh: bool) -> StoredAge {
        let now_ms = self.rules.cache.clock.now_ms();
        let in_cache = stored.times.time_in_cache(now_ms);
        StoredAge {
            age: stored.times.age(now_ms),
            left: stored.times.fresh.checked_sub(in_cache).filter(|_| is_fresh),
            stale_for: in_cache.saturating_sub(stored.times.fresh),
        }
    }
}

/// Removes the entry under a key. A failure is counted, and the removal is retried later.
pub(super) async fn remove(key: &ResponseKey) {
    if let Some(op) = key.op() {
        drop(op.delete().await);
    }
}

fn has_response(lookup: &Lookup<CachedResponse>) -> bool {
    match lookup {
        Lookup::Fresh(hit) | Lookup::Early(hit) | Lookup::Stale(hit, _) => {
            hit.value.as_ref().is_some_and(|found| found.as_response().is_some())
        }
        Lookup::Miss(_) | Lookup::Unavailable(..) => false,
    }
}
