//! Requests that pass the cache: nothing is stored under their key and the last response was not cached, so the service is
//! called without a lookup, and no other request waits.

use std::pin::pin;

use coarsetime::Instant;
use http::Response;
use http_body::Body;

use crate::engine::context::{CallMode, Context};
use crate::engine::entry_op::EntryOp;
use crate::engine::flight::{Leader, Role};
use crate::engine::lease::Lease;
use crate::engine::passing::{LookGuard, PassingEpoch, PassingWay};
use crate::engine::snapshot::Snapshot;
use crate::observe::event_kind::EventKind;
use crate::store::{LeaseMode, Store};
use crate::types::stamp::CurrentStamps;

use super::options::ResponseOptions;
use super::request::CacheRequest;
use super::rfc::cache_status::{CacheStatus, ForwardReason};
use super::rfc::storable::Refusal;
use super::rfc::vary;
use super::status_headers::{CacheResult, StatusHeaders};
use super::storability::{DeclaredExpiry, body_refusal, storability};

/// The moment before the lookup or the computation of a request after which others may pass.
pub(crate) struct PassStart {
    began: Instant,
    epoch: PassingEpoch,
    /// The request passes.
    passes: bool,
    /// The other requests pass meanwhile.
    look: Option<LookGuard>,
    /// The stamps of the labels, for a request that passes a store of this process alone.
    stamps: CurrentStamps,
}

impl PassStart {
    /// The beginning of a request for which any fresh response will do.
    pub(super) async fn of(op: &EntryOp<'_>, request: &CacheRequest) -> Option<Self> {
        if !request.is_storable() {
            return None;
        }
        let (is_shared, mut stamps) = (op.core.store.is_shared(), CurrentStamps::default());
        let (epoch, passes, look) = match op.core.flights.passing.way(op.key.as_str(), is_shared) {
            PassingWay::Usual(epoch) => (epoch, false, None),
            PassingWay::Looks(epoch, look) => (epoch, false, Some(look)),
            PassingWay::Passes(epoch) => (epoch, true, None),
        };
        if passes && !is_shared && op.labels().iter().next().is_some() {
            // Read before the computation begins.
            stamps = op.core.store.stamps(op.labels()).await.ok()?;
        }
        Some(Self { began: op.core.clock.coarse(), epoch, passes, look, stamps })
    }

    /// Returns whether the request passes.
    pub(crate) fn passes(&self) -> bool {
        self.passes
    }

    /// Returns whether other requests pass because this one looks.
    pub(super) fn looks(&self) -> bool {
        self.look.is_some()
    }

    /// The lookup found something, so that no request is to pass.
    pub(super) fn found(&self, op: &EntryOp<'_>) {
        if self.looks() {
            op.core.flights.passing.remove(op.key.as_str());
        }
    }

    /// Runs the service for this request, which passes.
    pub(crate) async fn run<T>(&self, op: &EntryOp<'_>, service: impl Future<Output = T>) -> T {
        op.record(EventKind::Miss);
        if CallMode::current() == CallMode::Normal {
            return service.await;
        }
        Context::computing(op.core.id, op.key.as_str(), None).scope(pin!(service)).await
    }

    /// The response for the client of this request if the response is not cached, with the headers that say so; else the
    /// response as the service made it.
    pub(crate) fn passed<B: Body>(
        &self,
        op: &EntryOp<'_>,
        (request, options): (&CacheRequest, &ResponseOptions),
        declared: &DeclaredExpiry,
        response: Response<B>,
    ) -> Result<Response<B>, Response<B>> {
        let (mut parts, body) = response.into_parts();
        let refusal = if parts.status.is_server_error() && !options.obey_origin {
            Some(Refusal::Status)
        } else {
            let received_ms = op.core.clock.now_ms();
            let took_ms = op.core.clock.coarse().duration_since(self.began).as_millis();
            let span = (received_ms.saturating_sub(took_ms), received_ms);
            let verdict = storability(request, (options, &op.core.credentials), declared, &parts, span);
            verdict.err().or_else(|| body_refusal(&parts.headers, body.size_hint().lower(), options))
        };
        let Some(refusal) = refusal else { return Err(Response::from_parts(parts, body)) };
        op.refused("for its caller only");
        self.refused(op, Some(refusal));
        options.count_refusal(op.function, refusal, &parts);
        vary::add(&mut parts.headers, &options.vary);
        options.pass_on(parts.status, &mut parts.headers);
        let status = CacheStatus::forwarded(ForwardReason::UriMiss, parts.status);
        let status = CacheStatus { detail: Some(refusal.as_str()), ..status };
        let status = Some(status).filter(|_| options.adds_cache_status);
        let (result, field) = (CacheResult::Bypass, &op.core.status_field);
        StatusHeaders { result, field, status }.add(&mut parts.headers);
        Ok(Response::from_parts(parts, body))
    }

    /// The service of this request, which passes, failed.
    pub(crate) fn failed(&self, op: &EntryOp<'_>) {
        op.refused("Err");
        self.refused(op, None);
    }

    /// Lets other requests for the key pass: the response to this one was not cached. A refusal of one client says nothing
    /// about the others.
    pub(super) fn refused(&self, op: &EntryOp<'_>, refusal: Option<Refusal>) {
        if !refusal.is_some_and(Refusal::is_of_one_client) {
            let took = op.core.clock.coarse().duration_since(self.began);
            op.core.flights.passing.extend(op.key.as_str(), self.epoch, took.into());
        }
    }

    /// Takes the right to store the response of this request, which passed, if no invalidation since its beginning can have
    /// been missed: in a store of this process alone, where all of them are known.
    pub(super) async fn claim(&self, op: &EntryOp<'_>) -> Option<(Leader, Lease)> {
        if op.core.store.is_shared() {
            return None;
        }
        let claimed = self.claim_now(op).await;
        if claimed.is_none() {
            // The key was changed, or another request computes: the next one looks.
            op.core.flights.passing.remove(op.key.as_str());
        }
        claimed
    }

    async fn claim_now(&self, op: &EntryOp<'_>) -> Option<(Leader, Lease)> {
        let (key, flights) = (op.key.as_str(), &op.core.flights);
        let snapshot = Snapshot { tick: flights.tick(key), is_blind: true, ..Snapshot::default() };
        let Role::Lead(mut leader) = flights.join(key, &snapshot, 0) else { return None };
        let lease = op.lease(LeaseMode::Miss, &[]).await.ok()?.ok()?;
        leader.begins(lease.basis());
        // An invalidation before this moment is seen here. One that comes later ends the lease, or changes the stamps of the
        // lease.
        let stamps = op.core.store.stamps(op.labels()).await.ok()?;
        let is_current = stamps == self.stamps && flights.passing.is_unchanged(key, self.epoch);
        (is_current && !leader.is_void()).then_some((leader, lease))
    }
}
