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

    /// Records what happened to the connection to a server.
    #[cfg(feature = "redis")]
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
        if let EventKind::Hit { tier: Tier::Local } | EventKind::NoneHit { tier: Tier::Local } = kind {
            self.local_hits.add_one();
        }
        let counter = match kind {
            EventKind::Hit { .. } => &self.hits,
            EventKind::NoneHit { .. } => &self.none_hits,
            EventKind::Stale => &self.stale_hits,
            EventKind::Miss => &self.misses,
            EventKind::Stored { .. } => &self.stores,
            EventKind::Refused { .. } => &self.refusals,
            EventKind::Wait => &self.waits,
            EventKind::Bypass => &self.bypasses,
            EventKind::LeaseWait => &self.lease_waits,
            EventKind::Refresh => &self.refreshes,
            EventKind::Invalidated { .. } => &self.invalidations,
            EventKind::PendingInvalidation { .. } => &self.pending_invalidations,
            EventKind::LostInvalidation => &self.pending_invalidations_lost,
            EventKind::UnsentInvalidation => &self.deferred_unsent,
            EventKind::NotConfirmed => &self.not_confirmed,
            EventKind::Unusable => &self.unusable,
            EventKind::EncodeError => &self.encode_errors,
            EventKind::StoreError { .. } => &self.store_errors,
            EventKind::Shed => &self.shed,
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
        _ => {}
    }
}
