//! The hit in this process that needs neither the text of the key nor decoding.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::call::Call;
use super::context::CallMode;
use super::entry_op::EntryOp;
use super::found::Found;
use crate::codec::Decode;
use crate::observe::event_kind::{EventKind, Tier};
use crate::rt::stripe;
use crate::site::typed_source::{TakeValue, TypedSource};
use crate::site::value_caps::{TypedCopy, ValueCaps};
use crate::store::memory::{CallKey, MemoryStore};
use crate::types::key::{ArgBytes, KeyEncoder};
use crate::types::windows::StaleWindows;

impl Call {
    /// Looks up the value that these arguments led to before, in this process only.
    #[inline]
    pub fn find<R, V>(&mut self, caps: ValueCaps<R, V>) -> Found<V> {
        self.find_or(caps, |_| {})
    }

    /// [`Call::find`], with the rest of the description, which only a call that asks the store needs.
    #[inline]
    pub fn find_or<R, V>(&mut self, caps: ValueCaps<R, V>, describe: impl FnOnce(&mut Self)) -> Found<V> {
        if CallMode::current() == CallMode::Normal
            && let Some(value) = typed(self, caps.clone)
        {
            return Found::Local(value);
        }
        describe(self);
        Found::Remote(self.remote())
    }

    #[cold]
    fn remote(&mut self) -> Arc<Self> {
        self.enter();
        Arc::new(self.made())
    }

    /// The arguments under which the argument index has the value, for a call with more than arguments.
    fn described_args(&self) -> Option<Cow<'_, [u8]>> {
        if self.error().is_some() || self.is_entry() {
            return None;
        }
        let args = match self.key_text() {
            Some(text) => text.as_bytes(),
            None => self.hashed_args()?.short()?.bytes,
        };
        // All calls of a function have a group, or none has one.
        Some(self.group_name().map_or(Cow::Borrowed(args), |group| {
            let len = group.len().to_ne_bytes();
            Cow::Owned([&len[..], group.as_bytes(), args].concat())
        }))
    }

    #[inline]
    fn call_key<'a>(&self, args: ArgBytes<'a>) -> CallKey<'a> {
        CallKey::new(self.site(), self.identity(), args)
    }

    /// [`TypedSource::read`] of a call with this key.
    #[inline(always)]
    fn read_at(&self, call_key: &CallKey<'_>, take: &mut TakeValue<'_>) -> bool {
        let Some(core) = self.core() else { return false };
        // Pending invalidations are per key, so the argument index cannot know about them.
        if core.is_closed() || !core.pending.is_empty() {
            return false;
        }
        let memory = core.store.as_memory().map(MemoryStore::typed);
        let near = || core.near.access(&core.store, self.policy().local)?.typed();
        let Some(index) = memory.or_else(near) else { return false };
        let stripe = stripe::index();
        let is_taken = index.read(stripe, call_key, take);
        if is_taken {
            let tier = if memory.is_some() { Tier::Store } else { Tier::Local };
            match self.site().first_counters(core.id, self.identity()) {
                Some(counters) => {
                    core.stats.record_hit(counters, stripe, tier, || self.function(), || self.whole_key());
                }
                None => self.record(core, EventKind::Hit { tier }),
            }
        }
        is_taken
    }

    /// [`TypedSource::read`] of a call with more than arguments.
    #[cold]
    fn read_described(&self, take: &mut TakeValue<'_>) -> bool {
        let args = self.described_args();
        args.is_some_and(|args| self.read_at(&self.call_key(ArgBytes::new(&args)), take))
    }
}

impl TypedSource for Call {
    /// Passes the value that these arguments led to before to `take`.
    ///
    /// Whatever a hit does that depends on no type is here, and not in the code of each function.
    fn read(&self, take: &mut TakeValue<'_>) -> bool {
        if !self.is_ordinary() {
            return self.read_described(take);
        }
        let args = self.hashed_args().and_then(KeyEncoder::short);
        args.is_some_and(|args| self.read_at(&self.call_key(args), take))
    }
}

/// The value that these arguments led to before.
#[inline]
pub(crate) fn typed<V>(call: &Call, caps: Option<TypedCopy<V>>) -> Option<V> {
    (caps?.read)(call)
}

/// Inserts a value that was decoded from `bytes` into the argument index.
pub(crate) fn insert<V: Decode>(
    call: &Call,
    op: &EntryOp<'_>,
    caps: Option<TypedCopy<V>>,
    value: &V,
    bytes: &Bytes,
) {
    let (Some(caps), Some(core)) = (caps, call.core()) else { return };
    let memory = core.store.as_memory();
    let near = if memory.is_none() { core.near.access(&core.store, op.policy.local) } else { None };
    if memory.is_none() && near.is_none() {
        return;
    }
    let Some(args) = call.described_args() else { return };
    let call_key = call.call_key(ArgBytes::new(&args));
    let clone = || {
        (caps.erase)(value).unwrap_or_else(|| {
            op.panicked("`Clone` of a value", "hits of its entry decode it");
            // No copy, but not tried again for this entry.
            Arc::new(())
        })
    };
    match memory {
        // A value with stale windows has to be checked each time; its copy in the local tier ends before they begin.
        Some(_) if op.policy.ages() || value.windows().is_some_and(StaleWindows::are_any) => {}
        Some(memory) => memory.insert_typed(&call_key, &op.key, bytes, clone),
        None => {
            if let Some(near) = near {
                near.insert_typed(&call_key, &op.key, bytes, clone);
            }
        }
    }
}
