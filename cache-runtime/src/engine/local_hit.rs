//! The hit in this process that needs neither the text of the key nor decoding.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;

use super::call::Call;
use super::context::CallMode;
use super::core::Core;
use super::entry_op::EntryOp;
use super::found::Found;
use crate::codec::Decode;
use crate::observe::event_kind::{EventKind, Tier};
use crate::site::value_caps::{TypedCopy, ValueCaps};
use crate::store::memory::CallKey;
use crate::types::windows::StaleWindows;

impl Call {
    /// Looks up the value that these arguments led to before, in this process only.
    #[inline]
    pub fn find<R, V>(&mut self, caps: ValueCaps<R, V>) -> Found<V> {
        if self.enter() == CallMode::Normal
            && let Some(value) = typed(self, caps.clone)
        {
            return Found::Local(value);
        }
        Found::Remote(self.remote())
    }

    #[cold]
    fn remote(&mut self) -> Arc<Self> {
        Arc::new(self.made())
    }

    /// The key under which the argument index has the value: site, instance and arguments.
    #[inline]
    fn call_key(&self) -> Option<(&Arc<Core>, CallKey<'_>)> {
        if self.group_name().is_some() || self.error().is_some() || self.entry_identity().is_some() {
            return None;
        }
        let args = match self.key_text() {
            Some(text) => text.as_bytes(),
            None => self.hashed_args()?.short()?,
        };
        Some((self.core()?, CallKey::new(self.site(), self.static_identity(), args)))
    }
}

/// The value that these arguments led to before.
#[inline]
pub(crate) fn typed<V>(call: &Call, caps: Option<TypedCopy<V>>) -> Option<V> {
    let copy: fn(&(dyn Any + Send + Sync)) -> Option<V> = caps?.copy;
    let (core, call_key) = call.call_key()?;
    // Pending invalidations are per key, so the argument index cannot know about them.
    if core.is_closed() || !core.pending.is_empty() {
        return None;
    }
    let (value, tier) = match core.store.as_memory() {
        Some(memory) => (memory.typed(&call_key, copy)?, Tier::Store),
        None => {
            let near = core.near.access(&core.store, call.policy().local)?;
            (near.typed(&call_key, copy)?, Tier::Local)
        }
    };
    call.record(core, EventKind::Hit { tier });
    Some(value)
}

/// Inserts a value that was decoded from `bytes` into the argument index.
pub(crate) fn insert<V: Decode>(
    call: &Call,
    op: &EntryOp<'_>,
    caps: Option<TypedCopy<V>>,
    value: &V,
    bytes: &Bytes,
) {
    let Some(caps) = caps else { return };
    let Some((core, call_key)) = call.call_key() else { return };
    let clone = || {
        (caps.erase)(value).unwrap_or_else(|| {
            op.panicked("`Clone` of a value", "hits of its entry decode it");
            // No copy, but not tried again for this entry.
            Arc::new(())
        })
    };
    match core.store.as_memory() {
        // A value with stale windows has to be checked each time; its copy in the local tier ends before they begin.
        Some(_) if op.policy.ages() || value.windows().is_some_and(StaleWindows::are_any) => {}
        Some(memory) => memory.insert_typed(&call_key, &op.key, bytes, clone),
        None => {
            if let Some(near) = core.near.access(&core.store, op.policy.local) {
                near.insert_typed(&call_key, &op.key, bytes, clone);
            }
        }
    }
}
