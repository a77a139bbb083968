//! Shortcut: the hit in this process that needs neither key text nor decoding.

use std::any::Any;

use bytes::Bytes;

use crate::codec::Decode;
use crate::engine::call::Call;
use crate::engine::entry_op::EntryOp;
use crate::observe::stats::count;
use crate::observe::trace;
use crate::site::outcome::TypedCopy;
use crate::types::windows::StaleWindows;

/// The value that these very arguments led to before.
#[inline]
pub(crate) fn typed<V>(call: &Call, caps: Option<TypedCopy<V>>) -> Option<V> {
    let copy: fn(&(dyn Any + Send + Sync)) -> Option<V> = caps?.copy;
    let (core, call_key) = call.call_key()?;
    // Which keys an invalidation is due for, keys alone tell.
    if core.is_closed() || !core.pending.is_empty() {
        return None;
    }
    let value = match core.store.as_memory() {
        Some(memory) => memory.typed(&call_key, copy)?,
        None => {
            let value = core.near.access(&core.store, call.policy().local)?.typed(&call_key, copy)?;
            count(&call.counters(core).local_hits);
            value
        }
    };
    count(&call.counters(core).hits);
    trace::hit(|| call.label());
    Some(value)
}

/// Remembers a value that was decoded from `bytes`.
pub(crate) fn insert<V: Decode>(
    call: &Call,
    op: &EntryOp<'_>,
    caps: Option<TypedCopy<V>>,
    value: &V,
    bytes: &Bytes,
) {
    let Some(caps) = caps else { return };
    let Some((core, call_key)) = call.call_key() else { return };
    match core.store.as_memory() {
        // What grows old has to be looked at each time; a copy of it in the local tier ends before it does.
        Some(_) if op.policy.ages() || value.windows().is_some_and(StaleWindows::are_any) => {}
        Some(memory) => memory.insert_typed(&call_key, &op.key, bytes, || (caps.erase)(value)),
        None => {
            if let Some(near) = core.near.access(&core.store, op.policy.local) {
                near.insert_typed(&call_key, &op.key, bytes, || (caps.erase)(value));
            }
        }
    }
}
