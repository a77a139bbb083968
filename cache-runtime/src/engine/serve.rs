//! Serves stored values: a value becomes the result of a call, and is counted.

use super::call::Call;
use super::entry_op::EntryOp;
use super::local_hit;
use super::lookup::Hit;
use super::snapshot::Snapshot;
use crate::codec::Decode;
use crate::observe::event_kind::EventKind;
use crate::site::outcome::{Shape, Value, rebuild, rebuild_stale};
use crate::site::value_caps::{TypedCopy, ValueCaps};

/// The result for a stored value.
pub(crate) fn served<R, S: Shape<R>>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: ValueCaps<R, S::Value>,
    hit: Hit<S::Value>,
) -> R
where
    S::Value: Value,
{
    record_hit(call, op, caps.clone, hit.value.as_ref(), &hit.snapshot);
    rebuild::<R, S>(hit.value)
}

/// Counts a hit, and inserts the value into the argument index.
pub(crate) fn record_hit<V: Decode>(
    call: Option<&Call>,
    op: &EntryOp<'_>,
    caps: Option<TypedCopy<V>>,
    value: Option<&V>,
    snapshot: &Snapshot,
) {
    match value {
        Some(value) => {
            if let Some(call) = call {
                local_hit::insert(call, op, caps, value, &snapshot.bytes);
            }
            op.record(EventKind::Hit { tier: snapshot.tier });
        }
        None => op.record(EventKind::NoneHit { tier: snapshot.tier }),
    }
}

/// The result for a value that is past its expiry.
pub(crate) fn served_stale<R, S: Shape<R>>(op: &EntryOp<'_>, value: Option<S::Value>) -> R {
    op.record(EventKind::Stale);
    rebuild_stale::<R, S>(value)
}
