//! Shortcut: the hit in this process that needs neither key text nor decoding.

use std::any::Any;

use bytes::Bytes;

use crate::call::{Call, Trip};
use crate::codec::Decode;
use crate::engine::Windows;
use crate::outcome::Typed;
use crate::stats::count;
use crate::trace;

/// The value that these very arguments led to before.
#[inline]
pub(crate) fn typed<V>(call: &Call, kept: Option<Typed<V>>) -> Option<V> {
    let copy: fn(&(dyn Any + Send + Sync)) -> Option<V> = kept?.copy;
    let (inner, front) = call.front()?;
    // Which keys an invalidation is due for, keys alone tell.
    if inner.is_closed() || !inner.overdue.is_empty() {
        return None;
    }
    let value = match inner.tier.as_memory() {
        Some(memory) => memory.typed(&front, copy)?,
        #[cfg(feature = "redis")]
        None => {
            let value = inner.near.beside(&inner.tier, call.policy().local)?.typed(&front, copy)?;
            count(&call.counters(inner).local_hits);
            value
        }
        #[cfg(not(feature = "redis"))]
        None => return None,
    };
    count(&call.counters(inner).hits);
    trace::hit(|| call.label());
    Some(value)
}

/// Remembers a value that was decoded from `bytes`.
pub(crate) fn seat<V: Decode>(
    call: &Call,
    trip: &Trip<'_>,
    kept: Option<Typed<V>>,
    value: &V,
    bytes: &Bytes,
) {
    let Some(kept) = kept else { return };
    let Some((inner, front)) = call.front() else { return };
    match inner.tier.as_memory() {
        // What grows old has to be looked at each time; a copy of it in the local tier ends before it does.
        Some(_) if trip.policy.ages() || value.windows().is_some_and(Windows::are_any) => {}
        Some(memory) => memory.seat(&front, &trip.key, bytes, || (kept.seat)(value)),
        #[cfg(feature = "redis")]
        None => {
            if let Some(beside) = inner.near.beside(&inner.tier, trip.policy.local) {
                beside.seat(&front, &trip.key, bytes, || (kept.seat)(value));
            }
        }
        #[cfg(not(feature = "redis"))]
        None => {}
    }
}
