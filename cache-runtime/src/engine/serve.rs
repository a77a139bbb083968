//! Serves stored values: a value becomes the result of a call, and is counted.

use bytes::Bytes;

use super::call::Call;
use super::entry_op::EntryOp;
use super::local_hit;
use super::lookup::Hit;
use crate::codec::Decode;
use crate::observe::event_kind::{EventKind, Tier};
use crate::site::outcome::{Shape, Value, rebuild, rebuild_stale};
use crate::site::value_caps::{TypedCopy, ValueCaps};

/// The result for a stored value.
#[inline]
pub(crate) fn served<R, S: Shape<R>>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    hit: Hit<S::Value>,
) -> R
where
    S::Value: Value,
{
    record_hit(call, op, caps.clone, hit.value.as_ref(), (hit.snapshot.tier, &hit.snapshot.bytes));
    rebuild::<R, S>(hit.value)
}

/// Counts a hit in this tier, and inserts the value, which was decoded from `bytes`, into the argument index.
#[inline]
pub(crate) fn record_hit<V: Decode>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: Option<TypedCopy<V>>,
    value: Option<&V>,
    (tier, bytes): (Tier, &Bytes),
) {
    match value {
        Some(value) => {
            if let Some(call) = call {
                local_hit::insert(call, op, caps, value, bytes);
            }
            op.record(EventKind::Hit { tier });
        }
        None => op.record(EventKind::NoneHit { tier }),
    }
}

/// The result for a value that is past its expiry.
pub(crate) fn served_stale<R, S: Shape<R>>(op: &EntryOp<'_>, value: Option<S::Value>) -> R {
    op.record(EventKind::Stale);
    rebuild_stale::<R, S>(value)
}
