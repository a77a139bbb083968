//! Results that were cached in the process while Redis is unavailable.

use bytes::Bytes;

use super::decide::{EntryState, verdict};
use super::entry_op::EntryOp;
use super::lookup::{Hit, times};
use super::snapshot::Snapshot;
use crate::codec::Decode;
use crate::codec::envelope;
use crate::observe::event_kind::Tier;
use crate::rt::stack::BoxFuture;
use crate::types::breaker::Breaker;
use crate::types::windows::StaleWindows;

impl EntryOp<'_> {
    /// Returns whether results go to the fallback now: not when the store answers and only has a pending invalidation.
    pub(crate) fn uses_fallback(&self, snapshot: &Snapshot) -> bool {
        self.core.outage.is_on() && (snapshot.is_blind || self.core.store.breaker() != Breaker::Closed)
    }

    fn fallback_bytes(&self) -> BoxFuture<'_, Option<Bytes>> {
        Box::pin(self.core.outage.read(&self.key, self.labels()))
    }

    /// The result that was cached in this process since the store became unavailable.
    pub(crate) async fn fallback<V: Decode>(&self) -> Option<Hit<V>> {
        let bytes = self.fallback_bytes().await?;
        let opened = envelope::open(&self.key, &bytes, V::limit(self.core.max_value))?;
        if !matches!(
            verdict(times(&opened), || self.core.clock.now_ms(), StaleWindows::default(), self.policy),
            EntryState::Fresh | EntryState::Early
        ) {
            return None;
        }
        let value =
            if opened.header.none && opened.is::<V>() { None } else { Some(opened.decode(&bytes).ok()?) };
        Some(Hit { value, snapshot: Snapshot { bytes, tier: Tier::Local, ..Snapshot::default() } })
    }
}
