//! The TTL of a stored entry.

use std::pin::pin;
use std::time::Duration;

use super::entry_op::EntryOp;
use crate::codec::envelope;
use crate::store::{Store, StoreRead, Ttl};
use crate::types::error::Error;

impl EntryOp<'_> {
    /// The TTL of the entry; `None` when the store did not answer.
    pub(crate) async fn ttl(&self) -> Option<Ttl> {
        if self.core.pending.holds(&self.key, self.labels(), self.known_function()) {
            return Some(Ttl::Absent);
        }
        self.measure().await.ok()
    }

    async fn measure(&self) -> Result<Ttl, Error> {
        let store = &self.core.store;
        let (ttl, is_tagged) = self.ask(pin!(store.ttl(&self.key))).await?;
        let moved = self.core.clock.is_moved();
        if ttl != Ttl::Absent && (is_tagged || self.key.group().is_some() || moved) {
            // An entry of a dropped label is there until its memory is reclaimed, but can no longer be read.
            let StoreRead { bytes, stamps } = self.ask(pin!(store.read(&self.key, self.labels()))).await?;
            let opened =
                bytes.as_deref().and_then(|bytes| envelope::open(&self.key, bytes, self.core.max_value));
            return Ok(match opened {
                Some(opened) if self.check_labels(&opened, &stamps).await? => {
                    self.remaining(ttl, opened.header.hard_ms)
                }
                Some(_) | None => Ttl::Absent,
            });
        }
        Ok(ttl)
    }

    /// The rest of a TTL that ends at this time: as the store says, unless a test has moved the clock.
    pub(crate) fn remaining(&self, ttl: Ttl, end_ms: u64) -> Ttl {
        let clock = &self.core.clock;
        match ttl {
            Ttl::For(_) if clock.has_passed(end_ms) => Ttl::Absent,
            Ttl::For(_) if clock.is_moved() => {
                Ttl::For(Duration::from_millis(end_ms.saturating_sub(clock.now_ms())))
            }
            ttl => ttl,
        }
    }
}
