//! Recording: the only way to a count, a trace event or an event for subscribers.

use super::event_kind::{EventKind, Tier};
use super::stats::{Counters, Registry};
use super::trace;

/// The function that something is recorded for, with its counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) counters: &'a Counters,
    pub(crate) function: &'a str,
}

impl Registry {
    /// Records what happened to a function. `key` is the whole key of the entry, or what an invalidation named.
    #[inline]
    pub(crate) fn record(&self, row: Row<'_>, key: Option<&str>, kind: EventKind) {
        self.record_with(row.counters, kind, || row.function, || key.map(str::to_owned));
    }

    /// [`Registry::record`] of a call that need not know its name and its key.
    #[inline]
    #[cfg_attr(
        not(feature = "events"),
        expect(clippy::unused_self, clippy::needless_pass_by_value, reason = "with `events` they are used")
    )]
    pub(crate) fn record_with<'f>(
        &self,
        counters: &Counters,
        kind: EventKind,
        function: impl Fn() -> &'f str,
        key: impl FnOnce() -> Option<String>,
    ) {
        counters.count(&kind);
        trace(&kind, &function);
        #[cfg(feature = "events")]
        if self.events.has_subscribers() {
            self.events.send(function(), key, kind);
        }
        #[cfg(not(feature = "events"))]
        let _ = key;
    }

    /// [`Registry::record_with`] of a hit on a thread of this stripe, without the choice among all kinds.
    #[inline(always)]
    #[cfg_attr(not(feature = "events"), expect(clippy::unused_self, reason = "with `events` it is used"))]
    pub(crate) fn record_hit<'f>(
        &self,
        counters: &Counters,
        stripe: usize,
        tier: Tier,
        function: impl Fn() -> &'f str,
        key: impl FnOnce() -> Option<String>,
    ) {
        let here = counters.at(stripe);
        match tier {
            Tier::Local => here.local_hits.add_one(),
            Tier::Store => here.hits.add_one(),
        }
        trace::hit(&function);
        #[cfg(feature = "events")]
        if self.events.has_subscribers() {
            self.events.send(function(), key, EventKind::Hit { tier });
        }
        #[cfg(not(feature = "events"))]
        let _ = key;
    }

    /// Records what happened to the connection to a server.
    #[cfg(feature = "redis")]
    #[cfg_attr(not(feature = "events"), expect(clippy::unused_self, reason = "with `events` it is used"))]
    pub(crate) fn record_server(&self, kind: impl FnOnce() -> EventKind) {
        #[cfg(feature = "events")]
        if self.events.has_subscribers() {
            self.events.send_unnamed(kind());
        }
        #[cfg(not(feature = "events"))]
        let _ = kind;
    }
}

impl Counters {
    #[inline]
    fn count(&self, kind: &EventKind) {
        let here = self.here();
        let counter = match kind {
            EventKind::Hit { tier: Tier::Local } => &here.local_hits,
            EventKind::Hit { .. } => &here.hits,
            EventKind::NoneHit { tier: Tier::Local } => &here.local_none_hits,
            EventKind::NoneHit { .. } => &here.none_hits,
            EventKind::Stale => &here.stale_hits,
            EventKind::Miss => &here.misses,
            EventKind::Stored { .. } => &here.stores,
            EventKind::Refused { .. } => &here.refusals,
            EventKind::Wait => &here.waits,
            EventKind::Bypass => &here.bypasses,
            EventKind::LeaseWait => &here.lease_waits,
            EventKind::Refresh => &here.refreshes,
            EventKind::Invalidated { .. } => &here.invalidations,
            EventKind::PendingInvalidation { .. } => &here.pending_invalidations,
            EventKind::LostInvalidation => &here.pending_invalidations_lost,
            EventKind::UnsentInvalidation => &here.deferred_unsent,
            EventKind::NotConfirmed => &here.not_confirmed,
            EventKind::Unusable => &here.unusable,
            EventKind::EncodeError => &here.encode_errors,
            EventKind::StoreError { .. } => &here.store_errors,
            EventKind::Shed => &here.shed,
            #[cfg(feature = "rate_limit")]
            EventKind::LimitAllowed => &here.limit_allowed,
            #[cfg(feature = "rate_limit")]
            EventKind::LimitRefused => &here.limit_refused,
            #[cfg(feature = "rate_limit")]
            EventKind::LimitOutage => &here.limit_outages,
            EventKind::Breaker { .. } | EventKind::Push { .. } | EventKind::Lagged { .. } => return,
        };
        counter.add_one();
    }
}

#[inline]
fn trace<'f>(kind: &EventKind, function: &impl Fn() -> &'f str) {
    match kind {
        EventKind::Hit { .. } | EventKind::NoneHit { .. } => trace::hit(function),
        EventKind::Stale => trace::stale(function()),
        EventKind::Miss => trace::miss(function()),
        EventKind::Stored { bytes, .. } => trace::store(function(), *bytes),
        EventKind::Refused { reason } => trace::refuse(function(), reason),
        EventKind::StoreError { error } => trace::store_error(function(), error),
        EventKind::Shed => trace::shed(function()),
        #[cfg(feature = "rate_limit")]
        EventKind::LimitRefused => trace::refuse(function(), "more than the limit"),
        _ => {}
    }
}
