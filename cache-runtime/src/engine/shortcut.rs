//! Shortcut: the hit of the memory tier that needs neither key text nor decoding.

use std::any::Any;

use bytes::Bytes;

use crate::call::{Call, Trip};
use crate::outcome::Typed;
use crate::stats::count;
use crate::trace;

/// The value that these very arguments led to before.
#[inline]
pub(crate) fn typed<V>(call: &Call, kept: Option<Typed<V>>) -> Option<V> {
    let copy: fn(&(dyn Any + Send + Sync)) -> Option<V> = kept?.copy;
    let (inner, front) = call.front()?;
    let memory = inner.tier.as_memory()?;
    if inner.is_closed() {
        return None;
    }
    let value = memory.typed(&front, copy)?;
    let counters = call.counters(inner);
    count(&counters.hits);
    trace::hit(call.label());
    Some(value)
}

/// Remembers a value that was decoded from `bytes`.
pub(crate) fn seat<V>(call: &Call, trip: &Trip<'_>, kept: Option<Typed<V>>, value: &V, bytes: &Bytes) {
    let Some(kept) = kept else { return };
    // What grows old has to be looked at each time.
    if trip.policy.ages() {
        return;
    }
    let Some((inner, front)) = call.front() else { return };
    if let Some(memory) = inner.tier.as_memory() {
        memory.seat(&front, &trip.key, bytes, || (kept.seat)(value));
    }
}
