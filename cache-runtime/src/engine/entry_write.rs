//! A write of one entry: from before the function that changes the data until its result is stored.

use std::pin::pin;
use std::sync::Arc;

use super::context::{ActiveWrite, Context};
use super::entry_op::EntryOp;
use super::lease::Lease;
use super::silence::silent;
use super::write::PutValue;
use crate::codec::Encode;
use crate::site::outcome::Value;
use crate::store::{FillCondition, LeaseMode};
use crate::types::error::Error;
use crate::types::expire::Expire;

/// A write that has begun. Dropping it leaves the entry as it is.
pub(crate) struct EntryWrite {
    /// `None` if the store did not give one.
    lease: Option<Lease>,
    /// The store did not answer, and a call waits for it once.
    is_silent: bool,
    /// The moment of its begin, for pending invalidations.
    began: u64,
    active: Option<Arc<ActiveWrite>>,
}

impl EntryWrite {
    /// A write whose entry is not known; its end reports why.
    pub(crate) fn without_entry() -> Self {
        Self { lease: None, is_silent: false, began: 0, active: None }
    }

    /// Runs the function of this write: what it puts into the entry itself is stored under the lease of the write.
    pub(crate) async fn run<F: Future>(&self, function: F) -> F::Output {
        Context::writing(self.active.clone()).scope(pin!(function)).await
    }
}

impl EntryOp<'_> {
    /// Begins a write. No reader waits for it, and the entry stays readable. An invalidation, another write or the lease of a
    /// reader that come in between end its lease.
    pub(crate) async fn begin_write(&self) -> EntryWrite {
        if self.policy.late_tags || !self.core.is_enabled || Context::deferred().is_some() {
            // Its end removes the entry.
            return EntryWrite::without_entry();
        }
        let began = self.core.pending.begin();
        // A failure is counted; without a lease, the end of the write removes the entry.
        let lease = self.lease(LeaseMode::Write, &[]).await.ok().and_then(Result::ok);
        let active = lease
            .as_ref()
            .map(|lease| ActiveWrite::new(self.core.id, self.key.as_str(), *lease.token(), lease.stamps()));
        EntryWrite { lease, is_silent: self.silence.get().is_noted(), began, active }
    }

    /// Ends a write with its result, which is stored if the lease is still there. Else something happened meanwhile, and the
    /// result may be older than what others have written: the entry is removed.
    ///
    /// # Errors
    /// As [`EntryOp::put`].
    pub(crate) async fn end_write<V: Value>(
        &self,
        write: EntryWrite,
        value: Option<&V>,
        expire: Expire,
    ) -> Result<(), Error> {
        if let Some(error) = value.and_then(|value| self.check_put(value)) {
            // The stored value is older.
            return Err(Error::unless_carried_out(self.delete().await).err().unwrap_or(error));
        }
        if self.defer_removal() {
            return Ok(());
        }
        let value = PutValue::of_result(value, expire, self.core.max_value);
        Box::pin(self.guarded(self.store_or_remove(write, value))).await
    }

    async fn store_or_remove<V: Encode + ?Sized>(
        &self,
        write: EntryWrite,
        value: PutValue<'_, V>,
    ) -> Result<(), Error> {
        if write.is_silent {
            self.core.flights.void(self.key.as_str());
            return Err(self.retry_later(silent()));
        }
        let Some(lease) = write.lease else { return Error::unless_carried_out(self.remove().await) };
        let condition =
            FillCondition { token: Some(lease.token()), stamps: lease.stamps(), keeps_write: false };
        if self.fill_or_remove(value, condition).await? {
            self.core.pending.commit(&self.invalidation(), write.began);
        }
        lease.settle();
        Ok(())
    }

    /// Stores a value under a lease that a write already holds.
    pub(super) async fn put_within_write<V: Encode + ?Sized>(
        &self,
        write: &ActiveWrite,
        value: PutValue<'_, V>,
    ) -> Result<(), Error> {
        let condition = FillCondition { token: Some(&write.token), stamps: &write.stamps, keeps_write: true };
        self.fill_or_remove(value, condition).await.map(drop)
    }

    /// Stores a value, or removes the entry if the lease is gone or the value cannot be stored; returns whether it is stored.
    async fn fill_or_remove<V: Encode + ?Sized>(
        &self,
        value: PutValue<'_, V>,
        condition: FillCondition<'_>,
    ) -> Result<bool, Error> {
        self.core.flights.void(self.key.as_str());
        match self.fill_value(value, condition).await {
            Ok(true) => Ok(true),
            Ok(false) => Error::unless_carried_out(self.remove().await).map(|()| false),
            Err(error @ (Error::Encode { .. } | Error::TooLarge { .. })) => {
                Err(Error::unless_carried_out(self.remove().await).err().unwrap_or(error))
            }
            Err(error) => Err(self.retry_later(error)),
        }
    }
}
